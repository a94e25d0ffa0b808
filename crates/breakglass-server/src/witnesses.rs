//! Other people's witnesses: the log asks them for cosignatures on its newest checkpoint.
//!
//! Nothing of this can hold up an emergency. It runs beside everything else, reads the log on a
//! connection of its own, asks for the newest checkpoint only, and every call ends in time. What
//! comes back is kept beside the log (`docs/decisions/0010-cosignatures-lie-beside-the-log.md`).
//!
//! All witnesses are asked about one checkpoint before anybody is asked about the next, so that
//! their cosignatures meet on one: a round. A round is over when the quorum is met or everybody has
//! answered; who is still busy then takes part in a later one.

mod board;
mod client;
mod kept;

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use breakglass_core::{
    Command,
    readiness::{Lack, Severity},
};
use breakglass_format::{Line, Name};
use breakglass_store::SqliteReader;
use breakglass_tlog::{Policy, SignedCheckpoint, VerifierKey};
use tokio::{sync::watch, task::JoinSet};

use crate::{clock::Clock, config::Config, engine::EngineHandle, outbound, start::StartError};

use board::Board;
pub(crate) use board::Figures;
use client::{Asked, Client, Outcome};
pub(crate) use kept::COSIGNED;
use kept::Kept;

/// Rounds begin at least this far apart: what changes meanwhile is asked about together.
const PAUSE: Duration = Duration::from_millis(500);
/// Wait before those are asked again who did not cosign, at first and at most.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// At most one entry in this time says that the quorum is met or not, in milliseconds of the
/// boot-time clock. An alarm waits for nothing.
const REPORT_EVERY_MS: i64 = 60_000;
/// A policy longer than this is none.
const POLICY_BYTES_MAX: u64 = 512 * 1024;

/// The witnesses of the configured policy, and what is known of them.
#[derive(Debug)]
pub(crate) struct Witnesses {
    clients: Vec<Option<Client>>,
    board: Mutex<Board>,
    kept: Kept,
    engine: EngineHandle,
    clock: Arc<dyn Clock>,
    /// Held while a proof is made.
    reader: Mutex<SqliteReader>,
}

impl Witnesses {
    /// The witnesses that the configuration names; none where it names no policy. What an earlier
    /// process kept is taken up.
    pub(crate) fn open(
        config: &Config,
        key: &VerifierKey,
        engine: &EngineHandle,
        clock: &Arc<dyn Clock>,
        reader: SqliteReader,
    ) -> Result<Option<Arc<Self>>, StartError> {
        let Some((policy, clients)) = policy(config, key)? else {
            return Ok(None);
        };
        let kept = Kept::beside(&config.data_dir, key.clone());
        let mut board = Board::new(policy);
        // Where it does not fit the log, the start has found that and the server only reads.
        match kept.read() {
            Ok(Some(last)) => board.take_up(last),
            Ok(None) => {}
            Err(detail) => board.kept(Some(detail)),
        }
        Ok(Some(Arc::new(Self {
            clients,
            board: Mutex::new(board),
            kept,
            engine: engine.clone(),
            clock: clock.clone(),
            reader: Mutex::new(reader),
        })))
    }

