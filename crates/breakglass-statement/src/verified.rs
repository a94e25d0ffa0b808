//! What verification makes of a statement, and the steps that are the same for every kind.

use std::fmt::Debug;

use breakglass_format::{
    Blank, Digest, Fingerprint, PersonId, Principal, Timestamp,
    authority::Key,
    canonical::CanonicalError,
    statement::{AuthorityRef, Kind, Signer, Statement},
};
use thiserror::Error;

use crate::{
    act::SessionActError,
    answer::AnswerError,
    authority_set::AuthoritySet,
    chain::VerifiedAuthority,
    digest::digest,
    enroll::EnrollError,
    kem::KemError,
    public_key::PublicKey,
    request::RequestError,
    session::SessionError,
    sshsig::{Presence, SignatureError, SshSig, SshSigError, check_origin},
};

/// Why a statement is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// More bytes than its kind may have.
    #[error("{kind} has {got} bytes, more than the limit of {limit}")]
    TooLong {
        /// What it was to be.
        kind: &'static str,
        /// Bytes there are.
        got: usize,
        /// Bytes there may be.
        limit: usize,
    },
    /// The signature cannot be read.
    #[error(transparent)]
    SshSig(#[from] SshSigError),
    /// The signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The text is not canonical, or not of its kind.
    #[error("statement cannot be read: {0}")]
    Text(#[from] CanonicalError),
    /// The text names another key than the one that signed.
    #[error("statement names the key {named}, the key {signed} signed it")]
    KeyDiffers {
        /// In the text.
        named: Fingerprint,
        /// In the signature.
        signed: Fingerprint,
    },
    /// Made for another installation.
    #[error("statement is for the instance {got}, this is {expected}")]
    ForeignInstance {
        /// This installation.
        expected: Digest,
        /// In the text.
        got: Digest,
    },
    /// No version of the authority has this number and this digest.
    #[error("statement names authority version {version}, which is not known by that digest")]
    UnknownAuthority {
        /// The number in the text.
        version: i64,
        /// The digest in the text.
        digest: Blank<Digest>,
    },
    /// The named authority does not know the signer.
    #[error("authority version {version} does not know {person}")]
    UnknownPerson {
        /// In the text.
        person: PersonId,
        /// The version named.
        version: i64,
    },
    /// The signer has another principal.
    #[error("{person} signs as {expected}, the statement says {got}")]
    Principal {
        /// In the text.
        person: PersonId,
        /// In the authority.
        expected: Principal,
        /// In the text.
        got: Principal,
    },
    /// The key is not the signer's.
    #[error("authority version {version} does not list the key {key} for {person}")]
    ForeignKey {
        /// In the text.
        person: PersonId,
        /// In the text.
        key: Fingerprint,
        /// The version named.
        version: i64,
    },
    /// The key may not sign this kind.
    #[error("key {key} is not listed for {namespace}")]
    NotListed {
        /// The key.
        key: Fingerprint,
        /// The kind's namespace.
        namespace: &'static str,
    },
    /// The key to seal to.
    #[error(transparent)]
    Kem(#[from] KemError),
    /// What a request says.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What an approval or a denial says.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// What a session says.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What an enrolment says.
    #[error(transparent)]
    Enroll(#[from] EnrollError),
    /// An act by a session's key.
    #[error(transparent)]
    SessionAct(#[from] SessionActError),
}

/// A statement that somebody signs in their own name, and what its verification yields.
pub trait Signed: Statement + Clone + Debug {
    /// What verification of this kind finds out beyond the statement.
    type Found: Clone + Debug;

    /// Who signs, as the text says.
    fn signer(&self) -> Signer;

    /// The authority that the text names; for an approval or a denial the request's.
    fn authority(&self) -> &AuthorityRef;

    /// When, by the signer's clock, as the text says. Evidence, judged by the rules.
    fn stated_at(&self) -> Timestamp;
}

/// [`Signed`] for a statement with the fields `signer`, `authority` and `issued_at`.
macro_rules! signed {
    ($statement:ty, $found:ty) => {
        impl $crate::verified::Signed for $statement {
            type Found = $found;

            fn signer(&self) -> ::breakglass_format::statement::Signer {
                self.signer.clone()
            }

            fn authority(&self) -> &::breakglass_format::statement::AuthorityRef {
                &self.authority
            }

            fn stated_at(&self) -> ::breakglass_format::Timestamp {
                self.issued_at
            }
        }
    };
}

pub(crate) use signed;

/// A statement whose signature and text have been verified. Only this crate makes one.
///
/// It says that the named person's key, listed for this kind in the authority that the text
/// names, signed exactly these bytes for this installation. Whether key and person count *now*,
/// and whether the rules allow what is asked, is for the rules to say.
#[derive(Debug, Clone)]
pub struct Verified<S: Signed> {
    statement: S,
    found: S::Found,
    bytes: Vec<u8>,
    armoured: String,
    digest: Digest,
    signature_digest: Digest,
    signer: Signer,
    evidence: Presence,
}

impl<S: Signed> Verified<S> {
    /// What was signed, as data.
    #[must_use]
    pub const fn statement(&self) -> &S {
        &self.statement
    }

    /// What was signed, byte for byte.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature, as `ssh-keygen -Y verify -s` reads it.
    #[must_use]
    pub fn armoured(&self) -> &str {
        &self.armoured
    }

    /// SHA-256 of the bytes: a statement is accepted once by this name.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// SHA-256 of the armoured signature. Never a name for the statement: the same person can
    /// make many signatures of one text.
    #[must_use]
    pub const fn signature_digest(&self) -> Digest {
        self.signature_digest
    }

    /// Who signed.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The authority that the text names.
    #[must_use]
    pub fn authority(&self) -> &AuthorityRef {
        self.statement.authority()
    }

    /// When, by the signer's clock.
    #[must_use]
    pub fn stated_at(&self) -> Timestamp {
        self.statement.stated_at()
    }

    /// Whether a person touched a token to sign.
    #[must_use]
    pub const fn presence(&self) -> bool {
        self.evidence.user_present
    }

    /// Whether it was signed in a browser.
    #[must_use]
    pub const fn browser(&self) -> bool {
        self.evidence.browser.is_some()
    }

    /// What the signature shows about how it was made.
    #[must_use]
    pub const fn evidence(&self) -> &Presence {
        &self.evidence
    }

    pub(crate) const fn found(&self) -> &S::Found {
        &self.found
    }

    /// The one place where a value is made of its parts.
    pub(crate) fn new(opened: Opened<S>, found: S::Found) -> Self {
        Self {
            digest: digest(&opened.bytes),
            signature_digest: digest(opened.armoured.as_bytes()),
            statement: opened.statement,
            found,
            bytes: opened.bytes,
            armoured: opened.armoured,
            signer: opened.signer,
            evidence: opened.evidence,
        }
    }
}

/// A statement with a valid signature by the key it names, not yet known to be anybody's.
#[derive(Debug)]
pub(crate) struct Opened<S> {
    pub(crate) statement: S,
    pub(crate) bytes: Vec<u8>,
    pub(crate) armoured: String,
    pub(crate) signer: Signer,
    pub(crate) evidence: Presence,
}

/// A statement that was opened, with the key that opened it.
#[derive(Debug)]
pub(crate) struct ByKey<S> {
    pub(crate) opened: Opened<S>,
    pub(crate) signature: SshSig,
}

/// Limit, signature over the raw bytes, strict parse, and whether the text names the key that
/// signed: in this order.
pub(crate) fn open<S: Signed>(bytes: &[u8], armoured: &str) -> Result<ByKey<S>, StatementError> {
    let limit = S::KIND.bytes_max();
    if bytes.len() > limit {
        return Err(StatementError::TooLong {
            kind: S::KIND.word(),
            got: bytes.len(),
            limit,
        });
    }
    let signature = SshSig::from_armoured(armoured)?;
    let evidence = signature.verify_embedded(S::KIND.namespace(), bytes)?;
    let statement = S::from_bytes(bytes)?;
    let signer = statement.signer();
    let signed = signature.key().fingerprint();
    if signer.key != signed {
        let named = signer.key;
        return Err(StatementError::KeyDiffers { named, signed });
    }
    Ok(ByKey {
        opened: Opened {
            statement,
            bytes: bytes.to_vec(),
            armoured: armoured.to_owned(),
            signer,
            evidence,
        },
        signature,
    })
}

impl<S: Signed> ByKey<S> {
    /// The authority that the text names, which must be known.
    pub(crate) fn named<'a>(
        &self,
        authorities: &'a AuthoritySet,
    ) -> Result<&'a VerifiedAuthority, StatementError> {
        let named = self.opened.statement.authority();
        authorities
            .get(named)
            .ok_or(StatementError::UnknownAuthority {
                version: named.version,
                digest: named.digest,
            })
    }

    /// The key that signed is the signer's in this version, listed for this kind, and signed
    /// where it may.
    pub(crate) fn check_signer(&self, version: &VerifiedAuthority) -> Result<(), StatementError> {
        let signer = &self.opened.signer;
        let (key, public) = listed(version, signer, S::KIND)?;
        self.signature.check_key(public)?;
        check_origin(&self.opened.evidence, &key.origins)?;
        Ok(())
    }

    /// The whole course of a kind whose signer is found under the authority that it names.
    pub(crate) fn check(
        &self,
        instance: Digest,
        authorities: &AuthoritySet,
    ) -> Result<(), StatementError> {
        check_instance(instance, authorities)?;
        self.check_signer(self.named(authorities)?)
    }
}

/// The statement is for this installation.
pub(crate) fn check_instance(
    got: Digest,
    authorities: &AuthoritySet,
) -> Result<(), StatementError> {
    let expected = authorities.instance();
    if got == expected {
        Ok(())
    } else {
        Err(StatementError::ForeignInstance { expected, got })
    }
}

/// The key that a version lists for this signer and this kind.
pub(crate) fn listed<'a>(
    version: &'a VerifiedAuthority,
    signer: &Signer,
    kind: Kind,
) -> Result<(&'a Key, &'a PublicKey), StatementError> {
    let Signer {
        key,
        person: id,
        principal,
    } = signer;
    let number = version.authority().version;
    let person = version.authority().person(id);
    let person = person.ok_or_else(|| StatementError::UnknownPerson {
        person: id.clone(),
        version: number,
    })?;
    if person.principal != *principal {
        return Err(StatementError::Principal {
            person: id.clone(),
            expected: person.principal.clone(),
            got: principal.clone(),
        });
    }
    let public = version.document().public_key(key);
    let (entry, public) = person.key(key).zip(public).ok_or_else(|| {
        let (person, key) = (id.clone(), key.clone());
        StatementError::ForeignKey {
            person,
            key,
            version: number,
        }
    })?;
    if !entry.namespaces.contains(&kind) {
        return Err(StatementError::NotListed {
            key: key.clone(),
            namespace: kind.namespace(),
        });
    }
    Ok((entry, public))
}
