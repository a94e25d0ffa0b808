//! Grants: their use, their extension, their end.

use breakglass_core::refusal::Code;
use breakglass_format::{
    authority::Authority,
    vocabulary::{EndReason, Obligation},
};
use breakglass_testkit::{
    Given, Hand, Then, Wish, check,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, MALLORY, READER, SHOP, entitlement_mut, name,
        person_mut, successor,
    },
};

const ACCESS: Then<'_> = Then::Recorded(&["BREAK_GLASS_ACCESS"]);
const ENDED: Then<'_> = Then::Recorded(&["BREAK_GLASS_ENDED"]);
const REQUESTED: Then<'_> = Then::Recorded(&["BREAK_GLASS_REQUESTED"]);
const EXTENDED: Then<'_> = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_EXTENDED"]);

fn checkout(given: Given, hand: Hand, then: Then<'_>) -> Given {
    check(given, |g| g.checkout(hand, g.grant()), then)
}

/// The world `ms` before (negative) or after the end of the last grant's time, not ticked.
fn at_end(mut given: Given, ms: i64) -> Given {
    let end = given.world().grant(&given.grant()).unwrap().not_after;
    given.sleep_ms(end.since_ms(given.now()) + ms);
    given
}

fn with_authority(mut given: Given, change: impl FnOnce(&mut Authority)) -> Given {
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, true);
    given.must(&publish);
    given
}

#[test]
fn the_holder_checks_out_as_often_as_agreed() {
    let given = checkout(Given::granted(), ALICE, ACCESS);
    let given = checkout(given, ALICE.touching(), ACCESS);
    assert_eq!(given.world().grant(&given.grant()).unwrap().checkouts, 2);
    let once = Given::declared().asked(&Wish::credential(SHOP).uses(1));
    let given = checkout(once.approved_by(BOB).approved_by(CAROL), ALICE, ACCESS);
    checkout(given, ALICE, Then::Refused(Code::UsesExhausted));
}

#[test]
fn nobody_else_checks_out() {
    for hand in [MALLORY, BOB, ERIN, GRACE] {
        checkout(Given::granted(), hand, Then::Refused(Code::NotHolder));
    }
}

#[test]
fn access_ends_at_the_millisecond_tick_or_no_tick() {
    checkout(at_end(Given::granted(), -1), ALICE, ACCESS);
    checkout(
        at_end(Given::granted(), 0),
        ALICE,
        Then::Refused(Code::GrantNotActive),
    );
    let mut ticked = at_end(Given::granted(), 0);
    assert_eq!(ticked.tick().len(), 1);
    checkout(ticked, ALICE, Then::Refused(Code::GrantNotActive));
}

#[test]
fn the_quorum_is_judged_again_at_each_checkout() {
    let changes: [fn(&mut Authority); 5] = [
        |a| person_mut(a, "carol").groups.clear(),
        |a| person_mut(a, "bob").keys.truncate(0),
        |a| entitlement_mut(a, "shop-emergency").approvals = 3,
        |a| entitlement_mut(a, "shop-emergency").min_presence_approvals = 1,
        |a| {
            a.entitlements
                .retain(|e| e.name.as_str() != "shop-emergency")
        },
    ];
    for change in changes {
        let given = with_authority(checkout(Given::granted(), ALICE, ACCESS), change);
        checkout(given.clone(), ALICE, Then::Refused(Code::QuorumGone));
        check(
            given,
            |g| g.order(ALICE, g.grant()),
            Then::Refused(Code::QuorumGone),
        );
    }
    let untouched = with_authority(Given::granted(), |a| person_mut(a, "dave").groups.clear());
    checkout(untouched, ALICE, ACCESS);
}

#[test]
fn a_holder_who_lost_the_entitlement_gets_nothing_more() {
    let changes: [fn(&mut Authority); 2] = [
        |a| person_mut(a, "alice").groups = vec![name("on-leave")],
        |a| entitlement_mut(a, "shop-emergency").accounts.clear(),
    ];
    for change in changes {
        let given = with_authority(Given::granted(), change);
        checkout(given, ALICE, Then::Refused(Code::NoEntitlement));
    }
}

#[test]
fn the_credential_handed_out_is_the_current_one() {
    check(
        Given::granted(),
        |g| g.checkout_version(ALICE, g.grant(), 1),
        Then::Refused(Code::CredentialMoved),
    );
}

