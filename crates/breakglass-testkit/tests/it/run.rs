//! Runs: planned, ordered, claimed, reported, cancelled.

use breakglass_core::{Command, Effect, refusal::Code};
use breakglass_format::{EventId, act::Action, act::Command as Act, vocabulary::RunState};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{ALICE, BOB, CAROL, ERIN, MALLORY, SHOP, line, name, successor},
    statements::rollback,
};

const ORDERED: Then<'_> = Then::Recorded(&["BREAK_GLASS_ACTION", "BREAK_GLASS_ACCESS"]);
const PROGRESSED: Then<'_> = Then::Recorded(&["RUN_PROGRESSED"]);
const CLAIMED: Then<'_> = Then::Recorded(&["EFFECT_CLAIMED"]);

fn for_the_action() -> Given {
    let given = Given::declared().asked(&Wish::rollback(SHOP));
    given.approved_by(BOB).approved_by(CAROL)
}

#[test]
fn a_run_uses_the_credential_without_showing_it() {
    let given = check(Given::granted(), |g| g.order(ALICE, g.grant()), ORDERED);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert!(grant.used && grant.documented);
    assert_eq!(grant.checkouts, 0);
    let run = given.world().run(&given.run()).unwrap();
    assert_eq!(
        given.due(),
        [Effect::Advance {
            run: run.id,
            cause: run.cause
        }]
    );
}

const PLANNED: Then<'_> = Then::Recorded(&["ACTION_PLANNED"]);

/// Alice asked for a plan; the connector has not answered.
fn planning() -> (Given, EventId) {
    let mut given = Given::granted();
    let plan = given.plan(ALICE, given.grant());
    let access = given.must(&plan).pop().unwrap().entry;
    (given, access.event_id)
}

#[test]
fn a_plan_uses_the_credential_on_record_before_the_connector_gets_it() {
    let (given, access) = planning();
    let grant = given.world().grant(&given.grant()).unwrap();
    assert!(grant.used && !grant.documented && grant.checkouts == 0);
    assert_eq!(given.world().planning(&access).unwrap().version, 2);
    let given = check(given, |g| g.planned(), PLANNED);
    let planned = given.log().last().unwrap();
    assert!(
        planned.entry.statement.0.is_none(),
        "it is the server's word"
    );
    check(
        given.clone(),
        |g| g.planned(),
        Then::Refused(Code::NotCalledFor),
    );
    let mut given = given;
    let give_back = given.give_back(ALICE, given.grant());
    given.must(&give_back);
    assert!(matches!(given.due()[..], [Effect::Rotate { .. }]));
}

#[test]
fn a_plan_that_came_to_nothing_counts_as_a_use() {
    let (mut given, _) = planning();
    let give_back = given.give_back(ALICE, given.grant());
    given.must(&give_back);
    assert!(matches!(given.due()[..], [Effect::Rotate { .. }]));
}

#[test]
fn the_connector_gets_the_credential_that_the_access_names_and_that_soon() {
    let code = |given: &Given, access| {
        let credential = given
            .world()
            .planning_credential(access, given.now(), given.wall());
        credential.map(|(_, c)| c.version).map_err(|r| r.code)
    };
    let (given, access) = planning();
    assert_eq!(code(&given, &access), Ok(2));
    let mut planned = given.clone();
    let report = planned.planned();
    planned.must(&report);
    assert_eq!(code(&planned, &access), Err(Code::NotCalledFor));
    let mut late = given.clone();
    late.sleep_ms(300_001);
    assert_eq!(code(&late, &access), Err(Code::ClockSkew));
    let mut over = given.clone();
    let revoke = over.revoke(BOB, over.grant());
    over.must(&revoke);
    assert_eq!(code(&over, &access), Err(Code::GrantNotActive));
    // What the connector had been asked is still told.
    check(over, |g| g.planned(), PLANNED);
    let unknown = EventId::new(given.now(), [9; 10]);
    assert_eq!(code(&given, &unknown), Err(Code::NotCalledFor));
}

