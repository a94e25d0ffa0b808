//! Tiles that are believed only as far as the root in memory goes.

use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Edge, Hash, TileReader, root_of_leaves};
use thiserror::Error;

use crate::error::StorageError;

/// log2 of [`TILE_WIDTH`]: the tree levels a tile spans.
const TILE_HEIGHT: u32 = TILE_WIDTH.trailing_zeros();

/// Why a tile cannot be had.
#[derive(Debug, Error)]
pub enum TileError {
    /// The tree has no such tile, or not so wide.
    #[error("a tree of {size} leaves has no {width} hashes in tile {index} of level {level}")]
    Outside {
        /// The level asked for.
        level: u8,
        /// The index asked for.
        index: u64,
        /// The number of hashes asked for.
        width: u16,
        /// The number of leaves.
        size: u64,
    },
    /// The tile is not stored, or has fewer hashes than it should.
    #[error("tile {index} of level {level} is missing or shorter than {width} hashes")]
    Missing {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
        /// The number of hashes it should have.
        width: u16,
    },
    /// The stored tile is not the one in the tree.
    #[error("tile {index} of level {level} has root {got}, the tree has {expected}")]
    Root {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
        /// The root the tree has there.
        expected: Hash,
        /// The root of what is stored.
        got: Hash,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Reads tiles and checks each up to the right edge of the tree.
///
/// A full tile is a hash in the tile above it; a partial one is a run of the edge's peaks. So one
/// read costs at most one tile per level, and the edge alone is trusted.
#[derive(Debug)]
pub struct VerifiedTiles<'e, R> {
    raw: R,
    edge: &'e Edge,
}

impl<'e, R: TileReader<Error = TileError>> VerifiedTiles<'e, R> {
    /// The tiles of the tree with this edge, as `raw` returns them.
    pub const fn new(raw: R, edge: &'e Edge) -> Self {
        Self { raw, edge }
    }

    /// All hashes of a tile at the width it has in this tree.
    ///
    /// # Errors
    /// [`TileError`] if there is no such tile, or it is not the one in the tree.
    pub fn hashes(&self, level: u8, index: u64) -> Result<Vec<Hash>, TileError> {
        let width = self.width(level, index);
        if width == 0 {
            return Err(self.outside(level, index, 1));
        }
        let hashes = self.read(level, index, width)?;
        let got = root_of_leaves(&hashes);
        let expected = match width {
            TILE_WIDTH => self.root_above(level, index)?,
            partial => self.root_at_edge(level, index, partial)?,
        };
        if got == expected {
            return Ok(hashes);
        }
        Err(TileError::Root {
            level,
            index,
            expected,
            got,
        })
    }

    /// The number of hashes the tile has in this tree; 0 if there is none.
    fn width(&self, level: u8, index: u64) -> u16 {
        let hashes = self
            .edge
            .size()
            .checked_shr(TILE_HEIGHT * u32::from(level))
            .unwrap_or(0);
        let start = index.saturating_mul(u64::from(TILE_WIDTH));
        let rest = hashes.saturating_sub(start).min(u64::from(TILE_WIDTH));
        u16::try_from(rest).unwrap_or(TILE_WIDTH)
    }

