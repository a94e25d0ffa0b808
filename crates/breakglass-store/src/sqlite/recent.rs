//! The tiles in memory: those the next append begins from, and those the last one wrote.
//!
//! Appending, and the receipts of what was just appended, need no others but for a few high up, so
//! that neither reads back and rehashes what this process has itself just made.

use std::collections::BTreeMap;

use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Hash, Tile, TileReader, root_of_leaves};
use rusqlite::Connection;

use super::read::RawTiles;
use crate::verified::{TileError, VerifiedTiles};

/// log2 of [`TILE_WIDTH`]: the tree levels a tile spans.
const TILE_HEIGHT: u32 = TILE_WIDTH.trailing_zeros();

/// Tiles of one tree by level and index, each at its whole width.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Recent {
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Recent {
    /// The partial tiles at the right edge of a tree of `size` leaves.
    ///
    /// # Errors
    /// [`TileError`] if one of them is missing or not the one in the tree.
    pub(super) fn read<R: TileReader<Error = TileError>>(
        stored: &VerifiedTiles<'_, R>,
        size: u64,
    ) -> Result<Self, TileError> {
        let mut tiles = BTreeMap::new();
        let mut hashes = size;
        for level in 0.. {
            if hashes == 0 {
                break;
            }
            let width = u64::from(TILE_WIDTH);
            if !hashes.is_multiple_of(width) {
                let index = hashes / width;
                tiles.insert((level, index), stored.hashes(level, index)?);
            }
            hashes >>= TILE_HEIGHT;
        }
        Ok(Self { tiles })
    }

    /// The tiles after an append that wrote these.
    pub(super) fn after(&self, written: &[Tile]) -> Self {
        let partial = |hashes: &Vec<Hash>| hashes.len() < usize::from(TILE_WIDTH);
        let edge = self.tiles.iter().filter(|(_, hashes)| partial(hashes));
        let mut tiles: BTreeMap<_, _> = edge.map(|(at, hashes)| (*at, hashes.clone())).collect();
        for tile in written {
            tiles.insert((tile.level(), tile.index()), tile.hashes().to_vec());
        }
        Self { tiles }
    }

    /// Checks that the tile that is about to grow lies there as it is held here: else the next
    /// checkpoint would be signed over a damaged log.
    ///
    /// # Errors
    /// [`TileError`] if it does not.
    pub(super) fn still_stored(
        &self,
        connection: &Connection,
        level: u8,
        index: u64,
    ) -> Result<(), TileError> {
        let Some(held) = self.tiles.get(&(level, index)) else {
            return Ok(());
        };
        let stored = RawTiles(connection).tile(level, index, width(held))?;
        if stored == bytes(held) {
            return Ok(());
        }
        let hashes: Option<Vec<Hash>> = stored
            .chunks(Hash::LEN)
            .map(|chunk| Hash::try_from(chunk).ok())
            .collect();
        Err(TileError::Root {
            level,
            index,
            expected: root_of_leaves(held),
            got: root_of_leaves(&hashes.unwrap_or_default()),
        })
    }

    /// These first, whatever else from `rest`.
    pub(super) const fn or<R>(&self, rest: R) -> RecentFirst<'_, R> {
        RecentFirst { recent: self, rest }
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The number of hashes of a tile, of which none has more than [`TILE_WIDTH`].
fn width(hashes: &[Hash]) -> u16 {
    u16::try_from(hashes.len()).unwrap_or(TILE_WIDTH)
}

/// Reads from memory what is there, and the rest elsewhere.
#[derive(Debug)]
pub(super) struct RecentFirst<'r, R> {
    recent: &'r Recent,
    rest: R,
}

impl<R: TileReader<Error = TileError>> TileReader for RecentFirst<'_, R> {
    type Error = TileError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
        let held = self.recent.tiles.get(&(level, index));
        match held.and_then(|hashes| hashes.get(..usize::from(width))) {
            Some(hashes) => Ok(bytes(hashes)),
            None => self.rest.tile(level, index, width),
        }
    }
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::{Edge, MemoryTiles, leaf_hash, tiles_after_append, tiles_for_size};

    use super::*;

    /// A tree nobody should have to ask.
    #[derive(Debug)]
    struct Nothing;

    impl TileReader for Nothing {
        type Error = TileError;

        fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
            Err(TileError::Missing {
                level,
                index,
                width,
            })
        }
    }

    struct Whole<'t>(&'t MemoryTiles);

    impl TileReader for Whole<'_> {
        type Error = TileError;

        fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
            Ok(self.0.tile(level, index, width).unwrap())
        }
    }

    #[test]
    fn appending_needs_no_tile_but_those_in_memory() {
        let mut recent = Recent::default();
        let (mut tiles, mut edge) = (MemoryTiles::new(), Edge::empty());
        for batch in [1, 254, 1, 1, 600, 3, 65_536, 139, 1, 512] {
            let size = edge.size();
            let leaves: Vec<_> = (size..size + batch)
                .map(|index| leaf_hash(&index.to_be_bytes()))
                .collect();
            let written = tiles_after_append(&recent.or(Nothing), size, &leaves).unwrap();
            recent = recent.after(&written);
            leaves.iter().for_each(|leaf| {
                tiles.push(*leaf);
            });
            edge.extend(leaves);

            let read = Recent::read(&VerifiedTiles::new(Whole(&tiles), &edge), edge.size());
            let partial = |recent: &Recent| {
                let held = recent.tiles.iter();
                let held = held.filter(|(_, hashes)| hashes.len() < usize::from(TILE_WIDTH));
                held.map(|(at, hashes)| (*at, hashes.clone()))
                    .collect::<Vec<_>>()
            };
            let read = read.unwrap();
            assert_eq!(partial(&recent), partial(&read), "at {}", edge.size());
            let expected = tiles_for_size(edge.size()).filter(|tile| !tile.is_full());
            assert_eq!(read.tiles.len(), expected.count());
        }
    }
}
