//! Runs against the rules: another person's, of another action or plan, without a claim.

use breakglass_format::{
    Entry, Event, EventId, RunId,
    act::{Action, Because, Command},
    event::EffectClaimed,
    vocabulary::RunState,
};

use crate::{
    people::read,
    runs::{Stage, action, document, plan_of, stage, stage_with},
    scribe::{broken, none},
    story,
};

impl Stage {
    fn progressed(&mut self, run: RunId, state: RunState) {
        let progressed = self.log.progress(&self.asked, self.grant, run, state);
        self.log.server(progressed);
    }
}

#[test]
fn a_run_goes_well() {
    let mut stage = stage();
    let run = stage.run("alice", action("rollback", "checkout"));
    stage.progressed(run, RunState::Dispatched);
    stage.progressed(run, RunState::Verified);
    assert_eq!(stage.log.verdict().findings, []);
    stage.progressed(run, RunState::Running);
    broken(&stage.log, &["run_over"]);
}

#[test]
fn a_run_is_the_holders_and_what_was_granted() {
    let mut by_another = stage();
    by_another.run("erin", action("rollback", "checkout"));
    broken(&by_another.log, &["action_by_another"]);
    let mut elsewhere = stage();
    elsewhere.run("alice", action("rollback", "payments"));
    broken(&elsewhere.log, &["action_not_granted"]);
    let mut another = stage();
    another.run("alice", action("format_disks", "checkout"));
    broken(
        &another.log,
        &["action_not_granted", "action_not_permitted"],
    );
}

#[test]
fn a_run_names_the_plan_that_people_approved() {
    for plan in [none(), plan_of("rollback", "payments").into()] {
        let args = Action {
            plan,
            ..action("rollback", "checkout")
        };
        let mut stage = stage();
        let (asked, grant) = (&stage.asked, stage.grant);
        let mut planned = stage.log.clone();
        planned.plan("alice", asked, grant, args.clone());
        broken(&planned, &["action_not_granted"]);
        stage.log.run("alice", asked, grant, args);
        broken(&stage.log, &["action_not_granted"]);
    }
}

#[test]
fn a_run_ends_with_the_grant() {
    let mut stage = stage();
    stage.log.now = story::not_after(&stage.log);
    stage.run("alice", action("rollback", "checkout"));
    broken(
        &stage.log,
        &[
            "access_outside_grant",
            "action_outside_grant",
            "grant_end_missing",
        ],
    );
}

#[test]
fn nothing_is_planned_or_dispatched_when_access_has_ended() {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage();
    let args = action("rollback", "checkout");
    log.plan("alice", &asked, grant, args.clone());
    assert_eq!(log.verdict().findings, []);
    let (run, cause) = log.run("alice", &asked, grant, args.clone());
    log.now = story::not_after(&log);
    let mut planned = log.clone();
    planned.plan("alice", &asked, grant, args);
    broken(&planned, &["access_outside_grant", "grant_end_missing"]);
    log.dispatch(run, cause, &document("rollback", "checkout"), |_| {});
    log.wait(1);
    story::refusal(&mut log, "erin");
    broken(&log, &["action_outside_grant", "grant_end_missing"]);
}

#[test]
fn nothing_is_dispatched_after_somebody_cancelled() {
    let mut stage = stage();
    let (asked, grant) = (&stage.asked, stage.grant);
    let args = action("rollback", "checkout");
    let (run, cause) = stage.log.run("alice", asked, grant, args);
    let reason = read("Not any more.");
    let said = stage
        .log
        .act("alice", run, Command::Cancel(Because { reason }));
    let mut cancelled = stage.log.progress(asked, grant, run, RunState::Cancelled);
    cancelled.detail = read("cancel asked for: Not any more.");
    cancelled.evidence = none();
    stage.log.caused(&said, cancelled);
    assert_eq!(stage.log.verdict().findings, []);
    let plan = document("rollback", "checkout");
    stage.log.dispatch(run, cause, &plan, |_| {});
    broken(&stage.log, &["action_outside_grant"]);
}

