//! `breakglass log`.

pub(super) mod epoch;
pub(super) mod export;
pub(super) mod recover;
mod search;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use breakglass_api::{Client, ClientError, wire::Proven};
use breakglass_format::canonical;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Context, witnessed};
use crate::{
    actor::{ActorError, NO_SESSION},
    hint::{Code, Failure},
    output::{Output, line},
    state::file,
};

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Print the log's latest signed checkpoint, after it was verified and pinned.
    Checkpoint,
    /// Prove that the log holds an entry, and print the entry.
    Prove {
        /// Its index, from 0.
        index: u64,
        /// Print the proof (C2SP tlog-proof) instead.
        #[arg(long, conflicts_with = "out")]
        proof: bool,
        /// Write the entry and its proof into this folder, as files that `breakglass verify` takes.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Find entries by person, account, incident, type, time and words: one line for each, as the
    /// timeline tells it.
    Search(Box<search::Args>),
    /// Write the evidence folder: everything an auditor needs, checkable offline. Into an earlier
    /// export of the same log only what is new is written.
    Export {
        /// A new or empty folder, or an earlier export.
        dir: PathBuf,
        /// Only continue an export of exactly so many entries.
        #[arg(long, value_name = "N")]
        since: Option<u64>,
        /// Take along the last checkpoint that witnesses cosigned, where it meets this policy, for
        /// `verify --policy`.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    Recover(recover::Args),
    #[command(subcommand)]
    Epoch(epoch::Verb),
}

/// `context` is what a person's commands need, and nobody who works on the server's machine. What
/// only looks at the record is shown as witnesses allow; an epoch is signed while no server runs.
pub(super) fn run(
    verb: &Verb,
    output: Output,
    context: impl Fn() -> Result<Context, Failure>,
) -> Result<(), Failure> {
    let looking_back = || {
        let cx = context()?;
        witnessed::before(&cx)?;
        Ok::<_, Failure>(cx)
    };
    match verb {
        Verb::Recover(args) => recover::run(args, output),
        Verb::Epoch(verb) => epoch::run(verb, output, context),
        Verb::Checkpoint => checkpoint(&looking_back()?),
        Verb::Prove { index, proof, out } => {
            prove(*index, *proof, out.as_deref(), &looking_back()?)
        }
        Verb::Search(args) => search::run(args, &looking_back()?),
        Verb::Export { dir, since, policy } => {
            export::run(dir, *since, policy.as_deref(), &looking_back()?)
        }
    }
}

fn checkpoint(cx: &Context) -> Result<(), Failure> {
    let (mut client, mut trust) = cx.trust()?;
    let text = match client.checkpoint() {
        // Where it is for nobody without a session, one begins.
        Err(ClientError::Refused(problem)) if problem.code == NO_SESSION => {
            (client, trust) = cx.reading()?;
            client.checkpoint()?
        }
        text => text?,
    };
    let signed = trust.see_checkpoint(&client, &text, cx.now())?;
    let checkpoint = signed.checkpoint();
    if cx.output().is_json() {
        cx.output().json(&json!({
            "origin": checkpoint.origin().as_str(),
            "size": checkpoint.size(),
            "root": checkpoint.root().to_string(),
            "note": text,
        }));
        return Ok(());
    }
    cx.output().data(text.trim_end());
    let size = checkpoint.size();
    cx.output()
        .say(&format!("{size} entries; continues what was seen before"));
    Ok(())
}

fn prove(index: u64, proof: bool, out: Option<&Path>, cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.reading()?;
    let proven = client.prove(index).map_err(|error| match &error {
        ClientError::Refused(problem) if problem.status == 404 => no_entry(index, &client, error),
        ClientError::Unreachable { .. }
        | ClientError::Refused(_)
        | ClientError::Foreign { .. }
        | ClientError::Receipt(_) => error.into(),
    })?;
    let received = trust
        .log()
        .check(&proven)
        .map_err(breakglass_api::ClientError::from)?;
    trust.see_checkpoint(&client, &received.checkpoint, cx.now())?;
    if received.index != index {
        let got = received.index;
        let message = format!("entry {index} was asked for, entry {got} is proven");
        return Err(Failure::of(Code::NotProven, message));
    }
    if let Some(dir) = out {
        return write(dir, index, &proven, cx);
    }
    let size = received.log_size;
    if proof {
        let proof = json!({"index": index, "size": size, "proof": proven.proof});
        cx.output().answer(proven.proof.trim_end(), &proof);
    } else if cx.output().is_json() {
        let entry = canonical::parse(proven.entry.as_bytes(), proven.entry.len());
        let entry: Value = entry.map_err(ActorError::from)?;
        let leaf = received.leaf.to_string();
        cx.output()
            .json(&json!({"index": index, "size": size, "leaf": leaf, "entry": entry}));
    } else {
        cx.output().data(&line(&proven.entry));
    }
    cx.output().say(&format!(
        "entry {index} of {size}, leaf {}, proven",
        received.leaf
    ));
    Ok(())
}

/// There is no such entry: which there are.
fn no_entry(index: u64, client: &Client, error: ClientError) -> Failure {
    match client.status().map(|status| status.log_size) {
        Ok(size) if size > 0 => {
            let message = format!("there is no entry {index}: the log has {size}");
            let last = size - 1;
            Failure::of(Code::NotFound, message).hint(format!("name one from 0 to {last}"))
        }
        Ok(_) | Err(_) => error.into(),
    }
}

/// Writes an entry and its proof side by side, for whoever has nothing else. A later proof of the
/// same entry takes the place of an earlier one.
fn write(dir: &Path, index: u64, proven: &Proven, cx: &Context) -> Result<(), Failure> {
    let [entry, proof] = ["json", "tlog-proof"].map(|kind| dir.join(format!("{index}.{kind}")));
    std::fs::create_dir_all(dir).map_err(|e| not_kept(dir, &e))?;
    let there = std::fs::read(&entry);
    if !there.is_ok_and(|there| there == proven.entry.as_bytes()) {
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).open(&entry);
        let written = file.and_then(|mut file| file.write_all(proven.entry.as_bytes()));
        written.map_err(|e| not_kept(&entry, &e))?;
    }
    file::write_atomic(&proof, proven.proof.as_bytes())?;
    let [entry, proof] = [entry, proof].map(|path| path.display().to_string());
    let written = json!({"entry": entry, "proof": proof});
    cx.output().answer(&proof, &written);
    cx.output().say(&format!(
        "check it, anywhere and offline: breakglass verify {proof} --entry {entry}"
    ));
    Ok(())
}

fn not_kept(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{}: {error}", path.display());
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return Failure::of(Code::FileExists, message).hint("name another folder with --out");
    }
    Failure::of(Code::StateUnusable, message).hint("is the place yours, and is there room?")
}
