use proptest::prelude::*;
use serde_json::json;

use super::*;

fn refused(bytes: &[u8]) -> CanonicalError {
    parse(bytes, 10_000).expect_err("must be refused")
}

#[test]
fn one_value_has_one_spelling() {
    let bytes = br#"{"a":1,"b":"x\"\\\ny","c":[true,false,-5,{}],"d":{"e":[]}}"#;
    assert_eq!(emit(&parse(bytes, 10_000).unwrap()).unwrap(), bytes);
}

#[test]
fn every_other_spelling_is_refused() {
    for (text, why) in [
        (r#"{"b":1,"a":2}"#, "sorted"),
        (r#"{"a":1,"a":1}"#, "sorted"),
        (r#"{"a": 1}"#, "expected a string, integer"),
        (r#" {"a":1}"#, "expected an object"),
        ("{\"a\":1}\n", "trailing"),
        (r#"{"a":1.0}"#, "comma"),
        (r#"{"a":1e3}"#, "comma"),
        (r#"{"a":01}"#, "not canonical"),
        (r#"{"a":-0}"#, "not canonical"),
        (r#"{"a":9007199254740992}"#, "not canonical"),
        (r#"{"a":-9223372036854775808}"#, "not canonical"),
        (r#"{"a":99999999999999999999}"#, "not an integer"),
        (r#"{"a":null}"#, "expected a string, integer"),
        (r#"{"a":"\u0041"}"#, "escapes"),
        (r#"{"a":"\t"}"#, "escapes"),
        (r#"{"a":"\/"}"#, "escapes"),
        ("{\"a\":\"\u{9}\"}", "control"),
        ("{\"a\":\"\u{7f}\"}", "control"),
        ("{\"a\":\"\u{85}\"}", "control"),
        ("{\"a\":\"\u{202e}\"}", "invisible"),
        ("{\"a\":\"\u{200b}\"}", "invisible"),
        ("{\"a\":\"\u{feff}\"}", "invisible"),
        (r#"{"A":1}"#, "character outside"),
        (r#"{"":1}"#, "empty"),
        (r#"[1]"#, "expected an object"),
        (r#"{"a":[1,]}"#, "expected a string, integer"),
        (r#"{"a":1,}"#, "expected a string"),
        (r#"{"a":"x}"#, "does not end"),
        (r#"{"a":tru}"#, "true or false"),
        ("", "expected an object"),
    ] {
        let error = refused(text.as_bytes()).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert_eq!(refused(&[b'{', 0xff, b'}']), CanonicalError::NotUtf8);
}

#[test]
fn depth_size_and_count_are_bounded() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    assert!(refused(deep.as_bytes()).to_string().contains("nested"));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(20_000));
    assert!(matches!(
        refused(long.as_bytes()),
        CanonicalError::TooLong { .. }
    ));
    let many = format!("{{\"a\":[{}1]}}", "1,".repeat(limits::ELEMENTS_MAX));
    assert!(
        parse(many.as_bytes(), 1 << 20)
            .unwrap_err()
            .to_string()
            .contains("too many")
    );
}

#[test]
fn what_cannot_be_spelled_is_not_written() {
    for value in [
        json!({"a": null}),
        json!({"a": 1.5}),
        json!({"a": u64::MAX}),
        json!({"A": 1}),
    ] {
        assert!(
            matches!(emit(&value), Err(CanonicalError::Unwritable(_))),
            "{value}"
        );
    }
    assert!(emit(&json!({"a": "\u{200b}"})).is_err());
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
        "[ -~äöü\\n\"\\\\漢🦀]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z0-9_]{1,6}", inner, 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_tree_survives_the_round_trip(members in prop::collection::btree_map("[a-z_]{1,5}", tree(), 0..5)) {
        let value = Value::Object(members.into_iter().collect());
        let bytes = emit(&value).unwrap();
        prop_assert_eq!(parse(&bytes, 1 << 20).unwrap(), value.clone());
        // An independent reader agrees on the meaning.
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn whatever_parses_emits_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(value) = parse(&bytes, 1 << 20) {
            prop_assert_eq!(emit(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn a_mutated_document_is_refused_or_says_what_it_spells(at in 0usize..70, byte in any::<u8>()) {
        let mut bytes = br#"{"a":1,"b":"x\"\\\ny","c":[true,false,-5,{}],"d":{"e":[]},"zz":"\u00e4"}"#.to_vec();
        let len = bytes.len();
        bytes[at % len] = byte;
        if let Ok(value) = parse(&bytes, 1 << 20) {
            prop_assert_eq!(emit(&value).unwrap(), bytes);
        }
    }
}

/// Whether bytes are a document of a type, after both ways were asked.
fn agree<T: DeserializeOwned + Serialize + PartialEq>(bytes: &[u8]) -> usize {
    let limit = limits::AUTHORITY_BYTES_MAX;
    let (quick, slow) = (quick::<T>(bytes, limit), slow::<T>(bytes, limit).ok());
    assert!(quick == slow, "{}", String::from_utf8_lossy(bytes));
    usize::from(quick.is_some())
}

fn agree_on_all(bytes: &[u8]) -> usize {
    use crate::{act::Act, authority::Authority, statement};
    agree::<Act>(bytes)
        + agree::<Authority>(bytes)
        + agree::<statement::Approval>(bytes)
        + agree::<statement::Checkout>(bytes)
        + agree::<statement::Denial>(bytes)
        + agree::<statement::Enroll>(bytes)
        + agree::<statement::Request>(bytes)
        + agree::<statement::Session>(bytes)
        + agree::<statement::Suspend>(bytes)
}

#[test]
fn whatever_is_changed_in_a_statement_both_ways_agree_on_it() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../breakglass-statement/testdata/v1"
    );
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let (mut read, mut held) = (0, 0);
    for path in paths.filter(|path| path.extension().is_some_and(|e| e == "json")) {
        let bytes = std::fs::read(path).unwrap();
        read += agree_on_all(&bytes);
        for at in (0..bytes.len()).step_by(11) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            held += agree_on_all(&changed);
            changed.remove(at);
            held += agree_on_all(&changed);
            changed.insert(at, b'"');
            held += agree_on_all(&changed);
        }
    }
    assert!(read >= 8 && held > 100, "{read} {held}");
}
