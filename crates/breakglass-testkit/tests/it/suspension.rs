//! Suspensions: who may, what ends, and what undoes them.

use breakglass_core::{Command, refusal::Code};
use breakglass_format::{authority::Authority, vocabulary::EndReason};
use breakglass_testkit::{
    Given, Hand, Then, Wish, check,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, GRACE, HEIDI, JUDY, MALLORY, READER, SHOP, TRENT, TRUDY,
        person_mut, successor,
    },
    statements::outage,
};

const PROPOSED: Then<'_> = Then::Recorded(&["ACT_PROPOSED"]);
const SUSPENDED: Then<'_> = Then::Recorded(&["KEY_SUSPENDED"]);
const NO: Then<'_> = Then::Refused(Code::KeySuspended);

fn must(mut given: Given, commands: &[&dyn Fn(&mut Given) -> Command]) -> Given {
    for command in commands {
        let command = command(&mut given);
        given.must(&command);
    }
    given
}

/// One of somebody's keys, suspended by two others.
fn without_key(given: Given, hand: Hand) -> Given {
    must(
        given,
        &[&|g| g.suspend(TRENT, hand, Some(hand.key())), &|g| {
            g.suspend(TRUDY, hand, Some(hand.key()))
        }],
    )
}

/// Somebody, suspended by two others.
fn without(given: Given, hand: Hand) -> Given {
    must(
        given,
        &[&|g| g.suspend(TRENT, hand, None), &|g| {
            g.suspend(TRUDY, hand, None)
        }],
    )
}

fn published(mut given: Given, change: impl FnOnce(&mut Authority)) -> Given {
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, true);
    given.must(&publish);
    given
}

#[test]
fn somebody_elses_key_takes_two_who_may() {
    let key = Some(BOB.key());
    let stranger = Then::Refused(Code::NotEntitled);
    check(
        Given::ready(),
        |g| g.suspend(ALICE, BOB, key.clone()),
        stranger,
    );
    let given = check(
        Given::ready(),
        |g| g.suspend(TRENT, BOB, key.clone()),
        PROPOSED,
    );
    let again = Then::Refused(Code::AnotherPersonNeeded);
    for hand in [TRENT, TRENT.touching()] {
        check(given.clone(), |g| g.suspend(hand, BOB, key.clone()), again);
    }
    // Of something else the first said nothing.
    check(given.clone(), |g| g.suspend(TRUDY, BOB, None), PROPOSED);
    let given = check(given, |g| g.suspend(TRUDY, BOB, key.clone()), SUSPENDED);
    let done = Then::Refused(Code::AlreadySuspended);
    check(given, |g| g.suspend(TRUDY, BOB, key.clone()), done);
}

#[test]
fn the_firsts_word_lasts_an_hour_and_as_long_as_their_key() {
    let after = |ms: i64| {
        let mut given = must(Given::ready(), &[&|g| g.suspend(TRENT, BOB, None)]);
        given.sleep_ms(ms);
        given
    };
    check(after(3_599_999), |g| g.suspend(TRUDY, BOB, None), SUSPENDED);
    check(after(3_600_000), |g| g.suspend(TRUDY, BOB, None), PROPOSED);
    let given = must(after(0), &[&|g| g.suspend(TRENT, TRENT, Some(TRENT.key()))]);
    check(given, |g| g.suspend(TRUDY, BOB, None), PROPOSED);
}

#[test]
fn ones_own_takes_oneself() {
    let own = |g: &mut Given| g.suspend(ALICE.touching(), ALICE, Some(ALICE.key()));
    let given = check(Given::ready(), own, SUSPENDED);
    check(given.clone(), |g| g.declare(ALICE, outage()), NO);
    let other = Then::Recorded(&["INCIDENT_DECLARED"]);
    check(
        given.clone(),
        |g| g.declare(ALICE.touching(), outage()),
        other,
    );
    check(
        given,
        |g| g.enroll(ALICE),
        Then::Refused(Code::AlreadyEnrolled),
    );
    let all = check(Given::ready(), |g| g.suspend(ALICE, ALICE, None), SUSPENDED);
    check(all, |g| g.declare(ALICE.touching(), outage()), NO);
}

#[test]
fn a_root_person_takes_the_root_threshold() {
    let not_a_root = Then::Refused(Code::NotARoot);
    check(Given::ready(), |g| g.suspend(TRENT, JUDY, None), not_a_root);
    let given = check(Given::ready(), |g| g.suspend(GRACE, JUDY, None), PROPOSED);
    check(given, |g| g.suspend(HEIDI, JUDY, None), SUSPENDED);
}

#[test]
fn as_many_root_persons_are_left_as_change_the_authority() {
    let given = check(Given::ready(), |g| g.suspend(GRACE, GRACE, None), SUSPENDED);
    let too_few = Then::Refused(Code::TooFewRoots);
    check(given.clone(), |g| g.suspend(HEIDI, HEIDI, None), too_few);
    // One key of two leaves a person who can sign.
    let key = Some(HEIDI.key());
    let given = check(
        given,
        |g| g.suspend(HEIDI.touching(), HEIDI, key),
        SUSPENDED,
    );
    check(given, |g| g.suspend(HEIDI.touching(), HEIDI, None), too_few);
}

