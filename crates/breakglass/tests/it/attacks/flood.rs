//! Nobody fills the log, and nobody uses up what others need.

use breakglass_format::{Entry, Event};

use super::{
    commands::{Objects, every},
    hand::Hand,
    wire::{get, post, post_json},
};
use crate::scene::{Scene, wait};

/// Paths that statements are posted to.
const PATHS: [&str; 7] = [
    "/v1/acts",
    "/v1/approvals",
    "/v1/checkouts",
    "/v1/denials",
    "/v1/enrolments",
    "/v1/requests",
    "/v1/sessions",
];

#[test]
fn failures_without_a_good_signature_do_not_grow_the_log() {
    let scene = Scene::set();
    let cast = scene.cast();
    let mut thief = Hand::stranger(&scene, &cast.alice);
    let size = scene.log_size();
    for (command, object) in every(&Objects::default()).into_iter().cycle().take(60) {
        let act = thief.act(command, &object);
        assert_eq!(thief.refused(&act), "statement_invalid");
    }
    for path in PATHS {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"statement":"{}","signature":""}"#,
        ] {
            post(&scene.url, path, "application/json", body.as_bytes()).problem();
        }
        let unsigned = serde_json::json!({ "statement": "{}", "signature": "none" });
        assert_eq!(
            post_json(&scene.url, path, &unsigned).problem().code,
            "statement_invalid"
        );
    }
    assert_eq!(scene.log_size(), size);
    // A minute later: one summary of them at most.
    scene.skip_s(61);
    cast.frank.client().entries(0).unwrap();
    assert!(scene.log_size() <= size + 1);
}

#[test]
fn a_thousand_refused_commands_are_ten_entries_and_one_summary() {
    let scene = Scene::set();
    let cast = scene.cast();
    let mut alice = Hand::session(&scene, &cast.alice);
    let (note, _) = every(&Objects::default()).into_iter().nth(1).unwrap();
    let nowhere = "01234567-89ab-7def-8123-456789abcdef";
    let size = scene.log_size();
    for _ in 0..1_000 {
        let act = alice.act(note.clone(), nowhere);
        assert_eq!(alice.refused(&act), "incident_unknown");
    }
    let client = cast.frank.client();
    let news = || {
        let entries = client.entries(size).unwrap().entries;
        let entries = entries
            .iter()
            .map(|e| Entry::from_bytes(e.as_bytes()).unwrap());
        entries.collect::<Vec<_>>()
    };
    let written = news();
    assert_eq!(written.len(), 10);
    for entry in &written {
        assert!(matches!(entry.event, Event::CommandRefused(_)), "{entry:?}");
        assert_eq!(entry.statement.0, None, "what is refused is not kept");
    }
    scene.skip_s(61);
    wait("the summary", || news().len() > 10);
    let written = news();
    assert_eq!(written.len(), 11);
    let Event::RefusalsSummarised(summary) = &written[10].event else {
        panic!("{:?}", written[10]);
    };
    assert_eq!(summary.count, 990);
    assert_eq!(
        written[10].principal.0.as_ref().map(|p| p.as_str()),
        Some("alice")
    );
    // Others are still heard one by one.
    let mut bob = Hand::session(&scene, &cast.bob);
    let act = bob.act(note, nowhere);
    assert_eq!(bob.refused(&act), "incident_unknown");
    assert_eq!(news().len(), 12);
}

#[test]
fn whoever_asks_too_much_waits_and_nobody_else_does() {
    let scene = Scene::set_with(|_, config| config.limits.reads_per_minute = 60);
    let (alice, bob) = (scene.actor("alice"), scene.actor("bob"));
    let token = |actor: &breakglass::actor::Actor| actor.session().unwrap().token().to_owned();
    let (stolen, of_bob) = (token(&alice), token(&bob));
    let ask = |path: &str, token: Option<&str>| get(&scene.url, path, token);
    let flood = |path: &str, token: Option<&str>| {
        let mut asked = (0..1_000).map(|_| ask(path, token));
        asked.find(|reply| reply.status != 200).unwrap()
    };
    let told = flood("/v1/incidents", Some(&stolen));
    let problem = told.problem();
    assert_eq!((told.status, problem.code.as_str()), (429, "rate_limited"));
    assert!(told.head.contains("retry-after: 1"), "{}", told.head);
    assert_eq!(flood("/v1/log/checkpoint", None).status, 429);
    // Another session, even from the same address, has its own share; so has what Alice signs.
    assert_eq!(ask("/v1/incidents", Some(&of_bob)).status, 200);
    assert_eq!(ask("/v1/log/checkpoint", Some(&of_bob)).status, 200);
    let mut hand = Hand::session(&scene, &alice);
    let (declare, _) = every(&Objects::default()).remove(0);
    let declare = hand.act(declare, "");
    hand.post(&declare).unwrap();
    assert_eq!(ask("/readyz", None).status, 200);
}
