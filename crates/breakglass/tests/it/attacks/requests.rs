//! Requests that must not be made, and the replay rules of all statements.

use breakglass::demo::ACCOUNT;
use breakglass_api::{
    ClientError,
    wire::{Accepted, RequestTerms, Submission},
};
use breakglass_format::{
    Blank, Digest, Prose,
    statement::{Request, Warning},
    vocabulary::{PurposeKind, Severity},
};

use super::{
    commands::{Objects, every},
    hand::Hand,
    wire::{Reply, exchange},
};
use crate::scene::{Cast, Scene};

/// A house with an open incident and a credential in custody.
fn house() -> (Scene, Cast) {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.declare();
    (scene, cast)
}

fn terms(cast: &Cast) -> RequestTerms {
    cast.alice.client().terms(ACCOUNT, "INC-1").unwrap()
}

/// The code that Alice's request is refused with after a change.
#[track_caller]
fn refused(scene: &Scene, cast: &Cast, change: impl FnOnce(&mut Request)) -> String {
    let mut alice = Hand::enrolled(scene, &cast.alice);
    let mut request = alice.request(terms(cast));
    change(&mut request);
    alice.refused(&request)
}

#[test]
fn what_a_request_repeats_it_repeats_exactly() {
    let (scene, cast) = house();
    let digest = Digest::from_bytes([7; 32]);
    let mismatch = |change: fn(&mut Request)| {
        assert_eq!(refused(&scene, &cast, change), "binding_mismatch");
    };
    assert_eq!(
        refused(&scene, &cast, |r| r.account.binding = digest),
        "binding_mismatch"
    );
    assert_eq!(
        refused(&scene, &cast, |r| r.incident.event = digest),
        "binding_mismatch"
    );
    assert_eq!(
        refused(&scene, &cast, |r| r.instance = digest),
        "statement_invalid"
    );
    assert_eq!(
        refused(&scene, &cast, |r| r.authority.digest = Blank(Some(digest))),
        "statement_invalid"
    );
    mismatch(|r| r.on_server_loss = Prose::default());
    mismatch(|r| r.on_server_loss = "the target enforces everything".parse().unwrap());
    mismatch(|r| r.recording = "video".parse().unwrap());
    mismatch(|r| r.incident.severity = Severity::Sev4);
    mismatch(|r| r.incident.scenario = "critical-patch".parse().unwrap());
    mismatch(|r| r.account.name = "other-root".parse().unwrap());
    mismatch(|r| r.drill = true);
    assert!(cast.alice.client().requests(false).unwrap().is_empty());
}

#[test]
fn nobody_asks_for_more_than_the_entitlement_gives() {
    let (scene, cast) = house();
    let code = |change: fn(&mut Request)| refused(&scene, &cast, change);
    assert_eq!(code(|r| r.duration_s = 4 * 3_600 + 1), "duration_too_long");
    assert_eq!(code(|r| r.duration_s = 59), "statement_invalid");
    assert_eq!(code(|r| r.duration_s = i64::MAX >> 11), "duration_too_long");
    assert_eq!(code(|r| r.uses = -1), "statement_invalid");
    assert_eq!(
        code(|r| r.approve_by = r.issued_at.plus_s(3_601)),
        "statement_invalid"
    );
    assert_eq!(code(|r| r.approve_by = r.issued_at), "statement_invalid");
    assert_eq!(
        code(|r| r.purpose.action = "rollback".parse().unwrap()),
        "action_not_permitted"
    );
    assert_eq!(
        code(|r| {
            r.purpose.kind = PurposeKind::Action;
            r.purpose.action = "direct_deployment".parse().unwrap();
            r.purpose.target = "shop".parse().unwrap();
        }),
        "action_not_permitted"
    );
    // Erin is nobody's requester: she is not even told the terms.
    let told = cast.erin.client().terms(ACCOUNT, "INC-1").unwrap_err();
    let ClientError::Refused(problem) = told else {
        panic!("{told}");
    };
    assert_eq!(problem.code, "no_entitlement");
    let mut erin = Hand::enrolled(&scene, &cast.erin);
    let request = erin.request(terms(&cast));
    assert_eq!(erin.refused(&request), "nonce_unknown");
}

