//! Verifying all of a ledger: entries against the checkpoint, tiles and blobs against the entries
//! and digests.

use std::ops::Range;

use breakglass_format::Digest;
use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Edge, Hash, leaf_hash, root, root_of_leaves};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::read::{self, RawTiles, Reads, StoredBlob};
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

/// How much of a log is held against what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All there is: nothing may be stored beyond the head.
    Whole,
    /// As far as the head: the log may have grown meanwhile.
    Prefix,
}

/// Rehashes every entry; the root must be the signed one and the tiles those of the entries.
///
/// What it holds in memory does not grow with the log. `replay` says whether to go on; `None` is
/// returned where it did not.
pub(super) fn log(
    connection: &Connection,
    head: &Head,
    extent: Extent,
    replay: &mut dyn FnMut(&Replayed<'_>) -> bool,
) -> Result<Option<Edge>, OpenError> {
    let mut sweep = Sweep::new(connection, extent);
    let size = head.size();
    let mut first = 0;
    while first < size {
        let last = size.min(first + AT_A_TIME);
        if !sweep.entries(first..last, size, replay)? {
            return Ok(None);
        }
        first = last;
    }
    if extent == Extent::Whole {
        nothing_beyond(connection, size)?;
    }
    sweep.finish(head).map(Some)
}

/// Entries read in one statement: whoever reads for long keeps the write-ahead log from being
/// used anew.
const AT_A_TIME: u64 = 4_096;

/// A pass over the entries, in order, that holds each tile against the stored one once it is full.
struct Sweep<'c> {
    connection: &'c Connection,
    extent: Extent,
    edge: Edge,
    /// By level: the hashes of the tile that is being filled.
    filling: Vec<Vec<Hash>>,
    /// How many tiles there were.
    tiles: u64,
    /// The first leaf that is stored otherwise: its index, as stored, as rehashed.
    leaf: Option<(u64, Hash, Hash)>,
    /// The first tile that is not the stored one, by level and index.
    tile: Option<(u8, u64)>,
}

impl<'c> Sweep<'c> {
    const fn new(connection: &'c Connection, extent: Extent) -> Self {
        Self {
            connection,
            extent,
            edge: Edge::empty(),
            filling: Vec::new(),
            tiles: 0,
            leaf: None,
            tile: None,
        }
    }

