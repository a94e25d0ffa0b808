//! `breakglass witness`, the compiled program: what it answers, what it remembers, and what it
//! never does.

mod client;
mod faults;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, mpsc},
};

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, Hash, KeyName, MemoryTiles, SignedCheckpoint, SigningKey,
    VerifierKey, consistency_proof, root, witness::parse_cosignatures,
};
use sha2::{Digest as _, Sha256};

use crate::{
    attacks::wire::{Reply, get, post},
    scene::Running,
};

const ORIGIN: &str = "log.example/one";

/// A witness of its own process.
pub(crate) struct Witness {
    program: Running,
    pub(crate) url: String,
    pub(crate) key: VerifierKey,
    said: Mutex<mpsc::Receiver<String>>,
}

impl Witness {
    /// A witness of a log, with what it keeps in a folder.
    fn start(dir: &Path, log: &VerifierKey) -> Self {
        Self::start_as("w.example/w1", dir, log)
    }

    /// The same under a name.
    pub(crate) fn start_as(name: &str, dir: &Path, log: &VerifierKey) -> Self {
        Self::start_by(command(dir), name, log)
    }

    /// The same by a command that begins with something else.
    fn start_by(mut command: Command, name: &str, log: &VerifierKey) -> Self {
        let mut child = command
            .args(["--name", name, "--listen", "127.0.0.1:0"])
            .args(["--log", &log.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, said) = mpsc::channel();
        // Whatever it says must not fill the pipe.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Whoever listened may have heard enough.
                let _ = tell.send(line);
            }
        });
        let address = said
            .iter()
            .find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
        let key = printed.next().unwrap().unwrap();
        Self {
            program: Running(child),
            url: format!("http://{}", address.expect("it listens")),
            key: VerifierKey::parse(&key).unwrap(),
            said: Mutex::new(said),
        }
    }

    /// Waits until it says something that has this in it.
    pub(crate) fn says(&self, what: &str) -> String {
        let said = self.said.lock().unwrap();
        let found = said.iter().find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("it ended and never said {what}"))
    }

    /// Asks it for a cosignature.
    pub(crate) fn add(&self, body: &str) -> Reply {
        post(&self.url, "/add-checkpoint", "text/plain", body.as_bytes())
    }

    fn submit(&self, log: &Log, old: u64, size: u64) -> Reply {
        self.add(&log.request(old, size))
    }

    /// The size of the last checkpoint cosigned, as it serves it.
    fn latest(&self, log: &Log) -> Option<u64> {
        let hash = hex(&Sha256::digest(ORIGIN));
        let reply = get(&self.url, &format!("/{hash}/checkpoint"), None);
        if reply.status == 404 {
            return None;
        }
        assert_eq!(reply.status, 200);
        let opened = SignedCheckpoint::open(&reply.body, ORIGIN, log.key.verifier()).unwrap();
        let cosigned = opened.verify_signatures(&[&self.key]).unwrap();
        assert!(cosigned[0].time.is_some());
        Some(opened.checkpoint().size())
    }

    /// Whether an answer is a cosignature of this tree.
    fn cosigned(&self, log: &Log, size: u64, reply: &Reply) -> bool {
        if reply.status != 200 {
            return false;
        }
        let mut signed = log.signed(size);
        for line in parse_cosignatures(&reply.body).unwrap() {
            signed.add_signature(line, &self.key).unwrap();
        }
        true
    }

    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    fn stop(self) {
        self.program.stop();
    }
}

fn command(dir: &Path) -> Command {
    arguments(Command::new(env!("CARGO_BIN_EXE_breakglass")), dir)
}

fn arguments(mut command: Command, dir: &Path) -> Command {
    command.arg("witness").arg("--data").arg(dir);
    command.stdin(Stdio::null());
    command
}

fn hex(bytes: &[u8]) -> String {
    breakglass_format::id::hex(bytes)
}

/// A log whose entries begin with a letter: another letter, another tree under the same key.
struct Log {
    key: SigningKey,
    tiles: MemoryTiles,
}

impl Log {
    fn new(letter: u8, size: u64) -> Self {
        let mut tiles = MemoryTiles::new();
        for number in 0..size {
            tiles.push_entry(&[&[letter], number.to_be_bytes().as_slice()].concat());
        }
        let key = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32]);
        Self { key, tiles }
    }

    fn signed(&self, size: u64) -> SignedCheckpoint {
        let root = root(&self.tiles, size).unwrap();
        let tree = Checkpoint::new(KeyName::new(ORIGIN).unwrap(), size, root).unwrap();
        SignedCheckpoint::sign(tree, &self.key).unwrap()
    }

    fn proof(&self, old: u64, size: u64) -> Vec<Hash> {
        match old {
            0 => Vec::new(),
            old => consistency_proof(&self.tiles, old, size).unwrap(),
        }
    }

    fn request(&self, old: u64, size: u64) -> String {
        let proof = self.proof(old, size);
        AddCheckpoint::new(old, proof, &self.signed(size)).to_text()
    }
}

