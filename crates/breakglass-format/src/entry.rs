//! One entry: the envelope around an event, in its stored bytes (`docs/spec/entry.md`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    Blank, CommandId, Digest, Event, EventId, IncidentId, Line, PersonId, Principal, Timestamp,
    canonical::{self, CanonicalError, Writer},
    event::EventError,
    limits,
};

/// An entry of the log: the procedure's event-store record with more beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The break-glass account once one is in play, else the principal, else `system:<part>`.
    pub actor: Line,
    /// The call of the API that caused it; blank where the server acted of itself.
    pub command_id: Blank<CommandId>,
    /// The incident, on everything that belongs to one.
    pub correlation_id: Blank<IncidentId>,
    /// Engine time: never decreases from entry to entry.
    pub created_at: Timestamp,
    /// The fact.
    pub event: Event,
    /// Its id; every sink deduplicates by it.
    pub event_id: EventId,
    /// The human being; blank where no person acted.
    pub person: Blank<PersonId>,
    /// The name that human being signs under.
    pub principal: Blank<Principal>,
    /// SHA-256 of the armoured signature of the statement that caused it.
    pub signature: Blank<Digest>,
    /// SHA-256 of the bytes of the statement that caused it. Blank: the server's assertion.
    pub statement: Blank<Digest>,
    /// The wall clock at the time, which may step.
    pub wall: Timestamp,
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Leaf index.
    pub index: u64,
    /// RFC 6962 leaf hash of the stored bytes.
    pub leaf: Digest,
    /// The entry.
    pub entry: Entry,
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Not canonical, or not of the shape.
    #[error("entry: {0}")]
    Canonical(#[from] CanonicalError),
    /// The event in it cannot be read.
    #[error("entry: {0}")]
    Event(#[from] EventError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    actor: Line,
    command_id: Blank<CommandId>,
    correlation_id: Blank<IncidentId>,
    created_at: Timestamp,
    event_data: Value,
    event_id: EventId,
    event_type: String,
    person: Blank<PersonId>,
    principal: Blank<Principal>,
    signature: Blank<Digest>,
    statement: Blank<Digest>,
    v: i64,
    wall: Timestamp,
}

/// The key under which the event lies.
const EVENT_DATA: &str = "event_data";

/// The keys of an entry, in their order.
const KEYS: [&str; 13] = [
    "actor",
    "command_id",
    "correlation_id",
    "created_at",
    EVENT_DATA,
    "event_id",
    "event_type",
    "person",
    "principal",
    "signature",
    "statement",
    "v",
    "wall",
];

/// The values of an entry as they are spelled, in the order of [`KEYS`], quotes included; `None` of
/// what is not canonical or has other keys. `inner` is told the members of `event_data`.
pub(crate) fn spellings<'t>(
    bytes: &'t [u8],
    mut inner: impl FnMut(&'t str, &'t str),
) -> Option<[&'t str; 13]> {
    if bytes.len() > limits::ENTRY_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut values, mut count) = ([""; 13], 0);
    canonical::scan::members(text, |level, key, value| {
        if level > 0 {
            // Anything else that has members is no entry.
            inner(key, value);
            return true;
        }
        let slot = values.get_mut(count);
        let fits = KEYS.get(count) == Some(&key);
        count += 1;
        slot.map(|slot| *slot = value).is_some() && fits
    })?;
    (count == KEYS.len()).then_some(values)
}

/// What a string spells.
fn parsed<T: FromStr>(spelled: &str) -> Option<T> {
    canonical::read::string(spelled)?.parse().ok()
}

/// The same, or the empty form.
fn parsed_blank<T: FromStr>(spelled: &str) -> Option<Blank<T>> {
    if spelled == "\"\"" {
        return Some(Blank(None));
    }
    parsed(spelled).map(|value| Blank(Some(value)))
}

/// A value as it is spelled, or its empty form.
fn spelled<T: fmt::Display>(value: &Blank<T>) -> &dyn fmt::Display {
    value.as_ref().map_or(&"", |value| value)
}

