//! What follows an incident: the board told, the report, the reviews, the decision.

use breakglass_core::{obligation::Status, refusal::Code};
use breakglass_format::{
    Name,
    act::Declare,
    vocabulary::{Obligation, Privilege},
};
use breakglass_testkit::{
    Given, Hand, Then,
    aftermath::review,
    check,
    harness::types,
    people::{
        ALICE, BOB, CAROL, ERIN, FRANK, GRACE, JUDY, MALLORY, OSCAR, READER, SHOP, line, name,
        person_mut, prose, successor,
    },
    statements::outage,
};

use crate::derive_agrees::derive_agrees;

const NOTIFIED: Then<'_> = Then::Recorded(&["CAB_NOTIFIED"]);
const FILED: Then<'_> = Then::Recorded(&["INCIDENT_REPORT_FILED"]);
const REVIEWED: Then<'_> = Then::Recorded(&["POST_INCIDENT_REVIEW_COMPLETED"]);
const DECIDED: Then<'_> = Then::Recorded(&["CAB_REVIEWED"]);
const ACCESS_REVIEWED: Then<'_> = Then::Recorded(&["ACCESS_REVIEWED"]);
const UPDATED: Then<'_> = Then::Recorded(&["PROCEDURE_UPDATED"]);

fn status(given: &Given, of: Obligation) -> Option<(i64, Status)> {
    let incident = given.world().incident(&given.incident()).unwrap();
    let duties = given.world().obligations(incident, given.now());
    let found = duties.into_iter().find(|(clock, _)| clock.obligation == of);
    found.map(|(clock, status)| (clock.length_s, status))
}

fn is_met(given: &Given, of: Obligation) -> bool {
    matches!(status(given, of), Some((_, Status::Met(_))))
}

fn privileged(mut given: Given, principal: &str, privilege: Privilege) -> Given {
    let mut next = successor(&given.authority());
    person_mut(&mut next, principal).privileges.push(privilege);
    let publish = given.publish(next, true);
    given.must(&publish);
    given
}

fn patch() -> Declare {
    Declare {
        scenario: name("critical-patch"),
        threat: prose("Anybody can run code on the shop."),
        service: line(""),
        ..outage()
    }
}

#[test]
fn the_board_is_told_of_a_critical_patch_within_a_day_before_or_after_the_deployment() {
    let declared = |args: Declare| {
        let mut given = Given::ready();
        let declare = given.declare(ALICE, args);
        given.must(&declare);
        given
    };
    assert_eq!(status(&declared(outage()), Obligation::CabNotified), None);
    let given = declared(patch());
    let open = Some((86_400, Status::Open));
    assert_eq!(status(&given, Obligation::CabNotified), open);
    for stranger in [ALICE, BOB, FRANK] {
        let refused = Then::Refused(Code::NotEntitled);
        check(given.clone(), |g| g.notify_cab(stranger), refused);
    }
    for hand in [ERIN, OSCAR] {
        let told = check(given.clone(), |g| g.notify_cab(hand), NOTIFIED);
        assert!(is_met(&told, Obligation::CabNotified));
    }
    let mut late = given;
    assert_eq!(types(&late.pass_s(86_400)), ["OBLIGATION_OVERDUE"; 0]);
    late.sleep_ms(1);
    assert!(types(&late.tick()).contains(&"OBLIGATION_OVERDUE"));
    let late = check(late, |g| g.notify_cab(ERIN), NOTIFIED);
    let (_, status) = status(&late, Obligation::CabNotified).unwrap();
    assert!(matches!(status, Status::MetLate(_)));
}

