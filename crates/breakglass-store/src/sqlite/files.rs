//! The files of a ledger: who may read them, and who holds them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{
    Access, AtFlags, CWD, FlockOperation, RenameFlags, accessat, flock, renameat_with,
};

use super::refusal::OpenError;
use crate::durable::{FileMode, beside, parent, sync_dir};

/// Permission bits of the directory of a ledger.
const DIR_MODE: u32 = 0o700;
/// Permission bits nobody but the owner has.
const OTHERS: u32 = 0o077;

/// How often an opener asks once more for a ledger that somebody else has: for two seconds in all.
///
/// A child that a server forked and that has not yet run its program still has the server's lock,
/// also once the server is dead: whoever starts the server again at that moment would be told
/// that another runs.
const PAUSES: u32 = 100;
/// How long it waits in between.
const PAUSE: Duration = Duration::from_millis(20);

/// That no other process has this ledger, until dropped.
///
/// SQLite's own lock is a POSIX one, which is gone once any descriptor of the file is closed in
/// this process; `flock` on a file of its own is not.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, for which it waits a moment.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut pauses = PAUSES;
        Self::take_waiting(database, || {
            let waits = pauses > 0;
            if waits {
                pauses -= 1;
                thread::sleep(PAUSE);
            }
            waits
        })
    }

    /// Takes the lock; each time somebody else has it, `wait` gives whether to ask again.
    fn take_waiting(database: &Path, mut wait: impl FnMut() -> bool) -> Result<Self, OpenError> {
        let path = beside(database, ".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FileMode::OwnerOnly.bits())
            .open(&path)
            .map_err(OpenError::io("open", &path))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(rustix::io::Errno::WOULDBLOCK) if wait() => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(OpenError::InUse {
                        path: database.to_owned(),
                    });
                }
                Err(error) => return Err(OpenError::io("lock", &path)(error.into())),
            }
        }
    }
}

/// Checks that the database is a file that its owner alone can read, in a directory likewise.
pub(super) fn check(database: &Path) -> Result<(), OpenError> {
    let found = match fs::metadata(database) {
        Ok(found) if found.is_file() => found,
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::io("look at", database)(error));
        }
        Ok(_) | Err(_) => {
            return Err(OpenError::Missing {
                path: database.to_owned(),
            });
        }
    };
    check_mode(database, &found)?;
    check_dir(database)
}

/// Checks that [`prepare_dir`] would do, and a file be made there, without doing either.
pub(super) fn check_place(database: &Path) -> Result<(), OpenError> {
    let dir = parent(database);
    let writes_to = match fs::metadata(dir) {
        Ok(found) => {
            check_mode(dir, &found)?;
            dir
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => parent(dir),
        Err(error) => return Err(OpenError::io("look at", dir)(error)),
    };
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    accessat(CWD, writes_to, wanted, AtFlags::EACCESS)
        .map_err(|error| OpenError::io("write to", writes_to)(error.into()))
}

fn check_dir(database: &Path) -> Result<(), OpenError> {
    let dir = parent(database);
    let found = fs::metadata(dir).map_err(OpenError::io("look at", dir))?;
    check_mode(dir, &found)
}

fn check_mode(path: &Path, found: &fs::Metadata) -> Result<(), OpenError> {
    let mode = found.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(OpenError::Permissions {
        path: path.to_owned(),
        mode,
    })
}

/// Creates the directory of a ledger, or checks the one that exists.
pub(super) fn prepare_dir(database: &Path) -> Result<(), OpenError> {
    let dir = parent(database);
    match DirBuilder::new().mode(DIR_MODE).create(dir) {
        Ok(()) => sync(parent(dir)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_dir(database),
        Err(error) => Err(OpenError::io("create", dir)(error)),
    }
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(OpenError::io("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Creates an empty file for its owner alone, in place of one left behind.
pub(super) fn fresh(path: &Path) -> Result<(), OpenError> {
    remove(path)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FileMode::OwnerOnly.bits())
        .open(path)
        .map(drop)
        .map_err(OpenError::io("create", path))
}

/// Gives a finished file its name, durably, if nothing has it.
pub(super) fn publish(from: &Path, to: &Path) -> Result<(), OpenError> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
        .map_err(|error| OpenError::io("create", to)(error.into()))?;
    sync(parent(to))
}

/// Makes the names of the ledger's files durable, those that SQLite has made as well: it syncs
/// the directory too, and thinks nothing of it when that fails.
pub(super) fn sync_names(database: &Path) -> Result<(), OpenError> {
    sync(parent(database))
}

fn sync(dir: &Path) -> Result<(), OpenError> {
    sync_dir(dir).map_err(|error| OpenError::io("sync", dir)(error.source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_a_dying_child_still_has_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ledger.db");
        let mut dying = Some(Lock::take(&database).unwrap());
        let mut asked = 0;
        let lock = Lock::take_waiting(&database, || {
            asked += 1;
            if asked == 3 {
                dying = None;
            }
            true
        });
        lock.unwrap();
        assert_eq!(asked, 3);
    }

    #[test]
    fn somebody_who_stays_is_named_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ledger.db");
        let _stays = Lock::take(&database).unwrap();
        let mut left = 3;
        let refused = Lock::take_waiting(&database, || {
            left -= 1;
            left > 0
        });
        assert!(matches!(refused, Err(OpenError::InUse { path }) if path == database));
    }
}
