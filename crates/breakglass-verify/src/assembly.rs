//! An export on its way: put together in its folder on a disk, piece by piece, so that a log may be
//! longer than the memory of whoever exports it. Of an export that is there already only what is
//! new is fetched and written, and the same log always gives the same bytes.
//!
//! | step | what it settles |
//! |---|---|
//! | [`Assembly::held`] | the log that is there: its bytes are under its signed checkpoint |
//! | [`Assembly::sift`] | what an interrupted export kept is what it says it is |
//! | [`Assembly::lacks`], [`Assembly::keep_bundle`] | entries are fetched, and kept on the way |
//! | [`Assembly::grown`] | all of them are the log of a signed checkpoint |
//! | [`Grown::lay_out`] | what entries name is fetched; each has its place, and nothing that is there would have to be altered |
//! | [`Laid::settle`] | files get into their places, the checkpoint last |
//!
//! Until the last step nothing changes but what is on its way, so that a folder which is not what
//! it should be is left as it was. An export that is interrupted at any step goes on where it was.

mod course;
mod fit;
mod grown;
mod held;
mod lay_out;
mod settle;
mod staged;

use std::{
    fs,
    path::{Path, PathBuf},
};

use breakglass_format::Digest;
use thiserror::Error;

use crate::{
    FolderError, OnDisk,
    check::log::Place,
    disk,
    files::{Files as _, Listing},
    folder::{self, COSIGNED, FETCHED, WRITING},
};

pub use fit::NotContinued;
pub use grown::{Grown, NotGrown};
pub use held::{Held, NotHeld};
pub use lay_out::{Laid, Layer, NotLaid, Unsound};
pub use settle::Settled;

/// What says whose log it is: the first file there is.
const GENESIS: &str = "genesis";

/// A folder that is to be the export of a log, and what there was in it.
#[derive(Debug)]
pub struct Assembly {
    root: PathBuf,
    /// What there was, but for what is on its way.
    disk: OnDisk,
    /// What an interrupted export had on its way.
    kept: Vec<String>,
    /// The genesis of the installation.
    instance: Digest,
}

/// Why a folder is not looked at any further.
#[derive(Debug, Error)]
pub enum NotOpened {
    /// It has something that no export has.
    #[error(transparent)]
    NotContinued(#[from] NotContinued),
    /// It cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Assembly {
    /// Looks through a folder, which need not be there. Nobody else may write into it meanwhile.
    ///
    /// # Errors
    /// [`NotOpened`]; nothing was changed then. A link is refused wherever it lies: whatever was
    /// written through it, or taken away behind it, would be somebody else's.
    pub fn at(root: impl Into<PathBuf>, instance: Digest) -> Result<Self, NotOpened> {
        let root = root.into();
        let found = if root.exists() {
            disk::walk(&root)?
        } else {
            disk::Found::default()
        };
        for path in &found.strays {
            let is_folder = fs::symlink_metadata(root.join(path)).is_ok_and(|found| found.is_dir());
            // Folders that are empty are what a killed export leaves.
            if !is_folder || path == WRITING {
                let path = path.clone();
                return Err(NotContinued::Stray { path }.into());
            }
        }
        let (on_its_way, files) = found
            .files
            .into_iter()
            .partition::<Vec<_>, _>(|(path, _)| is_on_its_way(path));
        let strays = found.strays.into_iter();
        let strays = strays.filter(|path| !is_on_its_way(path)).collect();
        Ok(Self {
            disk: OnDisk::of(root.clone(), Listing::new(files, strays)),
            kept: on_its_way.into_iter().map(|(path, _)| path).collect(),
            root,
            instance,
        })
    }

    /// What there was, but for what is on its way.
    #[must_use]
    pub const fn found(&self) -> &Listing {
        self.disk.found()
    }

    /// The genesis of which the folder says that it is; none where it says nothing.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn genesis(&self) -> Result<Option<String>, FolderError> {
        if !self.found().has(GENESIS) {
            return Ok(None);
        }
        let bytes = self.disk.whole(GENESIS)?;
        let text = String::from_utf8_lossy(&bytes);
        // Without the line break: one that is missing, or more than one, is another text.
        let text = text.strip_suffix('\n').unwrap_or("");
        Ok(Some(text.to_owned()))
    }

    /// What witnesses cosigned, where the folder has it.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn cosigned(&self) -> Result<Option<Vec<u8>>, FolderError> {
        if !self.found().has(COSIGNED) {
            return Ok(None);
        }
        Ok(Some(self.disk.whole(COSIGNED)?.into_owned()))
    }

    /// Takes away what is on its way: the folder is what it was.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn forget(&self) -> Result<(), FolderError> {
        self.clear()?;
        if self.found().has(GENESIS) {
            return Ok(());
        }
        folder::take_away(&self.root, GENESIS)
    }

    /// Takes away what was on its way.
    fn clear(&self) -> Result<(), FolderError> {
        folder::take_away(&self.root, WRITING)?;
        folder::take_away_all(&self.root, FETCHED)
    }

    fn place(&self) -> Place<'_> {
        Place {
            files: &self.disk,
            listing: self.found(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

/// Whether an export keeps it only until it is whole.
fn is_on_its_way(path: &str) -> bool {
    path == WRITING || path == FETCHED.trim_end_matches('/') || path.starts_with(FETCHED)
}
