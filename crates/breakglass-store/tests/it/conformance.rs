//! What every engine has to hold. One call of [`conformance!`] per engine runs all of it.

use std::cell::RefCell;
use std::io;
use std::num::NonZeroU64;

use breakglass_format::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use breakglass_format::{Digest, Name};
use breakglass_store::{
    Append, BATCH_BLOBS_MAX, BATCH_ENTRIES_MAX, Batch, BatchError, Blob, CommitFailure, CommitHook,
    CursorError, Ledger, ReadError, Visibility,
};
use breakglass_tlog::{
    EMPTY_ROOT, MemoryTiles, ProofBundle, SignedCheckpoint, TileReader as _, leaf_hash, root,
    tiles_for_size, verify_consistency, verify_inclusion,
};

use crate::fixture::{ORIGIN, batch, commit, entry, grow, key, key_of};

/// An engine under test: one ledger at a place of its own.
pub(crate) trait Engine: Default {
    type Ledger: Ledger;

    /// Creates the ledger of [`ORIGIN`].
    fn create(&self) -> Self::Ledger;

    /// Opens it again, and hands every entry to `replay`.
    fn open(&self, replay: &mut dyn FnMut(u64, &[u8])) -> Self::Ledger;

    /// Has a hook told of each commit.
    fn hooked(ledger: Self::Ledger, hook: Box<dyn CommitHook>) -> Self::Ledger;
}

macro_rules! conformance {
    ($engine:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            $crate::conformance::$test(&<$engine>::default());
        }
    )*};
    ($engine:ty) => {
        $crate::conformance::conformance! { $engine:
            a_new_log_is_signed_and_empty
            every_read_is_right_at_every_boundary_and_after_a_restart
            a_batch_of_many_is_one_step
            a_batch_for_another_head_conflicts
            blobs_come_back_with_their_visibility
            a_blob_is_never_both_public_and_sealed
            limits_are_refused_by_name
            another_key_signs_nothing
            what_is_not_there_is_an_error
            cursors_survive_and_never_pass_the_end
            a_commit_that_fails_before_it_took_effect_leaves_nothing
            a_commit_that_fails_after_it_took_effect_leaves_all
        }
    };
}
pub(crate) use conformance;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn a_new_log_is_signed_and_empty<E: Engine>(engine: &E) {
    let ledger = engine.create();
    let note = ledger.head().checkpoint().to_text();
    let opened = SignedCheckpoint::open(note.as_bytes(), ORIGIN, key().verifier()).unwrap();
    assert_eq!(opened.checkpoint().size(), 0);
    assert_eq!(ledger.head().root(), EMPTY_ROOT);
    assert_eq!(ledger.root_at(0).unwrap(), EMPTY_ROOT);
    assert!(ledger.entries(0..0).unwrap().is_empty());
    drop(ledger);
    let ledger = engine.open(&mut |_, _| panic!("there is no entry"));
    assert_eq!(ledger.head().size(), 0);
}

pub(crate) fn every_read_is_right_at_every_boundary_and_after_a_restart<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    for size in [1, 2, 255, 256, 257, 512, 513] {
        grow(&mut ledger, size, 97);
        check_all(&ledger, size);
        let head = ledger.head().clone();
        drop(ledger);
        let replayed = RefCell::new(Vec::new());
        ledger = engine.open(&mut |index, bytes| {
            assert_eq!(index, replayed.borrow().len() as u64);
            replayed.borrow_mut().push(bytes.to_vec());
        });
        assert_eq!(
            replayed.into_inner(),
            (0..size).map(entry).collect::<Vec<_>>()
        );
        assert_eq!(*ledger.head(), head);
        check_all(&ledger, size);
    }
}

