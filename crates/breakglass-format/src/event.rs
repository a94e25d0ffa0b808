//! The closed list of facts (`docs/spec/entry.md`).
//!
//! An event carries outcomes (`not_after`, `due_at`, `authority_version`), never inputs that would
//! have to be computed again. A new field is a new `v`; every `v` ever released decodes for ever.

use serde_json::Value;

use crate::{
    IncidentId,
    canonical::{self, CanonicalError, Writer},
};

/// The data of events: one struct each, all fields public and none optional.
macro_rules! data {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type),* }
    )+};
}

mod aftermath;
mod beside;
mod control_plane;
mod data;
mod notice;
mod people;
mod recovery;
mod reference;
mod subjects;

pub use aftermath::*;
pub use beside::Beside;
pub use control_plane::*;
pub use data::*;
pub use notice::*;
pub use people::*;
pub use recovery::*;
pub use reference::{Reference, ReferenceError};
pub use subjects::Subjects;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A fact. The variant's payload is its `event_data`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $variant($variant)),+
        }

        impl Event {
            /// Every `event_type` of this version, in the order of the list.
            pub const TYPES: &'static [&'static str] = &[$($name),+];

            /// The `event_type`.
            #[must_use]
            pub const fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),+ }
            }

            /// The `event_data` as a tree.
            pub fn data(&self) -> Result<Value, CanonicalError> {
                match self { $(Self::$variant(data) => canonical::to_value(data)),+ }
            }

            /// Writes the `event_data` as a member, where its type has its members in order.
            pub(crate) fn write(&self, key: &str, object: &mut Writer) -> bool {
                match self { $(Self::$variant(data) => object.typed(key, data)),+ }
            }

            /// [`Self::from_parts`], of data as they are spelled canonically; `None` where they are
            /// not of the type.
            pub(crate) fn from_spelled(event_type: &str, v: i64, data: &str) -> Option<Self> {
                match (event_type, v) {
                    $(($name, 1) => canonical::read::value(data).map(Self::$variant),)+
                    _ => None,
                }
            }

            /// Reads an event of a type and version.
            pub fn from_parts(event_type: &str, v: i64, data: Value) -> Result<Self, EventError> {
                match (event_type, v) {
                    $(($name, 1) => Ok(Self::$variant(canonical::from_value(data)?)),)+
                    _ => Err(EventError::Unknown { event_type: event_type.to_owned(), v }),
                }
            }
        }

        $(impl From<$variant> for Event {
            fn from(data: $variant) -> Self {
                Self::$variant(data)
            }
        })+
    };
}

