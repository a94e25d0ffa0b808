//! `session.v1@breakglass`: a key made by the client may sign lesser acts for a while.

use breakglass_format::{Timestamp, limits, statement::Session};
use thiserror::Error;

use crate::{
    authority_set::AuthoritySet,
    chain::VerifiedAuthority,
    public_key::{KeyError, PublicKey},
    verified::{StatementError, Verified, open, signed},
};

/// A verified session.
pub type VerifiedSession = Verified<Session>;

/// What in a session makes no sense, whatever the rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// It ends before it begins, or lives longer than a session may.
    #[error("session of {issued_at} must end within {max_s} s after that, not at {not_after}")]
    Lifetime {
        /// When it was signed.
        issued_at: Timestamp,
        /// When it would end.
        not_after: Timestamp,
        /// The longest life, in seconds.
        max_s: i64,
    },
    /// Its key cannot be read.
    #[error("session key: {0}")]
    Key(#[from] KeyError),
    /// Its key is not written as `type base64`.
    #[error("session key is not written as `type base64` without comment")]
    KeyText,
    /// Its key lies in a token: such a key is enrolled, not certified.
    #[error("session key is a key in a token, which a client cannot have made")]
    SecurityKey,
    /// Its key is somebody's enrolled key.
    #[error("session key is a key of the authority")]
    EnrolledKey,
}

signed!(Session, SessionKey);

/// The key that a session was found to certify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionKey(pub(crate) PublicKey);

impl VerifiedSession {
    /// The key that it certifies.
    #[must_use]
    pub const fn session_key(&self) -> &PublicKey {
        &self.found().0
    }

    /// Whether an instant lies within it; the end does not.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        let session = self.statement();
        session.issued_at <= at && at < session.not_after
    }
}

/// Verifies a session.
pub fn verify_session(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<VerifiedSession, StatementError> {
    let session = open::<Session>(bytes, armoured)?;
    session.check(session.opened.statement.instance, authorities)?;
    let version = session.named(authorities)?;
    let key = check(&session.opened.statement, version)?;
    Ok(Verified::new(session.opened, SessionKey(key)))
}

fn check(session: &Session, version: &VerifiedAuthority) -> Result<PublicKey, SessionError> {
    let (issued_at, not_after) = (session.issued_at, session.not_after);
    if not_after <= issued_at || not_after > issued_at.plus_s(limits::SESSION_S) {
        return Err(SessionError::Lifetime {
            issued_at,
            not_after,
            max_s: limits::SESSION_S,
        });
    }
    let key = PublicKey::from_line(session.session_key.as_str())?;
    if key.line() != session.session_key.as_str() {
        return Err(SessionError::KeyText);
    }
    if key.key_type().is_security_key() {
        return Err(SessionError::SecurityKey);
    }
    if version.document().holder(&key.fingerprint()).is_some() {
        return Err(SessionError::EnrolledKey);
    }
    Ok(key)
}
