//! The frozen vectors of `docs/spec/signatures.md`: one statement of each kind with its key and
//! signature, made from fixed seeds. They change with a new version of a namespace and never else.
//!
//! `BREAKGLASS_BLESS=1` writes them anew.

use std::{collections::BTreeMap, path::PathBuf};

use breakglass_format::{Timestamp, statement::Kind};
use breakglass_statement::{
    AuthoritySet, allowed_signers, verify_act, verify_approval, verify_checkout, verify_denial,
    verify_enroll, verify_request, verify_session, verify_suspend,
};

use crate::{
    stock::{Question, verify},
    world::{GENESIS_AT, World, at, principal, session_key, signed},
};

const ROOTS: [&str; 3] = ["carol", "dave", "erin"];

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/v1")
}

/// Every file with what it must hold.
fn files() -> BTreeMap<String, Vec<u8>> {
    let world = World::new();
    let mut files = BTreeMap::new();
    let genesis = world.set.current();
    files.insert("authority.json".to_owned(), genesis.bytes().to_vec());
    for (who, armoured) in genesis.armoured() {
        files.insert(format!("authority.json.{who}.sig"), armoured.into());
    }
    let mut put = |name: &str, (bytes, armoured): (Vec<u8>, String)| {
        files.insert(format!("{name}.json"), bytes);
        files.insert(format!("{name}.json.sig"), armoured.into_bytes());
    };
    put(
        "enroll",
        signed(&world.enroll(&world.alice), world.alice.key()),
    );
    put("request", signed(&world.request(), world.alice.key()));
    put(
        "approval",
        signed(&world.approval(&world.carol), world.carol.key()),
    );
    put(
        "approval-ecdsa",
        signed(&world.approval(&world.bob), world.bob.key()),
    );
    put(
        "approval-sk",
        signed(&world.approval(&world.erin), world.erin.key()),
    );
    put(
        "approval-passkey",
        signed(&world.approval(&world.pia), world.pia.key()),
    );
    put(
        "denial",
        signed(&world.denial(&world.carol), world.carol.key()),
    );
    put("checkout", signed(&world.checkout(), world.alice.key()));
    put("session", signed(&world.session(), world.alice.key()));
    put("suspend", signed(&world.suspend(), world.alice.key()));
    put("act", signed(&world.note(), world.alice.key()));
    put("act-session", signed(&world.session_note(), &session_key()));
    let allowed = allowed_signers(&world.set, &effective());
    files.insert("allowed_signers".to_owned(), allowed.into_bytes());
    files
}

fn effective() -> Vec<(i64, Timestamp)> {
    vec![(1, at(GENESIS_AT))]
}

fn text(name: &str) -> String {
    std::fs::read_to_string(dir().join(name)).unwrap()
}

#[test]
fn the_vectors_are_what_they_were() {
    let files = files();
    if std::env::var_os("BREAKGLASS_BLESS").is_some() {
        std::fs::create_dir_all(dir()).unwrap();
        for (name, bytes) in &files {
            std::fs::write(dir().join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in files {
        let frozen = std::fs::read(dir().join(&name)).unwrap();
        assert_eq!(
            String::from_utf8(frozen),
            String::from_utf8(bytes),
            "{name}"
        );
    }
}

/// From the files alone, as a stranger reads them.
#[test]
fn the_vectors_verify() {
    let roots: Vec<_> = ROOTS
        .iter()
        .map(|who| (principal(who), text(&format!("authority.json.{who}.sig"))))
        .collect();
    let set = AuthoritySet::genesis(text("authority.json").as_bytes(), &roots, None).unwrap();
    assert_eq!(allowed_signers(&set, &effective()), text("allowed_signers"));
    let pair = |name: &str| {
        (
            text(&format!("{name}.json")),
            text(&format!("{name}.json.sig")),
        )
    };

    let (bytes, sig) = pair("enroll");
    verify_enroll(bytes.as_bytes(), &sig, &set).unwrap();
    let (request, sig) = pair("request");
    verify_request(request.as_bytes(), &sig, &set).unwrap();
    for (name, presence, browser) in [
        ("approval", false, false),
        ("approval-ecdsa", false, false),
        ("approval-sk", true, false),
        ("approval-passkey", true, true),
    ] {
        let (bytes, sig) = pair(name);
        let approval = verify_approval(bytes.as_bytes(), &sig, request.as_bytes(), &set).unwrap();
        assert_eq!(
            (approval.presence(), approval.browser()),
            (presence, browser),
            "{name}"
        );
    }
    let (bytes, sig) = pair("denial");
    verify_denial(bytes.as_bytes(), &sig, request.as_bytes(), &set).unwrap();
    let (bytes, sig) = pair("checkout");
    verify_checkout(bytes.as_bytes(), &sig, &set).unwrap();
    let (bytes, sig) = pair("session");
    let session = verify_session(bytes.as_bytes(), &sig, &set).unwrap();
    let (bytes, sig) = pair("act");
    verify_act(bytes.as_bytes(), &sig, None, &set).unwrap();
    let (bytes, sig) = pair("suspend");
    verify_suspend(bytes.as_bytes(), &sig, &set).unwrap();
    let (bytes, sig) = pair("act-session");
    verify_act(bytes.as_bytes(), &sig, Some(&session), &set).unwrap();
}

#[test]
fn the_stock_tool_verifies_the_vectors() {
    let allowed = text("allowed_signers");
    let cases = [
        ("enroll", "alice", Kind::Enroll),
        ("request", "alice", Kind::Request),
        ("approval", "carol", Kind::Approval),
        ("approval-ecdsa", "bob", Kind::Approval),
        ("approval-sk", "erin", Kind::Approval),
        ("approval-passkey", "pia", Kind::Approval),
        ("denial", "carol", Kind::Denial),
        ("checkout", "alice", Kind::Checkout),
        ("session", "alice", Kind::Session),
        ("suspend", "alice", Kind::Suspend),
        ("act", "alice", Kind::Act),
    ];
    let statements = cases.map(|(name, who, kind)| {
        (
            format!("{name}.json"),
            format!("{name}.json.sig"),
            who,
            kind,
        )
    });
    let documents = ROOTS.map(|who| {
        (
            "authority.json".to_owned(),
            format!("authority.json.{who}.sig"),
            who,
            Kind::Authority,
        )
    });
    for (message, signature, who, kind) in statements.into_iter().chain(documents) {
        let (message, armoured) = (text(&message), text(&signature));
        let question = Question {
            allowed_signers: &allowed,
            principal: who,
            namespace: kind.namespace(),
            armoured: &armoured,
            message: message.as_bytes(),
            at: at("2026-01-06T10:05:00.000Z"),
        };
        let Some(good) = verify("the_stock_tool_verifies_the_vectors", &question) else {
            return;
        };
        assert!(good.is_ok(), "{signature}: {good:?}");
    }
}
