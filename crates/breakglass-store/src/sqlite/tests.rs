//! What can only be provoked from within: faults of the database while the ledger has it.

use breakglass_tlog::KeyName;
use tempfile::TempDir;

use super::*;
use crate::error::CommitFailure;
use crate::ledger::Visibility;
use crate::verified::TileError;

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::new("log.example.org/2026a").unwrap(), &[7; 32])
}

fn private_dir() -> TempDir {
    let owner = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tempfile::Builder::new()
        .permissions(owner)
        .tempdir()
        .unwrap()
}

fn batch(entries: usize) -> Batch {
    Batch {
        entries: (0..entries).map(|entry| vec![7; entry]).collect(),
        blobs: Vec::new(),
    }
}

/// A ledger of 300 entries and a blob.
fn ledger(dir: &TempDir) -> (SqliteLedger, Blob) {
    let mut ledger = SqliteLedger::create(&dir.path().join("ledger.db"), &key()).unwrap();
    let blob = Blob::new(Visibility::Public, b"blob".to_vec());
    let first = Batch {
        blobs: vec![blob.clone()],
        ..batch(300)
    };
    let head = ledger.head().clone();
    let committed = ledger.append(&head, &first, &key()).unwrap();
    assert!(matches!(committed, Append::Committed { .. }));
    (ledger, blob)
}

fn append(ledger: &mut SqliteLedger, entries: usize) -> Result<Append, BatchError> {
    let head = ledger.head().clone();
    ledger.append(&head, &batch(entries), &key())
}

/// Changes the database under the open ledger, its triggers out of the way.
fn damage(ledger: &SqliteLedger, sql: &str) {
    let triggers = "DROP TRIGGER IF EXISTS entry_update; DROP TRIGGER IF EXISTS entry_delete;
        DROP TRIGGER IF EXISTS tile_update; DROP TRIGGER IF EXISTS tile_delete;
        DROP TRIGGER IF EXISTS blob_update;";
    ledger.connection.execute_batch(triggers).unwrap();
    ledger.connection.execute_batch(sql).unwrap();
}

#[test]
fn a_full_disk_leaves_the_outcome_to_the_next_opening() {
    let dir = private_dir();
    let (mut ledger, _) = ledger(&dir);
    let head = ledger.head().clone();
    let pages: i64 = ledger
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();

    let unknown = append(&mut ledger, 900).unwrap();
    assert!(matches!(
        unknown,
        Append::Unknown(CommitFailure::Storage(_))
    ));
    let stopped = append(&mut ledger, 1).unwrap();
    assert!(matches!(stopped, Append::Unknown(CommitFailure::Stopped)));
    assert_eq!(ledger.entry(299).unwrap().len(), 299);
    drop(ledger);

    let path = dir.path().join("ledger.db");
    let (origin, key) = ("log.example.org/2026a", key());
    let ledger = SqliteLedger::open(&path, origin, key.verifier(), &mut |_| {}).unwrap();
    assert_eq!(*ledger.head(), head);
}

#[test]
fn a_head_that_moved_stops_the_ledger() {
    let dir = private_dir();
    let (mut ledger, _) = ledger(&dir);
    damage(&ledger, "UPDATE head SET size = size + 1");
    let unknown = append(&mut ledger, 1).unwrap();
    assert!(matches!(unknown, Append::Unknown(CommitFailure::Moved)));
}

#[test]
fn an_entry_or_blob_damaged_since_the_opening_is_not_returned() {
    let dir = private_dir();
    let (ledger, blob) = ledger(&dir);
    damage(
        &ledger,
        "UPDATE entry SET bytes = zeroblob(4) WHERE position = 4;
         DELETE FROM entry WHERE position = 290;
         UPDATE blob SET bytes = x'00';",
    );
    assert!(matches!(
        ledger.entry(4),
        Err(ReadError::Entry { index: 4, .. })
    ));
    assert!(matches!(
        ledger.entries(0..10),
        Err(ReadError::Entry { index: 4, .. })
    ));
    assert!(matches!(
        ledger.entry(290),
        Err(ReadError::EntryMissing { index: 290 })
    ));
    assert!(matches!(
        ledger.blob(&blob.digest),
        Err(ReadError::Blob { .. })
    ));
    assert_eq!(ledger.entry(5).unwrap().len(), 5);

    damage(&ledger, "UPDATE blob SET visibility = 1");
    assert!(matches!(
        ledger.blob(&blob.digest),
        Err(ReadError::BlobRecord { .. })
    ));
}

