//! The folder of an export, taken by one run: two that wrote into it would undo each other's work.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A folder that nobody else writes into as long as this lives.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The folder, locked (`flock`). Nothing of the lock lies in it, since it would be a stray there.
    _folder: File,
    /// The folder, where it was made for this.
    made: Option<PathBuf>,
}

/// Why a folder cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// Another run writes into it.
    #[error("{} is being written by another run of breakglass", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be made or opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Taken {
    /// Takes a folder, which is made where there is none.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(crate) fn folder(dir: &Path) -> Result<Self, NotTaken> {
        let path = || dir.to_owned();
        let failed = |source| {
            let path = path();
            NotTaken::Io { path, source }
        };
        let made = (!dir.exists()).then(path);
        fs::create_dir_all(dir).map_err(failed)?;
        let folder = File::open(dir).map_err(failed)?;
        match folder.try_lock() {
            Ok(()) => Ok(Self {
                _folder: folder,
                made,
            }),
            Err(TryLockError::WouldBlock) => Err(NotTaken::InUse { path: path() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            // Only where nothing was written into it.
            let _ = fs::remove_dir(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("evidence");
        let taken = Taken::folder(&dir).unwrap();
        let again = Taken::folder(&dir).unwrap_err();
        assert!(matches!(again, NotTaken::InUse { .. }), "{again}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        drop(taken);
        assert!(!dir.exists(), "what was made for nothing is gone");
        fs::create_dir(&dir).unwrap();
        drop(Taken::folder(&dir).unwrap());
        assert!(dir.exists(), "what was there stays");
    }
}
