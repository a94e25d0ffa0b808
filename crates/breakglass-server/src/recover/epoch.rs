//! An epoch: what is kept of a log that cannot go on as it was goes on under another origin and
//! key, as its root persons signed ([decision 0011](../../../docs/decisions/0011-an-epoch-continues-the-history.md)).

use std::path::{Path, PathBuf};

use breakglass_core::{Command, recovery::BeginEpoch};
use breakglass_format::{
    Digest, Nonce, Principal, Prose,
    authority::LogIdentity,
    canonical::CanonicalError,
    statement::{Epoch, Kind, LogHead, Statement as _},
};
use breakglass_statement::{EpochError, VerifiedEpoch};
use breakglass_store::{HighWaterMark, Ledger as _, SqliteLedger, beside, unused_beside};
use breakglass_tlog::{
    Checkpoint, KeyError as VkeyError, Note, SignedCheckpoint, SigningKey, VerifierKey,
};
use thiserror::Error;

use super::{NotRecovered, Recovered, Sources, known::Known, rebuilt::Rebuilt};
use crate::{
    clock::Clock,
    config::Config,
    copies::Shelf,
    engine::{Opened, public},
    entropy::random,
    opening::mark,
    start::log_key,
    witnesses::COSIGNED,
};

/// What an epoch is to be.
#[derive(Debug, Clone)]
pub struct EpochWish {
    /// What is kept besides the log that is there, and what is known of how long it was.
    pub sources: Sources,
    /// The log's verifier key from here on; its name is the origin.
    pub log: String,
    /// That of the log before, where `log_key_file` holds it no longer.
    pub before: Option<String>,
    /// Why.
    pub reason: Prose,
}

/// An epoch for root persons to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEpoch {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Entries that are kept.
    pub kept: u64,
    /// Entries that the log had, as far as anybody knows.
    pub had: u64,
    /// Who is to sign, by principal, and how many of them are enough.
    pub roots: (Vec<Principal>, i64),
}

