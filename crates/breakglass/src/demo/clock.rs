//! A clock that can jump: the machine's own, moved forward.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use breakglass_format::Timestamp;
use breakglass_server::{Clock as ServerClock, SystemClock};

/// The machine's clock plus what the play skipped. Server and people share it.
#[derive(Debug, Clone, Default)]
pub struct PlayClock {
    skipped_ms: Arc<AtomicI64>,
}

impl PlayClock {
    /// Skips so many seconds.
    pub fn skip_s(&self, seconds: i64) {
        self.skipped_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    fn skipped(&self) -> i64 {
        self.skipped_ms.load(Ordering::SeqCst)
    }
}

impl ServerClock for PlayClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.wall().millis() + self.skipped())
    }

    fn boot_ms(&self) -> i64 {
        SystemClock.boot_ms() + self.skipped()
    }
}

impl crate::clock::Clock for PlayClock {
    fn now(&self) -> Timestamp {
        self.wall()
    }
}
