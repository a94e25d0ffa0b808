//! `checkout.v1@breakglass`.

use breakglass_format::{
    Timestamp,
    statement::{AuthorityRef, Checkout, Signer},
};

use crate::{
    authority_set::AuthoritySet,
    kem,
    verified::{Signed, StatementError, Verified, open},
};

/// A verified checkout.
pub type VerifiedCheckout = Verified<Checkout>;

impl Signed for Checkout {
    type Found = ();

    fn signer(&self) -> Signer {
        self.signer.clone()
    }

    fn authority(&self) -> &AuthorityRef {
        &self.authority
    }

    fn stated_at(&self) -> Timestamp {
        self.issued_at
    }
}

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
