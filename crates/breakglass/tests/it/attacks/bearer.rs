//! Somebody has Alice's reading token, and nothing else.

use std::collections::BTreeSet;

use breakglass::{
    actor::Actor,
    demo::{ACCOUNT, ACCOUNT_ID},
};
use breakglass_api::{
    Client, ClientError,
    wire::{Accepted, Signed, Submission},
};
use breakglass_format::{Digest, Entry, Event, statement::Kind};

use super::{
    commands::{Objects, every},
    hand::{Hand, path},
    wire::{get, post_json},
};
use crate::scene::{Cast, Scene, Secrets, password};

/// What is served beside the described operations.
const UNDESCRIBED: [&str; 3] = ["/v1/openapi.json", "/healthz", "/readyz"];
/// What only an auditor may read.
const AUDITORS: [&str; 5] = [
    "/log/tile/entries/{index}",
    "/log/tile/{level}/{index}",
    "/v1/log/proof/{index}",
    "/v1/log/entries",
    "/v1/blobs/{digest}",
];

/// A house where Alice has checked out and rolled back, and holds her grant still.
fn house() -> (Scene, Cast, Secrets, Objects) {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let grant = cast.grant();
    let out = cast.checkout(&grant);
    cast.roll_back(&grant);
    let secrets = Secrets::of([scene.first_password(), password(&out.credential)]);
    let client = cast.alice.client();
    let objects = Objects {
        incident: client.incident("INC-1").unwrap().id,
        request: client.request("R-1").unwrap().view.id,
        grant: client.grant("G-1").unwrap().id,
        run: client.runs().unwrap().remove(0).id,
        account: ACCOUNT_ID.to_owned(),
    };
    (scene, cast, secrets, objects)
}

/// Method and path of every operation that the API describes, a path with its query parameters.
fn operations() -> Vec<(String, String, Vec<String>)> {
    let described: serde_json::Value = serde_json::from_str(&breakglass_server::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned();
            let query = parameters.unwrap_or_default().into_iter();
            let query = query.filter(|p| p["in"] == "query");
            let query = query.map(|p| p["name"].as_str().unwrap().to_owned());
            all.push((method.clone(), path.clone(), query.collect()));
        }
    }
    all
}

/// A path with something that exists in every place.
fn filled(path: &str, query: &[String], digest: &Digest) -> String {
    let id = match path {
        _ if path.starts_with("/v1/incidents") => "INC-1",
        _ if path.starts_with("/v1/requests") => "R-1",
        _ if path.starts_with("/v1/grants") => "G-1",
        _ => "",
    };
    let digest = digest.to_string();
    let path = path
        .replace("/tile/{level}/{index}", "/tile/0/000.p/1")
        .replace("/entries/{index}", "/entries/000.p/1")
        .replace("{index}", "0")
        .replace("{digest}", &digest)
        .replace("{account}", ACCOUNT);
    // A search by everything finds little; one of an incident, all of it.
    let widest =
        |name: &&String| path != "/v1/log/search" || matches!(name.as_str(), "incident" | "limit");
    let query: Vec<String> = query
        .iter()
        .filter(widest)
        .map(|name| {
            let value = match name.as_str() {
                "state" => "granted",
                "account" => ACCOUNT,
                "incident" => "INC-1",
                "from" => "0",
                "before" | "limit" => "100",
                "old" => "1",
                "new" => "2",
                other => panic!("nobody attacks the parameter {other} of {path} yet"),
            };
            format!("{name}={value}")
        })
        .collect();
    format!("{}?{}", path.replace("{id}", id), query.join("&"))
}

#[test]
fn a_stolen_reading_session_obtains_no_secret_and_changes_nothing() {
    let (scene, cast, secrets, objects) = house();
    let token = cast.alice.session().unwrap().token().to_owned();
    let stolen = cast.alice.client().request("R-1").unwrap();
    let size = scene.log_size();
    let mut posts = BTreeSet::new();
    for (method, path, query) in operations() {
        match method.as_str() {
            "post" => {
                posts.insert(path);
            }
            "get" => {
                let entry = stolen.view.id.as_bytes();
                let digest = breakglass_statement::digest(entry);
                let run = objects.run.as_str();
                let at = filled(
                    &path.replace("/runs/{id}", &format!("/runs/{run}")),
                    &query,
                    &digest,
                );
                let reply = get(&scene.url, &at, Some(&token));
                if AUDITORS.contains(&path.as_str()) {
                    assert_eq!(reply.problem().code, "not_entitled", "{at}");
                } else if path == "/v1/log/cosigned" {
                    // Nobody cosigns this log; it is shown in `witnessed`.
                    assert_eq!(reply.problem().code, "not_found", "{at}");
                } else {
                    assert_eq!(reply.status, 200, "{at}: {reply:?}");
                }
                assert!(!secrets.are_in(&reply.body), "{at}");
            }
            other => panic!("nobody attacks {other} {path} yet"),
        }
    }
    for path in UNDESCRIBED {
        assert!(
            !secrets.are_in(&get(&scene.url, path, Some(&token)).body),
            "{path}"
        );
    }
    // Of the authority, see `attacks::authority`; every other one is attacked below.
    let attacked: BTreeSet<String> = Kind::ALL.iter().map(|k| path(*k).to_owned()).collect();
    assert_eq!(posts, attacked);
    forge_everything(&scene, &cast.alice, &objects);
    post_what_was_read(&scene, &token, &stolen.request, &posts);
    assert_eq!(scene.log_size(), size);
}

