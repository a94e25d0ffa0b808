//! All entries of a log that has grown: those that are there, and those on their way.

use breakglass_tlog::{
    Checkpoint, EntriesError, EntriesPath, LeafTile, SignedCheckpoint, TilePath, entries_for_size,
    parse_entries, tile::TILE_WIDTH,
};
use thiserror::Error;

use super::{Assembly, Held, staged};
use crate::{
    FolderError,
    check::log::in_log,
    files::Files as _,
    parallel::{Ahead, in_order},
    tree::Tree,
};

/// Bundles that are hashed at a time.
const AHEAD: u64 = 16;

/// The log as it is to be: all of its entries are there or on their way, and are under its signed
/// checkpoint.
#[derive(Debug)]
pub struct Grown<'a> {
    pub(super) assembly: &'a Assembly,
    /// How many entries were there.
    pub(super) had: u64,
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) tree: Tree<'a>,
}

/// Why entries are not the log of a checkpoint.
#[derive(Debug, Error)]
pub enum NotGrown {
    /// Something that was fetched is no bundle of entries.
    #[error("{path}: {error}")]
    Malformed {
        /// Of the log.
        path: String,
        /// What is wrong with it.
        error: EntriesError,
    },
    /// Something that was kept is longer than any bundle.
    #[error("{path} is longer than a bundle of entries can be")]
    TooLong {
        /// Of the log.
        path: String,
    },
    /// They are other ones.
    #[error("the entries are not those of the signed checkpoint: their root is another")]
    Other,
    /// They cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Whether the log of so many entries has this tile.
pub(super) fn has(size: u64, level: u8, index: u64, width: u16) -> bool {
    // One that is not full is there only until it grows.
    let grows = width < TILE_WIDTH && reaches(size, level, index, width + 1);
    reaches(size, level, index, width) && !grows
}

/// Whether the log of so many entries has as much of this tile, or more.
pub(super) fn reaches(size: u64, level: u8, index: u64, width: u16) -> bool {
    let there = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
    let begin = index.checked_mul(u64::from(TILE_WIDTH));
    let end = begin.and_then(|begin| begin.checked_add(u64::from(width)));
    end.is_some_and(|end| end <= there)
}

impl Assembly {
    /// Hashes what is on its way, and holds all entries against a checkpoint.
    ///
    /// # Errors
    /// [`NotGrown`].
    pub fn grown<'a>(
        &'a self,
        held: Option<&Held<'a>>,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Grown<'a>, NotGrown> {
        let mut tree = held.map_or_else(|| Tree::new(&self.disk), |held| held.tree.clone());
        let staged: Vec<EntriesPath> = self.staged(held, checkpoint.checkpoint().size()).collect();
        let ahead = Ahead {
            weigh: |_: &EntriesPath| 1,
            most: AHEAD,
        };
        let work = |_: usize, path: &EntriesPath| self.hashed(path);
        in_order(&staged, ahead, work, |hashed| {
            let (path, tile) = hashed?;
            self.stage(&staged::of_log(&path), &tile.to_bytes())?;
            tree.push(&tile);
            Ok::<(), NotGrown>(())
        })?;
        under(checkpoint.checkpoint(), &tree)?;
        Ok(Grown {
            assembly: self,
            had: held.map_or(0, Held::size),
            checkpoint: checkpoint.clone(),
            tree,
        })
    }

    /// The tile over a bundle on its way.
    fn hashed(&self, path: &EntriesPath) -> Result<(TilePath, LeafTile), NotGrown> {
        let bytes = self.disk.whole(&staged::of_log(path));
        if let Err(FolderError::TooMuch { .. }) = bytes {
            return Err(NotGrown::TooLong {
                path: path.to_string(),
            });
        }
        let bytes = bytes?;
        let malformed = |error| NotGrown::Malformed {
            path: path.to_string(),
            error,
        };
        let entries = parse_entries(&bytes, path.width()).map_err(malformed)?;
        let tile = TilePath::new(0, path.index(), path.width());
        let tile = tile.map_err(|error| FolderError::gone(&error.to_string()))?;
        Ok((tile, LeafTile::of_entries(&entries)))
    }
}

fn under(checkpoint: &Checkpoint, tree: &Tree<'_>) -> Result<(), NotGrown> {
    if tree.size() == checkpoint.size() && tree.root_at(tree.size())? == checkpoint.root() {
        return Ok(());
    }
    Err(NotGrown::Other)
}

impl Grown<'_> {
    /// How many entries there are.
    pub(super) const fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size()
    }

    pub(super) fn bundles(&self) -> impl Iterator<Item = EntriesPath> + use<> {
        entries_for_size(self.size())
    }

    /// Whether a bundle, or the tile over one, is on its way, and not what was there.
    pub(super) fn on_its_way(&self, index: u64, width: u16) -> bool {
        !has(self.had, 0, index, width)
    }

    /// Where a bundle lies by now.
    pub(super) fn path_of(&self, path: &EntriesPath) -> String {
        if self.on_its_way(path.index(), path.width()) {
            staged::of_log(path)
        } else {
            in_log(path)
        }
    }

    /// The index of the first entry of a bundle.
    pub(super) fn first(path: &EntriesPath) -> u64 {
        path.index().saturating_mul(u64::from(TILE_WIDTH))
    }
}
