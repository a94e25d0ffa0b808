//! Compiling the tests and finding the programs that cargo made of them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::budget::Budget;
use super::selection::Selection;
use super::suite::{Suite, Tally};
use crate::cargo::Workspace;
use crate::clock::Stopwatch;
use crate::error::Error;

/// A compiled test program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) package: String,
    /// `lib` or `bin` for the tests inside the crate, else the name of the integration test.
    pub(crate) target: String,
    /// The folder of the package, in which its tests run, as under `cargo test`.
    pub(crate) folder: PathBuf,
    pub(crate) executable: PathBuf,
}

/// What compiling gave.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) suite: Suite,
    /// Ordered by budget, then by name.
    pub(crate) programs: Vec<Program>,
}

/// Compiles the tests of the selected packages. When some do not compile, the programs of the
/// others are returned all the same, and the suite has failed.
pub(crate) fn tests(workspace: &Workspace, selection: &Selection) -> Result<Compiled, Error> {
    println!("==> compiling the tests");
    let watch = Stopwatch::start();
    let output = workspace
        .cargo()
        .args([
            "test",
            "--locked",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ])
        .args(selection.cargo_arguments())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::spawn("cargo test"))?;
    let programs = programs(workspace, &String::from_utf8_lossy(&output.stdout));
    // No program at all means that nothing would be tested, which must not look like success.
    let passed = output.status.success() && !programs.is_empty();
    let suite = Suite {
        name: "compile tests".to_owned(),
        budget: Budget::Build,
        tally: Tally::of(passed),
        took: watch.elapsed(),
        skips: Vec::new(),
    };
    Ok(Compiled { suite, programs })
}

/// The test programs among cargo's messages, one JSON object a line.
fn programs(workspace: &Workspace, messages: &str) -> Vec<Program> {
    let mut programs: Vec<Program> = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter_map(|message| program(workspace, &message))
        .collect();
    programs.sort_by_key(|program| {
        (
            order(program),
            program.package.clone(),
            program.target.clone(),
        )
    });
    programs
}

fn program(workspace: &Workspace, message: &Value) -> Option<Program> {
    let at = |pointer: &str| message.pointer(pointer);
    if at("/reason")?.as_str()? != "compiler-artifact" || !at("/profile/test")?.as_bool()? {
        return None;
    }
    let manifest = Path::new(at("/manifest_path")?.as_str()?);
    let package = workspace
        .packages
        .iter()
        .find(|package| package.manifest == manifest)?;
    let target = match at("/target/kind/0")?.as_str()? {
        "test" => at("/target/name")?.as_str()?,
        kind => kind,
    };
    Some(Program {
        package: package.name.clone(),
        target: target.to_owned(),
        folder: package.folder().to_owned(),
        executable: at("/executable")?.as_str()?.into(),
    })
}

fn order(program: &Program) -> usize {
    let budget = Budget::of_package(&program.package);
    Budget::ALL
        .iter()
        .position(|other| *other == budget)
        .unwrap_or(Budget::ALL.len())
}

#[cfg(test)]
mod tests {
    use super::programs;
    use crate::cargo::{Package, Workspace};
    use serde_json::{Value, json};

    fn workspace() -> Workspace {
        let package = |name: &str| Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            manifest: format!("/w/crates/{name}/Cargo.toml").into(),
            dependencies: Vec::new(),
            features: std::collections::BTreeMap::new(),
        };
        Workspace {
            root: "/w".into(),
            target: "/w/target".into(),
            packages: vec![package("breakglass-tlog"), package("breakglass-core")],
        }
    }

    fn artifact(package: &str, kind: &str, name: &str, executable: Option<&str>) -> Value {
        json!({
            "reason": "compiler-artifact",
            "manifest_path": format!("/w/crates/{package}/Cargo.toml"),
            "target": { "kind": [kind], "name": name },
            "profile": { "test": executable.is_some() },
            "executable": executable,
        })
    }

    #[test]
    fn only_test_programs_are_found_in_the_order_of_their_budgets() {
        let messages = [
            artifact("breakglass-tlog", "test", "it", Some("/t/it-1")),
            artifact(
                "breakglass-tlog",
                "lib",
                "breakglass_tlog",
                Some("/t/tlog-2"),
            ),
            artifact("breakglass-core", "lib", "breakglass_core", None),
            artifact(
                "breakglass-core",
                "lib",
                "breakglass_core",
                Some("/t/core-3"),
            ),
            json!({ "reason": "build-finished", "success": true }),
        ];
        let mut text = "not json\n".to_owned();
        for message in messages {
            text.push_str(&format!("{message}\n"));
        }
        let found = programs(&workspace(), &text);
        let short: Vec<String> = found
            .iter()
            .map(|found| format!("{} {}", found.package, found.target))
            .collect();
        assert_eq!(
            short,
            [
                "breakglass-core lib",
                "breakglass-tlog it",
                "breakglass-tlog lib"
            ]
        );
        assert_eq!(found[0].executable, std::path::Path::new("/t/core-3"));
        assert_eq!(
            found[0].folder,
            std::path::Path::new("/w/crates/breakglass-core")
        );
    }
}