    /// The entries of a range, of a log of so many.
    fn entries(
        &mut self,
        range: Range<u64>,
        size: u64,
        replay: &mut dyn FnMut(&Replayed<'_>) -> bool,
    ) -> Result<bool, OpenError> {
        let failed = StorageError::when("read the entries");
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT position, bytes FROM entry WHERE position >= ?1 AND position < ?2
                 ORDER BY position",
            )
            .map_err(failed)?;
        let bounds = params![schema::integer(range.start), schema::integer(range.end)];
        let mut rows = statement.query(bounds).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (position, bytes) = entry(row).map_err(failed)?;
            let index = self.edge.size();
            match u64::try_from(position) {
                Ok(found) if found == index => {}
                Ok(_) if index < size => return Err(OpenError::EntryMissing { index }),
                Ok(_) | Err(_) => return Err(OpenError::EntryStray { position, size }),
            }
            let leaf = leaf_hash(bytes);
            self.push(leaf)?;
            let replayed = Replayed {
                index,
                leaf,
                bytes,
                connection: self.connection,
            };
            if !replay(&replayed) {
                return Ok(false);
            }
        }
        match self.edge.size() {
            index if index < range.end => Err(OpenError::EntryMissing { index }),
            _ => Ok(true),
        }
    }

    fn push(&mut self, leaf: Hash) -> Result<(), OpenError> {
        self.edge.push(leaf);
        let mut carried = Some(leaf);
        let mut level = 0;
        while let Some(hash) = carried {
            carried = self.push_at(level, hash)?;
            level += 1;
        }
        Ok(())
    }

    /// Adds a hash to one level; gives the root of the tile this fills, if it fills one.
    fn push_at(&mut self, level: usize, hash: Hash) -> Result<Option<Hash>, OpenError> {
        if level == self.filling.len() {
            self.filling
                .push(Vec::with_capacity(usize::from(TILE_WIDTH)));
        }
        let Some(hashes) = self.filling.get_mut(level) else {
            return Ok(None);
        };
        hashes.push(hash);
        if hashes.len() < usize::from(TILE_WIDTH) {
            return Ok(None);
        }
        let full = std::mem::take(hashes);
        self.compare(level, &full)?;
        Ok(Some(root_of_leaves(&full)))
    }

    /// Holds the tile that the edge is in, at that level, against the stored one.
    fn compare(&mut self, level: usize, hashes: &[Hash]) -> Result<(), OpenError> {
        self.tiles += 1;
        // A level is below 8: no tree has more leaves than a tile of level 7 stands for.
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let height = TILE_WIDTH.trailing_zeros() * u32::from(level);
        let known = self.edge.size().checked_shr(height).unwrap_or(0);
        let index = known.saturating_sub(1) / u64::from(TILE_WIDTH);
        let stored = read::raw_tile(self.connection, level, index)?.unwrap_or_default();
        let rehashed: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        let same = match self.extent {
            Extent::Whole => stored == rehashed,
            Extent::Prefix => stored.starts_with(&rehashed),
        };
        if same {
            return Ok(());
        }
        let found = (level, index);
        self.tile = Some(self.tile.map_or(found, |first| first.min(found)));
        if level == 0 && self.leaf.is_none() {
            self.leaf = first_difference(index, &stored, hashes);
        }
        Ok(())
    }

    /// What all of it came to: the edge, if everything is as it was signed.
    fn finish(mut self, head: &Head) -> Result<Edge, OpenError> {
        for (level, hashes) in std::mem::take(&mut self.filling).iter().enumerate() {
            if !hashes.is_empty() {
                self.compare(level, hashes)?;
            }
        }
        if self.edge.root() != head.root() {
            return Err(self.blame(head));
        }
        if let Some((level, index)) = self.tile {
            return Err(OpenError::Tile { level, index });
        }
        if self.extent == Extent::Whole {
            self.no_other_tiles()?;
        }
        Ok(self.edge)
    }

    /// Says which entry does not belong if the stored tiles still give the signed root.
    fn blame(&self, head: &Head) -> OpenError {
        let (size, got) = (head.size(), self.edge.root());
        let stored = root(&RawTiles(self.connection), size);
        match self.leaf {
            Some((index, expected, got)) if stored.is_ok_and(|root| root == head.root()) => {
                OpenError::Entry {
                    index,
                    expected,
                    got,
                }
            }
            _ => OpenError::Root {
                size,
                expected: head.root(),
                got,
            },
        }
    }

    fn no_other_tiles(&self) -> Result<(), OpenError> {
        let got: i64 = self
            .connection
            .query_row("SELECT count(*) FROM tile", [], |row| row.get(0))
            .map_err(StorageError::when("count the tiles"))?;
        if schema::integer(self.tiles) == got {
            return Ok(());
        }
        Err(OpenError::TileCount {
            expected: self.tiles,
            got: u64::try_from(got).unwrap_or(0),
        })
    }
}

/// The first leaf of a tile that is stored otherwise: its index, as stored, as rehashed.
fn first_difference(tile: u64, stored: &[u8], rehashed: &[Hash]) -> Option<(u64, Hash, Hash)> {
    let first = tile * u64::from(TILE_WIDTH);
    let stored = stored.chunks(Hash::LEN).map(Hash::try_from);
    (first..)
        .zip(stored.zip(rehashed))
        .find_map(|(index, (stored, rehashed))| {
            let stored = stored.ok()?;
            (stored != *rehashed).then_some((index, stored, *rehashed))
        })
}

/// The entries from `size` on, each checked up to the signed root.
pub(super) fn tail(
    reads: &Reads<'_>,
    size: u64,
    replay: &mut dyn FnMut(&Replayed<'_>),
) -> Result<(), OpenError> {
    let mut first = size;
    let end = reads.head.size();
    while first < end {
        let last = end.min(first + u64::from(TILE_WIDTH));
        for (index, bytes) in (first..).zip(reads.entries(first..last)?) {
            replay(&Replayed {
                index,
                leaf: leaf_hash(&bytes),
                bytes: &bytes,
                connection: reads.connection,
            });
        }
        first = last;
    }
    Ok(())
}

/// No entry may lie outside the log.
pub(super) fn nothing_beyond(connection: &Connection, size: u64) -> Result<(), OpenError> {
    let stray: Option<i64> = connection
        .query_row(
            "SELECT position FROM entry WHERE position < 0 OR position >= ?1 LIMIT 1",
            [schema::integer(size)],
            |row| row.get(0),
        )
        .optional()
        .map_err(StorageError::when("read the entries"))?;
    match stray {
        Some(position) => Err(OpenError::EntryStray { position, size }),
        None => Ok(()),
    }
}

fn entry<'r>(row: &'r Row<'_>) -> rusqlite::Result<(i64, &'r [u8])> {
    Ok((row.get(0)?, row.get_ref(1)?.as_blob()?))
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
