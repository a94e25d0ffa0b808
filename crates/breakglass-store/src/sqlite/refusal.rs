//! Why a ledger is not opened, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use breakglass_format::Digest;
use breakglass_tlog::Hash;
use rusqlite::ErrorCode;
use thiserror::Error;

use super::open::MIN_SQLITE_VERSION;
use super::schema;
use crate::error::{ReadError, StorageError};
use crate::verified::TileError;

/// Why a ledger was not opened. Nothing has been written to it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The program was built with an SQLite that can corrupt its write-ahead log.
    #[error("sqlite {got} is older than {MIN_SQLITE_VERSION} (as sqlite3_libversion_number)")]
    Library {
        /// The version found.
        got: i32,
    },
    /// There is no such file.
    #[error("there is no database {path}", path = path.display())]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// A file cannot be used.
    #[error("cannot {doing} {path}", path = path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Others than the owner can use the database or its directory.
    #[error("{path} has mode {mode:04o}, others than its owner can use it", path = path.display())]
    Permissions {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process, or this one, has the ledger open.
    #[error("{path} is in use", path = path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It is not a database, or that of another program.
    #[error("{path} is not a ledger", path = path.display())]
    NotALedger {
        /// The database.
        path: PathBuf,
    },
    /// Its tables are of another version.
    #[error("the ledger has tables of version {got}, this program knows {known}", known = schema::VERSION)]
    Version {
        /// The version found.
        got: i64,
    },
    /// SQLite would not keep the promises a ledger rests on.
    #[error("the database does not take the setting {setting}")]
    Setting {
        /// The setting.
        setting: &'static str,
    },
    /// A table or trigger is missing, altered or added.
    #[error("the schema has another {object} than a ledger")]
    Schema {
        /// Its name.
        object: String,
    },
    /// The file is damaged below the level of tables.
    #[error("the database file is damaged: {finding}")]
    Structure {
        /// What SQLite found first.
        finding: String,
    },
    /// The one row that says how far the log has come is missing.
    #[error("the head of the log is missing")]
    HeadMissing,
    /// The last checkpoint is not one of this log.
    #[error("the last checkpoint is not one of this log")]
    Checkpoint(#[from] breakglass_tlog::OpenError),
    /// The stored size or root is not that of the last checkpoint.
    #[error("the stored size or root is not that of the last checkpoint, which has {size} entries")]
    Head {
        /// The size in the checkpoint.
        size: u64,
    },
    /// An entry is missing.
    #[error("entry {index} is missing")]
    EntryMissing {
        /// Its index.
        index: u64,
    },
    /// There is an entry the last checkpoint does not cover.
    #[error("entry {position} lies outside the {size} entries of the last checkpoint")]
    EntryStray {
        /// Where it is stored.
        position: i64,
        /// The size in the checkpoint.
        size: u64,
    },
    /// An entry is not the one that was appended.
    #[error("entry {index} hashes to {got}, the log has {expected}")]
    Entry {
        /// Its index.
        index: u64,
        /// The leaf hash the tree has.
        expected: Hash,
        /// The leaf hash of what is stored.
        got: Hash,
    },
    /// Neither entries nor tiles give the root that was signed.
    #[error("the {size} entries have root {got}, signed was {expected}")]
    Root {
        /// The size in the checkpoint.
        size: u64,
        /// The root in the checkpoint.
        expected: Hash,
        /// The root of the entries.
        got: Hash,
    },
    /// A tile is not the one the entries give.
    #[error("tile {index} of level {level} is missing or not the one of the entries")]
    Tile {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
    },
    /// A tile at the right edge cannot be read, or is not the one in the tree.
    #[error("the right edge of the tree cannot be read")]
    Edge(#[source] TileError),
    /// An entry after the known ones is missing or not the one in the tree.
    #[error("the end of the log cannot be read")]
    Tail(#[from] ReadError),
    /// There are tiles beyond those of the tree.
    #[error("the tree has {expected} tiles, stored are {got}")]
    TileCount {
        /// The number of tiles the tree has.
        expected: u64,
        /// The number stored.
        got: u64,
    },
    /// The bytes under a digest have another one.
    #[error("the bytes under {digest} hash to {got}")]
    Blob {
        /// The digest they are stored under.
        digest: Digest,
        /// The digest they have.
        got: Digest,
    },
    /// What is stored about a blob beside its bytes is damaged.
    #[error("the record of a blob is damaged: {digest}")]
    BlobRecord {
        /// The digest as stored, in hex.
        digest: String,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(StorageError),
}

/// What gets past an [`OpenError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Build the program with the SQLite it comes with.
    Rebuild,
    /// Give the right path, or make the file reachable.
    Path,
    /// Take the group's and others' permissions away, after asking who may have read the file.
    Chmod,
    /// Stop the process that has the ledger.
    StopOther,
    /// Use a program that knows these tables.
    OtherVersion,
    /// Check the origin and the verifier key; if they are right, as for [`Remedy::Restore`].
    CheckKey,
    /// Keep the files as evidence; restore the newest backup and recover what it lacks.
    Restore,
}

impl Remedy {
    /// What to do, in a sentence without its period.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Rebuild => "build the program with the SQLite it brings along",
            Self::Path => "check the path and that this user may use it",
            Self::Chmod => {
                "ask who may have read it, then chmod 0600 the file and 0700 its directory"
            }
            Self::StopOther => "stop the other process that uses it",
            Self::OtherVersion => "use the version of the program that wrote it, or a newer one",
            Self::CheckKey => {
                "check the origin and the key; if they are right, the database was replaced: keep \
                 it as evidence and put the newest copy back (docs/procedures/restore.md)"
            }
            Self::Restore => {
                "keep the files as evidence; serve --repair-from puts back what fits by its hash, \
                 else the newest copy goes back (docs/procedures/restore.md)"
            }
        }
    }
}

impl OpenError {
    /// What to do.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Library { .. } | Self::Setting { .. } => Remedy::Rebuild,
            Self::Missing { .. } | Self::Io { .. } | Self::NotALedger { .. } => Remedy::Path,
            Self::Permissions { .. } => Remedy::Chmod,
            Self::InUse { .. } => Remedy::StopOther,
            Self::Version { .. } => Remedy::OtherVersion,
            Self::Checkpoint(_) => Remedy::CheckKey,
            Self::Schema { .. }
            | Self::Structure { .. }
            | Self::HeadMissing
            | Self::Head { .. }
            | Self::EntryMissing { .. }
            | Self::EntryStray { .. }
            | Self::Entry { .. }
            | Self::Root { .. }
            | Self::Tile { .. }
            | Self::Edge(_)
            | Self::Tail(_)
            | Self::TileCount { .. }
            | Self::Blob { .. }
            | Self::BlobRecord { .. }
            | Self::Storage(_) => Remedy::Restore,
        }
    }

    /// For `map_err`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<StorageError> for OpenError {
    /// SQLite says that a page is malformed by failing whatever first reads it.
    fn from(error: StorageError) -> Self {
        match error.source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Structure {
                finding: error.source.to_string(),
            },
            Some(_) | None => Self::Storage(error),
        }
    }
}
