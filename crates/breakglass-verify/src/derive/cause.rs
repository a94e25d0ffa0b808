//! Which statement an event rests on: a table of every event, so that nothing is called signed
//! that nobody signed.

use breakglass_format::{
    Event,
    statement::Kind,
    vocabulary::{ActionMode, EndReason},
};

use super::Statement;

/// What an event takes.
pub(super) enum Takes {
    /// The server's word, and no statement beside it.
    Nothing,
    /// A statement of one of these kinds or commands.
    Signed(&'static [&'static str]),
    /// A statement of one of these, or none where the server acted of itself.
    Perhaps(&'static [&'static str]),
    /// Whatever was refused; nothing more is kept of it.
    Anything,
}

/// The kind of a statement, and of an act the command.
pub(super) fn word(statement: &Statement) -> &'static str {
    match statement {
        Statement::Request(_) => Kind::Request.word(),
        Statement::Approval(_) => Kind::Approval.word(),
        Statement::Denial(_) => Kind::Denial.word(),
        Statement::Checkout(_) => Kind::Checkout.word(),
        Statement::Session(_) => Kind::Session.word(),
        Statement::Enroll(_) => Kind::Enroll.word(),
        Statement::Suspend(_) => Kind::Suspend.word(),
        Statement::Act(act) => act.statement().command.word(),
    }
}

/// What every event takes.
pub(super) fn takes(event: &Event) -> Takes {
    match event {
        Event::KeyEnrolled(_) => Takes::Signed(&["enroll"]),
        Event::KeySuspended(_) => Takes::Signed(&["suspend"]),
        Event::SessionOpened(_) => Takes::Signed(&["session"]),
        Event::ContactSet(_) => Takes::Signed(&["set_contact"]),
        Event::IncidentDeclared(_) => Takes::Signed(&["declare"]),
        Event::IncidentNoted(_) => Takes::Signed(&["note"]),
        Event::ControlPlaneProbed(_) => Takes::Perhaps(&["probe"]),
        Event::IncidentResolved(_) => Takes::Signed(&["resolve"]),
        Event::BreakGlassRequested(_) => Takes::Signed(&["request"]),
        Event::BreakGlassApproved(_)
        | Event::BreakGlassGranted(_)
        | Event::BreakGlassExtended(_) => Takes::Signed(&["approval"]),
        Event::BreakGlassDenied(_) => Takes::Signed(&["denial"]),
        Event::BreakGlassWithdrawn(_) => Takes::Signed(&["withdraw"]),
        // By the end of the incident, by its requester's suspension, or by a newer authority, or
        // because the log was put back.
        Event::BreakGlassVoided(_) => Takes::Perhaps(&["resolve", "suspend"]),
        Event::BreakGlassAccess(d) if d.disclosed => Takes::Signed(&["checkout"]),
        Event::BreakGlassAccess(d) if d.run_id.0.is_some() => Takes::Signed(&["run"]),
        Event::BreakGlassAccess(_) => Takes::Signed(&["plan"]),
        Event::BreakGlassAction(d) => match d.mode {
            ActionMode::Run => Takes::Signed(&["run"]),
            ActionMode::Recorded => Takes::Signed(&["record"]),
        },
        Event::BreakGlassEnded(d) => match d.reason {
            EndReason::Expired | EndReason::Recovered => Takes::Nothing,
            EndReason::Returned => Takes::Signed(&["return"]),
            EndReason::Revoked => Takes::Signed(&["revoke"]),
            EndReason::Resolved => Takes::Signed(&["resolve"]),
            EndReason::Suspended => Takes::Signed(&["suspend"]),
        },
        Event::RunProgressed(_) => Takes::Perhaps(&["cancel"]),
        Event::ActProposed(_) => {
            Takes::Signed(&["add_credential", "rotate", "attest_rotation", "transfer", "waive", "suspend"])
        }
        Event::CabNotified(_) => Takes::Signed(&["notify_cab"]),
        Event::IncidentReportFiled(_) => Takes::Signed(&["file_report"]),
        Event::PostIncidentReviewCompleted(_) => Takes::Signed(&["complete_review"]),
        Event::CabReviewed(_) => Takes::Signed(&["decide_cab"]),
        Event::AccessReviewed(_) => Takes::Signed(&["review_access"]),
        Event::ProcedureUpdated(_) => Takes::Signed(&["update_procedure"]),
        Event::ObligationWaived(_) => Takes::Signed(&["waive"]),
        Event::CommandTransferred(_) => Takes::Signed(&["transfer"]),
        Event::IncidentClosed(_) => Takes::Signed(&["close"]),
        Event::CredentialAdded(_) => Takes::Signed(&["add_credential"]),
        Event::RotationAttested(_) => Takes::Signed(&["attest_rotation"]),
        // By two people, or because it is too old.
        Event::RotationOrdered(_) => Takes::Perhaps(&["rotate"]),
        Event::CommandRefused(_) | Event::RefusalsSummarised(_) => Takes::Anything,
        // An authority is signed by the people that its entry names, each for themselves.
        Event::LogStarted(_)
        | Event::AuthorityPublished(_)
        | Event::BreakGlassLapsed(_)
        // The access that it names is signed.
        | Event::ActionPlanned(_)
        | Event::EffectClaimed(_)
        | Event::CredentialStaged(_)
        | Event::CredentialRotated(_)
        | Event::CredentialRotationFailed(_)
        | Event::ObligationOverdue(_)
        | Event::StakeholderNotified(_)
        // The late fact that it names is signed.
        | Event::IncidentReopened(_)
        | Event::ClockStepped(_)
        | Event::SinkChanged(_)
        | Event::StorageChanged(_)
        | Event::LogRecovered(_)
        | Event::EpochBegun(_) => Takes::Nothing,
    }
}
