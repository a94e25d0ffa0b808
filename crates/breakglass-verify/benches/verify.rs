//! What it takes to verify an evidence folder: the tree, the entries, the signatures, the rules;
//! beside what plain SHA-256 of the same entries takes on one core, in the same run.
//!
//! `cargo xtask bench verify` runs it; what was measured is in `docs/benches.md`. Nothing here
//! fails when it is slow. `BREAKGLASS_BENCH_ENTRIES` is how long the log is.
//! `BREAKGLASS_BENCH_FOLDER` names a folder: where there is none the evidence is written there and
//! nothing else is done but to tell what that took, of notes that people signed with `BREAKGLASS_BENCH_SIGNED=1`; where there
//! is one it is checked, and what memory that takes is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a benchmark is a test that prints: what does not work ends it"
)]

#[path = "../tests/it/after.rs"]
mod after;
#[path = "../tests/it/bring.rs"]
mod bring;
#[path = "verify/long.rs"]
mod long;
#[path = "../tests/it/people.rs"]
mod people;
#[path = "../tests/it/scribe.rs"]
mod scribe;
#[path = "../tests/it/steps.rs"]
mod steps;
#[path = "../tests/it/story.rs"]
mod story;

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use breakglass_format::{
    Entry, Prose,
    act::{Command, Note},
    event::{IncidentNoted, SinkChanged},
};
use breakglass_verify::{Folder, OnDisk, Options, Outcome, Progress, Step, check_files};
use sha2::{Digest as _, Sha256};

use crate::{people::read, scribe::Scribe};

/// Entries, where nobody says otherwise.
const ENTRIES: usize = 200_000;
/// Notes that a person signed.
const NOTES: usize = 5_000;
/// Length of the text in an entry, so that the entry has about 500 bytes.
const TEXT: usize = 130;
/// Checks of the same folder; the quickest counts, since other work shares the machine.
const ROUNDS: usize = 7;

fn main() {
    // `cargo test --benches` would start it as well, with other arguments.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let place = std::env::var_os("BREAKGLASS_BENCH_FOLDER").map(PathBuf::from);
    if let Some(place) = place.as_deref().filter(|place| place.exists()) {
        return memory(place);
    }
    let count = std::env::var("BREAKGLASS_BENCH_ENTRIES");
    let count = count.map_or(ENTRIES, |count| count.parse().unwrap());
    if let Some(place) = &place
        && std::env::var_os("BREAKGLASS_BENCH_SIGNED").is_some()
    {
        let log = notes(count);
        let begun = both();
        bring::bring(place, &log, &log.signed()).unwrap();
        return put_together(count, begun);
    }
    let mut log = story::whole().log;
    if let Some(place) = place {
        let begun = both();
        long::write(log, count, &place);
        return put_together(count, begun);
    }
    for number in 0..count {
        one_more(&mut log, number);
    }
    measure("entries", &log);
    measure("signed notes", &notes(NOTES));
}

/// A log of so many notes, each signed.
fn notes(count: usize) -> Scribe {
    let (mut log, incident) = story::declared();
    for _ in 0..count {
        let text: Prose = read("The database answers.");
        let said = log.act("bob", incident, Command::Note(Note { text: text.clone() }));
        let incident_id = incident;
        log.caused(&said, IncidentNoted { incident_id, text });
    }
    log
}

/// What a server asserts again and again.
fn one_more(log: &mut Scribe, number: usize) {
    let working = number.is_multiple_of(2);
    let (detail, sink) = (read(&"x".repeat(TEXT)), read("siem"));
    log.wait(1);
    log.server(SinkChanged {
        detail,
        sink,
        working,
    });
}

/// What something took: by the clock, and of all cores together, as the kernel counts it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    cores: Duration,
    clock: Duration,
}

impl std::ops::Add for Took {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cores: self.cores + other.cores,
            clock: self.clock + other.clock,
        }
    }
}

fn measure(what: &str, log: &Scribe) {
    let folder = log.folder();
    let entries = log.entries.len();
    let bytes: usize = log.entries.iter().map(Vec::len).sum();
    println!("\n{entries} {what}, {} bytes each", bytes / entries);
    let plain = (0..ROUNDS).map(|_| hashed(&log.entries)).min().unwrap();
    row(
        "plain SHA-256 of the entries, one core",
        entries,
        plain,
        plain,
    );
    let rounds: Vec<Vec<(Step, Took)>> =
        (0..ROUNDS).map(|_| steps(&folder, &log.pinned())).collect();
    let best = |n: usize| rounds.iter().map(|round| round[n].1).min().unwrap();
    for (n, (step, _)) in rounds[0].iter().enumerate() {
        row(name(*step), entries, best(n), plain);
    }
    let read = (0..ROUNDS).map(|_| read_strictly(&log.entries)).min();
    let read = read.unwrap();
    row(
        "entries read strictly, and nothing else",
        entries,
        read,
        plain,
    );
    row(
        "tree, and entries read strictly",
        entries,
        best(0) + read,
        plain,
    );
    let whole = (0..rounds[0].len()).map(best);
    let whole = whole.fold(Took::default(), |a, b| a + b);
    row("everything", entries, whole, plain);
}

