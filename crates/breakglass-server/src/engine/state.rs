//! Rebuilding the world from the log: one pass over every entry, each verified by the store.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
};

use breakglass_core::World;
use breakglass_format::{
    CommandId, Digest, Entry, Event, Principal,
    authority::Authority,
    entry::{EntryError, Recorded},
    event::{AuthorityPublished, EpochBegun, RootSignature},
};
use breakglass_statement::{AuthoritySet, ChainError, EpochError};
use breakglass_store::{BATCH_ENTRIES_MAX, Blob, Ledger as _, ReadError, Replayed, SqliteLedger};
use thiserror::Error;

use crate::{recheck::Taken, snapshot::Kept};

/// What replay found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) ledger: SqliteLedger,
    pub(crate) world: World,
    pub(crate) authorities: Option<AuthoritySet>,
    pub(crate) memory: Memory,
    /// A blob that an entry names and that is not there: the log is read-only then.
    pub(crate) missing: Option<String>,
    /// What the world was taken from, where that was a snapshot.
    pub(crate) taken: Option<Taken>,
}

/// A repeated call gets the same answer as long as no more entries than these followed. Later the
/// rules say that the statement is too old, or was accepted before.
const REMEMBERED: u64 = 16_384;

/// Where the answers of statements lie: the first entry, and the one after the last. Shared, so that
/// whoever has a statement that was never seen need not wait for the engine to say so.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers(Arc<RwLock<HashMap<Digest, (u64, u64)>>>);

impl Answers {
    pub(super) fn of(&self, statement: &Digest) -> Option<(u64, u64)> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.get(statement).copied()
    }

    /// Adds an entry to an answer; says whether it is the first.
    fn add(&self, statement: Digest, index: u64) -> bool {
        let mut answers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.entry(statement).or_insert((index, index));
        answer.1 = index + 1;
        answer.0 == index
    }

    fn remove(&self, statement: &Digest) {
        let mut answers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        answers.remove(statement);
    }
}

/// Where the answers of statements and command ids lie, and the versions of the authority.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    answers: Answers,
    pub(super) commands: HashMap<CommandId, Digest>,
    /// Which to let go of first.
    order: VecDeque<(u64, Digest, Option<CommandId>)>,
    pub(super) authority_at: Vec<u64>,
}

impl Memory {
    pub(super) const fn answers(&self) -> &Answers {
        &self.answers
    }

    pub(super) fn note(&mut self, index: u64, entry: &Entry) {
        let newer = self.authority_at.last().is_none_or(|last| *last < index);
        let of_roots = matches!(
            entry.event,
            Event::AuthorityPublished(_) | Event::EpochBegun(_)
        );
        if of_roots && newer {
            self.authority_at.push(index);
        }
        let Some(statement) = entry.statement.0 else {
            return;
        };
        let command = entry.command_id.0;
        if self.answers.add(statement, index) {
            self.order.push_back((index, statement, command));
        }
        if let Some(command) = command {
            self.commands.insert(command, statement);
        }
        self.forget(index);
    }

    fn forget(&mut self, index: u64) {
        while let Some((first, statement, command)) = self.order.front().copied()
            && first + REMEMBERED <= index
        {
            self.order.pop_front();
            self.answers.remove(&statement);
            if let Some(command) = command {
                self.commands.remove(&command);
            }
        }
    }
}

/// Why a log cannot be taken over.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// An entry this program cannot read: written by a newer version, or not an entry at all.
    #[error("entry {index}: {source}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// An authority that an entry names is not among the blobs, or cannot be read back.
    #[error("authority version {version}: {detail}")]
    AuthorityBlob {
        /// The version.
        version: i64,
        /// What is missing.
        detail: String,
    },
    /// An epoch does not follow, or is not signed as it must be.
    #[error("epoch {number}: {source}")]
    Epoch {
        /// Its number.
        number: i64,
        /// Why.
        source: EpochError,
    },
    /// An authority does not follow from the one before.
    #[error("authority version {version}: {source}")]
    Chain {
        /// The version.
        version: i64,
        /// Why.
        source: ChainError,
    },
}

/// Rebuilds the world from entries as the store streams them while it verifies itself, so that no
/// log is too long for the memory. Nothing of it counts before the store is content.
#[derive(Debug)]
pub(crate) struct Replay {
    pin: Digest,
    world: World,
    authorities: Option<AuthoritySet>,
    memory: Memory,
    missing: Option<String>,
    /// The same of what lay sealed: nothing is missed any more once people were told that it is lost.
    unsealed: Option<String>,
    failed: Option<ReplayError>,
    taken: Option<Taken>,
}

