//! Rebuilding the world from the log: one pass over every entry, each verified by the store.

use std::{collections::HashMap, sync::Arc};

use breakglass_core::World;
use breakglass_format::{
    CommandId, Digest, Entry, Event, Principal,
    authority::Authority,
    entry::{EntryError, Recorded},
    event::AuthorityPublished,
};
use breakglass_statement::{AuthoritySet, ChainError};
use breakglass_store::{Blob, ReadError, Replayed, SqliteLedger};
use thiserror::Error;

/// What replay found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) ledger: SqliteLedger,
    pub(crate) world: World,
    pub(crate) authorities: Option<AuthoritySet>,
    pub(crate) memory: Memory,
    /// A blob that an entry names and that is not there: the log is read-only then.
    pub(crate) missing: Option<String>,
}

/// Where the answers of statements and command ids lie, so that a repeated call gets the same
/// answer.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) statements: HashMap<Digest, (u64, u64)>,
    pub(super) commands: HashMap<CommandId, Digest>,
}

impl Memory {
    pub(super) fn note(&mut self, index: u64, entry: &Entry) {
        let Some(statement) = entry.statement.0 else {
            return;
        };
        self.statements
            .entry(statement)
            .and_modify(|(_, end)| *end = index + 1)
            .or_insert((index, index + 1));
        if let Some(command) = entry.command_id.0 {
            self.commands.insert(command, statement);
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
    failed: Option<ReplayError>,
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
            failed: None,
        }
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
            None => Ok(Opened {
                ledger,
                world: self.world,
                authorities: self.authorities,
                memory: self.memory,
                missing: self.missing,
            }),
        }
    }

    fn take(&mut self, replayed: &Replayed<'_>) -> Result<(), ReplayError> {
        let index = replayed.index;
        let entry = Entry::from_bytes(replayed.bytes)
            .map_err(|source| ReplayError::Entry { index, source })?;
        let blob = |digest: &Digest| replayed.blob(digest);
        let authority = if let Event::AuthorityPublished(published) = &entry.event {
            Some(self.succeed(published, &blob)?)
        } else {
            None
        };
        if self.missing.is_none() {
            self.missing = missing_blob(&blob, index, &entry);
        }
        self.memory.note(index, &entry);
        let leaf = Digest::from_bytes(*replayed.leaf.as_bytes());
        self.world
            .apply(&Recorded { index, leaf, entry }, authority);
        Ok(())
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

/// Where a blob is read.
pub(super) type BlobOf<'a> = &'a dyn Fn(&Digest) -> Result<Option<Blob>, ReadError>;

/// The first blob that an entry rests on and that is not there. The store checks what it has; only
/// the entries tell what it must have.
fn missing_blob(blob: BlobOf<'_>, index: u64, entry: &Entry) -> Option<String> {
    let sealed = if let Event::CredentialAdded(d) = &entry.event {
        Some(d.sealed)
    } else if let Event::CredentialStaged(d) = &entry.event {
        Some(d.sealed)
    } else if let Event::BreakGlassAccess(d) = &entry.event {
        d.envelope.0
    } else {
        None
    };
    let named = [entry.statement.0, entry.signature.0, sealed];
    let gone = named
        .into_iter()
        .flatten()
        .find(|digest| !matches!(blob(digest), Ok(Some(_))));
    gone.map(|digest| {
        format!("the blob {digest}, which entry {index} names, is missing or damaged")
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
    let missing = |detail: String| ReplayError::AuthorityBlob { version, detail };
    let blob = |digest: &Digest| match stored(digest) {
        Ok(Some(blob)) => Ok(blob.bytes),
        Ok(None) => Err(missing(format!("blob {digest} is missing"))),
        Err(error) => Err(missing(error.to_string())),
    };
    let document = blob(&published.digest)?;
    let mut signatures = Vec::new();
    for signature in &published.signatures {
        let armoured = String::from_utf8(blob(&signature.signature)?)
            .map_err(|_| missing("a signature is not text".to_owned()))?;
        signatures.push((signature.signer.principal.clone(), armoured));
    }
    Ok((document, signatures))
}
