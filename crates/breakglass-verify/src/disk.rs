//! An evidence folder on a disk, of which nothing is read but what is asked for.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    files::{Files, Listing, WHOLE_BYTES_MAX},
    folder::{FolderError, at},
};

/// Most files a folder may hold: a log of 10,000,000 signed entries has two for each.
pub const FILES_MAX: usize = 25_000_000;
/// Most folders inside each other.
const DEPTH_MAX: usize = 16;

/// A folder on a disk.
#[derive(Debug, Clone)]
pub struct OnDisk {
    root: PathBuf,
    listing: Listing,
}

impl OnDisk {
    /// Looks through the folder at this place, and opens none of its files yet.
    ///
    /// # Errors
    /// [`FolderError::Io`], or [`FolderError::TooMuch`] where a limit of this module is passed.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let root = root.into();
        let found = walk(&root)?;
        let listing = Listing::new(found.files, found.strays);
        Ok(Self { root, listing })
    }

    /// A folder in which this was found.
    pub(crate) const fn of(root: PathBuf, listing: Listing) -> Self {
        Self { root, listing }
    }

    /// What was found.
    #[must_use]
    pub const fn found(&self) -> &Listing {
        &self.listing
    }

    fn file(&self, path: &str) -> Result<(PathBuf, File), FolderError> {
        let place = self.root.join(path);
        let file = File::open(&place).map_err(|e| at(&place, e))?;
        Ok((place, file))
    }
}

impl Files for OnDisk {
    fn listing(&self) -> Cow<'_, Listing> {
        Cow::Borrowed(&self.listing)
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + Send + '_>, FolderError> {
        let (_, file) = self.file(path)?;
        Ok(Box::new(file))
    }

    fn whole(&self, path: &str) -> Result<Cow<'_, [u8]>, FolderError> {
        let (place, file) = self.file(path)?;
        let length = file.metadata().map_or(0, |meta| meta.len());
        let length = length.min(WHOLE_BYTES_MAX).saturating_add(1);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // The length may change while we read, so it is the reading that is bounded.
        let read = file.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|e| at(&place, e))?;
        if bytes.len() as u64 > WHOLE_BYTES_MAX {
            return Err(FolderError::TooMuch {
                path: place,
                what: "bytes",
                limit: WHOLE_BYTES_MAX,
            });
        }
        Ok(Cow::Owned(bytes))
    }
}

/// What lies in a folder: regular files with their lengths, and everything else.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<(String, u64)>,
    pub(crate) strays: BTreeSet<String>,
}

/// A folder that is still to be looked into: its place, its path, and how deep it lies.
type Waiting = (PathBuf, String, usize);

/// Looks through a folder. Links are not followed.
pub(crate) fn walk(root: &Path) -> Result<Found, FolderError> {
    let mut found = Found::default();
    let mut waiting: Vec<Waiting> = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((place, name, depth)) = waiting.pop() {
        if depth > DEPTH_MAX {
            return Err(too_much(place, "folders deep", DEPTH_MAX));
        }
        let before = found.files.len() + found.strays.len() + waiting.len();
        for item in fs::read_dir(&place).map_err(|e| at(&place, e))? {
            let item = item.map_err(|e| at(&place, e))?;
            found.take_in(&item, (&name, depth), &mut waiting)?;
        }
        let after = found.files.len() + found.strays.len() + waiting.len();
        if before == after && depth > 0 {
            found.strays.insert(name);
        }
        if after > FILES_MAX {
            return Err(too_much(place, "files", FILES_MAX));
        }
    }
    Ok(found)
}

impl Found {
    fn take_in(
        &mut self,
        item: &fs::DirEntry,
        (parent, depth): (&str, usize),
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), FolderError> {
        let place = item.path();
        // Neither follows links.
        let kind = item.file_type().map_err(|e| at(&place, e))?;
        let name = join(parent, &item.file_name().to_string_lossy());
        let speakable = item.file_name().to_str().is_some();
        if speakable && kind.is_dir() {
            waiting.push((place, name, depth + 1));
        } else if speakable && kind.is_file() {
            let length = item.metadata().map_err(|e| at(&place, e))?.len();
            self.files.push((name, length));
        } else {
            self.strays.insert(name);
        }
        Ok(())
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    }
}

fn too_much(path: PathBuf, what: &'static str, limit: usize) -> FolderError {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    FolderError::TooMuch { path, what, limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    #[test]
    fn a_folder_on_a_disk_is_the_one_in_memory() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("evidence");
        let files = [("a", "1"), ("log/tile/000.p/3", "22"), ("log/x", "")];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let folder: Folder = files.into_iter().collect();
        folder.write(&root).unwrap();
        let disk = OnDisk::at(&root).unwrap();
        let (there, here) = (disk.listing(), folder.listing());
        assert_eq!(there.len(), here.len());
        for number in 0..here.len() {
            let path = here.path(number);
            assert_eq!(there.path(number), path);
            assert_eq!(there.length(number), here.length(number));
            let mut bytes = Vec::new();
            let mut file = disk.open(path).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, folder.get(path).unwrap());
            assert_eq!(disk.whole(path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_as_a_whole() {
        let place = tempfile::tempdir().unwrap();
        let file = File::create(place.path().join("long")).unwrap();
        file.set_len(WHOLE_BYTES_MAX + 1).unwrap();
        let disk = OnDisk::at(place.path()).unwrap();
        let error = disk.whole("long").unwrap_err();
        assert!(matches!(error, FolderError::TooMuch { .. }), "{error}");
    }
}
