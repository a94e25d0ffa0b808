//! Putting back what rotted, from copies that fit.
//!
//! A copy is believed by its hash alone: an entry by the leaf that the signed root has at its
//! index, a blob by the digest that it is stored under. Whoever brings the copies can bring
//! anything; what does not fit is not taken.

use std::path::Path;

use breakglass_format::Digest;
use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Edge, Hash, TileReader as _, VerifierKey, leaf_hash};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use thiserror::Error;

use super::files::{self, Lock};
use super::open::{check_library, check_structure, connect, identify, make_durable, stored_head};
use super::read::{RawTiles, StoredBlob};
use super::refusal::OpenError;
use super::schema::{self, integer};
use super::scrub::Damage;
use crate::error::StorageError;
use crate::ledger::{Head, digest};

/// Where the bytes of what is damaged may be had.
pub trait Copies {
    /// Bytes that may be those of an entry.
    fn entry(&mut self, index: u64) -> Option<Vec<u8>>;

    /// Bytes that may be those of a blob.
    fn blob(&mut self, digest: &Digest) -> Option<Vec<u8>>;
}

/// What became of the damage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was put back.
    pub mended: Vec<Damage>,
    /// What no copy fitted; the ledger does not open until it is put back.
    pub left: Vec<Damage>,
}

/// Why a ledger cannot be repaired this way.
#[derive(Debug, Error)]
pub enum RepairError {
    /// It cannot be opened at all, its structure is damaged, or its head is not signed by this
    /// key: put a whole copy of the database back.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed; nothing was changed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored tiles do not give the signed root, so that they say nothing of the entries.
    #[error("the tiles do not give the signed root of {size} entries")]
    Tiles {
        /// The number of entries.
        size: u64,
    },
}

/// Repairs the entries and blobs of a ledger that nobody has open, from copies that fit.
///
/// All of it is one transaction. The signed head, the tiles and the cursors are not touched.
///
/// # Errors
/// [`RepairError`]; nothing was changed then.
pub fn repair(
    path: &Path,
    origin: &str,
    key: &VerifierKey,
    copies: &mut dyn Copies,
) -> Result<Repaired, RepairError> {
    check_library()?;
    files::check(path)?;
    let _lock = Lock::take(path)?;
    let mut connection = connect(path)?;
    identify(&connection, path)?;
    make_durable(&mut connection)?;
    schema::check(&connection)?;
    check_structure(&connection)?;
    let head = stored_head(&connection, origin, key)?;
    let leaves = leaves(&connection, &head)?;
    let failed = StorageError::when("repair");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let mut repaired = Repaired::default();
    schema::without_guards(&transaction, |connection| {
        entries(connection, &leaves, copies, &mut repaired)?;
        blobs(connection, copies, &mut repaired)
    })
    .map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(repaired)
}

/// The leaf hashes of all entries, which together give the signed root.
fn leaves(connection: &Connection, head: &Head) -> Result<Vec<Hash>, RepairError> {
    let size = head.size();
    let unsound = || RepairError::Tiles { size };
    let (mut leaves, mut edge) = (Vec::new(), Edge::empty());
    let stored = RawTiles(connection);
    for number in 0..size.div_ceil(u64::from(TILE_WIDTH)) {
        let rest = size - number * u64::from(TILE_WIDTH);
        let width = u16::try_from(rest.min(u64::from(TILE_WIDTH))).unwrap_or(TILE_WIDTH);
        let hashes = stored.tile(0, number, width).map_err(|_| unsound())?;
        for hash in hashes.chunks(Hash::LEN) {
            let hash = Hash::try_from(hash).map_err(|_| unsound())?;
            edge.push(hash);
            leaves.push(hash);
        }
    }
    match edge.root() == head.root() {
        true => Ok(leaves),
        false => Err(unsound()),
    }
}

fn entries(
    connection: &Connection,
    leaves: &[Hash],
    copies: &mut dyn Copies,
    repaired: &mut Repaired,
) -> rusqlite::Result<()> {
    let mut look = connection.prepare("SELECT bytes FROM entry WHERE position = ?1")?;
    for (index, leaf) in (0_u64..).zip(leaves) {
        let got = look
            .query_row([integer(index)], |row| {
                Ok(leaf_hash(row.get_ref(0)?.as_blob()?))
            })
            .optional()?;
        if got == Some(*leaf) {
            continue;
        }
        let fits = |bytes: &Vec<u8>| leaf_hash(bytes) == *leaf;
        let Some(bytes) = copies.entry(index).filter(fits) else {
            repaired.left.push(Damage::Entry { index });
            continue;
        };
        connection.execute(
            "INSERT OR REPLACE INTO entry (position, bytes) VALUES (?1, ?2)",
            params![integer(index), bytes],
        )?;
        repaired.mended.push(Damage::Entry { index });
    }
    Ok(())
}

/// Blobs whose bytes rotted. One whose name or record did is left: what it was cannot be told.
fn blobs(
    connection: &Connection,
    copies: &mut dyn Copies,
    repaired: &mut Repaired,
) -> rusqlite::Result<()> {
    for (name, intact) in damaged_blobs(connection)? {
        let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let damage = Damage::Blob { digest: hex };
        let named = <[u8; 32]>::try_from(name.as_slice()).map(Digest::from_bytes);
        let copy = named.ok().filter(|_| intact).and_then(|named| {
            let fits = |bytes: &Vec<u8>| digest(bytes) == named;
            copies.blob(&named).filter(fits)
        });
        let Some(bytes) = copy else {
            repaired.left.push(damage);
            continue;
        };
        connection.execute(
            "UPDATE blob SET bytes = ?2 WHERE digest = ?1",
            params![name, bytes],
        )?;
        repaired.mended.push(damage);
    }
    Ok(())
}

/// The names of damaged blobs, and whether what is stored beside the bytes is intact.
fn damaged_blobs(connection: &Connection) -> rusqlite::Result<Vec<(Vec<u8>, bool)>> {
    let mut statement = connection
        .prepare("SELECT digest, visibility, checksum, bytes FROM blob ORDER BY digest")?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let name: Vec<u8> = row.get(0)?;
        let named = <[u8; 32]>::try_from(name.as_slice()).map(Digest::from_bytes);
        let record = StoredBlob::read(row)?;
        let intact = named.is_ok_and(|named| record.visibility(&named).is_some());
        let bytes = row.get_ref(3)?.as_blob()?;
        if !intact || named.is_ok_and(|named| digest(bytes) != named) {
            damaged.push((name, intact));
        }
    }
    Ok(damaged)
}