/// Why no epoch begins. Everything is as it was, but for what [`NotRecovered`] says.
#[derive(Debug, Error)]
pub enum NotBegun {
    /// What is kept cannot be put together.
    #[error(transparent)]
    Recover(#[from] NotRecovered),
    /// A verifier key that was given is none.
    #[error("{given} is not a verifier key: {source}")]
    Vkey {
        /// What was given.
        given: String,
        /// Why.
        source: VkeyError,
    },
    /// Nothing is known of the log, so that there is nothing to keep.
    #[error("there is no log, and no copy has one with a checkpoint that its key signed")]
    Nothing,
    /// It cannot be written down.
    #[error("the epoch cannot be written: {0}")]
    Text(#[from] CanonicalError),
    /// The statement or a signature cannot be read.
    #[error("{path} cannot be read: {detail}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The statement.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// How long the log before was is said by nobody who signed it.
    #[error("the last checkpoint in the epoch is not one of the log before it, {before}")]
    Last {
        /// Its origin.
        before: String,
    },
    /// The mark is of a log that went on after the one that is to be given up.
    #[error(
        "{path} is of the log {origin}, which an epoch began that is in none of what is kept of \
         {before}"
    )]
    WentOn {
        /// The mark.
        path: PathBuf,
        /// The log that it is of.
        origin: String,
        /// The log that is to be given up.
        before: String,
    },
    /// It has begun: another beginning would be another history under the same key.
    #[error("the epoch has begun already: {path} says so")]
    Begun {
        /// The log that goes on, or its mark.
        path: PathBuf,
    },
    /// A key that signed does not count any more.
    #[error("too few of the keys that signed the epoch count now")]
    KeysOver,
    /// The log key is not the one that the root persons signed.
    #[error("the epoch names the log key {expected}, the key file holds {got}")]
    LogKey {
        /// In the statement.
        expected: String,
        /// In the file.
        got: String,
    },
    /// The log and the copies do not give what was signed.
    #[error("the epoch keeps {kept} entries, and the log and the copies do not give its root")]
    Kept {
        /// Entries that it keeps.
        kept: u64,
    },
    /// The files beside the log.
    #[error("{path} cannot be put aside: {detail}")]
    Aside {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

impl NotBegun {
    fn recover(error: impl Into<NotRecovered>) -> Self {
        Self::Recover(error.into())
    }
}

/// Writes down the epoch that keeps as much as is proven of a log: the log that is there, and of
/// the copies what a checkpoint covers. Nothing is changed. No server may run on it.
///
/// # Errors
/// [`NotBegun`]
pub fn plan_epoch(
    config: &Config,
    wish: &EpochWish,
    clock: &dyn Clock,
) -> Result<PlannedEpoch, NotBegun> {
    config.check().map_err(NotBegun::recover)?;
    let log = vkey(&wish.log)?;
    let before = match &wish.before {
        Some(before) => vkey(before)?,
        None => {
            let key = log_key(&config.log_key_file).map_err(NotBegun::recover)?;
            key.verifier().clone()
        }
    };
    went_on(config, &before)?;
    let mut shelf = Shelf::of(&wish.sources.copies).map_err(NotBegun::recover)?;
    let checkpoints = &wish.sources.checkpoints;
    let mut known =
        Known::gathered(config, &before, &shelf, checkpoints).map_err(NotBegun::recover)?;
    let database = config.data_dir.join("log.db");
    let old = super::sound(&database, &before).map_err(NotBegun::recover)?;
    let had = old.as_ref().map_or(0, |old| old.head().size());
    if let Some(old) = &old {
        known.add(
            "the log that is there",
            Some(old.head().checkpoint().clone()),
        );
    }
    let reached = shelf.reaches(had);
    // Nobody is going to append under this key: the root of what is kept is all that is wanted.
    let seed = random().map_err(|e| unwritten(&e.to_string()))?;
    let passing = SigningKey::from_seed(log.name().clone(), &seed);
    let mut build = |size| {
        let built = Rebuilt::beside(&database, &passing, old.as_ref(), &mut shelf, size);
        built.map_err(NotBegun::recover)
    };
    let mut built = build(reached)?;
    let kept = known.proven(built.ledger(), had).ok_or(NotBegun::Nothing)?;
    if kept < reached {
        drop(built);
        built = build(kept)?;
    }
    let (place, _) = built.close();
    let opened = super::taken_in(config, place.path(), &passing)?;
    let (_, last) = known.last().ok_or(NotBegun::Nothing)?;
    let identities = (&before, &log);
    let epoch = written(&opened, identities, last.to_text(), &wish.reason, clock)?;
    let set = opened.authorities.as_ref().ok_or(NotBegun::Nothing)?;
    set.may_begin(&epoch)?;
    let roots = roots_of(&opened);
    Ok(PlannedEpoch {
        bytes: epoch.to_bytes()?,
        kept,
        had: last.checkpoint().size().max(kept),
        roots,
    })
}

/// That no other log followed the one that is to be given up, as far as the mark tells: clients that
/// saw it go along with no second beginning.
fn went_on(config: &Config, before: &VerifierKey) -> Result<(), NotBegun> {
    let path = mark(config).path().to_owned();
    let note = std::fs::read(&path).ok();
    let note = note.and_then(|bytes| Note::parse(&bytes).ok());
    let marked = note.and_then(|note| Checkpoint::parse(note.text()).ok());
    match marked {
        Some(marked) if marked.origin() != before.name() => Err(NotBegun::WentOn {
            path,
            origin: marked.origin().to_string(),
            before: before.name().to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

fn roots_of(opened: &Opened) -> (Vec<Principal>, i64) {
    let Some(set) = &opened.authorities else {
        return (Vec::new(), 0);
    };
    let authority = set.current().authority();
    let people = authority.people.iter();
    let roots = people.filter(|p| authority.roots.persons.contains(&p.person));
    let roots = roots.map(|p| p.principal.clone()).collect();
    (roots, authority.roots.threshold)
}

/// The statement, over the log as it was opened.
fn written(
    opened: &Opened,
    (before, log): (&VerifierKey, &VerifierKey),
    last: String,
    reason: &Prose,
    clock: &dyn Clock,
) -> Result<Epoch, NotBegun> {
    let set = opened.authorities.as_ref().ok_or(NotBegun::Nothing)?;
    let nonce = random().map_err(|e| unwritten(&e.to_string()))?;
    let size = opened.ledger.head().size();
    Ok(Epoch {
        kind: Kind::Epoch,
        authority: set.current_ref(),
        before: identity(before)?,
        instance: set.instance(),
        issued_at: clock.wall(),
        kept: LogHead {
            root: Digest::from_bytes(*opened.ledger.head().root().as_bytes()),
            size: i64::try_from(size).unwrap_or(i64::MAX),
        },
        last: Prose::new(last).map_err(|e| unwritten(&e.to_string()))?,
        log: identity(log)?,
        nonce: Nonce::from_bytes(nonce),
        number: i64::try_from(set.epochs().count()).unwrap_or(i64::MAX) + 1,
        reason: reason.clone(),
    })
}

fn unwritten(detail: &str) -> NotBegun {
    NotBegun::Recover(NotRecovered::Follows(detail.to_owned()))
}

fn vkey(given: &str) -> Result<VerifierKey, NotBegun> {
    VerifierKey::parse(given.trim()).map_err(|source| NotBegun::Vkey {
        given: given.to_owned(),
        source,
    })
}

fn identity(key: &VerifierKey) -> Result<LogIdentity, NotBegun> {
    let line =
        |text: String| breakglass_format::Line::new(text).map_err(|e| unwritten(&e.to_string()));
    Ok(LogIdentity {
        origin: line(key.name().to_string())?,
        vkey: line(key.to_string())?,
    })
}

/// Begins the epoch that root persons signed: `statement` is its file, the signatures lie beside it
/// as `FILE.PRINCIPAL.sig`. `log_key_file` holds the new key. No server may run on the log.
///
/// # Errors
/// [`NotBegun`]
pub fn begin_epoch(
    config: &Config,
    copies: &[PathBuf],
    statement: &Path,
    clock: &dyn Clock,
) -> Result<Recovered, NotBegun> {
    config.check().map_err(NotBegun::recover)?;
    let key = log_key(&config.log_key_file).map_err(NotBegun::recover)?;
    let (bytes, signatures) = signed(statement)?;
    let epoch = Epoch::from_bytes(&bytes)?;
    is_ours(&epoch, &key)?;
    let before = vkey(epoch.before.vkey.as_str())?;
    let mut shelf = Shelf::of(copies).map_err(NotBegun::recover)?;
    let database = config.data_dir.join("log.db");
    let old = match super::sound(&database, &before) {
        Err(_) if goes_on(&database, &key) => return Err(NotBegun::Begun { path: database }),
        old => old.map_err(NotBegun::recover)?,
    };
    let had = old.as_ref().map_or(0, |old| old.head().size());
    let kept = u64::try_from(epoch.kept.size).unwrap_or(0);
    if had > kept || shelf.reaches(had) < kept {
        return Err(NotBegun::Kept { kept });
    }
    let rebuilt = Rebuilt::beside(&database, &key, old.as_ref(), &mut shelf, kept);
    let rebuilt = rebuilt.map_err(NotBegun::recover)?;
    if *rebuilt.ledger().head().root().as_bytes() != *epoch.kept.root.as_bytes() {
        return Err(NotBegun::Kept { kept });
    }
    led_here(&epoch, &before, rebuilt.ledger())?;
    let (place, missing) = rebuilt.close();
    let mut opened = super::taken_in(config, place.path(), &key)?;
    let begun = begun(&mut opened, &bytes, &signatures, clock)?;
    let lost = super::lost(&opened);
    let command = Command::BeginEpoch(Box::new(BeginEpoch {
        epoch: epoch.clone(),
        digest: begun.digest(),
        signatures: begun.signatures(),
        recovery: super::recovery(kept - had, lost),
    }));
    let follows = super::follows(opened, &command, blobs(&begun), clock, &key)?;
    is_the_first(config, &key, follows.head.checkpoint().size())?;
    // A start between these two finds a log and a mark that are not of one origin, and only reads.
    put_aside(config, epoch.number, &key)?;
    let write = mark(config).write(&follows.head);
    write.map_err(|e| NotBegun::Recover(NotRecovered::Mark(e.to_string())))?;
    let unused = unused_beside(&database, super::REPLACED);
    let there = old.is_some().then(|| unused.clone());
    SqliteLedger::replace(old, &database, place.path(), &unused).map_err(NotBegun::recover)?;
    Ok(Recovered {
        had,
        recovered: kept - had,
        size: follows.head.checkpoint().size(),
        held_against: statement.display().to_string(),
        missing,
        kept: there,
        ..follows.recovered
    })
}

/// Whether the log that is there is that of the epoch.
fn goes_on(database: &Path, key: &SigningKey) -> bool {
    let verifier = key.verifier();
    SqliteLedger::begin(database, verifier.name().as_str(), verifier).is_ok()
}

/// The last checkpoint is signed by the log before, and of what is kept as far as that goes.
fn led_here(epoch: &Epoch, before: &VerifierKey, kept: &SqliteLedger) -> Result<(), NotBegun> {
    let origin = before.name().as_str();
    let last = SignedCheckpoint::open(epoch.last.as_str().as_bytes(), origin, before);
    let unsigned = |_| NotBegun::Last {
        before: origin.to_owned(),
    };
    let last = last.map_err(unsigned)?;
    let (size, root) = (last.checkpoint().size(), last.checkpoint().root());
    let have = kept.head().size();
    if size <= have && kept.root_at(size).ok() != Some(root) {
        return Err(NotBegun::Kept { kept: have });
    }
    Ok(())
}

/// Refuses where the log of the epoch is known to have gone on: further than its beginning, or as
/// witnesses saw it. What was interrupted has left its beginning at most.
fn is_the_first(config: &Config, key: &SigningKey, beginning: u64) -> Result<(), NotBegun> {
    let (origin, verifier) = (key.verifier().name().as_str(), key.verifier());
    let cosigned = config.data_dir.join(COSIGNED);
    for (file, most) in [(mark(config), beginning), (HighWaterMark::new(cosigned), 0)] {
        let known = file.read(origin, verifier).ok().flatten();
        if known.is_some_and(|known| known.checkpoint().size() > most) {
            let path = file.path().to_owned();
            return Err(NotBegun::Begun { path });
        }
    }
    Ok(())
}

fn is_ours(epoch: &Epoch, key: &SigningKey) -> Result<(), NotBegun> {
    let (expected, got) = (epoch.log.vkey.to_string(), key.verifier().to_string());
    match expected == got {
        true => Ok(()),
        false => Err(NotBegun::LogKey { expected, got }),
    }
}

/// The epoch as the authority of what is kept verifies it.
fn begun(
    opened: &mut Opened,
    bytes: &[u8],
    signatures: &[(Principal, String)],
    clock: &dyn Clock,
) -> Result<std::sync::Arc<VerifiedEpoch>, NotBegun> {
    let set = opened.authorities.as_mut().ok_or(NotBegun::Nothing)?;
    let begun = set.begin_epoch(bytes, signatures)?;
    let now = clock.wall().max(opened.world.last());
    match begun.threshold_holds_at(set, now) {
        true => Ok(begun),
        false => Err(NotBegun::KeysOver),
    }
}

fn blobs(epoch: &VerifiedEpoch) -> Vec<breakglass_store::Blob> {
    let signatures = epoch.armoured();
    let signatures = signatures.map(|(_, armoured)| public(armoured.as_bytes().to_vec()));
    std::iter::once(public(epoch.bytes().to_vec()))
        .chain(signatures)
        .collect()
}

/// The statement, and every signature that lies beside it.
#[expect(clippy::type_complexity, reason = "bytes, and who signed them how")]
fn signed(statement: &Path) -> Result<(Vec<u8>, Vec<(Principal, String)>), NotBegun> {
    let unreadable = |path: &Path, detail: String| NotBegun::Unreadable {
        path: path.to_owned(),
        detail,
    };
    let bytes = std::fs::read(statement).map_err(|e| unreadable(statement, e.to_string()))?;
    let name = statement.file_name().unwrap_or_default().to_string_lossy();
    let dir = match statement.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let entries = std::fs::read_dir(dir).map_err(|e| unreadable(dir, e.to_string()))?;
    let mut signatures = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(dir, e.to_string()))?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let principal = file
            .strip_prefix(&*name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(".sig"));
        let Some(principal) = principal else { continue };
        let principal = principal
            .parse()
            .map_err(|_| unreadable(&path, "it is named after nobody".to_owned()))?;
        let armoured = std::fs::read_to_string(&path);
        signatures.push((
            principal,
            armoured.map_err(|e| unreadable(&path, e.to_string()))?,
        ));
    }
    signatures.sort();
    Ok((bytes, signatures))
}

/// The marks of the log before, which say nothing of the one to come. One that an interrupted
/// beginning wrote is none of them, and must not take their place.
fn put_aside(config: &Config, number: i64, key: &SigningKey) -> Result<(), NotBegun> {
    let (origin, verifier) = (key.verifier().name().as_str(), key.verifier());
    let cosigned = HighWaterMark::new(config.data_dir.join(COSIGNED));
    for file in [mark(config), cosigned] {
        if file.read(origin, verifier).is_ok_and(|new| new.is_some()) {
            continue;
        }
        let path = file.path().to_owned();
        let aside = beside(&path, &format!(".before-epoch-{number}"));
        match std::fs::rename(&path, &aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let detail = error.to_string();
                return Err(NotBegun::Aside { path, detail });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
