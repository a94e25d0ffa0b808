//! Reads: entries and tiles up to the root in memory, blobs against their digest.

use std::ops::Range;

use breakglass_format::Digest;
use breakglass_tlog::tile::TILE_WIDTH;
use breakglass_tlog::{Edge, Hash, ProofBundle, ProveError, Prover, TileReader, leaf_hash};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::schema::{self, integer};
use crate::error::{ReadError, StorageError};
use crate::ledger::{Blob, Head, Visibility, digest};
use crate::verified::{TileError, VerifiedTiles};

/// Tiles as they are stored: not yet to be believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawTiles<'c>(pub(super) &'c Connection);

impl TileReader for RawTiles<'_> {
    type Error = TileError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, TileError> {
        let wanted = usize::from(width) * Hash::LEN;
        let mut bytes = raw_tile(self.0, level, index)?.unwrap_or_default();
        // A tile may be longer than the tree of this ledger: see `Append::Unknown`.
        bytes.truncate(wanted);
        if bytes.len() == wanted {
            return Ok(bytes);
        }
        Err(TileError::Missing {
            level,
            index,
            width,
        })
    }
}

/// All bytes stored of a tile.
pub(super) fn raw_tile(
    connection: &Connection,
    level: u8,
    index: u64,
) -> Result<Option<Vec<u8>>, StorageError> {
    connection
        .query_row(
            "SELECT hashes FROM tile WHERE level = ?1 AND number = ?2",
            params![level, integer(index)],
            |row| row.get(0),
        )
        .optional()
        .map_err(StorageError::when("read a tile"))
}

/// What is stored about a blob beside its bytes.
#[derive(Debug)]
pub(super) struct StoredBlob {
    visibility: i64,
    checksum: Vec<u8>,
}

impl StoredBlob {
    /// Reads the columns `visibility` and `checksum`, the second and third of the row.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            visibility: row.get(1)?,
            checksum: row.get(2)?,
        })
    }

    /// The visibility, if the checksum is right.
    pub(super) fn visibility(&self, digest: &Digest) -> Option<Visibility> {
        schema::visibility(self.visibility)
            .filter(|found| schema::blob_checksum(digest, *found).as_slice() == self.checksum)
    }
}

/// The visibility of a blob the ledger holds.
pub(super) fn blob_visibility(
    connection: &Connection,
    digest: &Digest,
) -> Result<Option<Visibility>, ReadError> {
    let stored = connection
        .query_row(
            "SELECT digest, visibility, checksum FROM blob WHERE digest = ?1",
            [digest.as_bytes()],
            StoredBlob::read,
        )
        .optional()
        .map_err(StorageError::when("look for a blob"))?;
    stored
        .map(|stored| {
            stored
                .visibility(digest)
                .ok_or(ReadError::BlobRecord { digest: *digest })
        })
        .transpose()
}

/// A blob, checked against its digest.
pub(super) fn blob(connection: &Connection, name: &Digest) -> Result<Option<Blob>, ReadError> {
    let stored = connection
        .query_row(
            "SELECT digest, visibility, checksum, bytes FROM blob WHERE digest = ?1",
            [name.as_bytes()],
            |row| Ok((StoredBlob::read(row)?, row.get::<_, Vec<u8>>(3)?)),
        )
        .optional()
        .map_err(StorageError::when("read a blob"))?;
    let Some((stored, bytes)) = stored else {
        return Ok(None);
    };
    let visibility = stored
        .visibility(name)
        .ok_or(ReadError::BlobRecord { digest: *name })?;
    let got = digest(&bytes);
    if got != *name {
        return Err(ReadError::Blob { digest: *name, got });
    }
    Ok(Some(Blob {
        digest: *name,
        visibility,
        bytes,
    }))
}

/// A connection, and the tree that what it reads is believed by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reads<'l> {
    pub(super) connection: &'l Connection,
    pub(super) head: &'l Head,
    pub(super) edge: &'l Edge,
}

impl<'l> Reads<'l> {
    pub(super) const fn tiles(&self) -> VerifiedTiles<'l, RawTiles<'l>> {
        VerifiedTiles::new(RawTiles(self.connection), self.edge)
    }

    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError> {
        blob(self.connection, digest)
    }

    pub(super) fn entry(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        let size = self.head.size();
        let end = index.saturating_add(1);
        self.entries(index..end)?
            .pop()
            .ok_or(ReadError::NoEntry { index, size })
    }

    pub(super) fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, ReadError> {
        let size = self.head.size();
        if range.is_empty() {
            return Ok(Vec::new());
        }
        if range.end > size {
            let index = range.start.max(size);
            return Err(ReadError::NoEntry { index, size });
        }
        let width = u64::from(TILE_WIDTH);
        let mut entries = Vec::new();
        for number in range.start / width..range.end.div_ceil(width) {
            let first = number * width;
            let part = range.start.max(first)..range.end.min(first + width);
            self.read_bundle(number, first, part, &mut entries)?;
        }
        Ok(entries)
    }

    /// Reads entries that have their leaf hashes in tile `number`, which starts at leaf `first`.
    fn read_bundle(
        &self,
        number: u64,
        first: u64,
        part: Range<u64>,
        entries: &mut Vec<Vec<u8>>,
    ) -> Result<(), ReadError> {
        let leaves = self.tiles().hashes(0, number)?;
        let failed = StorageError::when("read entries");
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM entry WHERE position = ?1")
            .map_err(failed)?;
        for (index, expected) in (first..).zip(leaves) {
            if !part.contains(&index) {
                continue;
            }
            let bytes: Vec<u8> = statement
                .query_row([integer(index)], |row| row.get(0))
                .optional()
                .map_err(failed)?
                .ok_or(ReadError::EntryMissing { index })?;
            let got = leaf_hash(&bytes);
            if got != expected {
                return Err(ReadError::Entry {
                    index,
                    expected,
                    got,
                });
            }
            entries.push(bytes);
        }
        Ok(())
    }

    pub(super) fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        Ok(self.tiles().tile(level, index, width)?)
    }

    /// Roots and proofs of the first `size` entries.
    pub(super) fn with_prover<T>(
        &self,
        size: u64,
        prove: impl FnOnce(
            &mut Prover<'_, VerifiedTiles<'l, RawTiles<'l>>>,
        ) -> Result<T, ProveError<TileError>>,
    ) -> Result<T, ReadError> {
        let head = self.head.size();
        if size > head {
            return Err(ReadError::NotYet { size, head });
        }
        Ok(prove(&mut Prover::new(&self.tiles(), size))?)
    }

    pub(super) fn receipt(&self, index: u64) -> Result<String, ReadError> {
        let proof = self.with_prover(self.head.size(), |prover| prover.inclusion(index))?;
        Ok(receipt(index, proof, self.head))
    }
}

fn receipt(index: u64, proof: Vec<Hash>, head: &Head) -> String {
    ProofBundle::new(index, proof, head.checkpoint()).to_text()
}

/// The receipts of a run of entries under a head, their proofs made together.
pub(super) fn receipts<R: TileReader<Error = TileError>>(
    tiles: &R,
    head: &Head,
    range: Range<u64>,
) -> Result<Vec<String>, ReadError> {
    let mut prover = Prover::new(tiles, head.size());
    range
        .map(|index| {
            let proof = prover.inclusion(index)?;
            Ok(receipt(index, proof, head))
        })
        .collect()
}
