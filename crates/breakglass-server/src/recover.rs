//! A log that lost its end is whole again: from copies, up to a checkpoint that its key had signed.
//!
//! Nothing is changed where it lies. The log that is there, as far as it is sound, and after it the
//! copies become another database beside it; only when that gives the signed root, and holds what
//! follows from the loss, does it take the place of the old one, which is kept.

mod epoch;
mod known;
mod rebuilt;

use std::path::{Path, PathBuf};

use breakglass_core::{Command, Refusal, recovery::Recovery};
use breakglass_format::{AccountId, Digest, Event, event::AccountRef};
use breakglass_store::{Blob, Ledger as _, OpenError, SqliteLedger, unused_beside};
use breakglass_tlog::{SignedCheckpoint, SigningKey, VerifierKey};
use thiserror::Error;

use crate::{
    clock::Clock,
    config::{Config, ConfigError},
    copies::{Shelf, Unreadable},
    custody::KeyError,
    engine::{self, Opened, Rejection, ReplayError},
    opening::{mark, open_whole},
    start::log_key,
};
use known::Known;
use rebuilt::Rebuilt;

pub use epoch::{EpochWish, NotBegun, PlannedEpoch, begin_epoch, plan_epoch};
pub use known::NoCheckpoint;
pub use rebuilt::NotRebuilt;

/// What is added to the name of a log that another one took the place of.
const REPLACED: &str = "replaced";

/// What a log is recovered from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// JSONL files and folders of exports.
    pub copies: Vec<PathBuf>,
    /// Signed checkpoints that people kept, as files: what is recovered must give them.
    pub checkpoints: Vec<PathBuf>,
}

/// What was recovered, and what follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries of the log that was there.
    pub had: u64,
    /// Entries that came from copies.
    pub recovered: u64,
    /// Entries of the log now, with what follows.
    pub size: u64,
    /// Where the longest checkpoint was found that the log was held against.
    pub held_against: String,
    /// Grants that ended, as people call them.
    pub ended: Vec<String>,
    /// How many requests that waited are void.
    pub void: usize,
    /// Accounts whose credential was in no copy, by name.
    pub lost: Vec<String>,
    /// Documents that entries of the copies name and no copy has.
    pub missing: Vec<Digest>,
    /// Where the log that was there lies now.
    pub kept: Option<PathBuf>,
}

/// Why a log was not recovered. It is as it was.
#[derive(Debug, Error)]
pub enum NotRecovered {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The copies.
    #[error(transparent)]
    Copies(#[from] Unreadable),
    /// How long the log was cannot be told.
    #[error(transparent)]
    Checkpoint(#[from] NoCheckpoint),
    /// The log that is there is damaged, or a server runs on it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log is as long as it was.
    #[error(
        "nothing is missing: the log has {size} entries, and nothing that was signed is longer"
    )]
    Whole {
        /// Its entries.
        size: u64,
    },
    /// The copies have more than was ever signed, as far as anybody said: what is left out of it
    /// may have been acknowledged.
    #[error(
        "the copies go on to {have} entries, and nothing that is known to be signed covers \
         more than {signed} ({held_against})"
    )]
    Beyond {
        /// Entries in the copies, from the first without a gap.
        have: u64,
        /// Entries of the longest checkpoint, or of the log.
        signed: u64,
        /// Where the checkpoint was found.
        held_against: String,
    },
    /// The copies end too early.
    #[error(
        "the log had {wanted} entries ({held_against}), and {had} are there with the copies: \
         entries {had} to {last} are in none"
    )]
    Short {
        /// Entries that there are, from the first without a gap.
        had: u64,
        /// Entries there were.
        wanted: u64,
        /// The last that is missing.
        last: u64,
        /// Where the checkpoint was found that says so.
        held_against: String,
    },
    /// It could not be put together, or is not what was signed.
    #[error(transparent)]
    Rebuilt(#[from] NotRebuilt),
    /// The rules cannot take it in.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A statement or a signature is in no copy.
    #[error("{0}")]
    Statement(String),
    /// The rules say no to what was to follow.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What follows could not be recorded.
    #[error("what follows from the loss could not be recorded: {0}")]
    Follows(String),
    /// It is in its place; only the mark could not be written. The next start finds it missing or
    /// behind, and the same command again puts that right.
    #[error("the log is recovered, but its high-water mark cannot be written: {0}")]
    Mark(String),
}

