//! Keys: enrolled, and certified for a session.

use breakglass_core::{Command, refusal::Code};
use breakglass_format::vocabulary::Notice;
use breakglass_statement::digest;
use breakglass_testkit::{
    Given, Hand, Then, check,
    harness::signed,
    people::{ALICE, BOB, newcomer, person_mut, successor},
    statements::outage,
};

type When = fn(&mut Given) -> Command;

const DECLARED: Then<'_> = Then::Recorded(&["INCIDENT_DECLARED"]);

/// A session of alice's of this length, and her hand in it.
fn open(s: i64) -> (Given, Hand) {
    let mut given = Given::ready();
    let session = given.open_session(ALICE, s);
    let (digest, _) = signed(&session).unwrap();
    given.must(&session);
    (given, ALICE.in_session(digest))
}

#[test]
fn a_session_signs_lesser_acts_until_it_ends() {
    let (given, hand) = open(3600);
    let after = |ms: i64| {
        let mut given = given.clone();
        given.sleep_ms(ms);
        given
    };
    check(after(0), |g| g.declare(hand, outage()), DECLARED);
    check(after(3_599_999), |g| g.declare(hand, outage()), DECLARED);
    let over = Then::Refused(Code::SessionUnknown);
    check(after(3_600_000), |g| g.declare(hand, outage()), over);
}

#[test]
fn a_session_ends_when_the_wall_clock_says_so_too() {
    let (mut given, hand) = open(3600);
    given.step_wall_s(3600);
    let over = Then::Refused(Code::SessionUnknown);
    check(given, |g| g.declare(hand, outage()), over);
}

#[test]
fn a_session_ends_with_the_key_that_certified_it() {
    let (mut given, hand) = open(3600);
    let mut next = successor(&given.authority());
    person_mut(&mut next, "alice").keys.remove(0);
    let publish = given.publish(next, true);
    given.must(&publish);
    let refused = Then::Refused(Code::KeyNotValid);
    check(given, |g| g.declare(hand, outage()), refused);
}

#[test]
fn a_session_survives_the_opening_of_others() {
    let (mut given, hand) = open(3600);
    for _ in 0..3 {
        given.sleep_s(1000);
        let other = given.open_session(BOB, 60);
        given.must(&other);
    }
    check(given, |g| g.declare(hand, outage()), DECLARED);
}

#[test]
fn a_session_nobody_opened_is_none() {
    let hand = ALICE.in_session(digest(b"no session"));
    let refused = Then::Refused(Code::SessionUnknown);
    check(Given::ready(), |g| g.declare(hand, outage()), refused);
}

fn with_victor() -> (Given, Hand) {
    let mut given = Given::ready();
    let mut next = successor(&given.authority());
    next.people.push(newcomer("victor", &[]));
    let publish = given.publish(next, true);
    given.must(&publish);
    (given, Hand::of("victor"))
}

#[test]
fn a_key_signs_after_its_holder_proved_to_hold_it() {
    let (given, victor) = with_victor();
    let not_yet = Then::Refused(Code::KeyNotEnrolled);
    check(given.clone(), |g| g.declare(victor, outage()), not_yet);
    let enrolled = Then::Recorded(&["KEY_ENROLLED"]);
    let given = check(given, |g| g.enroll(victor), enrolled);
    let given = check(given, |g| g.declare(victor, outage()), DECLARED);
    check(
        given,
        |g| g.enroll(victor),
        Then::Refused(Code::AlreadyEnrolled),
    );
}

#[test]
fn a_second_key_is_marked_for_the_approvers() {
    let (mut given, victor) = with_victor();
    let recovery = |given: &Given| match &given.log().last().unwrap().entry.event {
        breakglass_format::Event::KeyEnrolled(d) => d.recovery,
        other => panic!("{other:?}"),
    };
    let first = given.enroll(victor);
    given.must(&first);
    assert!(!recovery(&given));
    assert_eq!(given.to_tell(), []);
    let second = given.enroll(victor.touching());
    given.must(&second);
    assert!(recovery(&given));
    let told = given.to_tell();
    let [due] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(due.key.notice, Notice::KeyEnrolled);
    assert_eq!(due.people, ["per_victor".parse().unwrap()], "whose it is");
}

#[test]
fn who_is_not_in_the_authority_does_not_enrol() {
    let refused = Then::Refused(Code::PersonUnknown);
    check(Given::ready(), |g| g.enroll(Hand::of("victor")), refused);
}

#[test]
fn every_kind_of_statement_is_accepted_once() {
    let steps: [(fn() -> Given, When); 8] = [
        (Given::ready, |g| g.open_session(ALICE, 60)),
        (Given::ready, |g| g.declare(ALICE, outage())),
        (Given::declared, |g| {
            g.ask(
                ALICE,
                &breakglass_testkit::Wish::credential("acc_db_reader"),
            )
        }),
        (Given::requested, |g| g.approve(BOB, g.request())),
        (Given::requested, |g| g.deny(BOB, g.request())),
        (Given::granted, |g| g.checkout(ALICE, g.grant())),
        (Given::granted, |g| g.order(ALICE, g.grant())),
        (Given::declared, |g| g.note(ALICE, g.incident(), "Again.")),
    ];
    for (given, when) in steps {
        let mut given = given();
        let command = when(&mut given);
        given.must(&command);
        check(
            given.clone(),
            |_| command.clone(),
            Then::Refused(Code::Replayed),
        );
        // Long forgotten, it is refused for its age.
        given.sleep_s(24 * 3600);
        for _ in 0..40 {
            let note = given.declare(BOB, outage());
            given.must(&note);
        }
        check(given, |_| command, Then::Refused(Code::ClockSkew));
    }
    let mut given = Given::begun();
    let mut next = successor(&given.authority());
    next.people.push(newcomer("victor", &[]));
    let publish = given.publish(next, true);
    given.must(&publish);
    check(given, |_| publish, Then::Refused(Code::NotSuccessor));
    let (mut given, victor) = with_victor();
    let enroll = given.enroll(victor);
    given.must(&enroll);
    check(given, |_| enroll, Then::Refused(Code::Replayed));
}
