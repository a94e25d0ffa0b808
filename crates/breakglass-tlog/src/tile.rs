//! C2SP tlog-tiles: the tree and its entries as immutable files of at most 256 hashes or entries.
//!
//! The tile of level `l` and index `n` holds the roots of the 256 subtrees of 256^`l` leaves each
//! that start at subtree `n` * 256. Nodes between two tile levels are recomputed, never stored.

mod append;
mod entries;
mod memory;
mod path;
mod prove;

pub use append::{AppendError, Tile, tiles_after_append};
pub use entries::{
    EntriesError, EntryTooLong, MAX_ENTRY_LEN, encode_entries, parse_entries, push_entry,
};
pub use memory::{LeafTile, MemoryTiles, MissingTile};
pub use path::{EntriesPath, MAX_LEVEL, PathError, TilePath, entries_for_size, tiles_for_size};
pub use prove::{
    ProveError, Prover, ReadError, consistency_proof, inclusion_proof, leaf_hash_at, root,
};

use crate::hash::Hash;

/// The number of hashes in a full tile and of entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The number of tree levels a tile spans: log2 of [`TILE_WIDTH`].
pub(crate) const TILE_HEIGHT: u32 = TILE_WIDTH.trailing_zeros();

/// Where tiles come from: a database, a directory, a remote log, memory.
pub trait TileReader {
    /// Why a tile could not be read.
    type Error: std::error::Error + 'static;

    /// The first `width` (1 to 256) hashes of tile `index` of `level`, 32 bytes each.
    ///
    /// A reader that holds more of the tile than asked for truncates.
    /// What it returns is checked for its length only: whoever does not trust the reader checks
    /// the roots and proofs computed from it.
    ///
    /// # Errors
    /// The reader's own, a missing tile included.
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, Self::Error>;
}

impl<R: TileReader + ?Sized> TileReader for &R {
    type Error = R::Error;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, Self::Error> {
        (**self).tile(level, index, width)
    }
}

/// The number of hashes at a tile level of a tree of `size` leaves.
fn hashes_at_level(size: u64, level: u8) -> u64 {
    size.checked_shr(TILE_HEIGHT * u32::from(level))
        .unwrap_or(0)
}

/// The number of hashes tile `index` of `level` has in a tree of `size` leaves; 0 if there is none.
fn width_at(size: u64, level: u8, index: u64) -> u16 {
    let Some(start) = index.checked_mul(u64::from(TILE_WIDTH)) else {
        return 0;
    };
    let rest = hashes_at_level(size, level).saturating_sub(start);
    u16::try_from(rest).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
}

/// Reads one tile as hashes and checks that it has as many as asked for.
fn read_hashes<R: TileReader>(
    reader: &R,
    level: u8,
    index: u64,
    width: u16,
) -> Result<Vec<Hash>, ReadError<R::Error>> {
    let bytes = reader
        .tile(level, index, width)
        .map_err(|source| ReadError::Reader {
            level,
            index,
            width,
            source,
        })?;
    let length = || ReadError::Length {
        level,
        index,
        width,
        got: bytes.len(),
    };
    if bytes.len() != usize::from(width) * Hash::LEN {
        return Err(length());
    }
    bytes
        .chunks(Hash::LEN)
        .map(|chunk| Hash::try_from(chunk).map_err(|_| length()))
        .collect()
}