/// Compares every kind of read with a tree made from the entries alone.
fn check_all<L: Ledger>(ledger: &L, size: u64) {
    let mut tree = MemoryTiles::new();
    for index in 0..size {
        tree.push_entry(&entry(index));
    }
    let head = ledger.head();
    assert_eq!(head.size(), size);
    assert_eq!(head.root(), root(&tree, size).unwrap());
    assert_eq!(
        ledger.entries(0..size).unwrap(),
        (0..size).map(entry).collect::<Vec<_>>()
    );
    for path in tiles_for_size(size) {
        let (level, index, width) = (path.level(), path.index(), path.width());
        assert_eq!(
            ledger.tile(level, index, width).unwrap(),
            tree.tile(level, index, width).unwrap()
        );
    }
    for index in [0, 1, 254, 255, 256, 257, 511, 512] {
        if index < size {
            check_leaf(ledger, index, size);
        }
    }
    for old in [1, 2, 255, 256, 257, 512, 513] {
        if old <= size {
            let old_root = ledger.root_at(old).unwrap();
            assert_eq!(old_root, root(&tree, old).unwrap());
            let proof = ledger.consistency_proof(old, size).unwrap();
            let old = NonZeroU64::new(old).unwrap();
            verify_consistency(old, size, &proof, &old_root, &head.root()).unwrap();
        }
    }
}

fn check_leaf<L: Ledger>(ledger: &L, index: u64, size: u64) {
    let bytes = ledger.entry(index).unwrap();
    assert_eq!(bytes, entry(index));
    for size in [index + 1, size] {
        let proof = ledger.inclusion_proof(index, size).unwrap();
        let root = ledger.root_at(size).unwrap();
        verify_inclusion(&leaf_hash(&bytes), index, size, &proof, &root).unwrap();
    }
    let receipt = ProofBundle::parse(ledger.receipt(index).unwrap().as_bytes()).unwrap();
    let verified = receipt.verify(&bytes, ORIGIN, key().verifier()).unwrap();
    assert_eq!(verified.index, index);
    assert_eq!(verified.checkpoint, *ledger.head().checkpoint());
}

pub(crate) fn a_batch_of_many_is_one_step<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    let head = commit(&mut ledger, &batch(0..3, Vec::new()));
    let many = commit(&mut ledger, &batch(3..1_500, Vec::new()));
    assert_eq!((head.size(), many.size()), (3, 1_500));
    check_all(&ledger, 1_500);
}

pub(crate) fn a_batch_for_another_head_conflicts<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    let old = ledger.head().clone();
    let new = commit(&mut ledger, &batch(0..2, Vec::new()));
    match ledger
        .append(&old, &batch(2..3, Vec::new()), &key())
        .unwrap()
    {
        Append::Conflict(head) => assert_eq!(head, new),
        other @ (Append::Committed { .. } | Append::Unknown(_)) => panic!("no conflict: {other:?}"),
    }
    assert_eq!(ledger.head().size(), 2);
    commit(&mut ledger, &batch(2..3, Vec::new()));
    check_all(&ledger, 3);
}

pub(crate) fn blobs_come_back_with_their_visibility<E: Engine>(engine: &E) {
    let blobs = vec![
        Blob::new(Visibility::Public, b"evidence".to_vec()),
        Blob::new(Visibility::Sealed, vec![0; BLOB_BYTES_MAX]),
        Blob::new(Visibility::Public, Vec::new()),
    ];
    let mut ledger = engine.create();
    // The same blob twice in a batch, and again in a later one.
    let twice = [blobs.clone(), blobs.clone()].concat();
    commit(&mut ledger, &batch(0..1, twice));
    commit(&mut ledger, &batch(1..2, blobs.clone()));
    drop(ledger);
    let ledger = engine.open(&mut |_, _| {});
    for blob in blobs {
        assert_eq!(ledger.blob(&blob.digest).unwrap(), Some(blob));
    }
    let absent = Digest::from_bytes([1; 32]);
    assert_eq!(ledger.blob(&absent).unwrap(), None);
}

