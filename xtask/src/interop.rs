//! `cargo xtask interop`: other people's programs against ours.
//!
//! `testdata/foreign/interop` is a Go module that pins them, by version in `go.mod` and by content
//! in `go.sum`. They are built into `target/interop`, and then the tests of
//! `crates/breakglass/tests/it/interop` run with `BREAKGLASS_INTEROP` naming that folder.
//!
//! This is asked for and never part of `cargo xtask test`: it wants a newer Go than Debian 12 has,
//! and a Go module proxy. What the test run has from Debian alone is `testdata/foreign/tlogcheck`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::cargo::Workspace;
use crate::error::Error;
use crate::packages;

/// The environment variable that tells the tests where the programs are.
const VARIABLE: &str = "BREAKGLASS_INTEROP";
/// The Go module, from the root.
const MODULE: &str = "testdata/foreign/interop";
/// The first Go that the programs ask for; it has `tool` lines in `go.mod`.
const GO_MIN: (u32, u32) = (1, 25);
/// Where Go's own archive is unpacked, as its instructions say.
const GO_ELSEWHERE: &str = "/usr/local/go/bin";
/// What is built: ours around their libraries, and theirs.
const PROGRAMS: [&str; 6] = [
    "addlog",
    "fsck",
    "litewitness",
    "omniwitness",
    "proofcheck",
    "tesseralog",
];

/// Builds the programs, says what they are, and runs the tests.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, Error> {
    let Some(go) = found(&places()) else {
        let (major, minor) = GO_MIN;
        eprintln!(
            "there is no Go {major}.{minor} or newer on the PATH or in {GO_ELSEWHERE}; put one \
             there, from the Go project or another source you trust, and run this again"
        );
        return Ok(ExitCode::FAILURE);
    };
    println!("{}: {}", go.program.display(), go.version);
    let folder = workspace.target.join("interop");
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    if !built(&go, &workspace.root.join(MODULE), &folder)? {
        eprintln!(
            "the programs were not built. Where Go says that a module could not be had, GOPROXY \
             (`go env GOPROXY`) has to name a proxy that serves what {MODULE}/go.sum lists; once \
             they are in Go's module cache, no network is needed"
        );
        return Ok(ExitCode::FAILURE);
    }
    for program in PROGRAMS {
        println!("{}", described(&go, &folder.join(program))?);
    }
    tested(workspace, &folder)
}

/// A Go that is new enough.
#[derive(Debug)]
struct Go {
    program: PathBuf,
    version: String,
}

/// Every `go` there may be, the ones of the `PATH` first.
fn places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from(GO_ELSEWHERE)]);
    folders.map(|folder| folder.join("go")).collect()
}

/// The first of these programs that is a Go and new enough.
fn found(places: &[PathBuf]) -> Option<Go> {
    places.iter().find_map(|program| {
        let output = command(program).args(["env", "GOVERSION"]).output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        let program = program.clone();
        (parsed(&version)? >= GO_MIN).then_some(Go { program, version })
    })
}

/// The first two numbers of `go1.26.8`.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("go")?.split('.');
    let major = numbers.next()?.parse().ok()?;
    // `go1.24rc1` is no release, and not taken for one.
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

/// A Go that neither fetches another Go, nor changes `go.mod`, nor listens to what a person's
/// environment says for other modules.
fn command(program: &Path) -> Command {
    let mut go = Command::new(program);
    go.env("GOTOOLCHAIN", "local").env("GOWORK", "off");
    go.env("GOFLAGS", "-mod=readonly -trimpath -buildvcs=false");
    go.env("CGO_ENABLED", "0").env_remove("GOBIN");
    go
}

/// Builds what the module has and what it names as tools.
fn built(go: &Go, module: &Path, folder: &Path) -> Result<bool, Error> {
    let mut into = folder.as_os_str().to_owned();
    // Without it Go could take the name for that of a program.
    into.push(std::path::MAIN_SEPARATOR_STR);
    let mut build = command(&go.program);
    build.current_dir(module).args(["build", "-o"]).arg(into);
    build.args(["./...", "tool"]);
    let status = build.status().map_err(Error::spawn("go build"))?;
    Ok(status.success() && PROGRAMS.iter().all(|name| folder.join(name).is_file()))
}

/// Which modules a program is made of, as far as they are what it is built for.
fn described(go: &Go, program: &Path) -> Result<String, Error> {
    let mut asked = command(&go.program);
    asked.args(["version", "-m"]).arg(program);
    let output = asked.output().map_err(Error::spawn("go version"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("  {name}: {}", modules(&said).join(", ")))
}

/// The versions of these modules in what `go version -m` prints.
fn modules(said: &str) -> Vec<String> {
    let wanted = [
        "filippo.io/torchwood",
        "github.com/transparency-dev/tessera",
        "github.com/transparency-dev/witness",
        "zombiezen.com/go/sqlite",
    ];
    let lines = said.lines().map(|line| line.split_whitespace().collect());
    lines
        .filter_map(|words: Vec<&str>| match words.as_slice() {
            ["dep" | "mod", name, version, ..] if wanted.contains(name) => {
                Some(format!("{name} {version}"))
            }
            _ => None,
        })
        .collect()
}

/// Runs the tests. They are the module `interop` of the program that all tests of the whole
/// program are in, and tests at all only with the feature: see there.
fn tested(workspace: &Workspace, folder: &Path) -> Result<ExitCode, Error> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--locked", "--package", "breakglass"]);
    cargo.args(["--features", "interop", "--test", "it", "interop::"]);
    cargo.env(VARIABLE, folder);
    cargo.env("PATH", packages::search_path());
    cargo.stderr(Stdio::inherit());
    let output = cargo.output().map_err(Error::spawn("cargo test"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    // No test at all would mean that nothing was set against anything.
    if !output.status.success() || said.contains("ok. 0 passed") {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{GO_MIN, found, modules, parsed};

    #[test]
    fn a_go_that_is_too_old_or_no_release_is_not_taken() {
        assert_eq!(parsed("go1.26.8"), Some((1, 26)));
        assert_eq!(parsed("go2.0"), Some((2, 0)));
        assert!(parsed("go1.19.8").is_some_and(|old| old < GO_MIN));
        for other in ["", "go", "go1", "go1.24rc1", "devel go1.27", "1.26"] {
            assert_eq!(parsed(other), None, "{other}");
        }
        // A program of that name that is something else, and none.
        assert!(found(&["/bin/true".into(), "/nowhere/go".into()]).is_none());
    }

    #[test]
    fn a_program_is_described_by_what_it_is_built_for() {
        let said = "/t/fsck: go1.26.8\n\tpath\tgithub.com/transparency-dev/tessera/cmd/fsck\n\
            \tmod\tbreakglass.example/interop\t(devel)\t\n\
            \tdep\tgithub.com/transparency-dev/tessera\tv1.0.4\th1:x=\n\
            \tdep\tgolang.org/x/mod\tv0.33.0\th1:y=\n";
        assert_eq!(
            modules(said),
            ["github.com/transparency-dev/tessera v1.0.4"]
        );
    }
}
