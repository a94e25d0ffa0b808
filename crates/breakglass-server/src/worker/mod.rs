//! Our hands: they do what `plan` calls for and report back with a command.
//!
//! There is no queue of jobs. The worker looks at the world after each commit and whenever a time
//! comes; what it was doing when the process died is called for again by the same log.

mod attempts;
mod flights;
mod planning;
mod probe;
mod rotate;
mod run;
mod tell;

pub(crate) use attempts::Attempts;
pub(crate) use flights::Grounded;
pub(crate) use planning::{Plans, Unplanned};
pub(crate) use tell::Ways;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use breakglass_connectors::{deploy::Connector, probe::Probe, rotate::Rotator};
use breakglass_core::{Effect, World, plan};
use breakglass_format::{AccountId, Timestamp};
use tokio::sync::watch;

use crate::{
    clock::Clock, contacts::Contacts, custody::Custody, engine::EngineHandle, scrub,
    witnesses::Witnesses,
};

/// Effects under way at a time.
const HANDS: usize = 8;
/// Of these, how many may be telling people something: a mail server that hangs holds up nothing
/// else.
const TELLERS: usize = 2;
/// How the key of such an effect begins.
const TELL: &str = "tell ";
/// The worker looks at the world at least this often: runs are polled, retries come due.
const LOOK: Duration = Duration::from_millis(250);

/// What the hands work with.
pub(crate) struct Tools {
    pub(crate) engine: EngineHandle,
    pub(crate) custody: Arc<Custody>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rotators: BTreeMap<String, Arc<dyn Rotator>>,
    pub(crate) connectors: BTreeMap<String, Arc<dyn Connector>>,
    /// What is asked whether the control plane is up.
    pub(crate) probes: Vec<Arc<dyn Probe>>,
    /// Held while they are asked.
    pub(crate) probing: Mutex<()>,
    /// How people are reached.
    pub(crate) ways: Ways,
    /// Where people said that they are reached.
    pub(crate) contacts: Contacts,
    /// What is remembered of runs between two steps.
    pub(crate) attempts: Attempts,
    /// Other people's witnesses, where some are asked.
    pub(crate) witnesses: Option<Arc<Witnesses>>,
    /// Plans that connectors are asked for just now.
    pub(crate) plans: Plans,
    /// Why nothing may be appended, where nothing may.
    pub(crate) read_only: Option<String>,
    /// What the scrubber has read.
    pub(crate) scrubbed: Arc<scrub::Counters>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

impl Tools {
    /// Engine time: what everything is judged by that must not follow a step of the wall clock.
    pub(crate) fn engine_time(&self) -> Timestamp {
        self.engine.now(&*self.clock)
    }

    /// The later of engine time and wall clock: what the end of access is judged by.
    fn latest(&self) -> Timestamp {
        self.engine_time().max(self.clock.wall())
    }

    /// The connector that the authority in force names for an account.
    fn connector(&self, world: &World, account: &AccountId) -> Option<Arc<dyn Connector>> {
        let account = world.authority()?.authority.account(account)?;
        let name = account.connector.0.as_ref()?;
        self.connectors.get(name.as_str()).cloned()
    }
}

/// Effects that a hand is busy with, so that none is begun twice.
type Busy = Arc<Mutex<HashSet<String>>>;

/// Runs until told to stop; every hand has ended when it returns.
pub(crate) async fn run(tools: Arc<Tools>, mut stop: watch::Receiver<bool>) {
    let mut commits = tools.engine.commits();
    let busy: Busy = Arc::default();
    let mut hands = tokio::task::JoinSet::new();
    loop {
        begin_due(&tools, &busy, &mut hands);
        tokio::select! {
            _ = stop.changed() => break,
            _ = hands.join_next(), if !hands.is_empty() => {}
            changed = commits.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    while hands.join_next().await.is_some() {}
}

fn begin_due(tools: &Arc<Tools>, busy: &Busy, hands: &mut tokio::task::JoinSet<()>) {
    let published = tools.engine.published();
    for effect in plan(&published.world, tools.engine_time()) {
        let key = match &effect {
            Effect::Rotate { account, .. } => format!("rotate {account}"),
            Effect::Advance { run, .. } => format!("run {run}"),
            Effect::Probe { incident, .. } => format!("probe {incident}"),
            Effect::Tell(_) if tools.ways.is_none() => continue,
            Effect::Tell(due) => format!("{TELL}{due:?}"),
        };
        let mut set = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let telling = set.iter().filter(|key| key.starts_with(TELL)).count();
        if key.starts_with(TELL) && telling >= TELLERS {
            continue;
        }
        if set.len() >= HANDS || !set.insert(key.clone()) {
            continue;
        }
        drop(set);
        let (tools, busy) = (tools.clone(), busy.clone());
        hands.spawn_blocking(move || {
            match effect {
                Effect::Rotate { account, cause } => rotate::rotate(&tools, &account, cause),
                Effect::Advance { run, .. } => run::advance(&tools, run),
                Effect::Probe { incident, occasion } => tools.probe(incident, occasion),
                Effect::Tell(due) => tools.tell(due),
            }
            busy.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
        });
    }
}
