//! The one append.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use breakglass_format::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use breakglass_tlog::{
    AppendError, Checkpoint, Edge, Hash, ProveError, Prover, SignedCheckpoint, SigningKey, Tile,
    leaf_hash, tiles_after_append,
};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, params};

use super::SqliteLedger;
use super::read::{self, RawTiles};
use super::recent::Recent;
use super::schema::{blob_checksum, integer, visibility_number};
use crate::error::{BatchError, CommitFailure, ReadError, StorageError};
use crate::ledger::{Append, BATCH_BLOBS_MAX, BATCH_ENTRIES_MAX, Batch, Blob, Head, digest};
use crate::verified::VerifiedTiles;

/// What the tree becomes with a batch.
struct Growth {
    edge: Edge,
    tiles: Vec<Tile>,
    recent: Recent,
}

impl SqliteLedger {
    pub(super) fn append_batch(
        &mut self,
        expected: &Head,
        batch: &Batch,
        key: &SigningKey,
    ) -> Result<Append, BatchError> {
        if self.stopped {
            return Ok(Append::Unknown(CommitFailure::Stopped));
        }
        if *expected != self.head {
            return Ok(Append::Conflict(self.head.clone()));
        }
        self.check_key(key)?;
        check_limits(batch)?;
        self.check_each_blob(&batch.blobs)?;
        let growth = self.grow(batch)?;
        match self.commit(batch, &growth, key) {
            Ok(head) => {
                let first_index = self.head.size();
                self.head = head.clone();
                self.edge = growth.edge;
                self.recent = growth.recent;
                Ok(Append::Committed { head, first_index })
            }
            Err(failure) => {
                self.stop();
                Ok(Append::Unknown(failure))
            }
        }
    }

    fn check_key(&self, key: &SigningKey) -> Result<(), BatchError> {
        if *key.verifier() == self.key {
            return Ok(());
        }
        Err(BatchError::Key {
            expected: self.key.to_string(),
            got: key.verifier().to_string(),
        })
    }

    pub(super) fn check_each_blob(&self, blobs: &[Blob]) -> Result<(), BatchError> {
        blobs.iter().try_for_each(check_blob)?;
        self.check_visibilities(blobs)
    }

    /// Bytes are public or sealed, for ever: whoever could have both could export a secret.
    fn check_visibilities(&self, blobs: &[Blob]) -> Result<(), BatchError> {
        let mut seen = BTreeMap::new();
        for blob in blobs {
            let held = match seen.entry(blob.digest) {
                Entry::Occupied(earlier) => *earlier.get(),
                Entry::Vacant(place) => {
                    let held = read::blob_visibility(&self.connection, &blob.digest)?;
                    *place.insert(held.unwrap_or(blob.visibility))
                }
            };
            if held != blob.visibility {
                return Err(BatchError::BlobVisibility {
                    digest: blob.digest,
                    held,
                    given: blob.visibility,
                });
            }
        }
        Ok(())
    }

    fn grow(&self, batch: &Batch) -> Result<Growth, BatchError> {
        let leaves: Vec<Hash> = batch.entries.iter().map(|entry| leaf_hash(entry)).collect();
        let size = self.head.size();
        let tiles = tiles_after_append(&self.recent.or(self.reads().tiles()), size, &leaves)
            .map_err(|error| match error {
                AppendError::TooLarge { old_size, added } => BatchError::Full {
                    size: old_size,
                    added,
                },
                AppendError::Read(error) => ReadError::from(ProveError::Read(error)).into(),
            })?;
        for tile in &tiles {
            self.recent
                .still_stored(&self.connection, tile.level(), tile.index())
                .map_err(ReadError::from)?;
        }
        let mut edge = self.edge.clone();
        edge.extend(leaves);
        let recent = self.recent.after(&tiles);
        Ok(Growth {
            edge,
            tiles,
            recent,
        })
    }

    /// The one transaction.
    fn commit(
        &mut self,
        batch: &Batch,
        growth: &Growth,
        key: &SigningKey,
    ) -> Result<Head, CommitFailure> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StorageError::when("begin a transaction"))?;
        write_entries(&transaction, self.head.size(), &batch.entries)
            .map_err(StorageError::when("write entries"))?;
        write_blobs(&transaction, &batch.blobs).map_err(StorageError::when("write blobs"))?;
        write_tiles(&transaction, &growth.tiles).map_err(StorageError::when("write tiles"))?;
        let checkpoint = extend(&transaction, &self.head, growth)?;
        let head = Head::new(SignedCheckpoint::sign(checkpoint, key)?);
        if !move_head(&transaction, &self.head, &head)
            .map_err(StorageError::when("write the head of the log"))?
        {
            return Err(CommitFailure::Moved);
        }
        self.hook.before_commit().map_err(CommitFailure::Hook)?;
        transaction.commit().map_err(StorageError::when("commit"))?;
        self.hook.after_commit().map_err(CommitFailure::Hook)?;
        Ok(head)
    }

    /// No more writes, and none by closing either: SQLite would copy the write-ahead log into the
    /// database although an fsync of it has failed.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        // If even this fails, the process is about to end without closing anything.
        drop(
            self.connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        );
    }
}

