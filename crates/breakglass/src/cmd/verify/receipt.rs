//! The proof of one entry (C2SP tlog-proof): is the entry in the log, at that index?

use std::path::{Path, PathBuf};

use breakglass_format::Entry;
use breakglass_tlog::{
    BundleParseError, BundleVerifyError, ProofBundle, SignedCheckpoint, Verified, VerifierKey,
    leaf_hash,
};
use serde_json::json;

use super::{super::input, Args};
use crate::{
    hint::{Code, Failure},
    output::{Output, line},
    state::{ClientConfig, Home},
};

/// Checks and says.
pub(super) fn run(args: &Args, home: Option<&Path>, output: Output) -> Result<(), Failure> {
    if args.genesis.is_some() || args.strict {
        return Err(Failure::usage("--genesis and --strict go with a folder")
            .hint("a proof of one entry is checked with the log's key: --log-key"));
    }
    let bundle = bundle(&args.path)?;
    let entry = read(&entry_path(args)?)?;
    let key = match &args.log_key {
        Some(key) => key.clone(),
        None => pinned(home)?,
    };
    let (verified, entry) = verify(&bundle, &entry, &key)?;
    let against = args.against.as_deref().map(read).transpose()?;
    if let Some(other) = against {
        agree(&verified.checkpoint, &other, &key)?;
    }
    let by = args.policy.as_deref();
    let by = by.map(|path| vouched_for(&verified.checkpoint, path));
    let by = by.transpose()?;
    say(&verified, entry, output);
    if let Some(by) = by {
        output.say(&format!("cosigned by {by}"));
    }
    let size = verified.checkpoint.checkpoint().size();
    match args.min_size.filter(|least| size < *least) {
        Some(least) => Err(Failure::of(
            Code::Stale,
            format!("it is proven under {size} entries, {least} were asked for"),
        )
        .hint("have it proven anew: breakglass log prove INDEX --out DIR")),
        None => Ok(()),
    }
}

fn bundle(path: &Path) -> Result<ProofBundle, Failure> {
    ProofBundle::parse(&read(path)?).map_err(|error| match error {
        BundleParseError::Header | BundleParseError::NoSeparator => Failure::malformed(path, error),
        BundleParseError::TooLong { .. }
        | BundleParseError::Extra
        | BundleParseError::Index
        | BundleParseError::Hash { .. }
        | BundleParseError::TooManyHashes { .. }
        | BundleParseError::Checkpoint(_) => tampered(format!("{}: {error}", path.display())),
    })
}

/// The entry: what was named, or what `log prove --out` wrote beside the proof.
fn entry_path(args: &Args) -> Result<PathBuf, Failure> {
    let beside = args.path.with_extension("json");
    let named = args.entry.clone();
    named
        .or_else(|| beside.is_file().then_some(beside))
        .ok_or_else(|| {
            Failure::usage("nothing says which entry it is the proof of")
                .hint("--entry names a file with its exact bytes: breakglass log prove INDEX")
        })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::of(Code::FileMissing, format!("{}: {error}", path.display()))
            .hint("check the path; nothing was checked")
    })
}

/// The log's key of the installation that was joined from here, without asking anybody.
fn pinned(home: Option<&Path>) -> Result<VerifierKey, Failure> {
    let unknown = |why: String| {
        Failure::of(Code::CannotTell, why)
            .hint("add the log's key, which the authority names: --log-key NAME+ID+KEY")
    };
    let home = match home {
        Some(dir) => Home::under(dir),
        None => Home::from_environment(std::env::var_os::<&'static str>)?,
    };
    let config = ClientConfig::load(&home.config_file()).map_err(|e| unknown(e.to_string()))?;
    let key = home.pins(config.genesis).log_key()?;
    key.ok_or_else(|| unknown("this client has not seen the log's key yet".to_owned()))
}

/// The proof holds for these bytes, or for these without the newline that a terminal or an editor
/// put behind them: no entry ends with one.
fn verify<'e>(
    bundle: &ProofBundle,
    entry: &'e [u8],
    key: &VerifierKey,
) -> Result<(Verified, &'e [u8]), Failure> {
    let origin = key.name().as_str();
    let entry = entry.strip_suffix(b"\n").unwrap_or(entry);
    match bundle.verify(entry, origin, key) {
        Ok(verified) => Ok((verified, entry)),
        Err(error @ BundleVerifyError::Checkpoint(_)) => Err(tampered(error.to_string())),
        Err(error @ BundleVerifyError::Inclusion(_)) => Err(tampered(format!(
            "the log does not have these bytes at index {}: {error}",
            bundle.index()
        ))),
    }
}

/// Which witnesses of a policy cosigned the checkpoint, where they are enough.
fn vouched_for(checkpoint: &SignedCheckpoint, path: &Path) -> Result<String, Failure> {
    let policy = input::policy(path)?;
    let judgement = policy
        .judge(checkpoint)
        .map_err(|error| tampered(format!("the cosignatures: {error}")))?;
    if !judgement.met {
        let message = "those who cosigned the checkpoint are not enough for the policy";
        return Err(Failure::of(Code::CannotTell, message).hint(
            "have it proven anew, once witnesses have cosigned: breakglass log prove INDEX",
        ));
    }
    let by = judgement.cosigners.iter();
    let by: Vec<String> = by.map(|c| line(&c.witness.name().to_string())).collect();
    Ok(by.join(", "))
}

/// Two checkpoints of one size are of one history only if their roots are the same; of different
/// sizes this alone does not tell.
fn agree(shown: &SignedCheckpoint, other: &[u8], key: &VerifierKey) -> Result<(), Failure> {
    let other = SignedCheckpoint::open(other, key.name().as_str(), key)
        .map_err(|error| tampered(format!("the other checkpoint: {error}")))?;
    let (shown, other) = (shown.checkpoint(), other.checkpoint());
    if shown == other {
        return Ok(());
    }
    let (here, there) = (shown.size(), other.size());
    if here == there {
        let message = format!("the log signed two histories of {here} entries");
        return Err(Failure::of(Code::Forked, message)
            .hint("keep the proof and the checkpoint, and hand both to the auditors"));
    }
    let message = format!("a proof under {here} entries says nothing of the log at {there}");
    Err(Failure::of(Code::CannotTell, message)
        .hint("hold an export against it: breakglass verify DIR --against FILE"))
}

fn tampered(message: String) -> Failure {
    Failure::of(Code::Tampered, message)
        .hint("keep both files as they are, and have the entry proven anew by the log")
}

fn say(verified: &Verified, entry: &[u8], output: Output) {
    let checkpoint = verified.checkpoint.checkpoint();
    let (index, leaf) = (verified.index, leaf_hash(entry));
    let (origin, size, root) = (checkpoint.origin(), checkpoint.size(), checkpoint.root());
    let read = Entry::from_bytes(entry).ok();
    let kind = read.as_ref().map(|entry| entry.event.event_type());
    let at = read.as_ref().map(|entry| entry.created_at.to_string());
    if output.is_json() {
        output.json(&json!({
            "outcome": "ok",
            "exit": 0,
            "index": index,
            "leaf": leaf.to_string(),
            "event": kind,
            "created_at": at,
            "origin": origin.as_str(),
            "size": size,
            "root": root.to_string(),
        }));
        return;
    }
    let what = match (kind, at) {
        (Some(kind), Some(at)) => format!("{kind} of {at}"),
        _ => "bytes that this version does not read".to_owned(),
    };
    output.data(&format!("ok: entry {index} of {size} in {origin}: {what}"));
    output.say(&format!(
        "leaf {leaf}, under a checkpoint with the root {root} that the log's key signed"
    ));
}
