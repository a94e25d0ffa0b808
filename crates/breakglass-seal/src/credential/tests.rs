use proptest::prelude::*;

use super::*;

fn postgres() -> Credential {
    Credential::builder()
        .field(names::USERNAME, "bg_breakglass".to_owned())
        .and_then(|builder| builder.field(names::PASSWORD, "s3cret-Päss".to_owned()))
        .and_then(CredentialBuilder::build)
        .unwrap()
}

fn with(name: &str, value: &str) -> Result<Credential, CredentialError> {
    Credential::builder().field(name, value.to_owned())?.build()
}

#[test]
fn fields_are_ordered_by_name_and_found() {
    let credential = postgres();
    let listed: Vec<_> = credential
        .fields()
        .map(|(name, value)| (name, value.expose()))
        .collect();
    assert_eq!(
        listed,
        [("password", "s3cret-Päss"), ("username", "bg_breakglass")]
    );
    assert_eq!(
        credential.field("username").map(SecretText::expose),
        Some("bg_breakglass")
    );
    assert!(credential.field("token").is_none());
}

#[test]
fn the_byte_form_is_the_documented_one() {
    let bytes = postgres().to_bytes();
    let expected =
        b"\x01\x02\x08password\x00\x0cs3cret-P\xc3\xa4ss\x08username\x00\x0dbg_breakglass";
    assert_eq!(bytes.as_slice(), expected);
    assert_eq!(bytes.len(), bytes.capacity());
    assert_eq!(Credential::from_bytes(&bytes).unwrap(), postgres());
}

#[test]
fn equality_sees_names_values_and_number_of_fields() {
    let a = with("password", "aaaa").unwrap();
    assert_eq!(a, with("password", "aaaa").unwrap());
    assert_ne!(a, with("password", "aaab").unwrap());
    assert_ne!(a, with("password", "aaaaa").unwrap());
    assert_ne!(a, with("token", "aaaa").unwrap());
    assert_ne!(a, postgres());
}

#[test]
fn debug_shows_names_only() {
    let shown = format!("{:?} {:#?}", postgres(), postgres().field("password"));
    assert!(
        shown.starts_with("Credential {\"password\", \"username\"}"),
        "{shown}"
    );
    assert!(
        !shown.contains("s3cret") && !shown.contains("bg_"),
        "{shown}"
    );
    let builder = Credential::builder()
        .field("password", "s3cret".to_owned())
        .unwrap();
    assert!(!format!("{builder:?}").contains("s3cret"));
}

#[test]
fn names_follow_the_grammar_and_errors_do_not_repeat_them() {
    for name in ["a", "a_1", "private_key", &"z".repeat(32)] {
        assert!(with(name, "v").is_ok(), "{name}");
    }
    for name in [
        "",
        "1a",
        "_a",
        "Password",
        "pass-word",
        "pässword",
        "a b",
        &"z".repeat(33),
    ] {
        let error = with(name, "v").unwrap_err();
        assert_eq!(error, CredentialError::FieldName { len: name.len() });
    }
    let swapped = with("Hunter2!", "password").unwrap_err();
    assert!(!format!("{swapped} {swapped:?}").contains("Hunter2"));
}

#[test]
fn limits_of_number_and_size() {
    let many = |count: usize| {
        (0..count)
            .try_fold(Credential::builder(), |builder, i| {
                builder.field(&format!("f{i}"), "v".to_owned())
            })
            .and_then(CredentialBuilder::build)
    };
    assert_eq!(many(0).unwrap_err(), CredentialError::NoFields);
    assert_eq!(many(16).unwrap().fields().len(), 16);
    assert_eq!(
        many(17).unwrap_err(),
        CredentialError::TooManyFields { max: 16, got: 17 }
    );
    assert_eq!(
        with("a", "").unwrap_err(),
        CredentialError::EmptyValue { field: "a".into() }
    );

    // 2 bytes in front, 1 + 1 + 2 for the field.
    let largest = with("a", &"x".repeat(8190 - 6)).unwrap();
    assert_eq!(largest.to_bytes().len(), MAX_ENCODED_LEN);
    assert_eq!(
        Credential::from_bytes(&largest.to_bytes()).unwrap(),
        largest
    );
    assert_eq!(
        with("a", &"x".repeat(8190 - 5)).unwrap_err(),
        CredentialError::TooLarge {
            max: 8190,
            got: 8191
        }
    );
    // A length that 16 bits would not hold is refused as well.
    assert!(matches!(
        with("a", &"x".repeat(70_000)),
        Err(CredentialError::TooLarge { .. })
    ));
}