#[test]
fn a_witness_answers_as_the_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let (log, fork) = (Log::new(b'a', 20), Log::new(b'b', 20));
    let witness = Witness::start(dir.path(), log.key.verifier());
    assert_eq!(witness.latest(&log), None);
    let status = |body: &str| witness.add(body).status;

    let first = witness.submit(&log, 0, 5);
    assert!(witness.cosigned(&log, 5, &first));
    let later = witness.submit(&log, 5, 9);
    assert!(witness.cosigned(&log, 9, &later));
    let again = witness.submit(&log, 9, 9);
    assert!(witness.cosigned(&log, 9, &again));
    assert_eq!(witness.latest(&log), Some(9));

    for old in [0, 5, 8] {
        let conflict = witness.submit(&log, old, 12);
        assert_eq!((conflict.status, conflict.body), (409, b"9\n".to_vec()));
        assert!(
            conflict.head.contains("content-type: text/x.tlog.size"),
            "{}",
            conflict.head
        );
    }
    let good = log.request(9, 12);
    assert_eq!(status(&good.replacen("old 9", "old 13", 1)), 400);
    assert_eq!(status(&good.replacen("old 9", "old 09", 1)), 400);
    assert_eq!(status(""), 400);
    assert_eq!(status(&"x".repeat(70_000)), 413);
    let elsewhere = good.replace(ORIGIN, "log.example/two");
    assert_eq!(status(&elsewhere), 404);
    let forged = good.replacen("\n12\n", "\n13\n", 1);
    assert_eq!(status(&forged), 403);
    assert_eq!(status(&fork.request(9, 12)), 422);
    assert_eq!(status(&fork.request(9, 9)), 422);
    assert_eq!(
        witness.latest(&log),
        Some(9),
        "nothing of that was cosigned"
    );
    assert!(witness.cosigned(&log, 12, &witness.add(&good)));

    for path in ["/", "/add-checkpoint", "/00/checkpoint", "/checkpoint"] {
        let reply = get(&witness.url, path, None);
        assert!([404, 405].contains(&reply.status), "{path}");
    }
}

#[test]
fn a_fork_is_told_on_standard_error_and_both_notes_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (log, fork) = (Log::new(b'a', 9), Log::new(b'b', 9));
    let witness = Witness::start(dir.path(), log.key.verifier());
    assert_eq!(witness.submit(&log, 0, 9).status, 200);
    // From size 0, as somebody would who knows nothing of the other tree.
    assert_eq!(witness.submit(&fork, 0, 9).status, 409);
    let told = witness.says("FORK");
    assert!(told.contains(ORIGIN) && told.contains("evidence"), "{told}");
    let kept = dir
        .path()
        .join("evidence")
        .join(hex(&Sha256::digest(ORIGIN)));
    for tree in [&log, &fork] {
        let name = format!("9-{}.checkpoint", tree.signed(9).checkpoint().root());
        let note = std::fs::read(kept.join(name)).unwrap();
        SignedCheckpoint::open(&note, ORIGIN, log.key.verifier()).unwrap();
    }
}

#[test]
fn a_witness_that_is_stopped_and_started_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(b'a', 20);
    let witness = Witness::start(dir.path(), log.key.verifier());
    let key = witness.key.clone();
    assert_eq!(witness.submit(&log, 0, 9).status, 200);
    witness.stop();
    let witness = Witness::start(dir.path(), log.key.verifier());
    assert_eq!(witness.key, key);
    assert_eq!(witness.latest(&log), Some(9));
    assert_eq!(witness.submit(&Log::new(b'b', 20), 0, 12).status, 409);
    assert_eq!(witness.submit(&log, 9, 12).status, 200);
}

/// How often the witness dies.
const KILLS: u64 = 12;
/// A log that does not come to its end before the witness does.
const LONG: u64 = 4_000;

