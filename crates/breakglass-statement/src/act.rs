//! `act.v1@breakglass`, signed by an enrolled key or by the key of a session.

use breakglass_format::{
    Digest, Fingerprint, Timestamp,
    act::Act,
    statement::{Kind, Signer},
};
use thiserror::Error;

use crate::{
    authority_set::AuthoritySet,
    public_key::PublicKey,
    session::VerifiedSession,
    verified::{ByKey, StatementError, Verified, check_instance, listed, open, signed},
};

/// A verified act.
pub type VerifiedAct = Verified<Act>;

/// Why a session does not carry an act.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionActError {
    /// The act names a session, and none was given.
    #[error("act names the session {named}, which is not known")]
    Missing {
        /// SHA-256 of the session statement.
        named: Digest,
    },
    /// The act names none, or another.
    #[error("act does not name the session {given}")]
    Differs {
        /// SHA-256 of the session statement that was given.
        given: Digest,
    },
    /// The act is somebody else's than the session.
    #[error("act is by {got}, the session by {expected}")]
    OtherPerson {
        /// Whose session it is, as `principal (person)`.
        expected: String,
        /// Whose act it is.
        got: String,
    },
    /// The act was signed with another key than the session's.
    #[error("act is signed with the key {got}, the session certifies {expected}")]
    OtherKey {
        /// The session's key.
        expected: Fingerprint,
        /// The act's.
        got: Fingerprint,
    },
    /// The command takes the enrolled key.
    #[error("{command} takes the enrolled key, a session may not sign it")]
    TakesEnrolledKey {
        /// The command.
        command: &'static str,
    },
    /// The act was not made while the session lived.
    #[error("act of {at} lies outside the session, which ends at {not_after}")]
    Outside {
        /// When the act was signed.
        at: Timestamp,
        /// When the session ends.
        not_after: Timestamp,
    },
}

/// The key of the authority that an act was found to rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledKey(pub(crate) Fingerprint);

signed!(Act, EnrolledKey);

impl VerifiedAct {
    /// The key of the authority that it rests on: the one that signed, or the one that signed the
    /// session. Whether that key counts decides whether the act does.
    #[must_use]
    pub const fn enrolled_key(&self) -> &Fingerprint {
        &self.found().0
    }

    /// Whether a session's key signed it.
    #[must_use]
    pub const fn by_session(&self) -> bool {
        self.statement().session.0.is_some()
    }
}

/// Verifies an act. `session` is the verified session that it names, or none where it names none.
pub fn verify_act(
    bytes: &[u8],
    armoured: &str,
    session: Option<&VerifiedSession>,
    authorities: &AuthoritySet,
) -> Result<VerifiedAct, StatementError> {
    let act = open::<Act>(bytes, armoured)?;
    let statement = &act.opened.statement;
    check_instance(statement.instance, authorities)?;
    let version = act.named(authorities)?;
    let enrolled = match (statement.session.0, session) {
        (None, None) => {
            act.check_signer(version)?;
            statement.signer.key.clone()
        }
        (Some(named), Some(session)) if named == session.digest() => {
            check_instance(session.statement().instance, authorities)?;
            check_by_session(&act, session)?;
            listed(version, session.signer(), Kind::Session)?;
            session.signer().key.clone()
        }
        (Some(named), None) => return Err(SessionActError::Missing { named }.into()),
        (_, Some(session)) => {
            let given = session.digest();
            return Err(SessionActError::Differs { given }.into());
        }
    };
    Ok(Verified::new(act.opened, EnrolledKey(enrolled)))
}

fn check_by_session(act: &ByKey<Act>, session: &VerifiedSession) -> Result<(), SessionActError> {
    let statement = &act.opened.statement;
    let (got, expected) = (&statement.signer, session.signer());
    if got.person != expected.person || got.principal != expected.principal {
        let name = |s: &Signer| format!("{} ({})", s.principal, s.person);
        return Err(SessionActError::OtherPerson {
            expected: name(expected),
            got: name(got),
        });
    }
    check_key(session.session_key(), act.signature.key())?;
    if !statement.command.session_may_sign() {
        let command = statement.command.word();
        return Err(SessionActError::TakesEnrolledKey { command });
    }
    let at = statement.issued_at;
    if !session.covers(at) {
        let not_after = session.statement().not_after;
        return Err(SessionActError::Outside { at, not_after });
    }
    Ok(())
}

fn check_key(expected: &PublicKey, got: &PublicKey) -> Result<(), SessionActError> {
    if expected == got {
        return Ok(());
    }
    Err(SessionActError::OtherKey {
        expected: expected.fingerprint(),
        got: got.fingerprint(),
    })
}
