//! What follows an incident, against the rules: by the wrong person, too early, not by two.

use breakglass_format::{
    Event, IncidentId,
    act::{
        Command, CompleteReview, DecideCab, FileReport, NoArgs, PersonDecision, Record,
        ReviewAccess, Transfer, UpdateProcedure, Verdict, Waive,
    },
    event::{
        AccessReviewed, BreakGlassAction, CabReviewed, Clock, CommandTransferred, IncidentClosed,
        IncidentReopened, IncidentReportFiled, ObligationWaived, PostIncidentReviewCompleted,
        ProcedureUpdated,
    },
    vocabulary::{AccessDecision, ActionMode, CabDecision, Judgement, Obligation},
};

use crate::{
    people::{account, member, person, read},
    scribe::{Said, Scribe, broken, none},
    steps::HOUR,
    story::{self, Told},
};

const DAY: i64 = 24 * HOUR;

/// Resolved, and everything is still to be done.
fn resolved() -> (Scribe, IncidentId) {
    let Told { log, incident, .. } = story::whole();
    (log, incident)
}

/// Somebody signs an act about an incident, with these documents beside it.
fn says(log: &mut Scribe, by: &str, id: IncidentId, command: Command, documents: &[&str]) -> Said {
    let documents = documents.iter().map(|d| log.blob(d.as_bytes())).collect();
    log.act_with(by, id, command, |act| act.documents = documents)
}

fn report(log: &mut Scribe, by: &str, id: IncidentId, version: i64) {
    let args = FileReport {
        summary: read("A bad release."),
    };
    let said = says(log, by, id, Command::FileReport(args.clone()), &["report"]);
    let filed = IncidentReportFiled {
        document: log.blob(b"report"),
        incident_id: id,
        summary: args.summary,
        version,
    };
    log.caused(&said, filed);
}

fn verdicts(subjects: &[&str]) -> Vec<Verdict> {
    let verdict = |subject: &&str| Verdict {
        remark: read(""),
        subject: read(subject),
        verdict: Judgement::Justified,
    };
    subjects.iter().map(verdict).collect()
}

fn review(log: &mut Scribe, by: &str, id: IncidentId, subjects: &[&str], gaps: &[&str]) {
    let args = CompleteReview {
        follow_ups: Vec::new(),
        gaps: gaps.iter().map(|gap| read(gap)).collect(),
        root_cause: read("Nobody tried it."),
        verdicts: verdicts(subjects),
    };
    let said = says(log, by, id, Command::CompleteReview(args.clone()), &[]);
    let clock = log.clock(Obligation::ProcedureUpdate, "", 7 * DAY);
    let before = log.count(|e| matches!(e, Event::PostIncidentReviewCompleted(_)));
    let completed = PostIncidentReviewCompleted {
        clocks: if gaps.is_empty() {
            Vec::new()
        } else {
            vec![clock]
        },
        document: none(),
        follow_ups: args.follow_ups,
        gaps: args.gaps,
        incident_id: id,
        root_cause: args.root_cause,
        verdicts: args.verdicts,
        version: before + 1,
    };
    log.caused(&said, completed);
}

fn decide(log: &mut Scribe, by: &str, id: IncidentId, proxy: bool, minutes: &[&str]) {
    let args = DecideCab {
        decision: CabDecision::Accepted,
        proxy,
        remark: read("Fine."),
    };
    let said = says(log, by, id, Command::DecideCab(args.clone()), minutes);
    let document = minutes.first().map(|m| log.blob(m.as_bytes()));
    let decided = CabReviewed {
        decision: args.decision,
        document: document.into(),
        incident_id: id,
        proxy,
        remark: args.remark,
    };
    log.caused(&said, decided);
}

/// The review of the account: after this incident, or of these people every quarter.
fn access(log: &mut Scribe, by: &str, id: Option<IncidentId>, people: &[&str]) {
    let decision = AccessDecision::Keep;
    let decided = people.iter().map(|name| PersonDecision {
        decision,
        person: person(name),
    });
    let args = ReviewAccess {
        decision,
        entitled: decided.collect(),
        incident: id.into(),
        remark: read("Needed."),
    };
    let said = log.act(by, account().id, Command::ReviewAccess(args.clone()));
    let reviewed = AccessReviewed {
        account: account(),
        clocks: id
            .is_none()
            .then(|| log.quarterly_clock())
            .into_iter()
            .collect(),
        decision,
        entitled: args.entitled,
        incident_id: args.incident,
        remark: args.remark,
    };
    log.caused(&said, reviewed);
}

fn close(log: &mut Scribe, by: &str, id: IncidentId) {
    let said = says(log, by, id, Command::Close(NoArgs {}), &[]);
    log.caused(&said, IncidentClosed { incident_id: id });
}

/// Everything is done but the closing.
fn settled() -> (Scribe, IncidentId) {
    let (mut log, id) = resolved();
    report(&mut log, "alice", id, 1);
    review(&mut log, "dave", id, &["G-1", "G-1/1"], &[]);
    decide(&mut log, "dave", id, false, &[]);
    access(&mut log, "bob", Some(id), &[]);
    (log, id)
}

