//! Closed incidents: shown as they were, from a read model that can be thrown away.

use std::{path::Path, sync::Arc};

use breakglass::{
    actor::Actor,
    demo::{ACCOUNT, KEY, PlayClock, Stage},
};
use breakglass_api::{
    ClientError,
    view::{GrantView, IncidentView, RequestView, RunView},
};
use breakglass_format::{
    Blank,
    act::{CompleteReview, Record, ReviewAccess, Verdict},
    vocabulary::{AccessDecision, CabDecision, Judgement},
};
use breakglass_server::Server;

use crate::scene::{Cast, Scene, declaration, wish};

/// Everything that is shown of incidents.
#[derive(Debug, PartialEq)]
struct Shown {
    incidents: Vec<IncidentView>,
    incident: IncidentView,
    requests: Vec<RequestView>,
    request: (RequestView, String, String),
    grants: Vec<GrantView>,
    grant: GrantView,
    runs: Vec<RunView>,
    run: RunView,
    timeline: Vec<String>,
}

impl Shown {
    fn to(actor: &Actor) -> Self {
        let client = actor.client();
        let runs = client.runs().unwrap();
        let dossier = client.request("R-1").unwrap();
        Self {
            incidents: client.incidents().unwrap(),
            incident: client.incident("INC-1").unwrap(),
            requests: client.requests(false).unwrap(),
            request: (dossier.view, dossier.request.statement, dossier.entry.entry),
            grants: client.grants().unwrap(),
            grant: client.grant("G-1").unwrap(),
            run: client.run(&runs[0].id).unwrap(),
            runs,
            timeline: client.timeline("INC-1").unwrap(),
        }
    }
}

/// Everything that has to be done before the incident is closed.
fn settle(cast: &mut Cast, grace: &mut Actor) {
    let Cast {
        dave, erin, frank, ..
    } = cast;
    let report = erin.file_report("INC-1", "rolled back".parse().unwrap(), b"Report".to_vec());
    report.unwrap();
    review(frank);
    let access = ReviewAccess {
        decision: AccessDecision::Keep,
        entitled: Vec::new(),
        incident: Blank(Some(dave.incident_id("INC-1").unwrap())),
        remark: "needed".parse().unwrap(),
    };
    dave.review_access(ACCOUNT, access).unwrap();
    let fine = "fine".parse().unwrap();
    let decided = grace.decide_cab("INC-1", CabDecision::Accepted, fine, None);
    decided.unwrap();
}

fn review(frank: &mut Actor) {
    let incident = frank.client().incident("INC-1").unwrap();
    let verdicts = incident.to_review.iter().map(|subject| Verdict {
        remark: "".parse().unwrap(),
        subject: subject.parse().unwrap(),
        verdict: Judgement::Justified,
    });
    let review = CompleteReview {
        follow_ups: Vec::new(),
        gaps: Vec::new(),
        root_cause: "The release was never tried.".parse().unwrap(),
        verdicts: verdicts.collect(),
    };
    frank.complete_review("INC-1", review, None).unwrap();
}

/// Starts a server on a stage whose own has ended; what it shows to frank.
fn shown_by_another(stage: &Stage, clock: &PlayClock) -> Shown {
    let config = stage.config().unwrap();
    let server = Server::start(&config, Arc::new(clock.clone()), |_| {}).unwrap();
    let url = format!("http://{}", server.address());
    let frank = stage.actor(&url, "frank", KEY, Box::new(clock.clone()));
    Shown::to(&frank.unwrap())
}

fn remove_history(data: &Path) {
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
}

#[test]
fn a_closed_incident_is_shown_as_it_was_whatever_becomes_of_the_read_model() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    let mut grace = scene.actor("grace");
    cast.play(&scene);
    settle(&mut cast, &mut grace);
    let before = Shown::to(&cast.frank);
    let closed = cast.erin.close("INC-1").unwrap();
    let after = Shown::to(&cast.frank);

    // It is closed, and nothing else is different.
    let closed = closed.recorded().next().unwrap();
    let mut expected = before;
    for incident in [&mut expected.incident, &mut expected.incidents[0]] {
        incident.state = "closed".to_owned();
        incident.closed_at = Some(closed.entry.created_at);
        incident.head = closed.entry.event_id.to_string();
    }
    let lines = expected.timeline.len();
    expected.timeline = after.timeline.clone();
    assert_eq!(after, expected);
    assert_eq!(after.timeline.len(), lines + 1, "{:?}", after.timeline);

    // Older ones are asked for by the number of a reference.
    let client = cast.frank.client();
    assert_eq!(client.incidents_before(2).unwrap(), after.incidents);
    assert_eq!(client.incidents_before(1).unwrap(), []);
    assert_eq!(client.grants_before(2).unwrap(), after.grants);
    assert_eq!(client.grants_before(1).unwrap(), []);
    // A note changes the head and the timeline alone.
    let noted = cast.frank.note("INC-1", "For the record.".parse().unwrap());
    let noted = noted.unwrap().recorded().next().unwrap().entry.event_id;
    let mut after = after;
    for incident in [&mut after.incident, &mut after.incidents[0]] {
        incident.head = noted.to_string();
    }
    let told = Shown::to(&cast.frank);
    assert_eq!(told.timeline.len(), after.timeline.len() + 1);
    after.timeline = told.timeline.clone();
    assert_eq!(told, after);

    // Another process; without the read model; with a broken one: all of it comes from the log.
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let data = stage.config().unwrap().data_dir;
    assert_eq!(shown_by_another(&stage, &clock), after);
    remove_history(&data);
    assert_eq!(shown_by_another(&stage, &clock), after);
    remove_history(&data);
    std::fs::write(data.join("history.db"), "no database").unwrap();
    assert_eq!(shown_by_another(&stage, &clock), after);
}

