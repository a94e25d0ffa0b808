//! What a browser, or who pretends to be one, can put beside a passkey's signature.

use breakglass_format::statement::{Kind, Statement as _};
use breakglass_statement::{
    ClientDataError, Presence, SignatureError, SshSig, StatementError, to_be_signed,
    verify_approval,
};

use crate::{
    keys::{Assertion, ORIGIN},
    world::World,
};

fn approve(as_: &Assertion) -> Result<Presence, SignatureError> {
    let world = World::new();
    let bytes = world.approval(&world.pia).to_bytes().unwrap();
    let armoured = world
        .pia
        .key()
        .sign_as(Kind::Approval.namespace(), &bytes, as_);
    let request = world.request().to_bytes().unwrap();
    match verify_approval(&bytes, &armoured, &request, &world.set) {
        Ok(approval) => Ok(approval.evidence().clone()),
        Err(StatementError::Signature(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

fn tail(tail: &str) -> Result<Presence, SignatureError> {
    let tail = tail.to_owned();
    approve(&Assertion {
        tail,
        ..Assertion::default()
    })
}

#[test]
fn what_browsers_write_is_accepted() {
    let honest = Presence {
        user_present: true,
        user_verified: true,
        browser: Some(ORIGIN.to_owned()),
        counter: 7,
    };
    assert_eq!(approve(&Assertion::default()), Ok(honest));
    for good in [
        "}",
        r#","crossOrigin":false,"other_keys_can_be_added_here":"do not compare clientDataJSON against a template. See https://goo.gl/yabPex"}"#,
    ] {
        assert!(tail(good).is_ok(), "{good}");
    }
    let unverified = approve(&Assertion {
        flags: 0x01,
        ..Assertion::default()
    })
    .unwrap();
    assert!(!unverified.user_verified);
    // A passkey that is synchronised says so with two more flags.
    assert!(
        approve(&Assertion {
            flags: 0x1d,
            ..Assertion::default()
        })
        .is_ok()
    );
    let extensions = b"\xa1\x63prf\xf5".to_vec();
    assert!(
        approve(&Assertion {
            flags: 0x85,
            extensions,
            ..Assertion::default()
        })
        .is_ok()
    );
}

#[test]
fn a_page_of_another_origin() {
    for origin in [
        "https://evil.example",
        "https://bg.example.evil.example",
        "http://bg.example",
    ] {
        let origin = origin.to_owned();
        let got = approve(&Assertion {
            origin: origin.clone(),
            ..Assertion::default()
        });
        assert_eq!(got, Err(SignatureError::Origin { got: origin }));
    }
}

#[test]
fn an_origin_that_brings_members_of_its_own() {
    let origin = r#"https://evil.example","x":""#.to_owned();
    let got = approve(&Assertion {
        origin,
        ..Assertion::default()
    });
    assert_eq!(got, Err(ClientDataError::Prefix.into()));
}

#[test]
fn a_page_framed_by_another() {
    for framed in [
        r#","crossOrigin":true}"#,
        r#","crossOrigin":"no"}"#,
        r#","x":1,"crossOrigin":true}"#,
        r#","crossOrigin":false,"topOrigin":"https://evil.example"}"#,
    ] {
        assert_eq!(
            tail(framed),
            Err(ClientDataError::CrossOrigin.into()),
            "{framed}"
        );
    }
}

#[test]
fn client_data_that_readers_disagree_on() {
    for twice in [
        r#","crossOrigin":true,"crossOrigin":false}"#,
        r#","\u0063rossOrigin":true,"crossOrigin":false}"#,
        r#","origin":"https://evil.example"}"#,
        r#","challenge":"AAAA"}"#,
        r#","type":"webauthn.create"}"#,
    ] {
        assert_eq!(
            tail(twice),
            Err(ClientDataError::Ambiguous.into()),
            "{twice}"
        );
    }
    for none in [
        "",
        ",",
        r#","crossOrigin":false"#,
        r#","crossOrigin":false}}"#,
        "} ",
    ] {
        let got = tail(none);
        let refused = matches!(
            got,
            Err(SignatureError::ClientData(
                ClientDataError::NotJson | ClientDataError::Prefix
            ))
        );
        assert!(refused, "{none}: {got:?}");
    }
}

#[test]
fn the_answer_to_another_challenge() {
    let challenge = Some(to_be_signed(Kind::Approval.namespace(), b"something else"));
    let got = approve(&Assertion {
        challenge,
        ..Assertion::default()
    });
    assert_eq!(got, Err(ClientDataError::Prefix.into()));
}

#[test]
fn a_signature_for_another_relying_party() {
    let rp_id = Some("evil.example");
    let got = approve(&Assertion {
        rp_id,
        ..Assertion::default()
    });
    assert_eq!(got, Err(SignatureError::Invalid));
}

#[test]
fn flags_that_do_not_fit() {
    let flags = 0x04;
    let got = approve(&Assertion {
        flags,
        ..Assertion::default()
    });
    assert_eq!(got, Err(SignatureError::NotPresent { flags }));
    for (flags, extensions) in [(0x45, Vec::new()), (0x85, Vec::new()), (0x05, vec![0xa0])] {
        let count = extensions.len();
        let got = approve(&Assertion {
            flags,
            extensions,
            ..Assertion::default()
        });
        let wrong = SignatureError::Flags {
            flags,
            extensions: count,
        };
        assert_eq!(got, Err(wrong));
    }
}

/// A passkey's signature without client data would count as one not made in a browser.
#[test]
fn a_passkey_that_signs_outside_a_browser() {
    let world = World::new();
    let bytes = world.approval(&world.pia).to_bytes().unwrap();
    let namespace = Kind::Approval.namespace();
    let key = world.pia.key();
    let blob = key.token_blob(&to_be_signed(namespace, &bytes), &Assertion::default());
    let signature = SshSig::pack_agent_signature(&key.public, namespace, &blob).unwrap();
    let request = world.request().to_bytes().unwrap();
    let got = verify_approval(&bytes, &signature.to_armoured(), &request, &world.set);
    assert_eq!(
        got.unwrap_err(),
        StatementError::Signature(SignatureError::NotInBrowser)
    );
}
