//! What this process remembers of runs between two steps. Losing it is harmless: a run without
//! memory is looked up at its plane first.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use breakglass_connectors::deploy::run::Claim;
use breakglass_format::{RunId, backoff};

use crate::{clock::Clock, entropy::random};

/// First wait between two steps that brought nothing new, and the longest.
const WAIT_MS: (u64, u64) = (200, 15_000);
/// Steps without news after which a check that cannot be made is given up.
const VERIFY_TRIES: u32 = 20;

#[derive(Debug, Clone, Copy)]
struct Attempt {
    claim: Claim,
    quiet: u32,
    not_before_ms: i64,
}

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    runs: Mutex<HashMap<RunId, Attempt>>,
}

impl Attempts {
    /// Whether the run's wait is over.
    pub(super) fn is_due(&self, run: RunId, clock: &dyn Clock) -> bool {
        self.get(run)
            .is_none_or(|a| clock.boot_ms() >= a.not_before_ms)
    }

    /// Whether anything may have been sent under the run's claim.
    pub(super) fn claim(&self, run: RunId) -> Claim {
        self.get(run).map_or(Claim::Used, |a| a.claim)
    }

    /// Whether a check that cannot be made this time is given up.
    pub(super) fn is_last(&self, run: RunId) -> bool {
        self.get(run).is_some_and(|a| a.quiet >= VERIFY_TRIES)
    }

    /// A step brought nothing new: wait longer.
    pub(super) fn quiet(&self, run: RunId, claim: Claim, clock: &dyn Clock) {
        let quiet = self.get(run).map_or(0, |a| a.quiet) + 1;
        let jitter = random::<8>().map_or(0, u64::from_le_bytes);
        let wait = backoff::delay_ms(quiet, WAIT_MS.0, WAIT_MS.1, jitter);
        let not_before_ms = clock.boot_ms() + i64::try_from(wait).unwrap_or(0);
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(
            run,
            Attempt {
                claim,
                quiet,
                not_before_ms,
            },
        );
    }

    /// A step brought news, or the run is over.
    pub(super) fn forget(&self, run: RunId) {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&run);
    }

    fn get(&self, run: RunId) -> Option<Attempt> {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&run)
            .copied()
    }
}
