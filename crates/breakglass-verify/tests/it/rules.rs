//! Access that a server gave against the rules, in logs that are hashed and signed as they should
//! be: each is told by the code of its finding.

use breakglass_format::{
    GrantId,
    act::{Command, NoArgs},
    event::{BreakGlassDenied, BreakGlassExtended, BreakGlassLapsed},
    statement::{Denial, Kind, Release, Request},
};

use crate::{
    people::{member, read, signer},
    scribe::{Scribe, broken, none, sha256},
    steps::{Asked, HOUR},
    story::{self, Told},
};

/// A grant on whatever approvals these people give, as they give them.
fn granted_by(approvers: &[&str]) -> Scribe {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals: Vec<_> = approvers
        .iter()
        .map(|name| log.approve(name, &asked, |_| {}))
        .collect();
    log.grant(&asked, &approvals, |_| {});
    log
}

#[test]
fn two_people_from_both_groups_are_enough() {
    assert_eq!(granted_by(&["bob", "carol"]).verdict().findings, []);
    assert_eq!(granted_by(&["carol2", "bob"]).verdict().findings, []);
}

#[test]
fn one_approval_is_not_enough() {
    broken(&granted_by(&["bob"]), &["grant_without_quorum"]);
}

#[test]
fn the_requester_does_not_count() {
    let expected = [
        "approver_is_requester",
        "approver_not_entitled",
        "grant_without_quorum",
    ];
    broken(&granted_by(&["bob", "alice"]), &expected);
}

#[test]
fn one_approval_counted_twice_is_one_approval() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let one = log.approve("carol", &asked, |_| {});
    log.grant(&asked, &[one.clone(), one], |_| {});
    broken(&log, &["event_differs_from_log", "grant_without_quorum"]);
}

#[test]
fn somebody_outside_the_groups_does_not_count() {
    broken(
        &granted_by(&["bob", "dave"]),
        &["approver_not_entitled", "grant_without_quorum"],
    );
}

#[test]
fn an_approval_of_another_request_does_not_count() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let other = Asked {
        id: asked.id,
        request: log.wish("alice", incident),
    };
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &other, |_| {}),
    ];
    log.grant(&asked, &approvals, |_| {});
    broken(
        &log,
        &["approval_of_another_request", "grant_without_quorum"],
    );
}

#[test]
fn a_denied_request_is_over() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let said = log.act("alice", asked.id, Command::Withdraw(NoArgs {}));
    let withdrawn = breakglass_format::event::BreakGlassWithdrawn {
        incident_id: incident,
        request_id: asked.id,
    };
    log.caused(&said, withdrawn);
    assert_eq!(log.verdict().findings, []);
    log.approve("bob", &asked, |_| {});
    broken(&log, &["request_not_pending"]);
}

#[test]
fn a_grant_is_no_longer_than_the_shortest_signature() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let short = log.approve("bob", &asked, |approval| approval.duration_s = HOUR);
    let approvals = [short, log.approve("carol", &asked, |_| {})];
    log.grant(&asked, &approvals, |_| {});
    broken(&log, &["grant_longer_than_signed"]);
}

#[test]
fn the_cap_is_the_entitlements() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    log.grant(&asked, &approvals, |d| d.cap = d.cap.plus_s(1));
    broken(&log, &["cap_too_late"]);
}

#[test]
fn a_grant_is_what_was_asked_for() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    log.grant(&asked, &approvals, |d| {
        d.holder = crate::people::member("erin")
    });
    broken(&log, &["grant_differs_from_request"]);
}

#[test]
fn an_exclusive_account_has_one_grant_at_a_time() {
    let Told {
        mut log, incident, ..
    } = story::granted();
    let asked = log.request("erin", incident, |_| {});
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    log.grant(&asked, &approvals, |_| {});
    broken(&log, &["account_taken"]);
}

fn asks(change: impl FnOnce(&mut Request)) -> Scribe {
    let (mut log, incident) = story::declared();
    log.request("alice", incident, change);
    log
}

#[test]
fn a_request_is_bound_to_incident_account_and_rules() {
    broken(
        &asks(|r| r.duration_s = 5 * HOUR),
        &["requester_not_entitled"],
    );
    broken(
        &asks(|r| r.purpose.kind = breakglass_format::vocabulary::PurposeKind::Action),
        &["requester_not_entitled"],
    );
    broken(
        &asks(|r| r.account.binding = sha256(b"x")),
        &["account_differs"],
    );
    broken(
        &asks(|r| r.on_server_loss = read("All is well.")),
        &["account_differs"],
    );
    broken(
        &asks(|r| r.incident.event = sha256(b"x")),
        &["event_differs_from_statement"],
    );
    broken(&asks(|r| r.drill = true), &["event_differs_from_statement"]);
}

