//! Jobs that share a transaction: decided on a copy of the world, turned into entries.

use std::sync::Arc;

use breakglass_core::{Author, Command, Context, Draft, Refusal, World, decide};
use breakglass_format::{
    CommandId, Digest, Entry, Event, Timestamp,
    authority::Authority,
    entry::Recorded,
    event::{CommandRefused, Compared},
    statement::{Kind, Signer},
};
use breakglass_store::{Blob, Visibility};

use super::Rejection;
use crate::entropy::random;

/// Evidence: exported, served to auditors.
pub(crate) fn public(bytes: Vec<u8>) -> Blob {
    Blob::new(Visibility::Public, bytes)
}

/// A sealed credential or a checkout envelope: never exported.
pub(crate) fn sealed(bytes: Vec<u8>) -> Blob {
    Blob::new(Visibility::Sealed, bytes)
}

/// Entries that will be appended together.
#[derive(Debug)]
pub(super) struct Draught {
    pub(super) world: World,
    pub(super) entries: Vec<(Vec<u8>, Entry)>,
    pub(super) blobs: Vec<Blob>,
    pub(super) first: u64,
    now: Timestamp,
    wall: Timestamp,
}

impl Draught {
    pub(super) fn new(world: World, first: u64, now: Timestamp, wall: Timestamp) -> Self {
        Self {
            world,
            entries: Vec::new(),
            blobs: Vec::new(),
            first,
            now,
            wall,
        }
    }

