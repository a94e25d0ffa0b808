//! Our hands: they do what `plan` calls for and report back with a command.
//!
//! There is no queue of jobs. The worker looks at the world after each commit and whenever a time
//! comes; what it was doing when the process died is called for again by the same log.

mod attempts;
mod rotate;
mod run;

pub(crate) use attempts::Attempts;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use breakglass_connectors::{
    Failure, Record,
    deploy::{Connector, Operation, Plan},
    rotate::Rotator,
};
use breakglass_core::{Effect, plan};
use breakglass_format::{Line, Timestamp, error_class::ErrorClass};
use tokio::sync::watch;

use crate::{clock::Clock, custody::Custody, engine::EngineHandle};

/// Effects under way at a time.
const HANDS: usize = 8;
/// The worker looks at the world at least this often: runs are polled, retries come due.
const LOOK: Duration = Duration::from_millis(250);

/// What the hands work with.
pub(crate) struct Tools {
    pub(crate) engine: EngineHandle,
    pub(crate) custody: Arc<Custody>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rotators: BTreeMap<String, Arc<dyn Rotator>>,
    pub(crate) connectors: BTreeMap<String, Arc<dyn Connector>>,
    /// What is remembered of runs between two steps.
    pub(crate) attempts: Attempts,
    /// Why nothing may be appended, where nothing may.
    pub(crate) read_only: Option<String>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

impl Tools {
    /// The time that effects are judged by: the later of the wall clock and the last entry.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall().max(self.engine.published().world.last())
    }
}

impl Tools {
    /// Asks the connector of the grant's account what an operation would do.
    pub(crate) fn plan(&self, grant: &str, operation: &Operation) -> Result<Plan, Failure> {
        let failed = |detail: &str| Failure {
            class: ErrorClass::Permanent,
            detail: Line::lossy(detail),
            record: Record::new(),
        };
        let published = self.engine.published();
        let world = &published.world;
        let grant = grant.parse().ok().and_then(|id| world.grant(&id));
        let account = grant
            .map(|g| &g.account.id)
            .ok_or_else(|| failed("no such grant"))?;
        let current = world.account(account).and_then(|a| a.current);
        let current = current.ok_or_else(|| failed("the account has no credential"))?;
        let object = world.authority().and_then(|v| v.authority.account(account));
        let name = object.and_then(|a| a.connector.0.as_ref());
        let connector = name.and_then(|n| self.connectors.get(n.as_str()));
        let connector = connector.ok_or_else(|| failed("no such connector is configured"))?;
        let credential = self.open(account, current.sealed, current.version);
        let credential = credential.map_err(|e| failed(&e.to_string()))?;
        Ok(connector
            .plan(operation, &rotate::fields(&credential))?
            .value)
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
    for effect in plan(&published.world, tools.now()) {
        let key = match &effect {
            Effect::Rotate { account, .. } => format!("rotate {account}"),
            Effect::Advance { run, .. } => format!("run {run}"),
        };
        let mut set = busy.lock().unwrap_or_else(PoisonError::into_inner);
        if set.len() >= HANDS || !set.insert(key.clone()) {
            continue;
        }
        drop(set);
        let (tools, busy) = (tools.clone(), busy.clone());
        hands.spawn_blocking(move || {
            match effect {
                Effect::Rotate { account, cause } => rotate::rotate(&tools, &account, cause),
                Effect::Advance { run, .. } => run::advance(&tools, run),
            }
            busy.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
        });
    }
}