#[test]
fn a_plan_under_way_does_not_get_a_newer_credential() {
    let mut given = Given::rotating().asked(&Wish::credential(SHOP));
    given = given.approved_by(BOB).approved_by(CAROL);
    let plan = given.plan(ALICE, given.grant());
    let access = given.must(&plan).pop().unwrap().entry.event_id;
    let (id, cause) = given.waiting(SHOP);
    let report = given.rotated(&id, cause);
    given.must(&report);
    let credential = given
        .world()
        .planning_credential(&access, given.now(), given.wall());
    assert_eq!(credential.map_err(|r| r.code), Err(Code::CredentialMoved));
}

#[test]
fn what_was_approved_is_what_is_run() {
    check(for_the_action(), |g| g.order(ALICE, g.grant()), ORDERED);
    let changes: [fn(&mut Action); 3] = [
        |a| a.target = line("everything.example"),
        |a| a.artifact = line("another"),
        |a| a.action = name("deployment_override"),
    ];
    for change in changes {
        let mut action = rollback();
        change(&mut action);
        let order = |g: &mut Given| g.act(ALICE, g.grant(), Act::Run(action));
        check(for_the_action(), order, Then::Refused(Code::PurposeDiffers));
    }
}

#[test]
fn runs_count_against_the_approved_uses_and_plans_do_not() {
    let once = |wish: Wish| {
        let given = Given::declared().asked(&wish.uses(1));
        given.approved_by(BOB).approved_by(CAROL)
    };
    let exhausted = Then::Refused(Code::UsesExhausted);
    let used = Then::Recorded(&["BREAK_GLASS_ACCESS"]);
    let given = check(
        once(Wish::rollback(SHOP)),
        |g| g.plan(ALICE, g.grant()),
        used,
    );
    let given = check(given, |g| g.order(ALICE, g.grant()), ORDERED);
    assert_eq!(given.world().grant(&given.grant()).unwrap().runs, 1);
    check(given, |g| g.order(ALICE, g.grant()), exhausted);
    let credential = || once(Wish::credential(SHOP));
    let given = check(credential(), |g| g.checkout(ALICE, g.grant()), used);
    check(given, |g| g.order(ALICE, g.grant()), exhausted);
    let given = check(credential(), |g| g.order(ALICE, g.grant()), ORDERED);
    check(given, |g| g.checkout(ALICE, g.grant()), exhausted);
}

#[test]
fn with_the_credential_itself_the_scenario_sets_the_limit() {
    let mut action = rollback();
    action.action = name("deployment_override");
    let order = |g: &mut Given| g.act(ALICE, g.grant(), Act::Run(action));
    check(
        Given::granted(),
        order,
        Then::Refused(Code::ActionNotPermitted),
    );
}

#[test]
fn what_the_scenario_no_longer_permits_is_not_run_under_an_older_grant() {
    let mut given = for_the_action();
    let mut next = successor(&given.authority());
    for scenario in &mut next.scenarios {
        scenario.actions.retain(|a| a.as_str() != "rollback");
    }
    let publish = given.publish(next, true);
    given.must(&publish);
    let refused = Then::Refused(Code::ActionNotPermitted);
    check(given.clone(), |g| g.order(ALICE, g.grant()), refused);
    check(given, |g| g.plan(ALICE, g.grant()), refused);
}

#[test]
fn only_the_holder_runs_and_only_while_access_lasts() {
    let by_mallory = |g: &mut Given| g.order(MALLORY, g.grant());
    check(Given::granted(), by_mallory, Then::Refused(Code::NotHolder));
    let too_late = |g: &mut Given| g.order(ALICE, g.grant());
    check(Given::over(), too_late, Then::Refused(Code::GrantNotActive));
}

#[test]
fn nothing_leaves_for_the_plane_after_access_has_ended() {
    check(Given::ordered(), |g| g.claim_run(g.run()), CLAIMED);
    let refused = Then::Refused(Code::NotCalledFor);
    let mut given = Given::ordered();
    let end = given.world().grant(&given.grant()).unwrap().not_after;
    let mut revoked = given.clone();
    given.sleep_ms(end.since_ms(given.now()));
    check(given, |g| g.claim_run(g.run()), refused);
    let revoke = revoked.revoke(ERIN, revoked.grant());
    revoked.must(&revoke);
    check(revoked.clone(), |g| g.claim_run(g.run()), refused);
    let cancelled = |g: &mut Given| g.run_report(g.run(), RunState::Cancelled);
    check(revoked, cancelled, PROGRESSED);
}

