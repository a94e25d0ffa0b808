//! Bounds on what one caller may ask for, and counters of what was turned away.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use breakglass_format::Timestamp;

/// Callers remembered at most.
const CALLERS_MAX: usize = 50_000;
/// A minute, in microseconds.
const MINUTE_US: i64 = 60_000_000;

/// So many per minute and caller: a minute's worth at once, and then as many as time brings.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    /// How much time one of them takes up.
    each_us: i64,
    /// Until when each caller has used up time. Callers for whom there is no place share one.
    until_us: Mutex<HashMap<Option<K>, i64>>,
}

impl<K: Copy + Eq + Hash> RateLimit<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            each_us: MINUTE_US / i64::from(per_minute.max(1)),
            until_us: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one up, or says in how many seconds there is one again.
    pub(crate) fn take(&self, caller: K, now: Timestamp) -> Result<(), u64> {
        let now = now.millis().saturating_mul(1000);
        let mut until = self.until_us.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= CALLERS_MAX {
            until.retain(|_, at| *at > now);
        }
        let is_known = until.len() < CALLERS_MAX || until.contains_key(&Some(caller));
        let place = until.entry(is_known.then_some(caller)).or_insert(now);
        let next = (*place).max(now).saturating_add(self.each_us);
        let over = next.saturating_sub(now.saturating_add(MINUTE_US));
        if over > 0 {
            return Err(u64::try_from(over).unwrap_or(0).div_ceil(1_000_000));
        }
        *place = next;
        Ok(())
    }
}

/// Whom an address stands for: of IPv6, a whole network belongs to one caller.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

/// What is counted; read by the metrics.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unauthenticated: AtomicU64,
    pub(crate) limited: AtomicU64,
    pub(crate) reads_limited: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_minute_is_used_up_and_comes_back_bit_by_bit() {
        let limit = RateLimit::new(60);
        let now = Timestamp::from_millis(1_000_000_000);
        for _ in 0..60 {
            assert_eq!(limit.take("thief", now), Ok(()));
        }
        assert_eq!(limit.take("thief", now), Err(1));
        assert_eq!(limit.take("alice", now), Ok(()));
        assert_eq!(limit.take("thief", now.plus_s(1)), Ok(()));
        assert_eq!(limit.take("thief", now.plus_s(1)), Err(1));
        // Whoever rests a while has a minute's worth again, and no more.
        let taken = (0..100).filter(|_| limit.take("thief", now.plus_s(3_600)).is_ok());
        assert_eq!(taken.count(), 60);
        let slow = RateLimit::new(2);
        assert!(slow.take((), now).is_ok() && slow.take((), now).is_ok());
        assert_eq!(slow.take((), now), Err(30));
    }

    #[test]
    fn callers_for_whom_there_is_no_place_share_one() {
        let limit = RateLimit::new(2);
        let now = Timestamp::from_millis(1_000_000_000);
        let many = u32::try_from(CALLERS_MAX).unwrap();
        for caller in 0..many {
            assert_eq!(limit.take(caller, now), Ok(()));
        }
        assert_eq!(limit.take(many, now), Ok(()));
        assert_eq!(limit.take(many + 1, now), Ok(()));
        assert!(limit.take(many + 2, now).is_err());
        assert_eq!(limit.take(0, now), Ok(()));
        assert!(limit.until_us.lock().unwrap().len() <= CALLERS_MAX + 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
