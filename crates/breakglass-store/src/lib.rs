//! The ledger: the one append, verified reads, blobs, cursors, on SQLite.