pub(crate) fn a_blob_is_never_both_public_and_sealed<E: Engine>(engine: &E) {
    let sealed = Blob::new(Visibility::Sealed, b"sealed".to_vec());
    let public = Blob::new(Visibility::Public, b"sealed".to_vec());
    let mut ledger = engine.create();
    let head = ledger.head().clone();
    let both = batch(0..1, vec![sealed.clone(), public.clone()]);
    let refused = ledger.append(&head, &both, &key());
    assert!(matches!(refused, Err(BatchError::BlobVisibility { .. })));
    assert_eq!(ledger.blob(&sealed.digest).unwrap(), None);

    let head = commit(&mut ledger, &batch(0..1, vec![sealed.clone()]));
    let refused = ledger.append(&head, &batch(1..2, vec![public]), &key());
    assert!(matches!(refused, Err(BatchError::BlobVisibility { .. })));
    assert_eq!(ledger.blob(&sealed.digest).unwrap(), Some(sealed));
}

pub(crate) fn limits_are_refused_by_name<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    let mut refusal = |batch: Batch| {
        let head = ledger.head().clone();
        ledger.append(&head, &batch, &key()).unwrap_err()
    };
    let of = |entries: Vec<Vec<u8>>, blobs: Vec<Blob>| Batch { entries, blobs };

    assert!(matches!(refusal(Batch::default()), BatchError::Empty));
    let entries = vec![Vec::new(); BATCH_ENTRIES_MAX + 1];
    assert!(matches!(
        refusal(of(entries, Vec::new())),
        BatchError::TooManyEntries { got } if got == BATCH_ENTRIES_MAX + 1
    ));
    let empty = Blob::new(Visibility::Public, Vec::new());
    let blobs = vec![empty.clone(); BATCH_BLOBS_MAX + 1];
    assert!(matches!(
        refusal(of(vec![Vec::new()], blobs)),
        BatchError::TooManyBlobs { got } if got == BATCH_BLOBS_MAX + 1
    ));
    let entries = vec![Vec::new(), vec![0; ENTRY_BYTES_MAX + 1]];
    assert!(matches!(
        refusal(of(entries, Vec::new())),
        BatchError::EntryTooLong {
            place: 1,
            got: 65_536
        }
    ));
    let long = Blob::new(Visibility::Public, vec![0; BLOB_BYTES_MAX + 1]);
    assert!(matches!(
        refusal(of(vec![Vec::new()], vec![long])),
        BatchError::BlobTooLong { got: 65_537, .. }
    ));
    let renamed = Blob {
        digest: Digest::from_bytes([1; 32]),
        ..empty.clone()
    };
    assert!(matches!(
        refusal(of(vec![Vec::new()], vec![renamed])),
        BatchError::BlobDigest { got, .. } if got == empty.digest
    ));

    assert_eq!(ledger.head().size(), 0);
    let longest = of(vec![vec![7; ENTRY_BYTES_MAX], Vec::new()], Vec::new());
    commit(&mut ledger, &longest);
    assert_eq!(ledger.entries(0..2).unwrap(), longest.entries);
}

pub(crate) fn another_key_signs_nothing<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    let head = ledger.head().clone();
    let refused = ledger.append(&head, &batch(0..1, Vec::new()), &key_of(8));
    assert!(matches!(refused, Err(BatchError::Key { .. })));
    assert_eq!(*ledger.head(), head);
}

pub(crate) fn what_is_not_there_is_an_error<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    assert!(matches!(
        ledger.entry(0),
        Err(ReadError::NoEntry { index: 0, size: 0 })
    ));
    grow(&mut ledger, 300, 300);
    for index in [300, 301, u64::MAX] {
        assert!(matches!(
            ledger.entry(index),
            Err(ReadError::NoEntry { size: 300, .. })
        ));
        assert!(matches!(ledger.receipt(index), Err(ReadError::Proof(_))));
    }
    assert!(matches!(
        ledger.entries(298..302),
        Err(ReadError::NoEntry {
            index: 300,
            size: 300
        })
    ));
    for size in [301, u64::MAX] {
        let not_yet = |error| matches!(error, ReadError::NotYet { head: 300, .. });
        assert!(not_yet(ledger.root_at(size).unwrap_err()));
        assert!(not_yet(ledger.inclusion_proof(0, size).unwrap_err()));
        assert!(not_yet(ledger.consistency_proof(1, size).unwrap_err()));
    }
    assert!(ledger.inclusion_proof(7, 7).is_err());
    assert!(ledger.consistency_proof(8, 7).is_err());
    for (level, index, width) in [
        (0, 0, 0),
        (0, 0, 257),
        (0, 1, 45),
        (0, 2, 1),
        (1, 0, 2),
        (9, 0, 1),
    ] {
        assert!(ledger.tile(level, index, width).is_err());
    }
}

