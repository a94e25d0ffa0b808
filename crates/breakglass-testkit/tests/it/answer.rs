//! Approvals and denials: who, how often, of what, until when.

use breakglass_core::{refusal::Code, request::State};
use breakglass_testkit::{
    Given, Hand, Then, Wish, check,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, MALLORY, PEGGY, READER, SHOP, VAULT, name,
        newcomer, person_mut, successor,
    },
};

const APPROVED: Then<'_> = Then::Recorded(&["BREAK_GLASS_APPROVED"]);
const GRANTED: Then<'_> = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_GRANTED"]);
const DENIED: Then<'_> = Then::Recorded(&["BREAK_GLASS_DENIED"]);

fn approve(given: Given, hand: Hand, then: Then<'_>) -> Given {
    check(given, |g| g.approve(hand, g.request()), then)
}

#[test]
fn two_people_of_two_groups_make_a_grant() {
    let given = approve(Given::requested(), BOB, APPROVED);
    let given = approve(given, CAROL, GRANTED);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.reference.to_string(), "G-1");
    assert_eq!(grant.not_before, given.now());
    assert_eq!(grant.not_after, given.now().plus_s(4 * 3600));
    assert_eq!(grant.cap, given.now().plus_s(8 * 3600));
    let state = given.world().request(&given.request()).unwrap().state;
    assert_eq!(state, State::Granted(grant.id));
}

#[test]
fn nobody_approves_their_own_request() {
    let mut given = Given::declared();
    let mut next = successor(&given.authority());
    person_mut(&mut next, "alice")
        .groups
        .extend([name("security"), name("platform")]);
    let publish = given.publish(next, true);
    given.must(&publish);
    let given = given.asked(&Wish::credential(SHOP));
    for hand in [ALICE, ALICE.touching()] {
        approve(given.clone(), hand, Then::Refused(Code::OwnRequest));
    }
    check(
        given,
        |g| g.deny(ALICE, g.request()),
        Then::Refused(Code::OwnRequest),
    );
}

#[test]
fn another_key_does_not_make_another_person() {
    let given = Given::approved_once();
    approve(given.clone(), BOB, Then::Refused(Code::AlreadyApproved));
    approve(given, BOB.touching(), Then::Refused(Code::AlreadyApproved));
}

#[test]
fn who_is_in_no_group_of_the_entitlement_has_no_say() {
    for hand in [ERIN, FRANK, GRACE, MALLORY] {
        approve(Given::requested(), hand, Then::Refused(Code::NotAnApprover));
        check(
            Given::requested(),
            |g| g.deny(hand, g.request()),
            Then::Refused(Code::NotAnApprover),
        );
    }
}

#[test]
fn one_group_does_not_fill_both_places() {
    approve(
        Given::approved_once(),
        PEGGY,
        Then::Refused(Code::FillsNoPlace),
    );
}

#[test]
fn one_person_of_both_groups_fills_one_place_whichever_is_left() {
    let dave_first = || approve(Given::requested(), DAVE, APPROVED);
    approve(dave_first(), BOB, GRANTED);
    approve(dave_first(), CAROL, GRANTED);
    approve(
        dave_first(),
        DAVE.touching(),
        Then::Refused(Code::AlreadyApproved),
    );
    approve(Given::approved_once(), DAVE, GRANTED);
}

#[test]
fn without_required_groups_any_two_approvers_do() {
    let given = Given::declared().asked(&Wish::credential(READER));
    let given = approve(given, BOB, APPROVED);
    approve(given, PEGGY, GRANTED);
}

#[test]
fn three_places_take_three_people_and_one_touch() {
    let vault = || {
        Given::declared()
            .importing(VAULT)
            .asked(&Wish::credential(VAULT))
    };
    let given = approve(vault(), CAROL.touching(), APPROVED);
    let given = approve(given, DAVE, APPROVED);
    approve(given, PEGGY, GRANTED);
    let given = approve(vault(), BOB, APPROVED);
    let given = approve(given, PEGGY, APPROVED);
    approve(given.clone(), CAROL, Then::Refused(Code::PresenceNeeded));
    approve(given, CAROL.touching(), GRANTED);
}

#[test]
fn one_approval_is_made_outside_a_browser() {
    let given = approve(Given::requested(), BOB.in_browser(), APPROVED);
    approve(
        given.clone(),
        CAROL.in_browser(),
        Then::Refused(Code::SshNeeded),
    );
    approve(given, CAROL, GRANTED);
}

