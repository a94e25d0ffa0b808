//! The ledger: the one append, verified reads, blobs and cursors, on SQLite.
//!
//! One owner, the engine's thread, holds a [`Ledger`]; others read through a [`SqliteReader`] of
//! their own. [`Ledger::append`] is the only way anything
//! becomes true: one transaction holds entries, blobs, tiles, size, root and the signed checkpoint.
//! Nothing that is read is believed for having been stored: an entry and a tile are checked up to
//! the root in memory, a blob against its digest, a cursor against its checksum, and all of it
//! once when the ledger is opened.
//!
//! What is only looked at lies in a second file, the [`history`].
//!
//! A database put back from a backup is right in itself and yet behind. That shows only against
//! what lies outside it: the [`HighWaterMark`].

pub mod durable;
mod error;
mod highwater;
pub mod history;
mod ledger;
mod reserve;
mod sqlite;
mod verified;

pub use durable::{DurableError, FileMode, beside, sync_dir, unused_beside, write_durably};
pub use error::{BatchError, CommitFailure, CursorError, ReadError, StorageError};
pub use highwater::{HighWater, HighWaterMark, MarkError, compare};
pub use history::History;
pub use ledger::{
    Append, BATCH_BLOBS_MAX, BATCH_ENTRIES_MAX, Batch, Blob, CommitHook, Head, Ledger, NoHook,
    Visibility,
};
pub use reserve::Reserve;
pub use sqlite::{
    Copies, CreateError, Damage, MIN_SQLITE_VERSION, OpenError, Opening, Remedy, RepairError,
    Repaired, Replayed, Scrubbed, Scrubber, Snapshot, SqliteLedger, SqliteReader, View, repair,
};
pub use verified::{TileError, VerifiedTiles};
