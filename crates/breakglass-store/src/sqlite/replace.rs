//! Another ledger in the place of one that is kept beside it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::SqliteLedger;
use super::files::{self, Lock};
use super::refusal::OpenError;
use crate::durable::beside;
use crate::error::{ReadError, StorageError};
use breakglass_format::Digest;

impl SqliteLedger {
    /// The digests of all blobs that it has, in no order that means anything.
    ///
    /// # Errors
    /// [`ReadError`]; a blob whose name is no digest is one.
    pub fn blob_digests(&self) -> Result<Vec<Digest>, ReadError> {
        let failed = StorageError::when("list the blobs");
        let mut statement = self
            .connection
            .prepare("SELECT digest FROM blob")
            .map_err(failed)?;
        let names = statement
            .query_map([], |row| row.get::<_, [u8; 32]>(0))
            .map_err(failed)?;
        let digests = names.map(|name| name.map(Digest::from_bytes));
        let digests = digests.collect::<rusqlite::Result<Vec<_>>>();
        Ok(digests.map_err(failed)?)
    }

    /// Puts the finished ledger file `by`, which nobody has open, in the place of `database`,
    /// whose file then also has the name `kept`. `old` is `database`, opened, where there is one:
    /// nobody else comes between. The names are durable when this returns.
    ///
    /// # Errors
    /// [`OpenError`]. Up to the last step, one rename, everything is as it was.
    pub fn replace(
        old: Option<Self>,
        database: &Path,
        by: &Path,
        kept: &Path,
    ) -> Result<(), OpenError> {
        let _lock = match old {
            Some(ledger) => ledger.let_go(),
            None => Arc::new(Lock::take(database)?),
        };
        // Closing has copied the write-ahead logs into their databases; one that is there all the
        // same would be replayed into another database than its own.
        for ahead in [beside(database, "-wal"), beside(by, "-wal")] {
            if ahead.exists() {
                return Err(OpenError::InUse { path: ahead });
            }
        }
        if database.exists() {
            fs::hard_link(database, kept).map_err(OpenError::io("keep", kept))?;
        }
        fs::rename(by, database).map_err(OpenError::io("replace", database))?;
        files::sync_names(database)
    }

    /// Closes the file and keeps the lock.
    fn let_go(self) -> Arc<Lock> {
        self.lock
    }
}
