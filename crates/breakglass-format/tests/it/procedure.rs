//! The two JSON examples in the procedure's audit requirements.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{golden::jsonl_line, story};

fn first(event_type: &str) -> breakglass_format::entry::Recorded {
    let mut all = story::tell().into_iter();
    all.find(|recorded| recorded.entry.event.event_type() == event_type)
        .unwrap()
}

/// A member that must be there and a text; its value.
fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{key} is missing: {object}"))
}

#[test]
fn a_siem_receives_the_keys_of_the_procedure_at_the_top_level() {
    let recorded = first("BREAK_GLASS_ACCESS");
    let line: Value = serde_json::from_slice(&jsonl_line(&recorded)).unwrap();
    assert_eq!(text(&line, "event_type"), "BREAK_GLASS_ACCESS");
    assert_eq!(text(&line, "actor"), "prod-db-root");
    assert_eq!(text(&line, "action"), "credential_access");
    assert!(text(&line, "justification").starts_with("Checkout fails"));
    assert_eq!(
        text(&line, "timestamp"),
        recorded.entry.created_at.to_string()
    );
    let incident = recorded.entry.event.incident_id().unwrap().to_string();
    assert_eq!(text(&line, "incident_id"), incident);
}

#[test]
fn the_event_store_has_the_record_of_the_procedure() {
    let recorded = first("BREAK_GLASS_ACTION");
    let entry: Value = serde_json::from_slice(&recorded.entry.to_bytes().unwrap()).unwrap();
    let incident = recorded.entry.event.incident_id().unwrap().to_string();
    assert_eq!(text(&entry, "correlation_id"), incident);
    assert_eq!(text(&entry, "event_type"), "BREAK_GLASS_ACTION");
    assert_eq!(text(&entry, "actor"), "prod-db-root");
    assert_eq!(
        text(&entry, "created_at"),
        recorded.entry.created_at.to_string()
    );
    let data = &entry["event_data"];
    assert_eq!(text(data, "action"), "rollback");
    assert!(text(data, "justification").starts_with("Checkout fails"));
    assert_eq!(text(data, "incident_id"), incident);
}

#[test]
fn the_log_can_be_rebuilt_from_the_lines_a_siem_receives() {
    for recorded in story::tell() {
        let line: Value = serde_json::from_slice(&jsonl_line(&recorded)).unwrap();
        let entry = STANDARD.decode(text(&line, "entry")).unwrap();
        assert_eq!(entry, recorded.entry.to_bytes().unwrap());
        assert_eq!(line["log_index"], recorded.index);
        assert_eq!(text(&line, "leaf_hash"), recorded.leaf.to_string());
        let expected = crate::golden::statements(&recorded.entry);
        let statements = line["statements"].as_array().unwrap().iter();
        let statements = statements.map(|s| STANDARD.decode(s.as_str().unwrap()).unwrap());
        assert_eq!(statements.collect::<Vec<_>>(), expected);
    }
}
