//! The JSONL line: what a SIEM receives for an event (`docs/spec/entry.md`).
//!
//! The procedure's own keys stand at the top level, spelled as the procedure spells them:
//! `event_type`, `actor`, `action`, `justification`, `timestamp`, `incident_id`. Beside them lies
//! what the log can be rebuilt from: `log_index`, `leaf_hash`, `entry` (base64 of the exact bytes)
//! and `statements` (base64 of the statement and signature that caused it).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    Digest, Entry, Event, canonical,
    canonical::CanonicalError,
    entry::{Recorded, spellings},
};

/// Keys of `event_data` that are lifted to the top level, where the event has them.
const LIFTED: [&str; 10] = [
    "action",
    "disclosed",
    "drill",
    "grant_id",
    "incident_id",
    "justification",
    "reference",
    "request_id",
    "scenario",
    "severity",
];

/// What a line carries in `statements`, by digest and in order: the statement that caused the entry
/// and its armoured signature; for `AUTHORITY_PUBLISHED` and `EPOCH_BEGUN` the document and the signatures under it,
/// without which a log could not be rebuilt.
#[must_use]
pub fn statements_of(entry: &Entry) -> Vec<Digest> {
    let by_roots = if let Event::AuthorityPublished(published) = &entry.event {
        Some((published.digest, &published.signatures))
    } else if let Event::EpochBegun(begun) = &entry.event {
        Some((begun.digest, &begun.signatures))
    } else {
        None
    };
    if let Some((digest, signatures)) = by_roots {
        let signatures = signatures.iter().map(|s| s.signature);
        return std::iter::once(digest).chain(signatures).collect();
    }
    [entry.statement.0, entry.signature.0]
        .into_iter()
        .flatten()
        .collect()
}

/// One line, without its newline.
///
/// `bytes` are the entry's stored bytes, `statements` the bytes of what [`statements_of`] names.
pub fn line(
    recorded: &Recorded,
    bytes: &[u8],
    statements: &[Vec<u8>],
) -> Result<Vec<u8>, CanonicalError> {
    match quick(recorded, bytes, statements) {
        Some(line) => Ok(line),
        None => slow(recorded, bytes, statements),
    }
}

/// The line put together of the pieces of the entry as they are spelled there; `None` where the
/// bytes are not canonical.
fn quick(recorded: &Recorded, bytes: &[u8], statements: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut lifted = [None; LIFTED.len()];
    let spelled = spellings(bytes, |key, value| {
        let place = LIFTED.iter().position(|lifted| *lifted == key);
        if let Some(slot) = place.and_then(|place| lifted.get_mut(place)) {
            *slot = Some(value);
        }
    })?;
    let mut line = Line::begin(bytes.len() * 4);
    let [index, leaf, entry, statements] = [
        recorded.index.to_string(),
        format!("\"{}\"", recorded.leaf),
        base64_of(std::iter::once(bytes), "", ""),
        base64_of(statements.iter().map(Vec::as_slice), "[", "]"),
    ];
    let [
        actor,
        _,
        correlation,
        at,
        data,
        event_id,
        event_type,
        person,
        principal,
        ..,
    ] = spelled;
    let there = |value| Some(value).filter(|value| *value != "\"\"");
    let [
        action,
        disclosed,
        drill,
        grant_id,
        incident_id,
        justification,
        reference,
        request_id,
        scenario,
        severity,
    ] = lifted;
    // In the order of the keys.
    for (key, value) in [
        ("action", action),
        ("actor", Some(actor)),
        ("correlation_id", there(correlation)),
        ("disclosed", disclosed),
        ("drill", drill),
        ("entry", Some(entry.as_str())),
        ("event_data", Some(data)),
        ("event_id", Some(event_id)),
        ("event_type", Some(event_type)),
        ("grant_id", grant_id),
        ("incident_id", incident_id),
        ("justification", justification),
        ("leaf_hash", Some(leaf.as_str())),
        ("log_index", Some(index.as_str())),
        ("person", there(person)),
        ("principal", there(principal)),
        ("reference", reference),
        ("request_id", request_id),
        ("scenario", scenario),
        ("severity", severity),
        ("statements", Some(statements.as_str())),
        ("timestamp", Some(at)),
    ] {
        line.member(key, value);
    }
    Some(line.end())
}

