//! `checkout.v1@breakglass`.

use breakglass_format::statement::Checkout;

use crate::{
    authority_set::AuthoritySet,
    kem,
    verified::{StatementError, Verified, open, signed},
};

/// A verified checkout.
pub type VerifiedCheckout = Verified<Checkout>;

signed!(Checkout, ());

/// Verifies a checkout.
pub fn verify_checkout(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<VerifiedCheckout, StatementError> {
    let checkout = open::<Checkout>(bytes, armoured)?;
    checkout.check(checkout.opened.statement.instance, authorities)?;
    kem::check(&checkout.opened.statement.kem)?;
    Ok(Verified::new(checkout.opened, ()))
}
