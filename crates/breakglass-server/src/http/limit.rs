//! Bounds on what one address may ask for, and counters of what was turned away.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use breakglass_format::Timestamp;

/// Addresses remembered at most.
const ADDRESSES_MAX: usize = 50_000;

/// Statements per minute and address.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_minute: u32,
    seen: Mutex<HashMap<IpAddr, (i64, u32)>>,
}

impl RateLimit {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            seen: Mutex::new(HashMap::new()),
        }
    }

    /// Whether one more is within the bound.
    pub(crate) fn allows(&self, address: IpAddr, now: Timestamp) -> bool {
        let minute = now.millis() / 60_000;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= ADDRESSES_MAX {
            seen.retain(|_, (m, _)| *m == minute);
        }
        let (at, count) = seen.entry(address).or_insert((minute, 0));
        if *at != minute {
            (*at, *count) = (minute, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.per_minute
    }
}

/// What is counted; read by `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unauthenticated: AtomicU64,
    pub(crate) limited: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