#[test]
fn a_late_fact_brings_a_closed_incident_back_with_all_it_had() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    let mut grace = scene.actor("grace");
    cast.play(&scene);
    settle(&mut cast, &mut grace);
    cast.erin.close("INC-1").unwrap();
    let closed = Shown::to(&cast.frank);
    let record = Record {
        action: "rollback".parse().unwrap(),
        description: "And emptied the queue.".parse().unwrap(),
        target: "shop".parse().unwrap(),
    };
    cast.alice.record("G-1", record).unwrap();
    let opened = Shown::to(&cast.frank);
    assert_eq!(opened.incident.state, "resolved");
    assert_eq!(opened.incidents, std::slice::from_ref(&opened.incident));
    let duties = |shown: &Shown| shown.incident.obligations.len();
    assert_eq!(duties(&opened), duties(&closed));
    let open = opened.incident.obligations.iter();
    let open: Vec<_> = open.filter(|o| o.status == "open").collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].clock.obligation.as_str(), "post_incident_review");
    let subjects = opened.incident.to_review.len();
    assert_eq!(subjects, closed.incident.to_review.len() + 1);
    assert_eq!(
        (&opened.requests, &opened.run),
        (&closed.requests, &closed.run)
    );
    // Its time passes as everybody's does.
    scene.skip_s(49 * 3600);
    cast.frank.ensure_session().unwrap();
    let late = cast.frank.client().incident("INC-1").unwrap();
    assert!(late.obligations.iter().any(|o| o.status == "overdue"));
    review(&mut cast.frank);
    cast.erin.ensure_session().unwrap();
    cast.erin.close("INC-1").unwrap();
    let again = Shown::to(&cast.frank);
    assert_eq!(again.incident.state, "closed");
    assert_eq!(again.grant, opened.grant);
}

#[test]
fn an_emergency_needs_no_read_model() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    let mut grace = scene.actor("grace");
    cast.play(&scene);
    settle(&mut cast, &mut grace);
    cast.erin.close("INC-1").unwrap();
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let config = stage.config().unwrap();
    remove_history(&config.data_dir);
    // Nothing can be made where a folder is.
    let in_the_way = config.data_dir.join("history.db");
    std::fs::create_dir(&in_the_way).unwrap();
    std::fs::write(in_the_way.join("file"), "").unwrap();
    let server = Server::start(&config, Arc::new(clock.clone()), |_| {}).unwrap();
    let url = format!("http://{}", server.address());
    let actor = |who| {
        stage
            .actor(&url, who, KEY, Box::new(clock.clone()))
            .unwrap()
    };
    let (mut alice, mut bob, mut carol) = (actor("alice"), actor("bob"), actor("carol"));
    for told in [
        alice.client().incidents().err(),
        alice.client().incident("INC-1").err(),
        alice.client().request("R-1").err(),
        alice.client().timeline("INC-1").err(),
    ] {
        let Some(ClientError::Refused(problem)) = told else {
            panic!("{told:?}");
        };
        assert_eq!(problem.code, "history_behind");
    }
    alice.declare(declaration()).unwrap();
    let incident = alice.sole_incident().unwrap().reference;
    assert_eq!(incident, "INC-2");
    alice.request(&wish(&incident)).unwrap();
    let request = bob.sole_pending().unwrap().reference;
    bob.approve(&request, None).unwrap();
    carol.approve(&request, None).unwrap();
    let grant = alice.sole_own_grant().unwrap().reference;
    alice.checkout(&grant).unwrap();
    alice.return_grant(&grant).unwrap();
}
