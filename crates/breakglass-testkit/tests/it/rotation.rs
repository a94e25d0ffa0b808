//! Rotations: called for, claimed, staged, proven, or tried again.

use breakglass_core::{
    Command, Effect, account::AccountState, command::Stage, obligation::Status, refusal::Code,
};
use breakglass_format::{Event, vocabulary::Obligation};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, GRACE, HEIDI, MALLORY, READER, SHOP, VAULT, account,
        successor,
    },
    statements::outage,
};

fn state(given: &Given, id: &str) -> AccountState {
    given.world().account(&account(id)).unwrap().clone()
}

fn due(given: &Given, id: &str) -> bool {
    let of_it = |e: &Effect| matches!(e, Effect::Rotate { account: of, .. } if of.as_str() == id);
    given.due().iter().any(of_it)
}

/// A grant of the shared account, for alice or mallory, checked out.
fn reading(mut given: Given, hand: breakglass_testkit::Hand) -> Given {
    let ask = given.ask(hand, &Wish::credential(READER));
    given.must(&ask);
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let checkout = given.checkout(hand, given.grant());
    given.must(&checkout);
    given
}

#[test]
fn an_import_is_known_to_whoever_typed_it_and_rotated_at_once() {
    let given = Given::imported();
    assert_eq!(state(&given, SHOP).known_to, [GRACE.person()]);
    assert!(due(&given, SHOP));
    let given = Given::ready();
    let after = state(&given, SHOP);
    assert_eq!(
        (after.known_to.len(), after.current.unwrap().version),
        (0, 2)
    );
}

#[test]
fn a_used_credential_is_rotated_when_the_grant_ends() {
    assert!(!due(&Given::checked_out(), SHOP));
    assert!(due(&Given::over(), SHOP));
    let given = Given::rotated_after_use();
    let after = state(&given, SHOP);
    assert_eq!(after.current.unwrap().version, 3);
    assert!(after.staged.is_none() && after.rotation.is_none() && after.known_to.is_empty());
    let incident = given.world().incident(&given.incident()).unwrap();
    assert_eq!(incident.used.get(&account(SHOP)), Some(&after.rotated_at));
}

#[test]
fn a_run_calls_for_a_rotation_like_a_checkout() {
    let mut given = Given::verified();
    let give_back = given.give_back(ALICE, given.grant());
    given.must(&give_back);
    assert!(due(&given, SHOP));
}

#[test]
fn a_shared_account_is_rotated_after_the_last_grant() {
    let mut given = reading(reading(Given::declared(), ALICE), MALLORY);
    let grants: Vec<_> = given.world().grants().map(|g| g.id).collect();
    let first = given.give_back(ALICE, grants[0]);
    given.must(&first);
    assert!(state(&given, READER).rotation.is_some());
    assert!(!due(&given, READER), "mallory still works with it");
    check(
        given.clone(),
        |g| g.claim_of(READER),
        Then::Refused(Code::NotCalledFor),
    );
    let last = given.give_back(MALLORY, grants[1]);
    given.must(&last);
    assert!(due(&given, READER));
    given.work();
    assert!(state(&given, READER).rotation.is_none());
}

#[test]
fn the_steps_come_in_their_order() {
    let given = Given::over();
    let (id, cause) = given.waiting(SHOP);
    let refused = Then::Refused(Code::NotCalledFor);
    check(given.clone(), |g| g.stage(&id, cause), refused);
    check(given.clone(), |g| g.rotated(&id, cause), refused);
    check(
        given.clone(),
        |g| g.rotation_failed(&id, cause, None),
        refused,
    );
    let given = check(
        given,
        |g| g.claim_of(SHOP),
        Then::Recorded(&["EFFECT_CLAIMED"]),
    );
    check(given.clone(), |g| g.rotated(&id, cause), refused);
    let staged = Then::Recorded(&["CREDENTIAL_STAGED"]);
    let given = check(given, |g| g.stage(&id, cause), staged);
    check(given.clone(), |g| g.stage(&id, cause), refused);
    let rotated = Then::Recorded(&["CREDENTIAL_ROTATED"]);
    let given = check(given, |g| g.rotated(&id, cause), rotated);
    check(given, |g| g.rotated(&id, cause), refused);
}

#[test]
fn a_version_is_never_given_twice() {
    let mut given = Given::over();
    let (id, cause) = given.waiting(SHOP);
    let claim = given.claim_of(SHOP);
    given.must(&claim);
    let again = |g: &mut Given| match g.stage(&id, cause) {
        Command::Stage(stage) => Command::Stage(Stage {
            version: stage.version - 1,
            ..stage
        }),
        other => other,
    };
    check(given, again, Then::Refused(Code::CredentialMoved));
}

#[test]
fn a_failure_that_may_pass_is_tried_again_at_its_time() {
    let mut given = Given::rotating();
    let (id, cause) = given.waiting(SHOP);
    let retry_at = given.now().plus_s(30);
    let failed = given.rotation_failed(&id, cause, Some(retry_at));
    given.must(&failed);
    let before = state(&given, SHOP);
    assert!(before.current.is_some() && before.staged.is_some());
    given.sleep_ms(29_999);
    assert!(!due(&given, SHOP));
    given.sleep_ms(1);
    assert!(due(&given, SHOP));
    given.work();
    assert_eq!(state(&given, SHOP).current, before.staged);
}

