//! Plans whose document is not what people saw or signed.

use breakglass_format::{
    Entry, Event,
    act::Action,
    event::{ActionPlanned, EffectClaimed},
};

use crate::{
    people::read,
    runs::{Stage, action, document, plan_of, stage},
    scribe::{Scribe, broken, none, sha256},
};

/// A run that is dispatched with this document.
fn dispatched(args: Action, plan: &str) -> Scribe {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage();
    let (run, cause) = log.run("alice", &asked, grant, args);
    log.dispatch(run, cause, plan, |_| {});
    log
}

#[test]
fn what_is_dispatched_is_the_plan_that_the_run_named() {
    let right = document("rollback", "checkout");
    let wanted = || action("rollback", "checkout");
    assert_eq!(dispatched(wanted(), &right).verdict().findings, []);
    // What was observed is not hashed, and may be another when it is planned again.
    let observed = right.replace(r#""before":"v42""#, r#""before":"v43""#);
    assert_eq!(dispatched(wanted(), &observed).verdict().findings, []);
    for wrong in [
        document("rollback", "payments"),
        right.replace("host-a", "host-b"),
        right.replace(r#""count":1"#, r#""count":2"#),
        right.replace(r#""inverse":[]"#, r#""inverse":["x"]"#),
        right.replace(r#""targets":["host-a"],"#, ""),
        "the plan".to_owned(),
    ] {
        broken(&dispatched(wanted(), &wrong), &["plan_differs"]);
    }
}

#[test]
fn a_run_that_names_no_plan_is_dispatched_for_its_action_at_least() {
    let (mut log, incident) = crate::story::declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    let args = Action {
        plan: none(),
        ..action("rollback", "checkout")
    };
    let (run, cause) = log.run("alice", &asked, grant, args);
    let mut other = log.clone();
    let elsewhere = document("rollback", "checkout").replace("host-a", "host-b");
    log.dispatch(run, cause, &elsewhere, |_| {});
    assert_eq!(log.verdict().findings, []);
    let plan = document("rollback", "payments");
    other.dispatch(run, cause, &plan, |_| {});
    broken(&other, &["plan_differs"]);
}

/// A plan that somebody was shown, with something else in its entry.
fn shown(change: impl FnOnce(&mut ActionPlanned)) -> Scribe {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage();
    log.plan("alice", &asked, grant, action("rollback", "checkout"));
    let last = log.entries.len() - 1;
    log.blob(document("rollback", "payments").as_bytes());
    log.rewrite(last, |entry: &mut Entry| {
        if let Event::ActionPlanned(planned) = &mut entry.event {
            change(planned);
        }
    });
    log
}

#[test]
fn what_people_are_shown_is_the_plan_that_was_made() {
    assert_eq!(shown(|_| {}).verdict().findings, []);
    let other = document("rollback", "payments");
    broken(
        &shown(|d| d.document = sha256(other.as_bytes())),
        &["plan_differs"],
    );
    broken(
        &shown(|d| d.plan = plan_of("rollback", "payments")),
        &["plan_differs"],
    );
    broken(
        &shown(|d| d.summary = read("nothing of note")),
        &["plan_differs"],
    );
}

#[test]
fn a_dispatch_names_its_plan_and_a_rotation_has_none() {
    let mut stage = stage();
    stage.run("alice", action("rollback", "checkout"));
    let last = stage.log.entries.len() - 1;
    stage.log.rewrite(last, |entry| {
        if let Event::EffectClaimed(EffectClaimed { document, .. }) = &mut entry.event {
            *document = none();
        }
    });
    broken(&stage.log, &["event_differs_from_log"]);
}
