//! The read model follows the log: where the entries are that are looked for, and how closed
//! incidents look.
//!
//! It is a function of the entries and of nothing else. What is shown of a closed incident comes
//! from its own entries, taken in by the rules in a world beside the one that decides, which lets
//! go of nothing. Nobody decides by what lies here.

mod narrator;
pub(crate) mod terms;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use breakglass_core::World;
use breakglass_format::{Digest, Entry, Event, IncidentId, entry::Recorded};
use breakglass_store::{
    History, ReadError, SqliteReader, StorageError, View,
    history::{Search, SearchError, Searcher, Shelved, Trace},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use self::{
    narrator::{Narrator, Told},
    terms::{INCIDENT, incidents_of, term, terms, words},
};
use crate::{engine::EngineHandle, http::views, threads::next_turn};

/// Entries taken in together at most.
const BATCH: u64 = 256;
/// How long whoever reads waits until it has followed as far as they have seen.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request as it is shown, and where its statement lies.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShelvedRequest {
    pub(crate) view: breakglass_api::view::RequestView,
    pub(crate) statement: Digest,
    pub(crate) signature: Digest,
    pub(crate) index: u64,
}

/// Who writes the read model.
#[derive(Debug)]
pub(crate) struct Historian {
    engine: EngineHandle,
    log: SqliteReader,
    history: History,
    path: PathBuf,
    desk: Arc<Desk>,
    narrator: Narrator,
    next: u64,
    followed: watch::Sender<u64>,
}

/// A hand-hold on the read model, for whoever only looks.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    engine: EngineHandle,
    /// Connections to it, or why there are none.
    desk: Result<Arc<Desk>, String>,
    followed: watch::Receiver<u64>,
}

/// Where the read model is read. Who looks something up does not wait for who searches.
#[derive(Debug)]
struct Desk {
    reader: Arc<Mutex<History>>,
    searcher: Arc<Mutex<Searcher>>,
    /// Whether somebody found it damaged.
    damaged: AtomicBool,
}

impl Desk {
    /// Notes where what was read is damaged, so that it is made anew.
    fn saw<T>(&self, read: Result<T, StorageError>) -> Result<T, StorageError> {
        if read.as_ref().is_err_and(StorageError::is_damage) {
            self.damaged.store(true, Ordering::Relaxed);
        }
        read
    }
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    /// It has not followed so far yet.
    #[error("it has read {followed} of {size} entries")]
    Behind {
        /// How far it is.
        followed: u64,
        /// How far the log is.
        size: u64,
    },
    /// It cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It cannot be searched for this.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// There is none.
    #[error("{0}")]
    None(String),
    /// The process is going down.
    #[error("the server is stopping")]
    Stopped,
}

impl Historian {
    /// Opens the read model in a folder, or makes it anew where it does not follow this log. Where neither can
    /// be done, everything works but what needs it.
    pub(crate) fn open(
        folder: &Path,
        engine: &EngineHandle,
        log: SqliteReader,
    ) -> (Option<Self>, Shelf) {
        match Self::try_open(&folder.join("history.db"), engine, log) {
            Ok((historian, shelf)) => (Some(historian), shelf),
            Err(error) => {
                let shelf = Shelf {
                    engine: engine.clone(),
                    desk: Err(error.to_string()),
                    followed: watch::channel(0).1,
                };
                (None, shelf)
            }
        }
    }

    fn try_open(
        path: &Path,
        engine: &EngineHandle,
        log: SqliteReader,
    ) -> Result<(Self, Shelf), StorageError> {
        let mut history = History::open(path)?;
        let follows = {
            let published = engine.published();
            let view = log.at(&published.snapshot);
            history.followed().ok().flatten().filter(|(size, root)| {
                *size <= view.head().size() && view.root_at(*size).is_ok_and(|ours| ours == *root)
            })
        };
        let next = follows.map_or(0, |(size, _)| size);
        if follows.is_none() {
            drop(history);
            history = History::anew(path)?;
        }
        let desk = Desk {
            reader: Arc::new(Mutex::new(history.reader()?)),
            searcher: Arc::new(Mutex::new(history.searcher()?)),
            damaged: AtomicBool::new(false),
        };
        let desk = Arc::new(desk);
        let (sender, followed) = watch::channel(next);
        let shelf = Shelf {
            engine: engine.clone(),
            desk: Ok(desk.clone()),
            followed,
        };
        let historian = Self {
            engine: engine.clone(),
            log,
            history,
            path: path.to_owned(),
            desk,
            narrator: Narrator::default(),
            next,
            followed: sender,
        };
        Ok((historian, shelf))
    }