#[test]
fn everything_in_its_order_is_ok() {
    let (mut log, id) = settled();
    close(&mut log, "alice", id);
    let verdict = log.verdict();
    assert_eq!(verdict.findings, []);
    assert!(verdict.derived.incidents[&id].closed_at.is_some());
}

#[test]
fn a_report_is_the_commanders_and_comes_after_the_end() {
    let (mut log, id) = resolved();
    let mut stranger = log.clone();
    report(&mut stranger, "dave", id, 1);
    broken(&stranger, &["not_privileged"]);
    let mut second = log.clone();
    report(&mut second, "alice", id, 2);
    broken(&second, &["version_out_of_order"]);
    report(&mut log, "alice", id, 1);
    report(&mut log, "alice", id, 2);
    assert_eq!(log.verdict().findings, []);
    let (mut early, id) = story::declared();
    report(&mut early, "alice", id, 1);
    broken(&early, &["incident_not_resolved"]);
}

#[test]
fn a_review_is_whole_and_by_somebody_who_took_no_part() {
    let of = |by: &str, subjects: &[&str]| {
        let (mut log, id) = resolved();
        review(&mut log, by, id, subjects, &[]);
        log
    };
    assert_eq!(of("dave", &["G-1", "G-1/1"]).verdict().findings, []);
    for subjects in [
        &["G-1"][..],
        &["G-1/1"],
        &["G-1", "G-1/1", "G-1/1"],
        &["G-1", "G-2"],
    ] {
        broken(&of("dave", subjects), &["review_incomplete"]);
    }
    let took_part = ["judged_by_participant", "not_privileged"];
    broken(&of("carol", &["G-1", "G-1/1"]), &took_part);
    broken(&of("erin", &["G-1", "G-1/1"]), &["not_privileged"]);
}