#[test]
fn nothing_comes_of_a_run_that_was_never_handed_over() {
    for state in RunState::ALL {
        let given_up = matches!(state, RunState::Failed | RunState::Cancelled);
        let report = |g: &mut Given| g.run_report(g.run(), *state);
        let then = if given_up {
            PROGRESSED
        } else {
            Then::Refused(Code::NotCalledFor)
        };
        check(Given::ordered(), report, then);
        check(Given::dispatched(), report, PROGRESSED);
    }
}

#[test]
fn nothing_comes_of_a_run_that_is_over() {
    for state in [
        RunState::Verified,
        RunState::Unverified,
        RunState::Failed,
        RunState::Cancelled,
    ] {
        let given = check(
            Given::dispatched(),
            |g| g.run_report(g.run(), state),
            PROGRESSED,
        );
        let again = |g: &mut Given| g.run_report(g.run(), RunState::Running);
        check(given.clone(), again, Then::Refused(Code::RunOver));
        check(
            given.clone(),
            |g| g.cancel(ALICE, g.run()),
            Then::Refused(Code::RunOver),
        );
        check(
            given,
            |g| g.claim_run(g.run()),
            Then::Refused(Code::NotCalledFor),
        );
    }
}

#[test]
fn a_cancellation_ends_what_was_not_sent_and_is_a_wish_afterwards() {
    let given = check(Given::ordered(), |g| g.cancel(ALICE, g.run()), PROGRESSED);
    assert!(given.world().run(&given.run()).unwrap().is_over());
    let given = check(Given::dispatched(), |g| g.cancel(ERIN, g.run()), PROGRESSED);
    let run = given.world().run(&given.run()).unwrap();
    assert!(!run.is_over() && run.cancelling);
    check(
        given,
        |g| g.claim_run(g.run()),
        Then::Refused(Code::NotCalledFor),
    );
    let stranger = |g: &mut Given| g.cancel(MALLORY, g.run());
    check(
        Given::dispatched(),
        stranger,
        Then::Refused(Code::NotHolder),
    );
}

#[test]
fn the_steps_of_a_run_use_the_credential_that_its_access_names_or_none() {
    let mut given = Given::rotating().asked(&Wish::credential(SHOP));
    given = given.approved_by(BOB).approved_by(CAROL);
    let order = given.order(ALICE, given.grant());
    given.must(&order);
    let version = |g: &Given| {
        let run = g.world().run(&g.run()).unwrap();
        g.world().run_credential(run).map(|c| c.version)
    };
    assert_eq!(version(&given), Some(2));
    // The rotation that was under way comes through: the order is worth nothing any more.
    let (id, cause) = given.waiting(SHOP);
    let report = given.rotated(&id, cause);
    given.must(&report);
    assert_eq!(version(&given), None);
    check(
        given,
        |g| g.claim_run(g.run()),
        Then::Refused(Code::CredentialMoved),
    );
}

#[test]
fn whatever_ends_access_cancels_what_is_under_way() {
    let ends: [fn(&mut Given) -> Command; 3] = [
        |g| g.give_back(ALICE, g.grant()),
        |g| g.revoke(BOB, g.grant()),
        |g| g.resolve(ERIN, g.incident()),
    ];
    let cancelling = |given: &Given| {
        let run = given.world().run(&given.run()).unwrap();
        let wanted = given.world().run_is_wanted(run, given.now());
        (run.cancelling, wanted)
    };
    for end in ends {
        let mut given = Given::dispatched();
        assert_eq!(cancelling(&given), (false, true));
        let end = end(&mut given);
        given.must(&end);
        assert_eq!(cancelling(&given), (true, false));
        assert!(matches!(
            given.due()[..],
            [Effect::Rotate { .. }, Effect::Advance { .. }]
        ));
    }
    let mut over = Given::dispatched();
    over.pass_s(4 * 3600);
    assert_eq!(cancelling(&over), (true, false));
    let mut verified = Given::verified();
    let give_back = verified.give_back(ALICE, verified.grant());
    verified.must(&give_back);
    assert_eq!(cancelling(&verified), (false, false));
}

#[test]
fn what_was_sent_is_followed_to_its_end_after_access_ended() {
    let mut given = Given::dispatched();
    let give_back = given.give_back(ALICE, given.grant());
    given.must(&give_back);
    check(
        given,
        |g| g.run_report(g.run(), RunState::Verified),
        PROGRESSED,
    );
}
