//! Runs: one execution of an action, through the connector of the account.

use breakglass_format::{
    Digest, EventId, GrantId, IncidentId, Line, Name, RunId, Timestamp,
    act::{Action, Because, Object},
    entry::Recorded,
    event::{AccountRef, BreakGlassAccess, BreakGlassAction, EffectClaimed, RunProgressed},
    statement::Signer,
    vocabulary::{ActionMode, EffectKind, PurposeKind, RunState},
};
use serde::{Deserialize, Serialize};

use crate::{
    account::Credential,
    command::{Author, Claim, Context, Draft, RunReport},
    decide::Standing,
    grant::Grant,
    incident::required,
    refusal::{Code, Refusal},
    world::World,
};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id, which is also the idempotency key at the plane.
    pub id: RunId,
    /// The event that called for it.
    pub cause: EventId,
    /// The grant.
    pub grant: GrantId,
    /// The incident.
    pub incident: IncidentId,
    /// The account it acts with.
    pub account: AccountRef,
    /// Which action.
    pub action: Name,
    /// What it is done to.
    pub target: Line,
    /// The artifact.
    pub artifact: Line,
    /// Hash of the plan the person saw; `None`: whatever the plan turns out to be.
    pub plan: Option<Digest>,
    /// When it was ordered.
    pub at: Timestamp,
    /// The version of the credential that its access names; no step of it uses another.
    pub version: i64,
    /// How often a dispatch was claimed.
    pub attempts: i64,
    /// Where it stands; `None` until the plane was asked.
    pub state: Option<RunState>,
    /// What the plane calls it.
    pub handle: Line,
    /// The plan that was dispatched, as a blob.
    pub document: Option<Digest>,
    /// Whether somebody wants it cancelled, or access ended.
    pub cancelling: bool,
}

impl Run {
    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.is_some_and(RunState::is_final)
    }
}

impl World {
    pub(crate) fn decide_run(
        &self,
        object: &Object,
        args: &Action,
        signer: &Signer,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let grant = self.held(&self.grant_of(object)?.id, &signer.person, cx.latest())?;
        self.check_action(grant, args)?;
        grant.use_is_left()?;
        self.quorum_behind(grant, cx)?;
        let state = self.account(&grant.account.id).and_then(|a| a.current);
        let current =
            state.ok_or_else(|| Code::NoCredential.with("account", &grant.account.name))?;
        let run_id = RunId::new(cx.now, (cx.random)());
        let action = BreakGlassAction {
            account: grant.account.clone(),
            action: args.action.clone(),
            artifact: args.artifact.clone(),
            description: breakglass_format::Prose::default(),
            grant_id: grant.id,
            incident_id: grant.incident,
            justification: grant.justification.clone(),
            mode: ActionMode::Run,
            plan: args.plan,
            run_id: Some(run_id).into(),
            target: args.target.clone(),
        };
        let access = BreakGlassAccess {
            account: grant.account.clone(),
            action: args.action.clone(),
            disclosed: false,
            envelope: None.into(),
            grant_id: grant.id,
            incident_id: grant.incident,
            justification: grant.justification.clone(),
            run_id: Some(run_id).into(),
            version: current.version,
        };
        Ok(vec![cx.draft(author, action), cx.draft(author, access)])
    }

    /// Whether a plan or run is what the grant is for and the scenario permits, and its account has
    /// a connector.
    pub(crate) fn check_action(&self, grant: &Grant, args: &Action) -> Result<(), Refusal> {
        required("target", args.target.as_str())?;
        let version = self.authority().ok_or(Code::StaleAuthority)?;
        let account = version.authority.account(&grant.account.id);
        if account.is_none_or(|a| a.connector.0.is_none()) {
            return Err(Code::NoConnector.with("account", &grant.account.name));
        }
        let purpose = &grant.purpose;
        let same = purpose.action == args.action
            && purpose.target == args.target
            && purpose.artifact == args.artifact
            && (purpose.plan.0.is_none() || purpose.plan == args.plan);
        if purpose.kind == PurposeKind::Action && !same {
            let approved = format!("{} of {}", purpose.action, purpose.target);
            return Err(Code::PurposeDiffers.with("approved", approved));
        }
        // What was approved is not permitted for ever: the authority in force decides.
        let scenario = self.incident(&grant.incident).map(|i| &i.scenario);
        let permitted = scenario.and_then(|s| version.authority.scenario(s));
        if permitted.is_some_and(|s| s.actions.contains(&args.action)) {
            Ok(())
        } else {
            Err(Code::ActionNotPermitted.with("action", &args.action))
        }
    }

    /// Whether a run is to go on. Where it is not, nothing more of it leaves for the plane, and
    /// what the plane has is to be cancelled there: somebody asked for that, or access is over.
    #[must_use]
    pub fn run_is_wanted(&self, run: &Run, now: Timestamp) -> bool {
        let active = self
            .grant(&run.grant)
            .is_some_and(|g| g.is_active() && !g.is_over(now));
        !run.is_over() && !run.cancelling && active
    }

    /// The credential that the next step of a run may use: the one that its access names, while
    /// that is current.
    ///
    /// A rotation does not wait for runs: a plane that hangs must not keep a used credential
    /// alive. Nor does a run take up the new one, for which no access is on record; it goes on
    /// without, and ends where the plane does not answer without.
    #[must_use]
    pub fn run_credential(&self, run: &Run) -> Option<Credential> {
        let current = self.account(&run.account.id)?.current;
        current.filter(|c| c.version == run.version)
    }

