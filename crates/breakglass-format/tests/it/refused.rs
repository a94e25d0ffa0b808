//! Bytes that are not an entry, and why.

use breakglass_format::{Entry, Event, entry::EntryError, event::EventError, limits};
use serde_json::{Value, json};

use crate::story;

fn tree(of: &str) -> Value {
    let mut all = story::tell().into_iter();
    let recorded = all
        .find(|recorded| recorded.entry.event.event_type() == of)
        .unwrap();
    serde_json::from_slice(&recorded.entry.to_bytes().unwrap()).unwrap()
}

/// The complaint about an entry, after a change to it. `serde_json` sorts keys as the canonical
/// form does, so that nothing but the change can be what is refused.
fn complaint(of: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut tree = tree(of);
    assert!(Entry::from_bytes(&serde_json::to_vec(&tree).unwrap()).is_ok());
    change(&mut tree);
    Entry::from_bytes(&serde_json::to_vec(&tree).unwrap())
        .unwrap_err()
        .to_string()
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key).unwrap();
}

#[test]
fn an_unknown_field_is_refused_in_every_event_and_in_the_envelope() {
    for name in Event::TYPES {
        let got = complaint(name, |entry| entry["event_data"]["zz"] = json!("x"));
        assert!(got.contains("unknown field `zz`"), "{name}: {got}");
    }
    let got = complaint("LOG_STARTED", |entry| entry["zz"] = json!("x"));
    assert!(got.contains("unknown field `zz`"), "{got}");
}

#[test]
fn no_field_may_be_missing() {
    for name in Event::TYPES {
        let data = tree(name)["event_data"].clone();
        for key in data.as_object().unwrap().keys() {
            let got = complaint(name, |entry| remove(&mut entry["event_data"], key));
            assert!(got.contains("missing field"), "{name} {key}: {got}");
        }
    }
    for key in tree("LOG_STARTED").as_object().unwrap().keys() {
        let got = complaint("LOG_STARTED", |entry| remove(entry, key));
        assert!(got.contains("missing field"), "{key}: {got}");
    }
}

#[test]
fn what_a_newer_version_wrote_is_said_to_be_newer() {
    for change in [
        json!({"event_type": "ZZ_TOP"}),
        json!({"v": 2}),
        json!({"v": 0}),
    ] {
        let mut entry = tree("SINK_CHANGED");
        for (key, value) in change.as_object().unwrap() {
            entry[key] = value.clone();
        }
        let error = Entry::from_bytes(&serde_json::to_vec(&entry).unwrap()).unwrap_err();
        assert!(
            matches!(error, EntryError::Event(EventError::Unknown { .. })),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("written by a newer version"),
            "{error}"
        );
    }
}

#[test]
fn a_field_of_another_form_is_refused() {
    for (key, value) in [
        ("created_at", json!("2026-01-06T10:00:00Z")),
        ("event_id", json!("not-a-uuid")),
        ("statement", json!("sha256:00")),
        ("person", json!("alice")),
        ("principal", json!("Alice")),
        ("v", json!("1")),
        ("actor", json!("two\nlines")),
        ("event_data", json!([])),
    ] {
        let got = complaint("INCIDENT_DECLARED", |entry| entry[key] = value);
        assert!(got.contains("shape"), "{key}: {got}");
    }
}

#[test]
fn other_spellings_of_the_same_entry_are_refused() {
    let bytes = serde_json::to_vec(&tree("SINK_CHANGED")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for other in [
        format!("{text}\n"),
        format!(" {text}"),
        text.replace(":false", ": false"),
        text.replace("\"detail\"", "\"\\u0064etail\""),
        text.replacen("{\"actor\"", "{\"wall\"", 1),
    ] {
        assert_ne!(other, text);
        let got = Entry::from_bytes(other.as_bytes()).unwrap_err().to_string();
        assert!(got.contains("not canonical"), "{other}: {got}");
    }
}

#[test]
fn an_entry_has_at_most_65535_bytes() {
    let too_long = vec![b' '; limits::ENTRY_BYTES_MAX + 1];
    let got = Entry::from_bytes(&too_long).unwrap_err().to_string();
    assert!(got.contains("65536 bytes"), "{got}");

    let mut entry = story::tell().remove(3).entry;
    let full = breakglass_format::Line::new("x".repeat(limits::LINE_BYTES_MAX)).unwrap();
    entry.event = breakglass_format::event::CommandRefused {
        code: "own_request".parse().unwrap(),
        command: "approval".parse().unwrap(),
        compared: vec![
            breakglass_format::event::Compared {
                name: "a".parse().unwrap(),
                value: full.clone()
            };
            200
        ],
        object: full,
    }
    .into();
    assert!(
        entry
            .to_bytes()
            .unwrap_err()
            .to_string()
            .contains("more than the limit of 65535")
    );
}
