//! The engine with commands that arrive together: its thread is held while they are queued, so
//! that they are one group.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
        mpsc,
    },
};

use breakglass_core::{Author, Command, Draft, World};
use breakglass_format::{CommandId, Entry, Event, EventId, Line, Timestamp, event::SinkChanged};
use breakglass_statement::{AuthoritySet, verify_enroll, verify_session};
use breakglass_store::{Blob, Ledger as _, SqliteLedger};
use breakglass_tlog::{KeyName, SigningKey};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    Engine, EngineHandle, Job, Outcome, Rejection, Wiring, batch::Draught, bootstrap, public,
    reading, room::Disk, sealed,
};
use crate::{
    clock::Clock,
    genesis::Genesis,
    readers::{Readers, Threads},
};

/// When the statements of the frozen vectors were signed.
const NOW: &str = "2026-01-06T10:00:00.000Z";

/// Clocks that stand still, but for the wall clock where a test sets it.
#[derive(Debug, Default)]
struct Standing {
    step_ms: AtomicI64,
}

impl Clock for Standing {
    fn wall(&self) -> Timestamp {
        let start: Timestamp = NOW.parse().unwrap();
        Timestamp::from_millis(start.millis() + self.step_ms.load(Ordering::SeqCst))
    }

    fn boot_ms(&self) -> i64 {
        0
    }
}

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../breakglass-statement/testdata/v1")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(vectors().join(name)).unwrap()
}

/// A signed statement of the frozen vectors.
fn vector(name: &str) -> (Vec<u8>, String) {
    let signature = read(&format!("{name}.sig"));
    (read(name), String::from_utf8(signature).unwrap())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new("bg.example/log").unwrap(), &[seed; 32])
}

fn private_dir() -> TempDir {
    let owner = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder.permissions(owner).tempdir().unwrap()
}

fn ledger(dir: &TempDir) -> SqliteLedger {
    SqliteLedger::create(&dir.path().join("log.db"), &key(7)).unwrap()
}

/// A command that takes nobody's signature, so that it can bring any blob.
fn report() -> Command {
    Command::SinkReport {
        sink: "jsonl".parse().unwrap(),
        working: true,
        detail: Line::default(),
    }
}

/// An engine over a log that began with the authority of the vectors.
struct House {
    handle: EngineHandle,
    readers: Readers,
    reading: Threads,
    thread: Option<std::thread::JoinHandle<()>>,
    authorities: AuthoritySet,
    clock: Arc<Standing>,
    disk: Shared,
    _dir: TempDir,
}

/// A disk that has as much room as a test says.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Room>);

#[derive(Debug, Default)]
struct Room {
    free: AtomicU64,
    held: AtomicBool,
}

/// Bytes of the reserve.
const RESERVE: u64 = 1 << 20;

impl Disk for Shared {
    fn free(&self) -> Option<u64> {
        Some(self.0.free.load(Ordering::SeqCst))
    }

    fn reserve(&self) -> u64 {
        RESERVE
    }

    fn is_held(&self) -> bool {
        self.0.held.load(Ordering::SeqCst)
    }

    fn hold(&self) -> bool {
        self.0.free.fetch_sub(RESERVE, Ordering::SeqCst);
        self.0.held.store(true, Ordering::SeqCst);
        true
    }

    fn give_up(&self) -> bool {
        self.0.free.fetch_add(RESERVE, Ordering::SeqCst);
        self.0.held.store(false, Ordering::SeqCst);
        true
    }
}

impl House {
    fn new() -> Self {
        Self::signing_with(key(7))
    }

    fn signing_with(log_key: SigningKey) -> Self {
        let (dir, clock) = (private_dir(), Arc::new(Standing::default()));
        let genesis = Genesis::read(&vectors()).unwrap();
        let pin = breakglass_statement::digest(&read("authority.json"));
        let opened = bootstrap(ledger(&dir), &genesis, pin, &*clock, &key(7)).unwrap();
        let authorities = opened.authorities.clone().unwrap();
        let wiring = Wiring {
            clock: clock.clone(),
            log_key,
            read_only: None,
            on_fatal: Box::new(|detail| panic!("{detail}")),
        };
        let disk = Shared::default();
        disk.0.free.store(100 * RESERVE, Ordering::SeqCst);
        let connections = vec![opened.ledger.reader().unwrap()];
        let (handle, thread) =
            Engine::start(opened, authorities.clone(), wiring, Box::new(disk.clone())).unwrap();
        let (readers, reading) = Readers::start(&handle, connections).unwrap();
        Self {
            handle,
            readers,
            reading,
            thread: Some(thread),
            authorities,
            clock,
            disk,
            _dir: dir,
        }
    }