#[test]
fn a_resolution_starts_every_clock_of_the_procedure() {
    let given = Given::resolved();
    let incident = given.world().incident(&given.incident()).unwrap();
    let clocks: Vec<(Obligation, &str, i64)> = incident.clocks[1..]
        .iter()
        .map(|c| (c.obligation, c.subject.as_str(), c.length_s))
        .collect();
    assert_eq!(
        clocks,
        [
            (Obligation::CredentialRotation, SHOP, 3_600),
            (Obligation::AccessReview, SHOP, 7 * 86_400),
            (Obligation::IncidentReport, "", 86_400),
            (Obligation::PostIncidentReview, "", 2 * 86_400),
            (Obligation::CabReview, "", 7 * 86_400),
        ]
    );
    let owner = |of: Obligation| {
        let clock = incident.clocks.iter().rfind(|c| c.obligation == of);
        clock.unwrap().owner.to_string()
    };
    assert_eq!(owner(Obligation::IncidentReport), "per_erin");
    assert_eq!(owner(Obligation::PostIncidentReview), "per_frank");
    assert_eq!(owner(Obligation::AccessReview), "per_grace");
    assert_eq!(owner(Obligation::CabReview), "per_oscar");
}

#[test]
fn a_critical_patch_is_reviewed_within_a_day() {
    let mut given = Given::ready();
    for act in [
        |g: &mut Given| g.declare(ALICE, patch()),
        |g: &mut Given| g.resolve(ERIN, g.incident()),
    ] {
        let act = act(&mut given);
        given.must(&act);
    }
    let day = Some((86_400, Status::Open));
    assert_eq!(status(&given, Obligation::PostIncidentReview), day);
}

#[test]
fn whoever_leads_files_the_report_after_the_resolution_with_one_document() {
    let refused = Then::Refused(Code::IncidentNotResolved);
    check(Given::checked_out(), |g| g.file_report(ERIN), refused);
    for hand in [ALICE, BOB, FRANK, OSCAR] {
        let refused = Then::Refused(Code::NotEntitled);
        check(Given::resolved(), |g| g.file_report(hand), refused);
    }
    for documents in [&[][..], &["one", "two"]] {
        let refused = Then::Refused(Code::DocumentMissing);
        let file = |g: &mut Given| g.file_report_with(ERIN, documents);
        check(Given::resolved(), file, refused);
    }
    let given = check(Given::resolved(), |g| g.file_report(ERIN), FILED);
    assert!(is_met(&given, Obligation::IncidentReport));
    // A better one replaces it; the duty was met by the first.
    let mut given = given;
    given.sleep_s(3 * 86_400);
    let given = check(given, |g| g.file_report(ERIN), FILED);
    assert!(is_met(&given, Obligation::IncidentReport));
    let incident = given.world().incident(&given.incident()).unwrap();
    assert_eq!(incident.aftermath.reports, 2);
}

#[test]
fn who_took_part_does_not_review() {
    let review_by = |hand: Hand| {
        move |g: &mut Given| {
            let review = review(g, &[]);
            g.complete_review(hand, review)
        }
    };
    check(Given::resolved(), review_by(FRANK), REVIEWED);
    let refused = Then::Refused(Code::NotEntitled);
    check(Given::resolved(), review_by(MALLORY), refused);
    // Requester and operator, approvers, commander.
    for principal in ["alice", "bob", "carol", "erin"] {
        let given = privileged(Given::resolved(), principal, Privilege::Reviewer);
        let hand = [ALICE, BOB, CAROL, ERIN]
            .into_iter()
            .find(|h| h.principal().as_str() == principal)
            .unwrap();
        check(given, review_by(hand), Then::Refused(Code::TookPart));
    }
    // Who documents an action took part in it.
    let mut given = Given::checked_out();
    for act in [
        |g: &mut Given| g.document(FRANK, g.grant(), "I restarted the cache."),
        |g: &mut Given| g.resolve(ERIN, g.incident()),
    ] {
        let act = act(&mut given);
        given.must(&act);
    }
    check(given, review_by(FRANK), Then::Refused(Code::TookPart));
}

