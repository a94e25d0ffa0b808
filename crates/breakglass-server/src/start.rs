//! Starting and stopping: keys, log, engine, worker, sinks, sockets, in this order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use breakglass_connectors::command::CommandError;
use breakglass_format::Digest;
use breakglass_statement::AuthoritySet;
use breakglass_store::{
    CreateError, HighWater, HighWaterMark, Ledger as _, OpenError, SqliteLedger, SqliteReader,
    compare,
};
use breakglass_tlog::SigningKey;
use thiserror::Error;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    config::{Config, ConfigError},
    contacts::Contacts,
    custody::{Custody, KeyError, read_secret},
    engine::{
        BootstrapError, Engine, EngineHandle, Opened, Replay, ReplayError, Wiring, bootstrap,
    },
    entropy::random,
    follower::Follower,
    genesis::{Genesis, GenesisError},
    history::Historian,
    http::{self, App, ListenError, Listening},
    readers::{READERS, Readers, Threads},
    targets,
    worker::{self, Attempts, Plans, Tools},
};

/// How often the high-water mark is written while the log grows.
const MARK_EVERY: Duration = Duration::from_millis(500);

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A new log could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The log is damaged, foreign or in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be taken over.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A new log cannot begin.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// What a new log begins with cannot be read.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A rotator or connector.
    #[error("{name}: {source}")]
    Program {
        /// Its name.
        name: String,
        /// What is wrong.
        source: CommandError,
    },
    /// A target of our own.
    #[error("{name}: {detail}")]
    Target {
        /// Its name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// A probe of the control plane.
    #[error("the probe {name}: {detail}")]
    Probe {
        /// Its name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The mark knows of a log, and there is none.
    #[error(
        "there is no log at {path}, but the high-water mark beside it knows of one: put the newest copy of the database back"
    )]
    LogGone {
        /// Where it should be.
        path: PathBuf,
    },
    /// The log's authority names another log key.
    #[error("the authority names the log key {expected}, the key file holds {got}")]
    LogKey {
        /// In the authority.
        expected: String,
        /// In the file.
        got: String,
    },
    /// The log has no authority.
    #[error("the log has no authority; it was written by something else")]
    NoAuthority,
    /// The high-water mark cannot be read or compared.
    #[error("the high-water mark cannot be compared: {0}")]
    Mark(String),
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Threads or runtime.
    #[error("the runtime cannot be started")]
    Runtime(#[from] std::io::Error),
}

/// What a start would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Number of entries in the log; 0: a new one would begin.
    pub entries: u64,
    /// Why the server would only read, where it would.
    pub read_only: Option<String>,
    /// What the authority names and the configuration lacks, for people to read.
    pub unconfigured: Vec<String>,
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    engine: EngineHandle,
    stop: watch::Sender<bool>,
    engine_thread: Option<std::thread::JoinHandle<()>>,
    reading: Threads,
    threads: Vec<std::thread::JoinHandle<()>>,
    runtime: Option<tokio::runtime::Runtime>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    read_only: Option<String>,
    unconfigured: Vec<String>,
}

