//! Runs against the rules: another person's, of another action, without a claim.

use breakglass_format::{
    EventId, GrantId, IncidentId, RunId,
    act::{Action, Command},
    event::{ActionPlanned, BreakGlassAccess, BreakGlassAction, EffectClaimed, RunProgressed},
    statement::Request,
    vocabulary::{ActionMode, EffectKind, PurposeKind, RunState},
};

use crate::{
    people::{account, read},
    scribe::{Scribe, broken, none},
    steps::Asked,
    story,
};

/// A grant to roll checkout back, and nothing else.
struct Stage {
    log: Scribe,
    incident: IncidentId,
    asked: Asked,
    grant: GrantId,
}

fn stage() -> Stage {
    stage_with(|_| {})
}

fn stage_with(change: impl FnOnce(&mut Request)) -> Stage {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |request| {
        request.purpose.kind = PurposeKind::Action;
        request.purpose.action = read("rollback");
        request.purpose.target = read("checkout");
        change(request);
    });
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    Stage {
        log,
        incident,
        asked,
        grant,
    }
}

impl Stage {
    /// Somebody runs an action on checkout; the event that calls for its dispatch is the last.
    fn run(&mut self, by: &str, action: &str, target: &str) -> RunId {
        let args = Action {
            action: read(action),
            artifact: read(""),
            plan: none(),
            target: read(target),
        };
        let said = self.log.act(by, self.grant, Command::Run(args.clone()));
        let run_id = RunId::new(self.log.now, self.log.random());
        let started = BreakGlassAction {
            account: account(),
            action: args.action,
            artifact: args.artifact,
            description: read(""),
            grant_id: self.grant,
            incident_id: self.incident,
            justification: self.asked.request.justification.clone(),
            mode: ActionMode::Run,
            plan: none(),
            run_id: Some(run_id).into(),
            target: args.target,
        };
        let cause = self.log.caused(&said, started);
        self.log.blob(b"the plan");
        let document = crate::scribe::sha256(b"the plan");
        self.log.server(EffectClaimed {
            account: account(),
            attempt: 1,
            cause,
            document: Some(document).into(),
            effect: EffectKind::Dispatch,
            run_id: Some(run_id).into(),
        });
        run_id
    }

    fn used(&mut self, run_id: RunId) {
        self.used_version(run_id, 1);
    }

    fn used_version(&mut self, run_id: RunId, version: i64) {
        self.log.server(BreakGlassAccess {
            account: account(),
            action: read("rollback"),
            disclosed: false,
            envelope: none(),
            grant_id: self.grant,
            incident_id: self.incident,
            justification: self.asked.request.justification.clone(),
            run_id: Some(run_id).into(),
            version,
        });
    }

    fn progressed(&mut self, run_id: RunId, state: RunState) {
        let evidence = self.log.blob(state.as_str().as_bytes());
        self.log.server(RunProgressed {
            class: none(),
            detail: read(""),
            evidence: Some(evidence).into(),
            grant_id: self.grant,
            handle: read("job/1"),
            incident_id: self.incident,
            run_id,
            state,
        });
    }
}

#[test]
fn a_run_goes_well() {
    let mut stage = stage();
    let run = stage.run("alice", "rollback", "checkout");
    stage.used(run);
    stage.progressed(run, RunState::Dispatched);
    stage.progressed(run, RunState::Verified);
    assert_eq!(stage.log.verdict().findings, []);
    stage.progressed(run, RunState::Running);
    broken(&stage.log, &["run_over"]);
}

impl Stage {
    /// Somebody has a rollback planned: the access for it.
    fn use_to_plan(&mut self, by: &str, action: &str, target: &str) -> EventId {
        let args = Action {
            action: read(action),
            artifact: read(""),
            plan: none(),
            target: read(target),
        };
        let said = self.log.act(by, self.grant, Command::Plan(args));
        let access = BreakGlassAccess {
            account: account(),
            action: read(action),
            disclosed: false,
            envelope: none(),
            grant_id: self.grant,
            incident_id: self.incident,
            justification: self.asked.request.justification.clone(),
            run_id: none(),
            version: 1,
        };
        self.log.caused(&said, access)
    }

    fn planned(&mut self, access: EventId, target: &str) {
        let document = self.log.blob(b"the plan");
        self.log.server(ActionPlanned {
            access,
            action: read("rollback"),
            artifact: read(""),
            document,
            grant_id: self.grant,
            incident_id: self.incident,
            plan: document,
            summary: read("back"),
            target: read(target),
        });
    }
}

