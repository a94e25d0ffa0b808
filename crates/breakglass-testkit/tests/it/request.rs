//! What may be asked for, and how.

use breakglass_core::{refusal::Code, request::State};
use breakglass_format::{
    authority::Authority,
    statement::{Request, Warning},
    vocabulary::Severity,
};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{ALICE, BOB, CAROL, MALLORY, READER, SHOP, line, name, person_mut, prose, successor},
    statements::outage,
};

const REQUESTED: Then<'_> = Then::Recorded(&["BREAK_GLASS_REQUESTED"]);

fn ask_changed(change: impl FnOnce(&mut Request), then: Then<'_>) {
    let when = |g: &mut Given| {
        let incident = g.incident();
        g.ask_with(incident, ALICE, &Wish::credential(SHOP), change)
    };
    check(Given::declared(), when, then);
}

#[test]
fn a_request_waits_for_its_approvals() {
    let given = check(
        Given::declared(),
        |g| g.ask(ALICE, &Wish::credential(SHOP)),
        REQUESTED,
    );
    let request = given.world().request(&given.request()).unwrap();
    assert_eq!(request.state, State::Pending);
    assert_eq!(request.reference.to_string(), "R-1");
    assert_eq!(request.asked.needs, 2);
}

#[test]
fn sixteen_requests_of_one_person_wait_at_most() {
    let shop = Wish::credential(SHOP);
    let given = (0..16).fold(Given::declared(), |given, _| given.asked(&shop));
    let refused = Then::Refused(Code::TooManyPending);
    check(given.clone(), |g| g.ask(ALICE, &shop), refused);
    // Somebody else's do not count, and what is withdrawn makes room.
    check(given.clone(), |g| g.ask(MALLORY, &shop), REQUESTED);
    let withdrawn = Then::Recorded(&["BREAK_GLASS_WITHDRAWN"]);
    let given = check(given, |g| g.withdraw(ALICE, g.request()), withdrawn);
    check(given, |g| g.ask(ALICE, &shop), REQUESTED);
}

#[test]
fn whatever_repeats_the_log_must_repeat_it_exactly() {
    let changes: [fn(&mut Request); 10] = [
        |r| r.account.name = name("db-reader"),
        |r| r.account.binding = r.incident.event,
        |r| r.incident.event = r.account.binding,
        |r| r.incident.severity = Severity::Sev4,
        |r| r.incident.scenario = name("critical-patch"),
        |r| r.on_server_loss = prose("All is well."),
        |r| r.recording = name("asciicast"),
        |r| r.origin = breakglass_format::vocabulary::Origin::Offline,
        |r| r.drill = true,
        |r| r.uses = -1,
    ];
    for change in changes {
        ask_changed(change, Then::Refused(Code::BindingMismatch));
    }
}

#[test]
fn a_drill_is_asked_for_as_one() {
    let mut args = outage();
    args.drill = true;
    let mut given = Given::ready();
    let declare = given.declare(ALICE, args);
    given.must(&declare);
    let earnest = |g: &mut Given| {
        g.ask_with(g.incident(), ALICE, &Wish::credential(SHOP), |r| {
            r.drill = false
        })
    };
    check(given.clone(), earnest, Then::Refused(Code::BindingMismatch));
    check(given, |g| g.ask(ALICE, &Wish::credential(SHOP)), REQUESTED);
}

#[test]
fn the_wish_lies_within_the_entitlement() {
    let shop = || Wish::credential(SHOP);
    check(
        Given::declared(),
        |g| g.ask(ALICE, &shop().for_s(4 * 3600)),
        REQUESTED,
    );
    check(
        Given::declared(),
        |g| g.ask(ALICE, &shop().for_s(60)),
        REQUESTED,
    );
    ask_changed(
        |r| r.approve_by = r.issued_at,
        Then::Refused(Code::ApproveByOutOfRange),
    );
    ask_changed(|r| r.approve_by = r.issued_at.plus_s(1), REQUESTED);
    ask_changed(
        |r| r.justification = prose("\n"),
        Then::Refused(Code::TextMissing),
    );
    ask_changed(
        |r| r.purpose.target = line("somewhere"),
        Then::Refused(Code::ActionNotPermitted),
    );
}

#[test]
fn an_action_needs_a_target() {
    let when = |g: &mut Given| {
        let incident = g.incident();
        g.ask_with(incident, ALICE, &Wish::rollback(SHOP), |r| {
            r.purpose.target = line("")
        })
    };
    check(Given::declared(), when, Then::Refused(Code::TextMissing));
}

