//! The suites of the build that are one cargo command each.

use super::budget::Budget;
use super::suite::{Suite, Tally};
use crate::cargo::Workspace;
use crate::clock::Stopwatch;
use crate::error::Error;

/// `cargo fmt --all --check`.
pub(crate) fn formatting(workspace: &Workspace) -> Result<Suite, Error> {
    component(workspace, "rustfmt", &["fmt", "--all", "--check"])
}

/// `cargo clippy` on everything, where a warning is a failure.
pub(crate) fn clippy(workspace: &Workspace) -> Result<Suite, Error> {
    let arguments = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ];
    component(workspace, "clippy", &arguments)
}

/// Runs a cargo command that comes with the component of that name.
fn component(workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<Suite, Error> {
    let line = arguments.join(" ");
    println!("==> cargo {line}");
    let watch = Stopwatch::start();
    let mut suite = Suite {
        name: format!("cargo {}", arguments.first().unwrap_or(&"")),
        budget: Budget::Build,
        tally: Tally::SKIPPED,
        took: watch.elapsed(),
        skips: Vec::new(),
    };
    if !is_installed(workspace, arguments)? {
        suite
            .skips
            .push(format!("cargo {line}: needs `rustup component add {name}`"));
        return Ok(suite);
    }
    let status = workspace
        .cargo()
        .args(arguments)
        .status()
        .map_err(Error::spawn("cargo"))?;
    suite.tally = Tally::of(status.success());
    suite.took = watch.elapsed();
    Ok(suite)
}

fn is_installed(workspace: &Workspace, arguments: &[&str]) -> Result<bool, Error> {
    let command = arguments.iter().take(1).chain(&["--version"]);
    let output = workspace
        .cargo()
        .args(command)
        .output()
        .map_err(Error::spawn("cargo"))?;
    Ok(output.status.success())
}
