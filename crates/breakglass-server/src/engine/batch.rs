//! Jobs that share a transaction: decided on a copy of the world, turned into entries.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use breakglass_core::{Author, Command, Context, Draft, Refusal, World, decide};
use breakglass_format::{
    CommandId, Digest, Entry, Event, EventId, Line, Timestamp,
    authority::Authority,
    entry::Recorded,
    event::{CommandRefused, Compared},
    statement::Signer,
};
use breakglass_statement::{Signed, Verified};
use breakglass_store::{BATCH_BLOBS_MAX, BATCH_ENTRIES_MAX, BatchError, Blob, Ledger, Visibility};

use super::{Rejection, state::Memory};
use crate::entropy::random;

/// Evidence: exported, served to auditors.
pub(crate) fn public(bytes: Vec<u8>) -> Blob {
    Blob::new(Visibility::Public, bytes)
}

/// A sealed credential or a checkout envelope: never exported.
pub(crate) fn sealed(bytes: Vec<u8>) -> Blob {
    Blob::new(Visibility::Sealed, bytes)
}

/// Entries of one command at most. What has more consequences would not fit into a transaction,
/// and would take its neighbours with it.
const ENTRIES_MAX: usize = BATCH_ENTRIES_MAX / 2;
/// Entries of the batch at most before the next command waits for the next batch: what is decided
/// then still fits, and a line about its refusal.
const BEFORE_MAX: usize = BATCH_ENTRIES_MAX - ENTRIES_MAX - 1;
/// The same for blobs.
const BLOBS_BEFORE_MAX: usize = BATCH_BLOBS_MAX - BLOBS_MAX;
/// Blobs of one command at most.
const BLOBS_MAX: usize = BATCH_BLOBS_MAX / 2;

/// Entries that will be appended together.
#[derive(Debug)]
pub(super) struct Draught {
    pub(super) world: World,
    pub(super) entries: Vec<(Vec<u8>, Entry)>,
    pub(super) blobs: Vec<Blob>,
    pub(super) first: u64,
    /// Statements and command ids of the batch itself.
    pub(super) noted: Memory,
    /// What each blob of the batch is: the same bytes cannot be another thing to a neighbour.
    held: BTreeMap<Digest, Visibility>,
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
            noted: Memory::default(),
            held: BTreeMap::new(),
            now,
            wall,
        }
    }

    /// Whether one more command fits, whatever it comes to.
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() <= BEFORE_MAX && self.blobs.len() <= BLOBS_BEFORE_MAX
    }

    /// Decides a command on what the batch has made of the world so far. Returns which of the
    /// batch's entries are its own. Whatever of it the ledger would not take is found out here:
    /// it is refused alone, and nothing of it is in the batch.
    pub(super) fn decide(
        &mut self,
        ledger: &impl Ledger,
        command: &Command,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Result<Range<usize>, Rejection> {
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
        let drafts = drafts?;
        self.judge_blobs(ledger, &blobs)?;
        let range = self.record(drafts, authority, command_id)?;
        if !range.is_empty() {
            self.held
                .extend(blobs.iter().map(|b| (b.digest, b.visibility)));
            self.blobs.extend(blobs);
        }
        Ok(range)
    }

    /// Whether the ledger and the batch so far can take a command's blobs.
    fn judge_blobs(&self, ledger: &impl Ledger, blobs: &[Blob]) -> Result<(), Rejection> {
        if blobs.len() > BLOBS_MAX {
            let got = blobs.len();
            return Err(Rejection::TooLarge(format!(
                "{got} documents in one command"
            )));
        }
        ledger.check_blobs(blobs)?;
        for blob in blobs {
            if let Some(held) = self
                .held
                .get(&blob.digest)
                .filter(|v| **v != blob.visibility)
            {
                return Err(BatchError::BlobVisibility {
                    digest: blob.digest,
                    held: *held,
                    given: blob.visibility,
                }
                .into());
            }
        }
        Ok(())
    }

    /// Turns drafts into entries and takes them into the batch's world: all of them or none.
    pub(super) fn record(
        &mut self,
        drafts: Vec<Draft>,
        authority: Option<Arc<Authority>>,
        command_id: Option<CommandId>,
    ) -> Result<Range<usize>, Rejection> {
        let start = self.entries.len();
        let now = self.now.max(self.world.last());
        if drafts.len() > ENTRIES_MAX {
            let got = drafts.len();
            return Err(Rejection::TooMany {
                got,
                max: ENTRIES_MAX,
            });
        }
        let mut made = Vec::new();
        for draft in drafts {
            let entry = draft.into_entry(now, self.wall, command_id);
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
            self.noted.note(index, &entry);
            self.entries.push((bytes, entry));
        }
        Ok(start..self.entries.len())
    }

    /// Records that the rules said no to somebody whose signature was good.
    pub(super) fn refuse(&mut self, asked: Asked, refusal: &Refusal) -> Result<(), Rejection> {
        let (Some(code), Ok(command)) = (refusal.code_name(), asked.command.parse()) else {
            return Ok(());
        };
        let compared = refusal.compared.iter().filter_map(|(name, value)| {
            let (name, value) = (name.parse().ok()?, Line::lossy(value));
            Some(Compared { name, value })
        });
        let event = CommandRefused {
            code,
            command,
            compared: compared.collect(),
            object: Line::lossy(&asked.object),
        };
        let id = random().map_err(|_| Rejection::Stopped)?;
        let draft = Draft {
            id: EventId::new(self.now, id),
            event: event.into(),
            author: Author::Named(asked.signer),
        };
        self.record(vec![draft], None, None).map(|_| ())
    }
}

/// What a person asked for with a statement.
#[derive(Debug)]
pub(super) struct Asked {
    /// Who.
    pub(super) signer: Signer,
    /// SHA-256 of the statement.
    pub(super) statement: Digest,
    /// What: `approval`, `act.resolve` …
    command: String,
    /// What it was about, in words that say something to people.
    object: String,
}

impl Asked {
    fn of<S: Signed>(verified: &Verified<S>, object: impl ToString) -> Option<Self> {
        Some(Self {
            signer: verified.signer().clone(),
            statement: verified.digest(),
            command: S::KIND.word().to_owned(),
            object: object.to_string(),
        })
    }
}

/// What a person asked for, where the command is a person's.
pub(super) fn asked(command: &Command) -> Option<Asked> {
    match command {
        Command::Enroll(v) => Asked::of(v, &v.statement().fingerprint),
        Command::Suspend(v) => Asked::of(v, &v.statement().target.person),
        Command::OpenSession(v) => Asked::of(v, &v.signer().key),
        Command::Request(v) => Asked::of(v, &v.statement().account.name),
        Command::Approve(v) => Asked::of(v, &v.statement().request.account.name),
        Command::Deny(v) => Asked::of(v, &v.statement().request.account.name),
        Command::Checkout(v, _) => Asked::of(v, v.statement().grant),
        Command::Act(v, _) => Asked::of(v, &v.statement().object.id).map(|asked| Asked {
            command: format!("act.{}", v.statement().command.word()),
            ..asked
        }),
        Command::ForeignHead {
            signer,
            statement,
            kind,
        } => Some(Asked {
            signer: signer.clone(),
            statement: *statement,
            command: kind.word().to_owned(),
            object: String::new(),
        }),
        Command::Planned(_)
        | Command::Publish(_)
        | Command::Tick
        | Command::Claim(_)
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::Probed(_)
        | Command::Notified(..)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::StorageReport { .. }
        | Command::Recovered(_)
        | Command::BeginEpoch(_)
        | Command::SinkReport { .. } => None,
    }
}