/// What an export took so far.
fn put_together(entries: usize, begun: Moment) {
    row(
        "put together",
        entries,
        between(begun, both()),
        Took::default(),
    );
    println!("at most {}", resident("VmHWM"));
}

/// What memory a check takes that has nothing but a folder on a disk.
fn memory(place: &Path) {
    let begun = both();
    let folder = OnDisk::at(place).unwrap();
    let listing = folder.found();
    let bytes: u64 = (0..listing.len()).map(|n| listing.length(n)).sum();
    println!("\n{} files of {} MiB", listing.len(), bytes >> 20);
    let steps = Mutex::new(Vec::new());
    let verdict = check_files(&folder, &Options::default(), &|at: Progress| {
        if at.done == 0 {
            steps.lock().unwrap().push((at.step, both()));
            println!("{:<40} begins with {}", name(at.step), resident("VmRSS"));
        }
    });
    let (verdict, end) = (verdict.unwrap(), both());
    let entries = usize::try_from(verdict.facts.entries).unwrap();
    println!("{entries} entries, at most {}", resident("VmHWM"));
    let plain = Took::default();
    for (step, took) in lasted(begun, &steps.into_inner().unwrap(), end) {
        row(name(step), entries, took, plain);
    }
    row("everything", entries, between(begun, end), plain);
    // Nobody says which genesis it must be.
    assert_eq!(verdict.outcome, Outcome::CannotTell);
}

/// A figure of this process's memory, as the kernel tells it.
fn resident(which: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    format!("{} MiB", kib >> 10)
}

fn row(name: &str, entries: usize, took: Took, plain: Took) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is printed without digits"
    )]
    let entries = entries as f64;
    let rate = entries / took.clock.as_secs_f64();
    let each = took.cores.as_secs_f64() * 1e6 / entries;
    let ratio = took.clock.as_secs_f64() / plain.clock.as_secs_f64();
    let ratio = if ratio.is_finite() {
        format!("{ratio:>6.1} times SHA-256, ")
    } else {
        String::new()
    };
    println!(
        "{name:<40} {:>9.1?} {rate:>11.0}/s {ratio}{each:>6.2} µs of a core each",
        took.clock
    );
}

const fn name(step: Step) -> &'static str {
    match step {
        Step::Tree => "tree: hashes, tiles, root",
        Step::Beside => "files beside the log, hashed",
        Step::Entries => "entries: read, compared, judged",
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock; nothing in the product depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// The time that all threads of this process have computed, to a hundredth of a second.
fn cores() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|f| f.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn both() -> (Duration, Instant) {
    (cores(), now())
}

fn between(from: (Duration, Instant), to: (Duration, Instant)) -> Took {
    Took {
        cores: to.0 - from.0,
        clock: to.1 - from.1,
    }
}

fn hashed(entries: &[Vec<u8>]) -> Took {
    let begun = both();
    for entry in entries {
        black_box(Sha256::digest(entry));
    }
    between(begun, both())
}

/// Every entry read as strictly as a check reads it, on all cores.
fn read_strictly(entries: &[Vec<u8>]) -> Took {
    let begun = both();
    let threads = std::thread::available_parallelism().unwrap().get();
    let share = entries.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for share in entries.chunks(share) {
            scope.spawn(move || {
                for entry in share {
                    black_box(Entry::from_bytes(entry).unwrap());
                }
            });
        }
    });
    between(begun, both())
}

/// What each step took, from its beginning to that of the next.
fn steps(folder: &Folder, options: &Options) -> Vec<(Step, Took)> {
    let begun = Mutex::new(Vec::new());
    let start = both();
    let verdict = check_files(folder, options, &|at: Progress| {
        if at.done == 0 {
            begun.lock().unwrap().push((at.step, both()));
        }
    });
    let (verdict, end) = (verdict.unwrap(), both());
    assert_eq!(verdict.outcome, Outcome::Ok, "{:?}", verdict.findings);
    lasted(start, &begun.into_inner().unwrap(), end)
}

/// A time by all cores and by the clock.
type Moment = (Duration, Instant);

fn lasted(start: Moment, begun: &[(Step, Moment)], end: Moment) -> Vec<(Step, Took)> {
    let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([end]);
    // What comes before the first step is counted to it.
    let starts = [start]
        .into_iter()
        .chain(begun.iter().skip(1).map(|(_, at)| *at));
    let took = starts.zip(ends).map(|(from, to)| between(from, to));
    let steps = begun.iter().map(|(step, _)| *step);
    steps.zip(took).collect()
}
