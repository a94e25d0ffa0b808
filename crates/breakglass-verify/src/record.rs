//! The log as bytes and as entries: reading bundles, hashing leaves, writing tiles.

use breakglass_format::{
    Digest, Entry,
    entry::{EntryError, Recorded},
};
use breakglass_tlog::{
    EntriesError, Hash, LeafTile, MemoryTiles, TilePath, TileReader, encode_entries,
    entries_for_size, tiles_for_size,
};

use crate::parallel;

/// Where the tiles and bundles lie in the folder.
pub(crate) const LOG: &str = "log/";

/// Entries in a full tile.
pub(crate) const WIDTH: usize = breakglass_tlog::tile::TILE_WIDTH as usize;

/// The tree over entries in log order.
pub(crate) fn tree(entries: &[&[u8]]) -> MemoryTiles {
    let tiles: Vec<&[&[u8]]> = entries.chunks(WIDTH).collect();
    let hashed = parallel::map(&tiles, 1, |_, tile| LeafTile::of_entries(tile));
    hashed.into_iter().collect()
}

/// Reads entries; the index of the first that cannot be read comes with the reason.
pub(crate) fn recorded(
    entries: &[&[u8]],
    leaves: &[Hash],
) -> Result<Vec<Recorded>, (u64, EntryError)> {
    let both: Vec<(&[u8], &Hash)> = entries.iter().copied().zip(leaves).collect();
    let tiles: Vec<&[(&[u8], &Hash)]> = both.chunks(WIDTH).collect();
    let read = parallel::map(&tiles, 1, |number, tile| {
        let numbered = (number * WIDTH..).zip(tile.iter());
        let one = |(index, (bytes, leaf)): (usize, &(&[u8], &Hash))| {
            one(u64::try_from(index).unwrap_or(u64::MAX), bytes, leaf)
        };
        numbered.map(one).collect::<Result<Vec<Recorded>, _>>()
    });
    let mut all = Vec::with_capacity(entries.len());
    for tile in read {
        all.extend(tile?);
    }
    Ok(all)
}

/// Reads an entry.
pub(crate) fn one(index: u64, bytes: &[u8], leaf: &Hash) -> Result<Recorded, (u64, EntryError)> {
    let entry = Entry::from_bytes(bytes).map_err(|error| (index, error))?;
    let leaf = Digest::from_bytes(*leaf.as_bytes());
    Ok(Recorded { index, leaf, entry })
}

/// The files of the tree: every tile and every bundle of a log of exactly these entries.
pub(crate) fn log_files(
    entries: &[&[u8]],
    tree: &MemoryTiles,
) -> Result<Vec<(String, Vec<u8>)>, EntriesError> {
    // A tree that lies in memory has each of its tiles.
    let tile = |path: TilePath| {
        let bytes = tree.tile(path.level(), path.index(), path.width());
        (format!("{LOG}{path}"), bytes.unwrap_or_default())
    };
    let mut files: Vec<(String, Vec<u8>)> = tiles_for_size(tree.size()).map(tile).collect();
    for (path, bundle) in entries_for_size(tree.size()).zip(entries.chunks(WIDTH)) {
        files.push((format!("{LOG}{path}"), encode_entries(bundle)?));
    }
    Ok(files)
}
