//! The chain of authority documents: from the genesis that all its root persons signed, each
//! version signed by enough root persons of the one before and of itself.

use std::collections::BTreeSet;

use breakglass_format::{
    Digest, Fingerprint, PersonId, Principal, Timestamp,
    authority::Authority,
    event::RootSignature,
    statement::{Kind, Signer},
};
use thiserror::Error;

use crate::{
    digest::digest,
    document::{Document, DocumentError},
    public_key::PublicKey,
    sshsig::{SignatureError, SshSig, SshSigError, check_origin},
};

/// Why a document does not continue the chain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// The document itself.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The first document has to be version 1.
    #[error("authority version {got} is not a genesis, which has version 1")]
    NotGenesis {
        /// Its version.
        got: i64,
    },
    /// Another genesis than the pinned one: another installation, or a forgery.
    #[error("genesis has the digest {got}, pinned is {pinned}")]
    Pin {
        /// The digest that was pinned.
        pinned: Digest,
        /// The digest of the document.
        got: Digest,
    },
    /// Another version than the next.
    #[error("authority version {got} does not follow, version {expected} does")]
    Version {
        /// The next version.
        expected: i64,
        /// The document's.
        got: i64,
    },
    /// It names another document as the one before.
    #[error("authority document does not follow {expected}")]
    Previous {
        /// The digest of the version before.
        expected: Digest,
    },
    /// It says that it was written before its predecessor.
    #[error("authority document of {got} would follow one of {previous}")]
    Earlier {
        /// When the version before was written.
        previous: Timestamp,
        /// When this one says it was.
        got: Timestamp,
    },
    /// A key of one human being would become another's.
    #[error("key {key} belongs to {before} and would become {after}'s")]
    KeyChangesHands {
        /// The key.
        key: Fingerprint,
        /// Whose it is.
        before: PersonId,
        /// Whose it would be.
        after: PersonId,
    },
    /// A signature cannot be read.
    #[error("signature of {principal}: {error}")]
    Unreadable {
        /// Whose it is said to be.
        principal: Principal,
        /// Why.
        error: SshSigError,
    },
    /// A signature does not count.
    #[error("signature of {principal}: {error}")]
    Signature {
        /// Whose it is said to be.
        principal: Principal,
        /// Why.
        error: SignatureError,
    },
    /// Neither document knows the signer as a root person with this key.
    #[error("{principal} is no root person with the key {key} for authority statements")]
    NotRoot {
        /// Whose the signature is said to be.
        principal: Principal,
        /// The key that made it.
        key: Fingerprint,
    },
    /// A genesis that not all its root persons signed.
    #[error("genesis is signed by {got} of its {needed} root persons, all must sign")]
    NotAllRoots {
        /// How many root persons it names.
        needed: usize,
        /// How many of them signed.
        got: usize,
    },
    /// Too few root persons signed.
    #[error("{got} root persons of version {version} signed, {needed} are needed")]
    Threshold {
        /// Whose root persons are counted.
        version: i64,
        /// Its threshold.
        needed: i64,
        /// How many different persons signed.
        got: usize,
    },
}

/// A version of the authority that the chain vouches for.
#[derive(Debug, Clone)]
pub struct VerifiedAuthority {
    document: Document,
    signatures: Vec<Signed>,
    all_roots: bool,
}

/// One root person's signature.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    principal: Principal,
    person: PersonId,
    key: PublicKey,
    armoured: String,
}

impl VerifiedAuthority {
    /// Verifies a genesis: version 1, signed by every one of its root persons, and the one that
    /// is pinned where one is.
    pub fn genesis(
        bytes: &[u8],
        signatures: &[(Principal, String)],
        pin: Option<Digest>,
    ) -> Result<Self, ChainError> {
        let document = Document::from_bytes(bytes)?;
        if let Some(pinned) = pin.filter(|pin| *pin != document.digest) {
            let got = document.digest;
            return Err(ChainError::Pin { pinned, got });
        }
        if document.authority.version != 1 {
            let got = document.authority.version;
            return Err(ChainError::NotGenesis { got });
        }
        let signatures = verify_all(&document, None, signatures)?;
        let got = roots(&document, &signatures, document.authority.issued_at).len();
        let needed = document.authority.roots.persons.len();
        if got != needed {
            return Err(ChainError::NotAllRoots { needed, got });
        }
        Ok(Self {
            document,
            signatures,
            all_roots: true,
        })
    }

    /// Verifies the next version: it follows this one, and enough root persons of this version
    /// and enough of its own signed it, persons counted and not keys.
    ///
    /// Keys are judged at the document's own `issued_at`; a caller that knows the time asks
    /// [`Self::threshold_holds_at`] besides.
    pub fn succeed(
        &self,
        bytes: &[u8],
        signatures: &[(Principal, String)],
    ) -> Result<Self, ChainError> {
        let document = Document::from_bytes(bytes)?;
        self.check_follows(&document)?;
        let signatures = verify_all(&document, Some(&self.document), signatures)?;
        let at = document.authority.issued_at;
        for counted in [&self.document, &document] {
            check_threshold(counted, &signatures, at)?;
        }
        let all = self.document.authority.roots.persons.len();
        Ok(Self {
            all_roots: roots(&self.document, &signatures, at).len() == all,
            document,
            signatures,
        })
    }

