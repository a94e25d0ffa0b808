//! What lies beside the log because events name it.

use super::Event;
use crate::Digest;

/// What an event names that lies beside the log and is no statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// A document that anybody who may see the event may see.
    pub document: Option<Digest>,
    /// A sealed credential or an envelope: its digest is enough.
    pub sealed: Option<Digest>,
}

/// Every event has to be decided on here: what it names is shown, or it is not.
pub(super) fn beside(event: &Event) -> Beside {
    let document = |document| Beside {
        document,
        sealed: None,
    };
    let sealed = |sealed| Beside {
        document: None,
        sealed,
    };
    match event {
        Event::ActionPlanned(d) => document(Some(d.document)),
        Event::RunProgressed(d) => document(d.evidence.0),
        Event::EffectClaimed(d) => document(d.document.0),
        Event::BreakGlassAccess(d) => sealed(d.envelope.0),
        Event::CredentialAdded(d) => sealed(Some(d.sealed)),
        // A contact lies beside the log.
        Event::ContactSet(d) => sealed(Some(d.commitment)),
        Event::CredentialStaged(d) => sealed(Some(d.sealed)),
        Event::IncidentReportFiled(d) => document(Some(d.document)),
        Event::PostIncidentReviewCompleted(d) => document(d.document.0),
        Event::CabReviewed(d) => document(d.document.0),
        Event::ProcedureUpdated(d) => document(d.document.0),
        Event::CredentialRotated(d) => Beside {
            document: Some(d.evidence),
            sealed: Some(d.sealed),
        },
        // The documents of authorities and statements have places of their own.
        Event::LogStarted(_)
        | Event::AuthorityPublished(_)
        | Event::KeyEnrolled(_)
        | Event::KeySuspended(_)
        | Event::SessionOpened(_)
        | Event::IncidentDeclared(_)
        | Event::IncidentNoted(_)
        | Event::ControlPlaneProbed(_)
        | Event::StakeholderNotified(_)
        | Event::BreakGlassRequested(_)
        | Event::BreakGlassApproved(_)
        | Event::BreakGlassDenied(_)
        | Event::BreakGlassLapsed(_)
        | Event::BreakGlassWithdrawn(_)
        | Event::BreakGlassVoided(_)
        | Event::BreakGlassGranted(_)
        | Event::BreakGlassExtended(_)
        | Event::BreakGlassAction(_)
        | Event::BreakGlassEnded(_)
        | Event::ActProposed(_)
        | Event::RotationOrdered(_)
        | Event::RotationAttested(_)
        | Event::CredentialRotationFailed(_)
        | Event::IncidentResolved(_)
        | Event::CabNotified(_)
        | Event::AccessReviewed(_)
        | Event::ObligationWaived(_)
        | Event::CommandTransferred(_)
        | Event::IncidentClosed(_)
        | Event::IncidentReopened(_)
        | Event::ObligationOverdue(_)
        | Event::CommandRefused(_)
        | Event::RefusalsSummarised(_)
        | Event::ClockStepped(_)
        | Event::SinkChanged(_)
        | Event::StorageChanged(_)
        | Event::LogRecovered(_)
        | Event::EpochBegun(_) => Beside::default(),
    }
}
