//! A log's tiles in memory, for a verifier that has rehashed every entry, and for tests.

use super::{TILE_WIDTH, TileReader};
use crate::hash::{Hash, leaf_hash};
use crate::tree::root_of_leaves;

/// All tile hashes of a growing tree: the leaf hashes, the roots of full tiles, of those, and so on.
#[derive(Debug, Clone, Default)]
pub struct MemoryTiles {
    levels: Vec<Vec<Hash>>,
}

/// A tile was asked for that the tree does not have at that width.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tree has no {width} hashes in tile {index} of level {level}")]
pub struct MissingTile {
    /// The level asked for.
    pub level: u8,
    /// The index asked for.
    pub index: u64,
    /// The number of hashes asked for.
    pub width: u16,
}

impl MemoryTiles {
    /// The tiles of the tree with no leaves: none.
    #[must_use]
    pub const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends one leaf, given its leaf hash, and returns its index.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut carried = Some(leaf);
        let mut level = 0;
        while let Some(hash) = carried {
            carried = self.push_at(level, hash);
            level += 1;
        }
        index
    }

    /// Appends one entry, given its bytes, and returns its index.
    pub fn push_entry(&mut self, entry: &[u8]) -> u64 {
        self.push(leaf_hash(entry))
    }

    /// Appends a hash to one level; returns the root of the tile this fills, if it fills one.
    fn push_at(&mut self, level: usize, hash: Hash) -> Option<Hash> {
        if level == self.levels.len() {
            self.levels.push(Vec::new());
        }
        let hashes = self.levels.get_mut(level)?;
        hashes.push(hash);
        let width = usize::from(TILE_WIDTH);
        let filled = hashes.len().is_multiple_of(width);
        let tile = hashes.get(hashes.len().checked_sub(width)?..)?;
        filled.then(|| root_of_leaves(tile))
    }

    fn hashes(&self, level: u8, index: u64, width: u16) -> Option<&[Hash]> {
        let start = usize::try_from(index)
            .ok()?
            .checked_mul(usize::from(TILE_WIDTH))?;
        let end = start.checked_add(usize::from(width))?;
        self.levels.get(usize::from(level))?.get(start..end)
    }
}

impl FromIterator<Hash> for MemoryTiles {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tiles = Self::new();
        for leaf in leaves {
            tiles.push(leaf);
        }
        tiles
    }
}

impl TileReader for MemoryTiles {
    type Error = MissingTile;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, MissingTile> {
        let hashes = self.hashes(level, index, width).ok_or(MissingTile {
            level,
            index,
            width,
        })?;
        Ok(hashes
            .iter()
            .flat_map(|hash| hash.as_bytes())
            .copied()
            .collect())
    }
}
