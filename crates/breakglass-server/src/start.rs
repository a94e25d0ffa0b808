//! Starting and stopping: keys, log, engine, worker, sinks, sockets, in this order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use breakglass_connectors::command::CommandError;
use breakglass_statement::AuthoritySet;
use breakglass_store::{CreateError, Ledger as _, OpenError, Reserve, SqliteLedger};
use breakglass_tlog::SigningKey;
use thiserror::Error;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    config::{Config, ConfigError},
    contacts::Contacts,
    custody::{Custody, KeyError, read_secret},
    engine::{BootstrapError, Engine, EngineHandle, ReplayError, Wiring},
    entropy::random,
    genesis::GenesisError,
    history::Historian,
    http::{self, App, ListenError, Listening},
    opening::{genesis, mark, open, open_whole},
    readers::{Readers, Threads},
    standing::{no_log_is_known, read_only},
    targets,
    threads::{Connections, keeper, record, remember, scrub},
    witnesses::Witnesses,
    worker::{Attempts, Plans, Tools},
};

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
    /// Something knows of a log, and there is none.
    #[error(
        "there is no log at {path}, but {trace} knows of one: put the newest copy of the database \
         back"
    )]
    LogGone {
        /// Where it should be.
        path: PathBuf,
        /// What knows of it.
        trace: String,
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
    resumed_at: Option<u64>,
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
        let read_only = read_only(&opened, config, &log_key)?;
        let custody = keys(config, &authorities, &log_key)?;
        let resumed_at = opened.taken.as_ref().map(|taken| taken.size);
        let keeper = keeper(config, &opened, &log_key, read_only.is_none())?;
        let unconfigured = targets::unconfigured(config, &authorities);
        let wiring = Wiring {
            clock: clock.clone(),
            log_key,
            read_only: read_only.clone(),
            on_fatal: Box::new(on_fatal),
        };
        let verifier = wiring.log_key.verifier().clone();
        let connections = Connections::to(&opened.ledger)?;
        let (engine, engine_thread) = Engine::start(opened, authorities, wiring, disk(config))?;
        let (readers, reading) = Readers::start(&engine, connections.reads)?;
        let witnesses = Witnesses::open(config, &verifier, &engine, &clock, connections.proves)?;
        let tools = tools(
            config,
            &engine,
            custody,
            &clock,
            (read_only.clone(), witnesses),
        )?;
        let runtime = tokio::runtime::Runtime::new()?;
        let (stop, stopped) = watch::channel(false);
        let listening = runtime.block_on(http::listen(config))?;
        let metrics = runtime.block_on(http::listen_for_metrics(config))?;
        let address = listening.address();
        let metrics_address = metrics.as_ref().map(Listening::address);
        let (historian, shelf) = Historian::open(&config.data_dir, &engine, connections.remembers);
        let mut threads = Vec::new();
        threads.extend(remember(historian, &stopped, runtime.handle())?);
        threads.push(keeper.start(&engine, &stopped, runtime.handle())?);
        if read_only.is_none() {
            let follows = connections.follows;
            threads.extend(record(config, &tools, follows, mark, &stopped, &runtime)?);
        }
        threads.extend(scrub(
            config,
            &tools,
            connections.scrubs,
            &stopped,
            runtime.handle(),
        )?);
        let app = App::new(tools, readers, shelf, config, nonce_key()?);
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
            resumed_at,
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
        Witnesses::check(config, log_key.verifier())?;
        let path = config.data_dir.join("log.db");
        if !path.exists() {
            no_log_is_known(config, &log_key, &path)?;
            SqliteLedger::check_place(&path)?;
            let (authorities, _) = genesis(config)?.verify(config.genesis)?;
            keys(config, &authorities, &log_key)?;
            return Ok(new_log(config, &authorities));
        }
        let (ledger, replay) = open_whole(&path, &log_key, config.genesis)?;
        if ledger.head().size() == 0 {
            let (authorities, _) = genesis(config)?.verify(config.genesis)?;
            keys(config, &authorities, &log_key)?;
            return Ok(new_log(config, &authorities));
        }
        let opened = replay.finish(ledger)?;
        let authorities = opened.authorities.clone().ok_or(StartError::NoAuthority)?;
        let custody = keys(config, &authorities, &log_key)?;
        custody.check_sealed(&opened)?;
        let read_only = read_only(&opened, config, &log_key)?;
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

    /// How many entries it knew from a snapshot when it started, where it did; they are read and
    /// compared while it runs.
    #[must_use]
    pub fn resumed_at(&self) -> Option<u64> {
        self.resumed_at
    }

    /// Why it only reads, where it only reads.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// What is wrong with the log that it writes to, where something is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.engine.trouble()
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

pub(crate) fn log_key(path: &Path) -> Result<SigningKey, KeyError> {
    let wrong = |detail: String| KeyError::LogKey {
        path: path.to_owned(),
        detail,
    };
    let bytes = read_secret(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| wrong(e.to_string()))?;
    SigningKey::parse(text.trim_end()).map_err(|e| wrong(e.to_string()))
}

fn disk(config: &Config) -> Box<Reserve> {
    let bytes = config.disk_reserve_mib.saturating_mul(1024 * 1024);
    Box::new(Reserve::beside(&config.data_dir.join("log.db"), bytes))
}

fn keys(
    config: &Config,
    authorities: &AuthoritySet,
    log_key: &SigningKey,
) -> Result<Custody, StartError> {
    let authority = authorities.current().authority();
    let (expected, got) = (
        authorities.log().vkey.to_string(),
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
    (read_only, witnesses): (Option<String>, Option<Arc<Witnesses>>),
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
        witnesses,
        read_only,
        scrubbed: Arc::default(),
    }))
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
