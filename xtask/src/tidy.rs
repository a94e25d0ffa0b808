//! `cargo xtask tidy`: the checks of the house that no compiler makes. One check, one file.

mod boundaries;
mod dependencies;
mod features;
mod length;
mod links;
mod lints;
mod lockfile;
mod markdown;
mod purity;
mod requirements;
mod sleeps;
mod tree;
mod words;

use std::fmt;
use std::process::ExitCode;

use crate::cargo::Workspace;
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::test::{Budget, Suite, Tally};
use tree::Tree;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// The file, with its line where there is one, or the crate.
    place: String,
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }

    /// A finding in the line with that index, counted from 0.
    fn at(file: &str, index: usize, message: impl Into<String>) -> Self {
        Self::new(format!("{file}:{}", index + 1), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// A check: what it holds to be true, and what it found against that.
struct Check {
    claim: &'static str,
    run: fn(&Workspace, &Tree) -> Vec<Finding>,
}

const CHECKS: &[Check] = &[
    Check {
        claim: "crates depend only on the crates they may",
        run: |workspace, _| boundaries::check(&workspace.packages),
    },
    Check {
        claim: "pure crates have no runtime, network, store or entropy",
        run: |workspace, _| purity::check(&workspace.packages),
    },
    Check {
        claim: "only the test kit enables danger-assertion",
        run: |workspace, _| features::check(&workspace.packages),
    },
    Check {
        claim: "every crate inherits the lints",
        run: lints::check,
    },
    Check {
        claim: "no Rust file is over 600 lines",
        run: |_, tree| length::check(tree),
    },
    Check {
        claim: "nothing is left half done",
        run: |_, tree| words::check(tree),
    },
    Check {
        claim: "no test sleeps",
        run: |_, tree| sleeps::check(tree),
    },
    Check {
        claim: "requirements name tests that exist",
        run: requirements::check,
    },
    Check {
        claim: "every dependency is accounted for",
        run: dependencies::check,
    },
    Check {
        claim: "links in documents lead somewhere",
        run: |_, tree| links::check(tree),
    },
    Check {
        claim: "one version, one lockfile, no pinned toolchain",
        run: lockfile::check,
    },
];

/// Runs every check and prints what it found.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let tally = check(workspace)?;
    println!("{tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The checks as one suite of `cargo xtask test`, each counted as a test.
pub(crate) fn suite(workspace: &Workspace) -> Result<Suite, Error> {
    println!("==> tidy");
    let watch = Stopwatch::start();
    let tally = check(workspace)?;
    Ok(Suite {
        name: "tidy".to_owned(),
        budget: Budget::Build,
        tally,
        took: watch.elapsed(),
        skips: Vec::new(),
    })
}

fn check(workspace: &Workspace) -> Result<Tally, Error> {
    let tree = Tree::read(&workspace.root, &workspace.target)?;
    Ok(CHECKS
        .iter()
        .map(|check| report(check, &(check.run)(workspace, &tree)))
        .sum())
}

fn report(check: &Check, findings: &[Finding]) -> Tally {
    let verdict = if findings.is_empty() { "ok" } else { "NO" };
    println!("    {verdict}  {}", check.claim);
    for finding in findings {
        println!("          {finding}");
    }
    Tally::of(findings.is_empty())
}

#[cfg(test)]
mod samples;
