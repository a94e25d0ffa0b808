//! A newer authority, and what it does to what is open.

use breakglass_core::{refusal::Code, request::State};
use breakglass_format::authority::Authority;
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{
        ALICE, BOB, CAROL, DAVE, PEGGY, READER, SHOP, entitlement_mut, line, name, person_mut,
        prose, successor,
    },
};

fn published(mut given: Given, change: impl FnOnce(&mut Authority)) -> Given {
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, true);
    given.must(&publish);
    assert_eq!(*given.world(), given.replayed());
    given
}

#[test]
fn a_request_dies_where_its_account_entitlement_or_people_are_touched() {
    let touches: [fn(&mut Authority); 6] = [
        |a| a.accounts[0].on_server_loss = prose("Nothing ends by itself."),
        |a| a.accounts.remove(0).shared = true,
        |a| entitlement_mut(a, "shop-emergency").max_duration_s -= 1,
        |a| {
            a.entitlements
                .retain(|e| e.name.as_str() != "shop-emergency")
        },
        |a| person_mut(a, "alice").name = line("Alice Liddell"),
        |a| drop(person_mut(a, "bob").keys.pop()),
    ];
    for touch in touches {
        let given = published(Given::approved_once(), |a| {
            touch(a);
            // An account that is gone leaves its entitlement.
            let accounts: Vec<_> = a.accounts.iter().map(|a| a.id.clone()).collect();
            for e in &mut a.entitlements {
                e.accounts.retain(|id| accounts.contains(id));
            }
        });
        let request = given.world().request(&given.request()).unwrap();
        assert_eq!(request.state, State::Voided);
        let refused = Then::Refused(Code::RequestNotPending);
        check(given, |g| g.approve(CAROL, g.request()), refused);
    }
}

#[test]
fn a_request_lives_on_where_they_are_not() {
    let changes: [fn(&mut Authority); 4] = [
        |a| a.title = line("another title"),
        |a| a.accounts[1].on_server_loss = prose("Nothing ends by itself."),
        |a| entitlement_mut(a, "db-emergency").approvals = 3,
        |a| person_mut(a, "carol").name = line("Carol Danvers"),
    ];
    for change in changes {
        let given = published(Given::approved_once(), change);
        let granted = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_GRANTED"]);
        check(given, |g| g.approve(CAROL, g.request()), granted);
    }
}

#[test]
fn a_key_that_goes_to_somebody_else_is_proven_and_waited_for_anew() {
    let key = |a: &Authority| {
        let bob = a.people.iter().find(|p| p.principal.as_str() == "bob");
        bob.unwrap().keys[0].clone()
    };
    let mut given = published(Given::requested(), |a| {
        let moved = key(a);
        person_mut(a, "bob").keys.remove(0);
        person_mut(a, "peggy").keys.push(moved);
    });
    let peggy_with_bobs_key = |a: &mut breakglass_format::statement::Approval| {
        a.approver.key = breakglass_testkit::people::BOB.key();
    };
    let request = given.request();
    let approve = given.approve_with(PEGGY, request, peggy_with_bobs_key);
    let refused = Then::Refused(Code::KeyNotEnrolled);
    check(given, |_| approve, refused);
}

#[test]
fn an_approver_counts_under_the_authority_of_the_request_too() {
    let join = |a: &mut Authority| person_mut(a, "frank").groups.push(name("security"));
    let frank = breakglass_testkit::people::FRANK;
    let given = published(Given::requested(), join);
    let refused = Then::Refused(Code::NotAnApprover);
    check(given, |g| g.approve(frank, g.request()), refused);
    // Peggy joins platform: for this request she stays one of security.
    let join = |a: &mut Authority| {
        person_mut(a, "peggy").groups.push(name("platform"));
    };
    let given = published(Given::approved_once(), join);
    let refused = Then::Refused(Code::FillsNoPlace);
    check(
        given,
        |g| g.approve(breakglass_testkit::people::PEGGY, g.request()),
        refused,
    );
}

#[test]
fn a_grant_outlives_its_authority_but_is_judged_by_the_next() {
    let given = published(Given::granted(), |a| {
        entitlement_mut(a, "shop-emergency").absolute_cap_s = 4 * 3600;
    });
    let grant = given.world().grant(&given.grant()).unwrap();
    assert_eq!(
        grant.cap,
        grant.not_before.plus_s(8 * 3600),
        "a recorded cap does not move"
    );
    let extend = |g: &mut Given| {
        let wish = Wish::credential(SHOP).extending(g.grant()).for_s(60);
        g.ask(ALICE, &wish)
    };
    check(given, extend, Then::Refused(Code::NotExtendable));
}

#[test]
fn clocks_that_run_do_not_move_with_the_authority() {
    let before = Given::resolved();
    let clocks = |g: &Given| g.world().incident(&g.incident()).unwrap().clocks.clone();
    let old = clocks(&before);
    let given = published(before, |a| {
        a.clocks.resolve_s = 60;
        a.clocks.rotation_s = 60;
    });
    assert_eq!(clocks(&given), old);
}

#[test]
fn the_next_version_follows_the_one_before() {
    let refused = Then::Refused(Code::NotSuccessor);
    let other = |change: fn(&mut Authority)| {
        move |g: &mut Given| {
            let mut next = successor(&g.authority());
            change(&mut next);
            g.publish(next, true)
        }
    };
    check(Given::ready(), other(|a| a.version = 3), refused);
    check(Given::ready(), other(|a| a.version = 1), refused);
    let forked = other(|a| a.previous = Some(breakglass_statement::digest(b"another")).into());
    check(Given::ready(), forked, refused);
    check(
        Given::ready(),
        other(|_| ()),
        Then::Recorded(&["AUTHORITY_PUBLISHED"]),
    );
}

#[test]
fn who_was_removed_is_nobody_even_under_the_old_version() {
    let mut given = Given::requested();
    let approve = given.approve(DAVE, given.request());
    let given = published(given, |a| {
        a.people.retain(|p| p.principal.as_str() != "dave");
    });
    check(given, |_| approve, Then::Refused(Code::PersonUnknown));
}

#[test]
fn requests_of_other_accounts_are_spared() {
    let given = Given::approved_once().asked(&Wish::credential(READER));
    let given = published(given, |a| {
        entitlement_mut(a, "shop-emergency").max_duration_s -= 1;
    });
    let pending: Vec<_> = given
        .world()
        .requests()
        .filter(|r| r.is_pending())
        .collect();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].account.id.as_str(), READER);
    check(
        given,
        |g| g.approve(BOB, g.request()),
        Then::Recorded(&["BREAK_GLASS_APPROVED"]),
    );
}
