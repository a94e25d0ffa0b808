//! The files of an evidence folder, wherever they lie: listed at once, read one by one and piece by
//! piece, so that a folder may be longer than the memory of whoever checks it.

use std::{borrow::Cow, collections::BTreeSet, fmt, io::Read};

use crate::{Folder, FolderError};

/// Most bytes of a file that is read as a whole: a bundle of the longest entries has 16.8 MB. What
/// is longer is read piece by piece, or not at all.
pub const WHOLE_BYTES_MAX: u64 = 32 << 20;

/// Where files are read from.
pub trait Files: Sync {
    /// What there is.
    fn listing(&self) -> Cow<'_, Listing>;

    /// A file that is listed, from its beginning.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    fn open(&self, path: &str) -> Result<Box<dyn Read + Send + '_>, FolderError>;

    /// A file that is listed, as a whole.
    ///
    /// # Errors
    /// [`FolderError::Io`], or [`FolderError::TooMuch`] of more than [`WHOLE_BYTES_MAX`].
    fn whole(&self, path: &str) -> Result<Cow<'_, [u8]>, FolderError>;
}

impl fmt::Debug for dyn Files + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

/// The names of files, by path, and their lengths. A folder has two files for each signed entry, so
/// that they lie close together.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Every path, one after the other.
    names: String,
    /// Where each ends, and how long its file is.
    files: Vec<(usize, u64)>,
    strays: BTreeSet<String>,
}

impl Listing {
    /// Of files with their lengths, in any order, and of what else was found.
    #[must_use]
    pub fn new(mut files: Vec<(String, u64)>, strays: BTreeSet<String>) -> Self {
        files.sort_unstable();
        let mut listing = Self {
            strays,
            ..Self::default()
        };
        for (path, length) in files {
            listing.names.push_str(&path);
            listing.files.push((listing.names.len(), length));
        }
        listing
    }

    /// How many files there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The path of a file, by its place in the order of paths; empty where there is none.
    #[must_use]
    pub fn path(&self, number: usize) -> &str {
        let begin = number.checked_sub(1).and_then(|last| self.files.get(last));
        let begin = begin.map_or(0, |(end, _)| *end);
        let end = self.files.get(number).map_or(begin, |(end, _)| *end);
        self.names.get(begin..end).unwrap_or_default()
    }

    /// How long a file was when it was listed, in bytes.
    #[must_use]
    pub fn length(&self, number: usize) -> u64 {
        self.files.get(number).map_or(0, |(_, length)| *length)
    }

    /// The place of a path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.files.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.path(middle).cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// What was found and is no regular file.
    #[must_use]
    pub const fn strays(&self) -> &BTreeSet<String> {
        &self.strays
    }
}

impl Files for Folder {
    fn listing(&self) -> Cow<'_, Listing> {
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let files = self.iter();
        let files = files.map(|(path, bytes)| (path.to_owned(), length(bytes)));
        Cow::Owned(Listing::new(files.collect(), self.strays().clone()))
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + Send + '_>, FolderError> {
        let bytes = self.get(path).ok_or_else(|| FolderError::gone(path))?;
        Ok(Box::new(bytes))
    }

    fn whole(&self, path: &str) -> Result<Cow<'_, [u8]>, FolderError> {
        let bytes = self.get(path).ok_or_else(|| FolderError::gone(path))?;
        Ok(Cow::Borrowed(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_path() {
        let paths = ["b", "a/c", "a", "log/x", "log/tile/000"];
        let files = paths.iter().zip(1..).map(|(p, n)| ((*p).to_owned(), n));
        let listing = Listing::new(files.collect(), BTreeSet::new());
        let listed: Vec<&str> = (0..listing.len()).map(|n| listing.path(n)).collect();
        assert_eq!(listed, ["a", "a/c", "b", "log/tile/000", "log/x"]);
        for (path, length) in paths.iter().zip(1..) {
            let number = listing.find(path).unwrap();
            assert_eq!(
                (listing.path(number), listing.length(number)),
                (*path, length)
            );
        }
        for path in ["", "aa", "c", "log", "log/y"] {
            assert_eq!(listing.find(path), None, "{path}");
        }
        assert_eq!((listing.path(9), listing.length(9)), ("", 0));
    }
}
