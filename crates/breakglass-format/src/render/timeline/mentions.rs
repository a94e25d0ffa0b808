//! Which ids a line of the timeline needs names for, and which entries give them: so that one entry
//! of a long log can be told without all that came before it.
//!
//! Whoever pushes the entries that introduced what an entry mentions, and what those mention in
//! their turn, in log order, and then the entry, gets the line that the whole timeline has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::Names;
use crate::{AccountId, Entry, EventId, PersonId};

/// The ids of people, accounts, incidents, requests, grants and runs that stand in an entry. Ids of
/// things that never have a name may be among them.
#[must_use]
pub fn mentioned(entry: &Entry) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    // An event that cannot be written was never one.
    collect(&entry.event.data().unwrap_or_default(), &mut ids);
    ids
}

/// What an entry gives names to: each id, with the name it has from then on. It does so again and
/// again; the first time is enough, and every time that the name is another.
#[must_use]
pub fn introduced(entry: &Entry) -> Vec<(String, String)> {
    let mut names = Names::default();
    names.learn(entry);
    names.all()
}

fn collect(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_id(text) => {
            ids.insert(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|value| collect(value, ids)),
        Value::Object(all) => all.values().for_each(|value| collect(value, ids)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Characters of a UUID.
const UUID_CHARS: usize = 36;

fn is_id(text: &str) -> bool {
    // Most texts are none, and what is wrong with them need not be said.
    match text.as_bytes() {
        [b'p', b'e', b'r', b'_', ..] => text.parse::<PersonId>().is_ok(),
        [b'a', b'c', b'c', b'_', ..] => text.parse::<AccountId>().is_ok(),
        // All other ids are spelled like that of an event.
        other => other.len() == UUID_CHARS && text.parse::<EventId>().is_ok(),
    }
}
