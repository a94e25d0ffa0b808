//! Behind a start from a snapshot: the whole log, read from entry 0, must give the same world.
//! After that, and after every other start, the next snapshots are written here.

use std::time::Duration;

use breakglass_core::World;
use breakglass_format::Digest;
use breakglass_store::{Snapshot, SqliteReader};
use tokio::{runtime::Handle, sync::watch};

use crate::{
    engine::{EngineHandle, Replay},
    snapshot::SnapshotFile,
};

/// How often somebody looks whether a snapshot is due.
const LOOK: Duration = Duration::from_secs(5);

/// What was taken from a snapshot and is still to be compared with the log.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Entries that it was said to come from.
    pub(crate) size: u64,
    /// The world that was taken over.
    pub(crate) world: World,
}

/// A pass over the log.
#[derive(Debug)]
pub(crate) struct Recheck {
    pub(crate) reader: SqliteReader,
    /// How far the log had come at the start.
    pub(crate) snapshot: Snapshot,
    pub(crate) pin: Digest,
    pub(crate) taken: Taken,
}

/// Who checks the snapshot that was and writes the one to come.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) file: SnapshotFile,
    pub(crate) recheck: Option<Recheck>,
    /// Entries after which the next is written; 0 for never.
    pub(crate) every: u64,
}

impl Recheck {
    /// Whether the log gives what the server decides by; `None` if it was told to stop before.
    fn holds(self, stopped: &watch::Receiver<bool>) -> Result<Option<()>, String> {
        let mut replay = Replay::new(self.pin);
        let mut same = false;
        let done = self.reader.verify(&self.snapshot, &mut |replayed| {
            replay.next(replayed);
            if replayed.index + 1 == self.taken.size {
                same = *replay.world() == self.taken.world;
            }
            !*stopped.borrow()
        });
        let done = done.map_err(|error| {
            let advice = error.remedy().advice();
            format!("the log is damaged: {error}; {advice}")
        })?;
        if !done {
            return Ok(None);
        }
        if let Some(trouble) = replay.trouble() {
            return Err(trouble);
        }
        if same {
            return Ok(Some(()));
        }
        Err(
            "the snapshot that the server started from is not what the log gives; it was removed: \
             restart, and find out who could write to the data folder"
                .to_owned(),
        )
    }
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(
        self,
        engine: &EngineHandle,
        stopped: &watch::Receiver<bool>,
        runtime: &Handle,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        let (engine, stopped, runtime) = (engine.clone(), stopped.clone(), runtime.clone());
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        thread.spawn(move || self.run(&engine, stopped, &runtime))
    }

    fn run(mut self, engine: &EngineHandle, stopped: watch::Receiver<bool>, runtime: &Handle) {
        let mut written = self
            .recheck
            .as_ref()
            .map_or(0, |recheck| recheck.taken.size);
        match self.recheck.take().map(|recheck| recheck.holds(&stopped)) {
            None | Some(Ok(Some(()))) => {}
            // What nobody has checked yet is not written on.
            Some(Ok(None)) => return,
            // Nothing may be decided by a world that the log does not give.
            Some(Err(reason)) => {
                self.file.remove();
                engine.distrust(reason);
                return;
            }
        }
        if self.every > 0 {
            self.keep(engine, stopped, runtime, &mut written);
        }
    }

    fn keep(
        &self,
        engine: &EngineHandle,
        mut stopped: watch::Receiver<bool>,
        runtime: &Handle,
        written: &mut u64,
    ) {
        loop {
            let stopping = *stopped.borrow();
            let published = engine.published();
            let size = published.head.size();
            let due = size >= written.saturating_add(self.every);
            let last = stopping && size >= self.every && size > *written;
            // Not written this time, it is tried again: the next start takes longer meanwhile.
            if (due || last) && self.file.write(&published).is_ok() {
                *written = size;
            }
            if stopping {
                return;
            }
            runtime.block_on(async {
                let _ = tokio::time::timeout(LOOK, stopped.changed()).await;
            });
        }
    }
}
