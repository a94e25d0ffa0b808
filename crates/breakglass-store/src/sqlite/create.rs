//! A new ledger: built under another name, so that a ledger that has its name is whole.

use std::path::{Path, PathBuf};

use breakglass_tlog::{
    Checkpoint, CheckpointError, EMPTY_ROOT, SignCheckpointError, SignedCheckpoint, SigningKey,
};
use rusqlite::{Connection, params};
use thiserror::Error;

use super::files::{self, Lock};
use super::open::{check_library, connect, log_ahead};
use super::refusal::OpenError;
use super::{SqliteLedger, schema};
use crate::durable::beside;
use crate::error::StorageError;

/// Why a ledger was not created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// Something has that name, or is the write-ahead log of a database that had it.
    #[error("{path} already exists", path = path.display())]
    Exists {
        /// What exists.
        path: PathBuf,
    },
    /// The checkpoint of no entries cannot be made.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint of no entries cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignCheckpointError),
    /// The new database cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be created, or the new ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl SqliteLedger {
    /// Finds out whether [`Self::create`] could make its directory and file, and makes nothing.
    ///
    /// # Errors
    /// [`OpenError`]: the directory is not its owner's alone, or it, or where it does not exist
    /// its parent, is missing or cannot be written to.
    pub fn check_place(path: &Path) -> Result<(), OpenError> {
        files::check_place(path)
    }

    /// Creates the ledger of a new log and opens it. The log's origin is the name of its key.
    ///
    /// The directory is created with mode 0700 if it does not exist; its parent has to. The new
    /// log has no entries and a signed checkpoint that says so.
    ///
    /// # Errors
    /// [`CreateError`]; nothing then has the name `path` that did not have it before, unless only
    /// the opening failed.
    pub fn create(path: &Path, key: &SigningKey) -> Result<Self, CreateError> {
        check_library()?;
        files::prepare_dir(path)?;
        let lock = Lock::take(path)?;
        // The write-ahead log of a lost database would be replayed into the new one.
        for taken in [path.to_owned(), beside(path, "-wal")] {
            if taken.exists() {
                return Err(CreateError::Exists { path: taken });
            }
        }
        let unfinished = beside(path, ".new");
        // What a crash left beside the unfinished file would be replayed into this one.
        for left_behind in [beside(path, ".new-wal"), beside(path, ".new-journal")] {
            files::remove(&left_behind)?;
        }
        files::fresh(&unfinished)?;
        build(&unfinished, &first_checkpoint(key)?)?;
        files::publish(&unfinished, path)?;
        let (origin, verifier) = (key.verifier().name().as_str(), key.verifier());
        let opening = Self::begin_locked(path, lock, origin, verifier)?;
        Ok(opening.whole(&mut |_| {})?)
    }
}

fn first_checkpoint(key: &SigningKey) -> Result<SignedCheckpoint, CreateError> {
    let checkpoint = Checkpoint::new(key.verifier().name().clone(), 0, EMPTY_ROOT)?;
    Ok(SignedCheckpoint::sign(checkpoint, key)?)
}

/// Writes the tables and the head into an empty file, and syncs it.
fn build(path: &Path, checkpoint: &SignedCheckpoint) -> Result<(), CreateError> {
    let mut connection = connect(path)?;
    let failed = StorageError::when("write a new ledger");
    // The file is thrown away if this fails, so that its journal need not outlive the process.
    connection
        .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;")
        .map_err(failed)?;
    let transaction = connection.transaction().map_err(failed)?;
    schema::create(&transaction)?;
    write_head(&transaction, checkpoint).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    // From its first day, so that opening it does not have to rewrite its header.
    log_ahead(&connection)?;
    connection
        .close()
        .map_err(|(_, source)| failed(source).into())
}

fn write_head(connection: &Connection, checkpoint: &SignedCheckpoint) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO head (id, size, root, checkpoint) VALUES (0, ?1, ?2, ?3)",
        params![
            schema::integer(checkpoint.checkpoint().size()),
            checkpoint.checkpoint().root().as_bytes(),
            checkpoint.to_text().as_bytes(),
        ],
    )
}
