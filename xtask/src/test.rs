//! `cargo xtask test`: everything that has to hold, with the time each part took.
//!
//! The suites are the build (formatting, clippy, compiling), `tidy`, every test program of the
//! workspace and the doc tests. The last line on standard output is `N passed, M failed, K skipped`.
//!
//! # A test that cannot run on this machine
//!
//! A test that wants a program the machine does not have must neither fail nor pretend to have
//! passed. The environment variable `BREAKGLASS_SKIP_FILE` names a file; such a test appends the
//! line `name: reason` to it, where `name` is its full name in its test program, and returns:
//!
//! ```ignore
//! if let Some(path) = std::env::var_os("BREAKGLASS_SKIP_FILE") {
//!     let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
//!     file.write_all(b"sign::with_a_real_agent: no ssh-agent on PATH\n")?;
//! }
//! return Ok(());
//! ```
//!
//! One `write_all` of the whole line: tests run side by side, and a short append is not torn.
//! The variable is not set under plain `cargo test`; there a test prints its reason and returns.
//! Each test program gets a file of its own. The names in it are taken off the program's passed
//! tests and counted as skipped, as are tests that libtest reports as ignored.
//!
//! Under `CI=true` whatever is skipped is a failure: there the machine has to have everything.

mod budget;
mod compile;
mod doc;
mod libtest;
mod limited;
mod programs;
mod report;
mod selection;
mod skips;
mod steps;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::apt;
use crate::cargo::Workspace;
use crate::error::Error;
use crate::packages::Package;
use crate::tidy;
pub(crate) use budget::Budget;
use report::Report;
pub(crate) use selection::Selection;
pub(crate) use suite::{Suite, Tally};

/// Runs what `selection` asks for and prints the result.
pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<ExitCode, Error> {
    let scratch = scratch(workspace)?;
    let missing = apt::provide(&scratch)?;
    let report = if selection.is_everything() {
        everything(workspace, &scratch)?
    } else {
        selected(workspace, selection, &scratch)?
    };
    Ok(conclude(&report, selection, &missing))
}

/// The whole run, which a suite that fails does not end.
fn everything(workspace: &Workspace, scratch: &Path) -> Result<Report, Error> {
    let mut report = Report::default();
    report.add(tidy::suite(workspace)?);
    report.add(steps::formatting(workspace)?);
    report.add(steps::clippy(workspace)?);
    report.extend(selected(workspace, &Selection::default(), scratch)?);
    report.add(doc::tests(workspace, scratch)?);
    Ok(report)
}

/// The test programs of the selected packages.
fn selected(workspace: &Workspace, selection: &Selection, scratch: &Path) -> Result<Report, Error> {
    let mut report = Report::default();
    let compiled = compile::tests(workspace, selection)?;
    report.add(compiled.suite);
    for program in &compiled.programs {
        report.add(programs::run(program, selection, scratch)?);
    }
    Ok(report)
}

/// A folder for logs and skip files, below the target folder.
fn scratch(workspace: &Workspace) -> Result<PathBuf, Error> {
    let folder = workspace.target.join("xtask");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    Ok(folder)
}

/// Prints what is left to say, the total on the last line, and decides on the exit status.
fn conclude(report: &Report, selection: &Selection, missing: &[&Package]) -> ExitCode {
    println!("\n{report}");
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    if !missing.is_empty() {
        println!("to run everything: {}", apt::by_hand(missing));
    }
    let tally = report.total();
    if tally.skipped > 0 && ci {
        println!("CI=true: what is skipped counts against the run");
    }
    if !selection.is_everything() && tally == Tally::PASSED {
        println!("no test matches: only compiling was tested");
    }
    let complete = tally.skipped == 0 && (missing.is_empty() || !selection.is_everything());
    println!("{tally}");
    ExitCode::from(exit_status(tally, complete, ci))
}

fn exit_status(tally: Tally, complete: bool, ci: bool) -> u8 {
    match (tally.failed == 0, complete, ci) {
        (false, _, _) | (true, false, true) => 1,
        (true, false, false) => 3,
        (true, true, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, exit_status};

    const CLEAN: Tally = Tally {
        passed: 9,
        failed: 0,
        skipped: 0,
    };
    const BROKEN: Tally = Tally {
        passed: 9,
        failed: 1,
        skipped: 0,
    };

    #[test]
    fn a_failure_is_one_whatever_else_happened() {
        assert_eq!(exit_status(BROKEN, false, false), 1);
        assert_eq!(exit_status(BROKEN, true, true), 1);
    }

    #[test]
    fn an_incomplete_run_is_three_for_a_person_and_a_failure_for_ci() {
        assert_eq!(exit_status(CLEAN, false, false), 3);
        assert_eq!(exit_status(CLEAN, false, true), 1);
    }

    #[test]
    fn everything_passed_is_zero() {
        assert_eq!(exit_status(CLEAN, true, true), 0);
    }
}
