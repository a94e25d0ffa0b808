//! A stolen key, from the theft to the evidence: real keys, a real server, the typed program.

use breakglass::actor::Suspended;
use breakglass_api::{ClientError, view::PersonView};
use breakglass_format::{Event, Principal};
use breakglass_verify::{Options, check};

use crate::{course::Terminal, exported::export, scene::Scene};

fn person(name: &str) -> Suspended {
    Suspended::Person(name.parse::<Principal>().unwrap())
}

fn why() -> breakglass_format::Prose {
    "the laptop was stolen".parse().unwrap()
}

#[test]
fn a_suspended_holder_loses_access_and_the_password_and_the_evidence_says_why() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let grant = cast.grant();
    cast.checkout(&grant);
    let proposed = cast.erin.suspend(&person("alice"), why()).unwrap();
    let event = &proposed.received()[0].entry.event;
    assert!(matches!(event, Event::ActProposed(_)), "{event:?}");
    // It takes two, and nothing has happened yet.
    assert!(cast.alice.client().whoami().is_ok());
    let mut grace = scene.actor("grace");
    grace.suspend(&person("alice"), why()).unwrap();
    // The reading session ends with the key, and so does the grant: the password is replaced.
    let ClientError::Refused(problem) = cast.alice.client().whoami().unwrap_err() else {
        panic!("not refused");
    };
    assert_eq!(problem.code, "no_session");
    cast.wait_for_version(3);
    let again = breakglass::hint::Failure::from(cast.alice.login(3600).unwrap_err());
    assert_eq!(again.code(), "key_suspended");
    let frank = &cast.frank;
    let folder = export(frank.client(), frank.trust(), frank.now()).unwrap();
    let options = Options {
        pin: Some(scene.stage.genesis),
        ..Options::default()
    };
    let verdict = check(&folder, &options);
    assert_eq!(
        (&verdict.findings[..], verdict.exit_code(false)),
        (&[][..], 0)
    );
}

#[test]
fn keys_are_listed_and_suspended_by_what_people_type() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "erin", "grace", "heidi"]);
    let people = t.does("alice", &["key", "list", "bob", "--json"]);
    let people: Vec<PersonView> = serde_json::from_str(&people).unwrap();
    let key = &people[0].keys[0];
    assert_eq!(key.state, "counts");
    let strange = t.refuses(
        "alice",
        &["key", "suspend", &key.fingerprint, "--why", "no"],
    );
    assert!(strange.contains("suspend"), "{strange}");
    let suspend = ["key", "suspend", &key.fingerprint, "--why", "stolen"];
    assert_eq!(t.does("erin", &suspend), "proposed");
    assert_eq!(t.does("grace", &suspend), "suspended");
    let listed = t.does("alice", &["key", "list", "bob"]);
    assert!(listed.contains("suspended"), "{listed}");
    let wrong = t.types("erin", &["key", "suspend", "SHA256:short", "--why", "x"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[test]
fn readiness_says_what_an_emergency_would_fail_on() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin", "grace", "heidi"]);
    let empty = t.types("alice", &["readiness"]);
    assert_eq!(empty.code, 1, "{empty:?}");
    assert!(
        empty.out.contains("no credential is in custody"),
        "{empty:?}"
    );
    t.import();
    t.settled(2);
    let ready = t.types("alice", &["readiness"]);
    assert_eq!(ready.code, 0, "{ready:?}");
    assert_eq!(t.types("alice", &["readiness", "--strict"]).code, 1);
    // Without Bob nobody of security is left, and nobody can be approved.
    for by in ["erin", "grace"] {
        t.does(by, &["key", "suspend", "bob", "--why", "stolen"]);
    }
    let lacking = t.types("alice", &["readiness", "--json"]);
    assert_eq!(lacking.code, 1, "{lacking:?}");
    assert!(lacking.out.contains("no_quorum"), "{lacking:?}");
}
