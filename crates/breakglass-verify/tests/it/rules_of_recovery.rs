//! A log that was put back from copies, against the rules: what must end with it, and what may not
//! be called its consequence.

use breakglass_format::{
    EventId,
    event::{AccountRef, BreakGlassVoided, LOG_PUT_BACK, LogRecovered},
    vocabulary::EndReason,
};
use breakglass_verify::Outcome;

use crate::{
    people::{account, read},
    scribe::{Scribe, broken},
    steps::Asked,
    story::{self, Told},
};

fn recovered(log: &mut Scribe, lost: Vec<AccountRef>) -> EventId {
    log.wait(60);
    log.server(LogRecovered { lost, recovered: 2 })
}

/// The log was put back, and everything that follows: nothing was open.
pub(crate) fn without_the_credential(log: &mut Scribe) {
    recovered(log, vec![account()]);
}

#[track_caller]
fn fine(log: &Scribe) {
    let verdict = log.verdict();
    assert_eq!(verdict.outcome, Outcome::Ok, "{:#?}", verdict.findings);
}

fn ends(told: &mut Told) {
    let Told {
        log, asked, grant, ..
    } = told;
    let due_at = story::not_after(log);
    log.ended_by_server(asked, *grant, |d| {
        d.reason = EndReason::Recovered;
        d.due_at = due_at;
    });
}

fn void(log: &mut Scribe, asked: &Asked, reason: &str) {
    log.server(BreakGlassVoided {
        authority_version: log.authority.version,
        incident_id: asked.request.incident.id,
        reason: read(reason),
        request_id: asked.id,
    });
}

#[test]
fn a_recovered_log_ends_what_was_open_and_goes_on() {
    let mut told = story::granted();
    let asked = told.log.request("alice", told.incident, |_| {});
    let cause = recovered(&mut told.log, Vec::new());
    ends(&mut told);
    void(&mut told.log, &asked, LOG_PUT_BACK);
    fine(&told.log);
    story::rotate(&mut told.log, cause, &account(), Vec::new(), |_| {});
    fine(&told.log);
}

#[test]
fn a_grant_does_not_outlive_a_recovery() {
    let mut told = story::granted();
    recovered(&mut told.log, Vec::new());
    broken(&told.log, &["grant_outlives_recovery"]);
    // Nor does it help to end it when something else has happened.
    story::refusal(&mut told.log, "erin");
    ends(&mut told);
    broken(
        &told.log,
        &["grant_outlives_recovery", "ended_without_recovery"],
    );
}

#[test]
fn a_request_does_not_outlive_a_recovery() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    recovered(&mut log, Vec::new());
    broken(&log, &["request_outlives_recovery"]);
    story::refusal(&mut log, "erin");
    void(&mut log, &asked, LOG_PUT_BACK);
    broken(&log, &["request_outlives_recovery", "voided_without_cause"]);
}

#[test]
fn nothing_ends_by_a_recovery_that_there_was_not() {
    let mut told = story::granted();
    ends(&mut told);
    broken(&told.log, &["ended_without_recovery"]);
}

#[test]
fn a_recovery_makes_no_request_void_for_another_reason() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    recovered(&mut log, Vec::new());
    log.wait(1);
    void(&mut log, &asked, "the account was changed");
    broken(&log, &["request_outlives_recovery", "voided_without_cause"]);
}

#[test]
fn what_was_lost_is_an_account_that_had_a_credential_named_once() {
    let mut log = story::founded();
    recovered(&mut log, vec![account()]);
    fine(&log);
    recovered(&mut log, vec![account()]);
    broken(&log, &["event_differs_from_log"]);
    let mut log = story::founded();
    recovered(&mut log, vec![account(), account()]);
    broken(&log, &["event_differs_from_log"]);
}

#[test]
fn no_more_came_from_copies_than_there_is() {
    let mut log = story::founded();
    let size = i64::try_from(log.entries.len()).unwrap();
    log.server(LogRecovered {
        lost: Vec::new(),
        recovered: size,
    });
    fine(&log);
    let mut log = story::founded();
    log.server(LogRecovered {
        lost: Vec::new(),
        recovered: size + 1,
    });
    broken(&log, &["event_differs_from_log"]);
}
