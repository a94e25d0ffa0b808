//! Credentials put into custody.

use breakglass_core::{Command, command::Prepared, refusal::Code};
use breakglass_format::{act::AddCredential, act::Command as Act};
use breakglass_statement::digest;
use breakglass_testkit::{
    Given, Then, check,
    people::{ALICE, ERIN, GRACE, HEIDI, SHOP, VAULT, account, name},
};

#[test]
fn two_people_put_a_credential_into_custody() {
    let proposed = Then::Recorded(&["ACT_PROPOSED"]);
    let given = check(Given::begun(), |g| g.add_credential(GRACE, SHOP), proposed);
    assert!(
        given
            .world()
            .account(&account(SHOP))
            .unwrap()
            .current
            .is_none()
    );
    let added = Then::Recorded(&["CREDENTIAL_ADDED"]);
    let given = check(given, |g| g.add_credential(HEIDI, SHOP), added);
    let current = given.world().account(&account(SHOP)).unwrap().current;
    assert_eq!(current.unwrap().version, 1);
}

#[test]
fn only_holders_of_the_privilege_do() {
    for hand in [ALICE, ERIN] {
        let refused = Then::Refused(Code::NotEntitled);
        check(Given::begun(), |g| g.add_credential(hand, SHOP), refused);
        check(Given::ready(), |g| g.order_rotation(hand, SHOP), refused);
    }
}

#[test]
fn nobody_changes_what_somebody_holds() {
    let refused = Then::Refused(Code::AccountBusy);
    check(Given::granted(), |g| g.add_credential(GRACE, SHOP), refused);
    check(Given::granted(), |g| g.order_rotation(GRACE, SHOP), refused);
}

#[test]
fn an_import_has_fields_and_a_document() {
    let none = Act::AddCredential(AddCredential { fields: Vec::new() });
    check(
        Given::begun(),
        |g| g.act(GRACE, SHOP, none),
        Then::Refused(Code::TextMissing),
    );
}

#[test]
fn what_the_rotator_would_leave_as_it_is_is_not_imported() {
    let import = |account: &'static str, fields: &[&str]| {
        let fields = fields.iter().map(|f| name(f)).collect();
        let act = Act::AddCredential(AddCredential { fields });
        move |g: &mut Given| g.act(GRACE, account, act)
    };
    let refused = Then::Refused(Code::FieldNotRotated);
    for fields in [
        &["password", "totp_seed"][..],
        &["password", "private_key", "username"],
        &["api_key"],
        &["username"],
    ] {
        check(Given::begun(), import(SHOP, fields), refused);
    }
    let proposed = Then::Recorded(&["ACT_PROPOSED"]);
    let harmless = &["host", "password", "username"];
    check(Given::begun(), import(SHOP, harmless), proposed);
    // Nothing claims to rotate this one.
    let anything = &["password", "private_key", "totp_seed"];
    check(Given::begun(), import(VAULT, anything), proposed);
}

#[test]
fn an_import_under_a_version_that_was_taken_is_sealed_again() {
    let mut given = Given::begun();
    let first = given.add_credential(GRACE, SHOP);
    given.must(&first);
    let stale = |g: &mut Given| match g.add_credential(HEIDI, SHOP) {
        Command::Act(act, _) => {
            let sealed = digest(b"sealed");
            Command::Act(act, Prepared::Sealed { sealed, version: 7 })
        }
        other => other,
    };
    check(given, stale, Then::Refused(Code::CredentialMoved));
}

#[test]
fn what_there_is_not_cannot_be_rotated() {
    check(
        Given::begun(),
        |g| g.order_rotation(GRACE, SHOP),
        Then::Refused(Code::NoCredential),
    );
    check(
        Given::begun(),
        |g| g.order_rotation(GRACE, "acc_none"),
        Then::Refused(Code::AccountUnknown),
    );
}
