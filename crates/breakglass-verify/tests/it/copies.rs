//! Whoever owns the log's key can write into an entry whatever they like beside what people
//! signed. Every field of every entry of a true log is changed here, one at a time, and each
//! change is told, but for those that are the server's own word.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::{Entry, Event, EventId, Line, entry::Recorded};
use breakglass_statement::AuthoritySet;
use breakglass_verify::{Finding, Record, derive, derive::Statements};
use serde_json::{Value, json};

use crate::{
    derived::{authorities, recorded, statements},
    rich,
    scribe::sha256,
};

/// What nobody signed and nothing in the log repeats before: the server's word, as
/// `docs/spec/evidence.md` says, with the reason why it cannot be held against anything.
const SERVERS_WORD: &[(&str, &str)] = &[
    ("LOG_STARTED.software", "the program names itself"),
    ("INCIDENT_DECLARED.incident_id", "given by the server"),
    ("STAKEHOLDER_NOTIFIED.attempt", "the server's own count"),
    ("STAKEHOLDER_NOTIFIED.deliveries", "what the next hand said"),
    ("STAKEHOLDER_NOTIFIED.due_at", "the server's word"),
    ("STAKEHOLDER_NOTIFIED.retry_at", "the server's intention"),
    ("STAKEHOLDER_NOTIFIED.stage", "the server's word"),
    ("CONTROL_PLANE_PROBED.detail", "what the probes saw"),
    ("CONTROL_PLANE_PROBED.evidence", "what the probes saw"),
    (
        "CONTROL_PLANE_PROBED.occasion",
        "what the server probed for",
    ),
    ("BREAK_GLASS_GRANTED.grant_id", "given by the server"),
    ("BREAK_GLASS_ACTION.run_id", "given by the server"),
    ("BREAK_GLASS_VOIDED.reason", "a sentence of the server's"),
    (
        "BREAK_GLASS_ACCESS.envelope",
        "sealed, and not in the folder",
    ),
    ("CREDENTIAL_ADDED.sealed", "sealed, and not in the folder"),
    ("CREDENTIAL_STAGED.sealed", "sealed, and not in the folder"),
    ("CREDENTIAL_ROTATED.evidence", "what the target answered"),
    (
        "CREDENTIAL_ROTATION_FAILED.class",
        "what the target answered",
    ),
    (
        "CREDENTIAL_ROTATION_FAILED.detail",
        "what the target answered",
    ),
    (
        "CREDENTIAL_ROTATION_FAILED.retry_at",
        "the server's intention",
    ),
    (
        "cancelled RUN_PROGRESSED.handle",
        "what the plane answered before",
    ),
    ("RUN_PROGRESSED.class", "what the plane answered"),
    ("RUN_PROGRESSED.detail", "what the plane answered"),
    ("RUN_PROGRESSED.evidence", "what the plane answered"),
    ("RUN_PROGRESSED.handle", "what the plane answered"),
    ("RUN_PROGRESSED.state", "what the plane answered"),
    ("COMMAND_REFUSED.", "that something was refused"),
    ("REFUSALS_SUMMARISED.", "that something was refused"),
    ("CLOCK_STEPPED.", "the server's clock"),
    ("SINK_CHANGED.", "what became of a sink"),
    ("STORAGE_CHANGED.", "what became of the disk"),
    ("LOG_RECOVERED.recovered", "where the entries had been"),
    ("LOG_RECOVERED.lost", "what was in no copy"),
    ("EPOCH_BEGUN.recovered", "where the entries had been"),
];

/// What is held against the document of the plan, which is not in the log; `rules_of_plans.rs` tests it.
const OF_PLANS: &[&str] = &[
    "ACTION_PLANNED.document",
    "ACTION_PLANNED.plan",
    "ACTION_PLANNED.summary",
    "EFFECT_CLAIMED.document",
];

/// Less than people signed for harms nobody, and is not told: an earlier end.
const EARLIER: &[&str] = &[
    "BREAK_GLASS_GRANTED.cap",
    "BREAK_GLASS_GRANTED.not_after",
    "BREAK_GLASS_EXTENDED.not_after",
];

