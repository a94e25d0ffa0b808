//! `request.v1@breakglass`.

use breakglass_format::{
    Timestamp, limits,
    statement::{AuthorityRef, Request, Signer},
};
use thiserror::Error;

use crate::{
    authority_set::AuthoritySet,
    kem,
    verified::{Signed, StatementError, Verified, open},
};

/// The shortest access, in seconds.
pub(crate) const DURATION_S_MIN: i64 = 60;

/// A verified request.
pub type VerifiedRequest = Verified<Request>;

/// What in a request makes no sense, whatever the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It asks for less than a minute.
    #[error("request is for {got} s, at least {min} s are expected")]
    Duration {
        /// Seconds asked for.
        got: i64,
        /// Seconds at least.
        min: i64,
    },
    /// It lapses before it is made, or more than an hour later.
    #[error("request of {issued_at} must lapse within an hour after that, not at {approve_by}")]
    ApproveBy {
        /// When it was signed.
        issued_at: Timestamp,
        /// When it would lapse.
        approve_by: Timestamp,
    },
    /// Fewer than no checkouts.
    #[error("request is for {got} uses")]
    Uses {
        /// How many.
        got: i64,
    },
    /// A log of fewer than no entries.
    #[error("log has {got} entries")]
    LogSize {
        /// How many.
        got: i64,
    },
    /// No reason is given.
    #[error("request has no justification")]
    NoJustification,
}

impl Signed for Request {
    type Found = ();

    fn signer(&self) -> Signer {
        Signer {
            key: self.requester.key.clone(),
            person: self.requester.person.clone(),
            principal: self.requester.principal.clone(),
        }
    }

    fn authority(&self) -> &AuthorityRef {
        &self.authority
    }

    fn stated_at(&self) -> Timestamp {
        self.issued_at
    }
}

/// Verifies a request.
pub fn verify_request(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<VerifiedRequest, StatementError> {
    let request = open::<Request>(bytes, armoured)?;
    request.check(request.opened.statement.instance, authorities)?;
    check(&request.opened.statement)?;
    Ok(Verified::new(request.opened, ()))
}

fn check(request: &Request) -> Result<(), StatementError> {
    kem::check(&request.requester.kem)?;
    let (issued_at, approve_by) = (request.issued_at, request.approve_by);
    if request.duration_s < DURATION_S_MIN {
        return Err(RequestError::Duration {
            got: request.duration_s,
            min: DURATION_S_MIN,
        }
        .into());
    }
    if approve_by <= issued_at || approve_by > issued_at.plus_s(limits::APPROVE_WITHIN_S) {
        return Err(RequestError::ApproveBy {
            issued_at,
            approve_by,
        }
        .into());
    }
    if request.uses < 0 {
        return Err(RequestError::Uses { got: request.uses }.into());
    }
    if request.log.size < 0 {
        let got = request.log.size;
        return Err(RequestError::LogSize { got }.into());
    }
    if request.justification.as_str().trim().is_empty() {
        return Err(RequestError::NoJustification.into());
    }
    Ok(())
}
