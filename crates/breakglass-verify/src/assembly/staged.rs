//! What is on its way: fetched, and kept in the folder until it has its place, so that an export
//! that is interrupted goes on where it was.
//!
//! Nothing here is believed: documents count by their SHA-256, and entries by the root that they
//! have in the end.

use std::{borrow::Cow, io::ErrorKind};

use breakglass_format::Digest;
use breakglass_tlog::{EntriesPath, parse_entries};

use super::{Assembly, GENESIS, Held};
use crate::{
    FolderError, digest,
    files::{Files as _, WHOLE_BYTES_MAX},
    folder::{FETCHED, put, take_away},
    parallel,
    table::{PIECE, of_file},
};

/// Files that a thread hashes at a time.
const BATCH: usize = 64;

impl Assembly {
    /// Takes away what an interrupted export kept and what is not what its name says.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn sift(&self) -> Result<(), FolderError> {
        let named = |path: &String| {
            let name = path.strip_prefix(FETCHED)?;
            let digest: Option<Digest> = format!("sha256:{name}").parse().ok();
            Some((digest?, path.clone()))
        };
        let documents: Vec<(Digest, String)> = self.kept.iter().filter_map(named).collect();
        let wrong = parallel::map(&documents, BATCH, |_, (digest, path)| {
            let mut piece = vec![0; PIECE];
            let got = of_file(self.disk.open(path)?, path, &mut piece)?;
            Ok::<_, FolderError>(got != *digest)
        });
        for (wrong, (_, path)) in wrong.into_iter().zip(&documents) {
            if wrong? {
                take_away(self.root(), path)?;
            }
        }
        Ok(())
    }

    /// The bundles of a log of so many entries that are neither there nor on their way, one after
    /// the other: how many entries there are is only what somebody says.
    pub fn lacks(
        &self,
        held: Option<&Held<'_>>,
        size: u64,
    ) -> impl Iterator<Item = EntriesPath> + use<'_> {
        let staged = self.staged(held, size);
        staged.filter(|path| !self.path(&of_log(path)).is_file())
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

    /// Keeps a bundle of entries on its way; `false` where it is none.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep_bundle(&self, path: &EntriesPath, bytes: &[u8]) -> Result<bool, FolderError> {
        if is_too_long(bytes) || parse_entries(bytes, path.width()).is_err() {
            return Ok(false);
        }
        self.stage(&of_log(path), bytes)?;
        Ok(true)
    }

    /// Keeps a document on its way; `false` where it is another one, or longer than any.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep_document(&self, named: &Digest, bytes: &[u8]) -> Result<bool, FolderError> {
        if is_too_long(bytes) || digest(bytes) != *named {
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
    pub(super) fn document(&self, named: &Digest) -> Result<Option<Cow<'_, [u8]>>, FolderError> {
        let path = of_document(named);
        match self.disk.whole(&path) {
            Ok(bytes) if digest(&bytes) == *named => Ok(Some(bytes)),
            Ok(_) => Err(FolderError::Changed { path }),
            Err(FolderError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether nobody reads it as a whole.
fn is_too_long(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length > WHOLE_BYTES_MAX)
}

/// Where a file of the log is on its way.
pub(super) fn of_log(path: &impl std::fmt::Display) -> String {
    format!("{FETCHED}log/{path}")
}

/// Where a document is on its way.
pub(super) fn of_document(named: &Digest) -> String {
    format!("{FETCHED}{}", named.hex())
}
