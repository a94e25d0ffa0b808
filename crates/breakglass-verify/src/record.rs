//! The log as bytes and as entries: reading bundles, hashing leaves, writing tiles.

use std::convert::Infallible;

use breakglass_format::{
    Digest, Entry,
    entry::{EntryError, Recorded},
};
use breakglass_tlog::{
    EntriesError, Hash, TileReader, encode_entries, entries_for_size, leaf_hash, tiles_after_append,
};

/// Where the tiles and bundles lie in the folder.
pub(crate) const LOG: &str = "log/";

/// The leaf hashes of entries in log order.
pub(crate) fn leaves(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|bytes| leaf_hash(bytes)).collect()
}

/// Reads entries; the index of the first that cannot be read comes with the reason.
pub(crate) fn recorded(
    entries: &[Vec<u8>],
    leaves: &[Hash],
) -> Result<Vec<Recorded>, (u64, EntryError)> {
    let numbered = (0..).zip(entries.iter().zip(leaves));
    numbered
        .map(|(index, (bytes, leaf))| {
            let entry = Entry::from_bytes(bytes).map_err(|error| (index, error))?;
            let leaf = Digest::from_bytes(*leaf.as_bytes());
            Ok(Recorded { index, leaf, entry })
        })
        .collect()
}

/// Nothing is read where a tree grows from no leaves.
struct NoTiles;

impl TileReader for NoTiles {
    type Error = Infallible;

    fn tile(&self, _level: u8, _index: u64, _width: u16) -> Result<Vec<u8>, Infallible> {
        Ok(Vec::new())
    }
}

/// The files of the tree: every tile and every bundle of a log of exactly these entries.
pub(crate) fn log_files(
    entries: &[Vec<u8>],
    leaves: &[Hash],
) -> Result<Vec<(String, Vec<u8>)>, EntriesError> {
    let mut files = Vec::new();
    // A tree that grows from nothing reads nothing, so this cannot fail for want of a tile.
    for tile in tiles_after_append(&NoTiles, 0, leaves).unwrap_or_default() {
        files.push((format!("{LOG}{}", tile.path()), tile.to_bytes()));
    }
    let size = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let bundles = entries.chunks(usize::from(breakglass_tlog::tile::TILE_WIDTH));
    for (path, bundle) in entries_for_size(size).zip(bundles) {
        files.push((format!("{LOG}{path}"), encode_entries(bundle)?));
    }
    Ok(files)
}