#[test]
fn nothing_is_proved_or_signed_over_a_damaged_tile() {
    let dir = private_dir();
    let (mut ledger, _) = ledger(&dir);
    damage(
        &ledger,
        "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND number = 1",
    );
    assert!(matches!(
        ledger.tile(0, 1, 1),
        Err(ReadError::Tile(TileError::Root {
            level: 0,
            index: 1,
            ..
        }))
    ));
    assert!(matches!(ledger.entry(256), Err(ReadError::Tile(_))));
    assert!(matches!(
        ledger.inclusion_proof(0, 300),
        Err(ReadError::Proof(_))
    ));
    assert!(matches!(ledger.root_at(300), Err(ReadError::Proof(_))));
    assert!(matches!(
        append(&mut ledger, 1),
        Err(BatchError::Read(ReadError::Tile(TileError::Root { .. })))
    ));
    assert_eq!(ledger.entry(5).unwrap().len(), 5, "under the other tile");

    damage(&ledger, "DELETE FROM tile WHERE level = 0 AND number = 1");
    assert!(matches!(
        ledger.tile(0, 1, 1),
        Err(ReadError::Tile(TileError::Missing { .. }))
    ));
}

#[test]
fn the_settings_hold() {
    let dir = private_dir();
    let (ledger, _) = ledger(&dir);
    let number = |name: &str| -> i64 {
        let value = ledger
            .connection
            .pragma_query_value(None, name, |row| row.get(0));
        value.unwrap()
    };
    let text = |name: &str| -> String {
        let value = ledger
            .connection
            .pragma_query_value(None, name, |row| row.get(0));
        value.unwrap()
    };
    assert_eq!(text("journal_mode"), "wal");
    // The lock is the file system layer's: see `a_tool_that_does_not_know_our_lock_meets_that_of_sqlite`.
    assert_eq!(number("synchronous"), 2);
    assert_eq!(number("cell_size_check"), 1);
    assert_eq!(number("trusted_schema"), 0);
    assert_eq!(number("recursive_triggers"), 1);
    assert!(rusqlite::version_number() >= MIN_SQLITE_VERSION);
    // Without memory mapping there is no value, or 0.
    let mapped = ledger
        .connection
        .pragma_query_value(None, "mmap_size", |row| row.get::<_, i64>(0));
    assert_eq!(mapped.unwrap_or(0), 0);
}

#[test]
fn a_reader_believes_no_more_than_the_ledger_and_writes_nothing() {
    let dir = private_dir();
    let (ledger, blob) = ledger(&dir);
    let (reader, snapshot) = (ledger.reader().unwrap(), ledger.snapshot());
    let view = reader.at(&snapshot);
    assert_eq!(view.entry(5).unwrap(), ledger.entry(5).unwrap());
    damage(&ledger, "UPDATE entry SET bytes = x'00' WHERE position = 5");
    assert!(matches!(
        view.entry(5),
        Err(ReadError::Entry { index: 5, .. })
    ));
    damage(&ledger, "UPDATE blob SET bytes = x'00'");
    assert!(matches!(
        view.blob(&blob.digest),
        Err(ReadError::Blob { .. })
    ));
    damage(
        &ledger,
        "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 0",
    );
    assert!(matches!(view.entry(7), Err(ReadError::Tile(_))));
    assert!(matches!(view.receipt(7), Err(ReadError::Proof(_))));
    for sql in ["DELETE FROM cursor", "UPDATE head SET size = 900"] {
        assert!(reader.connection.execute_batch(sql).is_err(), "{sql}");
    }
}

/// A whole pass: what it read, and what it found.
fn pass(ledger: &SqliteLedger) -> Scrubbed {
    let (reader, snapshot) = (ledger.reader().unwrap(), ledger.snapshot());
    let (view, mut scrubber) = (reader.at(&snapshot), Scrubber::default());
    let mut all = Scrubbed::default();
    while !all.over {
        let step = scrubber.step(&view).unwrap();
        all.entries += step.entries;
        all.blobs += step.blobs;
        all.bytes += step.bytes;
        all.damage.extend(step.damage);
        all.over = step.over;
    }
    assert_eq!(scrubber, Scrubber::default(), "the next step begins anew");
    all
}

#[test]
fn a_scrub_reads_everything_and_finds_what_rotted() {
    let dir = private_dir();
    let (ledger, blob) = ledger(&dir);
    let sound = pass(&ledger);
    let bytes = (0..300).sum::<u64>() + blob.bytes.len() as u64;
    assert_eq!((sound.entries, sound.blobs, sound.bytes), (300, 1, bytes));
    assert_eq!(sound.damage, []);
    damage(
        &ledger,
        "UPDATE entry SET bytes = zeroblob(4) WHERE position = 4;
         DELETE FROM entry WHERE position = 290;
         UPDATE blob SET bytes = x'00';",
    );
    let digest = blob.digest.to_string();
    let digest = digest.rsplit(':').next().unwrap().to_owned();
    let expected = [
        Damage::Entry { index: 4 },
        Damage::Entry { index: 290 },
        Damage::Blob { digest },
    ];
    assert_eq!(pass(&ledger).damage, expected);
    damage(
        &ledger,
        "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 0",
    );
    assert_eq!(pass(&ledger).damage[0], Damage::Tile { first: 0 });
}
