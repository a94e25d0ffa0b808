//! The SQLite engine: the conformance suite, its files, and who may open them.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breakglass_store::{
    Blob, CommitHook, CreateError, Ledger as _, OpenError, Remedy, SqliteLedger, Visibility,
};
use rusqlite::Connection;

use crate::conformance::{Engine, conformance};
use crate::fixture::{Home, ORIGIN, batch, commit, grow, key, key_of};

struct Sqlite(Home);

impl Default for Sqlite {
    fn default() -> Self {
        Self(Home::new())
    }
}

impl Engine for Sqlite {
    type Ledger = SqliteLedger;

    fn create(&self) -> SqliteLedger {
        self.0.create()
    }

    fn open(&self, replay: &mut dyn FnMut(u64, &[u8])) -> SqliteLedger {
        let mut each = |entry: &breakglass_store::Replayed<'_>| replay(entry.index, entry.bytes);
        SqliteLedger::open(&self.0.path(), ORIGIN, key().verifier(), &mut each).unwrap()
    }

    fn hooked(ledger: SqliteLedger, hook: Box<dyn CommitHook>) -> SqliteLedger {
        ledger.with_commit_hook(hook)
    }
}

conformance!(Sqlite);

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn replay_hands_over_blobs_too() {
    let blob = Blob::new(Visibility::Public, b"authority".to_vec());
    let home = Home::with(3, vec![blob.clone()]);
    let mut seen = Vec::new();
    SqliteLedger::open(&home.path(), ORIGIN, key().verifier(), &mut |entry| {
        seen.push((entry.index, entry.blob(&blob.digest).unwrap()));
    })
    .unwrap();
    let expected: Vec<_> = (0..3).map(|index| (index, Some(blob.clone()))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn only_the_owner_can_use_the_files() {
    let home = Home::new();
    let path = home.dir().join("state/ledger.db");
    let mut ledger = SqliteLedger::create(&path, &key()).unwrap();
    commit(&mut ledger, &batch(0..1, Vec::new()));
    assert_eq!(mode(&home.dir().join("state")), 0o700);
    for file in fs::read_dir(home.dir().join("state")).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn files_that_others_can_use_are_refused() {
    let home = Home::with(1, Vec::new());
    for bits in [0o640, 0o604, 0o620] {
        set_mode(&home.path(), bits);
        let error = home.open().unwrap_err();
        assert!(matches!(&error, OpenError::Permissions { mode, .. } if *mode == bits));
        assert_eq!(error.remedy(), Remedy::Chmod);
    }
    set_mode(&home.path(), 0o600);
    set_mode(home.dir(), 0o755);
    let error = home.open().unwrap_err();
    assert!(matches!(error, OpenError::Permissions { path, .. } if path == home.dir()));
    assert!(matches!(
        SqliteLedger::create(&home.dir().join("second.db"), &key()),
        Err(CreateError::Open(OpenError::Permissions { .. }))
    ));
    set_mode(home.dir(), 0o700);
    home.open().unwrap();
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let home = Home::new();
    let first = home.create();
    let error = home.open().unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }));
    assert_eq!(error.remedy(), Remedy::StopOther);

    // Our lock holds where SQLite's does not: once this process has closed the file somewhere.
    let lock = fs::File::open(home.dir().join("ledger.db.lock")).unwrap();
    let taken = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockShared);
    assert_eq!(taken, Err(rustix::io::Errno::WOULDBLOCK));

    // A reader holds it as well.
    let reader = first.reader().unwrap();
    drop(first);
    assert!(matches!(home.open(), Err(OpenError::InUse { .. })));
    drop(reader);
    home.open().unwrap();
}

/// Where the test program finds the database when it is the tool of another process.
const TOOL: &str = "BREAKGLASS_TEST_TOOL_DATABASE";

/// A tool that does not know our lock, in a process of its own: this test program, which runs the
/// same test once more as the tool. Gives whether the tool could read.
struct Tool(Child, bool);

impl Tool {
    /// In the tool's process: tries to read, says how that went, and stays until it is let go.
    fn is_this() -> bool {
        let Some(path) = std::env::var_os(TOOL) else {
            return false;
        };
        let tool = Connection::open(path).unwrap();
        tool.busy_timeout(Duration::ZERO).unwrap();
        let read = tool.query_row("SELECT count(*) FROM head", [], |_| Ok(()));
        eprintln!("\ntool reads: {}", read.is_ok());
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        true
    }

