//! What every handler works with.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use breakglass_core::Command;

use breakglass_format::{Digest, Timestamp};
use breakglass_statement::AuthoritySet;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{
    limit::{Counters, RateLimit},
    nonces::Nonces,
    sessions::Sessions,
};
use crate::{
    clock::Clock,
    config::{Config, Public},
    custody::Custody,
    engine::{EngineHandle, Published},
    history::Shelf,
    readers::Readers,
    worker::Tools,
};

/// How often unauthenticated failures become an entry.
const SUMMARY_EVERY: Duration = Duration::from_secs(60);

/// Who asks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// By the hash of the session's token.
    Session(Digest),
    /// Somebody without a session.
    Address(IpAddr),
}

/// Shared by all handlers.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) engine: EngineHandle,
    pub(super) readers: Readers,
    pub(super) shelf: Shelf,
    pub(crate) custody: Arc<Custody>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tools: Arc<Tools>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) nonces: Arc<Nonces>,
    /// Statements, by address.
    pub(super) rate: Arc<RateLimit<IpAddr>>,
    /// Questions, by session or address.
    pub(super) reads: Arc<RateLimit<Caller>>,
    pub(super) counters: Arc<Counters>,
    /// How long the body of a call may take to arrive.
    pub(super) patience: Duration,
    /// What of the log anybody may have.
    pub(super) public: Public,
}

impl App {
    pub(crate) fn new(
        tools: Arc<Tools>,
        readers: Readers,
        shelf: Shelf,
        config: &Config,
        nonce_key: Zeroizing<[u8; 32]>,
    ) -> Self {
        let limits = &config.limits;
        Self {
            engine: tools.engine.clone(),
            readers,
            shelf,
            custody: tools.custody.clone(),
            clock: tools.clock.clone(),
            tools,
            sessions: Arc::default(),
            nonces: Arc::new(Nonces::new(nonce_key)),
            rate: Arc::new(RateLimit::new(limits.statements_per_minute)),
            reads: Arc::new(RateLimit::new(limits.reads_per_minute)),
            counters: Arc::default(),
            patience: Duration::from_secs(limits.read_timeout_s),
            public: config.log.public,
        }
    }

    /// Once a minute, one entry for what was turned away before anybody was known to have asked.
    pub(crate) async fn summarise(self, mut stop: watch::Receiver<bool>) {
        let mut since = self.now();
        let mut counted = 0;
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(SUMMARY_EVERY) => {}
            }
            let total = self.counters.unauthenticated.load(Ordering::Relaxed);
            let count = i64::try_from(total - counted).unwrap_or(i64::MAX);
            let now = self.now();
            if count > 0 {
                let report = Command::TurnedAway { count, since };
                // Not taken now, it is part of the next summary.
                if self.engine.submit(report, Vec::new(), None).await.is_err() {
                    continue;
                }
            }
            (counted, since) = (total, now);
        }
    }

    /// The world, the authorities and the head, all of one moment.
    pub(super) fn published(&self) -> Arc<Published> {
        self.engine.published()
    }

    pub(super) fn authorities(&self) -> Arc<AuthoritySet> {
        self.published().authorities.clone()
    }

    /// The time that people are told, and that sessions and nonces are judged by.
    pub(super) fn now(&self) -> Timestamp {
        self.engine.now(&*self.clock)
    }
}