events!(
    /// Entry 0 of every log.
    LogStarted = "LOG_STARTED",
    /// A version of the authority took effect.
    AuthorityPublished = "AUTHORITY_PUBLISHED",
    /// A person proved to hold a key.
    KeyEnrolled = "KEY_ENROLLED",
    /// A key, or a person with all keys, counts no longer.
    KeySuspended = "KEY_SUSPENDED",
    /// A person certified a session key, which may sign the short list of acts for a while. The
    /// session statement and its signature are this entry's `statement` and `signature`, like
    /// those of any other statement; an act names it by digest, and the `signature` of an act
    /// signed by a session key is that act's own armour alone. In the evidence folder it lies
    /// under `acts/<sha256>.session.json`.
    SessionOpened = "SESSION_OPENED",
    /// Somebody is reached elsewhere from now on.
    ContactSet = "CONTACT_SET",
    /// An incident began.
    IncidentDeclared = "INCIDENT_DECLARED",
    /// Somebody wrote something down.
    IncidentNoted = "INCIDENT_NOTED",
    /// The control plane was asked whether it is there.
    ControlPlaneProbed = "CONTROL_PLANE_PROBED",
    /// Access was asked for.
    BreakGlassRequested = "BREAK_GLASS_REQUESTED",
    /// One person said yes.
    BreakGlassApproved = "BREAK_GLASS_APPROVED",
    /// One person said no.
    BreakGlassDenied = "BREAK_GLASS_DENIED",
    /// Nobody answered in time.
    BreakGlassLapsed = "BREAK_GLASS_LAPSED",
    /// The requester took the request back.
    BreakGlassWithdrawn = "BREAK_GLASS_WITHDRAWN",
    /// The request can come to nothing any more.
    BreakGlassVoided = "BREAK_GLASS_VOIDED",
    /// Access was granted.
    BreakGlassGranted = "BREAK_GLASS_GRANTED",
    /// A grant's end was moved by an approved extension.
    BreakGlassExtended = "BREAK_GLASS_EXTENDED",
    /// A credential was handed out, or used by us on somebody's behalf.
    BreakGlassAccess = "BREAK_GLASS_ACCESS",
    /// Something was done with it.
    BreakGlassAction = "BREAK_GLASS_ACTION",
    /// Access ended.
    BreakGlassEnded = "BREAK_GLASS_ENDED",
    /// What an action would do was written down before it was done.
    ActionPlanned = "ACTION_PLANNED",
    /// What became of a run.
    RunProgressed = "RUN_PROGRESSED",
    /// Our hands are about to do something outside.
    EffectClaimed = "EFFECT_CLAIMED",
    /// One of two people agreed to something that takes two.
    ActProposed = "ACT_PROPOSED",
    /// A credential was put into custody.
    CredentialAdded = "CREDENTIAL_ADDED",
    /// Two people want an account's credential rotated now.
    RotationOrdered = "ROTATION_ORDERED",
    /// A new credential lies sealed, before the target is told of it.
    CredentialStaged = "CREDENTIAL_STAGED",
    /// The target takes the new credential and refuses the old one.
    CredentialRotated = "CREDENTIAL_ROTATED",
    /// Two people attest that they rotated a credential by hand.
    RotationAttested = "ROTATION_ATTESTED",
    /// It does not, yet.
    CredentialRotationFailed = "CREDENTIAL_ROTATION_FAILED",
    /// An incident ended.
    IncidentResolved = "INCIDENT_RESOLVED",
    /// The change advisory board was told.
    CabNotified = "CAB_NOTIFIED",
    /// What happened was written down.
    IncidentReportFiled = "INCIDENT_REPORT_FILED",
    /// Somebody who took no part in it looked at all of it.
    PostIncidentReviewCompleted = "POST_INCIDENT_REVIEW_COMPLETED",
    /// The change advisory board decided.
    CabReviewed = "CAB_REVIEWED",
    /// Whether an account, and who may ask for it, stays as it is.
    AccessReviewed = "ACCESS_REVIEWED",
    /// The procedure was mended where the review found a gap.
    ProcedureUpdated = "PROCEDURE_UPDATED",
    /// Two people let a duty go.
    ObligationWaived = "OBLIGATION_WAIVED",
    /// Somebody else leads.
    CommandTransferred = "COMMAND_TRANSFERRED",
    /// Nothing is left to do.
    IncidentClosed = "INCIDENT_CLOSED",
    /// Something became known that the review had not seen.
    IncidentReopened = "INCIDENT_REOPENED",
    /// People were told, or could not be.
    StakeholderNotified = "STAKEHOLDER_NOTIFIED",
    /// A clock ran out.
    ObligationOverdue = "OBLIGATION_OVERDUE",
    /// The rules said no to somebody whose signature was good.
    CommandRefused = "COMMAND_REFUSED",
    /// The same, more often than is written one by one.
    RefusalsSummarised = "REFUSALS_SUMMARISED",
    /// The wall clock jumped.
    ClockStepped = "CLOCK_STEPPED",
    /// A sink began or ceased to work.
    SinkChanged = "SINK_CHANGED",
    /// Where the log lies began or ceased to have a fault.
    StorageChanged = "STORAGE_CHANGED",
    /// A log that had lost its end has it back.
    LogRecovered = "LOG_RECOVERED",
    /// The log goes on under another origin and key, as the root persons signed.
    EpochBegun = "EPOCH_BEGUN",
);

/// Why a request is void that waited when the log was put back from copies.
pub const LOG_PUT_BACK: &str = "the log was put back from copies";

/// Why an event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A type or version this program does not know: the log was written by a newer one.
    #[error("unknown event {event_type} v{v}: written by a newer version of breakglass")]
    Unknown {
        /// Its type.
        event_type: String,
        /// Its version.
        v: i64,
    },
    /// Known, but not of its shape.
    #[error("event data: {0}")]
    Shape(#[from] CanonicalError),
}

