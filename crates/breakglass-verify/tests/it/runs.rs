//! The steps of a run: planned, ordered, dispatched, and what became of it.

use breakglass_format::{
    Digest, EventId, GrantId, RunId,
    act::{Action, Command},
    event::{ActionPlanned, BreakGlassAccess, BreakGlassAction, EffectClaimed, RunProgressed},
    statement::Request,
    vocabulary::{ActionMode, EffectKind, PurposeKind, RunState},
};

use crate::{
    people::{account, read},
    scribe::{Said, Scribe, none, sha256},
    steps::Asked,
    story,
};

/// The four hashed members of the plan of an operation, as `docs/spec/command-protocol.md` has
/// them.
fn hashed(operation: &str) -> String {
    format!(
        r#""blast_radius":{{"count":1,"unit":"hosts"}},"inverse":[],"operation":{operation},"targets":["host-a"]"#
    )
}

fn operation(action: &str, target: &str) -> String {
    format!(r#"{{"action":"{action}","artifact":"v41","target":"{target}"}}"#)
}

/// The plan of an action, as it is written down.
pub(crate) fn document(action: &str, target: &str) -> String {
    let operation = operation(action, target);
    format!(
        r#"{{"before":"v42","blast_radius":{{"count":1,"unit":"hosts"}},"diff":"-v42 +v41","inverse":[],"operation":{operation},"summary":"roll back","targets":["host-a"],"warnings":[]}}"#
    )
}

/// The hash by which people agree to it.
pub(crate) fn plan_of(action: &str, target: &str) -> Digest {
    sha256(format!("{{{}}}", hashed(&operation(action, target))).as_bytes())
}

/// What somebody asks to run, with the plan they saw.
pub(crate) fn action(action: &str, target: &str) -> Action {
    Action {
        action: read(action),
        artifact: read("v41"),
        plan: plan_of(action, target).into(),
        target: read(target),
    }
}

/// A grant to roll checkout back by the plan that the approvers were shown, and nothing else.
pub(crate) struct Stage {
    pub(crate) log: Scribe,
    pub(crate) asked: Asked,
    pub(crate) grant: GrantId,
}

pub(crate) fn stage() -> Stage {
    stage_with(|_| {})
}

pub(crate) fn stage_with(change: impl FnOnce(&mut Request)) -> Stage {
    let (mut log, incident) = story::declared();
    let wanted = action("rollback", "checkout");
    let asked = log.request("alice", incident, |request| {
        request.purpose.kind = PurposeKind::Action;
        request.purpose.action = wanted.action;
        request.purpose.artifact = wanted.artifact;
        request.purpose.plan = wanted.plan;
        request.purpose.target = wanted.target;
        change(request);
    });
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    Stage { log, asked, grant }
}

impl Stage {
    /// Somebody runs an action, and the server claims its dispatch.
    pub(crate) fn run(&mut self, by: &str, args: Action) -> RunId {
        let plan = document(args.action.as_str(), args.target.as_str());
        let (run, cause) = self.log.run(by, &self.asked, self.grant, args);
        self.log.dispatch(run, cause, &plan, |_| {});
        run
    }
}

impl Scribe {
    /// Somebody plans an action: the credential is used, then the plane answers.
    pub(crate) fn plan(&mut self, by: &str, asked: &Asked, grant: GrantId, args: Action) {
        let access = self.use_to_plan(by, asked, grant, &args);
        self.planned(access, asked, grant, args);
    }

    /// Somebody wants a plan, and the credential is used for it.
    pub(crate) fn use_to_plan(
        &mut self,
        by: &str,
        asked: &Asked,
        grant: GrantId,
        args: &Action,
    ) -> EventId {
        let said = self.act(by, grant, Command::Plan(args.clone()));
        let access = BreakGlassAccess {
            account: account(),
            action: args.action.clone(),
            disclosed: false,
            envelope: none(),
            grant_id: grant,
            incident_id: asked.request.incident.id,
            justification: asked.request.justification.clone(),
            run_id: none(),
            version: self.version(),
        };
        self.caused(&said, access)
    }

    /// What the server says was planned.
    pub(crate) fn planned(&mut self, access: EventId, asked: &Asked, grant: GrantId, args: Action) {
        let (action, target) = (args.action.as_str(), args.target.as_str());
        let planned = ActionPlanned {
            access,
            document: self.blob(document(action, target).as_bytes()),
            plan: plan_of(action, target),
            action: args.action,
            artifact: args.artifact,
            grant_id: grant,
            incident_id: asked.request.incident.id,
            summary: read("roll back"),
            target: args.target,
        };
        self.server(planned);
    }

    /// Somebody runs an action; the event that calls for its dispatch.
    pub(crate) fn run(
        &mut self,
        by: &str,
        asked: &Asked,
        grant: GrantId,
        args: Action,
    ) -> (RunId, EventId) {
        let said = self.act(by, grant, Command::Run(args.clone()));
        let run_id = RunId::new(self.now, self.random());
        let started = BreakGlassAction {
            account: account(),
            action: args.action.clone(),
            artifact: args.artifact,
            description: read(""),
            grant_id: grant,
            incident_id: asked.request.incident.id,
            justification: asked.request.justification.clone(),
            mode: ActionMode::Run,
            plan: args.plan,
            run_id: Some(run_id).into(),
            target: args.target,
        };
        let cause = self.caused(&said, started);
        self.used(&said, asked, grant, args.action.as_str(), run_id);
        (run_id, cause)
    }

    /// A run uses the credential, which nobody sees.
    pub(crate) fn used(
        &mut self,
        said: &Said,
        asked: &Asked,
        grant: GrantId,
        action: &str,
        run_id: RunId,
    ) {
        let access = BreakGlassAccess {
            account: account(),
            action: read(action),
            disclosed: false,
            envelope: none(),
            grant_id: grant,
            incident_id: asked.request.incident.id,
            justification: asked.request.justification.clone(),
            run_id: Some(run_id).into(),
            version: self.version(),
        };
        self.caused(said, access);
    }

    pub(crate) fn dispatch(
        &mut self,
        run_id: RunId,
        cause: EventId,
        plan: &str,
        change: impl FnOnce(&mut EffectClaimed),
    ) {
        let mut claim = EffectClaimed {
            account: account(),
            attempt: 1,
            cause,
            document: self.blob(plan.as_bytes()).into(),
            effect: EffectKind::Dispatch,
            run_id: Some(run_id).into(),
        };
        change(&mut claim);
        self.server(claim);
    }

    pub(crate) fn progress(
        &mut self,
        asked: &Asked,
        grant: GrantId,
        run_id: RunId,
        state: RunState,
    ) -> RunProgressed {
        let evidence = self.blob(state.as_str().as_bytes());
        RunProgressed {
            class: none(),
            detail: read(""),
            evidence: Some(evidence).into(),
            grant_id: grant,
            handle: read("job/1"),
            incident_id: asked.request.incident.id,
            run_id,
            state,
        }
    }
}
