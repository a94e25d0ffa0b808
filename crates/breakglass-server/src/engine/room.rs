//! Whether the disk has room, and what is taken when it has not.
//!
//! A write that fails ends the process. So the engine looks before it writes: when less is free
//! than the reserve is large, it gives the reserve up, and takes from then on only what ends
//! access and what time and the server's own hands bring. When there is room again, it takes the
//! reserve back first.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use breakglass_core::Command;
use breakglass_format::{
    Line,
    act::Command as Act,
    vocabulary::{EffectKind, StorageFault},
};
use breakglass_store::{Batch, Reserve};

use super::Rejection;

/// The reserve is taken back when so many times its size are free.
const BACK: u64 = 3;
/// What a batch takes on the disk besides its own bytes, at most: the pages that lead to them.
const BATCH_OVERHEAD: u64 = 256 * 1024;
/// How often the bytes of a batch are written: into the write-ahead log, and into the database.
const COPIES: u64 = 2;

/// The disk that the log lies on.
pub(crate) trait Disk: Send {
    /// How many bytes are free; `None` where that cannot be told.
    fn free(&self) -> Option<u64>;
    /// The size of the reserve; 0: there is none.
    fn reserve(&self) -> u64;
    /// Whether the reserve is there.
    fn is_held(&self) -> bool;
    /// Takes the reserve; says whether that went well.
    fn hold(&self) -> bool;
    /// Gives the reserve up; says whether that went well.
    fn give_up(&self) -> bool;
}

impl Disk for Reserve {
    fn free(&self) -> Option<u64> {
        Self::free(self).ok()
    }

    fn reserve(&self) -> u64 {
        self.bytes()
    }

    fn is_held(&self) -> bool {
        Self::is_held(self)
    }

    fn hold(&self) -> bool {
        Self::hold(self).is_ok()
    }

    fn give_up(&self) -> bool {
        Self::give_up(self).is_ok()
    }
}

/// What everybody may know of the room there is.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    full: AtomicBool,
    free: AtomicU64,
}

impl Seen {
    /// Whether only what ends access is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// How many bytes were free when the engine looked last.
    pub(crate) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }
}

/// The disk as the engine sees it.
pub(super) struct Room {
    disk: Box<dyn Disk>,
    seen: Arc<Seen>,
    /// Whether the reserve is there.
    held: bool,
}

impl Room {
    pub(super) fn new(disk: Box<dyn Disk>) -> Self {
        Self {
            held: disk.is_held(),
            disk,
            seen: Arc::default(),
        }
    }

    pub(super) fn seen(&self) -> Arc<Seen> {
        self.seen.clone()
    }

    /// Looks at the disk, gives the reserve up or takes it back, and says whether it is full.
    pub(super) fn look(&mut self) -> bool {
        let reserve = self.disk.reserve();
        if reserve == 0 {
            return false;
        }
        // Where nothing can be told, everything stays as it is.
        if let Some(free) = self.disk.free() {
            self.seen.free.store(free, Ordering::Relaxed);
            if self.held && free < reserve {
                self.held = !self.disk.give_up();
            } else if !self.held && free >= reserve.saturating_mul(BACK) {
                self.held = self.disk.hold();
            }
        }
        self.seen.full.store(!self.held, Ordering::Relaxed);
        !self.held
    }

    /// Whether there is a reserve to speak of.
    pub(super) fn is_watched(&self) -> bool {
        self.disk.reserve() > 0
    }

    /// What is to be recorded where the log does not say so yet.
    pub(super) fn report(&self) -> Command {
        let mib = self.seen.free() / (1024 * 1024);
        Command::StorageReport {
            fault: StorageFault::DiskFull,
            present: self.seen.is_full(),
            detail: Line::lossy(&format!("{mib} MiB are free")),
        }
    }

    /// Whether a batch fits, as far as can be told before it is written.
    pub(super) fn takes(&self, batch: &Batch) -> Result<(), Rejection> {
        if self.disk.reserve() == 0 {
            return Ok(());
        }
        let entries = batch.entries.iter().map(Vec::len);
        let blobs = batch.blobs.iter().map(|blob| blob.bytes.len());
        let bytes: usize = entries.chain(blobs).sum();
        let needs = (bytes as u64).saturating_mul(COPIES) + BATCH_OVERHEAD;
        match self.disk.free() {
            Some(free) if free < needs => Err(Rejection::DiskFull),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a command is taken although the disk is full: whatever ends access or hands a
/// credential back, what people need to say so, and what happened already.
pub(super) fn is_taken_from_the_reserve(command: &Command) -> bool {
    match command {
        Command::Suspend(_)
        | Command::OpenSession(_)
        | Command::Deny(_)
        | Command::Tick
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::Notified(..)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::StorageReport { .. }
        | Command::Recovered(_)
        | Command::BeginEpoch(_)
        | Command::SinkReport { .. } => true,
        Command::Claim(claim) => match claim.effect {
            EffectKind::Rotate => true,
            EffectKind::Dispatch => false,
        },
        Command::Act(act, _) => ends_access(&act.statement().command),
        Command::Enroll(_)
        | Command::Request(_)
        | Command::Approve(_)
        | Command::Checkout(..)
        | Command::Planned(_)
        | Command::Publish(_)
        | Command::Probed(_)
        | Command::ForeignHead { .. } => false,
    }
}

fn ends_access(act: &Act) -> bool {
    match act {
        Act::Withdraw(_)
        | Act::Return(_)
        | Act::Revoke(_)
        | Act::Cancel(_)
        | Act::Resolve(_)
        | Act::Rotate(_)
        | Act::AttestRotation(_) => true,
        Act::Declare(_)
        | Act::Note(_)
        | Act::Probe(_)
        | Act::Record(_)
        | Act::Plan(_)
        | Act::Run(_)
        | Act::AddCredential(_)
        | Act::Transfer(_)
        | Act::SetContact(_)
        | Act::NotifyCab(_)
        | Act::FileReport(_)
        | Act::CompleteReview(_)
        | Act::DecideCab(_)
        | Act::ReviewAccess(_)
        | Act::UpdateProcedure(_)
        | Act::Waive(_)
        | Act::Close(_) => false,
    }
}
