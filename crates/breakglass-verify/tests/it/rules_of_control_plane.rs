//! The control plane against the rules: gone round while it is up, or without having been asked.

use breakglass_format::{
    EventId, IncidentId, RunId,
    statement::{ControlPlane, Request},
    vocabulary::{Occasion, PurposeKind, Verdict},
};

use crate::{
    people::read,
    runs::{Stage, action, document},
    scribe::{Scribe, broken, none},
    steps::{Asked, probe},
    story,
};

/// A system failure, and the probe of its declaration.
fn failed(verdict: Verdict) -> (Scribe, IncidentId, EventId) {
    let mut log = story::founded();
    log.wait(60);
    let incident = log.declare_a("alice", "system-failure");
    let probe = log.probed(incident, verdict);
    (log, incident, probe)
}

fn ask(log: &mut Scribe, incident: IncidentId, change: impl FnOnce(&mut Request)) -> Asked {
    let wanted = action("rollback", "checkout");
    log.request("alice", incident, |request| {
        request.incident.scenario = read("system-failure");
        request.purpose.kind = PurposeKind::Action;
        request.purpose.action = wanted.action;
        request.purpose.artifact = wanted.artifact;
        request.purpose.plan = wanted.plan;
        request.purpose.target = wanted.target;
        change(request);
    })
}

fn naming(probe: EventId, attested: &'static str) -> impl FnOnce(&mut Request) {
    move |request| {
        request.control_plane = ControlPlane {
            attested: read(attested),
            probe: probe.into(),
        };
    }
}

fn granted(mut log: Scribe, asked: Asked, between: impl FnOnce(&mut Scribe)) -> Stage {
    let first = log.approve("bob", &asked, |_| {});
    between(&mut log);
    let second = log.approve("carol", &asked, |_| {});
    let grant = log.grant(&asked, &[first, second], |_| {});
    Stage { log, asked, grant }
}

impl Stage {
    fn ordered(&mut self) -> (RunId, EventId) {
        let args = action("rollback", "checkout");
        self.log.run("alice", &self.asked, self.grant, args)
    }
}

#[test]
fn a_control_plane_that_is_down_may_be_gone_round() {
    let (mut log, incident, probe) = failed(Verdict::Down);
    let asked = ask(&mut log, incident, naming(probe, ""));
    let mut stage = granted(log, asked, |_| {});
    let (run, cause) = stage.ordered();
    stage
        .log
        .dispatch(run, cause, &document("rollback", "checkout"), |_| {});
    assert_eq!(stage.log.verdict().findings, []);
}

#[test]
fn one_that_is_up_is_not_gone_round_by_a_request() {
    let (mut log, incident, probe) = failed(Verdict::Up);
    ask(&mut log, incident, naming(probe, ""));
    broken(&log, &["control_plane_up"]);
    let (mut log, incident, probe) = failed(Verdict::Up);
    let asked = ask(&mut log, incident, naming(probe, "it publishes nothing"));
    let stage = granted(log, asked, |_| {});
    assert_eq!(stage.log.verdict().findings, []);
}

#[test]
fn nor_by_a_grant_or_a_dispatch_once_it_is_up_again() {
    let (mut log, incident, first) = failed(Verdict::Down);
    let asked = ask(&mut log, incident, naming(first, ""));
    let stage = granted(log, asked, |log| {
        log.probed(incident, Verdict::Up);
    });
    broken(&stage.log, &["control_plane_up"]);
    let (mut log, incident, first) = failed(Verdict::Down);
    let asked = ask(&mut log, incident, naming(first, ""));
    let mut stage = granted(log, asked, |_| {});
    let (run, cause) = stage.ordered();
    stage.log.probed(incident, Verdict::Up);
    stage
        .log
        .dispatch(run, cause, &document("rollback", "checkout"), |_| {});
    broken(&stage.log, &["control_plane_up"]);
}

#[test]
fn a_verdict_counts_for_fifteen_minutes_and_for_its_own_incident() {
    let (mut log, incident, probe) = failed(Verdict::Down);
    log.wait(15 * 60);
    ask(&mut log, incident, naming(probe, ""));
    broken(&log, &["control_plane_unverified"]);
    let (mut log, incident, _) = failed(Verdict::Down);
    let other = log.declare_a("alice", "system-failure");
    let elsewhere = log.probed(other, Verdict::Down);
    ask(&mut log, incident, |request| {
        naming(elsewhere, "")(request);
    });
    // The request binds the last incident that was declared; here it is another's.
    let found = crate::scribe::codes(&log.verdict());
    assert!(found.contains(&"control_plane_unverified"), "{found:?}");
}

#[test]
fn it_is_probed_where_the_scenario_asks_and_said_by_whom() {
    let (mut log, incident) = story::declared();
    log.probed(incident, Verdict::Down);
    broken(&log, &["probe_not_called_for"]);
    let (mut log, incident, _) = failed(Verdict::Down);
    log.server(probe(incident, Occasion::Asked, Verdict::Down));
    broken(&log, &["event_differs_from_log"]);
    let (mut log, incident) = story::declared();
    log.request("alice", incident, |request| {
        request.control_plane = ControlPlane {
            attested: read("nobody asked"),
            probe: none(),
        };
    });
    broken(&log, &["event_differs_from_log"]);
}
