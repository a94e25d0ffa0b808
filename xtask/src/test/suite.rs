//! The result of one suite.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::time::Duration;

use super::budget::Budget;

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    pub(crate) const PASSED: Self = Self {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    pub(crate) const FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };
    pub(crate) const SKIPPED: Self = Self {
        passed: 0,
        failed: 0,
        skipped: 1,
    };

    /// The tally of a single check.
    pub(crate) fn of(passed: bool) -> Self {
        if passed { Self::PASSED } else { Self::FAILED }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// One suite after it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) budget: Budget,
    pub(crate) tally: Tally,
    pub(crate) took: Duration,
    /// `name: reason` of what could not run here.
    pub(crate) skips: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn the_total_reads_as_the_last_line_must() {
        let total: Tally = [Tally::PASSED, Tally::PASSED, Tally::FAILED, Tally::SKIPPED]
            .into_iter()
            .sum();
        assert_eq!(total.to_string(), "2 passed, 1 failed, 1 skipped");
    }
}
