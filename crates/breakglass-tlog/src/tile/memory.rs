//! A log's tiles in memory, for a verifier that has rehashed every entry, and for tests.

use super::{TILE_WIDTH, TileReader};
use crate::hash::{Hash, leaf_hash};
use crate::tree::root_of_leaves;

/// All tile hashes of a growing tree: the leaf hashes, the roots of full tiles, of those, and so on.
#[derive(Debug, Clone, Default)]
pub struct MemoryTiles {
    levels: Vec<Vec<Hash>>,
}

/// The leaf hashes of one tile, and the root over them: what a thread of its own can compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafTile {
    leaves: Vec<Hash>,
    root: Hash,
}

impl LeafTile {
    /// Over these leaf hashes.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        let root = root_of_leaves(&leaves);
        Self { leaves, root }
    }

    /// The leaf hashes of these entries.
    #[must_use]
    pub fn of_entries(entries: &[&[u8]]) -> Self {
        Self::new(entries.iter().map(|entry| leaf_hash(entry)).collect())
    }

    /// The leaf hashes, in log order.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// The root over them.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The bytes of the tile: its hashes, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        spelled(&self.leaves)
    }
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
        self.carry(0, Some(leaf));
        index
    }

    /// Appends one entry, given its bytes, and returns its index.
    pub fn push_entry(&mut self, entry: &[u8]) -> u64 {
        self.push(leaf_hash(entry))
    }

    /// Appends the leaves of a tile. Of a full one that begins a tile of this tree nothing is hashed
    /// again below its root.
    pub fn push_tile(&mut self, tile: &LeafTile) {
        let width = usize::from(TILE_WIDTH);
        if tile.leaves.len() != width || !self.size().is_multiple_of(u64::from(TILE_WIDTH)) {
            tile.leaves.iter().for_each(|leaf| {
                self.push(*leaf);
            });
            return;
        }
        match self.levels.first_mut() {
            Some(leaves) => leaves.extend_from_slice(&tile.leaves),
            None => self.levels.push(tile.leaves.clone()),
        }
        self.carry(1, Some(tile.root));
    }

    /// The leaf hashes, in log order.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Appends a hash to a level, and to those above what it fills.
    fn carry(&mut self, mut level: usize, mut carried: Option<Hash>) {
        while let Some(hash) = carried {
            carried = self.push_at(level, hash);
            level += 1;
        }
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

/// Hashes, one after the other.
fn spelled(hashes: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hashes.len() * Hash::LEN);
    for hash in hashes {
        bytes.extend_from_slice(hash.as_bytes());
    }
    bytes
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

impl FromIterator<LeafTile> for MemoryTiles {
    fn from_iter<I: IntoIterator<Item = LeafTile>>(tiles: I) -> Self {
        let mut all = Self::new();
        for tile in tiles {
            all.push_tile(&tile);
        }
        all
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
        Ok(spelled(hashes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::tiles_for_size;

    #[test]
    fn tiles_of_leaves_make_the_tree_that_the_leaves_make() {
        let leaf = |number: u64| leaf_hash(&number.to_be_bytes());
        for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
            let leaves: Vec<Hash> = (0..size).map(leaf).collect();
            // Of whole tiles, and of pieces that fit none.
            for cut in [256, 100] {
                let pieces = leaves
                    .chunks(cut)
                    .map(|chunk| LeafTile::new(chunk.to_vec()));
                let of_tiles: MemoryTiles = pieces.collect();
                let one_by_one: MemoryTiles = leaves.iter().copied().collect();
                assert_eq!(of_tiles.leaves(), one_by_one.leaves());
                for tile in tiles_for_size(size) {
                    let at = (tile.level(), tile.index(), tile.width());
                    let [a, b] = [&of_tiles, &one_by_one].map(|t| t.tile(at.0, at.1, at.2));
                    assert_eq!(a.unwrap(), b.unwrap());
                }
            }
        }
    }
}
