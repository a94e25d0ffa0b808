//! What an entry is looked up by: nobody and nothing that stands in an event is left out.

use breakglass_format::{AccountId, Event, PersonId};
use serde_json::Value;

use crate::story;

/// Every text in a tree.
fn leaves(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(leaves).collect(),
        Value::Object(all) => all.values().flat_map(leaves).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[test]
fn every_person_every_account_and_every_sentence_in_an_event_is_found_in_it() {
    let mut counted = [0; 3];
    for recorded in story::tell() {
        let event = &recorded.entry.event;
        let (data, subjects) = (event.data().unwrap(), event.subjects());
        let what = event.event_type();
        for leaf in leaves(&data) {
            if let Ok(person) = leaf.parse::<PersonId>() {
                assert!(subjects.people.contains(&person), "{what}: {person}");
                counted[0] += 1;
            }
            if let Ok(account) = leaf.parse::<AccountId>() {
                assert!(subjects.accounts.contains(&account), "{what}: {account}");
                counted[1] += 1;
            }
            if leaf.contains(' ') {
                assert!(subjects.texts.contains(&leaf), "{what}: {leaf:?}");
                counted[2] += 1;
            }
        }
        assert!(!subjects.texts.contains(&""), "{what}");
    }
    assert!(counted.iter().all(|count| *count > 20), "{counted:?}");
}

#[test]
fn whoever_owes_something_is_named_with_the_account_it_is_about() {
    let mut clocks = 0;
    for recorded in story::tell() {
        let Event::BreakGlassEnded(ended) = &recorded.entry.event else {
            continue;
        };
        let subjects = recorded.entry.event.subjects();
        for clock in &ended.clocks {
            assert!(subjects.people.contains(&clock.owner));
            clocks += 1;
        }
        assert!(subjects.accounts.contains(&ended.account.id));
    }
    assert!(clocks > 0);
}