    pub(crate) fn decide_cancel(
        &self,
        object: &Object,
        args: &Because,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let id: Option<RunId> = object.id.as_str().parse().ok();
        let run = id.and_then(|id| self.run(&id));
        let run = run.ok_or_else(|| Code::RunUnknown.with("id", &object.id))?;
        let person = &standing.person.person;
        let holds = self
            .grant(&run.grant)
            .is_some_and(|g| g.holder.person == *person);
        let commands = self
            .incident(&run.incident)
            .is_some_and(|i| i.commander.person == *person);
        if !holds && !commands {
            return Err(Code::NotHolder.with("run", run.id));
        }
        if run.is_over() {
            return Err(Code::RunOver.with("run", run.id));
        }
        // Before anything left for the plane the cancellation is its end; afterwards it is a wish
        // that the worker carries there.
        let state = if run.attempts == 0 {
            RunState::Cancelled
        } else {
            RunState::Cancelling
        };
        let event = RunProgressed {
            class: None.into(),
            detail: Line::lossy(&format!("cancel asked for: {}", args.reason)),
            evidence: None.into(),
            grant_id: run.grant,
            handle: run.handle.clone(),
            incident_id: run.incident,
            run_id: run.id,
            state,
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// Nothing leaves for the plane once access has ended: between the order and the dispatch the
    /// grant may have run out or been taken away.
    pub(crate) fn claim_dispatch(
        &self,
        claim: &Claim,
        cx: &Context<'_>,
    ) -> Result<EffectClaimed, Refusal> {
        let run = claim
            .run
            .and_then(|id| self.run(&id))
            .ok_or(Code::RunUnknown)?;
        if !self.run_is_wanted(run, cx.latest()) || run.cause != claim.cause {
            return Err(Code::NotCalledFor.into());
        }
        self.run_may_leave(run, cx.now)?;
        if self.run_credential(run).is_none() {
            return Err(Code::CredentialMoved.with("version", run.version));
        }
        Ok(EffectClaimed {
            account: run.account.clone(),
            attempt: run.attempts + 1,
            cause: run.cause,
            document: claim.document.into(),
            effect: EffectKind::Dispatch,
            run_id: Some(run.id).into(),
        })
    }

    pub(crate) fn decide_run_report(
        &self,
        report: &RunReport,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let run = self.run(&report.run).ok_or(Code::RunUnknown)?;
        if run.is_over() {
            return Err(Code::RunOver.with("run", run.id));
        }
        // Before a dispatch was claimed nothing can have come of the run but its end.
        let given_up = matches!(report.state, RunState::Failed | RunState::Cancelled);
        if run.attempts == 0 && !given_up {
            return Err(Code::NotCalledFor.with("claimed", "no"));
        }
        let event = RunProgressed {
            class: report.class.into(),
            detail: report.detail.clone(),
            evidence: report.evidence.into(),
            grant_id: run.grant,
            handle: report.handle.clone(),
            incident_id: run.incident,
            run_id: run.id,
            state: report.state,
        };
        Ok(vec![cx.draft(&Author::System("worker"), event)])
    }

    pub(crate) fn apply_action(&mut self, d: &BreakGlassAction, recorded: &Recorded) {
        if let Some(mut grant) = self.grants.get_mut(&d.grant_id) {
            grant.documented = true;
            grant.actions += 1;
        }
        if let Some(person) = &recorded.entry.person.0 {
            self.takes_part(&d.incident_id, person);
        }
        let Some(id) = d.run_id.0 else { return };
        let run = Run {
            id,
            cause: recorded.entry.event_id,
            grant: d.grant_id,
            incident: d.incident_id,
            account: d.account.clone(),
            action: d.action.clone(),
            target: d.target.clone(),
            artifact: d.artifact.clone(),
            plan: d.plan.0,
            at: recorded.entry.created_at,
            version: 0,
            attempts: 0,
            state: None,
            handle: Line::default(),
            document: None,
            cancelling: false,
        };
        self.runs.insert_mut(id, run);
    }

    pub(crate) fn apply_run_access(&mut self, d: &BreakGlassAccess) {
        if let Some(mut run) = d.run_id.0.and_then(|id| self.runs.get_mut(&id)) {
            run.version = d.version;
        }
    }

    /// Access ended: what is under way under it is to be stopped.
    pub(crate) fn cancel_runs_of(&mut self, grant: GrantId) {
        let runs = self.runs.orders().unfinished_of.of(&grant);
        let runs: Vec<RunId> = runs.copied().collect();
        for id in runs {
            if let Some(mut run) = self.runs.get_mut(&id) {
                run.cancelling = true;
            }
        }
    }

    pub(crate) fn apply_dispatch_claimed(&mut self, d: &EffectClaimed, _at: Timestamp) {
        if let Some(mut run) = d.run_id.0.and_then(|id| self.runs.get_mut(&id)) {
            run.attempts = d.attempt;
            run.document = d.document.0;
        }
    }

    pub(crate) fn apply_run(&mut self, d: &RunProgressed) {
        if let Some(mut run) = self.runs.get_mut(&d.run_id) {
            if run.is_over() {
                return;
            }
            run.cancelling |= d.state == RunState::Cancelling;
            run.state = Some(d.state);
            if !d.handle.is_empty() {
                run.handle = d.handle.clone();
            }
        }
        self.let_run_go(&d.run_id);
    }
}