#[test]
fn a_failure_before_anything_was_staged_waits_for_its_time_too() {
    let mut given = Given::over();
    let (id, cause) = given.waiting(SHOP);
    let claim = given.claim_of(SHOP);
    given.must(&claim);
    let retry_at = given.now().plus_s(30);
    let given = check(
        given,
        |g| g.rotation_failed(&id, cause, Some(retry_at)),
        Then::Recorded(&["CREDENTIAL_ROTATION_FAILED"]),
    );
    assert!(!due(&given, SHOP));
}

#[test]
fn what_was_given_up_waits_for_two_people() {
    let given = Given::rotation_failing();
    assert!(!due(&given, SHOP));
    let mut ordered = given.clone();
    for hand in [GRACE, HEIDI] {
        let order = ordered.order_rotation(hand, SHOP);
        ordered.must(&order);
    }
    assert!(due(&ordered, SHOP));
    // An import says the same: people have looked.
    assert!(due(&given.importing(SHOP), SHOP));
}

#[test]
fn a_rotation_under_way_is_finished_for_a_holder_who_has_nothing_yet() {
    // The target may know the staged one already and refuse the old one: the new holder needs the
    // rotation done.
    let mut given = Given::rotating();
    let (id, cause) = given.waiting(SHOP);
    let retry_at = given.now().plus_s(5);
    let failed = given.rotation_failed(&id, cause, Some(retry_at));
    given.must(&failed);
    let given = given.asked(&Wish::credential(SHOP));
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    assert!(due(&given, SHOP));
    let mut holding = given.clone();
    given.work();
    check(
        given,
        |g| g.checkout(ALICE, g.grant()),
        Then::Recorded(&["BREAK_GLASS_ACCESS"]),
    );
    let checkout = holding.checkout(ALICE, holding.grant());
    holding.must(&checkout);
    assert!(
        !due(&holding, SHOP),
        "what somebody was handed is not changed under them"
    );
}

#[test]
fn a_rotation_not_begun_waits_for_the_new_holder() {
    let given = Given::over().asked(&Wish::credential(SHOP));
    let given = given.approved_by(BOB).approved_by(CAROL);
    assert!(!due(&given, SHOP));
}

#[test]
fn what_no_machine_rotates_stays_open() {
    let given = Given::begun().importing(VAULT);
    assert!(!due(&given, VAULT));
    assert!(state(&given, VAULT).rotation.is_some());
}

/// What no machine rotates, used under an incident that is resolved, and replaced by hand since.
fn used_by_hand() -> Given {
    let mut given = Given::begun().importing(VAULT);
    for hand in [GRACE, HEIDI] {
        let attest = given.attest_rotation(hand, VAULT);
        given.must(&attest);
    }
    let declare = given.declare(ALICE, outage());
    given.must(&declare);
    let mut given = given.asked(&Wish::credential(VAULT));
    for hand in [BOB, CAROL, DAVE.touching()] {
        let approve = given.approve(hand, given.request());
        given.must(&approve);
    }
    let steps: [fn(&mut Given) -> Command; 3] = [
        |g| g.checkout(ALICE, g.grant()),
        |g| g.give_back(ALICE, g.grant()),
        |g| g.resolve(ERIN, g.incident()),
    ];
    for command in steps {
        let command = command(&mut given);
        given.must(&command);
        given.sleep_s(60);
    }
    given
}

#[test]
fn two_people_attest_what_no_machine_proves_once_it_was_replaced() {
    let given = used_by_hand();
    let old_one = Then::Refused(Code::NotReplaced);
    check(given.clone(), |g| g.attest_rotation(GRACE, VAULT), old_one);
    let given = given.importing(VAULT);
    let proposed = Then::Recorded(&["ACT_PROPOSED"]);
    let given = check(given, |g| g.attest_rotation(GRACE, VAULT), proposed);
    let same = Then::Refused(Code::AnotherPersonNeeded);
    check(
        given.clone(),
        |g| g.attest_rotation(GRACE.touching(), VAULT),
        same,
    );
    let attested = Then::Recorded(&["ROTATION_ATTESTED"]);
    let given = check(given, |g| g.attest_rotation(HEIDI, VAULT), attested);
    let state = state(&given, VAULT);
    assert!(state.rotation.is_none() && state.rotated_at == Some(given.now()));
    // Whoever typed it in knows it still.
    assert_eq!(state.known_to, [GRACE.person()]);
    let incident = given.world().incident(&given.incident()).unwrap();
    let duties = given.world().obligations(incident, given.now());
    let met = duties.iter().any(|(clock, status)| {
        clock.obligation == Obligation::CredentialRotation && matches!(status, Status::Met(_))
    });
    assert!(met, "{duties:?}");
    let nothing = Then::Refused(Code::NotCalledFor);
    check(given, |g| g.attest_rotation(HEIDI, VAULT), nothing);
}

