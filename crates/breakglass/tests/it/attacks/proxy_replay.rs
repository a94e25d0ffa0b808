//! A proxy between everybody and the server reads along, says everything twice, and changes what
//! it relays.

use std::collections::BTreeSet;

use breakglass_api::wire::Accepted;
use serde_json::Value;

use super::{
    relay::{Posted, Relay},
    wire::{Reply, exchange, post_json},
};
use crate::scene::{Scene, Secrets, contains};

/// A whole incident through the proxy.
fn played() -> (Scene, Relay, Secrets) {
    let scene = Scene::set();
    let proxy = Relay::before(&scene.url);
    let secrets = scene.cast_at(&proxy.url).play(&scene);
    (scene, proxy, secrets)
}

/// What was posted: at least one of each kind that an incident takes.
fn posts(proxy: &Relay) -> Vec<Posted> {
    let posts = proxy.posts();
    let paths: BTreeSet<&str> = posts.iter().map(|p| p.path.as_str()).collect();
    let expected = ["acts", "approvals", "checkouts", "requests", "sessions"];
    let expected: BTreeSet<String> = expected.map(|p| format!("/v1/{p}")).into();
    assert!(
        paths
            .iter()
            .copied()
            .eq(expected.iter().map(String::as_str)),
        "{paths:?}"
    );
    posts
}

#[test]
fn a_tls_terminating_proxy_obtains_no_secret_and_changes_nothing() {
    let (scene, proxy, secrets) = played();
    let recorded = proxy.recorded();
    assert!(recorded.iter().all(|bytes| !secrets.are_in(bytes)));
    for word in ["\"envelope\":\"", "BREAK_GLASS_ACCESS", "Bearer "] {
        let seen = |bytes: &Vec<u8>| {
            let bytes = bytes.to_ascii_lowercase();
            contains(&bytes, word.to_ascii_lowercase().as_bytes())
        };
        assert!(recorded.iter().any(seen), "the proxy saw no {word}");
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
        assert!(
            accepted.repeated && !accepted.receipt.is_empty(),
            "{}",
            post.path
        );
        assert!(!secrets.are_in(&reply.body));
    }
    assert_eq!(scene.log_size(), size);
}

/// The recorded bytes once more, and behind them a call that ends the connection.
fn say_again(scene: &Scene, post: &Posted) -> Vec<u8> {
    let mut bytes = post.bytes.clone();
    bytes.extend(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    exchange(&scene.url, &bytes)
}

#[test]
fn one_flipped_byte_is_refused() {
    let (scene, proxy, _) = played();
    let size = scene.log_size();
    let mut flipped = 0;
    for post in posts(&proxy) {
        for place in [
            &["statement"][..],
            &["signature"],
            &["session", "statement"],
            &["session", "signature"],
        ] {
            let Some(text) = field(&post.body, place) else {
                continue;
            };
            for changed in changes(text) {
                let mut body = post.body.clone();
                let at = place
                    .iter()
                    .fold(&mut body, |value, name| &mut value[*name]);
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
        for path in paths
            .iter()
            .chain([&"/v1/denials".to_owned(), &"/v1/enrolments".to_owned()])
        {
            if *path == post.path {
                continue;
            }
            let mut body = serde_json::json!({});
            for name in ["statement", "signature"] {
                body[name] = post.body[name].clone();
            }
            let reply = post_json(&scene.url, path, &body);
            assert_eq!(
                reply.problem().code,
                "statement_invalid",
                "{} as {path}",
                post.path
            );
        }
    }
    assert_eq!(scene.log_size(), size);
}
