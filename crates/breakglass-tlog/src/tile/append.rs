//! Which tiles change when leaves are appended.

use super::{
    ReadError, TILE_WIDTH, TileReader, hashes_at_level, path::TilePath, read_hashes, width_at,
};
use crate::hash::Hash;
use crate::tree::{MAX_TREE_SIZE, root_of_leaves};

/// A tile with content: all the hashes it has so far, 1 to 256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    path: TilePath,
    hashes: Vec<Hash>,
}

/// Why leaves cannot be appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E: std::error::Error + 'static> {
    /// The tree would exceed [`MAX_TREE_SIZE`].
    #[error("a tree of {old_size} leaves has no room for {added} more")]
    TooLarge {
        /// The leaves before.
        old_size: u64,
        /// The leaves to append.
        added: usize,
    },
    /// A partial tile at the right edge could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<E>),
}

impl Tile {
    /// The path at its present width.
    #[must_use]
    pub const fn path(&self) -> TilePath {
        self.path
    }

    /// The level; 0 holds leaf hashes.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.path.level()
    }

    /// The place of the tile in its level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.path.index()
    }

    /// The hashes.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The content of the tile's file: the hashes one after another.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes
            .iter()
            .flat_map(|hash| hash.as_bytes())
            .copied()
            .collect()
    }
}

/// The tiles that are new or longer once `leaves` (leaf hashes) follow the first `old_size` leaves.
///
/// By level, then by index; each has all its hashes, those of before included, so that writing
/// them all turns the tiles of the old size into the tiles of the new one.
/// Reads at most one partial tile per level.
///
/// # Errors
/// [`AppendError`] if the tree would be too large or a partial tile cannot be read.
pub fn tiles_after_append<R: TileReader>(
    reader: &R,
    old_size: u64,
    leaves: &[Hash],
) -> Result<Vec<Tile>, AppendError<R::Error>> {
    let added = leaves.len();
    u64::try_from(added)
        .ok()
        .and_then(|added| old_size.checked_add(added))
        .filter(|new_size| *new_size <= MAX_TREE_SIZE)
        .ok_or(AppendError::TooLarge { old_size, added })?;
    let mut tiles = Vec::new();
    let mut hashes = leaves.to_vec();
    let mut level = 0;
    while !hashes.is_empty() {
        let grown = grow_level(reader, old_size, level, hashes)?;
        // A hash goes one level up only once the tile below it is full.
        hashes = grown
            .iter()
            .filter(|tile| tile.path.is_full())
            .map(|tile| root_of_leaves(&tile.hashes))
            .collect();
        tiles.extend(grown);
        level += 1;
    }
    Ok(tiles)
}

/// Appends `added` to one level and cuts what follows its last full tile into tiles.
fn grow_level<R: TileReader>(
    reader: &R,
    old_size: u64,
    level: u8,
    added: Vec<Hash>,
) -> Result<Vec<Tile>, ReadError<R::Error>> {
    let first = hashes_at_level(old_size, level) / u64::from(TILE_WIDTH);
    let held = width_at(old_size, level, first);
    let mut hashes = match held {
        0 => Vec::new(),
        width => read_hashes(reader, level, first, width)?,
    };
    hashes.extend(added);
    (first..)
        .zip(hashes.chunks(usize::from(TILE_WIDTH)))
        .map(|(index, chunk)| {
            let outside = || ReadError::OutsideTree {
                level,
                index,
                size: old_size,
            };
            let width = u16::try_from(chunk.len()).map_err(|_| outside())?;
            let path = TilePath::new(level, index, width).map_err(|_| outside())?;
            Ok(Tile {
                path,
                hashes: chunk.to_vec(),
            })
        })
        .collect()
}
