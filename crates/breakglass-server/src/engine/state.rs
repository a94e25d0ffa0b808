//! Rebuilding the world from the log: one pass over every entry, each verified by the store.

use std::{collections::HashMap, sync::Arc};

use breakglass_core::World;
use breakglass_format::{
    CommandId, Digest, Entry, Event, Principal,
    entry::{EntryError, Recorded},
    event::AuthorityPublished,
};
use breakglass_statement::{AuthoritySet, ChainError};
use breakglass_store::{Ledger as _, SqliteLedger};
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

impl Opened {
    /// Takes in what the store streamed while it verified itself.
    pub(crate) fn replay(
        ledger: SqliteLedger,
        entries: Vec<(u64, Digest, Vec<u8>)>,
        pin: Digest,
    ) -> Result<Self, ReplayError> {
        let mut world = World::new();
        let mut memory = Memory::default();
        let mut authorities: Option<AuthoritySet> = None;
        let mut missing = None;
        for (index, leaf, bytes) in entries {
            let entry =
                Entry::from_bytes(&bytes).map_err(|source| ReplayError::Entry { index, source })?;
            let mut authority = None;
            if let Event::AuthorityPublished(published) = &entry.event {
                let (document, signatures) = authority_blobs(&ledger, published)?;
                let version = published.version;
                let chain = |source| ReplayError::Chain { version, source };
                match &mut authorities {
                    None => {
                        let set = AuthoritySet::genesis(&document, &signatures, Some(pin));
                        authorities = Some(set.map_err(chain)?);
                    }
                    Some(set) => {
                        set.succeed(&document, &signatures).map_err(chain)?;
                    }
                }
                let current = authorities.as_ref().map(AuthoritySet::current);
                authority = current.map(|v| Arc::new(v.authority().clone()));
            }
            missing = missing.or_else(|| missing_blob(&ledger, index, &entry));
            memory.note(index, &entry);
            world.apply(&Recorded { index, leaf, entry }, authority);
        }
        Ok(Self {
            ledger,
            world,
            authorities,
            memory,
            missing,
        })
    }
}

/// The first blob that an entry rests on and that is not there. The store checks what it has; only
/// the entries tell what it must have.
fn missing_blob(ledger: &SqliteLedger, index: u64, entry: &Entry) -> Option<String> {
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
        .find(|digest| !matches!(ledger.blob(digest), Ok(Some(_))));
    gone.map(|digest| {
        format!("the blob {digest}, which entry {index} names, is missing or damaged")
    })
}

/// An authority document and the signatures under it.
type SignedDocument = (Vec<u8>, Vec<(Principal, String)>);

/// An authority document and the signatures under it, from the blobs.
pub(super) fn authority_blobs(
    ledger: &SqliteLedger,
    published: &AuthorityPublished,
) -> Result<SignedDocument, ReplayError> {
    let version = published.version;
    let missing = |detail: String| ReplayError::AuthorityBlob { version, detail };
    let blob = |digest: &Digest| match ledger.blob(digest) {
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
