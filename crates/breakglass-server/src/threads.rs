//! Who works beside the engine: each on a thread of their own, with a connection of their own, so
//! that none of them holds up what people sign.

use std::{sync::Arc, time::Duration};

use breakglass_store::{HighWaterMark, OpenError, SqliteLedger, SqliteReader};
use breakglass_tlog::SigningKey;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    config::Config,
    engine::{EngineHandle, Opened},
    follower::Follower,
    history::Historian,
    readers::READERS,
    recheck::{Keeper, Recheck, Taken},
    scrub::Scrub,
    snapshot::SnapshotFile,
    standing::EVENTS,
    worker::{self, Tools},
};

/// How often the high-water mark is written while the log grows.
const MARK_EVERY: Duration = Duration::from_millis(500);

/// While entries keep coming, whoever follows the log takes a turn this often at most: each turn is a
/// transaction of its own, whose cost is not in its entries, and takes the cores of those who wait
/// for an answer.
const TURN: Duration = Duration::from_millis(20);
/// After a failure, and where nothing is said to have happened.
const AGAIN: Duration = Duration::from_secs(1);

/// Waits until whoever follows the log has something to do, or is to stop. What comes alone is
/// followed at once.
pub(crate) async fn next_turn(
    stop: &mut watch::Receiver<bool>,
    commits: &mut watch::Receiver<u64>,
    failed: bool,
) {
    if !failed && commits.has_changed().unwrap_or(false) {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(TURN) => {}
        }
        commits.mark_unchanged();
        return;
    }
    tokio::select! {
        _ = stop.changed() => {}
        changed = commits.changed(), if !failed => { let _ = changed; }
        () = tokio::time::sleep(AGAIN) => {}
    }
}

/// Connections to the log, one for each who reads it at their own pace.
pub(crate) struct Connections {
    pub(crate) follows: SqliteReader,
    pub(crate) remembers: SqliteReader,
    pub(crate) scrubs: SqliteReader,
    pub(crate) proves: SqliteReader,
    pub(crate) reads: Vec<SqliteReader>,
}

impl Connections {
    pub(crate) fn to(ledger: &SqliteLedger) -> Result<Self, OpenError> {
        Ok(Self {
            follows: ledger.reader()?,
            remembers: ledger.reader()?,
            scrubs: ledger.reader()?,
            proves: ledger.reader()?,
            reads: (0..READERS)
                .map(|_| ledger.reader())
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Who compares the snapshot that the server started from with the log, and writes the next.
pub(crate) fn keeper(
    config: &Config,
    opened: &Opened,
    log_key: &SigningKey,
    writes: bool,
) -> Result<Keeper, OpenError> {
    let recheck = |taken: &Taken| {
        Ok::<_, OpenError>(Recheck {
            reader: opened.ledger.reader()?,
            snapshot: opened.ledger.snapshot(),
            pin: config.genesis,
            taken: taken.clone(),
        })
    };
    Ok(Keeper {
        file: SnapshotFile::beside(&config.data_dir, log_key),
        recheck: opened.taken.as_ref().map(recheck).transpose()?,
        every: if writes { config.snapshot_every } else { 0 },
    })
}

fn follow(
    engine: &EngineHandle,
    reader: SqliteReader,
    clock: &Arc<dyn Clock>,
    config: &Config,
    stopped: &watch::Receiver<bool>,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let path = config.data_dir.join(EVENTS);
    let follower = Follower::new(engine.clone(), reader, clock.clone(), &path);
    let (stopped, runtime) = (stopped.clone(), runtime.clone());
    let thread = std::thread::Builder::new().name("jsonl".to_owned());
    thread.spawn(move || follower.run(stopped, &runtime))
}

/// Everybody who writes something down or does something in the world because of the log: the file
/// for log shippers, the high-water mark, our hands, and who asks the witnesses.
pub(crate) fn record(
    config: &Config,
    tools: &Arc<Tools>,
    follows: SqliteReader,
    mark: HighWaterMark,
    stopped: &watch::Receiver<bool>,
    runtime: &tokio::runtime::Runtime,
) -> std::io::Result<[std::thread::JoinHandle<()>; 2]> {
    runtime.spawn(worker::run(tools.clone(), stopped.clone()));
    if let Some(witnesses) = tools.witnesses.clone() {
        runtime.spawn(witnesses.run(stopped.clone()));
    }
    let (engine, clock, handle) = (&tools.engine, &tools.clock, runtime.handle());
    Ok([
        follow(engine, follows, clock, config, stopped, handle)?,
        keep_mark(engine.clone(), mark, stopped.clone(), handle)?,
    ])
}

/// The read model follows the log.
pub(crate) fn remember(
    historian: Option<Historian>,
    stopped: &watch::Receiver<bool>,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<Option<std::thread::JoinHandle<()>>> {
    let Some(historian) = historian else {
        return Ok(None);
    };
    let (stopped, runtime) = (stopped.clone(), runtime.clone());
    let thread = std::thread::Builder::new().name("history".to_owned());
    let spawned = thread.spawn(move || historian.run(stopped, &runtime));
    spawned.map(Some)
}

/// What is stored is read again, over and over.
pub(crate) fn scrub(
    config: &Config,
    tools: &Tools,
    reader: SqliteReader,
    stopped: &watch::Receiver<bool>,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<Option<std::thread::JoinHandle<()>>> {
    let pace = config.scrub_kib_per_s.saturating_mul(1024);
    if pace == 0 {
        return Ok(None);
    }
    let (engine, clock) = (tools.engine.clone(), tools.clock.clone());
    let scrub = Scrub::new(engine, reader, clock, tools.scrubbed.clone(), pace);
    scrub.start(stopped, runtime).map(Some)
}

/// Writes the high-water mark while the log grows, and once more at the end.
fn keep_mark(
    engine: EngineHandle,
    mark: HighWaterMark,
    mut stopped: watch::Receiver<bool>,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = runtime.clone();
    std::thread::Builder::new()
        .name("high-water".to_owned())
        .spawn(move || {
            let mut written = 0;
            loop {
                let stopping = *stopped.borrow();
                let published = engine.published();
                if published.head.size() != written {
                    // Not written this time, it is tried again: the mark may lag, never lead.
                    if mark.write(published.head.checkpoint()).is_ok() {
                        written = published.head.size();
                    }
                }
                if stopping {
                    return;
                }
                runtime.block_on(async {
                    let _ = tokio::time::timeout(MARK_EVERY, stopped.changed()).await;
                });
            }
        })
}
