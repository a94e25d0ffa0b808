//! The examples in the documentation.

use std::path::Path;

use super::budget::Budget;
use super::suite::{Suite, Tally};
use super::{libtest, limited, programs};
use crate::cargo::Workspace;
use crate::clock::{Stopwatch, spoken};
use crate::error::Error;

/// Runs the doc tests of the whole workspace.
pub(crate) fn tests(workspace: &Workspace, scratch: &Path) -> Result<Suite, Error> {
    let budget = Budget::RulesAndSystem;
    let log = scratch.join("doc-tests.log");
    let mut command = workspace.cargo();
    command.args(["test", "--locked", "--doc", "--workspace"]);

    programs::announce("doc tests");
    let watch = Stopwatch::start();
    let ending = limited::run(command, &log, budget.allowance())?;
    let took = watch.elapsed();

    let output = std::fs::read(&log).map_err(Error::file(&log))?;
    let output = String::from_utf8_lossy(&output);
    let tally: Tally = programs::judge(ending, libtest::tally(&output));
    println!("{tally} ({})", spoken(took));
    if tally.failed > 0 {
        programs::explain(ending, &output, &log);
    }
    Ok(Suite {
        name: "doc tests".to_owned(),
        budget,
        tally,
        took,
        skips: Vec::new(),
    })
}
