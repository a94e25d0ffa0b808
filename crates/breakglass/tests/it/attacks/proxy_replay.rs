//! A proxy between everybody and the server reads along, says everything twice, and changes what
//! it relays.

use std::{collections::BTreeSet, io::Write as _};

use breakglass_api::{
    client::ClientError,
    wire::Accepted,
};
use serde_json::Value;

use super::{
    proxy::{Posted, Proxy},
    wire::{Reply, connect, drain, exchange, post_json},
};
use crate::scene::{Scene, Secrets};

/// A whole incident through the proxy.
fn played() -> (Scene, Proxy, Secrets) {
    let scene = Scene::set();
    let proxy = Proxy::before(&scene.url);
    let secrets = scene.cast_at(&proxy.url).play(&scene);
    (scene, proxy, secrets)
}

/// What was posted: at least one of each kind that an incident takes.
fn posts(proxy: &Proxy) -> Vec<Posted> {
    let posts = proxy.posts();
    let paths: BTreeSet<&str> = posts.iter().map(|p| p.path.as_str()).collect();
    let expected = ["acts", "approvals", "checkouts", "requests", "sessions"];
    let expected: BTreeSet<String> = expected.map(|p| format!("/v1/{p}")).into();
    assert!(paths.iter().copied().eq(expected.iter().map(String::as_str)), "{paths:?}");
    posts
}

#[test]
fn a_tls_terminating_proxy_obtains_no_secret_and_changes_nothing() {
    let (scene, proxy, secrets) = played();
    for bytes in proxy.recorded() {
        assert!(!secrets.are_in(&bytes));
    }
    let (posts, size) = (posts(&proxy), scene.log_size());
    for post in &posts {
        let reply = Reply::parse(&say_again(&scene, post)).unwrap();
        if post.path == "/v1/sessions" {
            assert_eq!(reply.problem().code, "replayed");
            continue;
        }
        assert_eq!(reply.status, 200, "{}: {reply:?}", post.path);
        let accepted: Accepted = serde_json::from_slice(&reply.body).unwrap();
        assert!(accepted.repeated && !accepted.receipt.is_empty(), "{}", post.path);
        assert!(!secrets.are_in(&reply.body));
    }
    assert_eq!(scene.log_size(), size);
}

/// The recorded bytes once more, over a connection of our own that is then half closed.
fn say_again(scene: &Scene, post: &Posted) -> Vec<u8> {
    let mut stream = connect(&scene.url);
    stream.write_all(&post.bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    drain(&mut stream)
}

#[test]
fn one_flipped_byte_is_refused() {
    let (scene, proxy, _) = played();
    let size = scene.log_size();
    let mut flipped = 0;
    for post in posts(&proxy) {
        for place in [&["statement"][..], &["signature"], &["session", "statement"], &["session", "signature"]] {
            let Some(text) = field(&post.body, place) else {
                continue;
            };
            for changed in changes(text) {
                let mut body = post.body.clone();
                let at = place.iter().fold(&mut body, |value, name| &mut value[*name]);
                *at = Value::String(changed.clone());
                let reply = post_json(&scene.url, &post.path, &body);
                assert_eq!(reply.problem().code, "statement_invalid", "{changed}");
                flipped += 1;
            }
        }
    }
    assert!(flipped > 500, "{flipped}");
    assert_eq!(scene.log_size(), size);
}

fn field<'a>(body: &'a Value, place: &[&str]) -> Option<&'a str> {
    let value = place.iter().try_fold(body, |value, name| value.get(name));
    value.and_then(Value::as_str)
}

/// A text with one byte changed: the first ones, the last ones, and some between.
fn changes(text: &str) -> Vec<String> {
    let step = (text.len() / 12).max(1);
    let last = text.len() - 1;
    let between = (0..text.len()).step_by(step);
    let places: BTreeSet<usize> = between.chain([1, last - 30, last - 1, last]).collect();
    let change = |at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).ok()
    };
    places.into_iter().filter_map(change).collect()
}

#[test]
fn what_one_person_signed_is_no_answer_to_another_call() {
    let (scene, proxy, _) = played();
    let size = scene.log_size();
    let posts = posts(&proxy);
    let paths: BTreeSet<String> = posts.iter().map(|p| p.path.clone()).collect();
    for post in &posts {
        for path in paths.iter().chain([&"/v1/denials".to_owned(), &"/v1/enrolments".to_owned()]) {
            if *path == post.path {
                continue;
            }
            let mut body = serde_json::json!({});
            for name in ["statement", "signature"] {
                body[name] = post.body[name].clone();
            }
            let reply = post_json(&scene.url, path, &body);
            assert_eq!(reply.problem().code, "statement_invalid", "{} as {path}", post.path);
        }
    }
    assert_eq!(scene.log_size(), size);
}

#[test]
fn a_proxy_that_answers_with_something_else_is_not_believed() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.declare();
    cast.take_custody(&scene);
    // An answer that the server gave to somebody else's statement.
    let other = Proxy::before(&scene.url);
    let mut bob = scene.actor_at(&other.url, "bob");
    bob.note("INC-1", "looking".parse().unwrap()).unwrap();
    let post = other.posts().pop().unwrap();
    let answer = exchange(&scene.url, &{
        let mut again = post.bytes.clone();
        again.extend(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        again
    });
    let accepted = Reply::parse(&answer).unwrap();
    assert_eq!(accepted.status, 200);
    let liar = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", liar.local_addr().unwrap());
    let (real, lie) = (scene.url.clone(), first_answer(&answer));
    let thread = std::thread::spawn(move || lie_about_posts(&liar, &real, &lie));
    let clock = Box::new(scene.clock.clone());
    let parts = breakglass::actor::Parts {
        client: breakglass_api::Client::new(vec![url.clone()], None),
        signer: breakglass::signer::open_file(&scene.stage.home("dave").join("id_ed25519")).unwrap(),
        home: breakglass::state::Home::under(&scene.stage.home("dave")),
        genesis: scene.stage.genesis,
        clock,
        entropy: Box::new(breakglass::entropy::SystemEntropy),
        attendant: Box::new(breakglass::actor::Silent),
        server_time: false,
    };
    drop(scene.actor("dave"));
    let mut dave = breakglass::actor::Actor::open(parts).unwrap();
    let believed = dave.note("INC-1", "nothing".parse().unwrap());
    let error = believed.unwrap_err();
    assert!(
        matches!(error, breakglass::actor::ActorError::NotRecorded { .. }),
        "{error:?}"
    );
    assert!(!matches!(error, breakglass::actor::ActorError::Client(ClientError::Refused(_))));
    drop(dave);
    let _ = std::net::TcpStream::connect(super::wire::address(&url));
    thread.join().unwrap();
}