#[test]
fn gaps_start_a_clock_that_only_an_update_meets() {
    let (mut log, id) = resolved();
    review(
        &mut log,
        "dave",
        id,
        &["G-1", "G-1/1"],
        &["nobody tries releases"],
    );
    let mut without = log.clone();
    let last = without.entries.len() - 1;
    without.rewrite(last, |entry| {
        if let Event::PostIncidentReviewCompleted(d) = &mut entry.event {
            d.clocks.clear();
        }
    });
    broken(&without, &["clock_missing"]);
    let args = UpdateProcedure {
        reference: read("wiki"),
        summary: read("Releases are tried."),
    };
    let said = says(
        &mut log,
        "alice",
        id,
        Command::UpdateProcedure(args.clone()),
        &[],
    );
    let updated = ProcedureUpdated {
        document: none(),
        incident_id: id,
        reference: args.reference,
        summary: args.summary,
    };
    log.caused(&said, updated);
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn the_board_signs_or_somebody_brings_its_minutes() {
    let of = |by: &str, proxy: bool, minutes: &[&str]| {
        let (mut log, id) = resolved();
        decide(&mut log, by, id, proxy, minutes);
        log
    };
    assert_eq!(of("alice", true, &["minutes"]).verdict().findings, []);
    broken(&of("alice", true, &[]), &["minutes_missing"]);
    broken(&of("alice", false, &[]), &["not_privileged"]);
    broken(&of("bob", true, &["minutes"]), &["not_privileged"]);
}

#[test]
fn access_is_reviewed_by_somebody_else_and_of_everybody() {
    let of = |by: &str, people: &[&str], after: bool| {
        let (mut log, id) = resolved();
        access(&mut log, by, after.then_some(id), people);
        log
    };
    assert_eq!(of("bob", &["alice", "erin"], false).verdict().findings, []);
    for people in [&["alice"][..], &["alice", "erin", "bob"], &[]] {
        broken(&of("bob", people, false), &["review_incomplete"]);
    }
    let own = ["not_privileged", "own_access"];
    broken(&of("alice", &["alice", "erin"], false), &own);
    broken(&of("alice", &[], true), &own);
    let (mut unused, id) = story::declared();
    unused.resolve("alice", id, |_| {});
    access(&mut unused, "bob", Some(id), &[]);
    broken(&unused, &["account_not_used"]);
}

/// Two people let a duty go; `by` one after the other.
fn waived(by: [&str; 2], change: impl Fn(&mut Waive)) -> Scribe {
    let (mut log, id) = resolved();
    let mut args = Waive {
        account_gone: false,
        obligation: Obligation::IncidentReport,
        reason: read("Nothing to report."),
        subject: read(""),
    };
    change(&mut args);
    let first = says(&mut log, by[0], id, Command::Waive(args.clone()), &[]);
    story::proposed_about(&mut log, &first, id, &Command::Waive(args.clone()));
    let second = says(&mut log, by[1], id, Command::Waive(args.clone()), &[]);
    let waived = ObligationWaived {
        account_gone: args.account_gone,
        incident_id: id,
        obligation: args.obligation,
        reason: args.reason,
        subject: args.subject,
        waived_by: by.map(member).to_vec(),
    };
    log.caused(&second, waived);
    log
}

#[test]
fn a_duty_is_let_go_by_two_who_took_no_part() {
    assert_eq!(waived(["dave", "erin"], |_| {}).verdict().findings, []);
    broken(&waived(["dave", "dave"], |_| {}), &["needs_two_people"]);
    broken(
        &waived(["dave", "bob"], |_| {}),
        &["judged_by_participant", "not_privileged"],
    );
    let own = waived(["dave", "erin"], |w| w.obligation = Obligation::CabReview);
    broken(&own, &["waived_by_owner"]);
}

#[test]
fn what_cannot_be_let_go_is_not() {
    let resolution = |w: &mut Waive| w.obligation = Obligation::IncidentResolved;
    broken(
        &waived(["dave", "erin"], resolution),
        &["not_waivable", "nothing_to_waive"],
    );
    let gone = waived(["dave", "erin"], |w| w.account_gone = true);
    broken(&gone, &["not_waivable"]);
    let nothing = waived(["dave", "erin"], |w| {
        w.obligation = Obligation::ProcedureUpdate
    });
    broken(&nothing, &["nothing_to_waive"]);
}

#[test]
fn nothing_is_closed_too_early_or_by_a_stranger_or_twice() {
    let (mut early, id) = resolved();
    close(&mut early, "alice", id);
    broken(&early, &["closed_too_early"]);
    let (mut stranger, id) = settled();
    close(&mut stranger, "erin", id);
    broken(&stranger, &["closed_by_stranger"]);
    let (mut twice, id) = settled();
    close(&mut twice, "alice", id);
    close(&mut twice, "alice", id);
    broken(&twice, &["incident_closed"]);
}

/// Why the grant was given.
fn justification(log: &Scribe) -> breakglass_format::Prose {
    let entries = log.entries.iter();
    let mut said = entries.filter_map(|bytes| {
        let entry = breakglass_format::Entry::from_bytes(bytes).unwrap();
        if let Event::BreakGlassGranted(d) = entry.event {
            Some(d.justification)
        } else {
            None
        }
    });
    said.next().unwrap()
}

/// An action that becomes known after the review.
fn late(log: &mut Scribe, id: IncidentId) -> breakglass_format::EventId {
    let grant = *log.verdict().derived.grants.keys().next().unwrap();
    let args = Record {
        action: read("rollback"),
        description: read("And the cache."),
        target: read("cache"),
    };
    let said = log.act("alice", grant, Command::Record(args.clone()));
    let action = BreakGlassAction {
        account: account(),
        action: args.action,
        artifact: read(""),
        description: args.description,
        grant_id: grant,
        incident_id: id,
        justification: justification(log),
        mode: ActionMode::Recorded,
        plan: none(),
        run_id: none(),
        target: args.target,
    };
    log.caused(&said, action)
}

#[test]
fn a_late_fact_opens_the_incident_again_and_nothing_else_does() {
    let reopen = |log: &mut Scribe, id, cause| {
        let clock = Clock {
            owner: person("dave"),
            ..log.clock(Obligation::PostIncidentReview, "", 2 * DAY)
        };
        log.server(IncidentReopened {
            cause,
            clocks: vec![clock],
            incident_id: id,
        });
    };
    let (mut log, id) = settled();
    close(&mut log, "alice", id);
    let mut silent = log.clone();
    late(&mut silent, id);
    broken(&silent, &["late_fact_unreviewed"]);
    let mut nothing = log.clone();
    let cause = breakglass_format::EventId::new(nothing.now, nothing.random());
    reopen(&mut nothing, id, cause);
    broken(&nothing, &["reopened_for_nothing"]);
    let cause = late(&mut log, id);
    reopen(&mut log, id, cause);
    assert_eq!(log.verdict().findings, []);
    let mut closed = log.clone();
    close(&mut closed, "alice", id);
    broken(&closed, &["closed_too_early"]);
    review(&mut log, "dave", id, &["G-1", "G-1/1", "G-1/2"], &[]);
    close(&mut log, "alice", id);
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn command_is_handed_over_by_whoever_leads() {
    let of = |by: &str, from: &str| {
        let (mut log, id) = resolved();
        let args = Transfer {
            reason: read("Off duty."),
            to: read("erin"),
        };
        let said = says(&mut log, by, id, Command::Transfer(args.clone()), &[]);
        let transferred = CommandTransferred {
            from: member(from),
            incident_id: id,
            reason: args.reason,
            to: member("erin"),
        };
        log.caused(&said, transferred);
        log
    };
    assert_eq!(of("alice", "alice").verdict().findings, []);
    broken(&of("bob", "alice"), &["needs_two_people"]);
    broken(
        &of("alice", "bob"),
        &["needs_two_people", "not_the_commander"],
    );
}
