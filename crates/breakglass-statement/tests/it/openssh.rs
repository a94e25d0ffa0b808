//! OpenSSH's own vectors.

use breakglass_format::Line;
use breakglass_statement::{Presence, PublicKey, SignatureError, SshSig};

const DATA: &[u8] = include_bytes!("../../testdata/openssh/signed-data");
const NAMESPACE: &str = include_str!("../../testdata/openssh/namespace");

macro_rules! vector {
    ($name:literal) => {
        (
            PublicKey::from_line(include_str!(concat!(
                "../../testdata/openssh/",
                $name,
                ".pub"
            )))
            .unwrap(),
            include_str!(concat!("../../testdata/openssh/", $name, ".sig")),
        )
    };
}

fn origins() -> Vec<Line> {
    vec![Line::new("https://www.mindrot.org").unwrap()]
}

#[test]
fn signatures_outside_tokens_verify() {
    for (key, armoured) in [vector!("ed25519"), vector!("ecdsa")] {
        let signature = SshSig::from_armoured(armoured).unwrap();
        let presence = signature.verify(&key, NAMESPACE, DATA, &[]);
        assert_eq!(presence, Ok(Presence::default()), "{key:?}");
        assert_eq!(signature.to_armoured(), armoured);
        let namespace = signature.verify(&key, "other", DATA, &[]);
        assert!(matches!(namespace, Err(SignatureError::Namespace { .. })));
        let message = signature.verify(&key, NAMESPACE, b"other", &[]);
        assert_eq!(message, Err(SignatureError::Invalid));
    }
}

#[test]
fn signatures_by_tokens_verify_with_their_touch() {
    for (key, armoured) in [vector!("ed25519_sk"), vector!("ecdsa_sk")] {
        let signature = SshSig::from_armoured(armoured).unwrap();
        let presence = signature.verify(&key, NAMESPACE, DATA, &[]).unwrap();
        assert!(presence.user_present, "{key:?}");
        assert_eq!(presence.browser, None);
        assert_eq!(signature.to_armoured(), armoured);
        assert_eq!(
            signature.verify(&key, NAMESPACE, DATA, &origins()),
            Err(SignatureError::NotInBrowser)
        );
    }
}

#[test]
fn the_signature_of_a_passkey_verifies_on_its_origin_only() {
    let (key, armoured) = vector!("ecdsa_sk_webauthn");
    let signature = SshSig::from_armoured(armoured).unwrap();
    assert_eq!(key.application(), "mindrot.org");
    assert_eq!(
        signature.verify(&key, NAMESPACE, DATA, &origins()),
        Ok(Presence {
            user_present: true,
            user_verified: false,
            browser: Some("https://www.mindrot.org".to_owned()),
            counter: 0x031f,
        })
    );
    for wrong in [
        "https://mindrot.org",
        "http://www.mindrot.org",
        "https://www.mindrot.org:8443",
    ] {
        let origins = [Line::new(wrong).unwrap()];
        let got = signature.verify(&key, NAMESPACE, DATA, &origins);
        assert!(matches!(got, Err(SignatureError::Origin { .. })), "{wrong}");
    }
    let got = signature.verify(&key, NAMESPACE, DATA, &[]);
    assert!(matches!(got, Err(SignatureError::Origin { .. })));
    let got = signature.verify(&key, NAMESPACE, b"other", &origins());
    assert!(got.is_err());
    assert_eq!(signature.to_armoured(), armoured);
}
