//! What a test program of the standard harness prints.

use super::suite::Tally;

/// Adds up the `test result:` lines of `output`; `None` when there is none, that is, when the
/// program ended before its tests did.
pub(crate) fn tally(output: &str) -> Option<Tally> {
    output
        .lines()
        .filter_map(summary)
        .reduce(|sum, line| sum + line)
}

/// Reads `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; …`.
fn summary(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok())
    };
    Some(Tally {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored")?,
    })
}

/// The part of `output` worth showing to a person whose tests failed: from the first `failures:`
/// on, or the last lines of a program that never got there.
pub(crate) fn failing_part(output: &str) -> String {
    const LAST_LINES: usize = 60;
    let lines: Vec<&str> = output.lines().collect();
    let failures = lines.iter().position(|line| *line == "failures:");
    let start = failures.unwrap_or_else(|| lines.len().saturating_sub(LAST_LINES));
    lines.get(start..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Tally, failing_part, tally};

    const OK: &str = "\nrunning 6 tests\n......\ntest result: ok. 5 passed; 0 failed; 1 ignored; \
                      0 measured; 2 filtered out; finished in 0.10s\n";

    #[test]
    fn ignored_counts_as_skipped() {
        assert_eq!(
            tally(OK),
            Some(Tally {
                passed: 5,
                failed: 0,
                skipped: 1
            })
        );
    }

    #[test]
    fn doc_tests_of_several_crates_add_up() {
        let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; \
                      0 filtered out; finished in 0.00s";
        let both = format!("{OK}{failed}\n");
        assert_eq!(
            tally(&both),
            Some(Tally {
                passed: 6,
                failed: 2,
                skipped: 1
            })
        );
    }

    #[test]
    fn a_program_that_died_has_no_tally() {
        assert_eq!(tally("running 3 tests\ntest a ... ok\n"), None);
        assert_eq!(
            tally("test result: ok. many passed; 0 failed; 0 ignored"),
            None
        );
    }

    #[test]
    fn failures_are_shown_from_their_heading_on() {
        let output = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nboom\n";
        assert_eq!(
            failing_part(output),
            "failures:\n\n---- a stdout ----\nboom"
        );
    }

    #[test]
    fn a_program_that_died_shows_its_last_lines() {
        let output: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = failing_part(&output);
        assert!(
            shown.starts_with("line 40\n") && shown.ends_with("line 99"),
            "{shown}"
        );
    }
}