impl Event {
    /// The incident it belongs to, where it belongs to one: its `correlation_id`.
    #[must_use]
    pub fn incident_id(&self) -> Option<IncidentId> {
        match self {
            Self::IncidentDeclared(d) => Some(d.incident_id),
            Self::IncidentNoted(d) => Some(d.incident_id),
            Self::ControlPlaneProbed(d) => Some(d.incident_id),
            Self::BreakGlassRequested(d) => Some(d.incident_id),
            Self::BreakGlassApproved(d) => Some(d.incident_id),
            Self::BreakGlassDenied(d) => Some(d.incident_id),
            Self::BreakGlassLapsed(d) => Some(d.incident_id),
            Self::BreakGlassWithdrawn(d) => Some(d.incident_id),
            Self::BreakGlassVoided(d) => Some(d.incident_id),
            Self::BreakGlassGranted(d) => Some(d.incident_id),
            Self::BreakGlassExtended(d) => Some(d.incident_id),
            Self::BreakGlassAccess(d) => Some(d.incident_id),
            Self::BreakGlassAction(d) => Some(d.incident_id),
            Self::BreakGlassEnded(d) => Some(d.incident_id),
            Self::ActionPlanned(d) => Some(d.incident_id),
            Self::RunProgressed(d) => Some(d.incident_id),
            Self::IncidentResolved(d) => Some(d.incident_id),
            Self::CabNotified(d) => Some(d.incident_id),
            Self::IncidentReportFiled(d) => Some(d.incident_id),
            Self::PostIncidentReviewCompleted(d) => Some(d.incident_id),
            Self::CabReviewed(d) => Some(d.incident_id),
            Self::ProcedureUpdated(d) => Some(d.incident_id),
            Self::ObligationWaived(d) => Some(d.incident_id),
            Self::CommandTransferred(d) => Some(d.incident_id),
            Self::IncidentClosed(d) => Some(d.incident_id),
            Self::IncidentReopened(d) => Some(d.incident_id),
            Self::AccessReviewed(d) => d.incident_id.0,
            Self::ActProposed(d) => d.incident_id.0,
            Self::ObligationOverdue(d) => d.incident_id.0,
            Self::StakeholderNotified(d) => d.incident_id.0,
            Self::CredentialRotated(d) => d.incidents.first().copied(),
            Self::RotationAttested(d) => d.incidents.first().copied(),
            Self::LogStarted(_)
            | Self::AuthorityPublished(_)
            | Self::KeyEnrolled(_)
            | Self::KeySuspended(_)
            | Self::SessionOpened(_)
            | Self::ContactSet(_)
            | Self::EffectClaimed(_)
            | Self::CredentialAdded(_)
            | Self::RotationOrdered(_)
            | Self::CredentialStaged(_)
            | Self::CredentialRotationFailed(_)
            | Self::CommandRefused(_)
            | Self::RefusalsSummarised(_)
            | Self::ClockStepped(_)
            | Self::SinkChanged(_)
            | Self::StorageChanged(_)
            | Self::LogRecovered(_)
            | Self::EpochBegun(_) => None,
        }
    }

    /// What it names that lies beside the log and is no statement.
    #[must_use]
    pub fn beside(&self) -> Beside {
        beside::beside(self)
    }

    /// The break-glass account in play, where there is one: the `actor`.
    #[must_use]
    pub fn account(&self) -> Option<&AccountRef> {
        match self {
            Self::BreakGlassGranted(d) => Some(&d.account),
            Self::BreakGlassAccess(d) => Some(&d.account),
            Self::BreakGlassAction(d) => Some(&d.account),
            Self::BreakGlassEnded(d) => Some(&d.account),
            Self::LogStarted(_)
            | Self::AuthorityPublished(_)
            | Self::KeyEnrolled(_)
            | Self::KeySuspended(_)
            | Self::SessionOpened(_)
            | Self::ContactSet(_)
            | Self::IncidentDeclared(_)
            | Self::IncidentNoted(_)
            | Self::ControlPlaneProbed(_)
            | Self::BreakGlassRequested(_)
            | Self::BreakGlassApproved(_)
            | Self::BreakGlassDenied(_)
            | Self::BreakGlassLapsed(_)
            | Self::BreakGlassWithdrawn(_)
            | Self::BreakGlassVoided(_)
            | Self::BreakGlassExtended(_)
            | Self::ActionPlanned(_)
            | Self::RunProgressed(_)
            | Self::EffectClaimed(_)
            | Self::ActProposed(_)
            | Self::CredentialAdded(_)
            | Self::RotationOrdered(_)
            | Self::CredentialStaged(_)
            | Self::CredentialRotated(_)
            | Self::RotationAttested(_)
            | Self::CredentialRotationFailed(_)
            | Self::IncidentResolved(_)
            | Self::CabNotified(_)
            | Self::IncidentReportFiled(_)
            | Self::PostIncidentReviewCompleted(_)
            | Self::CabReviewed(_)
            | Self::AccessReviewed(_)
            | Self::ProcedureUpdated(_)
            | Self::ObligationWaived(_)
            | Self::CommandTransferred(_)
            | Self::IncidentClosed(_)
            | Self::IncidentReopened(_)
            | Self::ObligationOverdue(_)
            | Self::StakeholderNotified(_)
            | Self::CommandRefused(_)
            | Self::RefusalsSummarised(_)
            | Self::ClockStepped(_)
            | Self::SinkChanged(_)
            | Self::StorageChanged(_)
            | Self::LogRecovered(_)
            | Self::EpochBegun(_) => None,
        }
    }
}
