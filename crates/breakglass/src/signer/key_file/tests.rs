use breakglass_seal::{Entropy, EntropyError};
use breakglass_statement::SshSig;

use super::*;
use crate::signer::generate_ed25519;

/// Bytes that are not random at all.
struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(41);
        }
        Ok(())
    }
}

fn plain(content: &[u8]) -> PrivateKey {
    match parse(content).unwrap() {
        Parsed::Plain(key) => key,
        Parsed::NeedsSshKeygen(key) => panic!("{key:?} needs ssh-keygen"),
    }
}

#[test]
fn a_generated_key_is_read_again_and_signs() {
    let made = generate_ed25519(&mut Fixed(3), "alice@example").unwrap();
    let key = plain(made.file.as_bytes());
    let mut signer = KeyFileSigner::new(key).unwrap();
    assert_eq!(*signer.public_key(), made.public_key);
    let armoured = signer.sign(Kind::Act, b"text").unwrap();
    let signature = SshSig::from_armoured(&armoured).unwrap();
    let namespace = Kind::Act.namespace();
    signature
        .verify(&made.public_key, namespace, b"text", &[])
        .unwrap();
    assert!(
        signature
            .verify(&made.public_key, namespace, b"other", &[])
            .is_err()
    );
}

#[test]
fn nothing_of_the_secret_is_shown() {
    let made = generate_ed25519(&mut Fixed(9), "").unwrap();
    assert_eq!(format!("{:?}", made.private_key), "PrivateKey(ssh-ed25519)");
}

#[test]
fn any_altered_byte_of_the_private_section_is_noticed() {
    let made = generate_ed25519(&mut Fixed(3), "c").unwrap();
    let blob = decode(made.file.as_bytes()).unwrap();
    // The private section begins behind magic, three strings, a count and the public key.
    let start = MAGIC.len() + 8 + 8 + 4 + 4 + 4 + made.public_key.wire().len() + 4;
    for at in start..blob.len() {
        let mut altered = blob.clone();
        altered[at] ^= 1;
        let body = STANDARD.encode(&*altered);
        let text = format!("{BEGIN}\n{body}\n{END}\n");
        // The comment is the one thing that may be anything.
        let harmless = parse(text.as_bytes()).is_ok();
        assert!(!harmless || blob[at] == b'c', "byte {at}");
    }
}

#[test]
fn what_is_not_a_key_file_is_refused() {
    for wrong in [
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}
