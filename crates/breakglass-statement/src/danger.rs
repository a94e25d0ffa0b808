//! `Verified` values that nobody signed. Dangerous by design: with the feature `danger-assertion`
//! this crate no longer says that what it calls verified was verified. For the testkit only.

use breakglass_format::{
    Fingerprint,
    act::Act,
    authority::Authority,
    canonical::CanonicalError,
    statement::{Approval, Checkout, Denial, Enroll, Request, Session, Statement as _, Suspend},
};
use thiserror::Error;

use crate::{
    act::EnrolledKey,
    answer::AnsweredRequest,
    armour::armour,
    authority_set::AuthoritySet,
    chain::VerifiedAuthority,
    digest::digest,
    document::{Document, DocumentError},
    public_key::{KeyError, PublicKey},
    session::SessionKey,
    sshsig::Presence,
    verified::{Opened, Signed, Verified},
};

/// Why something cannot even be asserted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AssertionError {
    /// It cannot be written.
    #[error(transparent)]
    Text(#[from] CanonicalError),
    /// It is not a document that can be worked with.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A session's key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
}

fn assert_it<S: Signed>(
    statement: S,
    evidence: Presence,
    found: S::Found,
) -> Result<Verified<S>, CanonicalError> {
    let bytes = statement.to_bytes()?;
    // No signature, but a text of its own for every statement, as a signature would be.
    let armoured = armour(digest(&bytes).as_bytes());
    let opened = Opened {
        signer: statement.signer(),
        statement,
        bytes,
        armoured,
        evidence,
    };
    Ok(Verified::new(opened, found))
}

macro_rules! assertions {
    ($($type:ty: $found:expr),+ $(,)?) => {$(
        impl Verified<$type> {
            /// Asserts that this was signed so. For the testkit only.
            pub fn assertion(
                statement: $type,
                evidence: Presence,
            ) -> Result<Self, AssertionError> {
                let find: fn(&$type) -> Result<_, AssertionError> = $found;
                let found = find(&statement)?;
                Ok(assert_it(statement, evidence, found)?)
            }
        }
    )+};
}

assertions!(
    Request: |_| Ok(()),
    Approval: |a| Ok(AnsweredRequest(digest(&a.request.to_bytes()?))),
    Denial: |d| Ok(AnsweredRequest(digest(&d.request.to_bytes()?))),
    Checkout: |_| Ok(()),
    Enroll: |_| Ok(()),
    Suspend: |_| Ok(()),
    Session: |s| Ok(SessionKey(PublicKey::from_line(s.session_key.as_str())?)),
);

impl Verified<Act> {
    /// Asserts that this was signed so, resting on this enrolled key. For the testkit only.
    pub fn assertion(
        act: Act,
        enrolled_key: Fingerprint,
        evidence: Presence,
    ) -> Result<Self, AssertionError> {
        Ok(assert_it(act, evidence, EnrolledKey(enrolled_key))?)
    }
}

impl VerifiedAuthority {
    /// Asserts that root persons signed this. The document itself is checked. For the testkit
    /// only.
    pub fn assertion(authority: &Authority, all_roots: bool) -> Result<Self, AssertionError> {
        let document = Document::from_bytes(&authority.to_bytes()?)?;
        Ok(Self::asserted(document, all_roots))
    }
}

impl AuthoritySet {
    /// Asserts that these versions are a chain, the genesis first. For the testkit only.
    #[must_use]
    pub fn assertion(genesis: VerifiedAuthority, later: Vec<VerifiedAuthority>) -> Self {
        Self::asserted((genesis, later))
    }
}