impl Entry {
    /// The canonical bytes: what is stored, hashed and shipped.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        self.written(Event::write)
    }

    /// The canonical bytes. `write` writes the event as a member, or says that it takes a tree.
    fn written(
        &self,
        write: impl Fn(&Event, &str, &mut Writer) -> bool,
    ) -> Result<Vec<u8>, CanonicalError> {
        // In the order of the keys.
        let mut object = Writer::begin();
        object.text("actor", &self.actor)?;
        object.text("command_id", &spelled(&self.command_id))?;
        object.text("correlation_id", &spelled(&self.correlation_id))?;
        object.text("created_at", &self.created_at)?;
        if !write(&self.event, EVENT_DATA, &mut object) {
            object.value(EVENT_DATA, &self.event.data()?)?;
        }
        object.text("event_id", &self.event_id)?;
        object.text("event_type", &self.event.event_type())?;
        object.text("person", &spelled(&self.person))?;
        object.text("principal", &spelled(&self.principal))?;
        object.text("signature", &spelled(&self.signature))?;
        object.text("statement", &spelled(&self.statement))?;
        object.value("v", &Value::from(1))?;
        object.text("wall", &self.wall)?;
        let bytes = object.end();
        if bytes.len() > limits::ENTRY_BYTES_MAX {
            return Err(CanonicalError::TooLong {
                got: bytes.len(),
                limit: limits::ENTRY_BYTES_MAX,
            });
        }
        Ok(bytes)
    }

    /// Strict parse: canonical, known event, re-emission equal.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        Self::quick(bytes).map_or_else(|| Self::slow(bytes), Ok)
    }

    /// Reads an entry that is one. Of anything else [`Self::slow`] says what is wrong with it.
    fn quick(bytes: &[u8]) -> Option<Self> {
        let [
            actor,
            command_id,
            correlation_id,
            created_at,
            data,
            event_id,
            event_type,
            person,
            principal,
            signature,
            statement,
            v,
            wall,
        ] = spellings(bytes, |_, _| ())?;
        let event_type = canonical::read::string(event_type)?;
        let entry = Self {
            actor: parsed(actor)?,
            command_id: parsed_blank(command_id)?,
            correlation_id: parsed_blank(correlation_id)?,
            created_at: parsed(created_at)?,
            event: Event::from_spelled(&event_type, v.parse().ok()?, data)?,
            event_id: parsed(event_id)?,
            person: parsed_blank(person)?,
            principal: parsed_blank(principal)?,
            signature: parsed_blank(signature)?,
            statement: parsed_blank(statement)?,
            wall: parsed(wall)?,
        };
        let together = entry.statement.0.is_some() == entry.signature.0.is_some();
        let correlated = entry.correlation_id.0 == entry.event.incident_id();
        // What the type means is what the bytes say.
        let holds = together && correlated && entry.to_bytes().is_ok_and(|again| again == bytes);
        holds.then_some(entry)
    }

    /// The same step by step and by way of trees, each step with what it may find.
    fn slow(bytes: &[u8]) -> Result<Self, EntryError> {
        let raw: Raw = canonical::slow(bytes, limits::ENTRY_BYTES_MAX)?;
        let entry = Self {
            actor: raw.actor,
            command_id: raw.command_id,
            correlation_id: raw.correlation_id,
            created_at: raw.created_at,
            event: Event::from_parts(&raw.event_type, raw.v, raw.event_data)?,
            event_id: raw.event_id,
            person: raw.person,
            principal: raw.principal,
            signature: raw.signature,
            statement: raw.statement,
            wall: raw.wall,
        };
        if entry.statement.0.is_some() != entry.signature.0.is_some() {
            let what = "a statement and its signature come together";
            return Err(CanonicalError::Shape(what.to_owned()).into());
        }
        if entry.correlation_id.0 != entry.event.incident_id() {
            let what = "correlation_id is not the incident of the event";
            return Err(CanonicalError::Shape(what.to_owned()).into());
        }
        if entry.written(|_, _, _| false)? != bytes {
            let what = "re-emission differs";
            return Err(CanonicalError::NotCanonical { at: 0, what }.into());
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests;
