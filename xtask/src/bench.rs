//! Running the benchmarks. They print what they measured beside what this machine's disk can do,
//! and nothing fails for being slow: who reads the figures judges them (`docs/benches.md`).

use std::process::ExitCode;

use crate::cargo::Workspace;
use crate::error::Error;

/// A program of benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    /// The rules, without signatures and disk.
    Rules,
    /// A server over loopback.
    Service,
    /// The engine by itself, beside the disk and PostgreSQL.
    Log,
    /// An evidence folder, in memory or on a disk.
    Verify,
    /// Credentials that custodians can release.
    Custody,
}

impl Suite {
    /// The suites that are asked for, all of them where none is named.
    pub(crate) fn parse(words: &[String]) -> Option<Vec<Self>> {
        if words.is_empty() {
            let all = [
                Self::Rules,
                Self::Service,
                Self::Log,
                Self::Verify,
                Self::Custody,
            ];
            return Some(all.to_vec());
        }
        words.iter().map(|word| Self::named(word)).collect()
    }

    fn named(word: &str) -> Option<Self> {
        match word {
            "rules" => Some(Self::Rules),
            "service" => Some(Self::Service),
            "log" => Some(Self::Log),
            "verify" => Some(Self::Verify),
            "custody" => Some(Self::Custody),
            _ => None,
        }
    }

    /// Package and name of the program. Each is built alone: the rules are driven without
    /// signatures, and nothing else may be built that way.
    const fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Rules => ("breakglass-testkit", "rules"),
            Self::Service => ("breakglass", "service"),
            Self::Log => ("breakglass", "log"),
            Self::Verify => ("breakglass-verify", "verify"),
            Self::Custody => ("breakglass-seal", "quorum"),
        }
    }

    /// What it needs that nothing else does.
    const fn features(self) -> Option<&'static str> {
        match self {
            Self::Rules | Self::Service | Self::Verify | Self::Custody => None,
            Self::Log => Some("bench"),
        }
    }
}

/// Runs them one after the other, so that none disturbs another.
pub(crate) fn run(workspace: &Workspace, suites: &[Suite]) -> Result<ExitCode, Error> {
    for suite in suites {
        let (package, name) = suite.program();
        let mut cargo = workspace.cargo();
        cargo.args(["bench", "--locked", "--package", package, "--bench", name]);
        if let Some(features) = suite.features() {
            cargo.args(["--features", features]);
        }
        let status = cargo.status().map_err(Error::spawn("cargo bench"))?;
        if !status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
