//! The scrubber: all that is stored is read again and held against its hash, at a gentle pace, on
//! a connection and a thread of its own. What nobody asks for would rot unseen until the next
//! start, and by then the copies may be gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use breakglass_core::Command;
use breakglass_format::{Line, vocabulary::StorageFault};
use breakglass_store::{Damage, Scrubber, SqliteReader, StorageError};
use tokio::sync::watch;

use crate::{clock::Clock, engine::EngineHandle};

/// From the end of one pass to the beginning of the next, in milliseconds of the boot-time clock.
const REST_MS: i64 = 3_600_000;
/// How often it looks whether its time has come.
const LOOK: Duration = Duration::from_millis(200);
/// The shortest wait between two steps.
const BREATH: Duration = Duration::from_millis(1);
/// What a line about damage names at most.
const NAMED: usize = 5;

/// What was read so far, for whoever watches the server.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entries: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) passes: AtomicU64,
    /// How much was damaged in the pass that is under way, or in the last one.
    pub(crate) damaged: AtomicU64,
    /// Whether somebody met damage before it was looked for, since the last pass began.
    pub(crate) met: AtomicBool,
    /// When the last pass ended, by the wall clock, in milliseconds since 1970; 0: none has.
    pub(crate) ended_ms: AtomicI64,
}

impl Counters {
    /// Whether something stored is known to be damaged.
    pub(crate) fn found_damage(&self) -> bool {
        self.damaged.load(Ordering::Relaxed) > 0 || self.met.load(Ordering::Relaxed)
    }
}

/// The scrubber itself.
pub(crate) struct Scrub {
    engine: EngineHandle,
    reader: SqliteReader,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    bytes_per_s: u64,
    scrubber: Scrubber,
    /// What the pass under way has found.
    found: Vec<Damage>,
    next_at: i64,
    /// Whether damage had been met when the pass under way began.
    met: bool,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub")
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

impl Scrub {
    /// A scrubber that reads so many bytes a second at most; it begins at once.
    pub(crate) fn new(
        engine: EngineHandle,
        reader: SqliteReader,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
        bytes_per_s: u64,
    ) -> Self {
        Self {
            next_at: clock.boot_ms(),
            engine,
            reader,
            clock,
            counters,
            bytes_per_s,
            scrubber: Scrubber::default(),
            found: Vec::new(),
            met: false,
        }
    }

    /// Starts it on a thread of its own, which ends when `stopped` says so.
    pub(crate) fn start(
        mut self,
        stopped: &watch::Receiver<bool>,
        runtime: &tokio::runtime::Handle,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        let (mut stopped, runtime) = (stopped.clone(), runtime.clone());
        let thread = std::thread::Builder::new().name("scrub".to_owned());
        thread.spawn(move || {
            while !*stopped.borrow() {
                let wait = self.go_on();
                runtime.block_on(async {
                    let _ = tokio::time::timeout(wait, stopped.changed()).await;
                });
            }
        })
    }

    /// One step, where it is time for one, and how long to wait until the next.
    fn go_on(&mut self) -> Duration {
        let met = self.counters.met.load(Ordering::Relaxed);
        if self.clock.boot_ms() < self.next_at && !met {
            return LOOK;
        }
        match self.step() {
            Ok(bytes) => self.pace(bytes),
            // What cannot be read now is read in the next pass; reads that matter are refused.
            Err(_) => LOOK,
        }
    }

    fn step(&mut self) -> Result<u64, StorageError> {
        let published = self.engine.published();
        let step = self.scrubber.step(&self.reader.at(&published.snapshot))?;
        self.counters
            .entries
            .fetch_add(step.entries, Ordering::Relaxed);
        self.counters.bytes.fetch_add(step.bytes, Ordering::Relaxed);
        if !step.damage.is_empty() {
            self.found.extend(step.damage);
            self.count();
            self.tell(true);
        }
        if step.over {
            self.end_pass()?;
        }
        Ok(step.bytes)
    }

    fn end_pass(&mut self) -> Result<(), StorageError> {
        // Once more, where it could not be recorded when it was found.
        self.tell(!self.found.is_empty());
        self.count();
        // What somebody met while this pass was under way may lie where it had been already.
        let met = self.counters.met.load(Ordering::Relaxed);
        if met && (self.met || !self.found.is_empty()) {
            self.counters.met.store(false, Ordering::Relaxed);
        }
        self.met = met;
        self.found.clear();
        self.next_at = self.clock.boot_ms().saturating_add(REST_MS);
        self.counters.passes.fetch_add(1, Ordering::Relaxed);
        let ended = self.clock.wall().millis();
        self.counters.ended_ms.store(ended, Ordering::Relaxed);
        self.reader.forget()
    }

    fn count(&self) {
        let damaged = self.found.len() as u64;
        self.counters.damaged.store(damaged, Ordering::Relaxed);
    }

    /// Has it recorded, where the log can still be written; the metric says it in any case.
    fn tell(&self, present: bool) {
        let named: Vec<String> = self
            .found
            .iter()
            .take(NAMED)
            .map(Damage::to_string)
            .collect();
        let more = match self.found.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let report = Command::StorageReport {
            fault: StorageFault::Damaged,
            present,
            detail: Line::lossy(&format!("{}{more}", named.join(", "))),
        };
        // Nothing is recorded twice, and what is not recorded now is at the end of the next pass.
        let _ = self.engine.submit_blocking(report, Vec::new());
    }

    /// How long so many bytes last at its pace.
    fn pace(&self, bytes: u64) -> Duration {
        let ms = bytes.saturating_mul(1_000) / self.bytes_per_s.max(1);
        Duration::from_millis(ms).max(BREATH)
    }
}