#[test]
fn a_name_given_twice_is_refused() {
    let twice = Credential::builder()
        .field("a", "1".to_owned())
        .and_then(|builder| builder.field("a", "2".to_owned()));
    assert_eq!(
        twice.unwrap_err(),
        CredentialError::DuplicateField { field: "a".into() }
    );
}

#[test]
fn decoding_is_strict() {
    use CredentialDecodeError as E;
    let error = |bytes: &[u8]| Credential::from_bytes(bytes).unwrap_err();
    assert_eq!(error(b""), E::Truncated { needed: 1, left: 0 });
    assert_eq!(
        error(b"\x02\x01\x01a\x00\x01v"),
        E::Form {
            expected: 1,
            got: 2
        }
    );
    assert_eq!(error(b"\x01\x00"), E::Rule(CredentialError::NoFields));
    assert_eq!(
        error(b"\x01\x11"),
        E::Rule(CredentialError::TooManyFields { max: 16, got: 17 })
    );
    assert_eq!(
        error(b"\x01\x01\x01a\x00\x02v"),
        E::Truncated { needed: 2, left: 1 }
    );
    assert_eq!(
        error(b"\x01\x01\x01a\x00\x01v!"),
        E::TrailingBytes { extra: 1 }
    );
    assert_eq!(
        error(b"\x01\x01\x01a\x00\x01\xff"),
        E::NotText { field: "a".into() }
    );
    assert_eq!(
        error(b"\x01\x01\x01\xff\x00\x01v"),
        E::Rule(CredentialError::FieldName { len: 1 })
    );
    assert_eq!(
        error(b"\x01\x01\x01A\x00\x01\xff"),
        E::Rule(CredentialError::FieldName { len: 1 })
    );
    assert_eq!(
        error(b"\x01\x02\x01b\x00\x01v\x01a\x00\x01v"),
        E::Order { field: "a".into() }
    );
    assert_eq!(
        error(b"\x01\x02\x01a\x00\x01v\x01a\x00\x01v"),
        E::Rule(CredentialError::DuplicateField { field: "a".into() })
    );
}

proptest! {
    #[test]
    fn any_credential_comes_back(
        fields in proptest::collection::btree_map("[a-z][a-z0-9_]{0,31}", "\\PC{1,60}", 1..=16)
    ) {
        let mut builder = Credential::builder();
        for (name, value) in fields.iter().rev() {
            builder = builder.field(name, value.clone()).unwrap();
        }
        let credential = builder.build().unwrap();
        let decoded = Credential::from_bytes(&credential.to_bytes()).unwrap();
        prop_assert_eq!(&decoded, &credential);
        let listed: Vec<_> = decoded.fields().map(|(n, v)| (n.to_owned(), v.expose().to_owned())).collect();
        prop_assert_eq!(listed, fields.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn decoding_never_panics_and_accepts_one_form_only(
        // A likely beginning, so that the interesting paths are reached.
        start in proptest::sample::select(vec![&b""[..], b"\x01", b"\x01\x01\x01a", b"\x01\x02\x01a\x00\x01v"]),
        rest in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let bytes = [start, &rest].concat();
        if let Ok(credential) = Credential::from_bytes(&bytes) {
            prop_assert_eq!(credential.to_bytes().to_vec(), bytes);
        }
    }

    #[test]
    fn a_cut_credential_is_refused(cut in 0_usize..44) {
        let bytes = postgres().to_bytes();
        prop_assume!(cut < bytes.len());
        prop_assert!(Credential::from_bytes(&bytes[..cut]).is_err());
    }
}
