//! `verify`: is this evidence what it claims to be? Offline, from bytes.

mod receipt;
mod remote;

use std::path::{Path, PathBuf};

use breakglass_format::{Digest, Timestamp};
use breakglass_tlog::{Checkpoint, Note, VerifierKey};
use breakglass_verify::{
    Cosigned, FolderError, OnDisk, Options, Outcome, Progress, Step, Verdict, check_files,
    folder::is_unfinished,
};
use serde_json::json;

use super::input;
use crate::{
    hint::{Code, Failure},
    output::{Bar, Output, line},
};

/// Check an evidence folder, or the proof of one entry, offline; or the log of a server
///
/// Exit status: 0 ok, 2 usage, 4 tampered (a wrong pin too), 5 forked, 6 stale, 7 cannot tell,
/// 8 duties overdue (only with --strict).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The evidence folder, as `log export` writes it; or a proof, as `log prove --out` does; or
    /// the address of a server, for auditors who joined it: its log is exported first
    #[arg(value_name = "FOLDER|FILE.tlog-proof|URL")]
    path: PathBuf,
    /// With a URL: export into this folder and leave it there; without it the export is kept among
    /// this client's files, and continued next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// With a proof: the entry that it proves
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// With a proof: the log's public key; without it the one of the installation joined from here
    #[arg(long, value_name = "NAME+ID+KEY", value_parser = VerifierKey::parse)]
    log_key: Option<VerifierKey>,
    /// SHA-256 of the genesis authority, from paper or from a voice you know
    #[arg(long, value_name = "sha256:…", value_parser = input::digest)]
    genesis: Option<Digest>,
    /// A signed checkpoint of the same log, seen elsewhere, that this must agree with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Whose cosignatures you take (a C2SP policy): says how much of the log those witnesses saw,
    /// and is an error where they are not enough
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Fewer entries than this are stale
    #[arg(long, value_name = "N")]
    min_size: Option<u64>,
    /// Overdue duties are an error
    #[arg(long)]
    strict: bool,
}

/// What every evidence folder has. Where all of it is missing, another folder was named.
const LANDMARKS: [&str; 3] = ["genesis", "log/checkpoint", "authority/1.json"];

/// The finding that the folder does not begin with the genesis that was named.
const WRONG_PIN: &str = "wrong_pin";
/// The finding that another checkpoint is of a longer log.
const CUT_OFF: &str = "other_checkpoint_newer";

/// The findings that another checkpoint is of another log.
const OTHERS: [&str; 2] = ["other_checkpoint_foreign", "other_checkpoint_given_up"];
/// The finding that witnesses are too few.
const NOT_COSIGNED: &str = "not_cosigned";

/// Checks and says.
pub(super) fn run(args: &Args, home: Option<&Path>, output: Output) -> Result<(), Failure> {
    if let Some(url) = remote::url(&args.path) {
        return remote::run(url, args, home, output);
    }
    if args.keep.is_some() {
        return Err(Failure::usage("--keep goes with the address of a server")
            .hint("a folder is checked where it is"));
    }
    if args.path.is_file() {
        return receipt::run(args, home, output);
    }
    of_folder(args)?;
    let text = args.path.to_string_lossy();
    if !args.path.exists() && text.contains(':') && !text.contains('/') {
        return Err(
            Failure::usage(format!("{text} is neither a folder nor a file")).hint(format!(
                "name a server with its scheme: breakglass verify https://{text}"
            )),
        );
    }
    let folder = folder(&args.path)?;
    judge(&folder, args.genesis, args, output)
}

/// Nothing is asked for that goes with a proof alone.
fn of_folder(args: &Args) -> Result<(), Failure> {
    if args.entry.is_some() || args.log_key.is_some() {
        return Err(Failure::usage("--entry and --log-key go with a proof")
            .hint("name the proof of one entry: breakglass verify FILE.tlog-proof --entry FILE"));
    }
    Ok(())
}

/// Checks a folder, says what came of it, and ends as it says.
fn judge(folder: &OnDisk, pin: Option<Digest>, args: &Args, output: Output) -> Result<(), Failure> {
    let against = args.against.as_deref().map(checkpoint).transpose()?;
    let options = Options {
        pin,
        against,
        policy: args.policy.as_deref().map(input::policy).transpose()?,
        min_size: args.min_size,
        ..Options::default()
    };
    let bar = Bar::new(output);
    let watch = |at: Progress| bar.show(doing(at.step), at.done, at.of);
    let verdict = check_files(folder, &options, &watch);
    bar.end();
    let verdict = verdict.map_err(|error| unreadable(&error))?;
    say(&verdict, args, output);
    judged(&verdict, pin.is_none(), args)
}

const fn doing(step: Step) -> &'static str {
    match step {
        Step::Tree => "hashing entries",
        Step::Beside => "hashing documents",
        Step::Entries => "judging entries",
    }
}

fn folder(path: &Path) -> Result<OnDisk, Failure> {
    let folder = OnDisk::at(path).map_err(|error| unreadable(&error))?;
    if is_unfinished(path) {
        let message = format!("{} is an export that is not whole yet", path.display());
        return Err(Failure::of(Code::FileMissing, message).hint(format!(
            "somebody writes it, or was interrupted, and the same command goes on: breakglass log \
             export {}",
            path.display()
        )));
    }
    if LANDMARKS.iter().any(|path| folder.found().has(path)) {
        return Ok(folder);
    }
    Err(another(format!(
        "{} is not an evidence folder",
        path.display()
    )))
}