#[test]
fn nobody_attests_what_a_machine_proves_or_what_somebody_holds() {
    let machine = Then::Refused(Code::MachineRotates);
    check(
        Given::rotating(),
        |g| g.attest_rotation(GRACE, SHOP),
        machine,
    );
    let stranger = Then::Refused(Code::NotEntitled);
    check(used_by_hand(), |g| g.attest_rotation(BOB, VAULT), stranger);
}

#[test]
fn an_import_during_a_rotation_loses_no_credential() {
    // The worker has staged version 3 and may be about to tell the target; people import 4.
    let given = Given::rotating().importing(SHOP);
    let after = state(&given, SHOP);
    assert_eq!(after.current.map(|c| c.version), Some(4));
    assert_eq!(after.staged.map(|c| c.version), Some(3));
    let mut given = given;
    given.work();
    let after = state(&given, SHOP);
    assert_eq!(after.current.map(|c| c.version), Some(3));
    assert_eq!(given.world().next_version(&account(SHOP)), 5);
}

#[test]
fn an_attempt_that_an_import_overtook_reports_nothing() {
    // The worker works from 2 to 3; people import 4; only then does the worker report.
    let given = Given::rotating();
    let (id, cause) = given.waiting(SHOP);
    let reports = [
        given.rotated(&id, cause),
        given.rotation_failed(&id, cause, None),
        given.rotation_failed(&id, cause, Some(given.now().plus_s(30))),
    ];
    let mut given = given.importing(SHOP);
    for report in reports {
        assert_eq!(
            given.submit(&report).unwrap_err().code,
            Code::CredentialMoved
        );
    }
    assert_eq!(state(&given, SHOP).current.map(|c| c.version), Some(4));
    assert!(due(&given, SHOP), "the next attempt begins at once");
    given.work();
    let rotated = given.log().iter().rev().find_map(|r| match &r.entry.event {
        Event::CredentialRotated(d) => Some((d.replaced, d.version)),
        _ => None,
    });
    assert_eq!(rotated, Some((4, 3)));
}

#[test]
fn a_retry_waits_in_engine_time_whatever_the_wall_clock_says() {
    for step in [-3 * 3600, 3 * 3600] {
        let mut given = Given::rotating();
        let (id, cause) = given.waiting(SHOP);
        given.step_wall_s(step);
        let failed = given.rotation_failed(&id, cause, Some(given.now().plus_s(30)));
        given.must(&failed);
        let rotation = state(&given, SHOP).rotation.unwrap();
        assert_eq!(rotation.retry_at, Some(given.now().plus_s(30)));
        given.sleep_ms(29_999);
        assert!(!due(&given, SHOP));
        given.sleep_ms(1);
        assert!(due(&given, SHOP));
        check(
            given,
            |g| g.claim_of(SHOP),
            Then::Recorded(&["EFFECT_CLAIMED"]),
        );
    }
}

#[test]
fn a_rotation_serves_everybody_who_used_the_old_credential() {
    // The worker is in the middle of it when mallory, under another incident, takes the old one.
    let mut given = Given::rotating();
    let (id, cause) = given.waiting(SHOP);
    let declare = given.declare(MALLORY, breakglass_testkit::statements::outage());
    given.must(&declare);
    let ask = given.ask(MALLORY, &Wish::credential(SHOP));
    given.must(&ask);
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let checkout = given.checkout(MALLORY, given.grant());
    given.must(&checkout);
    given.sleep_s(60);
    let report = given.rotated(&id, cause);
    given.must(&report);
    for incident in given.world().incidents() {
        let rotated = incident.used.get(&id).copied().flatten();
        assert_eq!(rotated, Some(given.now()), "{}", incident.reference);
    }
}

#[test]
fn a_credential_that_is_too_old_is_rotated_when_nobody_needs_it() {
    let mut given = Given::ready();
    let mut next = successor(&given.authority());
    next.accounts[0].rotate_after_s = 86_400;
    let publish = given.publish(next, true);
    given.must(&publish);
    let since = state(&given, SHOP).since;
    let until = |given: &Given| since.plus_s(86_400).since_ms(given.now());
    given.sleep_ms(until(&given) - 1);
    let ordered = |given: &mut Given| {
        let ticked = given.tick();
        ticked
            .iter()
            .any(|r| r.entry.event.event_type() == "ROTATION_ORDERED")
    };
    assert!(!ordered(&mut given), "a millisecond too early");
    let mut held = Given::granted();
    let mut next = successor(&held.authority());
    next.accounts[0].rotate_after_s = 3_600;
    let publish = held.publish(next, true);
    held.must(&publish);
    held.sleep_s(2 * 3_600);
    assert!(!ordered(&mut held), "while somebody holds it");
    given.sleep_ms(1);
    assert!(ordered(&mut given));
    assert!(!ordered(&mut given), "once");
    assert!(due(&given, SHOP));
    given.work();
    assert!(state(&given, SHOP).rotation.is_none());
}
