//! Reading beside the writer: other connections of the same process, on which the same checks are
//! made. Whoever reads a lot then waits for nobody but other readers.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use breakglass_format::Digest;
use breakglass_tlog::{Edge, Hash, ProveError};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::SqliteLedger;
use super::files::Lock;
use super::open::connect;
use super::read::Reads;
use super::refusal::OpenError;
use super::verify::{self, Extent, Replayed};
use crate::error::{ReadError, StorageError};
use crate::ledger::{Blob, Head};

/// How long a reader waits for a lock. None is held for longer than a checkpoint takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a reader sees, and what everything it reads is checked against.
///
/// It comes from the ledger after a commit, so that a reader sees what is durable, all of it up to
/// there, and believes nothing that the writer would not.
#[derive(Debug, Clone)]
pub struct Snapshot {
    head: Head,
    edge: Edge,
}

/// A connection that only reads. It is of the ledger's process and keeps others out as the ledger
/// does; it should be gone before the ledger is, which tidies the files up when it closes.
pub struct SqliteReader {
    pub(super) connection: Connection,
    /// Released last.
    _lock: Arc<Lock>,
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader")
            .field("path", &self.connection.path())
            .finish_non_exhaustive()
    }
}

/// The ledger as a reader sees it at a snapshot. Every read is checked, as on the ledger itself.
#[derive(Debug)]
pub struct View<'r> {
    pub(super) reads: Reads<'r>,
}

impl SqliteLedger {
    /// How far the log has come, for readers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            head: self.head.clone(),
            edge: self.edge.clone(),
        }
    }

    /// Another connection, for reading on another thread.
    ///
    /// # Errors
    /// [`OpenError`] if the database cannot be opened once more.
    pub fn reader(&self) -> Result<SqliteReader, OpenError> {
        let path = Path::new(self.connection.path().unwrap_or_default());
        let connection = connect(path)?;
        connection
            .busy_timeout(PATIENCE)
            .and_then(|()| connection.pragma_update(None, "query_only", true))
            // Only the writer, which knows whether its writes reached the disk, may copy the
            // write-ahead log into the database.
            .and_then(|()| {
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            })
            .map_err(StorageError::when("take its settings"))?;
        Ok(SqliteReader {
            connection,
            _lock: self.lock.clone(),
        })
    }
}

impl SqliteReader {
    /// The ledger at a snapshot.
    #[must_use]
    pub const fn at<'r>(&'r self, snapshot: &'r Snapshot) -> View<'r> {
        View {
            reads: Reads {
                connection: &self.connection,
                head: &snapshot.head,
                edge: &snapshot.edge,
            },
        }
    }
}

impl SqliteReader {
    /// Verifies everything that is stored of the log up to a snapshot, and all blobs, while the
    /// log may grow: what opening a ledger verifies, for one that was opened without.
    ///
    /// `replay` is given every entry, in order, and says whether to go on. Gives whether it did.
    ///
    /// # Errors
    /// [`OpenError`] names what is damaged.
    pub fn verify(
        &self,
        snapshot: &Snapshot,
        replay: &mut dyn FnMut(&Replayed<'_>) -> bool,
    ) -> Result<bool, OpenError> {
        let head = &snapshot.head;
        let edge = verify::log(&self.connection, head, Extent::Prefix, replay)?;
        if edge.is_some() {
            verify::blobs(&self.connection)?;
        }
        Ok(edge.is_some())
    }
}

impl View<'_> {
    /// How far it goes.
    #[must_use]
    pub const fn head(&self) -> &Head {
        self.reads.head
    }

    /// As [`crate::Ledger::entry`].
    ///
    /// # Errors
    /// As there.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        self.reads.entry(index)
    }

    /// As [`crate::Ledger::entries`].
    ///
    /// # Errors
    /// As there.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, ReadError> {
        self.reads.entries(range)
    }

    /// As [`crate::Ledger::blob`].
    ///
    /// # Errors
    /// As there.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError> {
        self.reads.blob(digest)
    }

    /// As [`crate::Ledger::tile`].
    ///
    /// # Errors
    /// As there.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.reads.tile(level, index, width)
    }

    /// As [`crate::Ledger::root_at`].
    ///
    /// # Errors
    /// As there.
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        self.reads
            .with_prover(size, |prover| prover.root().map_err(ProveError::Read))
    }

    /// As [`crate::Ledger::consistency_proof`].
    ///
    /// # Errors
    /// As there.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        self.reads
            .with_prover(new, |prover| prover.consistency(old))
    }

    /// As [`crate::Ledger::inclusion_proof`].
    ///
    /// # Errors
    /// As there.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.reads
            .with_prover(size, |prover| prover.inclusion(index))
    }

    /// As [`crate::Ledger::receipt`].
    ///
    /// # Errors
    /// As there.
    pub fn receipt(&self, index: u64) -> Result<String, ReadError> {
        self.reads.receipt(index)
    }
}