fn another(what: String) -> Failure {
    Failure::of(Code::FileMissing, what)
        .hint("name a folder that an auditor wrote: breakglass log export DIR")
}

/// There is no verdict on what cannot be read.
fn unreadable(error: &FolderError) -> Failure {
    let message = error.to_string();
    match error {
        FolderError::Changed { .. } => Failure::of(Code::FileMissing, message)
            .hint("check the folder again when nobody writes in it"),
        FolderError::Io { .. } | FolderError::TooMuch { .. } | FolderError::NotEmpty { .. } => {
            another(message)
        }
    }
}

fn checkpoint(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::of(Code::FileMissing, format!("{}: {e}", path.display()))
            .hint("--against names a signed checkpoint: breakglass log checkpoint > FILE")
    })?;
    let note = Note::parse(&bytes).ok();
    if note.is_some_and(|note| Checkpoint::parse(note.text()).is_ok()) {
        return Ok(bytes);
    }
    let text = format!("{} is not an intact checkpoint", path.display());
    Err(Failure::of(Code::FileMalformed, text).hint(
        "--against names a file of five or more lines that breakglass log checkpoint wrote; \
         nothing was compared",
    ))
}

/// The end: nothing but a folder that holds is a success.
fn judged(verdict: &Verdict, unanchored: bool, args: &Args) -> Result<(), Failure> {
    let overdue = verdict.exit_code(args.strict) == Code::DutiesOverdue.exit();
    let (code, hint) = match verdict.outcome {
        Outcome::Ok if !overdue => return Ok(()),
        Outcome::Ok => (
            Code::DutiesOverdue,
            "the duties named above are late; their owners must meet them",
        ),
        Outcome::Tampered if verdict.findings.iter().any(|f| f.code == WRONG_PIN) => (
            Code::Tampered,
            "compare --genesis with the paper, character by character: the folder is of another \
             installation, or forged",
        ),
        Outcome::Tampered => (
            Code::Tampered,
            "keep this folder as it is, hand it to the auditors, and have it exported again",
        ),
        Outcome::Forked => (
            Code::Forked,
            "keep the folder and the checkpoint, and hand both to the auditors",
        ),
        Outcome::CannotTell if unanchored => (
            Code::CannotTell,
            "add the digest from paper or from a voice you know: --genesis sha256:…",
        ),
        Outcome::CannotTell if verdict.findings.iter().any(|f| f.code == CUT_OFF) => (
            Code::CannotTell,
            "entries are missing at the end, or this was exported before that checkpoint: have it \
             exported again, and ask why where it is not longer then",
        ),
        Outcome::CannotTell if verdict.findings.iter().any(|f| OTHERS.contains(&f.code)) => (
            Code::CannotTell,
            "--against names a checkpoint that this folder cannot be held against: name one of the \
             same log",
        ),
        Outcome::CannotTell if verdict.findings.iter().any(|f| f.code == NOT_COSIGNED) => (
            Code::CannotTell,
            "have it exported with what witnesses cosigned: breakglass log export DIR --policy FILE; \
             where that finds none either, ask those who run the log",
        ),
        Outcome::CannotTell => (
            Code::CannotTell,
            "export again, and have the server's operators look for what is missing",
        ),
        Outcome::Stale => (Code::Stale, "export again from a server that is up to date"),
    };
    Err(Failure::of(code, code.title()).hint(hint))
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
            "requests": facts.requests,
            "cosigned": verdict.cosigned.as_ref().map(|cosigned| json!({
                "entries": cosigned.entries,
                "by": cosigned.by.iter().map(|c| json!({"witness": c.witness, "at": at(c.time)}))
                    .collect::<Vec<_>>(),
            })),
            "findings": findings,
        }));
        return;
    }
    for finding in &verdict.findings {
        output.data(&finding.to_string());
    }
    // Where the reading ended early the counts are of nothing that anybody could rely on.
    let counts = match verdict.outcome {
        Outcome::Ok | Outcome::Stale | Outcome::CannotTell => format!(
            "{} entries, {} statements, {} requests",
            facts.entries, facts.statements, facts.requests
        ),
        Outcome::Tampered | Outcome::Forked => format!(
            "{} entries are here; what they say is not counted, for not all of it holds",
            facts.entries
        ),
    };
    if let Some(cosigned) = &verdict.cosigned {
        output.data(&vouched(cosigned, facts.entries));
    }
    output.data(&format!("{}: {counts}", word(verdict)));
}

/// How much witnesses vouch for.
fn vouched(cosigned: &Cosigned, of: u64) -> String {
    if cosigned.by.is_empty() {
        return "cosigned: the policy asks for nobody's word".to_owned();
    }
    let by = cosigned.by.iter();
    let by: Vec<String> = by
        .map(|c| format!("{} ({})", line(&c.witness), at(c.time)))
        .collect();
    format!(
        "cosigned: the first {} of {of} entries, by {}",
        cosigned.entries,
        by.join(", ")
    )
}

/// The time of a witness.
fn at(seconds: u64) -> Timestamp {
    let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    Timestamp::from_millis(millis)
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
