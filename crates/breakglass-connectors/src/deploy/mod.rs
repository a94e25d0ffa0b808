//! Deployment: an execution plane does something to its targets.
//!
//! A [`Connector`] knows one kind of plane and does single calls; which call comes next, after
//! whatever happened to the one before, is [`run`]. What a plane answers at once is "accepted",
//! never "done".

pub mod command;
pub mod plan;
pub mod run;

use breakglass_format::{IncidentId, Line, Name, RunId, error_class::ErrorClass};
use serde::{Deserialize, Serialize};

pub use self::plan::{BlastRadius, Plan, PlanError, PlanParts};
use crate::{Failure, Fields, Record};

/// One change to one target of a plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Which action of the scenario.
    pub action: Name,
    /// What is put there: a digest, a version.
    pub artifact: Line,
    /// What it is done to, in the plane's words.
    pub target: Line,
}

/// One execution of a planned operation.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The plane-facing correlation id and idempotency key.
    pub id: RunId,
    /// Travels beside it.
    pub incident_id: IncidentId,
    /// What was planned.
    pub plan: &'a Plan,
}

/// A value from the plane, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// The value.
    pub value: T,
    /// What was sent, answered and seen.
    pub record: Record,
}

/// What the plane made of a dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatch {
    /// It took the run over; nothing has to have happened yet.
    Accepted {
        /// What the plane calls the run; never empty.
        handle: Line,
    },
    /// The targets are as the operation wants them; there is nothing to do.
    AlreadyDone,
}

/// Whether the plane knows a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It does.
    Present {
        /// What the plane calls it; never empty.
        handle: Line,
    },
    /// It does not, and a request that is still under way cannot change that.
    Absent,
    /// It cannot say.
    CannotTell {
        /// Why not.
        detail: Line,
    },
}

/// How far the plane has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It works on it, or will.
    Running {
        /// One line for people.
        detail: Line,
    },
    /// It says that it is done.
    Succeeded {
        /// One line for people.
        detail: Line,
    },
    /// It says that it did not happen, or not wholly.
    Failed {
        /// What that means for a new run.
        class: ErrorClass,
        /// One line for people.
        detail: Line,
    },
    /// It was cancelled before it took effect.
    Cancelled {
        /// One line for people.
        detail: Line,
    },
}

/// What the plane made of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// The run will have no effect.
    Cancelled,
    /// It will try; polling tells.
    Asked,
    /// It had ended already; polling tells how.
    TooLate,
}

/// What the targets look like, by our own look at them and not by the word of the plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether that is what the plan promised.
    pub matches: bool,
    /// What was seen, in one line; more of it is in the record.
    pub observed: Line,
}

/// One kind of plane.
///
/// Every call is bounded in time. `fields` is the credential of the account, or none where the
/// connector has its own. An error of class `ambiguous` comes from `dispatch` and `cancel` only:
/// it may have happened.
pub trait Connector: Send + Sync {
    /// What it is, in one line, for people.
    fn describe(&self) -> Line;

    /// Finds out what an operation would do. Reads only.
    ///
    /// # Errors
    ///
    /// The plane could not be asked, or does not allow it.
    fn plan(&self, operation: &Operation, fields: &Fields<'_>) -> Result<Reply<Plan>, Failure>;

    /// Hands a run to the plane. The claim is durable; the run's id is the idempotency key: the
    /// same run twice happens once, where the plane can see to it.
    ///
    /// # Errors
    ///
    /// Class `ambiguous` where the plane may have it; any other where it does not.
    fn dispatch(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Dispatch>, Failure>;

    /// Looks for a run by its id. Reads only.
    ///
    /// # Errors
    ///
    /// The plane could not be asked.
    fn find(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Found>, Failure>;

    /// Asks how far a run has come. Reads only; right for ever, from any process.
    ///
    /// # Errors
    ///
    /// The plane could not be asked, or no longer knows the handle.
    fn poll(
        &self,
        run: &Run<'_>,
        handle: &Line,
        fields: &Fields<'_>,
    ) -> Result<Reply<Progress>, Failure>;

    /// Asks the plane to stop a run. Asking twice is harmless.
    ///
    /// # Errors
    ///
    /// The plane could not be asked, or did not clearly answer.
    fn cancel(
        &self,
        run: &Run<'_>,
        handle: &Line,
        fields: &Fields<'_>,
    ) -> Result<Reply<Cancellation>, Failure>;

    /// Looks at the targets. Reads only.
    ///
    /// # Errors
    ///
    /// The targets could not be looked at.
    fn verify(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Verification>, Failure>;
}