impl Replay {
    /// Before entry 0; `pin` is the genesis that this installation is known by.
    pub(crate) fn new(pin: Digest) -> Self {
        Self {
            pin,
            world: World::new(),
            authorities: None,
            memory: Memory::default(),
            missing: None,
            unsealed: None,
            failed: None,
            taken: None,
        }
    }

    /// After the entries that a snapshot comes from: what it holds, and the authorities, which
    /// are verified anew. `None` where they are not there as it says.
    pub(crate) fn resume(
        pin: Digest,
        kept: Kept,
        entry: &dyn Fn(u64) -> Option<Vec<u8>>,
        blob: BlobOf<'_>,
    ) -> Option<Self> {
        let mut replay = Self::new(pin);
        for index in &kept.authorities {
            let published = Entry::from_bytes(&entry(*index)?).ok()?;
            if let Event::AuthorityPublished(published) = &published.event {
                replay.succeed(published, blob).ok()?;
            } else if let Event::EpochBegun(begun) = &published.event {
                replay.begin_epoch(begun, blob).ok()?;
            } else {
                return None;
            }
        }
        let current = replay.authorities.as_ref()?.current().digest();
        if kept.world.authority()?.digest != current {
            return None;
        }
        replay.memory.authority_at = kept.authorities;
        replay.world = kept.world.clone();
        replay.taken = Some(Taken {
            size: kept.size,
            world: kept.world,
        });
        Some(replay)
    }

    /// The first entry that it wants to see: some before the snapshot, for the answers that are
    /// given again. As many as one transaction may have come from a statement of before these.
    pub(crate) fn recalls_from(&self) -> u64 {
        let size = self.taken.as_ref().map_or(0, |taken| taken.size);
        size.saturating_sub(REMEMBERED + BATCH_ENTRIES_MAX as u64)
    }

    /// The world so far.
    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    /// What is wrong with the entries so far.
    pub(crate) fn trouble(&self) -> Option<String> {
        let failed = self.failed.as_ref().map(ToString::to_string);
        failed.or_else(|| self.missing.clone().or_else(|| self.unsealed.clone()))
    }

    /// The statement or signature that an entry so far names and that is not there.
    pub(crate) fn missing_statement(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// The next entry. After one that cannot be taken in nothing is.
    pub(crate) fn next(&mut self, replayed: &Replayed<'_>) {
        if self.failed.is_none() {
            self.failed = self.take(replayed).err();
        }
    }

    /// What all of it came to, once the store has verified itself.
    pub(crate) fn finish(self, ledger: SqliteLedger) -> Result<Opened, ReplayError> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                let needed = unsealed_of(&self.world, &ledger);
                Ok(Opened {
                    ledger,
                    world: self.world,
                    authorities: self.authorities,
                    memory: self.memory,
                    missing: self.missing.or(self.unsealed).or(needed),
                    taken: self.taken,
                })
            }
        }
    }

    fn take(&mut self, replayed: &Replayed<'_>) -> Result<(), ReplayError> {
        let index = replayed.index;
        let entry = Entry::from_bytes(replayed.bytes)
            .map_err(|source| ReplayError::Entry { index, source })?;
        if self.taken.as_ref().is_some_and(|taken| index < taken.size) {
            self.memory.note(index, &entry);
            return Ok(());
        }
        let blob = |digest: &Digest| replayed.blob(digest);
        let authority = if let Event::AuthorityPublished(published) = &entry.event {
            Some(self.succeed(published, &blob)?)
        } else {
            None
        };
        if let Event::EpochBegun(begun) = &entry.event {
            self.begin_epoch(begun, &blob)?;
        }
        self.look_for_blobs(&blob, index, &entry);
        self.memory.note(index, &entry);
        let leaf = Digest::from_bytes(*replayed.leaf.as_bytes());
        self.world
            .apply(&Recorded { index, leaf, entry }, authority);
        Ok(())
    }

    /// The first blobs that an entry rests on and that are not there. The store checks what it has;
    /// only the entries tell what it must have.
    fn look_for_blobs(&mut self, blob: BlobOf<'_>, index: u64, entry: &Entry) {
        if matches!(entry.event, Event::LogRecovered(_) | Event::EpochBegun(_)) {
            self.unsealed = None;
        }
        let signed = [entry.statement.0, entry.signature.0];
        if self.missing.is_none() {
            self.missing = missing_of(signed.into_iter().flatten(), blob, index);
        }
        if self.unsealed.is_none() {
            self.unsealed = missing_of(sealed_of(&entry.event).into_iter(), blob, index);
        }
    }

    fn succeed(
        &mut self,
        published: &AuthorityPublished,
        blob: BlobOf<'_>,
    ) -> Result<Arc<Authority>, ReplayError> {
        let (document, signatures) = authority_blobs(blob, published)?;
        let version = published.version;
        let chain = |source| ReplayError::Chain { version, source };
        let set = match self.authorities.take() {
            None => AuthoritySet::genesis(&document, &signatures, Some(self.pin)).map_err(chain)?,
            Some(mut set) => {
                set.succeed(&document, &signatures).map_err(chain)?;
                set
            }
        };
        let authority = Arc::new(set.current().authority().clone());
        self.authorities = Some(set);
        Ok(authority)
    }
}

