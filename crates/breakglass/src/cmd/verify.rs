//! `verify`: is this evidence what it claims to be? Offline, from bytes.

use std::{path::PathBuf, process::ExitCode};

use breakglass_format::Digest;
use breakglass_verify::{Folder, Options, Outcome, Verdict, check};
use serde_json::json;

use crate::output::Output;

/// Check an evidence folder, offline
///
/// Exit status: 0 ok, 2 usage, 4 tampered (a wrong pin too), 5 forked, 6 stale, 7 cannot tell,
/// 8 duties overdue (only with --strict).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The evidence folder, as `log export` writes it
    folder: PathBuf,
    /// SHA-256 of the genesis authority, from paper or from a voice you know
    #[arg(long, value_name = "sha256:…")]
    genesis: Option<Digest>,
    /// A signed checkpoint of the same log, seen elsewhere; the folder must agree with it
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Fewer entries than this are stale
    #[arg(long, value_name = "N")]
    min_size: Option<u64>,
    /// Overdue duties are an error
    #[arg(long)]
    strict: bool,
}

/// Checks and says.
#[must_use]
pub(super) fn run(args: &Args, output: Output) -> ExitCode {
    let read = Folder::read(&args.folder).map_err(|e| e.to_string());
    let against = args.against.as_ref().map(std::fs::read).transpose();
    let (folder, against) = match (read, against.map_err(|e| e.to_string())) {
        (Ok(folder), Ok(against)) => (folder, against),
        (Err(error), _) | (_, Err(error)) => {
            output.warn(&format!("error: {error}"));
            output.say("hint: name a folder that `breakglass log export` wrote");
            return ExitCode::from(2);
        }
    };
    let options = Options {
        pin: args.genesis,
        against,
        min_size: args.min_size,
        ..Options::default()
    };
    let verdict = check(&folder, &options);
    say(&verdict, args, output);
    ExitCode::from(verdict.exit_code(args.strict))
}

fn say(verdict: &Verdict, args: &Args, output: Output) {
    let facts = &verdict.facts;
    if output.is_json() {
        let findings: Vec<_> = verdict
            .findings
            .iter()
            .map(|f| json!({"code": f.code, "index": f.index, "path": f.path, "says": f.to_string()}))
            .collect();
        output.json(&json!({
            "outcome": word(verdict),
            "exit": verdict.exit_code(args.strict),
            "entries": facts.entries,
            "statements": facts.statements,
            "findings": findings,
        }));
        return;
    }
    for finding in &verdict.findings {
        output.data(&finding.to_string());
    }
    output.data(&format!(
        "{}: {} entries, {} statements, {} requests",
        word(verdict),
        facts.entries,
        facts.statements,
        facts.requests
    ));
}

/// The answer in a few words.
fn word(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        Outcome::Ok => "ok",
        Outcome::Tampered => "tampered",
        Outcome::Forked => "forked",
        Outcome::CannotTell => "cannot tell",
        Outcome::Stale => "stale",
    }
}
