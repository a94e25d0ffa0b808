//! Everything the target knows: a folder that one process at a time has open.
//!
//! ```text
//! auth.json                   account → salted hash of its password
//! current -> releases/2.4.1   what is served
//! lock                        held while the folder is open
//! operations/KEY.json         a rollback, by its idempotency key
//! releases/VERSION/page.json  what a release answers
//! ```

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use super::{
    accounts::Accounts,
    file::{self, FileError, io_error},
    secret::Secret,
    site::Site,
};

/// An open folder.
#[derive(Debug)]
pub(super) struct State {
    /// Who may.
    pub(super) accounts: Accounts,
    /// What they may do it to.
    pub(super) site: Site,
    _lock: File,
}

impl State {
    /// Makes a folder with a broken shop and one account.
    pub(super) fn create(dir: &Path, account: &str, password: &Secret) -> Result<(), FileError> {
        file::folder(dir)?;
        let _lock = lock(dir)?;
        let path = dir.join("auth.json");
        if path.exists() {
            return Err(FileError::Exists {
                path: dir.to_owned(),
            });
        }
        Site::create(dir)?;
        // Last: a folder without it is not finished, and can be made again.
        Accounts::at(path).set(account, password)
    }

    /// Opens a folder that [`State::create`] made.
    pub(super) fn open(dir: &Path) -> Result<Self, FileError> {
        let lock = lock(dir)?;
        Ok(Self {
            accounts: Accounts::at(dir.join("auth.json")),
            site: Site::open(dir)?,
            _lock: lock,
        })
    }
}

fn lock(dir: &Path) -> Result<File, FileError> {
    let path = dir.join("lock");
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileError::Served {
            path: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
    }
}