#[test]
fn a_result_comes_after_its_claim() {
    let mut stage = stage();
    let run = stage.run("alice", action("rollback", "checkout"));
    stage.log.entries.pop();
    stage.progressed(run, RunState::Dispatched);
    broken(&stage.log, &["effect_unclaimed"]);
}

#[test]
fn use_without_a_run_is_none() {
    let mut stage = stage();
    let run = RunId::new(stage.log.now, [9; 10]);
    let args = action("rollback", "checkout");
    let said = stage.log.act("alice", stage.grant, Command::Run(args));
    stage
        .log
        .used(&said, &stage.asked, stage.grant, "rollback", run);
    broken(&stage.log, &["access_without_run"]);
    stage.progressed(run, RunState::Dispatched);
    broken(&stage.log, &["access_without_run", "run_unknown"]);
}

#[test]
fn a_claim_is_called_for_and_counted() {
    let mut stage = stage();
    stage.run("alice", action("rollback", "checkout"));
    let last = stage.log.entries.len() - 1;
    let mut other = stage.log.clone();
    other.rewrite(last, |entry| change(entry, |claim| claim.run_id = none()));
    broken(&other, &["effect_without_cause"]);
    for attempt in [0, 2] {
        let mut other = stage.log.clone();
        other.rewrite(last, |entry| {
            change(entry, |claim| claim.attempt = attempt);
        });
        broken(&other, &["attempt_out_of_order"]);
    }
}

fn change(entry: &mut Entry, how: impl FnOnce(&mut EffectClaimed)) {
    if let Event::EffectClaimed(claim) = &mut entry.event {
        how(claim);
    }
}

#[test]
fn no_credential_is_shown_where_people_approved_an_action() {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage();
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["credential_shown_for_action"]);
}

#[test]
fn a_plan_is_the_holders_and_uses_the_credential_first() {
    let wanted = || action("rollback", "checkout");
    let used = |by: &str, args: &Action| {
        let Stage {
            mut log,
            asked,
            grant,
        } = stage();
        let access = log.use_to_plan(by, &asked, grant, args);
        (log, asked, grant, access)
    };
    let (mut log, asked, grant, access) = used("alice", &wanted());
    assert!(log.verdict().derived.grants[&grant].used);
    let mut another = log.clone();
    let mut unrecorded = log.clone();
    log.planned(access, &asked, grant, wanted());
    assert_eq!(log.verdict().findings, []);
    log.planned(access, &asked, grant, wanted());
    broken(&log, &["planned_twice"]);
    another.planned(access, &asked, grant, action("rollback", "payments"));
    broken(&another, &["event_differs_from_statement"]);
    let nothing = EventId::new(unrecorded.now, unrecorded.random());
    unrecorded.planned(nothing, &asked, grant, wanted());
    broken(&unrecorded, &["plan_without_access"]);
    broken(&used("erin", &wanted()).0, &["action_by_another"]);
    let elsewhere = action("rollback", "payments");
    broken(&used("alice", &elsewhere).0, &["action_not_granted"]);
}

#[test]
fn what_is_used_is_the_current_credential() {
    let mut stage = stage();
    let (asked, grant) = (&stage.asked, stage.grant);
    let args = action("rollback", "checkout");
    stage.log.run("alice", asked, grant, args);
    let last = stage.log.entries.len() - 1;
    stage.log.rewrite(last, |entry| {
        if let Event::BreakGlassAccess(access) = &mut entry.event {
            access.version += 1;
        }
    });
    broken(&stage.log, &["access_to_another_version"]);
}

#[test]
fn runs_and_checkouts_together_are_within_the_uses_that_were_granted() {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage_with(|request| request.uses = 1);
    let args = || action("rollback", "checkout");
    log.plan("alice", &asked, grant, args());
    log.run("alice", &asked, grant, args());
    assert_eq!(log.verdict().findings, []);
    log.run("alice", &asked, grant, args());
    broken(&log, &["uses_exceeded"]);
}