    /// Follows until told to stop.
    pub(crate) fn run(mut self, stop: watch::Receiver<bool>, runtime: &tokio::runtime::Handle) {
        let mut commits = self.engine.commits();
        let mut stop = stop;
        while !*stop.borrow() {
            let mut done = self.catch_up(&stop);
            let found = self.desk.damaged.swap(false, Ordering::Relaxed);
            if found || done.as_ref().is_err_and(FollowError::is_damage) {
                // What rots is thrown away: the log has all of it.
                done = self.begin_anew().map_err(FollowError::from);
            }
            runtime.block_on(next_turn(&mut stop, &mut commits, done.is_err()));
        }
    }

    /// Makes another file, and gives it to those who read. They wait until it has followed as far.
    fn begin_anew(&mut self) -> Result<(), StorageError> {
        let history = History::anew(&self.path)?;
        let (reader, searcher) = (history.reader()?, history.searcher()?);
        self.followed.send_replace(0);
        *self.desk.reader.blocking_lock() = reader;
        *self.desk.searcher.blocking_lock() = searcher;
        (self.history, self.next) = (history, 0);
        self.narrator = Narrator::default();
        // Whatever was found was found in the other one.
        self.desk.damaged.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn catch_up(&mut self, stop: &watch::Receiver<bool>) -> Result<(), FollowError> {
        let published = self.engine.published();
        let log = self.log.at(&published.snapshot);
        let size = log.head().size();
        // What is left when the server stops is done after its next start.
        while self.next < size && !*stop.borrow() {
            let to = size.min(self.next + BATCH);
            let mut traces = Vec::new();
            let (mut seen, mut closed) = (BTreeSet::<IncidentId>::new(), BTreeSet::new());
            self.narrator.breathe();
            for (index, bytes) in (self.next..).zip(log.entries(self.next..to)?) {
                let recorded = recorded_of(index, &bytes).ok_or(FollowError::Foreign)?;
                let event = &recorded.entry.event;
                if let Event::IncidentClosed(d) = event {
                    closed.insert(d.incident_id);
                }
                // A note changes nothing that is shown but the head, which the world knows.
                if !matches!(event, Event::IncidentNoted(_)) {
                    seen.extend(incidents_of(event));
                }
                let Told { lines, names } = self.narrator.tell(&recorded, &self.history, &log)?;
                traces.push(Trace {
                    index,
                    terms: terms(&recorded.entry).into_iter().collect(),
                    names,
                    words: words(&recorded.entry, &lines),
                });
            }
            // First where the entries are; what is shown is made from them.
            let root = log.root_at(self.next)?;
            self.history.follow(&traces, &[], self.next, root)?;
            let mut shelves = Vec::new();
            for incident in seen {
                let id = incident.to_string();
                if closed.contains(&incident) || self.history.has_shelved(&id)? {
                    let entries = self.history.having(&term(INCIDENT, &id), 0)?;
                    let shelf = shelf(&published.world, &log, incident, &entries)?;
                    shelves.push((id, shelf));
                }
            }
            self.history.follow(&[], &shelves, to, log.root_at(to)?)?;
            self.next = to;
            self.followed.send_replace(to);
        }
        Ok(())
    }
}

impl Shelf {
    /// Reads, once it has followed as far as the log is published now: at least as far as whoever
    /// asks has seen it.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&History) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, ShelfError> {
        let desk = self.caught_up().await?;
        // Waiting here and not on a thread, however many ask.
        let history = desk.reader.clone().lock_owned().await;
        let reading = tokio::task::spawn_blocking(move || read(&history));
        let done = reading.await.map_err(|_| ShelfError::Stopped)?;
        Ok(desk.saw(done)?)
    }