    fn check_follows(&self, next: &Document) -> Result<(), ChainError> {
        let (old, new) = (&self.document.authority, &next.authority);
        let expected = old.version.saturating_add(1);
        if new.version != expected {
            let got = new.version;
            return Err(ChainError::Version { expected, got });
        }
        if new.previous.0 != Some(self.document.digest) {
            let expected = self.document.digest;
            return Err(ChainError::Previous { expected });
        }
        if new.issued_at < old.issued_at {
            return Err(ChainError::Earlier {
                previous: old.issued_at,
                got: new.issued_at,
            });
        }
        for (after, key) in next.keys() {
            let before = self.document.holder(&key.fingerprint);
            if let Some(before) = before.filter(|p| p.person != after.person) {
                return Err(ChainError::KeyChangesHands {
                    key: key.fingerprint.clone(),
                    before: before.person.clone(),
                    after: after.person.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether the signatures are enough where the keys are judged at this instant, under this
    /// version and under `previous`. For a genesis give itself as `previous`.
    #[must_use]
    pub fn threshold_holds_at(&self, previous: &Self, at: Timestamp) -> bool {
        [&previous.document, &self.document]
            .iter()
            .all(|counted| check_threshold(counted, &self.signatures, at).is_ok())
    }

    /// The document.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.document.authority
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.document.digest
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.document.bytes
    }

    /// Whether every root person of the version before (genesis: of itself) signed, so that new
    /// keys and memberships count at once.
    #[must_use]
    pub const fn all_roots(&self) -> bool {
        self.all_roots
    }

    /// The armoured signatures, each with the principal it was handed in under.
    pub fn armoured(&self) -> impl Iterator<Item = (&Principal, &str)> {
        self.signatures.iter().map(Signed::armoured)
    }

    /// Who signed, as the log records it.
    #[must_use]
    pub fn signatures(&self) -> Vec<RootSignature> {
        self.signatures.iter().map(Signed::record).collect()
    }

    pub(crate) const fn document(&self) -> &Document {
        &self.document
    }

    #[cfg(feature = "danger-assertion")]
    pub(crate) fn asserted(document: Document, all_roots: bool) -> Self {
        Self {
            document,
            signatures: Vec::new(),
            all_roots,
        }
    }
}

impl Signed {
    /// As the log records it.
    pub(crate) fn record(&self) -> RootSignature {
        RootSignature {
            signature: digest(self.armoured.as_bytes()),
            signer: Signer {
                key: self.key.fingerprint(),
                person: self.person.clone(),
                principal: self.principal.clone(),
            },
        }
    }

    /// The signature, with the principal it was handed in under.
    pub(crate) fn armoured(&self) -> (&Principal, &str) {
        (&self.principal, &self.armoured)
    }
}

/// Every signature handed in must hold, even one that is not needed: all of them are kept.
fn verify_all(
    document: &Document,
    previous: Option<&Document>,
    signatures: &[(Principal, String)],
) -> Result<Vec<Signed>, ChainError> {
    let at = document.authority.issued_at;
    let known: Vec<&Document> = previous.into_iter().chain([document]).collect();
    verify_roots(Kind::Authority, &document.bytes, (&known, at), signatures)
}

/// Signatures of root persons over one text, each by a key that one of the documents lists for
/// authorities at that time.
pub(crate) fn verify_roots(
    kind: Kind,
    text: &[u8],
    known: (&[&Document], Timestamp),
    signatures: &[(Principal, String)],
) -> Result<Vec<Signed>, ChainError> {
    let each = signatures.iter();
    each.map(|(principal, armoured)| verify_one(kind, text, known, principal, armoured))
        .collect()
}

fn verify_one(
    kind: Kind,
    text: &[u8],
    (known, at): (&[&Document], Timestamp),
    principal: &Principal,
    armoured: &str,
) -> Result<Signed, ChainError> {
    let fails = |error| ChainError::Signature {
        principal: principal.clone(),
        error,
    };
    let signature = SshSig::from_armoured(armoured).map_err(|error| ChainError::Unreadable {
        principal: principal.clone(),
        error,
    })?;
    let presence = signature
        .verify_embedded(kind.namespace(), text)
        .map_err(fails)?;
    let mut person = None;
    for known in known {
        if let Some((root, key)) = known.root(principal, signature.key(), at) {
            check_origin(&presence, &key.origins).map_err(fails)?;
            person = Some(root.person.clone());
        }
    }
    Ok(Signed {
        person: person.ok_or_else(|| ChainError::NotRoot {
            principal: principal.clone(),
            key: signature.key().fingerprint(),
        })?,
        principal: principal.clone(),
        key: signature.key().clone(),
        armoured: armoured.to_owned(),
    })
}

pub(crate) fn check_threshold(
    counted: &Document,
    signatures: &[Signed],
    at: Timestamp,
) -> Result<(), ChainError> {
    let needed = counted.authority.roots.threshold;
    let got = roots(counted, signatures, at).len();
    if i64::try_from(got).unwrap_or(i64::MAX) >= needed {
        return Ok(());
    }
    Err(ChainError::Threshold {
        version: counted.authority.version,
        needed,
        got,
    })
}

/// The root persons of a document who signed: a person with two keys is one person.
fn roots<'a>(
    counted: &'a Document,
    signatures: &[Signed],
    at: Timestamp,
) -> BTreeSet<&'a PersonId> {
    signatures
        .iter()
        .filter_map(|s| counted.root(&s.principal, &s.key, at))
        .map(|(person, _)| &person.person)
        .collect()
}
