//! Reading everything again, a little at a time: what nobody asks for rots unseen.

use std::fmt;

use breakglass_format::Digest;
use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Hash, leaf_hash};
use rusqlite::{OptionalExtension as _, Row, Statement, params};

use super::read::{Reads, StoredBlob};
use super::reader::{SqliteReader, View};
use super::schema::integer;
use crate::error::StorageError;
use crate::ledger::digest;
use crate::verified::TileError;

/// Blobs read in one step: a few, because one may have 64 KiB.
const BLOBS: i64 = 16;

/// Something stored that is not what was stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// An entry is missing or has another hash than the tree says.
    Entry {
        /// Its index.
        index: u64,
    },
    /// The tile with the hashes of these entries is missing or is not the one in the tree, or one
    /// above it; what it covers cannot be judged.
    Tile {
        /// The index of the first entry that it covers.
        first: u64,
    },
    /// A blob has other bytes than its digest says, or its record is damaged.
    Blob {
        /// The digest it is stored under, in hexadecimal.
        digest: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { index } => write!(f, "entry {index}"),
            Self::Tile { first } => write!(f, "the tile of entry {first}"),
            Self::Blob { digest } => write!(f, "blob {digest}"),
        }
    }
}

/// What one step read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// How many entries.
    pub entries: u64,
    /// How many blobs.
    pub blobs: u64,
    /// How many bytes of either.
    pub bytes: u64,
    /// What was damaged among them.
    pub damage: Vec<Damage>,
    /// Whether everything has been read once, and the next step begins anew.
    pub over: bool,
}

/// Where a pass through the ledger is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrubber {
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The next tile of entries.
    Tile(u64),
    /// After the blob with this digest.
    Blob(Vec<u8>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Tile(0)
    }
}

impl SqliteReader {
    /// Lets go of the pages in memory, so that what is read next comes from the file.
    ///
    /// The system may have it in memory still; whether a disk forgot it shows when that has gone.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not do it.
    pub fn forget(&self) -> Result<(), StorageError> {
        self.connection
            .execute_batch("PRAGMA shrink_memory")
            .map_err(StorageError::when("let go of its pages"))
    }
}

impl Scrubber {
    /// Reads the next 256 entries with their tiles, or the next few blobs, and holds each against
    /// its hash.
    ///
    /// # Errors
    /// [`StorageError`] if the database cannot be read; the next step goes on after that place.
    pub fn step(&mut self, view: &View<'_>) -> Result<Scrubbed, StorageError> {
        match std::mem::take(&mut self.place) {
            Place::Tile(number) => {
                let first = number.saturating_mul(u64::from(TILE_WIDTH));
                if first >= view.head().size() {
                    self.place = Place::Blob(Vec::new());
                    return Ok(Scrubbed::default());
                }
                self.place = Place::Tile(number.saturating_add(1));
                entries(&view.reads, number, first)
            }
            Place::Blob(after) => {
                let (scrubbed, last) = blobs(&view.reads, &after)?;
                if let Some(last) = last {
                    self.place = Place::Blob(last);
                }
                Ok(scrubbed)
            }
        }
    }
}

fn entries(reads: &Reads<'_>, number: u64, first: u64) -> Result<Scrubbed, StorageError> {
    let mut scrubbed = Scrubbed::default();
    let leaves = match reads.tiles().hashes(0, number) {
        Ok(leaves) => leaves,
        Err(TileError::Storage(error)) => return Err(error),
        Err(TileError::Outside { .. } | TileError::Missing { .. } | TileError::Root { .. }) => {
            scrubbed.damage.push(Damage::Tile { first });
            return Ok(scrubbed);
        }
    };
    let failed = StorageError::when("read an entry");
    let mut statement = reads
        .connection
        .prepare("SELECT bytes FROM entry WHERE position = ?1")
        .map_err(failed)?;
    for (index, leaf) in (first..).zip(leaves) {
        match stored(&mut statement, index).map_err(failed)? {
            Some((got, bytes)) if got == leaf => scrubbed.bytes += bytes,
            Some(_) | None => scrubbed.damage.push(Damage::Entry { index }),
        }
        scrubbed.entries += 1;
    }
    Ok(scrubbed)
}

/// The leaf hash of what is stored as an entry, and its length.
fn stored(statement: &mut Statement<'_>, index: u64) -> rusqlite::Result<Option<(Hash, u64)>> {
    let read = |row: &Row<'_>| {
        let bytes = row.get_ref(0)?.as_blob()?;
        Ok((leaf_hash(bytes), bytes.len() as u64))
    };
    statement.query_row([integer(index)], read).optional()
}

/// The next few blobs, and the digest of the last.
fn blobs(reads: &Reads<'_>, after: &[u8]) -> Result<(Scrubbed, Option<Vec<u8>>), StorageError> {
    let failed = StorageError::when("read the blobs");
    let mut statement = reads
        .connection
        .prepare(
            "SELECT digest, visibility, checksum, bytes FROM blob WHERE digest > ?1
             ORDER BY digest LIMIT ?2",
        )
        .map_err(failed)?;
    let mut rows = statement.query(params![after, BLOBS]).map_err(failed)?;
    let (mut scrubbed, mut last) = (Scrubbed::default(), None);
    while let Some(row) = rows.next().map_err(failed)? {
        let (name, bytes, sound) = blob(row).map_err(failed)?;
        scrubbed.blobs += 1;
        scrubbed.bytes += bytes;
        if !sound {
            let digest = name.iter().map(|byte| format!("{byte:02x}")).collect();
            scrubbed.damage.push(Damage::Blob { digest });
        }
        last = Some(name);
    }
    scrubbed.over = last.is_none();
    Ok((scrubbed, last))
}

fn blob(row: &Row<'_>) -> rusqlite::Result<(Vec<u8>, u64, bool)> {
    let name: Vec<u8> = row.get(0)?;
    let bytes = row.get_ref(3)?.as_blob()?;
    let digest_of_name = <[u8; 32]>::try_from(name.as_slice()).map(Digest::from_bytes);
    let record = StoredBlob::read(row)?;
    let sound = digest_of_name
        .is_ok_and(|name| record.visibility(&name).is_some() && digest(bytes) == name);
    Ok((name, bytes.len() as u64, sound))
}
