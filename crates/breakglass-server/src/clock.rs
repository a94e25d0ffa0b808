//! The one place where time is read.

use breakglass_format::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// A source of time: the wall clock, which may step, and the time since boot, which may not.
///
/// It is an argument of the server's constructor. No flag, configuration or call of the API
/// reaches it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The wall clock.
    fn wall(&self) -> Timestamp;
    /// Milliseconds since some fixed instant, suspended time included; never steps.
    fn boot_ms(&self) -> i64;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(read(ClockId::Realtime))
    }

    fn boot_ms(&self) -> i64 {
        read(ClockId::Boottime)
    }
}

fn read(id: ClockId) -> i64 {
    let at = clock_gettime(id);
    at.tv_sec
        .saturating_mul(1000)
        .saturating_add(at.tv_nsec / 1_000_000)
}

/// Engine time: the later of the wall clock and the last entry at start, then plus
/// elapsed boot-time clock. It neither freezes nor follows a step.
#[derive(Debug, Clone)]
pub struct EngineTime {
    base: Timestamp,
    boot_base: i64,
    wall_offset_ms: i64,
}

/// A step of the wall clock smaller than this is drift.
const STEP_MS: i64 = 5_000;

impl EngineTime {
    /// Starts the clock, given the time of the last entry.
    #[must_use]
    pub fn start(clock: &dyn Clock, last: Timestamp) -> Self {
        let wall = clock.wall();
        let base = wall.max(last);
        Self {
            base,
            boot_base: clock.boot_ms(),
            wall_offset_ms: wall.since_ms(base),
        }
    }

    /// Engine time now.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Timestamp {
        let elapsed = clock.boot_ms().saturating_sub(self.boot_base);
        Timestamp::from_millis(self.base.millis().saturating_add(elapsed))
    }

    /// Whether the wall clock stepped since last asked, and by how many milliseconds.
    pub fn stepped(&mut self, clock: &dyn Clock) -> Option<i64> {
        let offset = clock.wall().since_ms(self.now(clock));
        let step = offset - self.wall_offset_ms;
        if step.abs() <= STEP_MS {
            return None;
        }
        self.wall_offset_ms = offset;
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Settable {
        wall: AtomicI64,
        boot: AtomicI64,
    }

    impl Clock for Settable {
        fn wall(&self) -> Timestamp {
            Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
        }
        fn boot_ms(&self) -> i64 {
            self.boot.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn engine_time_neither_freezes_nor_follows_a_step() {
        let clock = Settable::default();
        clock.wall.store(1_000_000, Ordering::SeqCst);
        let mut time = EngineTime::start(&clock, Timestamp::from_millis(2_000_000));
        assert_eq!(time.now(&clock).millis(), 2_000_000);
        clock.boot.store(10_000, Ordering::SeqCst);
        clock.wall.store(1_010_000, Ordering::SeqCst);
        assert_eq!(time.now(&clock).millis(), 2_010_000);
        assert_eq!(time.stepped(&clock), None);
        clock.wall.store(9_000_000, Ordering::SeqCst);
        assert_eq!(time.now(&clock).millis(), 2_010_000);
        assert_eq!(time.stepped(&clock), Some(7_990_000));
        assert_eq!(time.stepped(&clock), None);
        clock.wall.store(0, Ordering::SeqCst);
        assert_eq!(time.stepped(&clock), Some(-9_000_000));
    }
}
