use proptest::prelude::*;

use super::*;

const TEXT: &str = concat!(
    r#"{"account":"acc_1","alg":"XChaCha20-Poly1305+HKDF-SHA256","key_id":"0101010101010101","#,
    r#""nonce":"AgICAgICAgICAgICAgICAgICAgICAgIC","version":7}"#
);

fn key_id() -> KeyId {
    "0101010101010101".parse().unwrap()
}

fn parse(text: &str) -> Result<EnvelopeHeader, HeaderParseError> {
    EnvelopeHeader::parse_canonical(text.as_bytes())
}

#[test]
fn the_rendering_is_canonical_and_comes_back() {
    let header = EnvelopeHeader::new(key_id(), "acc_1", 7, [2; 24]).unwrap();
    assert_eq!(header.to_canonical(), TEXT);
    assert_eq!(parse(TEXT), Ok(header));
}

#[test]
fn values_that_would_need_escapes_or_exceed_json_integers_are_refused() {
    let new = |account: &str, version| EnvelopeHeader::new(key_id(), account, version, [0; 24]);
    for account in [
        "",
        "a b",
        "a\"b",
        "a\\b",
        "a\n",
        "é",
        "a\u{7f}",
        &"a".repeat(256),
    ] {
        assert_eq!(
            new(account, 0),
            Err(HeaderError::Account { len: account.len() }),
            "{account:?}"
        );
    }
    assert!(new(&"a".repeat(255), MAX_VERSION).is_ok());
    let got = MAX_VERSION + 1;
    assert_eq!(
        new("a", got),
        Err(HeaderError::Version {
            max: MAX_VERSION,
            got
        })
    );
}

#[test]
fn other_renderings_are_refused() {
    for (from, to) in [
        (":7}", ":07}"),
        (":7}", ":+7}"),
        (":7}", ":7.0}"),
        (":7}", ":-7}"),
        (":7}", ":7}}"),
        (":7}", ":7}\n"),
        (":7}", ":7,}"),
        (":7}", ":7"),
        (":7}", ":\"7\"}"),
        (":7}", ":99999999999999999999}"),
        (":7}", ":7,\"x\":1}"),
        ("acc_1\",", "acc_1\""),
        ("acc_1\",", "acc_1\", "),
        ("{\"account", "{ \"account"),
        ("AgIC\",\"v", "AgID=\",\"v"),
        ("AgIC\",\"v", "\",\"v"),
        ("\"account\"", "\"Account\""),
    ] {
        let text = TEXT.replace(from, to);
        assert_ne!(text, TEXT, "{from:?}");
        assert!(
            matches!(parse(&text), Err(HeaderParseError::NotCanonical { .. })),
            "{text}"
        );
    }
    assert_eq!(
        parse(&TEXT.replace("SHA256", "SHA512")),
        Err(HeaderParseError::Algorithm {
            got: "XChaCha20-Poly1305+HKDF-SHA512".into()
        })
    );
    assert_eq!(
        parse(&TEXT.replace("\"0101010101010101\"", "\"010101010101010A\"")),
        Err(HeaderParseError::KeyId(HexError::Digit { offset: 15 }))
    );
    assert_eq!(
        parse(&TEXT.replace(":7}", ":9007199254740992}")),
        Err(HeaderParseError::Value(HeaderError::Version {
            max: MAX_VERSION,
            got: MAX_VERSION + 1
        }))
    );
}

proptest! {
    #[test]
    fn parsing_never_panics_and_accepts_one_form_only(
        offset in 0..TEXT.len(), removed in 0_usize..3, put in proptest::collection::vec(any::<u8>(), 0..3)
    ) {
        let mut bytes = TEXT.as_bytes().to_vec();
        bytes.splice(offset..(offset + removed).min(TEXT.len()), put);
        if let Ok(header) = EnvelopeHeader::parse_canonical(&bytes) {
            prop_assert_eq!(header.to_canonical().into_bytes(), bytes);
        }
    }
}