/// Every kind of statement in Alice's name: with the thief's key named, and with Alice's.
fn forge_everything(scene: &Scene, alice: &Actor, objects: &Objects) {
    let terms = || {
        let terms = alice.client().terms(ACCOUNT, "INC-1");
        terms.unwrap()
    };
    let dossier = alice.client().request("R-1").unwrap();
    let asked =
        breakglass_format::statement::Statement::from_bytes(dossier.request.statement.as_bytes());
    let asked: breakglass_format::statement::Request = asked.unwrap();
    for named in [None, Some(alice.identity().key.clone())] {
        let mut thief = Hand::stranger(scene, alice);
        thief.name.key = named.unwrap_or_else(|| thief.name.key.clone());
        let refused = |code: String| assert_eq!(code, "statement_invalid");
        let request = thief.request(terms());
        refused(thief.refused(&request));
        let approval = thief.approval(asked.clone(), dossier.log.clone());
        refused(thief.refused(&approval));
        let denial = thief.denial(asked.clone(), dossier.log.clone());
        refused(thief.refused(&denial));
        let checkout = thief.checkout(objects.grant.parse().unwrap());
        refused(thief.refused(&checkout));
        let (session, _) = thief.new_session(3_600);
        refused(thief.refused(&session));
        let enrolment = thief.enrolment();
        refused(thief.refused(&enrolment));
        let suspension = thief.suspension(&alice.identity().person);
        refused(thief.refused(&suspension));
        for (command, object) in every(objects) {
            let act = thief.act(command, &object);
            refused(thief.refused(&act));
        }
    }
}

/// What a reader reads is signed by Alice; it is worth nothing where it did not come from.
fn post_what_was_read(scene: &Scene, token: &str, read: &Signed, posts: &BTreeSet<String>) {
    let client = Client::new(vec![scene.url.clone()], None).with_token(Some(token.to_owned()));
    let submission = Submission::from(read.clone());
    for path in posts {
        let empty = post_json(&scene.url, path, &serde_json::json!({}));
        assert_eq!(empty.problem().code, "malformed", "{path}");
        match client.post::<_, Accepted>(path, &submission) {
            Ok(accepted) => {
                assert_eq!(path, "/v1/requests");
                assert!(accepted.repeated && accepted.envelope.is_none());
            }
            Err(ClientError::Refused(problem)) => {
                let expected = match path.as_str() {
                    "/v1/requests" => panic!("a repeated request is answered"),
                    "/v1/authority" => "malformed",
                    _ => "statement_invalid",
                };
                assert_eq!(problem.code, expected, "{path}");
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

/// Every digest that stands in an entry.
fn digests(entry: &str) -> impl Iterator<Item = Digest> {
    let found = entry.match_indices("sha256:").map(|(at, _)| at);
    found.filter_map(|at| entry.get(at..at + 71)?.parse().ok())
}

#[test]
fn sealed_credentials_and_envelopes_are_served_to_nobody() {
    let (_scene, mut cast, secrets, _) = house();
    cast.give_back("G-1", 3);
    let auditor = cast.frank.client();
    let entries = auditor.entries(0).unwrap().entries;
    let mut sealed = BTreeSet::new();
    let mut all = BTreeSet::new();
    for text in &entries {
        assert!(!secrets.are_in(text.as_bytes()));
        all.extend(digests(text));
        let event = Entry::from_bytes(text.as_bytes()).unwrap().event;
        if let Event::BreakGlassAccess(access) = &event {
            sealed.extend(access.envelope.0);
        } else if let Event::CredentialAdded(added) = &event {
            sealed.insert(added.sealed);
        } else if let Event::CredentialStaged(staged) = &event {
            sealed.insert(staged.sealed);
        }
    }
    assert!(
        sealed.len() >= 4,
        "one import, one envelope, two rotations: {sealed:?}"
    );
    let mut served = 0;
    for digest in all {
        let of_alice = cast.alice.client().blob(&digest.to_string()).unwrap_err();
        let ClientError::Refused(problem) = of_alice else {
            panic!("{of_alice}");
        };
        assert_eq!(problem.code, "not_entitled");
        let blob = auditor.blob(&digest.to_string()).unwrap();
        assert!(blob.is_none() || !sealed.contains(&digest), "{digest}");
        if let Some(bytes) = blob {
            served += 1;
            assert!(!secrets.are_in(&bytes), "{digest}");
        }
    }
    assert!(
        served > 10,
        "statements and signatures are for the auditor: {served}"
    );
}

#[test]
fn a_credential_on_its_way_in_is_kept_for_nobody() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    let credential = &scene.stage.first_password;
    let proposed = cast.carol.add_credential(ACCOUNT, credential);
    let digest = proposed.unwrap().0.digest().unwrap().to_string();
    assert_eq!(cast.frank.client().blob(&digest).unwrap(), None);
}
