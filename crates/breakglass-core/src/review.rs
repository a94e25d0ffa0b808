//! Report, post-incident review, the change advisory board, the procedure.

use std::collections::BTreeSet;

use breakglass_format::{
    Line,
    act::{Act, CompleteReview, DecideCab, FileReport, NotifyCab, UpdateProcedure},
    event::{
        CabNotified, CabReviewed, IncidentReportFiled, PostIncidentReviewCompleted,
        ProcedureUpdated,
    },
    vocabulary::{Obligation, Privilege},
};

use crate::{
    aftermath::{document_if_any, one_document},
    command::{Author, Context, Draft},
    decide::Standing,
    incident::{Incident, required},
    obligation,
    refusal::{Code, Refusal},
    world::World,
};

impl World {
    /// The board is told, before or after the deployment; a commander or a member of it says so.
    pub(crate) fn decide_notify_cab(
        &self,
        act: &Act,
        args: &NotifyCab,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.unclosed(act)?;
        if !incident.is_led_by(standing) {
            standing.require(Privilege::Cab)?;
        }
        required("channel", args.channel.as_str())?;
        required("text", args.text.as_str())?;
        let event = CabNotified {
            channel: args.channel.clone(),
            incident_id: incident.id,
            text: args.text.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// The report is the commander's, or a deputy's.
    pub(crate) fn decide_file_report(
        &self,
        act: &Act,
        args: &FileReport,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.resolved(act)?;
        if !incident.is_led_by(standing) {
            return Err(Code::needs(Privilege::Command));
        }
        required("summary", args.summary.as_str())?;
        let event = IncidentReportFiled {
            document: one_document(act)?,
            incident_id: incident.id,
            summary: args.summary.clone(),
            version: incident.aftermath.reports + 1,
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// The review is by somebody who is none of requester, approver, operator and commander, and
    /// leaves nothing out.
    pub(crate) fn decide_complete_review(
        &self,
        act: &Act,
        args: &CompleteReview,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.resolved(act)?;
        standing.require(Privilege::Reviewer)?;
        if incident.took_part.contains(&standing.person.person) {
            return Err(Code::TookPart.with("person", &standing.person.principal));
        }
        required("root_cause", args.root_cause.as_str())?;
        self.check_verdicts(incident, args)?;
        let length_s = standing.version.authority.clocks.procedure_s;
        let gaps = (!args.gaps.is_empty()).then(|| {
            let owner = incident.commander.person.clone();
            let of = Obligation::ProcedureUpdate;
            obligation::clock(of, cx.now, length_s, owner, Line::default())
        });
        let event = PostIncidentReviewCompleted {
            clocks: gaps.into_iter().collect(),
            document: document_if_any(act)?.into(),
            follow_ups: args.follow_ups.clone(),
            gaps: args.gaps.clone(),
            incident_id: incident.id,
            root_cause: args.root_cause.clone(),
            verdicts: args.verdicts.clone(),
            version: incident.aftermath.reviews + 1,
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// One verdict on every grant, `G-4`, and on every action under it, `G-4/1`.
    fn check_verdicts(&self, incident: &Incident, args: &CompleteReview) -> Result<(), Refusal> {
        let mut subjects = self.subjects_of_review(incident);
        for verdict in &args.verdicts {
            if !subjects.remove(verdict.subject.as_str()) {
                return Err(Code::VerdictsDiffer.with("surplus", &verdict.subject));
            }
        }
        match subjects.first() {
            Some(missing) => Err(Code::VerdictsDiffer.with("missing", missing)),
            None => Ok(()),
        }
    }

    /// What a post-incident review must give a verdict on.
    #[must_use]
    pub fn subjects_of_review(&self, incident: &Incident) -> BTreeSet<String> {
        let subjects = self.grants_under(&incident.id).flat_map(|grant| {
            let actions = (1..=grant.actions).map(move |n| format!("{}/{n}", grant.reference));
            std::iter::once(grant.reference.to_string()).chain(actions)
        });
        subjects.collect()
    }

    /// The board decides; whoever leads may record it on its behalf, with the minutes.
    pub(crate) fn decide_decide_cab(
        &self,
        act: &Act,
        args: &DecideCab,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.resolved(act)?;
        required("remark", args.remark.as_str())?;
        let document = if args.proxy {
            if !incident.is_led_by(standing) {
                return Err(Code::needs(Privilege::Command));
            }
            Some(one_document(act)?)
        } else {
            standing.require(Privilege::Cab)?;
            document_if_any(act)?
        };
        let event = CabReviewed {
            decision: args.decision,
            document: document.into(),
            incident_id: incident.id,
            proxy: args.proxy,
            remark: args.remark.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// Whoever leads, or a reviewer, says where the new text of the procedure is.
    pub(crate) fn decide_update_procedure(
        &self,
        act: &Act,
        args: &UpdateProcedure,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.resolved(act)?;
        if !incident.is_led_by(standing) {
            standing.require(Privilege::Reviewer)?;
        }
        required("reference", args.reference.as_str())?;
        required("summary", args.summary.as_str())?;
        let event = ProcedureUpdated {
            document: document_if_any(act)?.into(),
            incident_id: incident.id,
            reference: args.reference.clone(),
            summary: args.summary.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }
}