impl Replay {
    /// The log from an epoch on is the one that its root persons signed.
    fn begin_epoch(&mut self, begun: &EpochBegun, blob: BlobOf<'_>) -> Result<(), ReplayError> {
        let number = begun.number;
        let missing = |detail| ReplayError::AuthorityBlob {
            version: number,
            detail,
        };
        let (document, signatures) =
            signed_by_roots(blob, &begun.digest, &begun.signatures).map_err(missing)?;
        let Some(set) = &mut self.authorities else {
            return Err(missing("an epoch before any authority".to_owned()));
        };
        let begun = set.begin_epoch(&document, &signatures);
        begun.map_err(|source| ReplayError::Epoch { number, source })?;
        Ok(())
    }
}

/// Where a blob is read.
pub(super) type BlobOf<'a> = &'a dyn Fn(&Digest) -> Result<Option<Blob>, ReadError>;

/// What lies sealed because an event names it: a credential, or the envelope of a checkout.
pub(crate) fn sealed_of(event: &Event) -> Option<Digest> {
    // Of a contact only the commitment is named; it lies in a file of its own.
    let is_contact = matches!(event, Event::ContactSet(_));
    event.beside().sealed.filter(|_| !is_contact)
}

fn missing_of(named: impl Iterator<Item = Digest>, blob: BlobOf<'_>, index: u64) -> Option<String> {
    let mut gone = named.filter(|digest| !matches!(blob(digest), Ok(Some(_))));
    gone.next().map(|digest| {
        format!("the blob {digest}, which entry {index} names, is missing or damaged")
    })
}

/// A credential that counts and is not there, however far back the entry lies that names it: what a
/// recovery told to be lost counts no longer.
fn unsealed_of(world: &World, ledger: &SqliteLedger) -> Option<String> {
    world.accounts().find_map(|(id, state)| {
        let sealed = [state.current, state.staged].into_iter().flatten();
        let mut gone = sealed.filter(|c| !matches!(ledger.blob(&c.sealed), Ok(Some(_))));
        gone.next().map(|credential| {
            let digest = credential.sealed;
            format!("the blob {digest}, the credential of the account {id}, is missing or damaged")
        })
    })
}

/// An authority document and the signatures under it.
type SignedDocument = (Vec<u8>, Vec<(Principal, String)>);

/// An authority document and the signatures under it, from the blobs.
pub(super) fn authority_blobs(
    stored: BlobOf<'_>,
    published: &AuthorityPublished,
) -> Result<SignedDocument, ReplayError> {
    let version = published.version;
    signed_by_roots(stored, &published.digest, &published.signatures)
        .map_err(|detail| ReplayError::AuthorityBlob { version, detail })
}

/// What root persons signed together, and their signatures; or what of it is missing.
fn signed_by_roots(
    stored: BlobOf<'_>,
    document: &Digest,
    signatures: &[RootSignature],
) -> Result<SignedDocument, String> {
    let blob = |digest: &Digest| match stored(digest) {
        Ok(Some(blob)) => Ok(blob.bytes),
        Ok(None) => Err(format!("blob {digest} is missing")),
        Err(error) => Err(error.to_string()),
    };
    let document = blob(document)?;
    let mut signed = Vec::new();
    for signature in signatures {
        let armoured = String::from_utf8(blob(&signature.signature)?)
            .map_err(|_| "a signature is not text".to_owned())?;
        signed.push((signature.signer.principal.clone(), armoured));
    }
    Ok((document, signed))
}
