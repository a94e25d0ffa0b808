//! Files that are there in full, or as they were before, whatever happens in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Who may read a file, before the umask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// 0600.
    OwnerOnly,
    /// 0644.
    WorldReadable,
}

impl FileMode {
    /// The permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o600,
            Self::WorldReadable => 0o644,
        }
    }
}

/// A step of a durable write failed.
#[derive(Debug, Error)]
#[error("cannot {doing} {path}", path = path.display())]
pub struct DurableError {
    /// The step.
    pub doing: &'static str,
    /// The file or directory it was about.
    pub path: PathBuf,
    /// The error of the system.
    #[source]
    pub source: io::Error,
}

impl DurableError {
    /// Whether the old content or the new one is there after a crash is not known. A later sync
    /// that succeeds does not tell either: the process ends, and the next one reads what is there.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.doing == SYNC_DIRECTORY
    }

    pub(crate) fn when(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// The step after which the new name may or may not be durable.
const SYNC_DIRECTORY: &str = "sync directory";

/// Replaces the content of a file, durably: a reader or a crash sees the old bytes or the new.
///
/// A temporary file beside it is written, synced and renamed over it, then the directory synced.
/// One caller at a time per path.
///
/// # Errors
/// [`DurableError`] names the step. Which of the two contents is durable is then unknown if the
/// step was about the directory; before that, it is the old one. A failed sync is not retried:
/// write the file again from the start or give up.
pub fn write_durably(path: &Path, bytes: &[u8], mode: FileMode) -> Result<(), DurableError> {
    let temporary = beside(path, ".tmp");
    let renamed = write_synced(&temporary, bytes, mode).and_then(|()| {
        fs::rename(&temporary, path).map_err(DurableError::when("rename onto", path))
    });
    if renamed.is_err() {
        // Best effort: the next write removes it too.
        drop(fs::remove_file(&temporary));
    }
    renamed?;
    sync_dir(parent(path))
}

fn write_synced(path: &Path, bytes: &[u8], mode: FileMode) -> Result<(), DurableError> {
    // What a crash left behind may have other permissions.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DurableError::when("remove", path)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode.bits())
        .open(path)
        .map_err(DurableError::when("create", path))?;
    file.write_all(bytes)
        .map_err(DurableError::when("write", path))?;
    file.sync_all().map_err(DurableError::when("sync", path))
}

/// Makes the names in a directory durable: files created, renamed or removed in it.
///
/// # Errors
/// [`DurableError`] if the directory cannot be opened or synced.
pub fn sync_dir(path: &Path) -> Result<(), DurableError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(DurableError::when(SYNC_DIRECTORY, path))
}

/// The directory a file is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// The path with something after its file name.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A path beside it that nothing has, for what is to be kept: the word after its file name, and the
/// first number that is free.
#[must_use]
pub fn unused_beside(path: &Path, word: &str) -> PathBuf {
    let name = |n: u32| beside(path, &format!(".{word}-{n}"));
    let mut free = (1..).map(name).filter(|path| !path.exists());
    free.next().unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        // As a crash leaves it: unfinished, and with other permissions.
        fs::write(beside(&path, ".tmp"), b"half").unwrap();
        for bytes in [b"first".as_slice(), b"", b"third"] {
            write_durably(&path, bytes, FileMode::OwnerOnly).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(mode(&path), 0o600);
        }
        write_durably(&path, b"shown", FileMode::WorldReadable).unwrap();
        assert_eq!(mode(&path) & !0o044, 0o600, "the umask may take the rest");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_its_step_and_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        let error = write_durably(&path, b"bytes", FileMode::OwnerOnly).unwrap_err();
        assert_eq!(
            (error.doing, error.path.as_path()),
            ("rename onto", path.as_path())
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let nowhere = dir.path().join("none/mark");
        let error = write_durably(&nowhere, b"bytes", FileMode::OwnerOnly).unwrap_err();
        assert_eq!(error.doing, "create");
        assert!(!error.is_undecided(), "nothing is there");
        // The name may be durable or not.
        let error = sync_dir(&dir.path().join("none")).unwrap_err();
        assert!(error.is_undecided());
    }
}
