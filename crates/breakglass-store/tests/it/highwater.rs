//! Rollback and forks, as the mark outside the database shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use breakglass_store::{HighWater, HighWaterMark, Ledger as _, MarkError, SqliteLedger, compare};

use crate::fixture::{Home, ORIGIN, batch, commit, entry, grow, key, key_of};

fn mark_in(home: &Home) -> HighWaterMark {
    HighWaterMark::new(home.dir().join("mark"))
}

/// How the ledger stands to the mark as it is on disk.
fn standing(mark: &HighWaterMark, ledger: &SqliteLedger) -> HighWater {
    let read = mark.read(ORIGIN, key().verifier()).unwrap();
    compare(read.as_ref(), ledger).unwrap()
}

#[test]
fn a_ledger_that_only_grows_may_be_written_to() {
    let home = Home::new();
    let mark = mark_in(&home);
    let mut ledger = home.create();
    assert_eq!(standing(&mark, &ledger), HighWater::New);
    mark.write(ledger.head().checkpoint()).unwrap();
    assert_eq!(standing(&mark, &ledger), HighWater::Equal);
    for (head, marked) in [(1, 0), (255, 1), (256, 255), (600, 256)] {
        grow(&mut ledger, head, 500);
        assert_eq!(
            standing(&mark, &ledger),
            HighWater::Ahead { mark: marked, head }
        );
        assert!(standing(&mark, &ledger).may_write());
        mark.write(ledger.head().checkpoint()).unwrap();
        assert_eq!(standing(&mark, &ledger), HighWater::Equal);
    }
    assert!(HighWater::New.may_write() && HighWater::Equal.may_write());
}

#[test]
fn a_restored_backup_is_behind() {
    let home = Home::with(300, Vec::new());
    let backup = home.copy();
    let mark = mark_in(&home);
    let mut ledger = home.open().unwrap();
    grow(&mut ledger, 301, 1);
    mark.write(ledger.head().checkpoint()).unwrap();

    let restored = backup.open().unwrap();
    let behind = standing(&mark, &restored);
    assert_eq!(
        behind,
        HighWater::Behind {
            mark: 301,
            head: 300
        }
    );
    assert!(!behind.may_write());
}

#[test]
fn entries_without_a_mark_are_not_written_to() {
    let home = Home::with(1, Vec::new());
    let missing = standing(&mark_in(&home), &home.open().unwrap());
    assert_eq!(missing, HighWater::Missing { head: 1 });
    assert!(!missing.may_write());
}

#[test]
fn a_fork_is_seen_at_the_size_of_the_mark_and_beyond() {
    let home = Home::with(50, Vec::new());
    let backup = home.copy();
    let mark = mark_in(&home);
    let mut ledger = home.open().unwrap();
    grow(&mut ledger, 60, 10);
    mark.write(ledger.head().checkpoint()).unwrap();

    // A backup that was written to: at the mark's size, then past it.
    let mut fork = backup.open().unwrap();
    let others = breakglass_store::Batch {
        entries: (1_000..1_010).map(entry).collect(),
        blobs: Vec::new(),
    };
    commit(&mut fork, &others);
    assert_eq!(
        standing(&mark, &fork),
        HighWater::Forked { mark: 60, head: 60 }
    );
    commit(&mut fork, &batch(60..300, Vec::new()));
    let forked = standing(&mark, &fork);
    assert_eq!(
        forked,
        HighWater::Forked {
            mark: 60,
            head: 300
        }
    );
    assert!(!forked.may_write());
}

#[test]
fn a_mark_that_is_none_is_an_error() {
    let home = Home::with(2, Vec::new());
    let mark = mark_in(&home);
    let read = |mark: &HighWaterMark| mark.read(ORIGIN, key().verifier());
    let head = home.open().unwrap().head().checkpoint().to_text();

    for bytes in [
        Vec::new(),
        b"2".to_vec(),
        head.replace("\n2\n", "\n1\n").into_bytes(),
    ] {
        fs::write(mark.path(), bytes).unwrap();
        assert!(matches!(read(&mark), Err(MarkError::Checkpoint { .. })));
    }
    fs::write(mark.path(), vec![b'\n'; 70_000]).unwrap();
    assert!(matches!(read(&mark), Err(MarkError::TooLong { .. })));

    fs::write(mark.path(), &head).unwrap();
    assert!(mark.read(ORIGIN, key_of(8).verifier()).is_err());
    assert_eq!(read(&mark).unwrap().unwrap().to_text(), head);

    let dir = HighWaterMark::new(home.dir().to_owned());
    assert!(matches!(read(&dir), Err(MarkError::Read { .. })));
}

#[test]
fn the_mark_is_the_owners_alone() {
    let home = Home::with(1, Vec::new());
    let mark = mark_in(&home);
    mark.write(home.open().unwrap().head().checkpoint())
        .unwrap();
    let mode = fs::metadata(mark.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