    /// Keeps the engine from everything else, from when this returns until told to go on.
    fn hold(&self) -> (mpsc::Sender<()>, oneshot::Receiver<bool>) {
        let (go, held) = mpsc::channel::<()>();
        let (holds, taken) = mpsc::channel::<()>();
        let (hold, done) = reading(move |_| holds.send(()).is_ok() && held.recv().is_ok());
        self.handle.offer(hold).unwrap();
        taken.recv().unwrap();
        (go, done)
    }

    /// What comes of commands that share a group.
    fn together(
        &self,
        jobs: Vec<(Command, Vec<Blob>, Option<CommandId>)>,
    ) -> Vec<Result<Outcome, Rejection>> {
        let (go, done) = self.hold();
        let answers: Vec<_> = jobs
            .into_iter()
            .map(|(command, blobs, id)| self.handle.send(command, blobs, id).unwrap())
            .collect();
        go.send(()).unwrap();
        assert!(done.blocking_recv().unwrap());
        answers
            .into_iter()
            .map(|answer| answer.blocking_recv().unwrap())
            .collect()
    }

    fn enrolment(&self) -> Command {
        let (bytes, armoured) = vector("enroll.json");
        let verified = verify_enroll(&bytes, &armoured, &self.authorities).unwrap();
        Command::Enroll(Box::new(verified))
    }