#[test]
fn a_plan_is_the_holders_and_uses_the_credential_first() {
    let mut plans = stage();
    let access = plans.use_to_plan("alice", "rollback", "checkout");
    assert!(plans.log.verdict().derived.grants[&plans.grant].used);
    plans.planned(access, "checkout");
    assert_eq!(plans.log.verdict().findings, []);
    plans.planned(access, "checkout");
    broken(&plans.log, &["planned_twice"]);
    let mut another = stage();
    let access = another.use_to_plan("alice", "rollback", "checkout");
    another.planned(access, "payments");
    broken(&another.log, &["event_differs_from_statement"]);
    let mut unrecorded = stage();
    let nothing = EventId::new(unrecorded.log.now, unrecorded.log.random());
    unrecorded.planned(nothing, "checkout");
    broken(&unrecorded.log, &["plan_without_access"]);
    let mut by_another = stage();
    by_another.use_to_plan("erin", "rollback", "checkout");
    broken(&by_another.log, &["action_by_another"]);
    let mut elsewhere = stage();
    elsewhere.use_to_plan("alice", "rollback", "payments");
    broken(&elsewhere.log, &["action_not_granted"]);
}

#[test]
fn what_is_used_is_the_current_credential() {
    let mut stage = stage();
    let run = stage.run("alice", "rollback", "checkout");
    stage.used_version(run, 2);
    broken(&stage.log, &["access_to_another_version"]);
}

#[test]
fn runs_and_checkouts_together_are_within_the_uses_that_were_granted() {
    let mut stage = stage_with(|request| request.uses = 1);
    let access = stage.use_to_plan("alice", "rollback", "checkout");
    stage.planned(access, "checkout");
    let run = stage.run("alice", "rollback", "checkout");
    stage.used(run);
    assert_eq!(stage.log.verdict().findings, []);
    let again = stage.run("alice", "rollback", "checkout");
    stage.used(again);
    broken(&stage.log, &["uses_exceeded"]);
}

#[test]
fn a_run_is_the_holders_and_what_was_granted() {
    let mut by_another = stage();
    by_another.run("erin", "rollback", "checkout");
    broken(&by_another.log, &["action_by_another"]);
    let mut elsewhere = stage();
    elsewhere.run("alice", "rollback", "payments");
    broken(&elsewhere.log, &["action_not_granted"]);
    let mut another = stage();
    another.run("alice", "format_disks", "checkout");
    broken(
        &another.log,
        &["action_not_granted", "action_not_permitted"],
    );
}

#[test]
fn a_run_ends_with_the_grant() {
    let mut stage = stage();
    stage.log.now = story::not_after(&stage.log);
    stage.run("alice", "rollback", "checkout");
    broken(&stage.log, &["action_outside_grant", "grant_end_missing"]);
}

#[test]
fn a_result_comes_after_its_claim() {
    let mut stage = stage();
    let run = stage.run("alice", "rollback", "checkout");
    stage.log.entries.pop();
    stage.progressed(run, RunState::Dispatched);
    broken(&stage.log, &["effect_unclaimed"]);
}

#[test]
fn use_without_a_run_is_none() {
    let mut stage = stage();
    let run = RunId::new(stage.log.now, [9; 10]);
    stage.used(run);
    broken(&stage.log, &["access_without_run"]);
    stage.progressed(run, RunState::Dispatched);
    broken(&stage.log, &["access_without_run", "run_unknown"]);
}

#[test]
fn a_claim_is_called_for_and_counted() {
    let mut stage = stage();
    stage.run("alice", "rollback", "checkout");
    let last = stage.log.entries.len() - 1;
    let mut other = stage.log.clone();
    other.rewrite(last, |entry| change(entry, |claim| claim.run_id = none()));
    broken(&other, &["effect_without_cause"]);
    stage
        .log
        .rewrite(last, |entry| change(entry, |claim| claim.attempt = 0));
    broken(&stage.log, &["attempt_out_of_order"]);
}

fn change(entry: &mut breakglass_format::Entry, how: impl FnOnce(&mut EffectClaimed)) {
    if let breakglass_format::Event::EffectClaimed(claim) = &mut entry.event {
        how(claim);
    }
}

#[test]
fn a_credential_shown_for_an_action_is_told() {
    let Stage {
        mut log,
        asked,
        grant,
        ..
    } = stage();
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    let verdict = log.verdict();
    assert_eq!(
        crate::scribe::codes(&verdict),
        ["credential_shown_for_action"]
    );
    assert_eq!(verdict.exit_code(true), 0);
}