#[test]
fn nothing_is_signed_with_a_suspended_key() {
    let given = without_key(Given::requested(), BOB);
    check(given.clone(), |g| g.approve(BOB, g.request()), NO);
    check(given.clone(), |g| g.deny(BOB, g.request()), NO);
    check(given.clone(), |g| g.open_session(BOB, 60), NO);
    check(given.clone(), |g| g.suspend(BOB, ALICE, None), NO);
    let yes = Then::Recorded(&["BREAK_GLASS_APPROVED"]);
    check(given, |g| g.approve(BOB.touching(), g.request()), yes);
}

#[test]
fn a_session_ends_with_the_key_that_opened_it() {
    let mut given = Given::ready();
    let open = given.open_session(ALICE, 3600);
    let (session, _) = breakglass_testkit::harness::signed(&open).unwrap();
    given.must(&open);
    let given = without_key(given, ALICE);
    check(
        given,
        |g| g.declare(ALICE.in_session(session), outage()),
        NO,
    );
}

#[test]
fn an_approval_of_a_suspended_key_makes_no_quorum() {
    let given = must(Given::requested(), &[&|g| g.approve(BOB, g.request())]);
    let given = without_key(given, BOB);
    // Carol's is the first that counts.
    let missing = Then::Recorded(&["BREAK_GLASS_APPROVED"]);
    let given = check(given, |g| g.approve(CAROL, g.request()), missing);
    let granted = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_GRANTED"]);
    check(given, |g| g.approve(DAVE, g.request()), granted);
}

#[test]
fn a_grant_rests_on_approvals_of_keys_that_count() {
    let given = without_key(Given::granted(), BOB);
    let gone = Then::Refused(Code::QuorumGone);
    check(given, |g| g.checkout(ALICE, g.grant()), gone);
}

#[test]
fn who_is_suspended_loses_grants_and_requests() {
    let mut given = Given::granted();
    let checkout = given.checkout(ALICE, given.grant());
    given.must(&checkout);
    let given = given.asked(&Wish::credential(READER));
    let given = must(given, &[&|g| g.suspend(TRENT, ALICE, None)]);
    let ends = Then::Recorded(&["KEY_SUSPENDED", "BREAK_GLASS_ENDED", "BREAK_GLASS_VOIDED"]);
    let given = check(given, |g| g.suspend(TRUDY, ALICE, None), ends);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.ended, Some((EndReason::Suspended, given.now())));
    // What was handed out is rotated.
    let account = given.world().account(&SHOP.parse().unwrap()).unwrap();
    assert!(account.rotation.is_some());
}

#[test]
fn a_version_that_lists_a_key_anew_undoes_it_and_no_other_does() {
    let mut given = without_key(Given::ready(), BOB);
    given.sleep_s(60);
    let counts = |given: &Given| {
        let mut given = given.clone();
        let session = given.open_session(BOB, 60);
        given.submit(&session).is_ok()
    };
    let given = published(given, |a| {
        a.title = breakglass_testkit::people::line("renamed")
    });
    assert!(!counts(&given), "by a version about something else");
    let now = given.now();
    let given = published(given, |a| person_mut(a, "bob").keys[0].not_before = now);
    assert!(counts(&given));
}

#[test]
fn what_an_older_version_foresaw_does_not_undo_it() {
    let mut given = Given::ready();
    let soon = given.now().plus_s(600);
    given = published(given, |a| person_mut(a, "bob").keys[0].not_before = soon);
    let mut given = without_key(given, BOB);
    given.sleep_s(601);
    check(given, |g| g.open_session(BOB, 60), NO);
}

#[test]
fn suspension_never_touches_what_root_persons_sign() {
    // An authority is verified by its chain, before the rules see it: so that what was suspended
    // by mistake, or by thieves, can be undone.
    let given = check(Given::ready(), |g| g.suspend(GRACE, GRACE, None), SUSPENDED);
    let now = given.now().plus_s(1);
    let given = published(given, |a| person_mut(a, "grace").keys[0].not_before = now);
    assert_eq!(given.authority().version, 2);
}

#[test]
fn the_commander_may_be_suspended_and_two_others_take_over() {
    let given = without(Given::declared(), ERIN);
    check(given, |g| g.resolve(ERIN, g.incident()), NO);
}

#[test]
fn nobody_and_nothing_is_suspended_by_mistake() {
    let unknown = Then::Refused(Code::PersonUnknown);
    check(
        Given::ready(),
        |g| g.suspend(TRENT, Hand::of("victor"), None),
        unknown,
    );
    let other = Some(MALLORY.key());
    let not_theirs = Then::Refused(Code::KeyUnknown);
    check(Given::ready(), |g| g.suspend(TRENT, BOB, other), not_theirs);
}
