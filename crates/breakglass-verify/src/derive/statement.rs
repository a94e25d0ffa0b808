//! Verified statements of every kind, as one type.

use std::collections::BTreeMap;

use breakglass_format::{
    Digest, Fingerprint, Timestamp,
    statement::{AuthorityRef, Kind, Signer},
};
use breakglass_statement::{
    VerifiedAct, VerifiedApproval, VerifiedCheckout, VerifiedDenial, VerifiedEnroll,
    VerifiedRequest, VerifiedSession, VerifiedSuspend,
};

/// Statements by the SHA-256 of their bytes.
pub type Statements = BTreeMap<Digest, Statement>;

/// A statement whose signature was verified.
#[derive(Debug, Clone)]
pub enum Statement {
    /// A wish for access.
    Request(VerifiedRequest),
    /// Yes.
    Approval(VerifiedApproval),
    /// No.
    Denial(VerifiedDenial),
    /// Hand me the credential.
    Checkout(VerifiedCheckout),
    /// A key for lesser acts.
    Session(VerifiedSession),
    /// Proof that a person holds a key.
    Enroll(VerifiedEnroll),
    /// A key, or somebody, counts no longer.
    Suspend(VerifiedSuspend),
    /// Everything else.
    Act(VerifiedAct),
}

/// The same expression over every kind.
macro_rules! each {
    ($of:expr, $s:ident => $value:expr) => {
        match $of {
            Statement::Request($s) => $value,
            Statement::Approval($s) => $value,
            Statement::Denial($s) => $value,
            Statement::Checkout($s) => $value,
            Statement::Session($s) => $value,
            Statement::Enroll($s) => $value,
            Statement::Suspend($s) => $value,
            Statement::Act($s) => $value,
        }
    };
}

impl Statement {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        each!(self, s => s.signer())
    }

    /// When, by the signer's clock.
    #[must_use]
    pub fn stated_at(&self) -> Timestamp {
        each!(self, s => s.stated_at())
    }

    /// The authority it was made under; of an enrolment the empty form.
    #[must_use]
    pub fn authority(&self) -> &AuthorityRef {
        each!(self, s => s.authority())
    }

    /// The enrolled key it rests on, and what that key must be listed for: an act by a session
    /// rests on the key that opened the session.
    #[must_use]
    pub fn rests_on(&self) -> (&Fingerprint, Kind) {
        let own = &self.signer().key;
        match self {
            Self::Request(_) => (own, Kind::Request),
            Self::Approval(_) => (own, Kind::Approval),
            Self::Denial(_) => (own, Kind::Denial),
            Self::Checkout(_) => (own, Kind::Checkout),
            Self::Session(_) => (own, Kind::Session),
            Self::Enroll(_) => (own, Kind::Enroll),
            Self::Suspend(_) => (own, Kind::Suspend),
            Self::Act(act) if act.by_session() => (act.enrolled_key(), Kind::Session),
            Self::Act(act) => (act.enrolled_key(), Kind::Act),
        }
    }
}
