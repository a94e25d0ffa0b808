//! `breakglass log`.

use std::path::{Path, PathBuf};

use breakglass_format::canonical;
use breakglass_verify::FolderError;
use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;
use crate::{
    actor::ActorError,
    export::ExportError,
    hint::{Code, Failure},
    output::line,
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
        #[arg(long)]
        proof: bool,
    },
    /// Write the evidence folder: everything an auditor needs, checkable offline.
    Export {
        /// An empty or new folder.
        dir: PathBuf,
    },
}

pub(super) fn run(verb: &Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::Checkpoint => checkpoint(cx),
        Verb::Prove { index, proof } => prove(*index, *proof, cx),
        Verb::Export { dir } => export(dir, cx),
    }
}

fn export(dir: &Path, cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.reading()?;
    let folder = crate::export::export(&client, &trust, cx.now()).map_err(not_exported)?;
    folder.write(dir).map_err(|e| not_written(&e))?;
    let files = folder.iter().count();
    let dir = dir.display().to_string();
    let genesis = trust.authorities().instance();
    let written = json!({"dir": dir, "files": files, "genesis": genesis});
    cx.output().answer(&dir, &written);
    cx.output().say(&format!(
        "{files} files; check them: breakglass verify {dir} --genesis {genesis}"
    ));
    Ok(())
}

fn not_exported(error: ExportError) -> Failure {
    let message = error.to_string();
    match error {
        ExportError::Client(error) => error.into(),
        ExportError::Trust(error) => error.into(),
        ExportError::Growing => {
            Failure::of(Code::LogGrowing, message).hint("the same command again, a minute later")
        }
        ExportError::Emit(_) => Failure::of(Code::NotProven, message)
            .hint("the server's log does not hold; ask another server, and tell the operators"),
    }
}

fn not_written(error: &FolderError) -> Failure {
    let message = error.to_string();
    match error {
        FolderError::NotEmpty { .. } => Failure::of(Code::FileExists, message)
            .hint("an export goes into a new or empty folder; name another"),
        FolderError::Io { .. } | FolderError::TooMuch { .. } => {
            Failure::of(Code::StateUnusable, message).hint("is the place yours, and is there room?")
        }
    }
}

fn checkpoint(cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.trust()?;
    let text = client.checkpoint()?;
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

fn prove(index: u64, proof: bool, cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.reading()?;
    let proven = client.prove(index)?;
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
    if proof {
        cx.output().data(proven.proof.trim_end());
    } else if cx.output().is_json() {
        let entry = canonical::parse(proven.entry.as_bytes(), proven.entry.len());
        let entry: Value = entry.map_err(ActorError::from)?;
        cx.output()
            .json(&json!({"index": index, "leaf": received.leaf.to_string(), "entry": entry}));
    } else {
        cx.output().data(&line(&proven.entry));
    }
    let size = received.log_size;
    cx.output().say(&format!(
        "entry {index} of {size}, leaf {}, proven",
        received.leaf
    ));
    Ok(())
}