    /// Reads the policy and makes its clients, to see whether they can be made.
    pub(crate) fn check(config: &Config, key: &VerifierKey) -> Result<(), StartError> {
        policy(config, key).map(drop)
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A checkpoint as it is served: with the lines of the witnesses that have cosigned it.
    pub(crate) fn with_cosignatures(&self, head: &SignedCheckpoint) -> String {
        self.board().with_cosignatures(head).to_text()
    }

    /// The last checkpoint that enough witnesses have cosigned.
    pub(crate) fn cosigned(&self) -> Option<String> {
        self.board().cosigned().map(SignedCheckpoint::to_text)
    }

    /// What to prove an entry under: a checkpoint that enough have cosigned, where there is one.
    pub(crate) fn for_entry(&self, index: u64, head: &SignedCheckpoint) -> SignedCheckpoint {
        self.board().for_entry(index, head)
    }

    /// What metrics tell.
    pub(crate) fn figures(&self) -> Figures {
        self.board().figures()
    }

    /// Forks and rollbacks that witnesses have shown, one sentence each.
    pub(crate) fn alarms(&self) -> Vec<String> {
        self.board().alarms()
    }

    /// What somebody has to see to: alarms, and witnesses that are too few.
    pub(crate) fn lacks(&self) -> Vec<Lack> {
        let board = self.board();
        let alarms = board.alarms().into_iter().map(|says| Lack {
            severity: Severity::Fails,
            code: "witness_alarm",
            about: "log".to_owned(),
            says,
        });
        let missing = board.missing().map(|says| Lack {
            severity: Severity::Warns,
            code: "witnesses_missing",
            about: "log".to_owned(),
            says,
        });
        alarms.chain(missing).collect()
    }

    /// Asks until told to stop. What is under way then ends by itself, in time.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.ask_for_ever() => {}
            // An error means that whoever could say so is gone.
            _ = stop.changed() => {}
        }
    }

    async fn ask_for_ever(self: Arc<Self>) {
        let mut commits = self.engine.commits();
        let mut calls = Calls::default();
        let mut retry = RETRY_MIN;
        loop {
            commits.borrow_and_update();
            let head = self.engine.published().head.checkpoint().clone();
            // "Never submit size 0."
            if head.checkpoint().size() > 0 {
                self.ask_all(&head, &mut calls).await;
            }
            let said = self.report(&mut calls.told);
            self.meanwhile(&mut calls, tokio::time::sleep(PAUSE)).await;
            let complete = said && self.board().is_complete(&head);
            let grown = async {
                tokio::select! {
                    changed = commits.changed() => changed.is_ok(),
                    () = tokio::time::sleep(retry), if !complete => false,
                }
            };
            retry = match self.meanwhile(&mut calls, grown).await {
                true => RETRY_MIN,
                false => RETRY_MAX.min(retry * 2),
            };
        }
    }

    /// One round: it ends when enough have cosigned, or everybody has answered.
    async fn ask_all(self: &Arc<Self>, head: &SignedCheckpoint, calls: &mut Calls) {
        let mut waits: HashSet<usize> = self.board().open(head).into_iter().collect();
        for place in &waits {
            self.begin(*place, head, calls);
        }
        while !waits.is_empty() && !self.board().is_met(head) {
            let Some(ended) = calls.under_way.join_next().await else {
                break;
            };
            let Some((place, asked_about)) = self.take(ended, calls).await else {
                continue;
            };
            if asked_about.checkpoint() == head.checkpoint() {
                waits.remove(&place);
            } else if waits.contains(&place) {
                self.begin(place, head, calls);
            }
        }
        self.board().end(head);
    }

    /// Waits for something, and takes answers that come meanwhile.
    async fn meanwhile<T>(
        self: &Arc<Self>,
        calls: &mut Calls,
        something: impl Future<Output = T>,
    ) -> T {
        let mut something = std::pin::pin!(something);
        loop {
            tokio::select! {
                happened = &mut something => return happened,
                Some(ended) = calls.under_way.join_next() => {
                    self.take(ended, calls).await;
                    self.report(&mut calls.told);
                }
            }
        }
    }

    /// Asks a witness, unless it is being asked.
    fn begin(self: &Arc<Self>, place: usize, head: &SignedCheckpoint, calls: &mut Calls) {
        if calls.busy.insert(place) {
            let (this, head) = (self.clone(), head.clone());
            calls.under_way.spawn_blocking(move || {
                let outcome = this.ask(place, &head);
                let alarmed = matches!(outcome, Outcome::Forked | Outcome::RolledBack { .. });
                let wanted = alarmed && !this.board().has_evidence(place);
                Answered {
                    place,
                    asked_about: head,
                    outcome,
                    evidence: wanted && this.keep_evidence(place),
                }
            });
        }
    }

    /// Takes an answer. A call that panicked is one without an answer, and nobody is asked in its
    /// place until the next start: which it was is not known.
    async fn take(
        self: &Arc<Self>,
        ended: Result<Answered, tokio::task::JoinError>,
        calls: &mut Calls,
    ) -> Option<(usize, SignedCheckpoint)> {
        let answered = ended.ok()?;
        let (place, asked_about) = (answered.place, answered.asked_about);
        calls.busy.remove(&place);
        let met = self.board().note(place, &asked_about, answered.outcome);
        if answered.evidence {
            self.board().evidence_kept(place);
        }
        if let Some(met) = met {
            let this = self.clone();
            // Written and synced: not on a thread that others wait for.
            let written = tokio::task::spawn_blocking(move || {
                let kept = this.kept.write(&met);
                this.board().kept(kept.err().map(|e| e.to_string()));
            });
            // It has nothing to say that the board does not know.
            let _ = written.await;
        }
        Some((place, asked_about))
    }

    fn ask(&self, place: usize, head: &SignedCheckpoint) -> Outcome {
        let Some(Some(client)) = self.clients.get(place) else {
            return Outcome::Unusable("the policy names no URL".to_owned());
        };
        let accepted = self.board().accepted(place);
        client.ask(Asked {
            head,
            accepted,
            proof: &|old, new| {
                let published = self.engine.published();
                let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
                let log = reader.at(&published.snapshot);
                log.consistency_proof(old, new).map_err(|e| e.to_string())
            },
            log_size: &|| self.engine.published().head.size(),
        })
    }

    /// What the witness has cosigned in place of this log, where it shows it: with the log's own
    /// signature under it, it proves the fork or the rollback to anybody.
    fn keep_evidence(&self, place: usize) -> bool {
        let Some(Some(client)) = self.clients.get(place) else {
            return false;
        };
        let head = self.engine.published().head.checkpoint().clone();
        let origin = head.checkpoint().origin().as_str();
        let Some(shown) = client.latest(origin) else {
            return false;
        };
        self.kept.evidence(&shown, &head)
    }

    /// A change of how the witnesses are is one entry. Gives whether nothing is left to be said.
    fn report(&self, told: &mut Told) -> bool {
        let (working, alarms, detail) = self.board().report();
        let now = self.clock.boot_ms();
        let new_alarm = alarms > told.alarms;
        let quiet = told.at.is_some_and(|at| now - at < REPORT_EVERY_MS);
        if !new_alarm && working == told.working {
            return true;
        }
        let sink = "witnesses".parse::<Name>();
        let Some(sink) = sink.ok().filter(|_| new_alarm || !quiet) else {
            return false;
        };
        let report = Command::SinkReport {
            sink,
            working,
            detail: Line::lossy(&detail),
        };
        // Not taken now, it is said after a later round.
        let said = self.engine.send(report, Vec::new(), None).is_ok();
        if said {
            *told = Told {
                working,
                alarms,
                at: Some(now),
            };
        }
        said
    }
}

