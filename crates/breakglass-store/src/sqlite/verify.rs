//! Verifying all of a ledger: entries against the checkpoint, tiles and blobs against the entries
//! and digests.

use breakglass_format::Digest;
use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Edge, Hash, MemoryTiles, TileReader as _, leaf_hash, root, tiles_for_size};
use rusqlite::{Connection, Row};

use super::read::{self, RawTiles, StoredBlob};
use super::refusal::OpenError;
use super::schema;
use crate::error::{ReadError, StorageError};
use crate::ledger::{Blob, Head, digest};

/// One entry on its way past whoever opens the ledger, and the blobs beside the log.
#[derive(Clone, Copy)]
pub struct Replayed<'l> {
    /// The index of the entry.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Its bytes.
    pub bytes: &'l [u8],
    connection: &'l Connection,
}

impl Replayed<'_> {
    /// The blob with that digest, checked against it, if the ledger has it.
    ///
    /// # Errors
    /// [`ReadError`] if what is stored under the digest is something else.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError> {
        read::blob(self.connection, digest)
    }
}

impl std::fmt::Debug for Replayed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replayed")
            .field("index", &self.index)
            .field("leaf", &self.leaf)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Rehashes every entry; the root must be the signed one and the tiles those of the entries.
pub(super) fn log(
    connection: &Connection,
    head: &Head,
    replay: &mut dyn FnMut(&Replayed<'_>),
) -> Result<Edge, OpenError> {
    let (tiles, edge) = rehash(connection, head.size(), replay)?;
    if edge.root() != head.root() {
        return Err(blame(connection, &tiles, head, edge.root()));
    }
    check_tiles(connection, &tiles, head.size())?;
    Ok(edge)
}

fn rehash(
    connection: &Connection,
    size: u64,
    replay: &mut dyn FnMut(&Replayed<'_>),
) -> Result<(MemoryTiles, Edge), OpenError> {
    let failed = StorageError::when("read the entries");
    let mut statement = connection
        .prepare("SELECT position, bytes FROM entry ORDER BY position")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut tiles, mut edge) = (MemoryTiles::new(), Edge::empty());
    while let Some(row) = rows.next().map_err(failed)? {
        let (position, bytes) = entry(row).map_err(failed)?;
        let index = edge.size();
        match u64::try_from(position) {
            Ok(found) if found == index && index < size => {}
            Ok(_) if index < size => return Err(OpenError::EntryMissing { index }),
            Ok(_) | Err(_) => return Err(OpenError::EntryStray { position, size }),
        }
        let leaf = leaf_hash(bytes);
        tiles.push(leaf);
        edge.push(leaf);
        replay(&Replayed {
            index,
            leaf,
            bytes,
            connection,
        });
    }
    match edge.size() {
        index if index < size => Err(OpenError::EntryMissing { index }),
        _ => Ok((tiles, edge)),
    }
}

fn entry<'r>(row: &'r Row<'_>) -> rusqlite::Result<(i64, &'r [u8])> {
    Ok((row.get(0)?, row.get_ref(1)?.as_blob()?))
}

/// Says which entry does not belong if the stored tiles still give the signed root.
fn blame(connection: &Connection, tiles: &MemoryTiles, head: &Head, got: Hash) -> OpenError {
    let size = head.size();
    let stored = RawTiles(connection);
    let differing = match root(&stored, size) {
        Ok(root) if root == head.root() => (0..size.div_ceil(u64::from(TILE_WIDTH)))
            .find_map(|number| first_difference(&stored, tiles, number, size)),
        Ok(_) | Err(_) => None,
    };
    match differing {
        Some((index, expected, got)) => OpenError::Entry {
            index,
            expected,
            got,
        },
        None => OpenError::Root {
            size,
            expected: head.root(),
            got,
        },
    }
}

/// The first leaf of a tile that is stored otherwise: its index, as stored, as rehashed.
fn first_difference(
    stored: &RawTiles<'_>,
    tiles: &MemoryTiles,
    number: u64,
    size: u64,
) -> Option<(u64, Hash, Hash)> {
    let first = number * u64::from(TILE_WIDTH);
    let width = u16::try_from((size - first).min(u64::from(TILE_WIDTH))).ok()?;
    let (stored, rehashed) = (
        stored.tile(0, number, width).ok()?,
        tiles.tile(0, number, width).ok()?,
    );
    (first..)
        .zip(stored.chunks(Hash::LEN).zip(rehashed.chunks(Hash::LEN)))
        .find(|(_, (stored, rehashed))| stored != rehashed)
        .and_then(|(index, (stored, rehashed))| {
            Some((
                index,
                Hash::try_from(stored).ok()?,
                Hash::try_from(rehashed).ok()?,
            ))
        })
}

fn check_tiles(connection: &Connection, tiles: &MemoryTiles, size: u64) -> Result<(), OpenError> {
    let mut expected = 0;
    for path in tiles_for_size(size) {
        let (level, index) = (path.level(), path.index());
        let damaged = || OpenError::Tile { level, index };
        let rehashed = tiles
            .tile(level, index, path.width())
            .map_err(|_| damaged())?;
        let stored = read::raw_tile(connection, level, index)?.ok_or_else(damaged)?;
        if stored != rehashed {
            return Err(damaged());
        }
        expected += 1;
    }
    let got: i64 = connection
        .query_row("SELECT count(*) FROM tile", [], |row| row.get(0))
        .map_err(StorageError::when("count the tiles"))?;
    if schema::integer(expected) == got {
        return Ok(());
    }
    let got = u64::try_from(got).unwrap_or(0);
    Err(OpenError::TileCount { expected, got })
}

/// Checks every blob against its digest, and what is stored beside it.
///
/// That a blob is missing altogether shows only to who reads the entries: the log is opaque here.
pub(super) fn blobs(connection: &Connection) -> Result<(), OpenError> {
    let failed = StorageError::when("read the blobs");
    let mut statement = connection
        .prepare("SELECT digest, visibility, checksum, bytes FROM blob ORDER BY digest")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        check_blob(row).map_err(failed)??;
    }
    Ok(())
}

fn check_blob(row: &Row<'_>) -> rusqlite::Result<Result<(), OpenError>> {
    let name = row.get_ref(0)?.as_blob()?;
    let damaged = || OpenError::BlobRecord {
        digest: name.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let Ok(name) = <[u8; 32]>::try_from(name).map(Digest::from_bytes) else {
        return Ok(Err(damaged()));
    };
    let stored = StoredBlob::read(row)?;
    if stored.visibility(&name).is_none() {
        return Ok(Err(damaged()));
    }
    let got = digest(row.get_ref(3)?.as_blob()?);
    if got == name {
        return Ok(Ok(()));
    }
    Ok(Err(OpenError::Blob { digest: name, got }))
}
