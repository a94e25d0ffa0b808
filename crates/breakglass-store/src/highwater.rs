//! The high-water mark: the last signed checkpoint, in a file outside the database.
//!
//! A restored backup is a good database that is too old. Were it written to, the log would fork.
//! The mark shows it, as long as the backup did not bring the mark back too: keep it elsewhere.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use breakglass_tlog::{OpenError, SignedCheckpoint, VerifierKey};
use thiserror::Error;

use crate::durable::{DurableError, FileMode, write_durably};
use crate::error::ReadError;
use crate::ledger::Ledger;

/// The longest mark that is read, in bytes: a checkpoint with every witness's line is far below.
const MARK_BYTES_MAX: u64 = 64 * 1024;

/// The file with the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighWaterMark {
    path: PathBuf,
}

/// Why a mark cannot be read. It says nothing then, and the ledger counts as behind.
#[derive(Debug, Error)]
pub enum MarkError {
    /// The file cannot be read.
    #[error("cannot read the high-water mark {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is too long to be a checkpoint.
    #[error("the high-water mark {path} is longer than {MARK_BYTES_MAX} bytes", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file does not hold a checkpoint of this log.
    #[error("the high-water mark {path} is not a checkpoint of this log", path = path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: OpenError,
    },
}

/// How a ledger stands to its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HighWater {
    /// No entry and no mark: a log that begins.
    New,
    /// The mark is the head.
    Equal,
    /// The ledger has grown out of the mark, which is written at intervals: the normal case.
    Ahead {
        /// The size at the mark.
        mark: u64,
        /// The size of the ledger.
        head: u64,
    },
    /// The ledger is shorter than the log already was: a restored backup.
    Behind {
        /// The size at the mark.
        mark: u64,
        /// The size of the ledger.
        head: u64,
    },
    /// There are entries and no mark. Whether some are missing cannot be told.
    Missing {
        /// The size of the ledger.
        head: u64,
    },
    /// The log's key has signed two trees of which neither grew out of the other.
    Forked {
        /// The size at the mark, where the roots differ.
        mark: u64,
        /// The size of the ledger.
        head: u64,
    },
}

impl HighWater {
    /// Whether appending cannot fork the log, as far as the mark goes.
    #[must_use]
    pub const fn may_write(self) -> bool {
        match self {
            Self::New | Self::Equal | Self::Ahead { .. } => true,
            Self::Behind { .. } | Self::Missing { .. } | Self::Forked { .. } => false,
        }
    }
}

impl HighWaterMark {
    /// The mark in that file, which need not exist.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoint in the file, `None` if there is no file.
    ///
    /// # Errors
    /// [`MarkError`] if there is one that cannot be read or is not a checkpoint of this log.
    pub fn read(
        &self,
        origin: &str,
        key: &VerifierKey,
    ) -> Result<Option<SignedCheckpoint>, MarkError> {
        let Some(bytes) = self.bytes()? else {
            return Ok(None);
        };
        SignedCheckpoint::open(&bytes, origin, key)
            .map(Some)
            .map_err(|source| MarkError::Checkpoint {
                path: self.path.clone(),
                source,
            })
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, MarkError> {
        let unreadable = |source| MarkError::Read {
            path: self.path.clone(),
            source,
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut bytes = Vec::new();
        let length = file
            .take(MARK_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if u64::try_from(length).is_ok_and(|length| length <= MARK_BYTES_MAX) {
            return Ok(Some(bytes));
        }
        Err(MarkError::TooLong {
            path: self.path.clone(),
        })
    }

    /// Replaces the mark, durably.
    ///
    /// Only with the head of a ledger that may be written to: a mark set back hides a rollback.
    ///
    /// # Errors
    /// [`DurableError`] if a step of the write fails.
    pub fn write(&self, checkpoint: &SignedCheckpoint) -> Result<(), DurableError> {
        write_durably(
            &self.path,
            checkpoint.to_text().as_bytes(),
            FileMode::OwnerOnly,
        )
    }
}

/// Compares a ledger with its mark, by size and by the root the ledger had at the mark's size.
///
/// # Errors
/// [`ReadError`] if that root cannot be read.
pub fn compare<L: Ledger + ?Sized>(
    mark: Option<&SignedCheckpoint>,
    ledger: &L,
) -> Result<HighWater, ReadError> {
    let head = ledger.head().size();
    let Some(mark) = mark.map(SignedCheckpoint::checkpoint) else {
        return Ok(match head {
            0 => HighWater::New,
            _ => HighWater::Missing { head },
        });
    };
    let (root, mark) = (mark.root(), mark.size());
    if mark > head {
        return Ok(HighWater::Behind { mark, head });
    }
    if ledger.root_at(mark)? != root {
        return Ok(HighWater::Forked { mark, head });
    }
    Ok(match mark == head {
        true => HighWater::Equal,
        false => HighWater::Ahead { mark, head },
    })
}
