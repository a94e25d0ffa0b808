//! `breakglass log epoch`: what is kept of a log that cannot go on as it was, agreed on by its root
//! persons.

use std::path::{Path, PathBuf};

use breakglass_format::{
    Digest, Prose,
    statement::{Epoch, Kind, Statement as _},
};
use breakglass_server::{EpochWish, NotBegun, Sources, SystemClock, begin_epoch, plan_epoch};
use breakglass_statement::{ChainError, EpochError, digest};
use breakglass_tlog::{Checkpoint, SignedCheckpoint, VerifierKey};
use clap::Subcommand;
use serde_json::json;

use super::recover;
use crate::{
    cmd::{
        Context,
        approve::consent,
        authority::sign::signature_path,
        serve::{Configured, describe},
    },
    hint::{Code, Failure},
    output::{Output, line},
    signer,
    state::{Pins, file},
};

/// Give up the log as it is, and go on with what is left under another origin and key. Takes the
/// root persons.
#[derive(Debug, Subcommand)]
pub(in crate::cmd) enum Verb {
    /// Write the epoch for root persons to sign. On the server's machine, while no server runs
    Plan(Plan),
    /// Sign an epoch, as a root person, on your own machine
    Sign {
        /// The epoch
        file: PathBuf,
        /// Sign with the key in this file
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Begin a signed epoch. On the server's machine, while no server runs; log_key_file of its
    /// configuration is the new key
    Begin(Begin),
}

#[derive(Debug, clap::Args)]
pub(in crate::cmd) struct Plan {
    #[command(flatten)]
    server: Configured,
    /// Copies of what the log has lost, as for log recover
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
    /// A signed checkpoint that somebody kept
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The verifier key of the log from here on, as server-keys prints it
    #[arg(long, value_name = "VKEY")]
    log: String,
    /// The verifier key of the log before, where log_key_file holds it no longer
    #[arg(long, value_name = "VKEY")]
    before: Option<String>,
    /// Why the log cannot go on as it was
    #[arg(long, value_name = "TEXT")]
    why: Prose,
    /// Where the epoch is written
    #[arg(long, value_name = "FILE", default_value = "epoch.json")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(in crate::cmd) struct Begin {
    /// The epoch; its signatures lie beside it, as FILE.PRINCIPAL.sig
    file: PathBuf,
    #[command(flatten)]
    server: Configured,
    /// The same copies as for the plan
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
}

/// `context` is what a person's commands need, and nobody who works on the server's machine.
pub(super) fn run(
    verb: &Verb,
    output: Output,
    context: impl Fn() -> Result<Context, Failure>,
) -> Result<(), Failure> {
    match verb {
        Verb::Plan(args) => plan(args, output),
        Verb::Begin(args) => begin(args, output),
        Verb::Sign { file, key, yes } => sign(file, key.as_deref(), *yes, &context()?),
    }
}

fn plan(args: &Plan, output: Output) -> Result<(), Failure> {
    let config = args.server.load()?;
    if args.out.exists() {
        let message = format!("{} exists", args.out.display());
        return Err(Failure::of(Code::FileExists, message).hint(
            "what others signed is of exactly these bytes: name another file with --out, or take it away",
        ));
    }
    if args.why.as_str().trim().is_empty() {
        return Err(
            Failure::usage("--why is empty").hint("it is what root persons are asked to sign")
        );
    }
    let wish = EpochWish {
        sources: Sources {
            copies: args.from.clone(),
            checkpoints: args.checkpoint.clone(),
        },
        log: args.log.clone(),
        before: args.before.clone(),
        reason: args.why.clone(),
    };
    let planned = plan_epoch(&config, &wish, &SystemClock).map_err(|e| not_begun(&e))?;
    file::write_atomic(&args.out, &planned.bytes)?;
    let (roots, threshold) = &planned.roots;
    let roots: Vec<String> = roots.iter().map(ToString::to_string).collect();
    let out = args.out.display().to_string();
    output.answer(
        &out,
        &json!({
            "epoch": out,
            "digest": digest(&planned.bytes).to_string(),
            "kept": planned.kept,
            "had": planned.had,
            "roots": roots,
            "threshold": threshold,
        }),
    );
    output.say(&format!(
        "it keeps {} entries, and gives up {}",
        planned.kept,
        planned.had - planned.kept
    ));
    output.say(&format!(
        "{threshold} of {} sign it, each on their own machine: breakglass log epoch sign {out}; then, \
         with log_key_file the new key: breakglass log epoch begin {out}",
        roots.join(", ")
    ));
    Ok(())
}

/// Needs no server: what this machine has seen says enough.
fn sign(path: &Path, key: Option<&Path>, yes: bool, cx: &Context) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::malformed(path, e))?;
    let epoch = Epoch::from_bytes(&bytes).map_err(|e| Failure::malformed(path, e))?;
    let config = cx.config()?;
    let pins = cx.home().pins(config.genesis);
    let authority = known_authority(&epoch, config.genesis, &pins)?;
    let last = last(&epoch)?;
    let seen = seen_here(&pins, &epoch, &last)?;
    let mut signer = match key {
        Some(key) => signer::open_file(key)?,
        None => signer::open(&config.key.place())?,
    };
    let principal = &config.principal;
    let mut lines = shown(&epoch, last.size());
    lines.extend([authority, seen]);
    lines.push("afterwards every grant has ended and every credential is rotated".to_owned());
    lines.push(digest(&bytes).to_string());
    cx.output().document(&lines);
    consent(yes, &format!("sign this epoch as {principal}?"))?;
    if signer.needs_touch() {
        let fingerprint = signer.fingerprint();
        cx.output().warn(&format!("touch your key {fingerprint}"));
    }
    let signature = signer.sign(Kind::Epoch, &bytes)?;
    let out = signature_path(path, principal);
    file::write_atomic(&out, signature.as_bytes())?;
    let out = out.display().to_string();
    cx.output()
        .answer(&out, &json!({"signature": out, "principal": principal}));
    cx.output().say(&format!("signed as {principal}"));
    Ok(())
}

