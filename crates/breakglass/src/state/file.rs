//! Files that only their owner reads, written whole or not at all.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::StateError;

/// Owner reads and writes.
const FILE_MODE: u32 = 0o600;
/// Owner only.
const DIR_MODE: u32 = 0o700;
/// Longest file of ours that is read, in bytes.
const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

fn io<'a>(
    what: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> StateError + use<'a> {
    move |source| StateError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

/// Makes a directory, 0700, with what leads to it.
///
/// # Errors
///
/// It cannot be made.
pub fn make_dir(dir: &Path) -> Result<(), StateError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(DIR_MODE);
    builder.create(dir).map_err(io("make", dir))
}

/// Replaces a file, 0600: after a crash there is the old content or the new one, and when this
/// returns the new one is durable.
///
/// # Errors
///
/// It cannot be written.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let dir = parent(path);
    make_dir(dir)?;
    let temporary = temporary(path);
    // A leftover of a crashed process with this id.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(io("remove", &temporary)(error));
        }
        _ => {}
    }
    write_new(&temporary, content)?;
    std::fs::rename(&temporary, path).map_err(io("write", path))?;
    sync_dir(dir)
}

/// Writes a file that must not exist yet, 0600, durably.
///
/// # Errors
///
/// It exists or cannot be written.
pub fn create_new(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let dir = parent(path);
    make_dir(dir)?;
    write_new(path, content)?;
    sync_dir(dir)
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(StateError::Exists {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(io("write", path)(error)),
    };
    file.write_all(content).map_err(io("write", path))?;
    file.sync_all().map_err(io("write", path))
}

/// The content of a file, or `None` where there is none.
///
/// # Errors
///
/// It exists and cannot be read.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("read", path)(error)),
    };
    let size = file.metadata().map_err(io("read", path))?.len();
    let size = usize::try_from(size.min(READ_BYTES_MAX)).unwrap_or(0);
    let mut content = Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(READ_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(io("read", path))?;
    Ok(Some(content))
}

/// Removes a file; one that is not there is removed already.
///
/// # Errors
///
/// It is there and stays.
pub fn remove(path: &Path) -> Result<(), StateError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Holds other processes off until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock file of a directory, waiting for whoever holds it.
///
/// # Errors
///
/// It cannot be opened or locked.
pub fn lock(dir: &Path) -> Result<Lock, StateError> {
    make_dir(dir)?;
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options
        .mode(FILE_MODE)
        .open(&path)
        .map_err(io("open", &path))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|e| io("lock", &path)(e.into()))?;
    Ok(Lock { _file: file })
}

fn sync_dir(dir: &Path) -> Result<(), StateError> {
    let handle = File::open(dir).map_err(io("open", dir))?;
    handle.sync_all().map_err(io("write", dir))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn files_and_directories_are_their_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/file");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), b"two");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_new_file_never_replaces_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create_new(&path, b"one").unwrap();
        let again = create_new(&path, b"two");
        assert!(matches!(again, Err(StateError::Exists { .. })), "{again:?}");
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), b"one");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path).unwrap().is_none());
    }
}