#[test]
fn killed_at_any_moment_a_witness_forgets_nothing_that_it_gave_out() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(b'a', LONG);
    let mut known = 0;
    for round in 0..KILLS {
        let mut witness = Witness::start(dir.path(), log.key.verifier());
        let kept = witness.latest(&log).unwrap_or(0);
        assert!(kept >= known, "{known} was given out, and {kept} is kept");
        // More than was given out is one checkpoint at most: the one under way at the death.
        assert!(kept <= known + 1, "{kept}");
        known = kept;
        let (tell, told) = mpsc::channel();
        std::thread::scope(|scope| {
            let (url, log, key) = (witness.url.clone(), &log, witness.key.clone());
            scope.spawn(move || {
                for size in kept + 1..=LONG {
                    let Some(size) = acknowledged(&url, log, &key, size) else {
                        return;
                    };
                    let _ = tell.send(size);
                }
            });
            // It dies while the next submission is under way, each time after another number.
            for _ in 0..=round {
                known = told.recv().unwrap();
            }
            witness.kill();
            known = told.iter().last().unwrap_or(known);
        });
    }
    assert!(known >= KILLS, "{known}");
}

/// Submits the next size, and gives it back once the answer has verified; nothing where the
/// witness is dead.
fn acknowledged(url: &str, log: &Log, key: &VerifierKey, size: u64) -> Option<u64> {
    let reply = client::post(url, &log.request(size - 1, size).into_bytes())?;
    assert_eq!(reply.status, 200);
    assert_cosigned(&reply, &log.signed(size), key);
    Some(size)
}

/// An answer is a cosignature of this checkpoint.
fn assert_cosigned(reply: &Reply, checkpoint: &SignedCheckpoint, key: &VerifierKey) {
    let mut checkpoint = checkpoint.clone();
    for line in parse_cosignatures(&reply.body).unwrap() {
        checkpoint.add_signature(line, key).unwrap();
    }
}

#[test]
fn of_two_forks_submitted_at_once_one_is_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let (log, fork) = (Log::new(b'a', 40), Log::new(b'b', 40));
    let witness = Witness::start(dir.path(), log.key.verifier());
    let both = |old: u64, size: u64| {
        std::thread::scope(|scope| {
            let one = scope.spawn(|| witness.submit(&log, old, size));
            let other = scope.spawn(|| witness.submit(&fork, old, size));
            let (one, other) = (one.join().unwrap(), other.join().unwrap());
            (
                witness.cosigned(&log, size, &one),
                witness.cosigned(&fork, size, &other),
            )
        })
    };
    let (one, other) = both(0, 5);
    assert!(one != other, "exactly one");
    // From then on only that tree grows, however often the other one is tried beside it.
    let (mut old, mut size) = (5, 6);
    while size < 16 {
        assert_eq!(both(old, size), (one, other));
        (old, size) = (size, size + 1);
    }
}

#[test]
fn many_submit_at_once_and_the_size_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(b'a', 40);
    let witness = Witness::start(dir.path(), log.key.verifier());
    assert_eq!(witness.submit(&log, 0, 1).status, 200);
    std::thread::scope(|scope| {
        for size in 2..18 {
            let (witness, log) = (&witness, &log);
            scope.spawn(move || {
                let reply = witness.submit(log, 1, size);
                match reply.status {
                    200 => assert!(witness.latest(log).unwrap() >= size),
                    409 => {
                        let told = String::from_utf8(reply.body).unwrap();
                        let told: u64 = told.trim_end().parse().unwrap();
                        assert!(told > 1 && witness.latest(log).unwrap() >= told);
                    }
                    other => panic!("{other}"),
                }
            });
        }
    });
    // All came from one size, so exactly one of them was first.
    assert_eq!(witness.submit(&log, 1, 20).status, 409);
}

fn ends(mut command: Command, status: i32, said: &str) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(stderr.contains(said), "{said:?} is not in {stderr}");
}

#[test]
fn a_witness_that_cannot_be_one_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(b'a', 1).key.verifier().to_string();
    ends(command(dir.path()), 2, "there is no log to witness");
    let mut nameless = command(dir.path());
    nameless.args(["--log", &log]);
    ends(nameless, 2, "--name");
    let mut exposed = command(dir.path());
    exposed.args(["--log", &log, "--name", "w", "--listen", "0.0.0.0:0"]);
    ends(exposed, 2, "not loopback");
    let witness = Witness::start(dir.path(), Log::new(b'a', 1).key.verifier());
    let mut second = command(dir.path());
    second.args(["--log", &log, "--listen", "127.0.0.1:0"]);
    ends(second, 1, "another witness runs");
    let mut renamed = command(dir.path());
    renamed.args(["--log", &log, "--name", "another"]);
    ends(renamed, 2, "one name for ever");
    drop(witness);
    let key = dir.path().join("witness.key");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(key, mode).unwrap();
    let mut readable = command(dir.path());
    readable.args(["--log", &log]);
    ends(readable, 1, "can be read by others");
}
