//! The engine: the one writer. It owns the world and the store; everybody else sends it jobs.
//!
//! Commands that arrive together are decided on one cheap copy of the world and share one durable
//! transaction and one checkpoint. A reply leaves only after the commit; the published world
//! advances only after the commit.

mod batch;
mod bootstrap;
#[cfg(feature = "bench")]
mod lone;
mod refusals;
mod room;
mod run;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

use breakglass_core::{Command, Refusal, World};
use breakglass_format::{CommandId, Digest, Entry, Timestamp};
use breakglass_statement::AuthoritySet;
use breakglass_store::{BatchError, Blob, Head, ReadError, Snapshot, SqliteLedger};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, EngineTime};

pub(crate) use batch::{public, sealed};
pub(crate) use bootstrap::{BootstrapError, bootstrap, record};
#[cfg(feature = "bench")]
pub use lone::LoneEngine;
pub(crate) use room::Seen;
pub(crate) use run::{Engine, Wiring};
use state::Answers;
pub(crate) use state::{Opened, Replay, ReplayError, sealed_of};

/// Jobs that wait at most; more are turned away with "busy", none is dropped.
const QUEUE: usize = 4096;

/// A recorded entry, with the proof that the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    /// Leaf index.
    pub(crate) index: u64,
    /// The stored bytes.
    pub(crate) bytes: Vec<u8>,
    /// The entry in them.
    pub(crate) entry: Entry,
    /// A tlog-proof.
    pub(crate) proof: String,
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What was recorded.
    pub(crate) entries: Vec<Proven>,
    /// Whether it had taken effect before.
    pub(crate) repeated: bool,
}

/// Why a command came to nothing.
#[derive(Debug, Error)]
pub(crate) enum Rejection {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The command id was used with another statement.
    #[error("this idempotency key was used with another statement")]
    KeyReused,
    /// Too much is waiting.
    #[error("too many commands are waiting")]
    Busy,
    /// The engine has ended; the process is going down.
    #[error("the server is stopping")]
    Stopped,
    /// Something recorded could not be read back.
    #[error("the log could not be read: {0}")]
    Read(#[from] ReadError),
    /// The log is read-only, and says why.
    #[error("the log is read-only: {0}")]
    ReadOnly(String),
    /// The disk is nearly full, and this does not end access.
    #[error("the disk of the log is nearly full: only what ends access is taken")]
    DiskFull,
    /// The store does not take it; nothing was written.
    #[error("the log did not take it: {0}")]
    NotTaken(String),
    /// What follows from it is more than becomes durable together.
    #[error("it would make {got} entries, at most {max} are made together")]
    TooMany {
        /// How many.
        got: usize,
        /// How many may be.
        max: usize,
    },
    /// What is to be recorded does not fit into an entry, or into a transaction.
    #[error("what is to be recorded does not fit: {0}")]
    TooLarge(String),
    /// The same bytes are sealed and would become public, or the other way round.
    #[error("{0}")]
    Visibility(String),
}

/// What the ledger says of one command's part of a batch.
impl From<BatchError> for Rejection {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::TooManyEntries { .. }
            | BatchError::TooManyBlobs { .. }
            | BatchError::EntryTooLong { .. }
            | BatchError::BlobTooLong { .. } => Self::TooLarge(error.to_string()),
            BatchError::BlobVisibility { .. } => Self::Visibility(error.to_string()),
            BatchError::Empty
            | BatchError::BlobDigest { .. }
            | BatchError::Key { .. }
            | BatchError::Full { .. }
            | BatchError::Read(_) => Self::NotTaken(error.to_string()),
        }
    }
}

impl Rejection {
    /// The same, for another caller who waits for the same.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(refusal.clone()),
            Self::KeyReused => Self::KeyReused,
            Self::Busy => Self::Busy,
            Self::Stopped => Self::Stopped,
            Self::DiskFull => Self::DiskFull,
            Self::ReadOnly(reason) => Self::ReadOnly(reason.clone()),
            Self::Read(_)
            | Self::NotTaken(_)
            | Self::TooMany { .. }
            | Self::TooLarge(_)
            | Self::Visibility(_) => Self::NotTaken(self.to_string()),
        }
    }
}

/// A command on its way to the engine.
#[derive(Debug)]
pub(crate) struct CommandJob {
    pub(crate) command: Command,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) command_id: Option<CommandId>,
    pub(crate) reply: oneshot::Sender<Result<Outcome, Rejection>>,
}

type ReadFn = Box<dyn FnOnce(&mut SqliteLedger) + Send>;

/// What the engine is asked to do.
pub(crate) enum Job {
    Command(Box<CommandJob>),
    Read(ReadFn),
    Repeat(Digest, oneshot::Sender<Option<Result<Outcome, Rejection>>>),
    Wake,
    Distrust(String),
    Stop,
}