    fn session(&self) -> Command {
        let (bytes, armoured) = vector("session.json");
        let verified = verify_session(&bytes, &armoured, &self.authorities).unwrap();
        Command::OpenSession(Box::new(verified))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.reading.stop();
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn command_id() -> CommandId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}

#[test]
fn an_idempotency_key_means_one_statement_within_a_group_too() {
    let house = House::new();
    let id = Some(command_id());
    let said = house.together(vec![
        (house.enrolment(), Vec::new(), id),
        (house.session(), Vec::new(), id),
        (house.session(), Vec::new(), None),
    ]);
    assert_eq!(said[0].as_ref().unwrap().entries.len(), 1);
    assert!(matches!(said[1], Err(Rejection::KeyReused)), "{said:?}");
    assert_eq!(said[2].as_ref().unwrap().entries.len(), 1);
}

#[test]
fn a_statement_that_comes_twice_in_a_group_is_answered_twice_and_recorded_once() {
    let house = House::new();
    let size = house.handle.published().head.size();
    let said = house.together(vec![
        (house.enrolment(), Vec::new(), None),
        (house.enrolment(), Vec::new(), None),
    ]);
    let (first, again) = (said[0].as_ref().unwrap(), said[1].as_ref().unwrap());
    assert_eq!(first.entries, again.entries);
    assert_eq!((first.repeated, again.repeated), (false, true));
    assert_eq!(house.handle.published().head.size(), size + 1);
}

#[test]
fn what_one_command_cannot_bring_does_no_harm_to_its_neighbours() {
    let house = House::new();
    let secret = b"an envelope".to_vec();
    let long = public(vec![7; breakglass_format::limits::BLOB_BYTES_MAX + 1]);
    let many = (0..3_000_u32).map(|n| public(n.to_be_bytes().to_vec()));
    let mut foreign = public(b"one thing".to_vec());
    foreign.digest = breakglass_statement::digest(b"another");
    let said = house.together(vec![
        (report(), vec![sealed(secret.clone())], None),
        (report(), vec![public(secret.clone())], None),
        (report(), vec![long], None),
        (report(), many.collect(), None),
        (report(), vec![foreign], None),
        (report(), vec![public(b"a note".to_vec())], None),
    ]);
    assert!(said[0].is_ok() && said[5].is_ok(), "{said:?}");
    assert!(matches!(said[1], Err(Rejection::Visibility(_))), "{said:?}");
    assert!(matches!(said[2], Err(Rejection::TooLarge(_))), "{said:?}");
    assert!(matches!(said[3], Err(Rejection::TooLarge(_))), "{said:?}");
    assert!(matches!(said[4], Err(Rejection::NotTaken(_))), "{said:?}");
    // What the log holds is judged like what a neighbour brings.
    let later = house.together(vec![
        (report(), vec![public(secret)], None),
        (report(), Vec::new(), None),
    ]);
    assert!(
        matches!(later[0], Err(Rejection::Visibility(_))),
        "{later:?}"
    );
    assert!(later[1].is_ok(), "{later:?}");
}

#[test]
fn more_than_one_transaction_holds_is_several() {
    let house = House::new();
    let of =
        |job: u32| (0..1_500_u32).map(move |n| public([job, n].map(u32::to_be_bytes).concat()));
    let jobs = (0..6).map(|job| (report(), of(job).collect(), None));
    let said = house.together(jobs.collect());
    assert!(said.iter().all(Result::is_ok), "{said:?}");
}

#[test]
fn a_command_with_too_many_consequences_is_refused_and_leaves_nothing() {
    let dir = private_dir();
    let ledger = ledger(&dir);
    let now = NOW.parse().unwrap();
    let mut draught = Draught::new(World::new(), 0, now, now);
    let event = SinkChanged {
        detail: Line::default(),
        sink: "jsonl".parse().unwrap(),
        working: true,
    };
    let drafts = |count: u16| {
        let draft = |n: u16| Draft {
            id: EventId::new(now, [n.to_be_bytes(); 5].concat().try_into().unwrap()),
            event: event.clone().into(),
            author: Author::System("sink"),
        };
        (0..count).map(draft).collect::<Vec<_>>()
    };
    let refused = draught.record(drafts(5_000), None, None);
    assert!(
        matches!(refused, Err(Rejection::TooMany { got: 5_000, .. })),
        "{refused:?}"
    );
    assert!(draught.entries.is_empty());
    // As many as are taken at once leave room for one more command, and no further one.
    draught.record(drafts(2_000), None, None).unwrap();
    assert!(draught.has_room());
    draught
        .decide(&ledger, &report(), Vec::new(), None)
        .unwrap();
    draught.record(drafts(2_000), None, None).unwrap();
    assert!(!draught.has_room());
    assert!(draught.entries.len() < breakglass_store::BATCH_ENTRIES_MAX);
}

#[test]
fn what_time_calls_for_and_the_log_does_not_take_is_told() {
    let house = House::signing_with(key(8));
    assert_eq!(house.handle.trouble(), None);
    house.clock.step_ms.store(60_000, Ordering::SeqCst);
    house.handle.wake();
    while house.handle.trouble().is_none() {
        std::thread::yield_now();
    }
    assert!(house.handle.trouble().unwrap().contains("signs with key"));
}

/// Runs what is async to its end.
fn ended<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn neither_readers_nor_the_writer_wait_for_each_other() {
    let house = House::new();
    let size = house.handle.published().head.size();
    let (go, done) = house.hold();
    let read = ended(house.readers.read(move |log| log.entries(0..size)));
    assert_eq!(read.unwrap().unwrap().len() as u64, size);
    go.send(()).unwrap();
    assert!(done.blocking_recv().unwrap());

    let (go, held) = mpsc::channel::<()>();
    let holding = house.readers.read(move |_| held.recv().is_ok());
    let release = async {
        house
            .handle
            .submit(report(), Vec::new(), None)
            .await
            .unwrap();
        go.send(()).unwrap();
    };
    let (held, ()) = ended(async { tokio::join!(holding, release) });
    assert!(held.unwrap());
    // What was committed meanwhile is seen by the next one.
    let seen = ended(house.readers.read(|log| log.head().size()));
    assert_eq!(seen.unwrap(), size + 1);
}

#[test]
fn a_full_queue_is_told_at_once_and_holds_up_no_thread() {
    let house = House::new();
    ended(house.handle.submit(house.enrolment(), Vec::new(), None)).unwrap();
    let taken = breakglass_statement::digest(&vector("enroll.json").0);
    let (go, done) = house.hold();
    while house.handle.offer(Job::Wake).is_ok() {}
    let said = ended(house.handle.repeat(taken));
    assert!(matches!(said, Some(Err(Rejection::Busy))), "{said:?}");
    // What never took effect is known without the engine.
    let other = breakglass_statement::digest(b"a statement");
    assert!(ended(house.handle.repeat(other)).is_none());
    let said = ended(house.handle.read(|_| ()));
    assert!(matches!(said, Err(Rejection::Busy)), "{said:?}");
    go.send(()).unwrap();
    assert!(done.blocking_recv().unwrap());
}

/// The events on record, the first one first.
fn recorded(house: &House) -> Vec<Event> {
    let (read, done) = reading(|ledger| {
        let size = ledger.head().size();
        let entries = ledger.entries(0..size).unwrap();
        let event = |bytes: &Vec<u8>| Entry::from_bytes(bytes).unwrap().event;
        entries.iter().map(event).collect()
    });
    house.handle.offer(read).unwrap();
    done.blocking_recv().unwrap()
}

#[test]
fn what_time_did_is_on_record_before_what_was_asked_after_it() {
    let house = House::new();
    let (go, done) = house.hold();
    house.clock.step_ms.store(60_000, Ordering::SeqCst);
    let asked = house.handle.send(report(), Vec::new(), None).unwrap();
    go.send(()).unwrap();
    assert!(done.blocking_recv().unwrap());
    asked.blocking_recv().unwrap().unwrap();
    let events = recorded(&house);
    let [.., passed, asked] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(matches!(passed, Event::ClockStepped(_)), "{passed:?}");
    assert!(matches!(asked, Event::SinkChanged(_)), "{asked:?}");
}

/// How often the log says that the disk began or ceased to be full.
fn said_of_the_disk(house: &House) -> Vec<bool> {
    let said = recorded(house).into_iter().filter_map(|event| {
        let Event::StorageChanged(said) = event else {
            return None;
        };
        Some(said.present)
    });
    said.collect()
}

#[test]
fn a_full_disk_is_said_once_and_takes_what_ends_access_alone() {
    let house = House::new();
    let room = &house.disk.0;
    let taken = house.together(vec![(report(), Vec::new(), None)]);
    assert!(taken[0].is_ok() && room.held.load(Ordering::SeqCst));
    room.free.store(RESERVE - 1, Ordering::SeqCst);
    for _ in 0..2 {
        let said = house.together(vec![
            (house.enrolment(), Vec::new(), None),
            (house.session(), Vec::new(), None),
            (report(), Vec::new(), None),
        ]);
        assert!(matches!(said[0], Err(Rejection::DiskFull)), "{said:?}");
        // This one is judged by the rules: whose key it is was never proven.
        assert!(matches!(said[1], Err(Rejection::Refused(_))), "{said:?}");
        assert!(said[2].is_ok(), "{said:?}");
    }
    assert!(house.handle.room().is_full() && !room.held.load(Ordering::SeqCst));
    assert_eq!(said_of_the_disk(&house), [true]);
    // Not before the reserve is back as well.
    room.free.store(3 * RESERVE - 1, Ordering::SeqCst);
    let said = house.together(vec![(house.enrolment(), Vec::new(), None)]);
    assert!(matches!(said[0], Err(Rejection::DiskFull)), "{said:?}");
    room.free.store(3 * RESERVE, Ordering::SeqCst);
    let said = house.together(vec![(house.enrolment(), Vec::new(), None)]);
    assert!(
        said[0].is_ok() && room.held.load(Ordering::SeqCst),
        "{said:?}"
    );
    assert!(!house.handle.room().is_full());
    assert_eq!(said_of_the_disk(&house), [true, false]);
}

#[test]
fn what_would_not_fit_on_the_disk_is_not_tried() {
    let house = House::new();
    assert!(house.together(vec![(report(), Vec::new(), None)])[0].is_ok());
    let size = house.handle.published().head.size();
    house.disk.0.free.store(RESERVE, Ordering::SeqCst);
    let many = (0..20_u8).map(|n| public(vec![n; 60_000])).collect();
    // It would end the process, which is a panic here.
    let said = house.together(vec![(report(), many, None)]);
    assert!(matches!(said[0], Err(Rejection::DiskFull)), "{said:?}");
    assert_eq!(house.handle.published().head.size(), size);
    let said = house.together(vec![(report(), Vec::new(), None)]);
    assert!(said[0].is_ok(), "{said:?}");
}
