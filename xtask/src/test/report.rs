//! The table at the end of a run: what was skipped, how long everything took.

use std::fmt;
use std::time::Duration;

use super::budget::Budget;
use super::suite::{Suite, Tally};
use crate::clock::spoken;

/// The suites of a run, in the order they ran.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Suite>);

impl Report {
    /// Adds a suite that ran.
    pub(crate) fn add(&mut self, suite: Suite) {
        self.0.push(suite);
    }

    /// Adds the suites of another run behind these.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The count over all suites.
    pub(crate) fn total(&self) -> Tally {
        self.0.iter().map(|suite| suite.tally).sum()
    }

    fn of(&self, budget: Budget) -> impl Iterator<Item = &Suite> {
        self.0.iter().filter(move |suite| suite.budget == budget)
    }

    fn write_group(&self, budget: Budget, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of(budget).next().is_none() {
            return Ok(());
        }
        let tally = self.of(budget).map(|suite| suite.tally).sum();
        let took = self.of(budget).map(|suite| suite.took).sum();
        let over = if took > budget.allowance() {
            " over"
        } else {
            ""
        };
        let allowance = format!("{}{over}", spoken(budget.allowance()));
        row(f, budget.name(), tally, took, &allowance)?;
        // A test program without tests is no news.
        for suite in self
            .of(budget)
            .filter(|suite| suite.tally != Tally::default())
        {
            row(f, &format!("  {}", suite.name), suite.tally, suite.took, "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for suite in &self.0 {
            for skip in &suite.skips {
                writeln!(f, "skipped in {}: {skip}", suite.name)?;
            }
        }
        let (passed, failed, skipped) = ("passed", "failed", "skipped");
        let header = format!(
            "{:<34}{passed:>7}{failed:>7}{skipped:>8}{:>14}  budget",
            "suite", "took"
        );
        writeln!(f, "{header}")?;
        Budget::ALL
            .into_iter()
            .try_for_each(|budget| self.write_group(budget, f))
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    tally: Tally,
    took: Duration,
    allowance: &str,
) -> fmt::Result {
    let Tally {
        passed,
        failed,
        skipped,
    } = tally;
    let took = spoken(took);
    let line = format!("{name:<34}{passed:>7}{failed:>7}{skipped:>8}{took:>14}  {allowance}");
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Budget, Duration, Report, Suite, Tally};

    fn suite(name: &str, budget: Budget, tally: Tally, seconds: u64) -> Suite {
        let took = Duration::from_secs(seconds);
        Suite {
            name: name.to_owned(),
            budget,
            tally,
            took,
            skips: Vec::new(),
        }
    }

    #[test]
    fn suites_are_grouped_and_set_against_their_budget() {
        let mut report = Report::default();
        report.add(suite("tidy", Budget::Build, Tally::PASSED, 12));
        let passed = Tally {
            passed: 40,
            failed: 0,
            skipped: 0,
        };
        report.add(suite("breakglass-tlog lib", Budget::Log, passed, 400));
        report.add(suite("breakglass-tlog it", Budget::Log, Tally::FAILED, 300));
        report.add(suite(
            "breakglass-store bin",
            Budget::Log,
            Tally::default(),
            0,
        ));
        let expected = "\
suite                              passed failed skipped          took  budget
build                                   1      0       0          12 s  15 min 00 s
  tidy                                  1      0       0          12 s
log                                    40      1       0   11 min 40 s  10 min 00 s over
  breakglass-tlog lib                  40      0       0    6 min 40 s
  breakglass-tlog it                    0      1       0    5 min 00 s
";
        assert_eq!(report.to_string(), expected);
        assert_eq!(
            report.total(),
            Tally {
                passed: 41,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn what_was_skipped_is_said_with_its_reason() {
        let mut report = Report::default();
        let mut skipped = suite("breakglass it", Budget::RulesAndSystem, Tally::SKIPPED, 1);
        skipped.skips.push("sign::agent: no ssh-agent".to_owned());
        report.add(skipped);
        let text = report.to_string();
        assert!(
            text.starts_with("skipped in breakglass it: sign::agent: no ssh-agent\n"),
            "{text}"
        );
    }
}
