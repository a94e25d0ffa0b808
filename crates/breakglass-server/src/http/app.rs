//! What every handler works with.

use std::sync::Arc;

use breakglass_format::Timestamp;
use breakglass_statement::AuthoritySet;

use super::{
    limit::{Counters, RateLimit},
    sessions::{Nonces, Sessions},
};
use crate::{
    clock::Clock,
    custody::Custody,
    engine::{EngineHandle, Published},
    worker::Tools,
};

/// Shared by all handlers.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) engine: EngineHandle,
    pub(crate) custody: Arc<Custody>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tools: Arc<Tools>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) nonces: Arc<Nonces>,
    pub(super) rate: Arc<RateLimit>,
    pub(super) counters: Arc<Counters>,
}

impl App {
    pub(crate) fn new(tools: Arc<Tools>, statements_per_minute: u32) -> Self {
        Self {
            engine: tools.engine.clone(),
            custody: tools.custody.clone(),
            clock: tools.clock.clone(),
            tools,
            sessions: Arc::default(),
            nonces: Arc::default(),
            rate: Arc::new(RateLimit::new(statements_per_minute)),
            counters: Arc::default(),
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
        self.tools.now()
    }
}
