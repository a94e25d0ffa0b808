//! The skip file: tests that could not run here say so in it.

use std::collections::BTreeMap;
use std::path::Path;

use super::suite::Tally;
use crate::error::Error;

/// The environment variable that names the file.
pub(crate) const VARIABLE: &str = "BREAKGLASS_SKIP_FILE";

/// Removes what an earlier run left.
pub(crate) fn clear(file: &Path) -> Result<(), Error> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(file)(error)),
        _ => Ok(()),
    }
}

/// Reads the `name: reason` lines; no file means that nothing was skipped.
pub(crate) fn read(file: &Path) -> Result<Vec<String>, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file(file)(error)),
    }
}

/// One line for each name: a test is skipped once, however often it says so.
fn parse(text: &str) -> Vec<String> {
    let mut by_name = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let name = line.split_once(": ").map_or(line, |(name, _)| name);
        by_name.entry(name).or_insert(line);
    }
    by_name.into_values().map(str::to_owned).collect()
}

/// Moves the skipped tests, which libtest takes for passed ones, to where they belong.
pub(crate) fn subtract(tally: Tally, skips: &[String]) -> Tally {
    let moved = skips.len().min(tally.passed);
    Tally {
        passed: tally.passed - moved,
        skipped: tally.skipped + moved,
        ..tally
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, clear, parse, read, subtract};

    #[test]
    fn a_name_counts_once() {
        let text = "b::two: no sshd\na::one: no ssh-agent\n\na::one: no ssh-agent\n";
        assert_eq!(parse(text), ["a::one: no ssh-agent", "b::two: no sshd"]);
    }

    #[test]
    fn skipped_tests_are_taken_off_the_passed_ones() {
        let before = Tally {
            passed: 5,
            failed: 1,
            skipped: 1,
        };
        let skips = ["a: x".to_owned(), "b: y".to_owned()];
        assert_eq!(
            subtract(before, &skips),
            Tally {
                passed: 3,
                failed: 1,
                skipped: 3
            }
        );
    }

    #[test]
    fn no_file_means_nothing_skipped() {
        let file = std::env::temp_dir().join(format!("xtask-no-skips-{}", std::process::id()));
        clear(&file).unwrap();
        assert!(read(&file).unwrap().is_empty());
    }
}
