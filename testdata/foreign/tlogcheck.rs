//! The foreign auditor: the Go program beside this file, built with Debian's Go and run.
//!
//! The integration tests of several crates include this file by its path.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's Go. Another one on the `PATH` may be older or newer than the library beside it.
const GO: &str = "/usr/bin/go";
/// Where Debian keeps Go libraries, as a `GOPATH`.
const LIBRARIES: &str = "/usr/share/gocode";
/// The library that the auditor is made of.
const SUMDB: &str = "/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog";
/// Its sources.
const SOURCES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../testdata/foreign/tlogcheck"
);
/// What compiles once, for every test program.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/go");

/// A foreign implementation of transparency logs, ready to judge ours.
pub(crate) struct Auditor {
    program: PathBuf,
    /// Holds the program.
    _dir: tempfile::TempDir,
}

impl Auditor {
    /// Builds it; why it cannot be built on this machine.
    pub(crate) fn build() -> Result<Self, String> {
        for needed in [GO, SUMDB] {
            if !Path::new(needed).exists() {
                return Err(format!("no {needed}"));
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("tlogcheck");
        let built = Command::new(GO)
            .args(["build", "-o"])
            .arg(&program)
            .args(["main.go", "source.go", "log.go", "proofs.go"])
            .current_dir(SOURCES)
            .env_remove("GOROOT")
            .env_remove("GOFLAGS")
            .env("GO111MODULE", "off")
            .env("GOPATH", format!("{CACHE}:{LIBRARIES}"))
            .env("GOCACHE", format!("{CACHE}/cache"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(built.status.success(), "{built:?}");
        Ok(Self { program, _dir: dir })
    }

    /// Has it judge a log; its line, or what it finds wrong.
    pub(crate) fn audit(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.program)
            .args(args)
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        match output.status.code() {
            Some(0) => Ok(text(output.stdout)),
            Some(1) => Err(text(output.stderr)),
            _ => panic!("{output:?}"),
        }
    }
}
