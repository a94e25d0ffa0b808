//! Private key files, both ways with stock `ssh-keygen`.

use breakglass::{
    entropy::SystemEntropy,
    signer::{KeyFileError, SignError, Signer, generate::generate_to_file, key_file, open_file},
};
use breakglass_format::statement::Kind;
use breakglass_statement::PublicKey;

use crate::ssh::{available, keygen, new_key, verifies};

#[test]
fn ssh_keygen_reads_a_key_that_we_made() {
    if !available(
        "key_files::ssh_keygen_reads_a_key_that_we_made",
        &["ssh-keygen"],
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id");
    let made = generate_to_file(&mut SystemEntropy, "alice@example", &path).unwrap();
    let printed = keygen(&["-y", "-f", path.to_str().unwrap()]).stdout;
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(PublicKey::from_line(&printed).unwrap(), made.public_key);
    assert!(printed.trim_end().ends_with("alice@example"), "{printed}");
    assert!(generate_to_file(&mut SystemEntropy, "again", &path).is_err());
}

#[test]
fn ssh_keygen_accepts_what_we_sign_with_its_keys() {
    let name = "key_files::ssh_keygen_accepts_what_we_sign_with_its_keys";
    if !available(name, &["ssh-keygen"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for kind in ["ed25519", "ecdsa"] {
        let path = new_key(dir.path(), kind, "");
        let mut signer = open_file(&path).unwrap();
        let armoured = signer.sign(Kind::Approval, b"text").unwrap();
        assert!(
            verifies(&path, Kind::Approval, b"text", &armoured),
            "{kind}"
        );
        assert!(!verifies(&path, Kind::Denial, b"text", &armoured), "{kind}");
        assert!(
            !verifies(&path, Kind::Approval, b"other", &armoured),
            "{kind}"
        );
    }
}

#[test]
fn keys_with_a_passphrase_and_rsa_keys_are_told_apart() {
    let name = "key_files::keys_with_a_passphrase_and_rsa_keys_are_told_apart";
    if !available(name, &["ssh-keygen"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let locked = new_key(dir.path(), "ed25519", "correct horse");
    let content = key_file::read(&locked).unwrap();
    let parsed = key_file::parse(&content).unwrap();
    assert!(
        matches!(parsed, key_file::Parsed::NeedsSshKeygen(_)),
        "{parsed:?}"
    );
    let rsa = new_key(dir.path(), "rsa", "");
    let refused = open_file(&rsa).map(|s| s.fingerprint());
    assert!(
        matches!(refused, Err(SignError::KeyFile(KeyFileError::Key(_)))),
        "{refused:?}"
    );
}

#[test]
fn ssh_keygen_signs_for_us_and_its_signature_is_checked() {
    let name = "key_files::ssh_keygen_signs_for_us_and_its_signature_is_checked";
    if !available(name, &["ssh-keygen"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Stock ssh-keygen asks for a passphrase on the terminal; a key without one signs at once.
    let path = new_key(dir.path(), "ed25519", "");
    let public_key = open_file(&path).unwrap().public_key().clone();
    let mut signer = breakglass::signer::SshKeygenSigner::new(path.clone(), public_key);
    let armoured = signer.sign(Kind::Act, b"text").unwrap();
    assert!(verifies(&path, Kind::Act, b"text", &armoured));

    let other = new_key(dir.path(), "ecdsa", "");
    let other = open_file(&other).unwrap().public_key().clone();
    let mut confused = breakglass::signer::SshKeygenSigner::new(path, other);
    let refused = confused.sign(Kind::Act, b"text");
    assert!(
        matches!(refused, Err(SignError::WrongKey { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id");
    generate_to_file(&mut SystemEntropy, "", &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = open_file(&path).map(|s| s.fingerprint());
    let exposed = SignError::KeyFile(KeyFileError::Exposed {
        path: path.clone(),
        mode: 0o640,
    });
    assert_eq!(refused.unwrap_err().to_string(), exposed.to_string());
}
