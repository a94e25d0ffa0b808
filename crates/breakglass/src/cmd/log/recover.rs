//! `breakglass log recover`: a log that lost its end, or its mark, is whole again. On the server's
//! own machine, while no server runs.

use std::path::PathBuf;

use breakglass_server::{
    NoCheckpoint, NotRebuilt, NotRecovered, Recovered, Sources, SystemClock, recover,
};
use serde_json::json;

use crate::{
    cmd::serve::{Configured, describe, misconfigured},
    hint::{Code, Failure},
    output::Output,
};

/// Put back the end of a log that lost it, from copies, up to what was signed. For the server's
/// machine, while no server runs.
///
/// Afterwards every grant has ended, every request that waited is void, and the credential of every
/// account is rotated.
#[derive(Debug, clap::Args)]
pub(in crate::cmd) struct Args {
    #[command(flatten)]
    server: Configured,
    /// Copies: events.jsonl, files it was rotated into, what a SIEM kept of it, folders of exports
    #[arg(long, value_name = "PATH", required = true)]
    from: Vec<PathBuf>,
    /// A signed checkpoint that somebody kept, which the log must give; needed where the
    /// high-water mark is gone
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Give up what the copies have beyond every checkpoint that is known: whoever saw more will be
    /// told that the log is forked
    #[arg(long)]
    only_signed: bool,
}

pub(in crate::cmd) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let config = args.server.load()?;
    let sources = Sources {
        copies: args.from.clone(),
        checkpoints: args.checkpoint.clone(),
    };
    let recovered = recover(&config, &sources, args.only_signed, &SystemClock)
        .map_err(|e| not_recovered(&e))?;
    say(&recovered, output);
    Ok(())
}

pub(super) fn say(recovered: &Recovered, output: Output) {
    let kept = recovered
        .kept
        .as_ref()
        .map(|path| path.display().to_string());
    if output.is_json() {
        let missing: Vec<String> = recovered.missing.iter().map(ToString::to_string).collect();
        output.json(&json!({
            "had": recovered.had,
            "recovered": recovered.recovered,
            "size": recovered.size,
            "held_against": recovered.held_against,
            "ended": recovered.ended,
            "void": recovered.void,
            "lost": recovered.lost,
            "missing": missing,
            "kept": kept,
        }));
    }
    let Recovered {
        had,
        recovered: back,
        held_against,
        ..
    } = recovered;
    output.say(&format!(
        "put back: {back} entries after the {had} that were there; the log is the one that was \
         signed ({held_against})"
    ));
    follows(recovered, output);
    for digest in &recovered.missing {
        output.warn(&format!(
            "no copy has the document {digest}: an export names it as missing"
        ));
    }
    if let Some(kept) = kept {
        output.say(&format!(
            "what was there lies in {kept} now: keep it, as evidence"
        ));
    }
    output.say("next: breakglass serve --check, then start the server");
}

/// What follows for grants, requests and accounts.
fn follows(recovered: &Recovered, output: Output) {
    if !recovered.ended.is_empty() {
        let ended = recovered.ended.join(", ");
        output.say(&format!("ended: {ended}; who still needs access asks anew"));
    }
    if recovered.void > 0 {
        output.say(&format!("void: {} that waited", requests(recovered.void)));
    }
    output.say(
        "every account is rotated as soon as the server runs; those without a rotator by hand",
    );
    for account in &recovered.lost {
        output.warn(&format!(
            "no copy has the credential of {account}: set another at its target, then two people \
             add it: breakglass account add-credential {account}"
        ));
    }
}

fn requests(n: usize) -> String {
    match n {
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    }
}

pub(super) fn not_recovered(error: &NotRecovered) -> Failure {
    let hint = match error {
        NotRecovered::Config(error) => return misconfigured(error),
        NotRecovered::Key(_) => {
            "the log's key is needed: put back the file that log_key_file names"
        }
        NotRecovered::Copies(_) => "name an events.jsonl, or a folder as log export writes it",
        NotRecovered::Checkpoint(NoCheckpoint::MarkGone { .. }) => {
            "name the longest checkpoint that anybody saw, with --checkpoint FILE: clients keep \
             theirs under state/, witnesses serve theirs, breakglass log checkpoint printed it"
        }
        NotRecovered::Checkpoint(NoCheckpoint::Unusable { .. }) => {
            "name a file with a checkpoint of this log and nothing else"
        }
        NotRecovered::Open(_) => {
            "does a server run on it? Stop it. Is it damaged? Move log.db and log.db-wal elsewhere: \
             then everything is taken from the copies"
        }
        NotRecovered::Whole { .. } => {
            "breakglass serve --check says what a start would say; where that names a blob as missing, \
             move log.db and log.db-wal elsewhere: then everything is taken from the copies"
        }
        NotRecovered::Beyond { .. } => {
            "name the longest checkpoint that anybody saw, with --checkpoint FILE: clients keep \
             theirs under state/, witnesses serve theirs. Where nobody saw a longer one, \
             --only-signed gives up the rest"
        }
        NotRecovered::Short { .. } => {
            "name more copies, each with --from: rotated files, the SIEM's, the exports of \
             auditors. If there are none: docs/procedures/restore.md"
        }
        NotRecovered::Rebuilt(NotRebuilt::Differs { .. }) => {
            "try other copies; where log.db itself may be altered, move it elsewhere and have \
             everything taken from the copies. Keep all of it, and call security"
        }
        NotRecovered::Rebuilt(NotRebuilt::Disagree { .. } | NotRebuilt::Entry { .. }) => {
            "keep both as evidence, and name only the copies that you trust"
        }
        NotRecovered::Statement(_) => {
            "without it nobody can say what was signed: name a copy that has it, an export or \
             another events.jsonl"
        }
        NotRecovered::Refused(_) => {
            "nothing was changed; plan it anew from the newest log and all copies that there are"
        }
        NotRecovered::Rebuilt(_) | NotRecovered::Replay(_) | NotRecovered::Follows(_) => {
            "nothing was changed; is there room beside log.db for another one?"
        }
        NotRecovered::Mark(_) => "see that high_water_file can be written, and run this again",
    };
    Failure::of(Code::NotRecovered, describe(error)).hint(hint)
}
