//! The data of events that follow an incident: told, reported, reviewed, decided, closed. Version 1.

use serde::{Deserialize, Serialize};

use super::{AccountRef, Clock, Member};
use crate::{
    Blank, Digest, EventId, IncidentId, Line, Prose,
    act::{PersonDecision, Verdict},
    vocabulary::{AccessDecision, CabDecision, Obligation},
};

data! {
    /// Data of `CAB_NOTIFIED`.
    CabNotified {
        /// How: by telephone, in which channel.
        channel: Line,
        /// The incident.
        incident_id: IncidentId,
        /// What the board was told.
        text: Prose,
    }

    /// Data of `INCIDENT_REPORT_FILED`.
    IncidentReportFiled {
        /// The report, as a blob.
        document: Digest,
        /// The incident.
        incident_id: IncidentId,
        /// What happened, in short.
        summary: Prose,
        /// 1, 2, 3 …: a later one replaces those before.
        version: i64,
    }

    /// Data of `POST_INCIDENT_REVIEW_COMPLETED`.
    PostIncidentReviewCompleted {
        /// The clocks it starts: the update of the procedure, where gaps were found.
        clocks: Vec<Clock>,
        /// The review at length, as a blob; blank: the fields say it all.
        document: Blank<Digest>,
        /// What is to be done.
        follow_ups: Vec<Line>,
        /// What the procedure lacked.
        gaps: Vec<Line>,
        /// The incident.
        incident_id: IncidentId,
        /// Why it happened.
        root_cause: Prose,
        /// What the reviewer thinks of every grant and every action.
        verdicts: Vec<Verdict>,
        /// 1, 2, 3 …: a later one replaces those before.
        version: i64,
    }

    /// Data of `CAB_REVIEWED`.
    CabReviewed {
        /// What the board decided.
        decision: CabDecision,
        /// The minutes, as a blob; blank: a member of the board signed.
        document: Blank<Digest>,
        /// The incident.
        incident_id: IncidentId,
        /// Recorded on behalf of the board, with its minutes.
        proxy: bool,
        /// In the board's words.
        remark: Prose,
    }

    /// Data of `ACCESS_REVIEWED`.
    AccessReviewed {
        /// The account.
        account: AccountRef,
        /// The clocks it starts: the next quarterly review.
        clocks: Vec<Clock>,
        /// What becomes of the account.
        decision: AccessDecision,
        /// What becomes of each person who may ask for it; empty in the review after an incident.
        entitled: Vec<PersonDecision>,
        /// The incident under which it was used; blank: the quarterly review.
        incident_id: Blank<IncidentId>,
        /// Why.
        remark: Prose,
    }

    /// Data of `PROCEDURE_UPDATED`.
    ProcedureUpdated {
        /// The new text, as a blob; blank: the reference leads to it.
        document: Blank<Digest>,
        /// The incident.
        incident_id: IncidentId,
        /// Where the new text is.
        reference: Line,
        /// What changed.
        summary: Prose,
    }

    /// Data of `OBLIGATION_WAIVED`.
    ObligationWaived {
        /// Both people attest that the account is gone: what lets a rotation go.
        account_gone: bool,
        /// The incident.
        incident_id: IncidentId,
        /// Which duty.
        obligation: Obligation,
        /// Why.
        reason: Prose,
        /// What it is about.
        subject: Line,
        /// The two people.
        waived_by: Vec<Member>,
    }

    /// Data of `COMMAND_TRANSFERRED`.
    CommandTransferred {
        /// Who led.
        from: Member,
        /// The incident.
        incident_id: IncidentId,
        /// Why.
        reason: Prose,
        /// Who leads from now on.
        to: Member,
    }

    /// Data of `INCIDENT_CLOSED`.
    IncidentClosed {
        /// The incident.
        incident_id: IncidentId,
    }

    /// Data of `INCIDENT_REOPENED`.
    IncidentReopened {
        /// What became known.
        cause: EventId,
        /// The clocks it starts: another review.
        clocks: Vec<Clock>,
        /// The incident.
        incident_id: IncidentId,
    }
}