    fn start(test: &str, home: &Home) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", test])
            .env(TOOL, home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = said.find_map(|line| {
            line.unwrap()
                .strip_prefix("tool reads: ")
                .map(str::to_owned)
        });
        let reads = said.unwrap() == "true";
        Self(child, reads)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn a_tool_that_does_not_know_our_lock_meets_that_of_sqlite() {
    if Tool::is_this() {
        return;
    }
    let home = Home::new();
    let mut ledger = home.create();
    let reader = ledger.reader().unwrap();
    let test = "sqlite::a_tool_that_does_not_know_our_lock_meets_that_of_sqlite";
    let meets = || {
        let tool = Tool::start(test, &home);
        assert!(!tool.1, "the tool reads");
        tool.end();
    };
    meets();
    commit(&mut ledger, &batch(0..3, Vec::new()));
    let snapshot = ledger.snapshot();
    assert_eq!(reader.at(&snapshot).entries(0..3).unwrap().len(), 3);
    meets();
    drop(reader);
    meets();
    drop(ledger);
    let tool = Tool::start(test, &home);
    assert!(tool.1, "nobody is in the tool's way");
    tool.end();
}

#[test]
fn a_tool_that_has_the_database_is_in_the_way() {
    if Tool::is_this() {
        return;
    }
    let home = Home::with(1, Vec::new());
    let tool = Tool::start("sqlite::a_tool_that_has_the_database_is_in_the_way", &home);
    assert!(tool.1);
    assert!(matches!(home.open(), Err(OpenError::InUse { .. })));
    tool.end();
    home.open().unwrap();
}

#[test]
fn a_reader_sees_what_is_committed_up_to_its_snapshot_and_writes_nothing() {
    let home = Home::new();
    let mut ledger = home.create();
    let blob = Blob::new(Visibility::Public, b"blob".to_vec());
    commit(&mut ledger, &batch(0..300, vec![blob.clone()]));
    let (before, reader) = (ledger.snapshot(), ledger.reader().unwrap());
    commit(&mut ledger, &batch(300..700, Vec::new()));
    let (after, entries) = (ledger.snapshot(), ledger.entries(0..700).unwrap());
    for (snapshot, size) in [(&before, 300_u64), (&after, 700)] {
        let view = reader.at(snapshot);
        assert_eq!(view.head().size(), size);
        let seen = view.entries(0..size).unwrap();
        assert!(seen.iter().eq(entries.iter().take(seen.len())));
        assert_eq!(view.entry(299).unwrap(), entries[299]);
        assert!(view.entry(size).is_err());
        assert_eq!(view.blob(&blob.digest).unwrap(), Some(blob.clone()));
        assert!(
            view.receipt(size - 1)
                .unwrap()
                .contains(&format!("index {}", size - 1))
        );
        let proof = view.consistency_proof(3, size).unwrap();
        assert_eq!(proof, ledger.consistency_proof(3, size).unwrap());
        let (number, width) = (size / 256, u16::try_from(size % 256).unwrap());
        let tile = view.tile(0, number, width).unwrap();
        assert_eq!(tile, ledger.tile(0, number, width).unwrap());
        assert!(view.tile(0, number, width + 1).is_err(), "not there yet");
    }
    assert_eq!(
        reader.at(&after).receipt(5).unwrap(),
        ledger.receipt(5).unwrap()
    );
    // What they share lies in memory: no file beside the two that were there before.
    assert!(!home.dir().join("ledger.db-shm").exists());
}

#[test]
fn a_reader_on_another_thread_holds_up_no_append() {
    let home = Home::new();
    let mut ledger = home.create();
    commit(&mut ledger, &batch(0..10, Vec::new()));
    let (reader, snapshot) = (ledger.reader().unwrap(), ledger.snapshot());
    let over = AtomicBool::new(false);
    let reader = std::thread::scope(|threads| {
        let (over, snapshot) = (&over, &snapshot);
        let reading = threads.spawn(move || {
            let mut rounds = 0;
            while !over.load(Ordering::SeqCst) || rounds == 0 {
                assert_eq!(reader.at(snapshot).entries(0..10).unwrap().len(), 10);
                rounds += 1;
            }
            reader
        });
        // Enough for several checkpoints of the write-ahead log.
        for from in 1..300 {
            commit(&mut ledger, &batch(from * 10..from * 10 + 10, Vec::new()));
        }
        over.store(true, Ordering::SeqCst);
        reading.join().unwrap()
    });
    let snapshot = ledger.snapshot();
    let all = reader.at(&snapshot).entries(0..3_000).unwrap();
    assert_eq!(all, ledger.entries(0..3_000).unwrap());
    drop(reader);
    drop(ledger);
    assert_eq!(home.open().unwrap().head().size(), 3_000);
    assert!(!home.wal().exists(), "the last one tidies up");
}

#[test]
fn a_ledger_is_created_once() {
    let home = Home::with(2, Vec::new());
    assert!(matches!(
        SqliteLedger::create(&home.path(), &key()),
        Err(CreateError::Exists { path }) if path == home.path()
    ));
    assert_eq!(home.open().unwrap().head().size(), 2);
}

#[test]
fn the_write_ahead_log_of_a_lost_database_is_not_replayed_into_a_new_one() {
    let home = Home::new();
    fs::write(home.wal(), b"of another database").unwrap();
    assert!(matches!(
        SqliteLedger::create(&home.path(), &key()),
        Err(CreateError::Exists { path }) if path == home.wal()
    ));
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let home = Home::new();
    fs::write(home.dir().join("ledger.db.new"), b"half a database").unwrap();
    let mut ledger = home.create();
    grow(&mut ledger, 2, 2);
    assert!(!home.dir().join("ledger.db.new").exists());
}

#[test]
fn what_is_no_ledger_is_refused_and_left_alone() {
    let home = Home::new();
    let error = home.open().unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }));
    assert_eq!(fs::read_dir(home.dir()).unwrap().count(), 0);

    let text = b"not a database at all, but long enough to hold a header".repeat(3);
    for bytes in [b"".as_slice(), b"short", &text] {
        fs::write(home.path(), bytes).unwrap();
        set_mode(&home.path(), 0o600);
        let error = home.open().unwrap_err();
        assert!(matches!(error, OpenError::NotALedger { .. }), "{error}");
        assert_eq!(fs::read(home.path()).unwrap(), bytes);
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let home = Home::new();
    let other = Connection::open(home.path()).unwrap();
    other
        .execute_batch("CREATE TABLE entry (bytes BLOB); INSERT INTO entry VALUES (x'00')")
        .unwrap();
    drop(other);
    set_mode(&home.path(), 0o600);
    let bytes = fs::read(home.path()).unwrap();
    assert!(matches!(home.open(), Err(OpenError::NotALedger { .. })));
    assert_eq!(fs::read(home.path()).unwrap(), bytes);
}