/// The authority under which it is signed must be the newest that this machine saw, or a newer one.
fn known_authority(epoch: &Epoch, genesis: Digest, pins: &Pins) -> Result<String, Failure> {
    if epoch.instance != genesis {
        let message = format!("the epoch is for the installation {}", epoch.instance);
        return Err(Failure::of(Code::OtherInstance, message)
            .hint("do not sign it: this machine belongs to another one"));
    }
    let (named, pinned) = (&epoch.authority, pins.authority()?);
    let version = named.version;
    let Some(pin) = pinned.filter(|pin| pin.version >= version) else {
        return Ok(format!(
            "authority  version {version}, WHICH THIS MACHINE HAS NOT SEEN"
        ));
    };
    if pin.version > version {
        let seen = pin.version;
        let message =
            format!("the epoch names authority version {version}, this machine saw version {seen}");
        return Err(Failure::of(Code::AuthorityRolledBack, message)
            .hint("do not sign it: it would bring back people who have left"));
    }
    if named.digest.0 != Some(pin.digest) {
        let message = format!("version {version} of the authority is another one here");
        return Err(Failure::of(Code::AuthorityRolledBack, message)
            .hint("do not sign it, and ask who wrote it"));
    }
    Ok(format!(
        "authority  version {version}, the newest that this machine saw"
    ))
}

/// What this machine saw of the log that is given up. Whether the entries that it saw are those that
/// are kept it cannot tell by itself but where it saw as many; its client will ask for the proof.
fn seen_here(pins: &Pins, epoch: &Epoch, last: &Checkpoint) -> Result<String, Failure> {
    let Some(pinned) = pins.checkpoint().ok().flatten() else {
        return Ok("this machine has seen nothing of it".to_owned());
    };
    let seen = pinned.checkpoint();
    if seen.origin().as_str() != epoch.before.origin.as_str() {
        let origin = line(seen.origin().as_str());
        return Ok(format!("this machine saw another log last: {origin}"));
    }
    let kept = u64::try_from(epoch.kept.size).unwrap_or(0);
    let size = seen.size();
    let other = |root: &[u8; 32]| root != seen.root().as_bytes();
    if size == kept && other(epoch.kept.root.as_bytes())
        || size == last.size() && other(last.root().as_bytes())
    {
        let message =
            format!("this machine saw other {size} entries of the log than the epoch says");
        return Err(Failure::of(Code::Forked, message)
            .hint("do not sign it, keep state/ as it is, and call security"));
    }
    Ok(match size.saturating_sub(kept) {
        0 if size == kept => {
            format!("this machine saw {size} entries of it: exactly those are kept")
        }
        0 => format!(
            "this machine saw {size} entries of it: no fewer are kept; that it is these will be \
             proven to it, or it does not go along"
        ),
        lost => format!("this machine saw {size} entries of it: {lost} OF THEM ARE GIVEN UP"),
    })
}