#[test]
fn who_may_not_ask_does_not_get() {
    let (mut log, incident) = story::declared();
    log.request("dave", incident, |_| {});
    broken(&log, &["requester_not_entitled"]);
}

#[test]
fn an_event_says_what_was_signed() {
    let (mut log, incident) = story::declared();
    let request = log.wish("alice", incident);
    let said = log.said("alice", &request);
    log.requested(&said, &request, |d| d.justification = read("Because."));
    broken(&log, &["event_differs_from_statement"]);
}

/// Two people move the end of a grant.
pub(crate) fn extend(log: &mut Scribe, grant: GrantId, asked: &Asked, by: [&str; 2], seconds: i64) {
    let (_, first) = log.approve(by[0], asked, |_| {});
    let (said, second) = log.approve(by[1], asked, |_| {});
    let not_after = story::not_after(log).plus_s(seconds);
    let extended = BreakGlassExtended {
        approvals: vec![first, second],
        grant_id: grant,
        incident_id: asked.request.incident.id,
        not_after,
        request_id: asked.id,
    };
    log.caused(&said, extended);
}

fn extended(by: &str, seconds: i64, change: impl FnOnce(&mut Request)) -> Scribe {
    let Told {
        mut log,
        incident,
        grant,
        ..
    } = story::granted();
    log.wait(HOUR);
    let asked = log.request(by, incident, |request| {
        request.extends = grant.into();
        change(request);
    });
    extend(&mut log, grant, &asked, ["bob", "carol"], seconds);
    log
}

#[test]
fn an_extension_moves_the_end_as_far_as_was_signed() {
    assert_eq!(
        extended("alice", HOUR, |r| r.duration_s = HOUR)
            .verdict()
            .findings,
        []
    );
    let far = extended("alice", HOUR + 1, |r| r.duration_s = HOUR);
    broken(&far, &["grant_longer_than_signed"]);
    let beyond_cap = extended("alice", 4 * HOUR + 1, |_| {});
    broken(&beyond_cap, &["grant_longer_than_signed"]);
    broken(
        &extended("erin", HOUR, |_| {}),
        &["extension_of_another_grant"],
    );
    broken(
        &extended("alice", HOUR, |r| r.extends = none()),
        &["extension_of_another_grant"],
    );
    broken(
        &extended("alice", HOUR, |r| r.purpose.target = read("elsewhere")),
        &["extension_of_another_grant"],
    );
}

#[test]
fn access_ends_with_the_grant() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    log.wait(4 * HOUR - 1);
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["access_outside_grant"]);
}

#[test]
fn access_after_a_return_is_none() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::returned();
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["access_outside_grant"]);
}

#[test]
fn only_the_holder_checks_out() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let said = log.checkout("erin", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["access_by_another"]);
}

#[test]
fn checkouts_are_counted() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |request| request.uses = 1);
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    assert_eq!(log.verdict().findings, []);
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["uses_exceeded"]);
}

pub(crate) fn denied(log: &mut Scribe, by: &str, asked: &Asked, ends: bool) {
    log.wait(1);
    let denial = Denial {
        kind: Kind::Denial,
        approver: signer(by),
        duration_s: 0,
        log: log.head(),
        reason: read("Not now."),
        release: Release::default(),
        request: asked.request.clone(),
        signed_at: log.now,
    };
    let said = log.said(by, &denial);
    let denied = BreakGlassDenied {
        approver: member(by),
        ends,
        incident_id: asked.request.incident.id,
        reason: denial.reason,
        request_id: asked.id,
    };
    log.caused(&said, denied);
}

#[test]
fn a_persons_first_denial_ends_a_request_and_the_next_does_not() {
    let (mut log, incident) = story::declared();
    let first = log.request("alice", incident, |_| {});
    denied(&mut log, "bob", &first, true);
    let second = log.request("alice", incident, |_| {});
    denied(&mut log, "bob", &second, false);
    assert_eq!(log.verdict().findings, []);
    let third = log.request("alice", incident, |_| {});
    denied(&mut log, "bob", &third, true);
    broken(&log, &["denial_ends"]);
}

#[test]
fn only_whom_the_entitlement_names_denies() {
    for by in ["erin", "alice"] {
        let (mut log, incident) = story::declared();
        let asked = log.request("alice", incident, |_| {});
        denied(&mut log, by, &asked, true);
        broken(&log, &["denier_not_entitled"]);
    }
}

#[test]
fn a_request_lapses_when_its_time_is_over() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let lapsed = BreakGlassLapsed {
        incident_id: incident,
        request_id: asked.id,
    };
    let mut early = log.clone();
    early.server(lapsed.clone());
    broken(&early, &["lapsed_early"]);
    log.now = asked.request.approve_by;
    log.server(lapsed);
    assert_eq!(log.verdict().findings, []);
}
