//! Rotation: a target learns a new credential and unlearns the old one.
//!
//! A [`Rotator`] knows one kind of target and does single steps; in which order they are done, and
//! what their answers add up to, is [`procedure`].

pub mod command;
pub mod postgres;
pub mod procedure;

use breakglass_format::{Line, event::AccountRef};

use crate::{Failure, Fields, Record};

/// What a target says to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It lets it in.
    Accepted,
    /// It examined it and does not let it in. A target that cannot be reached, or a locked
    /// account, is no refusal but a failure.
    Refused,
}

impl Verdict {
    /// The spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// A verdict that was obtained from the target itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What the target said.
    pub seen: Verdict,
    /// The evidence.
    pub record: Record,
}

/// One kind of target.
///
/// Every call is bounded in time and claims nothing that the target did not say.
pub trait Rotator: Send + Sync {
    /// What it is, in one line, for the evidence.
    fn describe(&self) -> Line;

    /// Tries to log in with a credential and changes nothing.
    ///
    /// `expect` is what the procedure hopes for: a hint by which to choose how often to try, where
    /// failed logins lock an account. The answer is what was seen, whatever was hoped for.
    ///
    /// # Errors
    ///
    /// The target could not be asked, or did not clearly answer.
    fn prove(
        &self,
        account: &AccountRef,
        credential: &Fields<'_>,
        expect: Verdict,
    ) -> Result<Proof, Failure>;

    /// Makes the target accept `new` instead of `current`, in one step as far as the target can,
    /// so that one of both works at every moment. Doing it again with the same `new` is harmless.
    ///
    /// # Errors
    ///
    /// Class `ambiguous` where it may have happened; any other where it did not.
    fn change(
        &self,
        account: &AccountRef,
        current: &Fields<'_>,
        new: &Fields<'_>,
    ) -> Result<Record, Failure>;
}
