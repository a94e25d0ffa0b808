//! Files to and from a disk: the only input and output of this crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::disk;

/// The signed checkpoint, which is written when everything it covers is there.
pub(crate) const CHECKPOINT: &str = "log/checkpoint";
/// A checkpoint of the same log that witnesses cosigned, which may be there: all that does not
/// follow from the log.
pub const COSIGNED: &str = "log/cosigned";
/// A file on its way to its place: it is renamed, so that no file of an export is half written.
pub(crate) const WRITING: &str = ".writing";
/// Where an export keeps what it has fetched until it is whole.
pub(crate) const FETCHED: &str = ".fetched/";
/// Most bytes of one file of a folder in memory.
pub const FILE_BYTES_MAX: u64 = 4 << 30;
/// Most bytes of all files together of a folder in memory.
pub const FOLDER_BYTES_MAX: u64 = 8 << 30;

/// An evidence folder in memory: paths with `/`, relative to the folder, and their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
    strays: BTreeSet<String>,
}

/// Why a folder could not be read or written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The operating system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More than a folder may hold.
    #[error("{path}: more than {limit} {what}")]
    TooMuch {
        /// Where the limit was passed.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// A file is not what it was when it was read before.
    #[error("{path} changed while it was read")]
    Changed {
        /// Which.
        path: String,
    },
    /// The place to write to holds something already.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The place.
        path: PathBuf,
    },
}

impl FolderError {
    /// A file could not be read.
    pub(crate) fn of(path: &str, source: io::Error) -> Self {
        at(Path::new(path), source)
    }

    /// A file that was there is there no longer.
    pub(crate) fn gone(path: &str) -> Self {
        at(Path::new(path), io::ErrorKind::NotFound.into())
    }
}

impl Folder {
    /// A folder without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Puts a file, and gives the one that was there.
    pub fn insert(&mut self, path: impl Into<String>, bytes: Vec<u8>) -> Option<Vec<u8>> {
        self.files.insert(path.into(), bytes)
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) -> Option<Vec<u8>> {
        self.files.remove(path)
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// What was found and is no regular file: links, sockets, empty folders, names that are not
    /// UTF-8.
    #[must_use]
    pub const fn strays(&self) -> &BTreeSet<String> {
        &self.strays
    }

    /// Reads a folder. Links are not followed and nothing but regular files is opened.
    ///
    /// # Errors
    /// [`FolderError::Io`], or [`FolderError::TooMuch`] where a limit of this module or of
    /// [`disk`](crate::disk) is passed.
    pub fn read(root: &Path) -> Result<Self, FolderError> {
        let found = disk::walk(root)?;
        let mut budget = FOLDER_BYTES_MAX;
        let mut folder = Self {
            strays: found.strays,
            ..Self::new()
        };
        for (name, _) in found.files {
            let bytes = read_file(&root.join(&name), &mut budget)?;
            folder.files.insert(name, bytes);
        }
        Ok(folder)
    }

    /// Writes the files into a folder that is empty or not there yet.
    ///
    /// # Errors
    /// [`FolderError::NotEmpty`] or [`FolderError::Io`]; some files may then have been written.
    pub fn write(&self, root: &Path) -> Result<(), FolderError> {
        fs::create_dir_all(root).map_err(|e| at(root, e))?;
        if fs::read_dir(root)
            .map_err(|e| at(root, e))?
            .next()
            .is_some()
        {
            return Err(FolderError::NotEmpty {
                path: root.to_path_buf(),
            });
        }
        for (path, bytes) in self.iter() {
            put(root, path, bytes)?;
        }
        Ok(())
    }
}

/// Whether a folder is an export that is not whole yet: somebody writes it, or was interrupted.
#[must_use]
pub fn is_unfinished(root: &Path) -> bool {
    let names = [WRITING, FETCHED.trim_end_matches('/')];
    names.iter().any(|name| root.join(name).exists())
}

/// Puts a file in its place in a folder, whole or not at all.
///
/// # Errors
/// [`FolderError::Io`].
pub fn put(root: &Path, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
    let place = root.join(path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(|e| at(parent, e))?;
    }
    let writing = root.join(WRITING);
    // What a killed run left goes first, and nothing is written through it: it may be a link.
    match fs::remove_file(&writing) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&writing, e)),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&writing);
    let written = file.and_then(|mut file| file.write_all(bytes));
    let written = written.and_then(|()| fs::rename(&writing, &place));
    written.map_err(|e| at(&place, e))
}

/// Gives a file another place besides its own; where the disk cannot, it is copied.
pub(crate) fn link(root: &Path, from: &str, path: &str) -> Result<(), FolderError> {
    let (from, place) = (root.join(from), root.join(path));
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(|e| at(parent, e))?;
    }
    match fs::hard_link(&from, &place) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(at(&place, e)),
        Err(_) => {
            let bytes = fs::read(&from).map_err(|e| at(&from, e))?;
            put(root, path, &bytes)
        }
    }
}

/// Takes a folder away with everything in it.
pub(crate) fn take_away_all(root: &Path, path: &str) -> Result<(), FolderError> {
    // With a slash at its end, a link would be followed.
    let place = root.join(path.trim_end_matches('/'));
    match fs::remove_dir_all(&place) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(&place, e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Takes a file away, and the folders that are empty without it.
pub(crate) fn take_away(root: &Path, path: &str) -> Result<(), FolderError> {
    let place = root.join(path);
    match fs::remove_file(&place) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&place, e)),
        Ok(()) | Err(_) => {}
    }
    for parent in place.ancestors().skip(1).take_while(|p| *p != root) {
        match fs::remove_dir(parent) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            // It has other files.
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => break,
            Err(e) => return Err(at(parent, e)),
        }
    }
    Ok(())
}

impl FromIterator<(String, Vec<u8>)> for Folder {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self {
            files: files.into_iter().collect(),
            strays: BTreeSet::new(),
        }
    }
}

fn read_file(place: &Path, budget: &mut u64) -> Result<Vec<u8>, FolderError> {
    let limit = FILE_BYTES_MAX.min(*budget);
    let file = File::open(place).map_err(|e| at(place, e))?;
    let mut bytes = Vec::new();
    // The length may change while we read, so it is the reading that is bounded.
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    let got = u64::try_from(read.map_err(|e| at(place, e))?).unwrap_or(u64::MAX);
    if got > limit {
        return Err(FolderError::TooMuch {
            path: place.to_path_buf(),
            what: "bytes",
            limit,
        });
    }
    *budget -= got;
    Ok(bytes)
}

pub(crate) fn at(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io {
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Folder {
        [("a", "1"), ("log/tile/000.p/3", "22"), ("log/x", "")]
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .into_iter()
            .collect()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("evidence");
        sample().write(&root).unwrap();
        assert_eq!(Folder::read(&root).unwrap(), sample());
        assert!(matches!(
            sample().write(&root),
            Err(FolderError::NotEmpty { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_empty_folders_are_strays_and_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("evidence");
        sample().write(&root).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("log/link")).unwrap();
        fs::create_dir(root.join("log/empty")).unwrap();
        let read = Folder::read(&root).unwrap();
        let strays: Vec<&str> = read.strays().iter().map(String::as_str).collect();
        assert_eq!(strays, ["log/empty", "log/link"]);
        assert_eq!(read.iter().count(), 3);
    }

    #[test]
    fn a_folder_that_is_not_there_says_so() {
        let place = tempfile::tempdir().unwrap();
        let error = Folder::read(&place.path().join("nowhere")).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