/// Room for what is usual in base64.
const USUAL_BYTES: usize = 1_024;

/// A line on its way.
struct Line(String);

impl Line {
    fn begin(room: usize) -> Self {
        let mut line = String::with_capacity(room);
        line.push('{');
        Self(line)
    }

    /// The next member, if it has a value.
    fn member(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        let comma = if self.0.len() > 1 { "," } else { "" };
        for piece in [comma, "\"", key, "\":", value] {
            self.0.push_str(piece);
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push('}');
        self.0.into_bytes()
    }
}

/// Strings of base64, with commas between and brackets around them.
fn base64_of<'b>(all: impl Iterator<Item = &'b [u8]>, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(USUAL_BYTES);
    out.push_str(open);
    for (n, bytes) in all.enumerate() {
        out.push_str(if n > 0 { ",\"" } else { "\"" });
        out.push_str(&STANDARD.encode(bytes));
        out.push('"');
    }
    out.push_str(close);
    out
}

/// The same by way of a tree.
fn slow(
    recorded: &Recorded,
    bytes: &[u8],
    statements: &[Vec<u8>],
) -> Result<Vec<u8>, CanonicalError> {
    let entry = &recorded.entry;
    let mut map = procedure_keys(entry)?;
    map.insert("log_index".to_owned(), Value::from(recorded.index));
    map.insert(
        "leaf_hash".to_owned(),
        Value::from(recorded.leaf.to_string()),
    );
    map.insert("entry".to_owned(), Value::from(STANDARD.encode(bytes)));
    let statements = statements
        .iter()
        .map(|s| Value::from(STANDARD.encode(s)))
        .collect();
    map.insert("statements".to_owned(), Value::Array(statements));
    canonical::emit(&Value::Object(map))
}

/// A line that says how far the log has come: the signed checkpoint, base64.
pub fn checkpoint_line(
    size: u64,
    checkpoint: &[u8],
    at: crate::Timestamp,
) -> Result<Vec<u8>, CanonicalError> {
    let mut map = Map::new();
    map.insert("event_type".to_owned(), Value::from("LOG_CHECKPOINT"));
    map.insert("log_size".to_owned(), Value::from(size));
    map.insert(
        "checkpoint".to_owned(),
        Value::from(STANDARD.encode(checkpoint)),
    );
    map.insert("timestamp".to_owned(), Value::from(at.to_string()));
    canonical::emit(&Value::Object(map))
}

fn procedure_keys(entry: &Entry) -> Result<Map<String, Value>, CanonicalError> {
    let data = entry.event.data()?;
    let mut map = Map::new();
    for key in LIFTED {
        if let Some(value) = data.get(key) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    let text = |value: &dyn std::fmt::Display| Value::from(value.to_string());
    map.insert(
        "event_type".to_owned(),
        Value::from(entry.event.event_type()),
    );
    map.insert("event_id".to_owned(), text(&entry.event_id));
    map.insert("actor".to_owned(), text(&entry.actor));
    map.insert("timestamp".to_owned(), text(&entry.created_at));
    map.insert("event_data".to_owned(), data);
    for (key, value) in [
        (
            "correlation_id",
            entry.correlation_id.0.map(|id| id.to_string()),
        ),
        ("person", entry.person.0.as_ref().map(ToString::to_string)),
        (
            "principal",
            entry.principal.0.as_ref().map(ToString::to_string),
        ),
    ] {
        if let Some(value) = value {
            map.insert(key.to_owned(), Value::from(value));
        }
    }
    Ok(map)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// That the pieces make the line that the tree makes.
    pub(crate) fn agree(recorded: &Recorded, bytes: &[u8]) {
        for statements in [&[][..], &[b"a".to_vec()], &[b"a".to_vec(), b"bc".to_vec()]] {
            let slow = slow(recorded, bytes, statements).unwrap();
            assert_eq!(quick(recorded, bytes, statements), Some(slow));
        }
    }
}
