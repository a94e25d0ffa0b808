//! The connector's answers.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{ACCOUNT, Faults, NEW_PASSWORD, NOBODY, PASSWORD, Shop, ask, class};
use crate::demo_target::{adapter, connector};

const RUN: &str = "0192f0c1-0000-7000-8000-00000000000a";

fn request(op: &str) -> Value {
    json!({
        "op": op,
        "run_id": RUN, "incident_id": "0192f0c1-0000-7000-8000-00000000000b",
        "operation": {"action": "rollback", "artifact": "2.4.0", "target": "shop"},
        "plan": "sha256:00", "targets": ["shop"],
        "handle": format!("operations/{RUN}"),
        "credential": {"username": ACCOUNT, "password": PASSWORD},
    })
}

fn absent() -> Value {
    json!({"ok": {"result": "absent"}})
}

fn accepted() -> Value {
    json!({"ok": {"result": "accepted", "handle": format!("operations/{RUN}")}})
}

#[test]
fn a_rollback_from_plan_to_verification() {
    let shop = Shop::new();
    let plan = json!({"ok": {
        "targets": ["shop"],
        "blast_radius": {"count": 1, "unit": "service"},
        "inverse": {"action": "rollback", "artifact": "2.4.1", "target": "shop"},
        "before": "release 2.4.1 answers 500: \
            checkout is broken: every payment fails since release 2.4.1",
        "diff": "-current -> releases/2.4.1\n+current -> releases/2.4.0\n",
        "summary": "roll shop back from 2.4.1 to 2.4.0",
    }});
    assert_eq!(shop.connector(&request("plan")), plan);
    assert_eq!(shop.connector(&request("find")), absent());
    assert_eq!(
        shop.connector(&request("verify"))["ok"]["matches"],
        json!(false)
    );

    assert_eq!(shop.connector(&request("dispatch")), accepted());
    let found = json!({"ok": {"result": "present", "handle": format!("operations/{RUN}")}});
    assert_eq!(shop.connector(&request("find")), found);
    let progress = json!({"ok": {"result": "succeeded", "detail": "shop: 2.4.1 to 2.4.0"}});
    assert_eq!(shop.connector(&request("poll")), progress);
    assert_eq!(
        shop.connector(&request("cancel")),
        json!({"ok": {"result": "too_late"}})
    );
    let observed = "release 2.4.0 answers 200: shop is open";
    let verified = json!({"ok": {"matches": true, "observed": observed}});
    assert_eq!(shop.connector(&request("verify")), verified);
}

#[test]
fn a_plan_that_changes_nothing_says_so() {
    let shop = Shop::new();
    let mut same = request("plan");
    same["operation"]["artifact"] = json!("2.4.1");
    let plan = shop.connector(&same);
    assert_eq!(plan["ok"]["warnings"], json!(["shop is on 2.4.1 already"]));
    assert_eq!(plan["ok"].get("inverse"), None);
}

#[test]
fn a_lost_answer_is_ambiguous_and_the_run_is_found() {
    let shop = Shop::dropping(1);
    assert_eq!(class(&shop.connector(&request("dispatch"))), "ambiguous");
    assert_eq!(
        shop.connector(&request("find"))["ok"]["result"],
        json!("present")
    );
    assert_eq!(
        shop.connector(&request("poll"))["ok"]["result"],
        json!("succeeded")
    );
    assert_eq!(
        shop.connector(&request("verify"))["ok"]["matches"],
        json!(true)
    );
    assert_eq!(shop.connector(&request("dispatch")), accepted());
}

/// A dispatch is under way, its sender perhaps dead; whoever looks for the run is told what
/// becomes of it.
#[test]
fn absent_means_that_it_can_no_longer_happen() {
    let shop = Shop::new();
    let body = json!({
        "account": ACCOUNT, "password": PASSWORD, "to": "2.4.0", "idempotency_key": RUN,
    });
    let body = body.to_string();
    let dispatch = format!(
        "POST /switch HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        shop.running.port(),
        body.len()
    );
    let find = format!(
        "GET /operations/{RUN} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
        shop.running.port()
    );
    let (first, second) = dispatch.split_at(dispatch.len() - 1);
    for (rest, expected) in [("", "HTTP/1.1 404 "), (second, "HTTP/1.1 200 ")] {
        let mut dispatching = send(&shop, first);
        let mut finding = send(&shop, &find);
        dispatching.write_all(rest.as_bytes()).unwrap();
        drop(dispatching);
        let mut answer = String::new();
        finding.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }
}

fn send(shop: &Shop, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", shop.running.port())).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn what_the_shop_does_not_take_is_permanent() {
    let shop = Shop::new();
    let mut wrong = request("dispatch");
    wrong["credential"]["password"] = json!(NEW_PASSWORD);
    let mut nobody = request("dispatch");
    nobody["credential"] = json!({});
    let mut release = request("dispatch");
    release["operation"]["artifact"] = json!("9.9.9");
    let mut planned = request("plan");
    planned["operation"]["artifact"] = json!("9.9.9");
    let mut target = request("plan");
    target["operation"]["target"] = json!("bank");
    let mut handle = request("poll");
    handle["handle"] = json!("operations/x HTTP/1.1\r\n");
    for request in [
        wrong,
        nobody,
        release,
        planned,
        target,
        handle,
        request("poll"),
    ] {
        assert_eq!(class(&shop.connector(&request)), "permanent", "{request}");
    }
    assert_eq!(shop.connector(&request("find")), absent());
}

#[test]
fn another_action_is_against_the_rules() {
    let shop = Shop::new();
    for op in ["plan", "dispatch", "verify"] {
        let mut other = request(op);
        other["operation"]["action"] = json!("format_disks");
        assert_eq!(class(&shop.connector(&other)), "policy_violation");
    }
}

#[test]
fn a_shop_that_is_away_or_gone_is_transient() {
    let shop = Shop::with(|dir| Faults {
        away: Some(dir.join("away")),
        ..Faults::default()
    });
    fs::write(shop.dir.path().join("away"), "").unwrap();
    for op in ["plan", "dispatch", "find", "poll", "cancel", "verify"] {
        assert_eq!(class(&shop.connector(&request(op))), "transient", "{op}");
        assert_eq!(
            class(&ask(NOBODY, &request(op), connector::answer)),
            "transient",
            "{op}"
        );
    }
}

#[test]
fn another_protocol_or_no_request_is_permanent() {
    let shop = Shop::new();
    let long = " ".repeat(200_000);
    for input in [r#"{"protocol":2,"op":"plan"}"#, "", "{", "[]", &long] {
        let input = &mut input.as_bytes();
        let (answer, done) = adapter::converse(&shop.url(), input, connector::answer);
        assert!(!done);
        assert_eq!(class(&answer), "permanent");
    }
}