#[test]
fn whoever_resolves_for_the_commander_took_part() {
    let given = privileged(Given::checked_out(), "frank", Privilege::Command);
    // With frank as the only other reviewer the review would have been his.
    let given = privileged(given, "judy", Privilege::Reviewer);
    let resolved = Then::Recorded(&["BREAK_GLASS_ENDED", "INCIDENT_RESOLVED"]);
    let given = check(given, |g| g.resolve(FRANK, g.incident()), resolved);
    let incident = given.world().incident(&given.incident()).unwrap();
    let mut clocks = incident.clocks.iter();
    let review_clock = clocks.rfind(|c| c.obligation == Obligation::PostIncidentReview);
    assert_eq!(review_clock.unwrap().owner, JUDY.person());
    let review_by = |hand: Hand| {
        move |g: &mut Given| {
            let review = review(g, &[]);
            g.complete_review(hand, review)
        }
    };
    derive_agrees(&given).unwrap();
    let refused = Then::Refused(Code::TookPart);
    check(given.clone(), review_by(FRANK), refused);
    check(given, review_by(JUDY), REVIEWED);
}

#[test]
fn a_review_leaves_no_grant_and_no_action_out_and_adds_none() {
    let mut given = Given::checked_out();
    for act in [
        |g: &mut Given| g.document(ALICE, g.grant(), "Rolled back."),
        |g: &mut Given| g.document(ALICE, g.grant(), "Cleared the cache."),
        |g: &mut Given| g.resolve(ERIN, g.incident()),
    ] {
        let act = act(&mut given);
        given.must(&act);
    }
    let whole = review(&given, &[]);
    let subjects: Vec<&str> = whole.verdicts.iter().map(|v| v.subject.as_str()).collect();
    assert_eq!(subjects, ["G-1", "G-1/1", "G-1/2"]);
    let differs = Then::Refused(Code::VerdictsDiffer);
    for left_out in 0..3 {
        let mut review = whole.clone();
        review.verdicts.remove(left_out);
        check(given.clone(), |g| g.complete_review(FRANK, review), differs);
    }
    for (n, subject) in [(2, "G-1/1"), (0, "G-2"), (1, "G-1/3"), (1, "alice")] {
        let mut review = whole.clone();
        review.verdicts[n].subject = line(subject);
        check(given.clone(), |g| g.complete_review(FRANK, review), differs);
    }
    check(given, |g| g.complete_review(FRANK, whole), REVIEWED);
}

#[test]
fn gaps_start_the_clock_of_the_procedure() {
    let reviewed = |gaps: &[&str]| {
        let given = Given::resolved();
        let review = review(&given, gaps);
        check(given, |g| g.complete_review(FRANK, review), REVIEWED)
    };
    let none = reviewed(&[]);
    assert_eq!(status(&none, Obligation::ProcedureUpdate), None);
    let given = reviewed(&["nobody knew who may restart the shop"]);
    let week = Some((7 * 86_400, Status::Open));
    assert_eq!(status(&given, Obligation::ProcedureUpdate), week);
    for hand in [ALICE, BOB, OSCAR] {
        let refused = Then::Refused(Code::NotEntitled);
        check(given.clone(), |g| g.update_procedure(hand), refused);
    }
    let given = check(given, |g| g.update_procedure(ERIN), UPDATED);
    assert!(is_met(&given, Obligation::ProcedureUpdate));
    // Another review that finds gaps calls for another update.
    let again = review(&given, &["and nobody wrote it down"]);
    let given = check(given, |g| g.complete_review(FRANK, again), REVIEWED);
    assert_eq!(status(&given, Obligation::ProcedureUpdate), week);
    check(given, |g| g.update_procedure(FRANK), UPDATED);
}

#[test]
fn the_board_decides_or_whoever_leads_brings_its_minutes() {
    let decide = |hand: Hand, proxy: bool, documents: &'static [&'static str], then: Then<'_>| {
        check(
            Given::resolved(),
            |g| g.decide_cab(hand, proxy, documents),
            then,
        )
    };
    let given = decide(OSCAR, false, &[], DECIDED);
    assert!(is_met(&given, Obligation::CabReview));
    decide(OSCAR, false, &["minutes"], DECIDED);
    decide(ERIN, true, &["minutes"], DECIDED);
    decide(ERIN, true, &[], Then::Refused(Code::DocumentMissing));
    decide(ERIN, false, &["minutes"], Then::Refused(Code::NotEntitled));
    decide(OSCAR, true, &["minutes"], Then::Refused(Code::NotEntitled));
    decide(ALICE, true, &["minutes"], Then::Refused(Code::NotEntitled));
}

