//! What people sign: SSH signatures, public keys, the chain of authority documents, and the only
//! maker of `Verified` values.
//!
//! Bytes in, values out: no clock, no entropy, no IO. A [`Verified`] value says that a person's
//! key, as the authority that the text names lists it, signed exactly these bytes for this
//! installation. `docs/spec/signatures.md` describes each check and its order; whether key and
//! person count at the time, and whether the procedure allows what is asked, is for the rules in
//! `breakglass-core`.
//!
//! The feature `danger-assertion` adds `assertion` constructors that make such values without any
//! signature. It is for the testkit and never part of a program that people run.

mod act;
mod allowed_signers;
mod answer;
mod approval;
pub mod armour;
mod authority_set;
mod chain;
mod checkout;
#[cfg(feature = "danger-assertion")]
mod danger;
mod denial;
mod digest;
mod document;
mod enroll;
mod epoch;
mod kem;
mod public_key;
mod request;
mod session;
mod sshsig;
mod suspend;
mod verified;
pub mod wire;

#[cfg(feature = "danger-assertion")]
pub use self::danger::AssertionError;
pub use self::{
    act::{EnrolledKey, SessionActError, VerifiedAct, verify_act},
    allowed_signers::allowed_signers,
    answer::{AnswerError, AnsweredRequest},
    approval::{VerifiedApproval, verify_approval},
    authority_set::AuthoritySet,
    chain::{ChainError, VerifiedAuthority},
    checkout::{VerifiedCheckout, verify_checkout},
    denial::{VerifiedDenial, verify_denial},
    digest::digest,
    document::DocumentError,
    enroll::{EnrollError, VerifiedEnroll, verify_enroll},
    epoch::{EpochError, VerifiedEpoch},
    kem::KemError,
    public_key::{KeyError, KeyType, PublicKey},
    request::{RequestError, VerifiedRequest, verify_request},
    session::{SessionError, SessionKey, VerifiedSession, verify_session},
    sshsig::{ClientDataError, Presence, SignatureError, SshSig, SshSigError, to_be_signed},
    suspend::{VerifiedSuspend, verify_suspend},
    verified::{Signed, StatementError, Verified},
};
