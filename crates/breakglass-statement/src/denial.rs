//! `denial.v1@breakglass`: no. It has a namespace of its own, so that a signature that says yes
//! can never be made of one that says no.

use breakglass_format::{
    Timestamp,
    statement::{AuthorityRef, Denial, Signer},
};

use crate::{
    answer::{self, AnswerError, AnsweredRequest},
    authority_set::AuthoritySet,
    verified::{Signed, StatementError, Verified, open},
};

/// A verified denial.
pub type VerifiedDenial = Verified<Denial>;

impl Signed for Denial {
    type Found = AnsweredRequest;

    fn signer(&self) -> Signer {
        self.approver.clone()
    }

    fn authority(&self) -> &AuthorityRef {
        &self.request.authority
    }

    fn stated_at(&self) -> Timestamp {
        self.signed_at
    }
}

/// Verifies a denial of the request with these bytes, as they are on file.
pub fn verify_denial(
    bytes: &[u8],
    armoured: &str,
    request: &[u8],
    authorities: &AuthoritySet,
) -> Result<VerifiedDenial, StatementError> {
    let denial = open::<Denial>(bytes, armoured)?;
    let statement = &denial.opened.statement;
    denial.check(statement.request.instance, authorities)?;
    let answered = AnsweredRequest(answer::check_request(&statement.request, request)?);
    check(statement)?;
    Ok(Verified::new(denial.opened, answered))
}

fn check(denial: &Denial) -> Result<(), AnswerError> {
    answer::check_log(&denial.log)?;
    if denial.duration_s != 0 {
        let got = denial.duration_s;
        return Err(AnswerError::DenialDuration { got });
    }
    if denial.reason.as_str().trim().is_empty() {
        return Err(AnswerError::NoReason);
    }
    Ok(())
}