#[test]
fn the_holder_returns_and_nobody_else() {
    let given = check(Given::granted(), |g| g.give_back(ALICE, g.grant()), ENDED);
    let ended = given.world().grant(&given.grant()).unwrap().ended;
    assert_eq!(ended, Some((EndReason::Returned, given.now())));
    check(
        Given::granted(),
        |g| g.give_back(MALLORY, g.grant()),
        Then::Refused(Code::NotHolder),
    );
    check(
        given,
        |g| g.give_back(ALICE, g.grant()),
        Then::Refused(Code::GrantNotActive),
    );
}

#[test]
fn approvers_the_commander_and_holders_of_revoke_take_it_away() {
    for hand in [BOB, CAROL, ERIN] {
        check(Given::granted(), |g| g.revoke(hand, g.grant()), ENDED);
    }
    for hand in [ALICE, DAVE, FRANK, GRACE, MALLORY] {
        let stranger = Then::Refused(Code::NotEntitled);
        check(Given::granted(), |g| g.revoke(hand, g.grant()), stranger);
    }
    let given = with_authority(Given::granted(), |a| {
        let revoke = breakglass_format::vocabulary::Privilege::Revoke;
        person_mut(a, "frank").privileges.push(revoke);
    });
    check(given, |g| g.revoke(FRANK, g.grant()), ENDED);
}

#[test]
fn an_act_under_an_older_authority_has_no_privilege_that_it_lacked() {
    let mut given = Given::granted();
    let act = given.revoke(FRANK, given.grant());
    let given = with_authority(given, |a| {
        let revoke = breakglass_format::vocabulary::Privilege::Revoke;
        person_mut(a, "frank").privileges.push(revoke);
    });
    check(given, |_| act, Then::Refused(Code::NotEntitled));
}

fn extended_by(s: i64) -> Given {
    let mut given = Given::granted();
    let wish = Wish::credential(SHOP).extending(given.grant()).for_s(s);
    let ask = given.ask(ALICE, &wish);
    given.must(&ask);
    given
}

#[test]
fn an_extension_moves_the_end_after_a_quorum_of_its_own() {
    let before = Given::granted();
    let old_end = before.world().grant(&before.grant()).unwrap().not_after;
    let given = extended_by(3600).approved_by(DAVE);
    let given = check(given, |g| g.approve(CAROL, g.request()), EXTENDED);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.not_after, old_end.plus_s(3600));
    // Who approved the extension may take the grant away like any other approver.
    check(given, |g| g.revoke(DAVE, g.grant()), ENDED);
}

#[test]
fn from_the_end_it_moved_access_rests_on_the_extensions_quorum_as_well() {
    let mut given = extended_by(3600).approved_by(DAVE).approved_by(CAROL);
    let approver_leaves = |a: &mut breakglass_format::authority::Authority| {
        person_mut(a, "dave").groups.clear();
    };
    given = with_authority(given, approver_leaves);
    let end = given.world().grant(&given.grant()).unwrap().not_after;
    let old_end = end.plus_s(-3600);
    // The first four hours were signed by Bob and Carol.
    given.sleep_ms(old_end.since_ms(given.now()) - 1);
    let checkout = |g: &mut Given| g.checkout(ALICE, g.grant());
    check(given.clone(), checkout, ACCESS);
    given.sleep_ms(1);
    check(given, checkout, Then::Refused(Code::QuorumGone));
}

#[test]
fn an_extension_stays_within_the_cap() {
    extended_by(4 * 3600);
    let given = extended_by(4 * 3600).approved_by(BOB).approved_by(CAROL);
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.not_after, grant.cap);
    let more = |g: &mut Given| {
        let wish = Wish::credential(SHOP).extending(g.grant()).for_s(60);
        g.ask(ALICE, &wish)
    };
    check(given, more, Then::Refused(Code::NotExtendable));
    // Two that fit one by one do not fit together.
    let mut given = extended_by(4 * 3600);
    let first = given.request();
    let wish = Wish::credential(SHOP).extending(given.grant());
    let given_second = given.ask(ALICE, &wish);
    given.must(&given_second);
    let given = given.approved_by(BOB).approved_by(CAROL);
    let mut given = given;
    for hand in [BOB, CAROL] {
        let approve = given.approve(hand, first);
        given.must(&approve);
    }
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(grant.not_after, grant.cap);
}

