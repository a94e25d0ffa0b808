//! Random damage anywhere in the file: refused, or without any effect on what is read.

use std::fs;

use breakglass_format::{Digest, Name};
use breakglass_store::{Blob, Ledger, OpenError, Visibility};
use breakglass_tlog::tiles_for_size;

use crate::fixture::{Home, Numbers};

const SIZE: u64 = 40;
const FLIPS: usize = 1_000;
const SEED: u64 = 0x0062_7265_616b;

fn blobs() -> Vec<Blob> {
    (0..6)
        .map(|number: u8| {
            let visibility = match number % 2 {
                0 => Visibility::Public,
                _ => Visibility::Sealed,
            };
            Blob::new(visibility, vec![number; 900 * usize::from(number)])
        })
        .collect()
}

/// Every answer a ledger gives, one line each; `None` for an answer it refuses.
fn answers<L: Ledger>(ledger: &L, digests: &[Digest], cursor: &Name) -> Vec<Option<String>> {
    fn line<T: std::fmt::Debug, E>(answer: Result<T, E>) -> Option<String> {
        answer.ok().map(|answer| format!("{answer:?}"))
    }
    let mut all = vec![Some(ledger.head().checkpoint().to_text())];
    for index in 0..SIZE {
        all.push(line(ledger.entry(index)));
        all.push(line(ledger.inclusion_proof(index, SIZE)));
        all.push(line(ledger.consistency_proof(index, SIZE)));
        all.push(line(ledger.root_at(index)));
        all.push(line(ledger.receipt(index)));
    }
    for path in tiles_for_size(SIZE) {
        all.push(line(ledger.tile(path.level(), path.index(), path.width())));
    }
    for digest in digests {
        let blob = ledger.blob(digest);
        // By the digest of its bytes, which is shorter to print.
        let blob = blob.map(|blob| blob.map(|blob| Blob::new(blob.visibility, blob.bytes)));
        all.push(line(blob));
    }
    all.push(line(ledger.cursor(cursor)));
    all
}

/// A closed ledger, and all it answers.
struct Sound {
    home: Home,
    bytes: Vec<u8>,
    digests: Vec<Digest>,
    cursor: Name,
    expected: Vec<Option<String>>,
}

impl Sound {
    fn new() -> Self {
        let cursor: Name = "jsonl".parse().unwrap();
        let digests: Vec<Digest> = blobs().iter().map(|blob| blob.digest).collect();
        let home = Home::with(SIZE, blobs());
        let mut ledger = home.open().unwrap();
        ledger.set_cursor(&cursor, 33).unwrap();
        let expected = answers(&ledger, &digests, &cursor);
        assert!(expected.iter().all(Option::is_some));
        drop(ledger);
        Self {
            bytes: fs::read(home.path()).unwrap(),
            home,
            digests,
            cursor,
            expected,
        }
    }

    /// Opens the ledger with other bytes: whether that is refused. If it is not, no answer may
    /// differ, though one may be refused.
    fn refuses(&self, bytes: &[u8], what: &str) -> bool {
        fs::write(self.home.path(), bytes).unwrap();
        let Ok(ledger) = self.home.open() else {
            return true;
        };
        let got = answers(&ledger, &self.digests, &self.cursor);
        for (got, expected) in got.iter().zip(&self.expected) {
            assert!(
                got.is_none() || got == expected,
                "{what}: {got:?} for {expected:?}"
            );
        }
        false
    }
}

#[test]
fn a_flipped_byte_is_refused_or_changes_no_answer() {
    let sound = Sound::new();
    let mut numbers = Numbers(SEED);
    let mut refused = 0;
    for flip in 0..FLIPS {
        let offset = numbers.below(sound.bytes.len());
        let value = u8::try_from(1 + numbers.below(255)).unwrap();
        let mut bytes = sound.bytes.clone();
        bytes[offset] ^= value;
        let what = format!("seed {SEED:#x}, flip {flip}: byte {offset} xor {value:#04x}");
        refused += usize::from(sound.refuses(&bytes, &what));
    }
    // The file has entries and blobs to damage, and room that holds nothing.
    assert!((FLIPS / 4..FLIPS).contains(&refused), "{refused} refused");
}

#[test]
fn a_file_cut_short_is_refused_or_lacks_nothing() {
    let sound = Sound::new();
    let length = sound.bytes.len();
    for cut in (0..length).step_by(512).chain([1, 99, length - 1]) {
        let refused = sound.refuses(&sound.bytes[..cut], &format!("{cut} of {length} bytes"));
        // Only the last page can end with bytes that nothing lies in.
        assert!(refused || cut > length - 4096, "{cut} of {length} bytes");
    }
}

/// A key in an inner node of a b-tree leads a search astray and a scan not at all.
#[test]
fn damage_that_no_scan_meets_is_refused() {
    let home = Home::with(300, Vec::new());
    let connection = rusqlite::Connection::open(home.path()).unwrap();
    let root: usize = connection
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'entry'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .unwrap()
        .try_into()
        .unwrap();
    drop(connection);

    let mut bytes = fs::read(home.path()).unwrap();
    let page = &mut bytes[(root - 1) * 4096..root * 4096];
    assert_eq!(page[0], 5, "an inner node of a table");
    // Behind a header of 12 bytes stand the offsets of cells: 4 bytes of page number, and a key.
    let cell = usize::from(u16::from_be_bytes([page[12], page[13]]));
    assert!(
        page[cell + 4] > 1,
        "the greatest position in the left child, in one byte"
    );
    page[cell + 4] -= 1;
    fs::write(home.path(), bytes).unwrap();
    assert!(matches!(home.open(), Err(OpenError::Structure { .. })));
}
