//! Actions: planned, run, recorded by hand, and what became of them.

use breakglass_format::{
    Entry, GrantId, RunId,
    act::{Action, Command},
    event::{BreakGlassAction, EffectClaimed, RunProgressed},
    vocabulary::{ActionMode, EffectKind, PurposeKind, RunState},
};

use super::{Fold, Statement, credential::Cause};

/// A run that was started.
pub(super) struct Run {
    pub(super) grant: GrantId,
    claimed: bool,
    finished: bool,
}

impl<'a> Fold<'a> {
    pub(super) fn acted(&mut self, entry: &'a Entry, d: &BreakGlassAction) {
        let known =
            self.out.grants.get(&d.grant_id).is_some_and(|grant| {
                grant.account == d.account.id && grant.incident == d.incident_id
            });
        self.rule(
            known,
            "grant_unknown",
            "no grant is for this account and incident",
        );
        match d.mode {
            ActionMode::Run => self.run_started(entry, d),
            ActionMode::Recorded => self.recorded(entry, d),
        }
        if let Some(grant) = self.out.grants.get_mut(&d.grant_id) {
            grant.documented = true;
        }
    }

    fn recorded(&mut self, entry: &'a Entry, d: &BreakGlassAction) {
        let Some(act) = self.act(entry, "record") else {
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
        ]);
    }

    fn run_started(&mut self, entry: &'a Entry, d: &BreakGlassAction) {
        let active = self.active(d.grant_id);
        self.rule(active, "action_outside_grant", "no grant was active");
        if let Some(act) = self.act(entry, "run")
            && let Command::Run(args) = &act.statement().command
        {
            self.by_holder(d.grant_id, &act.signer().person);
            self.same(&[
                (
                    "grant",
                    act.statement().object.id.as_str() == d.grant_id.to_string(),
                ),
                ("plan", args.plan == d.plan),
                ("action", is_action(args, d)),
            ]);
        }
        let done = Action {
            action: d.action.clone(),
            artifact: d.artifact.clone(),
            plan: d.plan,
            target: d.target.clone(),
        };
        self.as_granted(d.grant_id, &done);
        let Some(id) = d.run_id.0 else {
            self.rule(false, "run_unknown", "a run has an id");
            return;
        };
        let run = Run {
            grant: d.grant_id,
            claimed: false,
            finished: false,
        };
        let new = self.runs.insert(id, run).is_none();
        self.rule(new, "run_twice", "a run has this id already");
        self.causes.insert(entry.event_id, Cause::Dispatch(id));
    }

    /// A grant for one action is for that action on that target, and the scenario permits it.
    pub(super) fn as_granted(&mut self, grant: GrantId, done: &Action) {
        let grant = self.out.grants.get(&grant);
        let asked = grant.and_then(|grant| self.asked.get(&grant.request));
        let fits = asked.is_some_and(|(_, asked)| {
            let purpose = &asked.purpose;
            purpose.kind == PurposeKind::Credential
                || (purpose.action == done.action
                    && purpose.target == done.target
                    && purpose.artifact == done.artifact)
        });
        let incident = grant.and_then(|grant| self.out.incidents.get(&grant.incident));
        let scenario = incident.map(|i| &i.scenario);
        let permitted = scenario
            .zip(self.current())
            .is_some_and(|(name, authority)| {
                authority
                    .scenario(name)
                    .is_some_and(|s| s.actions.contains(&done.action))
            });
        self.rule(
            fits,
            "action_not_granted",
            "the grant is for another action, target or artifact",
        );
        self.rule(
            permitted,
            "action_not_permitted",
            "the scenario does not permit it",
        );
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

    pub(super) fn progressed(&mut self, entry: &Entry, d: &RunProgressed) {
        let Some(run) = self.runs.get_mut(&d.run_id) else {
            self.rule(false, "run_unknown", "no such run was started");
            return;
        };
        let (claimed, finished, own) = (run.claimed, run.finished, run.grant == d.grant_id);
        run.finished |= d.state.is_final();
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
        if let Some(Statement::Act(act)) = self.statement(entry) {
            let about = act.statement().object.id.as_str() == d.run_id.to_string();
            let cancel = act.statement().command.word() == "cancel" && about;
            let holder = self.out.grants.get(&d.grant_id).map(|grant| &grant.holder);
            let person = &act.signer().person;
            let may =
                holder == Some(person) || self.commands(d.incident_id, person, act.authority());
            self.rule(
                cancel && may,
                "cancelled_by_stranger",
                "the holder or the commander cancels a run",
            );
        }
    }

    pub(super) fn claimed(&mut self, d: &EffectClaimed) {
        let fits = match (self.causes.get(&d.cause), d.effect) {
            (Some(Cause::Rotation(account)), EffectKind::Rotate) => *account == d.account.id,
            (Some(Cause::Dispatch(run)), EffectKind::Dispatch) => d.run_id.0 == Some(*run),
            _ => false,
        };
        self.rule(fits, "effect_without_cause", "no event before calls for it");
        let dispatch = d.effect == EffectKind::Dispatch;
        let before = self
            .claims
            .insert((d.cause, dispatch), d.attempt)
            .unwrap_or(0);
        self.rule(
            before < d.attempt,
            "attempt_out_of_order",
            "attempts are counted up",
        );
        if let Some(run) = d.run_id.0 {
            self.claim_run(run);
        }
    }

    fn claim_run(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.claimed = true;
        }
    }
}

fn is_action(args: &Action, d: &BreakGlassAction) -> bool {
    args.action == d.action && args.artifact == d.artifact && args.target == d.target
}