/// Who was asked about what, what came of it, and whether evidence of an alarm was kept.
struct Answered {
    place: usize,
    asked_about: SignedCheckpoint,
    outcome: Outcome,
    evidence: bool,
}

/// Calls under way, and to whom; and what the log was told of what came of them.
#[derive(Default)]
struct Calls {
    under_way: JoinSet<Answered>,
    busy: HashSet<usize>,
    told: Told,
}

/// What the log was told last.
#[derive(Debug)]
struct Told {
    working: bool,
    alarms: usize,
    at: Option<i64>,
}

/// That all is well need not be said.
impl Default for Told {
    fn default() -> Self {
        Self {
            working: true,
            alarms: 0,
            at: None,
        }
    }
}

type Read = (Policy, Vec<Option<Client>>);

/// The policy, and a client for each of its witnesses that has a URL.
fn policy(config: &Config, key: &VerifierKey) -> Result<Option<Read>, StartError> {
    let Some(wanted) = &config.witness else {
        return Ok(None);
    };
    let unusable = |detail: String| StartError::Target {
        name: "witness".to_owned(),
        detail,
    };
    let policy = read_policy(&wanted.policy_file).map_err(unusable)?;
    // A log may be named or not; where some are, ours is one of them.
    let ours = |log: &breakglass_tlog::PolicyLog| log.key() == key;
    if !policy.logs().is_empty() && !policy.logs().iter().any(ours) {
        return Err(unusable(format!(
            "the policy does not name this log: {key}"
        )));
    }
    if !policy.is_met(|witness| witness.url().is_some()) {
        let detail = "the witnesses that have a URL are not enough for the policy's quorum";
        return Err(unusable(detail.to_owned()));
    }
    let timeout = Duration::from_secs(wanted.timeout_s);
    let agent = outbound::client(wanted.ca_file.as_deref(), timeout);
    let agent = agent.map_err(|e| unusable(e.to_string()))?;
    let client = |witness: &breakglass_tlog::PolicyWitness| {
        let made = witness.url().map(|url| Client::new(url, agent.clone()));
        let made = made.transpose();
        made.map_err(|detail| unusable(format!("the url of {}: {detail}", witness.name())))
    };
    let clients: Result<Vec<_>, _> = policy.witnesses().iter().map(client).collect();
    Ok(Some((policy, clients?)))
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    use std::io::Read as _;
    let cannot = |e: std::io::Error| format!("{} cannot be read: {e}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(POLICY_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    Policy::parse(&bytes).map_err(|e| format!("{}: {e}", path.display()))
}
