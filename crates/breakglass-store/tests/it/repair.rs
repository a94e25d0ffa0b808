//! What rotted is put back from copies that fit, and from no others.

use std::fs;

use breakglass_format::Digest;
use breakglass_store::{
    Blob, Copies, Damage, Ledger as _, RepairError, Repaired, Visibility, repair,
};

use crate::fixture::{Home, ORIGIN, batch, commit, entry, key, key_of};

const SIZE: u64 = 300;

fn blob() -> Blob {
    Blob::new(Visibility::Sealed, b"an envelope".to_vec())
}

fn home() -> Home {
    Home::with(SIZE, vec![blob()])
}

/// Somebody who has copies, good or bad.
struct Shelf {
    entry: fn(u64) -> Option<Vec<u8>>,
    blob: Option<Vec<u8>>,
    asked: Vec<u64>,
}

impl Shelf {
    fn of(entry: fn(u64) -> Option<Vec<u8>>, blob: Option<Vec<u8>>) -> Self {
        Self {
            entry,
            blob,
            asked: Vec::new(),
        }
    }

    fn repairs(&mut self, home: &Home) -> Result<Repaired, RepairError> {
        repair(&home.path(), ORIGIN, key().verifier(), self)
    }
}

impl Copies for Shelf {
    fn entry(&mut self, index: u64) -> Option<Vec<u8>> {
        self.asked.push(index);
        (self.entry)(index)
    }

    fn blob(&mut self, _: &Digest) -> Option<Vec<u8>> {
        self.blob.clone()
    }
}

const ROT: &str = "UPDATE entry SET bytes = x'00' WHERE position = 7;
    DELETE FROM entry WHERE position = 299;
    UPDATE blob SET bytes = x'00'";

#[test]
fn what_rotted_is_put_back_from_copies_that_fit() {
    let home = home();
    let before = home.open().unwrap().head().clone();
    home.tamper(ROT);
    assert!(home.open().is_err());
    let mut shelf = Shelf::of(|index| Some(entry(index)), Some(blob().bytes));
    let repaired = shelf.repairs(&home).unwrap();
    assert_eq!(shelf.asked, [7, 299], "nothing else is asked for");
    assert_eq!((repaired.mended.len(), repaired.left.len()), (3, 0));
    let mut ledger = home.open().unwrap();
    assert_eq!(*ledger.head(), before);
    assert_eq!(ledger.entry(7).unwrap(), entry(7));
    assert_eq!(ledger.blob(&blob().digest).unwrap(), Some(blob()));
    // It goes on, and its guards stand where they stood.
    commit(&mut ledger, &batch(SIZE..SIZE + 1, Vec::new()));
    drop(ledger);
    let connection = rusqlite::Connection::open(home.path()).unwrap();
    assert!(connection.execute_batch("DELETE FROM entry").is_err());
}

#[test]
fn a_copy_that_does_not_fit_is_not_taken() {
    let home = home();
    home.tamper(ROT);
    let rotten = fs::read(home.path()).unwrap();
    let mut shelf = Shelf::of(|index| Some(entry(index + 1)), Some(b"another".to_vec()));
    let repaired = shelf.repairs(&home).unwrap();
    assert_eq!((repaired.mended.len(), repaired.left.len()), (0, 3));
    assert!(repaired.left.contains(&Damage::Entry { index: 7 }));
    assert!(home.open().is_err());
    // What fits later still does.
    let mut shelf = Shelf::of(|index| (index == 7).then(|| entry(7)), None);
    let repaired = shelf.repairs(&home).unwrap();
    assert_eq!(repaired.mended, [Damage::Entry { index: 7 }]);
    assert_ne!(fs::read(home.path()).unwrap(), rotten);
}

#[test]
fn a_ledger_that_is_sound_or_open_or_not_ours_is_not_touched() {
    let home = home();
    let bytes = fs::read(home.path()).unwrap();
    let mut shelf = Shelf::of(|_| None, None);
    assert_eq!(shelf.repairs(&home).unwrap(), Repaired::default());
    assert!(shelf.asked.is_empty());
    let other = key_of(9);
    let refused = repair(&home.path(), ORIGIN, other.verifier(), &mut shelf);
    assert!(matches!(refused, Err(RepairError::Open(_))), "{refused:?}");
    let ledger = home.open().unwrap();
    let refused = shelf.repairs(&home);
    assert!(matches!(refused, Err(RepairError::Open(_))), "{refused:?}");
    drop(ledger);
    home.tamper("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 0");
    let refused = shelf.repairs(&home);
    assert!(
        matches!(refused, Err(RepairError::Tiles { size: SIZE })),
        "{refused:?}"
    );
    assert_eq!(bytes.len(), fs::read(home.path()).unwrap().len());
}