fn check_limits(batch: &Batch) -> Result<(), BatchError> {
    let (entries, blobs) = (batch.entries.len(), batch.blobs.len());
    if entries == 0 {
        return Err(BatchError::Empty);
    }
    if entries > BATCH_ENTRIES_MAX {
        return Err(BatchError::TooManyEntries { got: entries });
    }
    if blobs > BATCH_BLOBS_MAX {
        return Err(BatchError::TooManyBlobs { got: blobs });
    }
    for (place, entry) in batch.entries.iter().enumerate() {
        if entry.len() > ENTRY_BYTES_MAX {
            let got = entry.len();
            return Err(BatchError::EntryTooLong { place, got });
        }
    }
    Ok(())
}

fn check_blob(blob: &Blob) -> Result<(), BatchError> {
    if blob.bytes.len() > BLOB_BYTES_MAX {
        return Err(BatchError::BlobTooLong {
            digest: blob.digest,
            got: blob.bytes.len(),
        });
    }
    let got = digest(&blob.bytes);
    if got == blob.digest {
        return Ok(());
    }
    Err(BatchError::BlobDigest {
        digest: blob.digest,
        got,
    })
}

fn write_entries(
    connection: &Connection,
    first_index: u64,
    entries: &[Vec<u8>],
) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO entry (position, bytes) VALUES (?1, ?2)")?;
    for (index, entry) in (first_index..).zip(entries) {
        insert.execute(params![integer(index), entry])?;
    }
    Ok(())
}

fn write_blobs(connection: &Connection, blobs: &[Blob]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO blob (digest, visibility, checksum, bytes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (digest) DO NOTHING",
    )?;
    for blob in blobs {
        insert.execute(params![
            blob.digest.as_bytes(),
            visibility_number(blob.visibility),
            blob_checksum(&blob.digest, blob.visibility),
            blob.bytes,
        ])?;
    }
    Ok(())
}

fn write_tiles(connection: &Connection, tiles: &[Tile]) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO tile (level, number, hashes) VALUES (?1, ?2, ?3)
         ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes",
    )?;
    for tile in tiles {
        upsert.execute(params![
            tile.level(),
            integer(tile.index()),
            tile.to_bytes()
        ])?;
    }
    Ok(())
}

/// The checkpoint to sign: only if the tiles, which lie there as they were to be written, prove to
/// a stranger that the tree of the last checkpoint grew into this one.
fn extend(
    connection: &Connection,
    last: &Head,
    growth: &Growth,
) -> Result<Checkpoint, CommitFailure> {
    for tile in &growth.tiles {
        let (level, index) = (tile.level(), tile.index());
        if read::raw_tile(connection, level, index)? != Some(tile.to_bytes()) {
            return Err(CommitFailure::Written { level, index });
        }
    }
    let edge = &growth.edge;
    let stored = VerifiedTiles::new(RawTiles(connection), edge);
    let tiles = growth.recent.or(stored);
    let last = last.checkpoint().checkpoint();
    let next = Checkpoint::new(last.origin().clone(), edge.size(), edge.root())?;
    let proof = Prover::new(&tiles, edge.size()).consistency(last.size())?;
    next.verify_extends(last, &proof)?;
    Ok(next)
}

/// Replaces the head if it is the one this ledger wrote last; says whether it was.
fn move_head(connection: &Connection, last: &Head, next: &Head) -> rusqlite::Result<bool> {
    let rows = connection.execute(
        "UPDATE head SET size = ?1, root = ?2, checkpoint = ?3
         WHERE id = 0 AND size = ?4 AND root = ?5 AND checkpoint = ?6",
        params![
            integer(next.size()),
            next.root().as_bytes(),
            next.checkpoint().to_text().as_bytes(),
            integer(last.size()),
            last.root().as_bytes(),
            last.checkpoint().to_text().as_bytes(),
        ],
    )?;
    Ok(rows == 1)
}