    /// The indexes of the entries that have all that is looked for, once it has followed as far.
    pub(crate) async fn search(&self, search: Search) -> Result<Vec<u64>, ShelfError> {
        let desk = self.caught_up().await?;
        let mut searcher = desk.searcher.clone().lock_owned().await;
        let searching = tokio::task::spawn_blocking(move || searcher.search(&search));
        let done = searching.await.map_err(|_| ShelfError::Stopped)?;
        match done {
            Err(SearchError::Storage(error)) => Ok(desk.saw(Err(error))?),
            done => Ok(done?),
        }
    }

    async fn caught_up(&self) -> Result<Arc<Desk>, ShelfError> {
        let desk = self.desk.clone().map_err(ShelfError::None)?;
        let size = self.engine.published().head.size();
        let mut followed = self.followed.clone();
        let far = followed.wait_for(|followed| *followed >= size);
        match tokio::time::timeout(PATIENCE, far).await {
            Ok(Ok(_)) => Ok(desk),
            Ok(Err(_)) => Err(ShelfError::Stopped),
            Err(_) => {
                let followed = *self.followed.borrow();
                Err(ShelfError::Behind { followed, size })
            }
        }
    }
}

/// A world with the authorities of another in which nothing but these entries happened.
pub(crate) fn world_of<'a>(
    beside: &World,
    entries: impl IntoIterator<Item = &'a Recorded>,
) -> World {
    let mut world = beside.beside();
    for recorded in entries {
        world.apply(recorded, None);
    }
    world
}

/// The entry at an index, read and checked.
pub(crate) fn recorded(log: &View<'_>, index: u64) -> Result<Option<Recorded>, ReadError> {
    Ok(recorded_of(index, &log.entry(index)?))
}

fn recorded_of(index: u64, bytes: &[u8]) -> Option<Recorded> {
    let leaf = Digest::from_bytes(*breakglass_tlog::leaf_hash(bytes).as_bytes());
    let entry = Entry::from_bytes(bytes).ok();
    entry.map(|entry| Recorded { index, leaf, entry })
}

/// Everything that is shown of an incident.
fn shelf(
    beside: &World,
    log: &View<'_>,
    id: IncidentId,
    indexes: &[u64],
) -> Result<Vec<Shelved>, FollowError> {
    let mut entries = Vec::new();
    for index in indexes {
        entries.extend(recorded(log, *index)?);
    }
    let world = world_of(beside, &entries);
    let thing = |kind: &str, id: String, number, state: &str, view| Shelved {
        kind: kind.to_owned(),
        id,
        number,
        incident: String::new(),
        state: state.to_owned(),
        view,
    };
    let mut all = Vec::new();
    if let Some(incident) = world.incident(&id) {
        let view = views::incident(&world, incident, world.last());
        let (number, state) = (incident.reference.number(), incident.state());
        all.push(thing(
            "incident",
            id.to_string(),
            number,
            state,
            json(&view)?,
        ));
    }
    for request in world.requests_under(&id) {
        let shown = ShelvedRequest {
            view: views::request(&world, request, world.last()),
            statement: request.statement,
            signature: request.signature,
            index: request.index,
        };
        let (number, state) = (request.reference.number(), request.state.word());
        let id = request.id.to_string();
        all.push(thing("request", id, number, state, json(&shown)?));
    }
    for grant in world.grants_under(&id) {
        let view = views::grant(&world, grant);
        let number = grant.reference.number();
        let id = grant.id.to_string();
        all.push(thing("grant", id, number, &view.state, json(&view)?));
    }
    for run in world.runs_under(&id) {
        let view = views::run(&world, run);
        all.push(thing(
            "run",
            run.id.to_string(),
            0,
            &view.state,
            json(&view)?,
        ));
    }
    Ok(all)
}

fn json<T: Serialize>(view: &T) -> Result<String, FollowError> {
    serde_json::to_string(view).map_err(|_| FollowError::Foreign)
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("an entry cannot be read or shown")]
    Foreign,
}

impl FollowError {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_damage())
    }
}
