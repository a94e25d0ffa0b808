//! `epoch.v1@breakglass`: this much of the log goes on under another origin and key, as the root
//! threshold of the authority in force signed.

use breakglass_format::{
    Blank, Digest, Principal, Timestamp,
    authority::LogIdentity,
    canonical::CanonicalError,
    event::RootSignature,
    statement::{AuthorityRef, Epoch, Kind, Statement as _},
};
use thiserror::Error;

use crate::{
    authority_set::AuthoritySet,
    chain::{ChainError, Signed, check_threshold, verify_roots},
    digest::digest,
};

/// Why an epoch is not one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EpochError {
    /// The text is not canonical, or not of its kind.
    #[error("epoch cannot be read: {0}")]
    Text(#[from] CanonicalError),
    /// Made for another installation.
    #[error("epoch is for the instance {got}, this is {expected}")]
    ForeignInstance {
        /// This installation.
        expected: Digest,
        /// In the text.
        got: Digest,
    },
    /// No version of the authority has this number and this digest.
    #[error("epoch names authority version {version}, which is not known by that digest")]
    UnknownAuthority {
        /// The number in the text.
        version: i64,
        /// The digest in the text.
        digest: Blank<Digest>,
    },
    /// Another one than the next.
    #[error("epoch {got} does not follow, {expected} does")]
    Number {
        /// The next.
        expected: usize,
        /// In the text.
        got: i64,
    },
    /// It names an authority that was replaced before the epoch before it.
    #[error("epoch names authority version {got}, the one before names {before}")]
    Earlier {
        /// Of the epoch before.
        before: i64,
        /// In the text.
        got: i64,
    },
    /// It gives up a log that was not in force.
    #[error("epoch gives up the log {got}, the log is {expected}")]
    Before {
        /// The origin in force.
        expected: String,
        /// In the text.
        got: String,
    },
    /// The new log has the origin or the key of a log that there was.
    #[error("the log {origin} of the epoch is not a new one")]
    NotNew {
        /// Its origin.
        origin: String,
    },
    /// The signatures.
    #[error("epoch: {0}")]
    Signatures(#[from] ChainError),
}

/// An epoch that the root threshold signed.
#[derive(Debug, Clone)]
pub struct VerifiedEpoch {
    epoch: Epoch,
    bytes: Vec<u8>,
    digest: Digest,
    signatures: Vec<Signed>,
}

impl VerifiedEpoch {
    /// Verifies the next epoch of an installation: it gives up the log in force, and enough root
    /// persons of the version that it names signed it.
    ///
    /// Keys are judged at its own `issued_at`; a caller that knows the time asks
    /// [`Self::threshold_holds_at`] besides.
    pub(crate) fn next(
        bytes: &[u8],
        signatures: &[(Principal, String)],
        authorities: &AuthoritySet,
    ) -> Result<Self, EpochError> {
        let epoch = Epoch::from_bytes(bytes)?;
        check(&epoch, authorities)?;
        let named = named(&epoch.authority, authorities)?;
        let known = (&[named.document()][..], epoch.issued_at);
        let signatures = verify_roots(Kind::Epoch, bytes, known, signatures)?;
        check_threshold(named.document(), &signatures, epoch.issued_at)?;
        Ok(Self {
            epoch,
            bytes: bytes.to_vec(),
            digest: digest(bytes),
            signatures,
        })
    }

    /// Whether the signatures are enough where the keys are judged at this instant.
    #[must_use]
    pub fn threshold_holds_at(&self, authorities: &AuthoritySet, at: Timestamp) -> bool {
        named(&self.epoch.authority, authorities)
            .is_ok_and(|named| check_threshold(named.document(), &self.signatures, at).is_ok())
    }

    /// What was signed.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of them.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
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
}

/// What has to hold of an epoch besides its signatures.
pub(crate) fn check(epoch: &Epoch, authorities: &AuthoritySet) -> Result<(), EpochError> {
    let expected = authorities.instance();
    if epoch.instance != expected {
        let got = epoch.instance;
        return Err(EpochError::ForeignInstance { expected, got });
    }
    let expected = authorities.epochs().count() + 1;
    if usize::try_from(epoch.number) != Ok(expected) {
        let got = epoch.number;
        return Err(EpochError::Number { expected, got });
    }
    let version = epoch.authority.version;
    let before = authorities.epochs().last();
    let before = before.map_or(1, |before| before.epoch().authority.version);
    if version < before {
        let got = version;
        return Err(EpochError::Earlier { before, got });
    }
    named(&epoch.authority, authorities)?;
    let log = authorities.log_under(version);
    if log != Some(&epoch.before) {
        return Err(EpochError::Before {
            expected: log.map(|log| log.origin.to_string()).unwrap_or_default(),
            got: epoch.before.origin.to_string(),
        });
    }
    let used = |log: &LogIdentity| log.origin == epoch.log.origin || log.vkey == epoch.log.vkey;
    // Later versions, which are there where a whole chain is read, name the log that it begins.
    if authorities.logs_until(version).any(used) {
        let origin = epoch.log.origin.to_string();
        return Err(EpochError::NotNew { origin });
    }
    Ok(())
}

fn named<'a>(
    named: &AuthorityRef,
    authorities: &'a AuthoritySet,
) -> Result<&'a crate::VerifiedAuthority, EpochError> {
    let unknown = || EpochError::UnknownAuthority {
        version: named.version,
        digest: named.digest,
    };
    authorities.get(named).ok_or_else(unknown)
}