/// Recovers the log that a configuration names. No server may run on it. `only_signed` gives up the
/// entries of the copies that no known checkpoint covers; without it such entries are refused.
///
/// # Errors
/// [`NotRecovered`]; but for [`NotRecovered::Mark`] the log is then as it was.
pub fn recover(
    config: &Config,
    sources: &Sources,
    only_signed: bool,
    clock: &dyn Clock,
) -> Result<Recovered, NotRecovered> {
    config.check()?;
    let key = log_key(&config.log_key_file)?;
    let mut shelf = Shelf::of(&sources.copies)?;
    let verifier = key.verifier();
    let known = Known::of(config, verifier, &shelf, &sources.checkpoints)?;
    let database = config.data_dir.join("log.db");
    let old = sound(&database, verifier)?;
    let had = old.as_ref().map_or(0, |old| old.head().size());
    let wanted = reach(&known, had, &shelf, only_signed)?;
    let rebuilt = Rebuilt::beside(&database, &key, old.as_ref(), &mut shelf, wanted)?;
    known.hold(rebuilt.ledger())?;
    let recovered = wanted - had;
    let (place, missing) = rebuilt.close();
    let opened = taken_in(config, place.path(), &key)?;
    let command = Command::Recovered(recovery(recovered, lost(&opened)));
    let follows = follows(opened, &command, Vec::new(), clock, &key)?;
    let unused = unused_beside(&database, REPLACED);
    let kept = old.is_some().then(|| unused.clone());
    SqliteLedger::replace(old, &database, place.path(), &unused)?;
    let head = follows.head;
    mark(config)
        .write(&head)
        .map_err(|e| NotRecovered::Mark(e.to_string()))?;
    Ok(Recovered {
        had,
        recovered,
        size: head.checkpoint().size(),
        held_against: known.longest().0.to_owned(),
        missing,
        kept,
        ..follows.recovered
    })
}

/// The log that is there, verified.
fn sound(database: &Path, key: &VerifierKey) -> Result<Option<SqliteLedger>, OpenError> {
    if !database.exists() {
        return Ok(None);
    }
    SqliteLedger::open(database, key.name().as_str(), key, &mut |_| {}).map(Some)
}

/// How many entries there are to be, all of which there are.
fn reach(known: &Known, had: u64, shelf: &Shelf, only_signed: bool) -> Result<u64, NotRecovered> {
    let (held_against, signed) = known.longest();
    let wanted = signed.max(had);
    let have = shelf.reaches(had);
    if have > wanted && !only_signed {
        return Err(NotRecovered::Beyond {
            have,
            signed: wanted,
            held_against: held_against.to_owned(),
        });
    }
    if have <= wanted && wanted == had && !known.mark_is_gone() {
        return Err(NotRecovered::Whole { size: had });
    }
    let reached = have.min(wanted);
    if reached < wanted {
        return Err(NotRecovered::Short {
            had: reached,
            wanted,
            last: wanted - 1,
            held_against: held_against.to_owned(),
        });
    }
    Ok(wanted)
}

/// What came of the loss.
struct Follows {
    recovered: Recovered,
    head: SignedCheckpoint,
}

/// Takes the rebuilt log in by the rules.
fn taken_in(config: &Config, path: &Path, key: &SigningKey) -> Result<Opened, NotRecovered> {
    let (ledger, replay) = open_whole(path, key, config.genesis)?;
    let missing = replay.missing_statement().map(str::to_owned);
    let opened = replay.finish(ledger)?;
    match missing {
        Some(missing) => Err(NotRecovered::Statement(missing)),
        None => Ok(opened),
    }
}

fn recovery(recovered: u64, lost: Vec<AccountId>) -> Recovery {
    Recovery {
        recovered: i64::try_from(recovered).unwrap_or(i64::MAX),
        lost,
    }
}

/// Records what follows from the loss.
fn follows(
    opened: Opened,
    command: &Command,
    blobs: Vec<Blob>,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Follows, NotRecovered> {
    let recorded = engine::record(opened, command, blobs, clock, key);
    let (opened, entries) = recorded.map_err(|rejection| {
        if let Rejection::Refused(refusal) = rejection {
            return NotRecovered::Refused(refusal);
        }
        NotRecovered::Follows(rejection.to_string())
    })?;
    let mut came = Recovered::default();
    let names = |lost: &[AccountRef]| lost.iter().map(|a| a.name.to_string()).collect();
    for entry in &entries {
        if let Event::BreakGlassEnded(d) = &entry.event {
            let grant = opened.world.grant(&d.grant_id);
            let grant = grant.map(|grant| grant.reference.to_string());
            came.ended.extend(grant);
        } else if let Event::LogRecovered(d) = &entry.event {
            came.lost = names(&d.lost);
        } else if let Event::EpochBegun(d) = &entry.event {
            came.lost = names(&d.lost);
        } else if matches!(entry.event, Event::BreakGlassVoided(_)) {
            came.void += 1;
        }
    }
    Ok(Follows {
        recovered: came,
        head: opened.ledger.head().checkpoint().clone(),
    })
}

/// Accounts of which a credential that counts is not there.
fn lost(opened: &Opened) -> Vec<AccountId> {
    let there = |digest: &Digest| matches!(opened.ledger.blob(digest), Ok(Some(_)));
    let accounts = opened.world.accounts().filter(|(_, state)| {
        let mut sealed = [state.current, state.staged].into_iter().flatten();
        sealed.any(|credential| !there(&credential.sealed))
    });
    accounts.map(|(id, _)| id.clone()).collect()
}
