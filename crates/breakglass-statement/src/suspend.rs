//! `suspend.v1@breakglass`: a key, or a person, counts no longer.

use breakglass_format::statement::Suspend;

use crate::{
    authority_set::AuthoritySet,
    verified::{StatementError, Verified, open, signed},
};

/// A verified suspension, or one person's consent to it.
pub type VerifiedSuspend = Verified<Suspend>;

signed!(Suspend, ());

/// Verifies a suspension. Whether its target exists, and who may suspend it, is for the rules.
pub fn verify_suspend(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<VerifiedSuspend, StatementError> {
    let suspend = open::<Suspend>(bytes, armoured)?;
    suspend.check(suspend.opened.statement.instance, authorities)?;
    Ok(Verified::new(suspend.opened, ()))
}