#[test]
fn an_approval_of_a_changed_request_is_worth_nothing() {
    let changes: [fn(&mut breakglass_format::statement::Request); 4] = [
        |r| r.duration_s += 3600,
        |r| r.purpose.target = breakglass_testkit::people::line("everything"),
        |r| r.uses = 1,
        |r| r.requester.kem.pk = breakglass_testkit::people::line("another key"),
    ];
    for change in changes {
        check(
            Given::requested(),
            |g| g.approve_with(BOB, g.request(), |a| change(&mut a.request)),
            Then::Refused(Code::RequestDiffers),
        );
    }
}

#[test]
fn approvals_of_one_request_are_worth_nothing_for_the_next() {
    let mut given = Given::approved_once();
    let withdraw = given.withdraw(ALICE, given.request());
    given.must(&withdraw);
    let given = given.asked(&Wish::credential(SHOP));
    approve(given, CAROL, APPROVED);
}

#[test]
fn whoever_answers_has_seen_the_request_in_the_log() {
    let given = Given::requested();
    let index = given.world().request(&given.request()).unwrap().index;
    let size = |size: u64| {
        move |g: &mut Given| {
            let request = g.request();
            g.approve_with(BOB, request, |a| a.log.size = i64::try_from(size).unwrap())
        }
    };
    check(
        given.clone(),
        size(index),
        Then::Refused(Code::RequestNotSeen),
    );
    check(given, size(index + 1), APPROVED);
}

#[test]
fn the_shortest_time_anybody_signed_is_granted() {
    let shorten = |g: &mut Given| {
        let request = g.request();
        g.approve_with(BOB, request, |a| a.duration_s = 900)
    };
    let given = check(Given::requested(), shorten, APPROVED);
    let given = approve(given, CAROL, GRANTED);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.not_after, given.now().plus_s(900));
}

#[test]
fn surplus_approvals_are_refused() {
    approve(
        Given::granted(),
        DAVE,
        Then::Refused(Code::RequestNotPending),
    );
}

#[test]
fn approval_ends_at_the_millisecond() {
    let given = Given::requested();
    let approve_by = given.world().request(&given.request()).unwrap().approve_by;
    let at = |ms: i64| {
        let mut given = given.clone();
        given.sleep_ms(approve_by.since_ms(given.now()) + ms);
        given
    };
    approve(at(-1), BOB, APPROVED);
    approve(at(0), BOB, Then::Refused(Code::RequestNotPending));
    approve(Given::lapsed(), BOB, Then::Refused(Code::RequestNotPending));
}

#[test]
fn one_denial_ends_the_request() {
    let given = check(
        Given::approved_once(),
        |g| g.deny(CAROL, g.request()),
        DENIED,
    );
    let state = given.world().request(&given.request()).unwrap().state;
    assert_eq!(state, State::Denied);
    approve(given, DAVE, Then::Refused(Code::RequestNotPending));
}

#[test]
fn the_same_persons_second_denial_ends_nothing() {
    let given = Given::denied().asked(&Wish::credential(SHOP));
    let given = check(given, |g| g.deny(BOB.touching(), g.request()), DENIED);
    assert!(
        given
            .world()
            .request(&given.request())
            .unwrap()
            .is_pending()
    );
    let given = approve(given, PEGGY, APPROVED);
    approve(given.clone(), CAROL, GRANTED);
    // Somebody else's first does.
    let given = check(given, |g| g.deny(DAVE, g.request()), DENIED);
    assert!(
        !given
            .world()
            .request(&given.request())
            .unwrap()
            .is_pending()
    );
}

#[test]
fn nobody_denies_the_same_request_twice() {
    let given = Given::denied().asked(&Wish::credential(SHOP));
    let given = check(given, |g| g.deny(BOB, g.request()), DENIED);
    for hand in [BOB, BOB.touching()] {
        let refused = Then::Refused(Code::AlreadyDenied);
        check(given.clone(), |g| g.deny(hand, g.request()), refused);
    }
    // Who said no may change their mind; that is another statement.
    approve(given, BOB, APPROVED);
}

