//! Files that are either as they were or as they should be, whenever the process dies.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// The longest file that is read, in bytes: far above what the shop can write.
const BYTES_MAX: u64 = 1024 * 1024;

/// Why the shop's folder does not work.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// The file system.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A file of ours does not hold what we write.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: &'static str },
    /// There is a shop already.
    #[error("{} holds a shop already", path.display())]
    Exists { path: PathBuf },
    /// Another process has it open.
    #[error("{} is served already", path.display())]
    Served { path: PathBuf },
    /// No salt.
    #[error("no randomness from the system: {0}")]
    Entropy(#[from] getrandom::Error),
}

/// The error of an operation on a path.
pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { what, path, source }
}

/// Writes a whole file: new content or old, never anything else, and durable on return.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let new = beside(path);
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).map_err(io_error("create", &new))?;
    file.write_all(bytes).map_err(io_error("write", &new))?;
    file.sync_all().map_err(io_error("sync", &new))?;
    replace(&new, path)
}

/// Writes a value as JSON, like [`write`].
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .map_err(io_error("encode", path))?;
    write(path, &bytes)
}

/// Points a symbolic link somewhere else, in one step and durably.
pub(super) fn link(path: &Path, to: &Path) -> Result<(), FileError> {
    let new = beside(path);
    match fs::remove_file(&new) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("remove", &new)(error)),
    }
    symlink(to, &new).map_err(io_error("create", &new))?;
    replace(&new, path)
}

/// Reads a value that [`write_json`] wrote; `None`: there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(io_error("read", path))?;
    let value = serde_json::from_slice(&bytes).map_err(|_| FileError::Damaged {
        path: path.to_owned(),
        detail: "not the JSON that was written",
    })?;
    Ok(Some(value))
}

/// Makes a folder that only its owner can enter, and those above it.
pub(super) fn folder(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(io_error("create", path))
}

fn replace(new: &Path, path: &Path) -> Result<(), FileError> {
    fs::rename(new, path).map_err(io_error("replace", path))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let handle = File::open(folder).map_err(io_error("open", folder))?;
    handle.sync_all().map_err(io_error("sync", folder))
}

/// Where the new content is made. One name: what a killed process left there is overwritten.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    PathBuf::from(name)
}