/// Other values for a member of an event. Those that the event cannot have do not parse.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(yes) => vec![json!(!yes)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![json!(number + 1), json!(number - 1)]
        }
        Value::String(text) => {
            let other = EventId::new(crate::people::start(), [200; 10]).to_string();
            let digest = sha256(b"something else").to_string();
            let mut texts = vec![
                format!("{text}x"),
                format!("x{text}"),
                String::new(),
                other,
                digest,
            ];
            let words = "per_dave dave acc_other INC-9 R-9 G-9 sev2 offline run recorded expired \
                         returned revoked resolved rotate dispatch permanent failed running \
                         verified credential_rotation incident_resolved rollback action \
                         incident_report keep remove accepted rejected unjustified per_bob \
                         credential 2026-01-06T10:00:00.000Z 2036-01-06T10:00:00.000Z";
            texts.extend(words.split_whitespace().map(str::to_owned));
            texts.retain(|other| other != text);
            texts.into_iter().map(Value::String).collect()
        }
        Value::Array(items) => {
            let mut shorter = items.clone();
            shorter.pop();
            let mut candidates = vec![json!(shorter)];
            candidates.extend(["x", "per_dave", "approval.v1@breakglass"].map(|text| {
                let mut longer = items.clone();
                longer.push(json!(text));
                json!(longer)
            }));
            if let Some(last) = items.last() {
                let mut twice = items.clone();
                twice.push(last.clone());
                candidates.push(json!(twice));
            }
            candidates.push(json!([{ "args": [], "code": "other" }]));
            candidates.retain(|other| other != value);
            candidates
        }
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// The pointers of every member of a tree, containers included.
fn members(value: &Value, at: &str, out: &mut Vec<String>) {
    if !at.is_empty() {
        out.push(at.to_owned());
    }
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| members(field, &format!("{at}/{name}"), out)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| members(item, &format!("{at}/{n}"), out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The entry with another event, as a server would write it: actor and incident follow.
fn with(entry: &Entry, data: Value) -> Option<Entry> {
    let event = Event::from_parts(entry.event.event_type(), 1, data).ok()?;
    let actor = match event.account() {
        Some(account) => Line::lossy(account.name.as_str()),
        None => entry.actor.clone(),
    };
    let changed = Entry {
        actor,
        correlation_id: event.incident_id().into(),
        event,
        ..entry.clone()
    };
    Entry::from_bytes(&changed.to_bytes().ok()?).ok()
}

struct Truth {
    entries: Vec<Recorded>,
    statements: Statements,
    authorities: AuthoritySet,
}

impl Truth {
    fn of(log: &crate::scribe::Scribe) -> Self {
        let entries = recorded(log);
        let authorities = authorities(log, &entries);
        // What was refused is not kept.
        let accepted = entries
            .iter()
            .filter(|at| !matches!(at.entry.event, Event::CommandRefused(_)));
        let accepted: Vec<Recorded> = accepted.cloned().collect();
        let statements = statements(log, &accepted, &authorities);
        Self {
            entries,
            statements,
            authorities,
        }
    }

    fn findings(&self, entries: &[Recorded]) -> BTreeSet<String> {
        let (_, findings) = derive(&Record {
            entries,
            statements: &self.statements,
            authorities: &self.authorities,
        });
        findings.iter().map(Finding::to_string).collect()
    }
}

/// The type of an entry; what somebody signed of a run is a kind of its own.
fn name(entry: &Entry) -> &'static str {
    if matches!(entry.event, Event::RunProgressed(_)) && entry.statement.0.is_some() {
        "cancelled RUN_PROGRESSED"
    } else {
        entry.event.event_type()
    }
}

fn is_excepted(field: &str, earlier: bool) -> bool {
    SERVERS_WORD.iter().any(|(name, _)| field.starts_with(name))
        || OF_PLANS.contains(&field)
        || (earlier && EARLIER.contains(&field))
}

#[test]
fn no_field_that_repeats_what_people_signed_can_be_changed_unseen() {
    let log = rich::log();
    assert_eq!(
        crate::scribe::codes(&log.verdict()),
        ["obligation_met_late"]
    );
    let truth = Truth::of(&log);
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    let mut unseen: BTreeMap<String, Value> = BTreeMap::new();
    for length in 1..=truth.entries.len() {
        let mut entries = truth.entries[..length].to_vec();
        let before = truth.findings(&entries);
        let at = &truth.entries[length - 1];
        let data = at.entry.event.data().unwrap();
        let mut pointers = Vec::new();
        members(&data, "", &mut pointers);
        for pointer in pointers {
            let top = pointer.split('/').nth(1).unwrap();
            let field = format!("{}.{top}", name(&at.entry));
            for other in others(data.pointer(&pointer).unwrap()) {
                let earlier = other.as_str() < data.pointer(&pointer).unwrap().as_str();
                let mut changed = data.clone();
                *changed.pointer_mut(&pointer).unwrap() = other.clone();
                let Some(entry) = with(&at.entry, changed) else {
                    continue;
                };
                *tried.entry(field.clone()).or_default() += 1;
                entries[length - 1].entry = entry;
                let found = truth.findings(&entries);
                if found.is_subset(&before) && !is_excepted(&field, earlier) {
                    unseen.insert(format!("{field} at {pointer}"), other);
                }
            }
        }
    }
    assert_eq!(unseen, BTreeMap::new());
    for event in Event::TYPES {
        let field = format!("{event}.");
        assert!(
            tried.keys().any(|f| f.starts_with(&field)),
            "{event} never occurs"
        );
    }
    // Every exception is of a field that there is.
    for (name, _) in SERVERS_WORD {
        assert!(tried.keys().any(|field| field.starts_with(name)), "{name}");
    }
    for name in OF_PLANS.iter().chain(EARLIER) {
        assert!(tried.contains_key(*name), "{name}");
    }
}