/// What everybody may look at without asking the engine.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) world: Arc<World>,
    pub(crate) authorities: Arc<AuthoritySet>,
    pub(crate) head: Head,
    /// The same head, as readers believe by it.
    pub(crate) snapshot: Snapshot,
    /// Where the versions of the authority lie.
    pub(crate) authority_at: Vec<u64>,
}

/// A hand-hold on the engine.
#[derive(Debug, Clone)]
pub(crate) struct EngineHandle {
    jobs: mpsc::SyncSender<Job>,
    published: Arc<RwLock<Arc<Published>>>,
    size: watch::Receiver<u64>,
    /// Engine time as it began; its later course follows from the boot-time clock alone.
    time: EngineTime,
    trouble: Trouble,
    /// What took effect before.
    answers: Answers,
    room: Arc<Seen>,
}

/// Why the ledger does not take what the engine records of its own accord, where it does not.
type Trouble = Arc<Mutex<Option<String>>>;

impl EngineHandle {
    /// The world, the authorities and the head, all of one moment.
    pub(crate) fn published(&self) -> Arc<Published> {
        self.published
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Engine time, never before the last entry: what statements, sessions and rates are judged by.
    pub(crate) fn now(&self, clock: &dyn Clock) -> Timestamp {
        self.time.now(clock).max(self.published().world.last())
    }

    /// Why what time calls for is not on record, where the ledger does not take it.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much room the disk has.
    pub(crate) fn room(&self) -> &Seen {
        &self.room
    }

    /// Told after each commit.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.size.clone()
    }

    /// Hands over a command; the answer comes after the commit.
    pub(crate) fn send(
        &self,
        command: Command,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Result<oneshot::Receiver<Result<Outcome, Rejection>>, Rejection> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Command(Box::new(CommandJob {
            command,
            blobs,
            command_id,
            reply,
        }));
        self.offer(job)?;
        Ok(answer)
    }

    /// Hands over a command and waits, in async code.
    pub(crate) async fn submit(
        &self,
        command: Command,
        blobs: Vec<Blob>,
        command_id: Option<CommandId>,
    ) -> Result<Outcome, Rejection> {
        let answer = self.send(command, blobs, command_id)?;
        answer.await.map_err(|_| Rejection::Stopped)?
    }

    /// Hands over a command and waits, on a thread of its own.
    pub(crate) fn submit_blocking(
        &self,
        command: Command,
        blobs: Vec<Blob>,
    ) -> Result<Outcome, Rejection> {
        let answer = self.send(command, blobs, None)?;
        answer.blocking_recv().map_err(|_| Rejection::Stopped)?
    }

    /// The answer of a statement that took effect before, if it did.
    pub(crate) async fn repeat(&self, statement: Digest) -> Option<Result<Outcome, Rejection>> {
        // One that takes effect at this moment is found out by the engine when it decides.
        self.answers.of(&statement)?;
        let (reply, answer) = oneshot::channel();
        if let Err(rejection) = self.offer(Job::Repeat(statement, reply)) {
            return Some(Err(rejection));
        }
        answer.await.ok().flatten()
    }

    /// Reads from the ledger between two commits, in async code: what a statement needs that is
    /// about to take effect. Whoever only wants to look asks the [`Readers`](crate::readers::Readers).
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteLedger) -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (job, answer) = reading(read);
        self.offer(job)?;
        answer.await.map_err(|_| Rejection::Stopped)
    }

    /// Reads from the ledger, on a thread of its own, which may wait for its turn.
    pub(crate) fn read_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteLedger) -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (job, answer) = reading(read);
        self.jobs.send(job).map_err(|_| Rejection::Stopped)?;
        answer.blocking_recv().map_err(|_| Rejection::Stopped)
    }

    /// Hands over a job, unless too many wait: nobody waits for a place in the queue who holds up
    /// others meanwhile.
    fn offer(&self, job: Job) -> Result<(), Rejection> {
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Rejection::Busy,
            mpsc::TrySendError::Disconnected(_) => Rejection::Stopped,
        })
    }

    /// Makes the engine look at the clock now.
    pub(crate) fn wake(&self) {
        // A full queue wakes it as well, and a stopped engine has nothing to look at.
        let _ = self.jobs.try_send(Job::Wake);
    }

    /// Nothing is appended any more: what the server decides by is not what the log says.
    pub(crate) fn distrust(&self, reason: String) {
        let _ = self.jobs.send(Job::Distrust(reason));
    }

    /// Ends the engine after the jobs that wait already.
    pub(crate) fn stop(&self) {
        let _ = self.jobs.send(Job::Stop);
    }
}

fn reading<T: Send + 'static>(
    read: impl FnOnce(&mut SqliteLedger) -> T + Send + 'static,
) -> (Job, oneshot::Receiver<T>) {
    let (reply, answer) = oneshot::channel();
    let job = Job::Read(Box::new(move |ledger| {
        // Whoever asked may have gone; then nobody needs the answer.
        let _ = reply.send(read(ledger));
    }));
    (job, answer)
}