    fn read(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, TileError> {
        let missing = || TileError::Missing {
            level,
            index,
            width,
        };
        let bytes = self.raw.tile(level, index, width)?;
        if bytes.len() != usize::from(width) * Hash::LEN {
            return Err(missing());
        }
        bytes
            .chunks(Hash::LEN)
            .map(|chunk| Hash::try_from(chunk).map_err(|_| missing()))
            .collect()
    }

    /// The root of a full tile: a hash of the tile above.
    fn root_above(&self, level: u8, index: u64) -> Result<Hash, TileError> {
        let above = level.saturating_add(1);
        let hashes = self.hashes(above, index / u64::from(TILE_WIDTH))?;
        usize::try_from(index % u64::from(TILE_WIDTH))
            .ok()
            .and_then(|place| hashes.get(place).copied())
            .ok_or_else(|| self.outside(level, index, TILE_WIDTH))
    }

    /// The root over the hashes of a partial tile: the peaks of the heights the tile spans.
    fn root_at_edge(&self, level: u8, index: u64, width: u16) -> Result<Hash, TileError> {
        let lower = TILE_HEIGHT * u32::from(level);
        let size = self.edge.size();
        // Peaks stand largest first, one per set bit of the size.
        let above = size
            .checked_shr(lower + TILE_HEIGHT)
            .unwrap_or(0)
            .count_ones();
        let peaks = self
            .edge
            .peaks()
            .iter()
            .skip(usize::try_from(above).unwrap_or(usize::MAX))
            .take(usize::try_from(width.count_ones()).unwrap_or(usize::MAX))
            .copied()
            .collect();
        Edge::from_peaks(u64::from(width), peaks)
            .map(|edge| edge.root())
            .map_err(|_| self.outside(level, index, width))
    }

    const fn outside(&self, level: u8, index: u64, width: u16) -> TileError {
        TileError::Outside {
            level,
            index,
            width,
            size: self.edge.size(),
        }
    }
}

impl<R: TileReader<Error = TileError>> TileReader for VerifiedTiles<'_, R> {
    type Error = TileError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
        if width == 0 || width > self.width(level, index) {
            return Err(self.outside(level, index, width));
        }
        let hashes = self.hashes(level, index)?;
        Ok(hashes
            .iter()
            .take(usize::from(width))
            .flat_map(|hash| *hash.as_bytes())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::{MemoryTiles, leaf_hash, tiles_for_size};

    use super::*;

    /// Two levels above the leaves, and a partial tile on each.
    const SIZE: u64 = 65_536 + 256 + 3;

    /// A tile to be read with one bit changed.
    struct Damaged<'t>(&'t MemoryTiles, Option<(u8, u64)>);

    impl TileReader for Damaged<'_> {
        type Error = TileError;

        fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
            let mut bytes = self.0.tile(level, index, width).unwrap();
            if self.1 == Some((level, index)) {
                bytes[7] ^= 1;
            }
            Ok(bytes)
        }
    }

    #[test]
    fn a_tile_is_believed_only_if_all_above_it_are_right() {
        let leaves = (0..SIZE).map(|index| leaf_hash(&index.to_be_bytes()));
        let tiles: MemoryTiles = leaves.clone().collect();
        let edge: Edge = leaves.collect();

        let good = VerifiedTiles::new(Damaged(&tiles, None), &edge);
        for path in tiles_for_size(SIZE) {
            let (level, index, width) = (path.level(), path.index(), path.width());
            let expected = tiles.tile(level, index, width).unwrap();
            assert_eq!(good.tile(level, index, width).unwrap(), expected);
            assert_eq!(good.tile(level, index, 1).unwrap(), expected[..32]);
            assert!(matches!(
                good.tile(level, index, width + 1),
                Err(TileError::Outside { .. })
            ));
        }

        // The path from leaf 0 to the edge: its tile, the full one above, the partial one on top.
        for damaged in [(0, 0), (1, 0), (2, 0)] {
            let bad = VerifiedTiles::new(Damaged(&tiles, Some(damaged)), &edge);
            let error = bad.hashes(0, 0).unwrap_err();
            let found =
                matches!(error, TileError::Root { level, index, .. } if (level, index) == damaged);
            assert!(found, "{damaged:?}: {error}");
            assert!(bad.hashes(0, SIZE / 256).is_ok(), "on another path");
        }
    }

    #[test]
    fn a_tree_has_no_tiles_beyond_its_size() {
        let edge = Edge::empty();
        let tiles = MemoryTiles::new();
        let empty = VerifiedTiles::new(Damaged(&tiles, None), &edge);
        for (level, index) in [(0, 0), (7, 0), (8, 0), (63, u64::MAX), (255, 1)] {
            assert!(matches!(
                empty.hashes(level, index),
                Err(TileError::Outside { .. })
            ));
        }
    }
}