pub(crate) fn cursors_survive_and_never_pass_the_end<E: Engine>(engine: &E) {
    let mut ledger = engine.create();
    grow(&mut ledger, 5, 5);
    let (jsonl, syslog) = (name("jsonl"), name("syslog"));
    assert_eq!(ledger.cursor(&jsonl).unwrap(), None);
    ledger.set_cursor(&jsonl, 5).unwrap();
    ledger.set_cursor(&syslog, 0).unwrap();
    ledger.set_cursor(&jsonl, 3).unwrap();
    assert!(matches!(
        ledger.set_cursor(&jsonl, 6),
        Err(CursorError::Beyond {
            next_index: 6,
            size: 5,
            ..
        })
    ));
    drop(ledger);
    let ledger = engine.open(&mut |_, _| {});
    assert_eq!(ledger.cursor(&jsonl).unwrap(), Some(3));
    assert_eq!(ledger.cursor(&syslog).unwrap(), Some(0));
    assert_eq!(ledger.cursor(&name("kafka")).unwrap(), None);
}

/// Fails the commit on one of its sides.
#[derive(Debug)]
struct Fail {
    before: bool,
}

impl CommitHook for Fail {
    fn before_commit(&mut self) -> io::Result<()> {
        if self.before {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(())
    }

    fn after_commit(&mut self) -> io::Result<()> {
        Err(io::Error::other("the answer is gone"))
    }
}

/// Commits a batch that fails, and returns the size of the ledger once opened again.
fn size_after_failure<E: Engine>(engine: &E, before: bool, blob: &Blob) -> (E::Ledger, u64) {
    let mut ledger = engine.create();
    grow(&mut ledger, 250, 250);
    let head = ledger.head().clone();
    let mut ledger = E::hooked(ledger, Box::new(Fail { before }));
    let failing = batch(250..260, vec![blob.clone()]);
    let unknown = ledger.append(&head, &failing, &key()).unwrap();
    assert!(matches!(unknown, Append::Unknown(CommitFailure::Hook(_))));

    // It neither tries again nor claims anything it does not know; what it had is still right.
    let again = ledger.append(&head, &failing, &key()).unwrap();
    assert!(matches!(again, Append::Unknown(CommitFailure::Stopped)));
    let moved = ledger.set_cursor(&name("jsonl"), 1);
    assert!(matches!(moved, Err(CursorError::Stopped)));
    assert_eq!(*ledger.head(), head);
    check_all(&ledger, 250);

    drop(ledger);
    let ledger = engine.open(&mut |_, _| {});
    let size = ledger.head().size();
    (ledger, size)
}

pub(crate) fn a_commit_that_fails_before_it_took_effect_leaves_nothing<E: Engine>(engine: &E) {
    let blob = Blob::new(Visibility::Public, b"with the batch".to_vec());
    let (mut ledger, size) = size_after_failure(engine, true, &blob);
    assert_eq!(size, 250);
    assert_eq!(ledger.blob(&blob.digest).unwrap(), None);
    grow(&mut ledger, 300, 10);
    check_all(&ledger, 300);
}

pub(crate) fn a_commit_that_fails_after_it_took_effect_leaves_all<E: Engine>(engine: &E) {
    let blob = Blob::new(Visibility::Public, b"with the batch".to_vec());
    let (mut ledger, size) = size_after_failure(engine, false, &blob);
    assert_eq!(size, 260);
    assert_eq!(ledger.blob(&blob.digest).unwrap(), Some(blob));
    check_all(&ledger, 260);
    grow(&mut ledger, 300, 10);
    check_all(&ledger, 300);
}
