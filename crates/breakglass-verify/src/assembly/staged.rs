//! What is on its way: fetched, and kept in the folder until it has its place, so that an export
//! that is interrupted goes on where it was.
//!
//! Nothing here is believed: documents count by their SHA-256, and entries by the root that they
//! have in the end.

use std::{fs, io, path::Path};

use breakglass_format::Digest;
use breakglass_tlog::EntriesPath;

use super::{Assembly, GENESIS, Held};
use crate::{
    FolderError, digest,
    folder::{FETCHED, at, put, take_away},
    parallel,
};

/// Files that a thread hashes at a time.
const BATCH: usize = 64;

/// Takes away documents that are not what their names say.
pub(super) fn sift(root: &Path, kept: &[&str]) -> Result<(), FolderError> {
    let named = |path: &&str| {
        let name = path.strip_prefix(FETCHED)?;
        Some((name.to_owned(), (*path).to_owned()))
    };
    let documents: Vec<(String, String)> = kept
        .iter()
        .filter_map(named)
        .filter(|(name, _)| !name.contains('/'))
        .collect();
    let wrong = parallel::map(&documents, BATCH, |_, document| {
        let (name, path) = document;
        let place = root.join(path);
        let bytes = fs::read(&place).map_err(|error| at(&place, error))?;
        Ok::<_, FolderError>((digest(&bytes).hex() != *name).then(|| path.clone()))
    });
    for wrong in wrong {
        if let Some(path) = wrong? {
            take_away(root, &path)?;
        }
    }
    Ok(())
}

impl Assembly {
    /// The bundles of a log of so many entries that are neither there nor on their way.
    #[must_use]
    pub fn lacks(&self, held: Option<&Held<'_>>, size: u64) -> Vec<EntriesPath> {
        self.staged(held, size)
            .filter(|path| !self.path(&of_bundle(path)).is_file())
            .collect()
    }

    /// Those of them that are not there.
    pub(super) fn staged(
        &self,
        held: Option<&Held<'_>>,
        size: u64,
    ) -> impl Iterator<Item = EntriesPath> + use<> {
        let had = held.map_or(0, Held::size);
        breakglass_tlog::entries_for_size(size)
            .filter(move |path| !super::grown::has(had, 0, path.index(), path.width()))
    }

    /// Keeps a bundle of entries on its way.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep_bundle(&self, path: &EntriesPath, bytes: &[u8]) -> Result<(), FolderError> {
        self.stage(&of_bundle(path), bytes)
    }

    /// Keeps a document on its way; `false` where it is another one.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep_document(&self, named: &Digest, bytes: &[u8]) -> Result<bool, FolderError> {
        if digest(bytes) != *named {
            return Ok(false);
        }
        self.stage(&of_document(named), bytes)?;
        Ok(true)
    }

    pub(super) fn stage(&self, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        if !self.path(GENESIS).exists() {
            put(
                self.root(),
                GENESIS,
                format!("{}\n", self.instance).as_bytes(),
            )?;
        }
        put(self.root(), path, bytes)
    }

    /// Whether a document is on its way.
    pub(super) fn has_staged(&self, named: &Digest) -> bool {
        self.path(&of_document(named)).is_file()
    }

    /// A document on its way.
    pub(super) fn document(&self, named: &Digest) -> Result<Option<Vec<u8>>, FolderError> {
        let path = of_document(named);
        let place = self.path(&path);
        match fs::read(&place) {
            Ok(bytes) if digest(&bytes) == *named => Ok(Some(bytes)),
            Ok(_) => Err(FolderError::Changed { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&place, error)),
        }
    }
}

/// Where a file of the log is on its way.
pub(super) fn of_log(path: &impl std::fmt::Display) -> String {
    format!("{FETCHED}log/{path}")
}

pub(super) fn of_bundle(path: &EntriesPath) -> String {
    of_log(path)
}

/// Where a document is on its way.
pub(super) fn of_document(named: &Digest) -> String {
    format!("{FETCHED}{}", named.hex())
}
