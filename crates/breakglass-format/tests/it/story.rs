//! One log from its first entry on, in which every type of event occurs: the sample data that
//! golden files are made of.

mod access;
mod aftermath;
mod house;
mod people;

use breakglass_format::{
    AccountId, Blank, CommandId, Digest, Entry, Event, EventId, GrantId, IncidentId, Line, RunId,
    Timestamp,
    entry::Recorded,
    event::{AccountRef, Clock},
    render::timeline,
    vocabulary::Obligation,
};
use people::{Somebody, alice};

/// 2026-01-06T10:00:00.000Z, the time in the procedure's examples.
const START_MS: i64 = 1_767_693_600_000;

/// A log that is being written.
pub(crate) struct Story {
    now: Timestamp,
    entries: Vec<Recorded>,
}

/// The whole story.
pub(crate) fn tell() -> Vec<Recorded> {
    let mut story = Story {
        now: Timestamp::from_millis(START_MS),
        entries: Vec::new(),
    };
    house::begins(&mut story);
    access::is_declared(&mut story);
    access::is_refused_in_every_way(&mut story);
    access::is_granted(&mut story);
    let ended = access::is_used_and_ends(&mut story);
    house::credential_is_rotated(&mut story, ended);
    aftermath::is_owned(&mut story);
    house::goes_on(&mut story);
    access::is_probed(&mut story);
    house::people_are_told(&mut story);
    house::a_key_is_stolen(&mut story);
    house::a_rotation_is_attested(&mut story, ended);
    house::the_disk_fills_up(&mut story);
    house::the_log_is_recovered(&mut story);
    house::an_epoch_begins(&mut story);
    story.entries
}

impl Story {
    /// Lets time pass.
    fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
    }

    /// The server writes something down of itself.
    fn server(&mut self, event: impl Into<Event>) -> EventId {
        self.write(None, event.into(), false)
    }

    /// Somebody signed a statement, and this came of it.
    fn signed(&mut self, who: &Somebody, event: impl Into<Event>) -> EventId {
        self.write(Some(who), event.into(), true)
    }

    /// Somebody tried something, and this is what the server says of it.
    fn about(&mut self, who: &Somebody, event: impl Into<Event>) -> EventId {
        self.write(Some(who), event.into(), false)
    }

    fn write(&mut self, who: Option<&Somebody>, event: Event, signed: bool) -> EventId {
        let number = u8::try_from(self.entries.len()).unwrap();
        let event_id = EventId::new(self.now, [number; 10]);
        let principal = who.map(|who| who.member.principal.clone());
        let actor = match (event.account(), &principal) {
            (Some(account), _) => account.name.to_string(),
            (None, Some(principal)) => principal.to_string(),
            (None, None) => "system:engine".to_owned(),
        };
        let entry = Entry {
            actor: Line::new(actor).unwrap(),
            command_id: who
                .map(|_| CommandId::new(self.now, [100 + number; 10]))
                .into(),
            correlation_id: event.incident_id().into(),
            created_at: self.now,
            event,
            event_id,
            person: who.map(|who| who.member.person.clone()).into(),
            principal: principal.into(),
            signature: signed.then(|| digest(100 + number)).into(),
            statement: signed.then(|| digest(200_u8.wrapping_add(number))).into(),
            wall: Timestamp::from_millis(self.now.millis() + 3),
        };
        let index = u64::from(number);
        self.entries.push(Recorded {
            index,
            leaf: digest(number),
            entry,
        });
        self.wait(7);
        event_id
    }
}

/// A value of a closed form, from its text.
fn read<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Stands for a digest; nothing in this crate hashes.
fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn at_start() -> Timestamp {
    Timestamp::from_millis(START_MS)
}

fn incident() -> IncidentId {
    IncidentId::new(at_start(), [1; 10])
}

fn grant() -> GrantId {
    GrantId::new(at_start(), [2; 10])
}

fn run() -> RunId {
    RunId::new(at_start(), [3; 10])
}

fn account() -> AccountRef {
    AccountRef {
        id: read::<AccountId>("acc_prod_db_root"),
        name: read("prod-db-root"),
    }
}

fn clock(obligation: Obligation, subject: &str, due_at: Timestamp, length_s: i64) -> Clock {
    Clock {
        due_at,
        length_s,
        obligation,
        owner: alice().member.person,
        subject: read(subject),
    }
}

fn none<T>() -> Blank<T> {
    Blank::NONE
}

/// The timeline of entries as a file.
pub(crate) fn render(all: &[Recorded]) -> String {
    let (mut text, mut out) = (timeline::Text::new(), String::new());
    for recorded in all {
        text.push(recorded, &mut out);
    }
    out
}