    /// Decides a command on what the batch has made of the world so far. Returns which of the
    /// batch's entries are its own.
    pub(super) fn decide(
        &mut self,
        command: &Command,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Result<std::ops::Range<usize>, Rejection> {
        let now = self.now.max(self.world.last());
        let mut failed = false;
        let mut fresh = || {
            random().unwrap_or_else(|_| {
                failed = true;
                [0; 10]
            })
        };
        let mut cx = Context {
            now,
            wall: self.wall,
            random: &mut fresh,
        };
        let drafts = decide(&self.world, command, &mut cx);
        if failed {
            // Without randomness no identifier is safe; nothing is recorded.
            return Err(Rejection::Stopped);
        }
        let authority = if let Command::Publish(publication) = command {
            Some(publication.authority.clone())
        } else {
            None
        };
        let range = self.record(drafts?, authority, command_id)?;
        self.blobs.extend(blobs);
        Ok(range)
    }

    /// Turns drafts into entries and takes them into the batch's world.
    pub(super) fn record(
        &mut self,
        drafts: Vec<Draft>,
        authority: Option<Arc<Authority>>,
        command_id: Option<CommandId>,
    ) -> Result<std::ops::Range<usize>, Rejection> {
        let start = self.entries.len();
        let now = self.now.max(self.world.last());
        let mut made = Vec::new();
        for draft in drafts {
            let entry = self.entry(draft, now, command_id);
            let bytes = entry
                .to_bytes()
                .map_err(|e| Rejection::TooLarge(e.to_string()))?;
            made.push((bytes, entry));
        }
        for (bytes, entry) in made {
            let index = self.first + self.entries.len() as u64;
            let leaf = Digest::from_bytes(*breakglass_tlog::leaf_hash(&bytes).as_bytes());
            let recorded = Recorded {
                index,
                leaf,
                entry: entry.clone(),
            };
            let is_authority = matches!(entry.event, Event::AuthorityPublished(_));
            self.world
                .apply(&recorded, authority.clone().filter(|_| is_authority));
            self.entries.push((bytes, entry));
        }
        Ok(start..self.entries.len())
    }

    fn entry(&self, draft: Draft, now: Timestamp, command_id: Option<CommandId>) -> Entry {
        let actor = draft.actor();
        let (signer, statement, signature) = match draft.author {
            Author::Person {
                signer,
                statement,
                signature,
            } => (Some(signer), Some(statement), Some(signature)),
            Author::Named(signer) => (Some(signer), None, None),
            Author::System(_) => (None, None, None),
        };
        Entry {
            actor,
            command_id: command_id.into(),
            correlation_id: draft.event.incident_id().into(),
            created_at: now,
            event: draft.event,
            event_id: draft.id,
            person: signer.as_ref().map(|s| s.person.clone()).into(),
            principal: signer.map(|s| s.principal).into(),
            signature: signature.into(),
            statement: statement.into(),
            wall: self.wall,
        }
    }

    /// Records that the rules said no to somebody whose signature was good.
    pub(super) fn refuse(
        &mut self,
        signer: &Signer,
        command: &Command,
        refusal: &Refusal,
    ) -> Result<(), Rejection> {
        let Some(code) = refusal.code_name() else {
            return Ok(());
        };
        let compared = refusal.compared.iter().filter_map(|(name, value)| {
            let name = name.parse().ok()?;
            Some(Compared {
                name,
                value: breakglass_format::Line::lossy(value),
            })
        });
        let (word, object) = subject(command);
        let Ok(word) = word.parse() else {
            return Ok(());
        };
        let event = CommandRefused {
            code,
            command: word,
            compared: compared.collect(),
            object: breakglass_format::Line::lossy(&object),
        };
        let id = random().map_err(|_| Rejection::Stopped)?;
        let draft = Draft {
            id: breakglass_format::EventId::new(self.now, id),
            event: event.into(),
            author: Author::Named(signer.clone()),
        };
        self.record(vec![draft], None, None).map(|_| ())
    }
}

/// Who signed what a command carries, where somebody did.
pub(super) fn signer(command: &Command) -> Option<Signer> {
    match command {
        Command::Enroll(v) => Some(v.statement().signer.clone()),
        Command::ForeignHead { signer, .. } => Some(signer.clone()),
        Command::OpenSession(v) => Some(v.statement().signer.clone()),
        Command::Request(v) => {
            let requester = &v.statement().requester;
            Some(Signer {
                key: requester.key.clone(),
                person: requester.person.clone(),
                principal: requester.principal.clone(),
            })
        }
        Command::Approve(v) => Some(v.statement().approver.clone()),
        Command::Deny(v) => Some(v.statement().approver.clone()),
        Command::Checkout(v, _) => Some(v.statement().signer.clone()),
        Command::Act(v, _) => Some(v.statement().signer.clone()),
        Command::Publish(_)
        | Command::Tick
        | Command::Claim(_)
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::SinkReport { .. } => None,
    }
}

/// The statement a command carries, where it carries one.
pub(super) fn statement(command: &Command) -> Option<Digest> {
    match command {
        Command::Enroll(v) => Some(v.digest()),
        Command::ForeignHead { statement, .. } => Some(*statement),
        Command::OpenSession(v) => Some(v.digest()),
        Command::Request(v) => Some(v.digest()),
        Command::Approve(v) => Some(v.digest()),
        Command::Deny(v) => Some(v.digest()),
        Command::Checkout(v, _) => Some(v.digest()),
        Command::Act(v, _) => Some(v.digest()),
        Command::Publish(_)
        | Command::Tick
        | Command::Claim(_)
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::SinkReport { .. } => None,
    }
}

/// What a refused command was, and what it was about.
fn subject(command: &Command) -> (String, String) {
    match command {
        Command::Enroll(v) => (
            Kind::Enroll.word().to_owned(),
            v.statement().fingerprint.to_string(),
        ),
        Command::ForeignHead {
            kind, statement, ..
        } => (kind.word().to_owned(), statement.to_string()),
        Command::OpenSession(v) => (
            Kind::Session.word().to_owned(),
            v.statement().signer.key.to_string(),
        ),
        Command::Request(v) => (
            Kind::Request.word().to_owned(),
            v.statement().account.name.to_string(),
        ),
        Command::Approve(v) => (
            Kind::Approval.word().to_owned(),
            v.statement().request.account.name.to_string(),
        ),
        Command::Deny(v) => (
            Kind::Denial.word().to_owned(),
            v.statement().request.account.name.to_string(),
        ),
        Command::Checkout(v, _) => (
            Kind::Checkout.word().to_owned(),
            v.statement().grant.to_string(),
        ),
        Command::Act(v, _) => {
            let act = v.statement();
            (
                format!("act.{}", act.command.word()),
                act.object.id.to_string(),
            )
        }
        Command::Publish(_)
        | Command::Tick
        | Command::Claim(_)
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::SinkReport { .. } => ("system".to_owned(), String::new()),
    }
}