#[test]
fn a_pending_rotation_blocks_nobody_but_must_be_named_after_a_minute() {
    let over = Given::over;
    let silent = |g: &mut Given| {
        let incident = g.incident();
        g.ask_with(incident, MALLORY, &Wish::credential(SHOP), |r| {
            r.warnings.clear()
        })
    };
    // Alice knows the credential for more than a minute; only the rotation is news.
    let only_known = |g: &mut Given| {
        let incident = g.incident();
        g.ask_with(incident, MALLORY, &Wish::credential(SHOP), |r| {
            r.warnings.retain(|w| w.code.as_str() == "credential_known");
        })
    };
    let waiting = |ms: i64| {
        let mut given = over();
        given.sleep_ms(ms);
        given
    };
    check(waiting(0), only_known, REQUESTED);
    check(waiting(59_999), only_known, REQUESTED);
    check(
        waiting(60_000),
        only_known,
        Then::Refused(Code::WarningMissing),
    );
    check(waiting(60_000), silent, Then::Refused(Code::WarningMissing));
    let given = check(
        waiting(60_000),
        |g| g.ask(MALLORY, &Wish::credential(SHOP)),
        REQUESTED,
    );
    let warnings = &given
        .world()
        .request(&given.request())
        .unwrap()
        .asked
        .warnings;
    let codes: Vec<_> = warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["rotation_pending", "credential_known"]);
}

#[test]
fn a_disclosure_in_the_last_minute_may_be_missing_from_a_request() {
    let given = Given::declared().asked(&Wish::credential(READER));
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    given.sleep_s(3600);
    let before = given.ask(MALLORY, &Wish::credential(READER));
    let checkout = given.checkout(ALICE, given.grant());
    given.must(&checkout);
    given.sleep_ms(59_999);
    let mut later = given.clone();
    check(given, |_| before.clone(), REQUESTED);
    later.sleep_ms(1);
    check(later, |_| before, Then::Refused(Code::WarningMissing));
}

#[test]
fn more_warnings_than_hold_are_welcome() {
    let warning = || Warning {
        args: Vec::new(),
        code: name("full_moon"),
    };
    ask_changed(|r| r.warnings.push(warning()), REQUESTED);
}

#[test]
fn a_denial_is_shown_to_the_approvers_of_the_next_request() {
    let mut given = Given::denied();
    given.sleep_s(60);
    let silent = |g: &mut Given| {
        let incident = g.incident();
        g.ask_with(incident, ALICE, &Wish::credential(SHOP), |r| {
            r.warnings.clear()
        })
    };
    check(given.clone(), silent, Then::Refused(Code::WarningMissing));
    let given = check(given, |g| g.ask(ALICE, &Wish::credential(SHOP)), REQUESTED);
    let warnings = &given
        .world()
        .request(&given.request())
        .unwrap()
        .asked
        .warnings;
    assert_eq!(warnings[0].code.as_str(), "denied_before");
    assert_eq!(warnings[0].args, [line("bob")]);
}

#[test]
fn only_the_requester_withdraws_and_only_while_it_waits() {
    let given = check(
        Given::approved_once(),
        |g| g.withdraw(ALICE, g.request()),
        Then::Recorded(&["BREAK_GLASS_WITHDRAWN"]),
    );
    check(
        given,
        |g| g.withdraw(ALICE, g.request()),
        Then::Refused(Code::RequestNotPending),
    );
    check(
        Given::requested(),
        |g| g.withdraw(BOB, g.request()),
        Then::Refused(Code::NotRequester),
    );
}

#[test]
fn a_shared_account_is_asked_for_while_somebody_holds_it() {
    let given = Given::declared().asked(&Wish::credential(READER));
    let given = given.approved_by(BOB).approved_by(CAROL);
    check(
        given,
        |g| g.ask(MALLORY, &Wish::credential(READER)),
        REQUESTED,
    );
    check(
        Given::granted(),
        |g| g.ask(MALLORY, &Wish::credential(SHOP)),
        Then::Refused(Code::AccountBusy),
    );
}

#[test]
fn a_request_names_the_authority_in_force() {
    let mut given = Given::declared();
    let ask = given.ask(ALICE, &Wish::credential(SHOP));
    let mut next: Authority = successor(&given.authority());
    person_mut(&mut next, "frank").privileges.clear();
    let publish = given.publish(next, true);
    given.must(&publish);
    check(given.clone(), |_| ask, Then::Refused(Code::StaleAuthority));
    check(given, |g| g.ask(ALICE, &Wish::credential(SHOP)), REQUESTED);
}
