//! The process that is interrupted: this very program, started again with the variable
//! [`VARIABLE`] set, appends to a ledger and acknowledges each commit on its standard output.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use breakglass_format::Name;
use breakglass_store::{Append, Blob, HighWaterMark, Ledger as _, SqliteLedger, Visibility};

use crate::fixture::{Home, ORIGIN, batch, commit, key};

/// Names the directory to work in.
pub(crate) const VARIABLE: &str = "BREAKGLASS_APPENDER";

/// Its exit status once it cannot say whether an append has happened.
pub(crate) const UNKNOWN: i32 = 70;
/// Its exit status where something else failed: the ledger, the mark or standard output.
pub(crate) const REFUSED: i32 = 71;

/// Sizes of the log after each of its commits to a ledger that did not exist.
const OF_A_NEW_LEDGER: &[u64] = &[1, 4, 40];
/// Entries of each of its commits to a ledger that did.
const OF_A_LEDGER: &[u64] = &[1, 2, 1, 30];

/// Frames of the write-ahead log at which its contents are copied into the database.
const CHECKPOINT_FRAMES: u64 = 1_000;
/// Bytes of a frame: a page and what says which.
const FRAME_BYTES: u64 = 4_096 + 24;

/// Where the ledger is, below the directory to work in.
pub(crate) const LEDGER: &str = "data/ledger.db";
/// Where its mark is.
pub(crate) const MARK: &str = "mark";

/// What it says when all is done but closing the ledger.
const CLOSING: &str = "closing";

/// How often it looks at a file first: strace counts calls by thread, and what is to happen to
/// the ten first files this thread opens must not happen to those that the other one does.
const AHEAD: usize = 20;

/// The sizes that the log has between two commits, from `size` on.
pub(crate) fn sizes(size: Option<u64>) -> Vec<u64> {
    match size {
        None => std::iter::once(&0)
            .chain(OF_A_NEW_LEDGER)
            .copied()
            .collect(),
        Some(size) => {
            let grown = OF_A_LEDGER.iter().scan(size, |size, added| {
                *size += added;
                Some(*size)
            });
            std::iter::once(size).chain(grown).collect()
        }
    }
}

/// Makes a directory with a ledger whose write-ahead log is about to be copied into the database,
/// as a process that was killed leaves it. Gives the size of the log.
pub(crate) fn crashed(dir: &Path) -> u64 {
    let home = Home::new();
    let mut ledger = home.create();
    while fs::metadata(home.wal()).map_or(0, |wal| wal.len())
        < (CHECKPOINT_FRAMES - 16) * FRAME_BYTES
    {
        let size = ledger.head().size();
        commit(&mut ledger, &batch(size..size + 1, Vec::new()));
    }
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    fs::copy(home.path(), data.join("ledger.db")).unwrap();
    fs::copy(home.wal(), data.join("ledger.db-wal")).unwrap();
    fs::write(data.join("ledger.db.lock"), b"").unwrap();
    let mark = HighWaterMark::new(dir.join(MARK));
    mark.write(ledger.head().checkpoint()).unwrap();
    super::image::owner_only(dir);
    ledger.head().size()
}

/// Why the process ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Unknown,
    Refused,
}

fn refused<E: std::fmt::Display>(error: E) -> End {
    eprintln!("refused: {error}");
    End::Refused
}

/// Says on standard output, in one write, what is durable.
fn acknowledge(ledger: &SqliteLedger) -> Result<(), End> {
    let head = ledger.head();
    say(&format!("ack {} {}", head.size(), head.root()))
}

/// One line, in one write.
fn say(line: &str) -> Result<(), End> {
    let line = format!("{line}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .map_err(refused)
}

fn work(dir: &Path) -> Result<(), End> {
    let (path, key) = (dir.join(LEDGER), key());
    let mut ledger = match path.exists() {
        true => SqliteLedger::open(&path, ORIGIN, key.verifier(), &mut |_| {}).map_err(refused)?,
        false => SqliteLedger::create(&path, &key).map_err(refused)?,
    };
    acknowledge(&ledger)?;
    let mark = HighWaterMark::new(dir.join(MARK));
    let first = ledger.head().size();
    for size in sizes((first > 0).then_some(first)).into_iter().skip(1) {
        let head = ledger.head().clone();
        match ledger.append(&head, &batch(head.size()..size, vec![blob(size)]), &key) {
            Ok(Append::Committed { .. }) => acknowledge(&ledger)?,
            Ok(Append::Conflict(_) | Append::Unknown(_)) => return Err(End::Unknown),
            Err(error) => return Err(refused(error)),
        }
        if size % 2 == 0 {
            mark.write(ledger.head().checkpoint()).map_err(refused)?;
            ledger.set_cursor(&follower(), size).map_err(refused)?;
        }
    }
    say(CLOSING)
}

/// The blob of the commit that brings the log to that size.
pub(crate) fn blob(size: u64) -> Blob {
    Blob::new(Visibility::Public, size.to_be_bytes().to_vec())
}

/// Who has a cursor.
pub(crate) fn follower() -> Name {
    "jsonl".parse().unwrap()
}

/// As the process whose variable is set it works and ends; as a test it works in a directory of
/// its own.
#[test]
fn whoever_appends_acknowledges_each_commit_and_ends() {
    let dir = std::env::var_os(VARIABLE).map(PathBuf::from);
    if let Some(dir) = dir {
        for _ in 0..AHEAD {
            drop(fs::File::open("/dev/null").and_then(|file| file.metadata()));
        }
        // What comes before it in the line is the test program's.
        println!();
        let status = match work(&dir) {
            Ok(()) => 0,
            Err(End::Unknown) => UNKNOWN,
            Err(End::Refused) => REFUSED,
        };
        std::process::exit(status);
    }
    let home = Home::new();
    assert_eq!(work(home.dir()), Ok(()));
    let ledger = home.open_at(&home.dir().join(LEDGER)).unwrap();
    assert_eq!(ledger.head().size(), 40);
    assert_eq!(ledger.cursor(&follower()).unwrap(), Some(40));
    assert!(ledger.blob(&blob(40).digest).unwrap().is_some());
}
