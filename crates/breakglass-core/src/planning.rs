//! Planning: a connector is asked what an action would do.
//!
//! It is asked with the credential of the account, so the access is on record first, by the
//! holder's word. What the connector answered is the server's word, and names that access. Between
//! the two the process may die or the plane may fail; the access stands, and counts as a use.

use breakglass_format::{
    AccountId, Digest, EventId, GrantId, IncidentId, Timestamp,
    act::{Action, Command as ActCommand, Object},
    entry::Recorded,
    event::{ActionPlanned, BreakGlassAccess},
    limits,
    statement::Signer,
};
use serde::{Deserialize, Serialize};

use crate::{
    account::Credential,
    command::{Author, Context, Draft, PlanReport},
    refusal::{Code, Refusal},
    world::World,
};

/// An access for the sake of a plan, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    /// SHA-256 of the act that asks for the plan.
    pub statement: Digest,
    /// The grant.
    pub grant: GrantId,
    /// The incident.
    pub incident: IncidentId,
    /// The account it is planned with.
    pub account: AccountId,
    /// The version of the credential that the connector is given, and no other.
    pub version: i64,
    /// Since when the access is on record.
    pub at: Timestamp,
    /// Index of the entry with the plan; `None` while there is none.
    pub planned: Option<u64>,
}

impl World {
    /// `plan`: the credential is about to be given to the connector.
    pub(crate) fn decide_plan(
        &self,
        object: &Object,
        args: &Action,
        signer: &Signer,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let grant = self.held(&self.grant_of(object)?.id, &signer.person, cx.latest())?;
        self.check_action(grant, args)?;
        self.quorum_behind(grant, cx)?;
        let state = self.account(&grant.account.id).and_then(|a| a.current);
        let current =
            state.ok_or_else(|| Code::NoCredential.with("account", &grant.account.name))?;
        let event = BreakGlassAccess {
            account: grant.account.clone(),
            action: args.action.clone(),
            disclosed: false,
            envelope: None.into(),
            grant_id: grant.id,
            incident_id: grant.incident,
            justification: grant.justification.clone(),
            run_id: None.into(),
            version: current.version,
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// The credential that the connector may be given now for the plan that an access was recorded
    /// for: there is no plan yet, access lasts, the credential is still the one that was named,
    /// and the act is not older than a statement may be. So an act that is posted again, by
    /// whomever, brings one plan, and that soon.
    ///
    /// # Errors
    ///
    /// One of these does not hold.
    pub fn planning_credential(
        &self,
        access: &EventId,
        now: Timestamp,
        wall: Timestamp,
    ) -> Result<(&Planning, Credential), Refusal> {
        let planning = self.unplanned(access)?;
        self.active(&planning.grant, now.max(wall))?;
        if now.since_ms(planning.at) > limits::STATEMENT_SKEW_S * 1000 {
            return Err(Refusal::times(Code::ClockSkew, planning.at, now));
        }
        let current = self.account(&planning.account).and_then(|a| a.current);
        match current.filter(|c| c.version == planning.version) {
            Some(current) => Ok((planning, current)),
            None => Err(Code::CredentialMoved.with("version", planning.version)),
        }
    }

    /// What the connector answered. It is recorded even where access ended meanwhile: it was asked.
    pub(crate) fn decide_planned(
        &self,
        report: &PlanReport,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let planning = self.unplanned(&report.access)?;
        let ActCommand::Plan(args) = &report.act.statement().command else {
            return Err(Code::NotCalledFor.into());
        };
        if report.act.digest() != planning.statement {
            return Err(Code::NotCalledFor.with("statement", report.act.digest()));
        }
        let event = ActionPlanned {
            access: report.access,
            action: args.action.clone(),
            artifact: args.artifact.clone(),
            document: report.document,
            grant_id: planning.grant,
            incident_id: planning.incident,
            plan: report.plan,
            summary: report.summary.clone(),
            target: args.target.clone(),
        };
        Ok(vec![cx.draft(&Author::System("worker"), event)])
    }

    fn unplanned(&self, access: &EventId) -> Result<&Planning, Refusal> {
        let planning = self.planning(access).ok_or(Code::NotCalledFor)?;
        match planning.planned {
            None => Ok(planning),
            Some(index) => Err(Code::NotCalledFor.with("planned", index)),
        }
    }

    /// What an access was for, where it was for a plan.
    #[must_use]
    pub fn planning(&self, access: &EventId) -> Option<&Planning> {
        self.plannings.get(access)
    }

    /// An access that shows nothing and belongs to no run is one for a plan.
    pub(crate) fn apply_planning(&mut self, d: &BreakGlassAccess, recorded: &Recorded) {
        let (Some(statement), false, None) = (recorded.entry.statement.0, d.disclosed, d.run_id.0)
        else {
            return;
        };
        let planning = Planning {
            statement,
            grant: d.grant_id,
            incident: d.incident_id,
            account: d.account.id.clone(),
            version: d.version,
            at: recorded.entry.created_at,
            planned: None,
        };
        self.plannings.insert_mut(recorded.entry.event_id, planning);
    }

    pub(crate) fn apply_planned(&mut self, d: &ActionPlanned, recorded: &Recorded) {
        if let Some(mut planning) = self.plannings.get_mut(&d.access) {
            planning.planned = Some(recorded.index);
        }
    }
}
