//! The log that a folder holds already.

use breakglass_tlog::{Hash, SignedCheckpoint};
use thiserror::Error;

use super::Assembly;
use crate::{
    Finding, FolderError,
    check::{log, stop::Stop},
    folder::CHECKPOINT,
    tree::Tree,
};

/// The log that a folder holds: its bytes are under its signed checkpoint, by the key beside it.
#[derive(Debug)]
pub struct Held<'a> {
    checkpoint: SignedCheckpoint,
    pub(super) tree: Tree<'a>,
}

/// Why the log of a folder does not count.
#[derive(Debug, Error)]
pub enum NotHeld {
    /// The first thing that is wrong with it.
    #[error("{0}")]
    Damaged(Box<Finding>),
    /// It cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Held<'_> {
    /// The checkpoint. That its key is the right one is for whoever knows the right one to say.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// How many entries there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size()
    }

    /// The root of the first so many entries; none where there are fewer.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>, FolderError> {
        if size > self.size() {
            return Ok(None);
        }
        self.tree.root_at(size).map(Some)
    }
}

impl Assembly {
    /// The log that is there; none where an export was interrupted before there was a checkpoint.
    ///
    /// # Errors
    /// [`NotHeld`].
    pub fn held(&self) -> Result<Option<Held<'_>>, NotHeld> {
        if !self.found().has(CHECKPOINT) {
            return Ok(None);
        }
        match log::read(self.place(), &|_| (), |_, _| (), |()| ()) {
            Ok(log) => Ok(Some(Held {
                checkpoint: log.signed,
                tree: log.tree,
            })),
            Err(Stop::Finding(finding)) => Err(NotHeld::Damaged(finding)),
            Err(Stop::Files(error)) => Err(error.into()),
        }
    }
}