#[test]
fn tables_of_another_version_are_refused() {
    let home = Home::with(1, Vec::new());
    home.tamper("PRAGMA user_version = 1");
    let error = home.open().unwrap_err();
    assert!(matches!(error, OpenError::Version { got: 1 }));
    assert_eq!(error.remedy(), Remedy::OtherVersion);
}

#[test]
fn a_missing_or_added_schema_object_is_refused() {
    for (sql, name) in [
        ("DROP TRIGGER entry_update", "entry_update"),
        ("CREATE TABLE stray (x)", "stray"),
        ("CREATE INDEX by_bytes ON entry (bytes)", "by_bytes"),
        (
            "ALTER TABLE cursor RENAME COLUMN next_index TO position",
            "cursor",
        ),
    ] {
        let home = Home::with(1, Vec::new());
        Connection::open(home.path())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let error = home.open().unwrap_err();
        assert!(
            matches!(&error, OpenError::Schema { object } if object == name),
            "{error}"
        );
    }
}

#[test]
fn a_database_replaced_under_another_key_is_refused() {
    let home = Home::new();
    let mut forged = SqliteLedger::create(&home.path(), &key_of(8)).unwrap();
    let head = forged.head().clone();
    let _ = forged
        .append(&head, &batch(0..3, Vec::new()), &key_of(8))
        .unwrap();
    drop(forged);
    let error = home.open().unwrap_err();
    assert!(matches!(error, OpenError::Checkpoint(_)));
    assert_eq!(error.remedy(), Remedy::CheckKey);
    home.open_as(&key_of(8)).unwrap();
}

#[test]
fn another_origin_is_refused() {
    let home = Home::with(1, Vec::new());
    let origin = "log.example.org/2026b";
    let opened = SqliteLedger::open(&home.path(), origin, key().verifier(), &mut |_| {});
    assert!(matches!(opened, Err(OpenError::Checkpoint(_))));
}

#[test]
fn triggers_stand_in_the_way_of_a_careless_hand() {
    let home = Home::with(257, vec![Blob::new(Visibility::Public, b"blob".to_vec())]);
    let connection = Connection::open(home.path()).unwrap();
    connection
        .execute_batch("PRAGMA recursive_triggers = ON")
        .unwrap();
    for sql in [
        "UPDATE entry SET bytes = x'00' WHERE position = 1",
        "UPDATE entry SET position = 900 WHERE position = 256",
        "DELETE FROM entry WHERE position = 256",
        "REPLACE INTO entry VALUES (1, x'00')",
        "UPDATE blob SET visibility = 1",
        "DELETE FROM blob",
        "DELETE FROM tile",
        "UPDATE tile SET number = 9 WHERE number = 1",
        "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 0",
        "UPDATE tile SET hashes = hashes || zeroblob(32) WHERE level = 0 AND number = 0",
        "UPDATE tile SET hashes = x'' WHERE level = 0 AND number = 1",
        "UPDATE head SET size = 256",
    ] {
        assert!(connection.execute_batch(sql).is_err(), "{sql}");
    }
    drop(connection);
    home.open().unwrap();
}
