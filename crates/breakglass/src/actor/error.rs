//! Why an actor did not do what it was asked.

use breakglass_api::ClientError;
use breakglass_format::{
    Digest, Fingerprint, canonical::CanonicalError, id::IdError, text::TextError,
};
use breakglass_seal::{
    EntropyError, KemPublicKeyError, ReleaseOpenError, ReleaseParseError, ReleaseSealError,
};
use breakglass_statement::StatementError;
use thiserror::Error;

use super::{DossierError, ForeseenError, LookupError, ProposalError, TermsError};
use crate::{
    signer::{KeyFileError, SignError, generate::GenerateError},
    state::{PinError, StateError},
    trust::TrustError,
};

/// Why an actor did not do what it was asked.
#[derive(Debug, Error)]
pub enum ActorError {
    /// The server refused, could not be reached, or answered what is not believed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The installation is not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// There is no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Something could not be kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// No key could be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The session key that was kept is none.
    #[error("session key: {0}")]
    SessionKey(#[from] KeyFileError),
    /// The statement cannot be written.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A text cannot stand in a statement.
    #[error("{field}: {error}")]
    Text {
        /// Which text.
        field: &'static str,
        /// Why not.
        error: TextError,
    },
    /// A name or id cannot stand in a statement.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The authority does not list the key.
    #[error("authority version {version} does not list the key {key}")]
    KeyNotListed {
        /// The key.
        key: Fingerprint,
        /// The version asked.
        version: i64,
    },
    /// The server belongs to another installation.
    #[error("the server is of the instance {got}, pinned is {pinned}")]
    ForeignInstance {
        /// As pinned.
        pinned: Digest,
        /// As the server says.
        got: Digest,
    },
    /// The receipt proves other entries than one for what was posted.
    #[error("the server took the {kind}, but proves no entry that names it ({statement})")]
    NotRecorded {
        /// What was posted.
        kind: &'static str,
        /// SHA-256 of what was posted.
        statement: Digest,
    },
    /// What a person meant could not be found.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What was asked for would be refused.
    #[error(transparent)]
    Foreseen(#[from] ForeseenError),
    /// The terms that the server states are not those of the authority.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The request to be answered is not what it should be.
    #[error(transparent)]
    Dossier(#[from] DossierError),
    /// There is no such proposal to agree to.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// A statement that the server shows is not signed as it must be.
    #[error("the statement that the server shows: {0}")]
    Statement(#[from] StatementError),
    /// The answer to a checkout holds no envelope.
    #[error("the server recorded the checkout and sent no envelope")]
    NoEnvelope,
    /// The envelope is not the one that the log names.
    #[error("the envelope is {got}, the log names {expected}")]
    EnvelopeDiffers {
        /// In the log.
        expected: Digest,
        /// What came.
        got: Digest,
    },
    /// The envelope cannot be read.
    #[error("envelope: {0}")]
    EnvelopeParse(#[from] ReleaseParseError),
    /// The envelope does not open.
    #[error("envelope: {0}")]
    EnvelopeOpen(#[from] ReleaseOpenError),
    /// The credential could not be sealed.
    #[error(transparent)]
    Seal(#[from] ReleaseSealError),
    /// The node's key in the authority is none that can be sealed to.
    #[error("the node key in the authority: {0}")]
    NodeKey(#[from] KemPublicKeyError),
    /// The authority names no node.
    #[error("the authority names no node to seal a credential to")]
    NoNode,
}

impl From<PinError> for ActorError {
    fn from(error: PinError) -> Self {
        Self::Trust(error.into())
    }
}

/// What sort of failure it is: what the exit code tells scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody or something said no: the rules, the key, the file system.
    Refused,
    /// What was typed is not usable.
    Usage,
    /// No server could be reached.
    Unreachable,
    /// What the server shows does not verify.
    Tampered,
    /// The log is forked or rolled back.
    Forked,
}

impl ActorError {
    /// What sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Client(error) => client_class(error),
            Self::Trust(error) => trust_class(error),
            Self::Text { .. } | Self::Id(_) | Self::Lookup(_) => Class::Usage,
            Self::Dossier(error) if error.is_forgery() => Class::Tampered,
            Self::Proposal(ProposalError::EntryDiffers { .. }) => Class::Tampered,
            Self::Proposal(ProposalError::Several { .. }) => Class::Usage,
            Self::NotRecorded { .. }
            | Self::ForeignInstance { .. }
            | Self::Statement(_)
            | Self::Terms(_)
            | Self::NoEnvelope
            | Self::EnvelopeDiffers { .. }
            | Self::EnvelopeParse(_)
            | Self::EnvelopeOpen(_) => Class::Tampered,
            Self::Sign(_)
            | Self::State(_)
            | Self::Generate(_)
            | Self::Entropy(_)
            | Self::SessionKey(_)
            | Self::Canonical(_)
            | Self::KeyNotListed { .. }
            | Self::Foreseen(_)
            | Self::Dossier(_)
            | Self::Proposal(_)
            | Self::Seal(_)
            | Self::NodeKey(_)
            | Self::NoNode => Class::Refused,
        }
    }
}

/// What sort of failure of a call it is.
#[must_use]
pub(super) const fn client_class(error: &ClientError) -> Class {
    match error {
        ClientError::Unreachable { .. } | ClientError::Foreign { .. } => Class::Unreachable,
        ClientError::Refused(_) => Class::Refused,
        ClientError::Receipt(_) => Class::Tampered,
    }
}

/// What sort of distrust it is.
#[must_use]
pub(super) const fn trust_class(error: &TrustError) -> Class {
    match error {
        TrustError::Client(error) => client_class(error),
        TrustError::Pin(PinError::Fork(_) | PinError::AuthorityFork { .. }) => Class::Forked,
        TrustError::Pin(PinError::State(_)) | TrustError::Contended => Class::Refused,
        TrustError::Pin(
            PinError::AuthorityRollback { .. }
            | PinError::EpochGone { .. }
            | PinError::EpochOfThePast { .. },
        )
        | TrustError::NoAuthority
        | TrustError::Epoch(_)
        | TrustError::Chain(_)
        | TrustError::Principal { .. }
        | TrustError::LogKey(_)
        | TrustError::Checkpoint(_)
        | TrustError::Hash(_) => Class::Tampered,
    }
}

/// A text for a statement, with the name of its field in the error.
pub(crate) fn text<T>(field: &'static str, result: Result<T, TextError>) -> Result<T, ActorError> {
    result.map_err(|error| ActorError::Text { field, error })
}
