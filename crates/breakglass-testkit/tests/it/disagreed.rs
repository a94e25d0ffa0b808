//! Where rules and second reading once disagreed, and where one of them was too kind.

use breakglass_format::{act::Command as Act, vocabulary::Obligation};
use breakglass_testkit::{
    Given, Wish,
    aftermath::waiver_of,
    people::{
        ALICE, BOB, CAROL, PEGGY, SHOP, VAULT, WALTER, WENDY, entitlement_mut, person_mut,
        successor,
    },
};

use crate::derive_agrees::derive_agrees;

fn agrees(given: &Given) {
    if let Err(differs) = derive_agrees(given) {
        panic!("{differs}");
    }
}

fn publish(given: &mut Given, change: impl FnOnce(&mut breakglass_format::authority::Authority)) {
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, true);
    given.must(&publish);
}

#[test]
fn an_account_that_was_gone_may_be_built_anew() {
    let mut given = Given::resolved();
    for hand in [WALTER, WENDY] {
        let waive = given.waive(hand, waiver_of(Obligation::CredentialRotation, SHOP, true));
        given.must(&waive);
    }
    let mut given = given.importing(SHOP);
    given.work();
    agrees(&given);
}

#[test]
fn an_approver_whose_key_has_ended_revokes_with_another() {
    let mut given = Given::declared();
    let end = given.now().plus_s(1800);
    publish(&mut given, |a| {
        person_mut(a, "peggy").keys[0].not_after = Some(end).into();
    });
    let mut given = given.asked(&Wish::credential(SHOP)).approved_by(PEGGY);
    given.pass_s(1800);
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let grant = given.grant();
    let revoke = given.revoke(PEGGY.touching(), grant);
    given.must(&revoke);
    agrees(&given);
}

#[test]
fn what_was_asked_for_is_not_lowered_afterwards() {
    let mut given = Given::declared().importing(VAULT);
    let ask = given.ask(ALICE, &Wish::credential(VAULT));
    given.must(&ask);
    given.sleep_s(60);
    let mut given = given
        .approved_by(BOB.touching())
        .approved_by(PEGGY)
        .approved_by(CAROL);
    publish(&mut given, |a| {
        entitlement_mut(a, "vault-emergency").approvals = 2;
        person_mut(a, "carol").groups.clear();
    });
    let grant = given.grant();
    let checkout = given.checkout(ALICE, grant);
    assert!(given.submit(&checkout).is_err(), "three were asked for");
    agrees(&given);
}

#[test]
fn a_touch_of_somebody_who_left_is_none() {
    let mut given = Given::declared().importing(VAULT);
    let ask = given.ask(ALICE, &Wish::credential(VAULT));
    given.must(&ask);
    given.sleep_s(60);
    let mut given = given
        .approved_by(BOB)
        .approved_by(PEGGY)
        .approved_by(CAROL.touching());
    publish(&mut given, |a| {
        entitlement_mut(a, "vault-emergency").approvals = 2;
        person_mut(a, "carol").groups.clear();
    });
    let grant = given.grant();
    let checkout = given.checkout(ALICE, grant);
    assert!(
        given.submit(&checkout).is_err(),
        "no touch is left of those who count"
    );
}

#[test]
fn nobody_calls_an_account_gone_that_somebody_holds() {
    let mut given = Given::resolved();
    let first = given.incident();
    let declare = given.declare(ALICE, breakglass_testkit::statements::outage());
    given.must(&declare);
    let mut given = given
        .asked(&Wish::credential(SHOP))
        .approved_by(BOB)
        .approved_by(CAROL);
    let args = waiver_of(Obligation::CredentialRotation, SHOP, true);
    let waive = given.act(WALTER, first, Act::Waive(args));
    let refusal = given.submit(&waive).unwrap_err();
    assert_eq!(refusal.code, breakglass_core::refusal::Code::AccountBusy);
}
