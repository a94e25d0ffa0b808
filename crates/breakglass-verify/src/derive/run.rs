//! Actions: planned, run, recorded by hand, and what became of them.

use breakglass_format::{
    Digest, GrantId, Line, Name, RunId,
    act::{Action, Command},
    event::{BreakGlassAction, EffectClaimed, RunProgressed},
    vocabulary::{ActionMode, EffectKind, PurposeKind, RunState},
};

use super::{At, Fold, credential::Cause};

/// A run that was started.
pub(super) struct Run {
    pub(super) grant: GrantId,
    pub(super) action: Name,
    /// What was signed.
    pub(super) statement: Option<Digest>,
    claimed: bool,
    /// Somebody cancelled it, or it is over.
    cancelled: bool,
    finished: bool,
}

impl Fold<'_> {
    pub(super) fn acted(&mut self, entry: At<'_>, d: &BreakGlassAction) {
        let known =
            self.out.grants.get(&d.grant_id).is_some_and(|grant| {
                grant.account == d.account.id && grant.incident == d.incident_id
            });
        self.rule(
            known,
            "grant_unknown",
            "no grant is for this account and incident",
        );
        self.repeats(&[
            ("account", self.is_account(d.grant_id, &d.account)),
            (
                "justification",
                self.is_justification(d.grant_id, &d.justification),
            ),
        ]);
        match d.mode {
            ActionMode::Run => self.run_started(entry, d),
            ActionMode::Recorded => self.recorded(entry, d),
        }
        if let Some(grant) = self.out.grants.get_mut(&d.grant_id) {
            grant.documented = true;
        }
        *self.actions.entry(d.grant_id).or_default() += 1;
        if let Some(person) = &entry.person.0 {
            self.takes_part(d.incident_id, person);
        }
        self.late_fact(d.incident_id, entry.event_id);
    }

    fn recorded(&mut self, entry: At<'_>, d: &BreakGlassAction) {
        let Some(act) = entry.act("record") else {
            return;
        };
        let Command::Record(args) = &act.statement().command else {
            return;
        };
        self.same(&[
            (
                "grant",
                act.statement().object.id.as_str() == d.grant_id.to_string(),
            ),
            ("action", args.action == d.action),
            ("target", args.target == d.target),
            ("description", args.description == d.description),
            ("artifact", d.artifact.is_empty()),
            ("plan", d.plan.0.is_none()),
            ("run_id", d.run_id.0.is_none()),
        ]);
    }

    fn run_started(&mut self, entry: At<'_>, d: &BreakGlassAction) {
        let active = self.active(d.grant_id);
        self.rule(active, "action_outside_grant", "no grant was active");
        if let Some(act) = entry.act("run")
            && let Command::Run(args) = &act.statement().command
        {
            self.by_holder(d.grant_id, &act.signer().person);
            self.same(&[
                (
                    "grant",
                    act.statement().object.id.as_str() == d.grant_id.to_string(),
                ),
                ("plan", args.plan == d.plan),
                ("action", args.action == d.action),
                ("artifact", args.artifact == d.artifact),
                ("target", args.target == d.target),
                ("description", d.description.is_empty()),
            ]);
            self.as_granted(d.grant_id, args);
        }
        let Some(id) = d.run_id.0 else {
            self.rule(false, "run_unknown", "a run has an id");
            return;
        };
        let run = Run {
            grant: d.grant_id,
            action: d.action.clone(),
            statement: entry.statement.0,
            claimed: false,
            cancelled: false,
            finished: false,
        };
        let new = self.runs.insert(id, run).is_none();
        self.rule(new, "run_twice", "a run has this id already");
        self.causes.insert(entry.event_id, Cause::Dispatch(id));
    }

    /// Under a grant for one action people approved that action, on that target, with that
    /// artifact, and the plan where they were shown one. The scenario permits it, and the grant
    /// still stands.
    pub(super) fn as_granted(&mut self, id: GrantId, args: &Action) {
        let Some(grant) = self.out.grants.get(&id).cloned() else {
            return;
        };
        let fits = self.asked_with(id).is_some_and(|asked| {
            let purpose = &asked.purpose;
            let plan = purpose.plan.0.is_none() || purpose.plan == args.plan;
            purpose.kind == PurposeKind::Credential
                || (purpose.action == args.action
                    && purpose.target == args.target
                    && purpose.artifact == args.artifact
                    && plan)
        });
        let scenario = self.out.incidents.get(&grant.incident).map(|i| &i.scenario);
        let scenario = scenario.zip(self.current());
        let scenario = scenario.and_then(|(name, authority)| authority.scenario(name));
        let permitted = scenario.is_some_and(|s| s.actions.contains(&args.action));
        self.rule(
            fits,
            "action_not_granted",
            "the grant is for another action, target, artifact or plan",
        );
        self.rule(
            permitted,
            "action_not_permitted",
            "the scenario does not permit it",
        );
        self.still_stands(&grant);
    }

    pub(super) fn by_holder(&mut self, grant: GrantId, person: &breakglass_format::PersonId) {
        let own = self
            .out
            .grants
            .get(&grant)
            .is_some_and(|grant| grant.holder == *person);
        self.rule(
            own,
            "action_by_another",
            "only the holder acts under a grant",
        );
    }

    pub(super) fn progressed(&mut self, entry: At<'_>, d: &RunProgressed) {
        let Some(run) = self.runs.get_mut(&d.run_id) else {
            self.rule(false, "run_unknown", "no such run was started");
            return;
        };
        let (claimed, finished, own) = (run.claimed, run.finished, run.grant == d.grant_id);
        run.finished |= d.state.is_final();
        run.cancelled |= run.finished || d.state == RunState::Cancelling;
        let harmless = matches!(
            d.state,
            RunState::Failed | RunState::Cancelled | RunState::Cancelling
        );
        self.rule(own, "grant_unknown", "the run is under another grant");
        self.rule(
            claimed || harmless,
            "effect_unclaimed",
            "a result without a claim before it",
        );
        self.rule(
            !finished,
            "run_over",
            "nothing comes of a run after its end",
        );
        let grant = self.out.grants.get(&d.grant_id);
        let incident = grant.is_none_or(|grant| grant.incident == d.incident_id);
        self.repeats(&[("incident_id", incident)]);
        self.cancelled(entry, d, claimed);
    }

    /// What somebody signed about a run is that it be cancelled, and why. Before anything left for
    /// the plane that is its end.
    fn cancelled(&mut self, entry: At<'_>, d: &RunProgressed, claimed: bool) {
        let Some(act) = entry.act("cancel") else {
            return;
        };
        let Command::Cancel(args) = &act.statement().command else {
            return;
        };
        let state = if claimed {
            RunState::Cancelling
        } else {
            RunState::Cancelled
        };
        let detail = Line::lossy(&format!("cancel asked for: {}", args.reason));
        self.same(&[
            (
                "run",
                act.statement().object.id.as_str() == d.run_id.to_string(),
            ),
            ("state", d.state == state),
            ("detail", d.detail == detail),
            ("class", d.class.0.is_none()),
            ("evidence", d.evidence.0.is_none()),
        ]);
        let person = &act.signer().person;
        let holder = self.out.grants.get(&d.grant_id).map(|grant| &grant.holder);
        let may = holder == Some(person) || self.commands(d.incident_id, person, act.authority());
        self.rule(
            may,
            "cancelled_by_stranger",
            "the holder or the commander cancels a run",
        );
    }

    pub(super) fn claimed(&mut self, d: &EffectClaimed) {
        let fits = match (self.causes.get(&d.cause), d.effect) {
            (Some(cause), EffectKind::Rotate) => {
                cause.rotates(&d.account.id) && d.run_id.0.is_none()
            }
            (Some(Cause::Dispatch(run)), EffectKind::Dispatch) => d.run_id.0 == Some(*run),
            _ => false,
        };
        self.rule(fits, "effect_without_cause", "no event before calls for it");
        let dispatch = d.effect == EffectKind::Dispatch;
        let claim = (d.cause, (!dispatch).then(|| d.account.id.clone()));
        let before = self.claims.insert(claim, d.attempt).unwrap_or(0);
        self.rule(
            before + 1 == d.attempt,
            "attempt_out_of_order",
            "attempts are counted 1, 2, 3",
        );
        self.repeats(&[("document", d.document.0.is_some() == dispatch)]);
        match d.run_id.0.filter(|_| dispatch) {
            Some(run) => self.dispatched(run, d),
            None => self.repeats(&[("account", self.has_account(&d.account))]),
        }
    }

    /// Nothing leaves for the plane after access ended, or somebody cancelled.
    fn dispatched(&mut self, id: RunId, d: &EffectClaimed) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        run.claimed = true;
        let (grant, cancelled) = (run.grant, run.cancelled);
        let wanted = self.active(grant) && !cancelled;
        self.rule(
            wanted,
            "action_outside_grant",
            "it was dispatched after access ended or somebody cancelled",
        );
        self.control_plane_of_grant(grant);
        self.repeats(&[("account", self.is_account(grant, &d.account))]);
    }
}
