//! The ledger on SQLite: one connection that writes, one file, the write-ahead log beside it.
//!
//! Cursors lie in the same file as the entries. One fsync domain is enough that way: a backup
//! holds positions that fit its entries, and a position can be compared with the size of the log
//! it is in. A cursor that a restore sets back only means that its follower sees entries twice.

mod append;
mod create;
mod cursor;
mod files;
mod open;
mod read;
mod reader;
mod recent;
mod refusal;
mod repair;
mod replace;
mod schema;
mod scrub;
mod verify;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use breakglass_format::{Digest, Name};
use breakglass_tlog::{Edge, Hash, ProveError, SigningKey, VerifierKey};
use rusqlite::Connection;

pub use create::CreateError;
pub use open::{MIN_SQLITE_VERSION, Opening};
pub use reader::{Snapshot, SqliteReader, View};
pub use refusal::{OpenError, Remedy};
pub use repair::{Copies, RepairError, Repaired, repair};
pub use scrub::{Damage, Scrubbed, Scrubber};
pub use verify::Replayed;

use crate::error::{BatchError, CursorError, ReadError};
use crate::ledger::{Append, Batch, Blob, CommitHook, Head, Ledger, NoHook};
use files::Lock;
use read::Reads;
use recent::Recent;

/// The ledger in one SQLite database, verified when it was opened.
pub struct SqliteLedger {
    connection: Connection,
    key: VerifierKey,
    head: Head,
    /// The right edge of the tree: what every read is checked against.
    edge: Edge,
    /// Its tiles, and those of the last append.
    recent: Recent,
    hook: Box<dyn CommitHook>,
    /// A write has failed: none is tried after it.
    stopped: bool,
    /// Released last, once the connection is closed, and those of its readers.
    lock: Arc<Lock>,
}

impl SqliteLedger {
    /// Has a hook told of each commit, in place of [`NoHook`].
    #[must_use]
    pub fn with_commit_hook(mut self, hook: Box<dyn CommitHook>) -> Self {
        self.hook = hook;
        self
    }

    /// The key the log signs with.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    const fn reads(&self) -> Reads<'_> {
        Reads {
            connection: &self.connection,
            head: &self.head,
            edge: &self.edge,
        }
    }

    fn opened(opening: Opening, edge: Edge, recent: Recent) -> Self {
        let Opening {
            connection,
            lock,
            key,
            head,
        } = opening;
        Self {
            connection,
            key,
            head,
            edge,
            recent,
            hook: Box::new(NoHook),
            stopped: false,
            lock: Arc::new(lock),
        }
    }
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger")
            .field("path", &self.connection.path())
            .field("head", &self.head)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

impl Ledger for SqliteLedger {
    fn head(&self) -> &Head {
        &self.head
    }

    fn append(
        &mut self,
        expected: &Head,
        batch: &Batch,
        key: &SigningKey,
    ) -> Result<Append, BatchError> {
        self.append_batch(expected, batch, key)
    }

    fn check_blobs(&self, blobs: &[Blob]) -> Result<(), BatchError> {
        self.check_each_blob(blobs)
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        self.reads().entry(index)
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, ReadError> {
        self.reads().entries(range)
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError> {
        self.reads().blob(digest)
    }

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.reads().tile(level, index, width)
    }

    fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        self.reads()
            .with_prover(size, |prover| prover.root().map_err(ProveError::Read))
    }

    fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.reads()
            .with_prover(size, |prover| prover.inclusion(index))
    }

    fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, ReadError> {
        self.reads()
            .with_prover(new_size, |prover| prover.consistency(old_size))
    }

    fn receipt(&self, index: u64) -> Result<String, ReadError> {
        self.reads().receipt(index)
    }

    fn receipts(&self, range: Range<u64>) -> Result<Vec<String>, ReadError> {
        let tiles = self.recent.or(self.reads().tiles());
        read::receipts(&tiles, &self.head, range)
    }

    fn cursor(&self, name: &Name) -> Result<Option<u64>, CursorError> {
        self.read_cursor(name)
    }

    fn set_cursor(&mut self, name: &Name, next_index: u64) -> Result<(), CursorError> {
        self.write_cursor(name, next_index)
    }
}

#[cfg(test)]
mod tests;
