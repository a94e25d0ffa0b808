//! Exponential backoff with full jitter. Entropy is an argument.

/// Milliseconds to wait before attempt number `attempt + 1`, after `attempt` failed ones.
///
/// Uniform between 0 and `min(cap_ms, base_ms · 2^(attempt−1))` ("full jitter"), never less than
/// a tenth of that bound, so that a retry never becomes a busy loop. `random` is uniform over all
/// of `u64`.
#[must_use]
pub fn delay_ms(attempt: u32, base_ms: u64, cap_ms: u64, random: u64) -> u64 {
    let doublings = attempt.saturating_sub(1).min(32);
    let bound = base_ms.saturating_mul(1 << doublings).min(cap_ms);
    let floor = bound / 10;
    floor + random % (bound - floor + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_cap_and_stays_within_bounds() {
        for attempt in 0..100 {
            for random in [0, 1, u64::MAX / 2, u64::MAX] {
                let delay = delay_ms(attempt, 1_000, 60_000, random);
                assert!(
                    (100..=60_000).contains(&delay),
                    "{attempt} {random} {delay}"
                );
            }
        }
        assert!(delay_ms(1, 1_000, 60_000, u64::MAX) <= 1_000);
        assert!(delay_ms(40, 1_000, 60_000, 59_999) > 6_000);
    }
}