#[test]
fn the_access_to_a_used_account_is_reviewed_by_somebody_who_did_not_hold_it() {
    let by = |hand: Hand, of: &'static str| {
        move |g: &mut Given| {
            let incident = g.incident();
            g.review_access(hand, of, incident)
        }
    };
    let given = check(Given::resolved(), by(GRACE, SHOP), ACCESS_REVIEWED);
    assert!(is_met(&given, Obligation::AccessReview));
    check(Given::resolved(), by(FRANK, SHOP), ACCESS_REVIEWED);
    let refused = Then::Refused(Code::NotEntitled);
    check(Given::resolved(), by(BOB, SHOP), refused);
    let refused = Then::Refused(Code::AccountNotUsed);
    check(Given::resolved(), by(GRACE, READER), refused);
    let refused = Then::Refused(Code::IncidentNotResolved);
    check(Given::checked_out(), by(GRACE, SHOP), refused);
    let given = privileged(Given::resolved(), "alice", Privilege::Account);
    check(given, by(ALICE, SHOP), Then::Refused(Code::OwnAccess));
}

#[test]
fn every_account_is_reviewed_every_quarter_with_everybody_who_may_ask() {
    let due = |given: &Given, of: &str| {
        let mut clocks = given.world().account_reviews();
        clocks.find(|(id, _)| id.as_str() == of).unwrap().1.due_at
    };
    let mut given = Given::ready();
    let first = due(&given, SHOP);
    assert_eq!(first, given.log()[1].entry.created_at.plus_s(92 * 86_400));
    let differs = Then::Refused(Code::EntitledDiffer);
    for people in [
        &["alice"][..],
        &["alice", "mallory", "bob"],
        &["alice", "alice", "mallory"],
    ] {
        check(
            given.clone(),
            |g| g.review_quarterly(GRACE, SHOP, people),
            differs,
        );
    }
    let both = ["alice", "mallory"];
    given = check(
        given,
        |g| g.review_quarterly(GRACE, SHOP, &both),
        ACCESS_REVIEWED,
    );
    let second = due(&given, SHOP);
    assert_eq!(second, given.now().plus_s(92 * 86_400));
    // The other accounts run out, once each; the shop a little later.
    let overdue = given.pass_s(first.since_ms(given.now()) / 1000 + 1);
    let subjects: Vec<String> = overdue
        .iter()
        .filter(|r| r.entry.event.event_type() == "OBLIGATION_OVERDUE")
        .map(|r| format!("{:?}", r.entry.event))
        .collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(!subjects.iter().any(|s| s.contains(SHOP)));
    let overdue = given.pass_s(120);
    assert_eq!(types(&overdue), ["OBLIGATION_OVERDUE"]);
    let given = check(
        given,
        |g| g.review_quarterly(GRACE, SHOP, &both),
        ACCESS_REVIEWED,
    );
    assert_eq!(due(&given, SHOP), given.now().plus_s(92 * 86_400));
}

#[test]
fn an_account_that_a_version_brings_has_its_clock_from_then_on() {
    let mut given = Given::ready();
    given.sleep_s(86_400);
    let mut next = successor(&given.authority());
    let mut new = next.accounts[0].clone();
    new.id = breakglass_testkit::people::account("acc_new");
    new.name = "new".parse::<Name>().unwrap();
    next.accounts.push(new);
    next.accounts.retain(|a| a.id.as_str() != READER);
    for e in &mut next.entitlements {
        e.accounts.retain(|id| id.as_str() != READER);
    }
    let publish = given.publish(next, true);
    given.must(&publish);
    let reviews: Vec<(String, i64)> = given
        .world()
        .account_reviews()
        .map(|(id, clock)| {
            (
                id.to_string(),
                clock.due_at.since_ms(given.now()) / 86_400_000,
            )
        })
        .collect();
    // What left the authority is reviewed no more.
    let ids: Vec<&str> = reviews.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["acc_new", "acc_shop_admin", "acc_vault_root"]);
    assert_eq!(reviews[0].1, 92);
    assert!(reviews[1].1 < 92);
}