/// What the log had, as its own key signed.
fn last(epoch: &Epoch) -> Result<Checkpoint, Failure> {
    let origin = epoch.before.origin.as_str();
    let unsigned = |why: String| {
        let message = format!(
            "the last checkpoint in the epoch is not one of {}: {why}",
            line(origin)
        );
        Failure::of(Code::Tampered, message)
            .hint("do not sign it: nobody could see how many entries it gives up")
    };
    let key = VerifierKey::parse(epoch.before.vkey.as_str());
    let key = key.map_err(|e| unsigned(e.to_string()))?;
    let last = SignedCheckpoint::open(epoch.last.as_str().as_bytes(), origin, &key);
    let last = last.map_err(|e| unsigned(e.to_string()))?;
    Ok(last.checkpoint().clone())
}

/// What is signed, computed from its bytes.
fn shown(epoch: &Epoch, had: u64) -> Vec<String> {
    vec![
        format!("EPOCH {} of the log", epoch.number),
        format!("given up   {}", line(epoch.before.origin.as_str())),
        format!("goes on as {}", line(epoch.log.origin.as_str())),
        format!("its key    {}", line(epoch.log.vkey.as_str())),
        format!(
            "kept       {} entries, root {}",
            epoch.kept.size, epoch.kept.root
        ),
        format!("it had     {had} entries, as its last known checkpoint says"),
        format!("why        {}", line(epoch.reason.as_str())),
        format!("written    {}", epoch.issued_at),
    ]
}

fn begin(args: &Begin, output: Output) -> Result<(), Failure> {
    let config = args.server.load()?;
    let begun = begin_epoch(&config, &args.from, &args.file, &SystemClock);
    let begun = begun.map_err(|e| not_begun(&e))?;
    output.say("the epoch begins: the log goes on under its new key");
    recover::say(&begun, output);
    output.say(
        "tell everybody who checks the log: the epoch and its signatures are in every export, under \
         epochs/; witnesses are given the new key. In authority.toml set [log] as the epoch names it",
    );
    Ok(())
}

fn not_begun(error: &NotBegun) -> Failure {
    let hint = match error {
        NotBegun::Recover(error) => return recover::not_recovered(error),
        NotBegun::Vkey { .. } => "breakglass server-keys makes a log key and prints its vkey",
        NotBegun::Nothing => {
            "name copies with --from; where there are none at all, a new installation begins: \
             docs/procedures/install.md"
        }
        NotBegun::Unreadable { .. } => {
            "name the file that log epoch plan wrote, with the signatures beside it: FILE.PRINCIPAL.sig"
        }
        NotBegun::Epoch(EpochError::NotNew { .. }) => {
            "make a log key under a name that no log of this installation had: breakglass server-keys"
        }
        NotBegun::Epoch(EpochError::Before { .. } | EpochError::Number { .. })
        | NotBegun::Last { .. } => {
            "plan it anew from the newest log and all copies that there are; --before names the key \
             of the log that is given up"
        }
        NotBegun::WentOn { .. } => {
            "name copies that have that epoch, each with --from: exports, events.jsonl, the SIEM's; \
             where none has it, whoever saw that log has to join anew: move the mark away then, and \
             plan again"
        }
        NotBegun::Begun { .. } => {
            "breakglass serve --check says how its log stands; what was lost of that since comes back \
             with breakglass log recover, and if its end is lost for good it takes another epoch"
        }
        NotBegun::Epoch(EpochError::Signatures(
            ChainError::NotRoot { .. }
            | ChainError::Signature { .. }
            | ChainError::Unreadable { .. },
        )) => {
            "every signature that lies beside the epoch must hold: take this one away, FILE.PRINCIPAL.sig, \
             and have it signed anew if it is one of those that are needed"
        }
        NotBegun::Epoch(_) | NotBegun::KeysOver => {
            "have as many root persons sign the same bytes as the authority asks: breakglass log \
             epoch sign FILE"
        }
        NotBegun::LogKey { .. } => "set log_key_file to the new key, which the epoch names",
        NotBegun::Kept { .. } => {
            "name the same copies as for the plan; where the log changed since, plan another epoch"
        }
        NotBegun::Text(_) | NotBegun::Aside { .. } => "is there room, and is data_dir yours?",
    };
    Failure::of(Code::NotRecovered, describe(error)).hint(hint)
}
