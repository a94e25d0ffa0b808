//! Both ways with the stock tool: what it signs verifies here, what is signed here verifies there.

use breakglass_format::statement::Kind;
use breakglass_statement::{PublicKey, SignatureError, SshSig};

use crate::{
    attacks::recovered,
    keys::TestKey,
    stock::{Question, keygen, verify},
    world::now,
};

const NAMESPACE: &str = Kind::Act.namespace();

#[test]
fn what_ssh_keygen_signs_verifies_here() {
    let test = "what_ssh_keygen_signs_verifies_here";
    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256")] {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        let key = key.to_str().unwrap();
        let message = dir.path().join("message");
        std::fs::write(&message, b"{\"a\":1}").unwrap();
        let make = [
            "-q", "-t", kind, "-b", bits, "-N", "", "-C", "x y", "-f", key,
        ];
        let Some(made) = keygen(test, &make, None) else {
            return;
        };
        made.unwrap();
        let sign = [
            "-q",
            "-Y",
            "sign",
            "-f",
            key,
            "-n",
            NAMESPACE,
            message.to_str().unwrap(),
        ];
        keygen(test, &sign, None).unwrap().unwrap();
        let armoured = std::fs::read_to_string(dir.path().join("message.sig")).unwrap();
        let line = std::fs::read_to_string(format!("{key}.pub")).unwrap();
        let public = PublicKey::from_line(&line).unwrap();

        let signature = SshSig::from_armoured(&armoured).unwrap();
        assert!(
            signature
                .verify(&public, NAMESPACE, b"{\"a\":1}", &[])
                .is_ok(),
            "{kind}"
        );
        assert_eq!(
            signature.verify(&public, NAMESPACE, b"{\"a\":2}", &[]),
            Err(SignatureError::Invalid)
        );
        let listed = keygen(test, &["-l", "-f", &format!("{key}.pub")], None)
            .unwrap()
            .unwrap();
        assert!(listed.contains(public.fingerprint().as_str()), "{listed}");
    }
}

#[test]
fn what_is_signed_here_ssh_keygen_verifies() {
    let keys = [
        TestKey::ed25519(1),
        TestKey::ecdsa(3),
        TestKey::sk_ed25519(7),
        TestKey::passkey(8),
    ];
    for key in keys {
        let armoured = key.sign(NAMESPACE, b"text");
        let allowed = format!("alice namespaces=\"{NAMESPACE}\" {}\n", key.public.line());
        let question = Question {
            allowed_signers: &allowed,
            principal: "alice",
            namespace: NAMESPACE,
            armoured: &armoured,
            message: b"text",
            at: now(),
        };
        let Some(good) = verify("what_is_signed_here_ssh_keygen_verifies", &question) else {
            return;
        };
        assert!(good.unwrap().contains(key.fingerprint().as_str()));
        let bad = Question {
            message: b"other",
            ..question
        };
        assert!(verify("", &bad).unwrap().is_err());
    }
}

/// Why the fingerprint stands in the signed text: the stock tool counts one signature twice.
#[test]
fn ssh_keygen_takes_one_signature_for_two_peoples() {
    let key = TestKey::ecdsa(3);
    let armoured = key.sign(NAMESPACE, b"text");
    let mallory = recovered(&armoured, b"text");
    let forged = mallory.to_armoured();
    let allowed = format!("mallory {}\n", mallory.key().line());
    let question = Question {
        allowed_signers: &allowed,
        principal: "mallory",
        namespace: NAMESPACE,
        armoured: &forged,
        message: b"text",
        at: now(),
    };
    let Some(fooled) = verify("ssh_keygen_takes_one_signature_for_two_peoples", &question) else {
        return;
    };
    assert!(fooled.is_ok(), "{fooled:?}");
}
