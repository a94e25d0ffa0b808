//! What a crash leaves: the database and as much of the write-ahead log as reached the disk.

use std::fs;

use breakglass_store::{Blob, HighWater, Ledger as _, Visibility, compare};

use crate::fixture::{Home, Numbers, batch, commit, entry};

/// A ledger after six commits, none of which has left the write-ahead log: the database and the
/// log as a crash finds them, the sizes committed, and the last checkpoint.
struct Image {
    database: Vec<u8>,
    wal: Vec<u8>,
    sizes: Vec<u64>,
    last: breakglass_tlog::SignedCheckpoint,
}

fn blob(size: u64) -> Blob {
    Blob::new(Visibility::Public, size.to_be_bytes().to_vec())
}

fn image() -> Image {
    let home = Home::new();
    let mut ledger = home.create();
    let mut sizes = vec![0];
    for size in [3, 10, 40, 41, 100, 130] {
        let from = ledger.head().size();
        commit(&mut ledger, &batch(from..size, vec![blob(size)]));
        sizes.push(size);
    }
    Image {
        database: fs::read(home.path()).unwrap(),
        wal: fs::read(home.wal()).unwrap(),
        sizes,
        last: ledger.head().checkpoint().clone(),
    }
}

impl Image {
    /// Opens the image with another write-ahead log, and returns the size it then has.
    fn size_with(&self, wal: &[u8]) -> u64 {
        let home = Home::with(1, Vec::new());
        fs::write(home.path(), &self.database).unwrap();
        fs::write(home.wal(), wal).unwrap();
        let ledger = home.open().unwrap();
        let size = ledger.head().size();
        assert!(self.sizes.contains(&size), "{size} was never committed");
        let entries = ledger.entries(0..size).unwrap();
        assert_eq!(entries, (0..size).map(entry).collect::<Vec<_>>());
        for committed in &self.sizes[1..] {
            let found = ledger.blob(&blob(*committed).digest).unwrap();
            assert_eq!(found.is_some(), *committed <= size);
        }
        let (mark, head) = (self.last.checkpoint().size(), size);
        let expected = match size {
            130 => HighWater::Equal,
            _ => HighWater::Behind { mark, head },
        };
        assert_eq!(compare(Some(&self.last), &ledger).unwrap(), expected);
        size
    }
}

#[test]
fn a_log_cut_anywhere_holds_whole_batches() {
    let image = image();
    assert_eq!(image.size_with(&image.wal), 130);
    assert_eq!(image.size_with(b""), 0);
    let mut last = 0;
    let mut seen = vec![0];
    for length in (0..=image.wal.len()).step_by(1_500) {
        let size = image.size_with(&image.wal[..length]);
        assert!(size >= last, "more of the log, and less in it");
        last = size;
        if !seen.contains(&size) {
            seen.push(size);
        }
    }
    assert!(seen.len() >= 5, "cuts fell between many commits: {seen:?}");
}

#[test]
fn a_damaged_log_is_a_shorter_one_which_the_mark_shows() {
    let image = image();
    let mut numbers = Numbers(3);
    for _ in 0..100 {
        let mut wal = image.wal.clone();
        let offset = numbers.below(wal.len());
        wal[offset] ^= 1 << numbers.below(8);
        image.size_with(&wal);
    }
}
