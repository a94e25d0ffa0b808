//! Declared, noted, resolved.

use breakglass_core::refusal::Code;
use breakglass_format::{
    act::Command as Act,
    vocabulary::{EndReason, Obligation},
};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{ALICE, BOB, CAROL, ERIN, FRANK, MALLORY, READER, SHOP, line, name, prose},
    statements::outage,
};

#[test]
fn anybody_enrolled_declares_and_the_clock_for_resolving_starts() {
    let given = check(
        Given::ready(),
        |g| g.declare(FRANK, outage()),
        Then::Recorded(&["INCIDENT_DECLARED"]),
    );
    let incident = given.world().incident(&given.incident()).unwrap();
    assert_eq!(incident.reference.to_string(), "INC-1");
    assert_eq!(incident.commander.principal.as_str(), "erin");
    let clock = &incident.clocks[0];
    assert_eq!(clock.obligation, Obligation::IncidentResolved);
    assert_eq!(clock.due_at, incident.declared_at.plus_s(24 * 3600));
}

#[test]
fn each_scenario_asks_for_what_it_needs() {
    let patch = |threat: &str| {
        let mut args = outage();
        args.scenario = name("critical-patch");
        args.service = line("");
        args.threat = prose(threat);
        args
    };
    check(
        Given::ready(),
        |g| g.declare(ALICE, patch("")),
        Then::Refused(Code::TextMissing),
    );
    check(
        Given::ready(),
        |g| g.declare(ALICE, patch("CVE-2026-0001 is exploited.")),
        Then::Recorded(&["INCIDENT_DECLARED"]),
    );
}

#[test]
fn a_note_is_taken_after_the_end_too() {
    check(
        Given::resolved(),
        |g| g.note(MALLORY, g.incident(), "The dashboard was wrong."),
        Then::Recorded(&["INCIDENT_NOTED"]),
    );
    check(
        Given::declared(),
        |g| g.note(ALICE, g.incident(), " \n"),
        Then::Refused(Code::TextMissing),
    );
}

#[test]
fn a_stranger_does_not_resolve() {
    for hand in [ALICE, BOB, MALLORY, FRANK] {
        check(
            Given::granted(),
            |g| g.resolve(hand, g.incident()),
            Then::Refused(Code::NotEntitled),
        );
    }
}

#[test]
fn the_commander_resolves_without_any_privilege() {
    let mut args = outage();
    args.commander = "alice".parse().unwrap();
    let mut given = Given::ready();
    let declare = given.declare(BOB, args);
    given.must(&declare);
    check(
        given,
        |g| g.resolve(ALICE, g.incident()),
        Then::Recorded(&["INCIDENT_RESOLVED"]),
    );
}

#[test]
fn resolving_ends_every_grant_and_voids_every_request() {
    let given = Given::checked_out().asked(&Wish::credential(READER));
    let given = given.approved_by(BOB).approved_by(CAROL);
    let mut given = given
        .asked(&Wish::credential(READER))
        .asked(&Wish::credential(READER));
    let other = given.declare(ALICE, outage());
    let resolved = given.incident();
    given.must(&other);
    let given = given.asked(&Wish::credential(READER));
    let given = check(
        given,
        |g| g.resolve(ERIN, resolved),
        Then::Recorded(&[
            "BREAK_GLASS_ENDED",
            "BREAK_GLASS_ENDED",
            "BREAK_GLASS_VOIDED",
            "BREAK_GLASS_VOIDED",
            "INCIDENT_RESOLVED",
        ]),
    );
    for grant in given.world().grants() {
        assert_eq!(grant.ended, Some((EndReason::Resolved, given.now())));
    }
    let pending = given.world().requests().filter(|r| r.is_pending());
    let pending: Vec<_> = pending.map(|r| r.incident).collect();
    assert_eq!(
        pending,
        [given.incident()],
        "another incident's request lives on"
    );
}

#[test]
fn resolving_twice_is_refused() {
    check(
        Given::resolved(),
        |g| g.resolve(ERIN, g.incident()),
        Then::Refused(Code::IncidentNotOpen),
    );
}

#[test]
fn what_was_seen_before_the_news_is_refused() {
    let given = Given::declared();
    let seen = given.world().incident(&given.incident()).unwrap().head;
    let summary = prose("Over.");
    let resolve = || {
        Act::Resolve(breakglass_format::act::Resolve {
            summary: summary.clone(),
        })
    };
    let mut later = given.clone().asked(&Wish::credential(SHOP));
    let stale = later.act_seeing(ERIN, later.incident(), seen, resolve());
    check(later, |_| stale, Then::Refused(Code::StaleObject));
    check(
        given,
        |g| g.act_seeing(ERIN, g.incident(), seen, resolve()),
        Then::Recorded(&["INCIDENT_RESOLVED"]),
    );
}