#[test]
fn an_extension_is_asked_for_before_the_end() {
    let extend = |g: &mut Given| {
        let wish = Wish::credential(SHOP).extending(g.grant()).for_s(60);
        g.ask(ALICE, &wish)
    };
    check(at_end(Given::granted(), -1), extend, REQUESTED);
    check(
        at_end(Given::granted(), 0),
        extend,
        Then::Refused(Code::GrantNotActive),
    );
    check(
        Given::returned_unused(),
        extend,
        Then::Refused(Code::GrantNotActive),
    );
}

#[test]
fn an_extension_that_is_approved_after_the_end_is_none() {
    let mut given = at_end(Given::granted(), -1);
    let wish = Wish::credential(SHOP).extending(given.grant()).for_s(60);
    let ask = given.ask(ALICE, &wish);
    given.must(&ask);
    let first = given.approve(BOB, given.request());
    given.must(&first);
    check(given.clone(), |g| g.approve(CAROL, g.request()), EXTENDED);
    given.sleep_ms(1);
    check(
        given,
        |g| g.approve(CAROL, g.request()),
        Then::Refused(Code::GrantNotActive),
    );
}

#[test]
fn only_the_holder_extends_and_only_the_same() {
    let by = |hand: Hand, wish: fn() -> Wish| {
        move |g: &mut Given| {
            let wish = wish().extending(g.grant());
            g.ask(hand, &wish)
        }
    };
    let shop = || Wish::credential(SHOP);
    check(
        Given::granted(),
        by(MALLORY, shop),
        Then::Refused(Code::NotHolder),
    );
    let other_account = || Wish::credential(READER);
    check(
        Given::granted(),
        by(ALICE, other_account),
        Then::Refused(Code::NotExtendable),
    );
    let other_purpose = || Wish::rollback(SHOP);
    check(
        Given::granted(),
        by(ALICE, other_purpose),
        Then::Refused(Code::NotExtendable),
    );
}

#[test]
fn the_last_grants_end_starts_the_clock_for_resolving() {
    let given = check(Given::granted(), |g| g.give_back(ALICE, g.grant()), ENDED);
    let clocks = &given.world().incident(&given.incident()).unwrap().clocks;
    assert_eq!(clocks.len(), 2);
    assert_eq!(clocks[1].obligation, Obligation::IncidentResolved);
    assert_eq!(clocks[1].due_at, given.now().plus_s(24 * 3600));
}

#[test]
fn it_starts_once_when_the_last_two_end_in_the_same_breath() {
    let given = Given::granted().asked(&Wish::credential(READER));
    let given = given.approved_by(BOB).approved_by(CAROL);
    let mut given = at_end(given, 0);
    let ended = given.tick();
    assert_eq!(ended.len(), 2);
    let clocks = &given.world().incident(&given.incident()).unwrap().clocks;
    assert_eq!(clocks.len(), 2, "{clocks:?}");
    assert_eq!(clocks[1].due_at, given.now().plus_s(24 * 3600));
}

#[test]
fn what_was_not_used_needs_no_rotation() {
    let given = Given::returned_unused();
    assert!(
        given
            .world()
            .account(&breakglass_testkit::people::account(SHOP))
            .unwrap()
            .rotation
            .is_none()
    );
    assert_eq!(given.due(), []);
}

#[test]
fn an_exclusive_account_goes_to_the_first_quorum() {
    let mut given = Given::approved_once();
    let first = given.request();
    let ask = given.ask(MALLORY, &Wish::credential(SHOP));
    given.must(&ask);
    let given = given.approved_by(BOB).approved_by(CAROL);
    check(
        given,
        |g| g.approve(CAROL, first),
        Then::Refused(Code::AccountBusy),
    );
}

#[test]
fn an_action_is_documented_by_hand_even_after_the_end() {
    let recorded = Then::Recorded(&["BREAK_GLASS_ACTION"]);
    let given = check(
        Given::over(),
        |g| g.document(ALICE, g.grant(), "Rolled back."),
        recorded,
    );
    assert!(given.world().grant(&given.grant()).unwrap().documented);
    check(
        Given::over(),
        |g| g.document(ALICE, g.grant(), ""),
        Then::Refused(Code::TextMissing),
    );
}
