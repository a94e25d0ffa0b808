//! `approval.v1@breakglass`: yes.

use breakglass_format::{
    Timestamp,
    statement::{Approval, AuthorityRef, Signer},
};

use crate::{
    answer::{self, AnswerError, AnsweredRequest},
    authority_set::AuthoritySet,
    request::DURATION_S_MIN,
    verified::{Signed, StatementError, Verified, open},
};

/// A verified approval.
pub type VerifiedApproval = Verified<Approval>;

impl Signed for Approval {
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

/// Verifies an approval of the request with these bytes, as they are on file.
pub fn verify_approval(
    bytes: &[u8],
    armoured: &str,
    request: &[u8],
    authorities: &AuthoritySet,
) -> Result<VerifiedApproval, StatementError> {
    let approval = open::<Approval>(bytes, armoured)?;
    let statement = &approval.opened.statement;
    approval.check(statement.request.instance, authorities)?;
    let answered = AnsweredRequest(answer::check_request(&statement.request, request)?);
    check(statement)?;
    Ok(Verified::new(approval.opened, answered))
}

fn check(approval: &Approval) -> Result<(), AnswerError> {
    answer::check_log(&approval.log)?;
    let (got, asked) = (approval.duration_s, approval.request.duration_s);
    if (DURATION_S_MIN..=asked).contains(&got) {
        return Ok(());
    }
    Err(AnswerError::Duration {
        got,
        asked,
        min: DURATION_S_MIN,
    })
}
