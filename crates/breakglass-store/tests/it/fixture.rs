//! A log key, entries, and ledgers in temporary directories.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use breakglass_store::{Append, Batch, Blob, Head, Ledger, OpenError, SqliteLedger};
use breakglass_tlog::{KeyName, SigningKey};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "log.example.org/2026a";

pub(crate) fn key() -> SigningKey {
    key_of(7)
}

/// A key of the same origin with that seed.
pub(crate) fn key_of(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[seed; 32])
}

/// Entry `index`: all different, and of many lengths.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    let length = usize::try_from(index * 37 % 300).unwrap();
    format!(r#"{{"index":{index},"text":"{}"}}"#, "x".repeat(length)).into_bytes()
}

pub(crate) fn batch(range: std::ops::Range<u64>, blobs: Vec<Blob>) -> Batch {
    Batch {
        entries: range.map(entry).collect(),
        blobs,
    }
}

/// Appends to the present head and returns the new one.
pub(crate) fn commit<L: Ledger>(ledger: &mut L, batch: &Batch) -> Head {
    let head = ledger.head().clone();
    match ledger.append(&head, batch, &key()).unwrap() {
        Append::Committed {
            head: new,
            first_index,
        } => {
            assert_eq!(first_index, head.size());
            assert_eq!(&new, ledger.head());
            new
        }
        other @ (Append::Conflict(_) | Append::Unknown(_)) => panic!("not committed: {other:?}"),
    }
}

/// Appends entries until there are `size`, `at_once` in each batch.
pub(crate) fn grow<L: Ledger>(ledger: &mut L, size: u64, at_once: u64) {
    while ledger.head().size() < size {
        let from = ledger.head().size();
        commit(ledger, &batch(from..size.min(from + at_once), Vec::new()));
    }
}

/// A directory with a database in it, or room for one.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let owner = fs::Permissions::from_mode(0o700);
        Self(
            tempfile::Builder::new()
                .permissions(owner)
                .tempdir()
                .unwrap(),
        )
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir().join("ledger.db")
    }

    /// The file SQLite keeps beside the database.
    pub(crate) fn wal(&self) -> PathBuf {
        self.dir().join("ledger.db-wal")
    }

    pub(crate) fn create(&self) -> SqliteLedger {
        SqliteLedger::create(&self.path(), &key()).unwrap()
    }

    pub(crate) fn open(&self) -> Result<SqliteLedger, OpenError> {
        self.open_as(&key())
    }

    pub(crate) fn open_as(&self, key: &SigningKey) -> Result<SqliteLedger, OpenError> {
        SqliteLedger::open(&self.path(), ORIGIN, key.verifier(), &mut |_| {})
    }

    /// Opens a ledger elsewhere in the directory.
    pub(crate) fn open_at(&self, path: &Path) -> Result<SqliteLedger, OpenError> {
        SqliteLedger::open(path, ORIGIN, key().verifier(), &mut |_| {})
    }

    /// A closed ledger with that many entries, and these blobs.
    pub(crate) fn with(entries: u64, blobs: Vec<Blob>) -> Self {
        let home = Self::new();
        let mut ledger = home.create();
        commit(&mut ledger, &batch(0..1, blobs));
        grow(&mut ledger, entries, 100);
        drop(ledger);
        assert!(!home.wal().exists(), "closing leaves one file");
        home
    }

    /// Another home with the same bytes, as a backup has them.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        fs::copy(self.path(), copy.path()).unwrap();
        copy
    }

    /// Runs SQL on the closed database with its triggers out of the way.
    pub(crate) fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        let triggers: Vec<(String, String)> = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for (name, _) in &triggers {
            connection
                .execute_batch(&format!("DROP TRIGGER {name}"))
                .unwrap();
        }
        connection.execute_batch(sql).unwrap();
        for (_, sql) in &triggers {
            connection.execute_batch(sql).unwrap();
        }
    }
}

/// Numbers that look random and are the same every time (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}