#[test]
fn a_warning_that_holds_is_not_left_out() {
    let (scene, mut cast) = house();
    cast.request("INC-1");
    cast.bob
        .deny("R-1", "not tonight".parse().unwrap())
        .unwrap();
    scene.skip_s(61);
    let warnings = terms(&cast).warnings;
    assert!(
        warnings.iter().any(|w| w.code.as_str() == "denied_before"),
        "{warnings:?}"
    );
    assert_eq!(
        refused(&scene, &cast, |r| r.warnings.clear()),
        "warning_missing"
    );
    let reworded = |r: &mut Request| {
        for warning in &mut r.warnings {
            warning.args.clear();
        }
    };
    assert_eq!(refused(&scene, &cast, reworded), "warning_missing");
    // More than hold are welcome.
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let mut request = alice.request(terms(&cast));
    request.warnings.push(Warning {
        args: Vec::new(),
        code: "and_another".parse().unwrap(),
    });
    alice.post(&request).unwrap();
}

#[test]
fn a_nonce_comes_from_the_server_for_one_request_and_does_not_wait_for_ever() {
    let (scene, cast) = house();
    let invented = |r: &mut Request| r.nonce = super::hand::nonce();
    assert_eq!(refused(&scene, &cast, invented), "nonce_unknown");
    // What was handed to Alice is of no use to anybody else.
    let mut bob = Hand::enrolled(&scene, &cast.bob);
    let request = bob.request(terms(&cast));
    assert_eq!(bob.refused(&request), "nonce_unknown");
    let elsewhere = |r: &mut Request| r.account.id = "acc_other".parse().unwrap();
    assert_eq!(refused(&scene, &cast, elsewhere), "nonce_unknown");
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let old = terms(&cast);
    scene.skip_s(901);
    alice.now = scene.now();
    let late = alice.request(old);
    assert_eq!(alice.refused(&late), "nonce_unknown");
}

#[test]
fn a_statement_out_of_its_time_is_refused() {
    let (scene, cast) = house();
    for off_s in [-301, 301, -86_400, 86_400] {
        let mut alice = Hand::enrolled(&scene, &cast.alice);
        alice.now = alice.now.plus_s(off_s);
        let request = alice.request(terms(&cast));
        assert_eq!(alice.refused(&request), "clock_skew", "{off_s}");
        let (session, _) = alice.new_session(3_600);
        assert_eq!(alice.refused(&session), "clock_skew", "{off_s}");
        for (command, object) in every(&Objects::default()).into_iter().take(1) {
            let declare = alice.act(command, &object);
            assert_eq!(alice.refused(&declare), "clock_skew", "{off_s}");
        }
    }
}

/// Posts with an idempotency key.
fn post(scene: &Scene, key: &str, submission: &Submission) -> Reply {
    let body = serde_json::to_string(submission).unwrap();
    let request = format!(
        "POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {key}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    Reply::parse(&exchange(&scene.url, request.as_bytes())).unwrap()
}

#[test]
fn an_idempotency_key_means_one_statement() {
    let (scene, cast) = house();
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let (declare, _) = every(&Objects::default()).remove(0);
    let one = alice.act(declare.clone(), "");
    let one = alice.sign(&one);
    let other = alice.act(declare, "");
    let other = alice.sign(&other);
    let key = "01890a5d-ac96-774b-bcce-b302099a8057";
    let first = post(&scene, key, &one);
    assert_eq!(first.status, 201, "{first:?}");
    let size = scene.log_size();
    let again = post(&scene, key, &one);
    assert_eq!(again.status, 200, "{again:?}");
    let entries = |reply: &Reply| -> Vec<String> {
        let accepted: Accepted = serde_json::from_slice(&reply.body).unwrap();
        accepted.receipt.into_iter().map(|p| p.entry).collect()
    };
    assert_eq!(entries(&first), entries(&again));
    let reused = post(&scene, key, &other).problem();
    assert_eq!(
        (reused.status, reused.code.as_str()),
        (409, "idempotency_key_reused")
    );
    assert_eq!(scene.log_size(), size);
    for key in ["1", "", "01890a5d-ac96-474b-bcce-b302099a8057", "\u{1f511}"] {
        let refused = post(&scene, key, &other).problem();
        assert_eq!(refused.code, "malformed", "{key}");
    }
    let fresh = "01890a5d-ac96-774b-bcce-b302099a8058";
    assert_eq!(post(&scene, fresh, &other).status, 201);
}