#[test]
fn a_denial_of_another_account_counts_for_that_account_only() {
    let given = Given::denied().asked(&Wish::credential(READER));
    let given = check(given, |g| g.deny(BOB, g.request()), DENIED);
    assert!(
        !given
            .world()
            .request(&given.request())
            .unwrap()
            .is_pending()
    );
}

#[test]
fn an_approver_may_still_say_no() {
    let given = check(Given::approved_once(), |g| g.deny(BOB, g.request()), DENIED);
    assert!(
        !given
            .world()
            .request(&given.request())
            .unwrap()
            .is_pending()
    );
}

/// A world with a new person, or a new membership of dave's, since `hours`.
fn with(
    change: impl FnOnce(&mut breakglass_format::authority::Authority),
    all_roots: bool,
) -> Given {
    let mut given = Given::ready();
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, all_roots);
    given.must(&publish);
    given
}

fn after(mut given: Given, ms: i64) -> Given {
    let published = given.world().authority().unwrap().at;
    given.sleep_ms(published.since_ms(given.now()) + ms - 60_000);
    let declare = given.declare(ALICE, breakglass_testkit::statements::outage());
    given.must(&declare);
    given.asked(&Wish::credential(SHOP))
}

const DAY_MS: i64 = 24 * 3600 * 1000;

#[test]
fn a_young_key_does_not_approve_unless_every_root_person_signed_it_in() {
    let victor = Hand::of("victor");
    let enrolled = |all_roots| {
        let add = |a: &mut breakglass_format::authority::Authority| {
            a.people.push(newcomer("victor", &["security"]));
        };
        let mut given = with(add, all_roots);
        let enroll = given.enroll(victor);
        given.must(&enroll);
        given
    };
    approve(
        after(enrolled(false), DAY_MS - 1),
        victor,
        Then::Refused(Code::TooYoung),
    );
    approve(after(enrolled(false), DAY_MS), victor, APPROVED);
    approve(after(enrolled(true), 60_000), victor, APPROVED);
}

#[test]
fn a_young_membership_does_not_approve_either() {
    let join = |a: &mut breakglass_format::authority::Authority| {
        person_mut(a, "erin").groups.push(name("security"));
    };
    approve(
        after(with(join, false), DAY_MS - 1),
        ERIN,
        Then::Refused(Code::TooYoung),
    );
    approve(after(with(join, false), DAY_MS), ERIN, APPROVED);
    approve(after(with(join, true), 60_000), ERIN, APPROVED);
}

#[test]
fn an_old_member_of_one_group_is_no_old_member_of_another() {
    // Peggy is security for long and platform since now: she fills no platform place.
    let join = |a: &mut breakglass_format::authority::Authority| {
        person_mut(a, "peggy").groups.push(name("platform"));
    };
    let young = approve(after(with(join, false), DAY_MS - 1), BOB, APPROVED);
    approve(young, PEGGY, Then::Refused(Code::FillsNoPlace));
    let old = approve(after(with(join, false), DAY_MS), BOB, APPROVED);
    approve(old, PEGGY, GRANTED);
}

#[test]
fn who_leaves_and_comes_back_waits_again() {
    let mut given = with(|a| person_mut(a, "bob").groups.clear(), true);
    let mut next = successor(&given.authority());
    person_mut(&mut next, "bob").groups.push(name("security"));
    let publish = given.publish(next, false);
    given.must(&publish);
    approve(after(given, DAY_MS - 1), BOB, Then::Refused(Code::TooYoung));
}

#[test]
fn an_approval_whose_key_has_ended_counts_no_more() {
    let mut given = Given::declared();
    let end = given.now().plus_s(600);
    let mut next = successor(&given.authority());
    person_mut(&mut next, "bob").keys[0].not_after = Some(end).into();
    let publish = given.publish(next, true);
    given.must(&publish);
    let given = approve(given.asked(&Wish::credential(SHOP)), BOB, APPROVED);
    let mut later = given.clone();
    approve(given, CAROL, GRANTED);
    later.sleep_ms(end.since_ms(later.now()));
    let given = approve(later, CAROL, APPROVED);
    let given = approve(given, DAVE, GRANTED);
    let grant = given.world().grant(&given.grant()).unwrap();
    let people: Vec<_> = grant
        .approvals
        .iter()
        .map(|a| a.approver.principal.as_str())
        .collect();
    assert_eq!(people, ["carol", "dave"]);
}
