//! A system failure: what the probes of the control plane refuse, and what they do not.

use breakglass_core::{Effect, refusal::Code};
use breakglass_format::vocabulary::{Occasion, Verdict};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{ALICE, BOB, CAROL, SHOP},
    statements::failure,
};

/// A system failure, with the verdict of its declaration.
fn failed(verdict: Verdict) -> Given {
    let mut given = Given::ready();
    let declare = given.declare(ALICE, failure());
    given.must(&declare);
    let report = given.probed(given.incident(), Occasion::Declaration, verdict);
    given.must(&report);
    given
}

fn says(given: &mut Given, verdict: Verdict) {
    let report = given.probed(given.incident(), Occasion::Pending, verdict);
    given.must(&report);
}

/// Access for a direct deployment, on the word of the probes alone.
fn granted() -> Given {
    let given = failed(Verdict::Down).asked(&Wish::action("direct_deployment", SHOP));
    given.approved_by(BOB).approved_by(CAROL)
}

#[test]
fn whoever_declares_is_believed_and_the_probes_are_asked_at_once() {
    let mut given = Given::ready();
    let declare = given.declare(ALICE, failure());
    given.must(&declare);
    let incident = given.incident();
    let occasion = Occasion::Declaration;
    assert_eq!(given.due(), [Effect::Probe { incident, occasion }]);
}

#[test]
fn only_up_refuses_a_request() {
    let wish = Wish::action("direct_deployment", SHOP);
    for verdict in [Verdict::Down, Verdict::CannotTell] {
        let asked = Then::Recorded(&["BREAK_GLASS_REQUESTED"]);
        check(failed(verdict), |g| g.ask(ALICE, &wish), asked);
    }
    let up = Then::Refused(Code::ControlPlaneUp);
    check(failed(Verdict::Up), |g| g.ask(ALICE, &wish), up);
}

#[test]
fn the_latest_verdict_counts_for_fifteen_minutes() {
    let wish = Wish::action("direct_deployment", SHOP);
    let mut given = failed(Verdict::Up);
    says(&mut given, Verdict::Down);
    given.sleep_s(15 * 60);
    let asked = Then::Recorded(&["BREAK_GLASS_REQUESTED"]);
    check(given, |g| g.ask(ALICE, &wish), asked);
    let mut given = failed(Verdict::Down);
    given.sleep_ms(15 * 60 * 1000 + 1);
    let unverified = Then::Refused(Code::ControlPlaneUnverified);
    check(given, |g| g.ask(ALICE, &wish), unverified);
}

#[test]
fn an_attestation_that_the_approvers_sign_outweighs_up() {
    let wish = Wish::action("direct_deployment", SHOP).attesting("it answers, it deploys nothing");
    let given = failed(Verdict::Up).asked(&wish).approved_by(BOB);
    let granted = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_GRANTED"]);
    check(given, |g| g.approve(CAROL, g.request()), granted);
    let given = failed(Verdict::Up).asked(&wish);
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let order = given.order(ALICE, given.grant());
    given.must(&order);
    says(&mut given, Verdict::Up);
    let claimed = Then::Recorded(&["EFFECT_CLAIMED"]);
    check(given, |g| g.claim_run(g.run()), claimed);
}

#[test]
fn what_came_up_again_is_not_gone_round_at_the_last_approval() {
    let given = failed(Verdict::Down).asked(&Wish::action("direct_deployment", SHOP));
    let mut given = given.approved_by(BOB);
    says(&mut given, Verdict::Up);
    let up = Then::Refused(Code::ControlPlaneUp);
    check(given, |g| g.approve(CAROL, g.request()), up);
}

#[test]
fn nothing_is_dispatched_once_the_control_plane_is_up() {
    let mut given = granted();
    let order = given.order(ALICE, given.grant());
    given.must(&order);
    says(&mut given, Verdict::Up);
    let up = Then::Refused(Code::ControlPlaneUp);
    check(given, |g| g.claim_run(g.run()), up);
    let mut given = granted();
    let order = given.order(ALICE, given.grant());
    given.must(&order);
    given.sleep_s(14 * 60);
    let unverified = Then::Refused(Code::ControlPlaneUnverified);
    check(given, |g| g.claim_run(g.run()), unverified);
}

#[test]
fn a_request_names_a_verdict_of_its_own_incident() {
    let elsewhere = failed(Verdict::Down);
    let probe = elsewhere.world().incident(&elsewhere.incident());
    let probe = probe.and_then(|i| i.probed()).unwrap().event;
    let mut given = Given::ready();
    let declare = given.declare(ALICE, failure());
    given.must(&declare);
    given.sleep_s(60);
    let second = given.declare(ALICE, failure());
    given.must(&second);
    says(&mut given, Verdict::Down);
    let incident = given.incident();
    let wish = Wish::action("direct_deployment", SHOP);
    check(
        given,
        |g| {
            g.ask_with(incident, ALICE, &wish, |r| {
                r.control_plane.probe = Some(probe).into()
            })
        },
        Then::Refused(Code::ControlPlaneUnverified),
    );
    let probe = Then::Refused(Code::BindingMismatch);
    check(
        Given::declared(),
        |g| {
            g.ask(
                ALICE,
                &Wish::credential(SHOP).attesting("no such thing is asked"),
            )
        },
        probe,
    );
}

#[test]
fn while_a_request_waits_it_is_probed_every_five_minutes() {
    let mut given = failed(Verdict::Down).asked(&Wish::action("direct_deployment", SHOP));
    assert!(given.due().is_empty());
    given.sleep_s(5 * 60);
    let (incident, occasion) = (given.incident(), Occasion::Pending);
    assert_eq!(given.due(), [Effect::Probe { incident, occasion }]);
    let withdraw = given.withdraw(ALICE, given.request());
    given.must(&withdraw);
    assert!(given.due().is_empty(), "nobody waits any more");
}

#[test]
fn nobody_fills_the_log_with_probes() {
    let mut given = failed(Verdict::Down);
    given.sleep_s(10);
    let probe = given.probe(BOB, given.incident());
    given.must(&probe);
    let just = Then::Refused(Code::JustProbed);
    check(given, |g| g.probe(CAROL, g.incident()), just);
}
