//! What a witness answers, given what it cosigned last.

use std::num::NonZeroU64;

use super::{AddCheckpoint, Claim, SIZE_CONTENT_TYPE, size_to_text};
use crate::checkpoint::{Checkpoint, ExtendsError, SignedCheckpoint};
use crate::hash::{EMPTY_ROOT, Hash};
use crate::note::{KeyName, NoteVerifyError, VerifierKey};
use crate::proof::{FromEmptyError, verify_consistency, verify_from_empty};

/// What a witness makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// The checkpoint to make durable and then to cosign, with the lines of the log that verified
    /// and no others; or why not.
    pub outcome: Result<SignedCheckpoint, Refusal>,
    /// What else it shows.
    pub suspicion: Option<Suspicion>,
}

/// The log has signed this, and it does not go together with what it signed before, or was not
/// shown to. The witness keeps both notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspicion {
    /// A tree of the size that was cosigned last has another root: the log is forked, and both
    /// notes together prove it to anybody.
    Forked(SignedCheckpoint),
    /// The proof does not lead from what was cosigned last to this. Either the log is forked, or
    /// whoever asked sent a wrong proof.
    Unproven(SignedCheckpoint),
}

impl Suspicion {
    /// The checkpoint that the log signed.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        match self {
            Self::Forked(checkpoint) | Self::Unproven(checkpoint) => checkpoint,
        }
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// "If the checkpoint origin is unknown": 404.
    #[error("no log of origin {origin} is known here")]
    UnknownOrigin {
        /// The origin.
        origin: KeyName,
    },
    /// "If none of the signatures verify against a trusted public key": 403. A line of a trusted
    /// key that does not verify is one of these.
    #[error("the checkpoint is not signed by a key of its log: {0}")]
    Signature(#[from] NoteVerifyError),
    /// "The old size MUST be equal to or lower than the checkpoint size": 400.
    #[error("the old size {old} is beyond the size {new} of the checkpoint")]
    OldSize {
        /// The old size of the request.
        old: u64,
        /// The size of its checkpoint.
        new: u64,
    },
    /// "The witness MUST check that the old size matches the size of the latest checkpoint it
    /// cosigned": 409, with that size.
    #[error("the last checkpoint cosigned has size {latest}")]
    Conflict {
        /// The size cosigned last, 0 if none ever was.
        latest: u64,
    },
    /// "If the Merkle Consistency Proof doesn't verify", is not empty where the old size is 0, or
    /// the roots of two trees of one size differ: 422.
    #[error("the proof does not hold: {0}")]
    Proof(#[from] ExtendsError),
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::OldSize { .. } => 400,
            Self::Signature(_) => 403,
            Self::UnknownOrigin { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Proof(_) => 422,
        }
    }

    /// The content type and the body of the answer.
    #[must_use]
    pub fn body(&self) -> (&'static str, String) {
        match self {
            Self::Conflict { latest } => (SIZE_CONTENT_TYPE, size_to_text(*latest)),
            Self::UnknownOrigin { .. }
            | Self::Signature(_)
            | Self::OldSize { .. }
            | Self::Proof(_) => ("text/plain; charset=utf-8", format!("{self}\n")),
        }
    }
}

/// Decides on a request, given the keys of the log of its origin (none: the log is unknown) and
/// the last checkpoint of it that this witness cosigned.
///
/// The caller holds `last` still until the outcome is durable: two decisions on one `last` would be
/// the race that the document describes.
pub fn decide(
    request: &AddCheckpoint,
    keys: &[VerifierKey],
    last: Option<&Checkpoint>,
) -> Decision {
    let refuse = |refusal| Decision {
        outcome: Err(refusal),
        suspicion: None,
    };
    if keys.is_empty() {
        let origin = request.origin().clone();
        return refuse(Refusal::UnknownOrigin { origin });
    }
    if let Err(error) = signer(request, keys) {
        return refuse(Refusal::Signature(error));
    }
    let signed = signed(request, keys);
    let outcome = judge(request, last);
    let forked = last
        .is_some_and(|last| last.size() == request.claim.size && last.root() != request.claim.root);
    let suspicion = match (&outcome, &signed) {
        // Also where the old size is wrong: the signature alone proves it.
        (_, Ok(signed)) if forked => Some(Suspicion::Forked(signed.clone())),
        (Err(Refusal::Proof(_)), Ok(signed)) if last.is_some() => {
            Some(Suspicion::Unproven(signed.clone()))
        }
        _ => None,
    };
    Decision {
        outcome: outcome.and(signed),
        suspicion,
    }
}

/// The first trusted key that signed; every line of a trusted key must verify.
fn signer<'k>(
    request: &AddCheckpoint,
    keys: &'k [VerifierKey],
) -> Result<&'k VerifierKey, NoteVerifyError> {
    let known: Vec<&VerifierKey> = keys.iter().collect();
    let verified = request.note.verify(&known)?;
    let first = verified.first().ok_or(NoteVerifyError::NoKnownSignature)?;
    known
        .into_iter()
        .find(|key| key.id() == first.id && *key.name() == first.name)
        .ok_or(NoteVerifyError::NoKnownSignature)
}

/// The rules on sizes and proofs, for a request whose signature has verified.
fn judge(request: &AddCheckpoint, last: Option<&Checkpoint>) -> Result<(), Refusal> {
    let (old, new) = (request.old_size, request.claim.size);
    if old > new {
        return Err(Refusal::OldSize { old, new });
    }
    let latest = last.map_or(0, Checkpoint::size);
    if old != latest {
        return Err(Refusal::Conflict { latest });
    }
    let old_root = last.map_or(EMPTY_ROOT, Checkpoint::root);
    extends(old, old_root, &request.claim, &request.proof).map_err(Refusal::Proof)
}

fn extends(old: u64, old_root: Hash, new: &Claim, proof: &[Hash]) -> Result<(), ExtendsError> {
    match NonZeroU64::new(old) {
        Some(old) => verify_consistency(old, new.size, proof, &old_root, &new.root)?,
        None => verify_from_empty(new.size, proof, &old_root, &new.root)?,
    }
    Ok(())
}

/// The checkpoint with the lines of its log that are known, and no others: whoever asks could put
/// anything beside them.
fn signed(request: &AddCheckpoint, keys: &[VerifierKey]) -> Result<SignedCheckpoint, Refusal> {
    let key = signer(request, keys)?;
    let of_log = |line: &crate::note::NoteSignature| keys.iter().any(|key| key.made(line));
    let note = request.note.only(of_log);
    // What can still be wrong is the root of a tree of no leaves.
    SignedCheckpoint::from_note(note, request.origin().as_str(), key).map_err(|_| {
        let got = request.claim.root;
        Refusal::Proof(FromEmptyError::Root { got }.into())
    })
}
