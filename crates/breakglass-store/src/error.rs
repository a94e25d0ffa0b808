//! Why the ledger refuses: one enum for each operation.

use std::io;

use breakglass_format::Digest;
use breakglass_format::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use breakglass_tlog::{CheckpointError, ExtendsError, Hash, ProveError, SignCheckpointError};
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::ledger::{BATCH_BLOBS_MAX, BATCH_ENTRIES_MAX, Visibility};
use crate::verified::TileError;

/// The database failed.
#[derive(Debug, Error)]
#[error("the database cannot {doing}")]
pub struct StorageError {
    /// What it was to do.
    pub doing: &'static str,
    /// Its own error.
    #[source]
    pub source: rusqlite::Error,
}

impl StorageError {
    /// Whether the file does not hold what it should.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let code = self.source.sqlite_error_code();
        code.is_some_and(|code| {
            matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        })
    }

    /// For `map_err`.
    pub(crate) fn when(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self + Copy {
        move |source| Self { doing, source }
    }
}

/// Why something cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The log is not that long.
    #[error("the log has {size} entries, none with index {index}")]
    NoEntry {
        /// The index asked for.
        index: u64,
        /// The number of entries.
        size: u64,
    },
    /// The log is not that long.
    #[error("the log has {head} entries, not yet {size}")]
    NotYet {
        /// The tree size asked for.
        size: u64,
        /// The number of entries.
        head: u64,
    },
    /// The tree has the entry and the database does not.
    #[error("entry {index} is missing")]
    EntryMissing {
        /// Its index.
        index: u64,
    },
    /// The stored entry is not the one in the tree.
    #[error("entry {index} hashes to {got}, the tree has {expected}")]
    Entry {
        /// Its index.
        index: u64,
        /// The leaf hash in the tree.
        expected: Hash,
        /// The leaf hash of what is stored.
        got: Hash,
    },
    /// A tile is missing or damaged.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// There is no such proof, or a tile it needs is missing or damaged.
    #[error(transparent)]
    Proof(#[from] ProveError<TileError>),
    /// The bytes under a digest have another one.
    #[error("the bytes under {digest} hash to {got}")]
    Blob {
        /// The digest they are stored under.
        digest: Digest,
        /// The digest they have.
        got: Digest,
    },
    /// What is stored about a blob beside its bytes does not fit its checksum.
    #[error("the record of blob {digest} is damaged")]
    BlobRecord {
        /// The digest of the blob.
        digest: Digest,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ReadError {
    /// Whether what is stored is not what was written, and not only something that there is not.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::NoEntry { .. } | Self::NotYet { .. } | Self::Storage(_) => false,
            Self::EntryMissing { .. }
            | Self::Entry { .. }
            | Self::Tile(_)
            | Self::Proof(ProveError::Read(_))
            | Self::Blob { .. }
            | Self::BlobRecord { .. } => true,
            Self::Proof(_) => false,
        }
    }
}

/// Why a batch was not even tried. Nothing was written.
#[derive(Debug, Error)]
pub enum BatchError {
    /// There is nothing to append.
    #[error("a batch has at least one entry")]
    Empty,
    /// Too many entries.
    #[error("a batch has at most {BATCH_ENTRIES_MAX} entries, got {got}")]
    TooManyEntries {
        /// The number of entries.
        got: usize,
    },
    /// Too many blobs.
    #[error("a batch has at most {BATCH_BLOBS_MAX} blobs, got {got}")]
    TooManyBlobs {
        /// The number of blobs.
        got: usize,
    },
    /// An entry is too long.
    #[error("entry {place} of the batch has {got} bytes, at most {ENTRY_BYTES_MAX} are allowed")]
    EntryTooLong {
        /// Its place in the batch, from 0.
        place: usize,
        /// Its length in bytes.
        got: usize,
    },
    /// A blob is too long.
    #[error("blob {digest} has {got} bytes, at most {BLOB_BYTES_MAX} are allowed")]
    BlobTooLong {
        /// The digest it came under.
        digest: Digest,
        /// Its length in bytes.
        got: usize,
    },
    /// A blob came under a digest it does not have.
    #[error("the blob given as {digest} hashes to {got}")]
    BlobDigest {
        /// The digest it came under.
        digest: Digest,
        /// The digest it has.
        got: Digest,
    },
    /// The same bytes are to be public and sealed.
    #[error("blob {digest} is {held:?} and cannot also be {given:?}")]
    BlobVisibility {
        /// Its digest.
        digest: Digest,
        /// What it is, in the ledger or earlier in the batch.
        held: Visibility,
        /// What it came as.
        given: Visibility,
    },
    /// The key is not the one the log was opened with.
    #[error("the log signs with key {expected}, not with {got}")]
    Key {
        /// The verifier key of the log, as text.
        expected: String,
        /// The verifier key given, as text.
        got: String,
    },
    /// The log is as long as a log can be.
    #[error("a log of {size} entries has no room for {added} more")]
    Full {
        /// The number of entries.
        size: u64,
        /// The number of entries to append.
        added: usize,
    },
    /// What has to be read before anything is written is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why it is not known whether a batch is durable. The process has to end.
#[derive(Debug, Error)]
pub enum CommitFailure {
    /// The database failed within the transaction or at its commit.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The [`crate::CommitHook`] failed the commit.
    #[error("the commit was made to fail")]
    Hook(#[source] io::Error),
    /// The tiles just written cannot be read back.
    #[error("the tiles just written do not read back")]
    ReadBack(#[from] ProveError<TileError>),
    /// A tile does not lie there as it was just written; the last checkpoint stays the last.
    #[error("tile {index} of level {level} reads back as something else")]
    Written {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
    },
    /// The tiles just written do not extend the last checkpoint, which therefore stays the last.
    #[error("the tree just written does not extend the last checkpoint")]
    Inconsistent(#[from] ExtendsError),
    /// The new size and root do not make a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The key does not sign for this log.
    #[error(transparent)]
    Sign(#[from] SignCheckpointError),
    /// Another head is stored than the one in memory: someone else has written.
    #[error("the stored head is not the one this ledger wrote last")]
    Moved,
    /// An earlier write failed, and none is tried after it.
    #[error("an earlier write failed, so nothing more is written")]
    Stopped,
}

/// Why a cursor cannot be read or written.
#[derive(Debug, Error)]
pub enum CursorError {
    /// A stored cursor does not fit its checksum.
    #[error("the cursor stored as {name:?} is damaged")]
    Damaged {
        /// The name as stored.
        name: String,
    },
    /// The position lies beyond the end of the log.
    #[error("cursor {name} wants entry {next_index}, the log has {size}")]
    Beyond {
        /// The follower.
        name: String,
        /// The position.
        next_index: u64,
        /// The number of entries.
        size: u64,
    },
    /// An earlier write failed, and none is tried after it.
    #[error("an earlier write failed, so nothing more is written")]
    Stopped,
    /// The database failed. If it was to write, the process has to end.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
