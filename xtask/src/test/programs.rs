//! Running a test program, and reading its log and its skip file.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::budget::Budget;
use super::compile::Program;
use super::limited::{self, Ending};
use super::selection::Selection;
use super::suite::{Suite, Tally};
use super::{libtest, skips};
use crate::clock::{Stopwatch, spoken};
use crate::error::Error;
use crate::packages;

/// Runs one test program for at most the whole allowance of its group.
pub(crate) fn run(
    program: &Program,
    selection: &Selection,
    scratch: &Path,
) -> Result<Suite, Error> {
    let name = format!("{} {}", program.package, program.target);
    let budget = Budget::of_package(&program.package);
    let skip_file = scratch.join(format!("{}.skipped", name.replace(' ', ".")));
    let log = scratch.join(format!("{}.log", name.replace(' ', ".")));
    skips::clear(&skip_file)?;

    announce(&name);
    let watch = Stopwatch::start();
    let command = command(program, selection, &skip_file);
    let ending = limited::run(command, &log, budget.allowance())?;
    let took = watch.elapsed();

    let output = std::fs::read(&log).map_err(Error::file(&log))?;
    let output = String::from_utf8_lossy(&output);
    let skips = skips::read(&skip_file)?;
    let tally = skips::subtract(judge(ending, libtest::tally(&output)), &skips);
    println!("{tally} ({})", spoken(took));
    if selection.shows_output() {
        println!("{output}");
    } else if tally.failed > 0 {
        explain(ending, &output, &log);
    }
    Ok(Suite {
        name,
        budget,
        tally,
        took,
        skips,
    })
}

/// How long the property model of the rules plays: here a million steps, under plain `cargo test`
/// fewer.
const STEPS: &str = "BREAKGLASS_STEPS";

/// The program as `cargo test` would start it, plus what the tests want to know.
fn command(program: &Program, selection: &Selection, skip_file: &Path) -> Command {
    let mut command = Command::new(&program.executable);
    command
        .args(&selection.arguments)
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("CARGO_PKG_NAME", &program.package)
        .env("PATH", packages::search_path())
        .env(skips::VARIABLE, skip_file);
    if std::env::var_os(STEPS).is_none() {
        command.env(STEPS, "1000000");
    }
    command
}

/// Counts a program that did not end as it should as one failure, whatever it printed.
pub(crate) fn judge(ending: Ending, tally: Option<Tally>) -> Tally {
    match (ending, tally) {
        (Ending::Succeeded, Some(tally)) => tally,
        (Ending::Failed, Some(tally)) if tally.failed > 0 => tally,
        (Ending::Succeeded | Ending::Failed | Ending::TimedOut, tally) => {
            tally.unwrap_or_default() + Tally::FAILED
        }
    }
}

/// Begins the line that the result will end, so that a person sees what is running.
pub(crate) fn announce(name: &str) {
    print!("==> {name}: ");
    // Nobody is helped when a progress line that cannot be shown stops the tests.
    let _ = std::io::stdout().flush();
}

/// Shows why tests failed.
pub(crate) fn explain(ending: Ending, output: &str, log: &Path) {
    println!("{}", libtest::failing_part(output));
    if ending == Ending::TimedOut {
        println!("    killed: it used up the whole budget of its group");
    } else if libtest::tally(output).is_none() {
        println!("    it ended before its tests did");
    }
    println!("    the whole output is in {}", log.display());
}

#[cfg(test)]
mod tests {
    use super::{Ending, Tally, judge};

    const FINE: Tally = Tally {
        passed: 4,
        failed: 0,
        skipped: 0,
    };
    const BROKEN: Tally = Tally {
        passed: 3,
        failed: 1,
        skipped: 0,
    };

    #[test]
    fn the_tally_counts_when_it_agrees_with_the_exit_status() {
        assert_eq!(judge(Ending::Succeeded, Some(FINE)), FINE);
        assert_eq!(judge(Ending::Failed, Some(BROKEN)), BROKEN);
    }

    #[test]
    fn a_program_that_died_or_printed_nothing_is_one_failure() {
        assert_eq!(judge(Ending::Failed, None), Tally::FAILED);
        assert_eq!(judge(Ending::TimedOut, None), Tally::FAILED);
        assert_eq!(judge(Ending::Succeeded, None), Tally::FAILED);
    }

    #[test]
    fn a_bad_exit_after_a_good_result_is_a_failure_too() {
        assert_eq!(judge(Ending::Failed, Some(FINE)), BROKEN + Tally::PASSED);
    }
}