impl Server {
    /// Starts everything. `clock` is the only source of time; `on_fatal` is called when an append
    /// may or may not have happened and must not return in a real process.
    pub fn start(
        config: &Config,
        clock: Arc<dyn Clock>,
        on_fatal: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, StartError> {
        config.check()?;
        let log_key = log_key(&config.log_key_file)?;
        let opened = open(config, &*clock, &log_key)?;
        let authorities = opened.authorities.clone().ok_or(StartError::NoAuthority)?;
        let mark = mark(config);
        let read_only = read_only(&opened, &mark, &log_key)?;
        let custody = keys(config, &authorities, &log_key)?;
        let unconfigured = targets::unconfigured(config, &authorities);
        let wiring = Wiring {
            clock: clock.clone(),
            log_key,
            read_only: read_only.clone(),
            on_fatal: Box::new(on_fatal),
        };
        let (follows, remembers) = (opened.ledger.reader()?, opened.ledger.reader()?);
        let connections: Result<Vec<_>, OpenError> =
            (0..READERS).map(|_| opened.ledger.reader()).collect();
        let connections = connections?;
        let (engine, engine_thread) = Engine::start(opened, authorities, wiring)?;
        let (readers, reading) = Readers::start(&engine, connections)?;
        let tools = tools(config, &engine, custody, &clock, read_only.clone())?;
        let runtime = tokio::runtime::Runtime::new()?;
        let (stop, stopped) = watch::channel(false);
        let listening = runtime.block_on(http::listen(config))?;
        let metrics = runtime.block_on(http::listen_for_metrics(config))?;
        let address = listening.address;
        let metrics_address = metrics.as_ref().map(|m| m.address);
        let (historian, shelf) = Historian::open(&config.data_dir, &engine, remembers);
        let mut threads = Vec::new();
        threads.extend(remember(historian, &stopped, runtime.handle())?);
        if read_only.is_none() {
            threads.push(follow(
                &engine,
                follows,
                &clock,
                config,
                &stopped,
                runtime.handle(),
            )?);
            threads.push(keep_mark(
                engine.clone(),
                mark,
                stopped.clone(),
                runtime.handle(),
            )?);
            runtime.spawn(worker::run(tools.clone(), stopped.clone()));
        }
        let app = App::new(tools, readers, shelf, &config.limits, nonce_key()?);
        serve(&runtime, app, listening, metrics, &stopped);
        Ok(Self {
            engine,
            stop,
            engine_thread: Some(engine_thread),
            reading,
            threads,
            runtime: Some(runtime),
            address,
            metrics_address,
            read_only,
            unconfigured,
        })
    }

    /// Reads configuration and keys, opens and verifies the log, compares it with its mark, and
    /// lets go of everything. Nothing is created, written or listened on.
    pub fn check(config: &Config) -> Result<Checked, StartError> {
        config.check()?;
        let log_key = log_key(&config.log_key_file)?;
        targets::rotators(config)?;
        targets::connectors(config)?;
        targets::probes(config)?;
        targets::ways(&config.notify)?;
        let path = config.data_dir.join("log.db");
        if !path.exists() {
            no_log_is_known(config, &log_key, &path)?;
            SqliteLedger::check_place(&path)?;
            let (authorities, _) = genesis(config)?.verify(config.genesis)?;
            keys(config, &authorities, &log_key)?;
            return Ok(new_log(config, &authorities));
        }
        let (ledger, replay) = open_ledger(&path, &log_key, config.genesis)?;
        if ledger.head().size() == 0 {
            let (authorities, _) = genesis(config)?.verify(config.genesis)?;
            keys(config, &authorities, &log_key)?;
            return Ok(new_log(config, &authorities));
        }
        let opened = replay.finish(ledger)?;
        let authorities = opened.authorities.clone().ok_or(StartError::NoAuthority)?;
        let custody = keys(config, &authorities, &log_key)?;
        custody.check_sealed(&opened)?;
        let read_only = read_only(&opened, &mark(config), &log_key)?;
        Ok(Checked {
            entries: opened.ledger.head().size(),
            read_only,
            unconfigured: targets::unconfigured(config, &authorities),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells its metrics, where it does.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Why it only reads, where it only reads.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// What the authority named when it started and the configuration lacks, for people to read.
    #[must_use]
    pub fn unconfigured(&self) -> &[String] {
        &self.unconfigured
    }

    /// Makes it look at its clock now.
    pub fn wake(&self) {
        self.engine.wake();
    }

    /// Number of entries in the log.
    #[must_use]
    pub fn log_size(&self) -> u64 {
        self.engine.published().head.size()
    }

    /// Stops: no new connections, hands finish, the file sinks catch up, the log closes.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to be waited for.
            let _ = thread.join();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
        self.reading.stop();
        self.engine.stop();
        if let Some(thread) = self.engine_thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.engine_thread.is_some() {
            self.shut_down();
        }
    }
}

fn new_log(config: &Config, authorities: &AuthoritySet) -> Checked {
    Checked {
        entries: 0,
        read_only: None,
        unconfigured: targets::unconfigured(config, authorities),
    }
}

fn log_key(path: &Path) -> Result<SigningKey, KeyError> {
    let wrong = |detail: String| KeyError::LogKey {
        path: path.to_owned(),
        detail,
    };
    let bytes = read_secret(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| wrong(e.to_string()))?;
    SigningKey::parse(text.trim_end()).map_err(|e| wrong(e.to_string()))
}

/// The log, verified and replayed; a new one begins with the genesis.
fn open(config: &Config, clock: &dyn Clock, key: &SigningKey) -> Result<Opened, StartError> {
    let path: PathBuf = config.data_dir.join("log.db");
    if !path.exists() {
        no_log_is_known(config, key, &path)?;
        genesis(config)?.verify(config.genesis)?;
        return begin(SqliteLedger::create(&path, key)?, config, clock, key);
    }
    let (ledger, replay) = open_ledger(&path, key, config.genesis)?;
    if ledger.head().size() > 0 {
        return Ok(replay.finish(ledger)?);
    }
    // The process died between making the file and writing to it. Where the mark knows of more,
    // this is a replaced log, and the comparison with the mark says so.
    begin(ledger, config, clock, key)
}

/// Where the mark knows of a log, a missing file is not a new beginning.
fn no_log_is_known(config: &Config, key: &SigningKey, path: &Path) -> Result<(), StartError> {
    let known = mark(config).read(key.verifier().name().as_str(), key.verifier());
    match known {
        Ok(None) => Ok(()),
        Ok(Some(mark)) if mark.checkpoint().size() == 0 => Ok(()),
        Ok(Some(_)) | Err(_) => Err(StartError::LogGone {
            path: path.to_owned(),
        }),
    }
}

/// Opens and verifies the ledger, and rebuilds the world on the way.
fn open_ledger(
    path: &Path,
    key: &SigningKey,
    pin: Digest,
) -> Result<(SqliteLedger, Replay), OpenError> {
    let mut replay = Replay::new(pin);
    let origin = key.verifier().name().as_str();
    let ledger = SqliteLedger::open(path, origin, key.verifier(), &mut |replayed| {
        replay.next(replayed);
    })?;
    Ok((ledger, replay))
}

/// The first entries of an empty log.
fn begin(
    ledger: SqliteLedger,
    config: &Config,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Opened, StartError> {
    let mark = mark(config);
    // Before the first entry: from then on a missing mark means a restored backup.
    if matches!(
        mark.read(key.verifier().name().as_str(), key.verifier()),
        Ok(None)
    ) {
        let head = ledger.head().checkpoint();
        mark.write(head)
            .map_err(|e| StartError::Mark(e.to_string()))?;
    }
    Ok(bootstrap(
        ledger,
        &genesis(config)?,
        config.genesis,
        clock,
        key,
    )?)
}

fn mark(config: &Config) -> HighWaterMark {
    let beside = || config.data_dir.join("high-water.checkpoint");
    HighWaterMark::new(config.high_water_file.clone().unwrap_or_else(beside))
}

fn genesis(config: &Config) -> Result<Genesis, GenesisError> {
    Genesis::read(config.genesis_dir.as_deref().ok_or(GenesisError::Missing)?)
}

/// Why nothing may be appended, where the log is behind what it was or differs from it.
fn read_only(
    opened: &Opened,
    mark: &HighWaterMark,
    key: &SigningKey,
) -> Result<Option<String>, StartError> {
    if let Some(missing) = &opened.missing {
        return Ok(Some(missing.clone()));
    }
    let origin = key.verifier().name().as_str();
    let read = match mark.read(origin, key.verifier()) {
        Ok(read) => read,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let stand =
        compare(read.as_ref(), &opened.ledger).map_err(|e| StartError::Mark(e.to_string()))?;
    Ok(match stand {
        HighWater::New | HighWater::Equal | HighWater::Ahead { .. } => None,
        HighWater::Behind { mark, head } => Some(format!(
            "the log has {head} entries but had {mark}: this is a restored backup; put \
             the newest copy of the database back, or keep this one for reading only"
        )),
        HighWater::Missing { head } => Some(format!(
            "the high-water mark is missing beside a log of {head} entries: whether entries are \
             missing cannot be told; compare it with an export before anybody trusts it"
        )),
        HighWater::Forked { mark, head } => Some(format!(
            "the log of {head} entries is not the log that was signed at size {mark}: keep both, \
             and find out who wrote the other"
        )),
    })
}

fn keys(
    config: &Config,
    authorities: &AuthoritySet,
    log_key: &SigningKey,
) -> Result<Custody, StartError> {
    let authority = authorities.current().authority();
    let (expected, got) = (
        authority.log.vkey.to_string(),
        log_key.verifier().to_string(),
    );
    if expected != got {
        return Err(StartError::LogKey { expected, got });
    }
    let instance = authorities.instance();
    let custody = Custody::load(&config.server_key_file, &config.node_key_file, instance)?;
    let node = custody.node_public_key();
    if !authority.nodes.iter().any(|n| n.kem.pk.as_str() == node) {
        return Err(KeyError::NotTheNode {
            path: config.node_key_file.clone(),
        }
        .into());
    }
    Ok(custody)
}

/// What the hands work with.
fn tools(
    config: &Config,
    engine: &EngineHandle,
    custody: Custody,
    clock: &Arc<dyn Clock>,
    read_only: Option<String>,
) -> Result<Arc<Tools>, StartError> {
    let contacts = Contacts::beside(&config.data_dir);
    // A log that was put back and is behind knows less than there was: nothing goes because of it.
    if read_only.is_none() {
        contacts.tidy(&engine.published().world);
    }
    Ok(Arc::new(Tools {
        engine: engine.clone(),
        custody: Arc::new(custody),
        clock: clock.clone(),
        rotators: targets::rotators(config)?,
        connectors: targets::connectors(config)?,
        probes: targets::probes(config)?,
        probing: std::sync::Mutex::default(),
        ways: targets::ways(&config.notify)?,
        contacts,
        attempts: Attempts::default(),
        plans: Plans::default(),
        read_only,
    }))
}

fn follow(
    engine: &EngineHandle,
    reader: SqliteReader,
    clock: &Arc<dyn Clock>,
    config: &Config,
    stopped: &watch::Receiver<bool>,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let path = config.data_dir.join("events.jsonl");
    let follower = Follower::new(engine.clone(), reader, clock.clone(), &path);
    let (stopped, runtime) = (stopped.clone(), runtime.clone());
    let thread = std::thread::Builder::new().name("jsonl".to_owned());
    thread.spawn(move || follower.run(stopped, &runtime))
}

fn remember(
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

/// What this process knows its nonces by.
fn nonce_key() -> std::io::Result<Zeroizing<[u8; 32]>> {
    random().map(Zeroizing::new).map_err(std::io::Error::other)
}

fn serve(
    runtime: &tokio::runtime::Runtime,
    app: App,
    listening: Listening,
    metrics: Option<Listening>,
    stopped: &watch::Receiver<bool>,
) {
    runtime.spawn(app.clone().summarise(stopped.clone()));
    if let Some(metrics) = metrics {
        let router = http::metrics_router(app.clone());
        runtime.spawn(metrics.serve(router, stopped.clone()));
    }
    runtime.spawn(listening.serve(http::router(app), stopped.clone()));
}
