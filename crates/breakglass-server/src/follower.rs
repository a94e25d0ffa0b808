//! The sinks follow the log by position. Nothing of this can hold up an emergency: it runs on a
//! thread of its own and only reads.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use breakglass_core::Command;
use breakglass_format::{Digest, Entry, Line, Name, entry::Recorded, render::jsonl};
use breakglass_sinks::jsonl::JsonlSink;
use breakglass_store::{ReadError, SqliteReader, unused_beside};
use tokio::sync::watch;

use crate::{clock::Clock, engine::EngineHandle, threads::next_turn};

/// Entries written with one fsync at most.
const BATCH: u64 = 256;
/// A checkpoint line at least this often, in milliseconds of the boot-time clock.
const CHECKPOINT_EVERY_MS: i64 = 60_000;

/// The JSONL file's follower.
pub(crate) struct Follower {
    engine: EngineHandle,
    reader: SqliteReader,
    clock: Arc<dyn Clock>,
    sink: Option<JsonlSink>,
    path: PathBuf,
    next: u64,
    checkpoint_at: i64,
    working: bool,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Follower {
    pub(crate) fn new(
        engine: EngineHandle,
        reader: SqliteReader,
        clock: Arc<dyn Clock>,
        path: &Path,
    ) -> Self {
        let checkpoint_at = clock.boot_ms();
        Self {
            engine,
            reader,
            clock,
            sink: None,
            path: path.to_owned(),
            next: 0,
            checkpoint_at,
            working: true,
        }
    }

    /// Follows until told to stop; what is in the log by then is in the file.
    pub(crate) fn run(mut self, stop: watch::Receiver<bool>, runtime: &tokio::runtime::Handle) {
        let mut commits = self.engine.commits();
        let mut stop = stop;
        loop {
            let stopping = *stop.borrow();
            let done = self.catch_up();
            self.tell(done.as_ref().err().map(ToString::to_string));
            if stopping {
                let _ = self.checkpoint();
                return;
            }
            if done.is_ok() && self.clock.boot_ms() >= self.checkpoint_at {
                let _ = self.checkpoint();
            }
            let failed = done.is_err();
            runtime.block_on(next_turn(&mut stop, &mut commits, failed));
        }
    }

    fn catch_up(&mut self) -> Result<(), FollowError> {
        if self.sink.is_none() {
            self.open()?;
        }
        let size = self.engine.published().head.size();
        while self.next < size {
            let to = size.min(self.next + BATCH);
            let lines = self.lines(self.next, to)?;
            let Some(sink) = &mut self.sink else {
                return Ok(());
            };
            if let Err(error) = sink.append(&lines) {
                // Opened anew, the file itself says how far it got.
                self.sink = None;
                return Err(error.into());
            }
            self.next = to;
        }
        Ok(())
    }

    /// Opens the file. One that ends with an entry that this log does not have there is of what an
    /// epoch or a recovery gave up: it is kept under another name, and all of the log is written anew.
    fn open(&mut self) -> Result<(), FollowError> {
        let (sink, position) = JsonlSink::open(&self.path)?;
        if self.is_ours(&sink, position.next_index)? {
            (self.sink, self.next) = (Some(sink), position.next_index);
            return Ok(());
        }
        let aside = unused_beside(&self.path, "given-up");
        std::fs::rename(&self.path, &aside).map_err(|source| FollowError::Aside {
            path: self.path.clone(),
            source,
        })?;
        let aside = aside.display();
        self.tell(Some(format!(
            "the file held entries that this log does not have; it is {aside} now, and another begins"
        )));
        let (sink, position) = JsonlSink::open(&self.path)?;
        (self.sink, self.next) = (Some(sink), position.next_index);
        Ok(())
    }

    /// Whether the last entry in the file is the one that the log has there.
    fn is_ours(&self, sink: &JsonlSink, next: u64) -> Result<bool, FollowError> {
        let (Some(last), Some(leaf)) = (next.checked_sub(1), sink.last_leaf()) else {
            return Ok(true);
        };
        let published = self.engine.published();
        if last >= published.head.size() {
            return Ok(false);
        }
        let entry = self.reader.at(&published.snapshot).entry(last)?;
        Ok(*breakglass_tlog::leaf_hash(&entry).as_bytes() == *leaf.as_bytes())
    }

    fn lines(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, FollowError> {
        let published = self.engine.published();
        let log = self.reader.at(&published.snapshot);
        let mut lines = Vec::new();
        for (index, bytes) in (from..).zip(log.entries(from..to)?) {
            let entry = Entry::from_bytes(&bytes).map_err(|e| FollowError::Read(e.to_string()))?;
            let mut statements = Vec::new();
            for digest in jsonl::statements_of(&entry) {
                statements.extend(log.blob(&digest)?.map(|b| b.bytes));
            }
            let leaf = Digest::from_bytes(*breakglass_tlog::leaf_hash(&bytes).as_bytes());
            let recorded = Recorded { index, leaf, entry };
            let line = jsonl::line(&recorded, &bytes, &statements)
                .map_err(|e| FollowError::Read(e.to_string()))?;
            lines.push(line);
        }
        Ok(lines)
    }

    fn checkpoint(&mut self) -> Result<(), FollowError> {
        self.checkpoint_at = self.clock.boot_ms() + CHECKPOINT_EVERY_MS;
        let published = self.engine.published();
        let head = &published.head;
        let line = jsonl::checkpoint_line(
            head.size(),
            head.checkpoint().to_text().as_bytes(),
            self.clock.wall(),
        )
        .map_err(|e| FollowError::Read(e.to_string()))?;
        if let Some(sink) = &mut self.sink {
            sink.append(&[line])?;
        }
        Ok(())
    }

    /// A change of the sink's state is one entry.
    fn tell(&mut self, error: Option<String>) {
        if error.is_none() == self.working {
            return;
        }
        self.working = error.is_none();
        let detail = error.unwrap_or_else(|| "the file can be written again".to_owned());
        let Ok(sink) = "jsonl".parse::<Name>() else {
            return;
        };
        let report = Command::SinkReport {
            sink,
            working: self.working,
            detail: Line::lossy(&detail),
        };
        // Not waited for: the follower must also run while the engine is busy.
        let _ = self.engine.send(report, Vec::new(), None);
    }
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the JSONL file cannot be written: {0}")]
    Sink(#[from] breakglass_sinks::jsonl::SinkError),
    #[error("the log cannot be read: {0}")]
    Read(String),
    #[error("{} is of another history and cannot be put aside: {source}", path.display())]
    Aside {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl From<ReadError> for FollowError {
    fn from(error: ReadError) -> Self {
        Self::Read(error.to_string())
    }
}
