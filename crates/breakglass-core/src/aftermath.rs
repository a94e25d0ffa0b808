//! What follows an incident: who may do what about it, and what became of it.

use breakglass_format::{
    AccountId, Digest, IncidentId, Line, Timestamp,
    act::{Act, Command},
    event::{
        CabNotified, CabReviewed, Clock, IncidentReportFiled, PostIncidentReviewCompleted,
        ProcedureUpdated,
    },
    vocabulary::Obligation,
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft},
    decide::Standing,
    incident::Incident,
    refusal::{Code, Refusal},
    world::{Map, World},
};

/// What was done about an incident after its end, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aftermath {
    /// The change advisory board was told.
    pub cab_notified: Option<Timestamp>,
    /// The first incident report was filed.
    pub reported: Option<Timestamp>,
    /// How many reports were filed.
    pub reports: i64,
    /// The review that saw everything that is known was completed.
    pub reviewed: Option<Timestamp>,
    /// How many reviews were completed.
    pub reviews: i64,
    /// The procedure was updated after the last review that found gaps.
    pub procedure_updated: Option<Timestamp>,
    /// The change advisory board decided.
    pub cab_reviewed: Option<Timestamp>,
    /// The access to an account was reviewed.
    pub access_reviewed: Map<AccountId, Timestamp>,
    /// Duties that two people let go, by obligation and subject.
    pub waived: Vec<(Obligation, Line, Timestamp)>,
}

impl Default for Aftermath {
    fn default() -> Self {
        Self {
            cab_notified: None,
            reported: None,
            reports: 0,
            reviewed: None,
            reviews: 0,
            procedure_updated: None,
            cab_reviewed: None,
            access_reviewed: Map::new_sync(),
            waived: Vec::new(),
        }
    }
}

impl Aftermath {
    /// Clocks start: what was let go of their duties before counts no more.
    pub(crate) fn start(&mut self, clocks: &[Clock]) {
        self.waived.retain(|(of, subject, _)| {
            !clocks
                .iter()
                .any(|c| c.obligation == *of && c.subject == *subject)
        });
    }

    /// When the duty of a clock was let go.
    pub(crate) fn waived_at(&self, clock: &Clock) -> Option<Timestamp> {
        let same = |(of, subject, _): &&(Obligation, Line, Timestamp)| {
            *of == clock.obligation && *subject == clock.subject
        };
        self.waived.iter().find(same).map(|(_, _, at)| *at)
    }
}

impl World {
    pub(crate) fn decide_aftermath(
        &self,
        act: &Act,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        match &act.command {
            Command::Transfer(args) => self.decide_transfer(act, args, standing, author, cx),
            Command::NotifyCab(args) => self.decide_notify_cab(act, args, standing, author, cx),
            Command::FileReport(args) => self.decide_file_report(act, args, standing, author, cx),
            Command::CompleteReview(args) => {
                self.decide_complete_review(act, args, standing, author, cx)
            }
            Command::DecideCab(args) => self.decide_decide_cab(act, args, standing, author, cx),
            Command::ReviewAccess(args) => {
                self.decide_review_access(act, args, standing, author, cx)
            }
            Command::UpdateProcedure(args) => {
                self.decide_update_procedure(act, args, standing, author, cx)
            }
            Command::Waive(args) => self.decide_waive(act, args, standing, author, cx),
            Command::Close(_) => self.decide_close(act, standing, author, cx),
            Command::Declare(_)
            | Command::Note(_)
            | Command::Probe(_)
            | Command::SetContact(_)
            | Command::Record(_)
            | Command::Withdraw(_)
            | Command::Return(_)
            | Command::Revoke(_)
            | Command::Cancel(_)
            | Command::Plan(_)
            | Command::Run(_)
            | Command::Resolve(_)
            | Command::AddCredential(_)
            | Command::Rotate(_)
            | Command::AttestRotation(_) => Err(Code::NotCalledFor.into()),
        }
    }

    /// The incident of an act, which is not closed.
    pub(crate) fn unclosed(&self, act: &Act) -> Result<&Incident, Refusal> {
        let incident = self.incident_of(&act.object)?;
        match incident.closed_at {
            Some(at) => Err(Code::IncidentClosed
                .with("incident", incident.reference)
                .and("at", at)),
            None => Ok(incident),
        }
    }

    /// The incident of an act, which is resolved and not closed.
    pub(crate) fn resolved(&self, act: &Act) -> Result<&Incident, Refusal> {
        let incident = self.unclosed(act)?;
        if incident.is_open() {
            return Err(Code::IncidentNotResolved.with("incident", incident.reference));
        }
        Ok(incident)
    }

    pub(crate) fn apply_cab_notified(&mut self, d: &CabNotified, at: Timestamp) {
        self.after(d.incident_id, |aftermath| {
            aftermath.cab_notified.get_or_insert(at);
        });
    }

    pub(crate) fn apply_reported(&mut self, d: &IncidentReportFiled, at: Timestamp) {
        self.after(d.incident_id, |aftermath| {
            aftermath.reported.get_or_insert(at);
            aftermath.reports = d.version;
        });
    }

    pub(crate) fn apply_reviewed(&mut self, d: &PostIncidentReviewCompleted, at: Timestamp) {
        self.after(d.incident_id, |aftermath| {
            aftermath.reviewed.get_or_insert(at);
            aftermath.reviews = d.version;
            if !d.gaps.is_empty() {
                aftermath.procedure_updated = None;
            }
            aftermath.start(&d.clocks);
        });
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.clocks.extend(d.clocks.iter().cloned());
        }
    }

    pub(crate) fn apply_cab_reviewed(&mut self, d: &CabReviewed, at: Timestamp) {
        self.after(d.incident_id, |aftermath| {
            aftermath.cab_reviewed.get_or_insert(at);
        });
    }

    pub(crate) fn apply_procedure_updated(&mut self, d: &ProcedureUpdated, at: Timestamp) {
        self.after(d.incident_id, |aftermath| {
            aftermath.procedure_updated.get_or_insert(at);
        });
    }

    pub(crate) fn after(&mut self, id: IncidentId, change: impl FnOnce(&mut Aftermath)) {
        if let Some(mut incident) = self.incidents.get_mut(&id) {
            change(&mut incident.aftermath);
        }
    }
}

/// The one document of an act.
pub(crate) fn one_document(act: &Act) -> Result<Digest, Refusal> {
    match act.documents.as_slice() {
        [document] => Ok(*document),
        other => Err(Code::DocumentMissing.with("documents", other.len())),
    }
}

/// The one document of an act that may have one.
pub(crate) fn document_if_any(act: &Act) -> Result<Option<Digest>, Refusal> {
    match act.documents.as_slice() {
        [] => Ok(None),
        [document] => Ok(Some(*document)),
        other => Err(Code::DocumentMissing.with("documents", other.len())),
    }
}
