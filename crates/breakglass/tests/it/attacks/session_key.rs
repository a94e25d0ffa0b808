//! Somebody has Alice's session key with its certificate. It may sign a short list of acts, and
//! nothing else.

use std::{collections::BTreeSet, path::Path};

use breakglass::demo::{ACCOUNT, ACCOUNT_ID};
use breakglass_format::{
    act::{Command, NoArgs},
    statement::{Request, Statement as _},
};

use super::{
    commands::{Objects, every},
    hand::Hand,
};
use crate::scene::{Cast, Scene, rollback};

/// What a session may sign, as far as this version has it.
const SHORT_LIST: [&str; 9] = [
    "cancel",
    "declare",
    "note",
    "probe",
    "record",
    "return",
    "revoke",
    "set_contact",
    "withdraw",
];

/// A house whose execution plane never answers, so that a run stays open.
fn house() -> (Scene, Cast, Objects) {
    let scene = Scene::set_with(|_, config| {
        let plane = config.connectors.get_mut("shop").unwrap();
        plane.program = Path::new("/usr/bin/tail").to_owned();
        plane.args = ["-f", "/dev/null"].map(str::to_owned).to_vec();
        plane.timeout_s = 4;
    });
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    let first = cast.request(&incident);
    let second = cast.request(&incident);
    cast.approve(&first);
    cast.alice.run("G-1", rollback(), None).unwrap();
    let client = cast.alice.client();
    let objects = Objects {
        incident: client.incident("INC-1").unwrap().id,
        request: client.request(&second).unwrap().view.id,
        grant: client.grant("G-1").unwrap().id,
        run: client.runs().unwrap().remove(0).id,
        account: ACCOUNT_ID.to_owned(),
    };
    (scene, cast, objects)
}

#[test]
fn a_stolen_session_key_can_do_exactly_the_short_list() {
    let (scene, cast, objects) = house();
    let mut done = BTreeSet::new();
    for (command, object) in every(&objects) {
        let word = command.word();
        // Alice returns her grant; a revocation is for whoever leads.
        let actor = if word == "revoke" {
            &cast.erin
        } else {
            &cast.alice
        };
        let mut thief = Hand::session(&scene, actor);
        let act = thief.act(command, &object);
        let size = scene.log_size();
        match thief.post(&act) {
            Ok(accepted) => {
                assert!(!accepted.receipt.is_empty() && accepted.envelope.is_none());
                done.insert(word);
            }
            // Only one of return and revoke can end the grant; the rules say so, not the key.
            Err(problem) if word == "revoke" => {
                assert_eq!(problem.code, "grant_not_active");
                done.insert(word);
            }
            // A contact is a document, and this act has none; the rules say so, not the key.
            Err(problem) if word == "set_contact" => {
                assert_eq!(problem.code, "document_missing");
                done.insert(word);
            }
            // An outage has nothing to probe; the rules say so, not the key.
            Err(problem) if word == "probe" => {
                assert_eq!(problem.code, "not_probed");
                done.insert(word);
            }
            Err(problem) => {
                assert_eq!(problem.code, "statement_invalid", "{word}: {problem}");
                assert!(
                    problem.detail.contains("takes the enrolled key"),
                    "{problem}"
                );
                assert_eq!(scene.log_size(), size, "{word}");
            }
        }
    }
    assert!(done.iter().copied().eq(SHORT_LIST), "{done:?}");
}

#[test]
fn a_revocation_takes_no_more_than_a_session() {
    let (scene, cast, objects) = house();
    let mut thief = Hand::session(&scene, &cast.bob);
    let revoke = every(&objects)
        .into_iter()
        .find(|(c, _)| c.word() == "revoke");
    let (command, object) = revoke.unwrap();
    let act = thief.act(command, &object);
    thief.post(&act).unwrap();
    assert_eq!(cast.bob.client().grant("G-1").unwrap().state, "revoked");
}

#[test]
fn a_stolen_session_key_signs_no_other_kind_of_statement() {
    let (scene, cast, objects) = house();
    let dossier = cast.bob.client().request(&objects.request).unwrap();
    let asked = Request::from_bytes(dossier.request.statement.as_bytes()).unwrap();
    let terms = || cast.alice.client().terms(ACCOUNT, "INC-1").unwrap();
    let size = scene.log_size();
    for actor in [&cast.alice, &cast.bob] {
        let enrolled = actor.identity().key.clone();
        let session = Hand::session(&scene, actor).name.key;
        // Naming the session's key, and naming the enrolled one.
        for named in [session, enrolled] {
            let mut thief = Hand::session(&scene, actor);
            thief.name.key = named;
            let request = thief.request(terms());
            assert_eq!(thief.refused(&request), "statement_invalid");
            let approval = thief.approval(asked.clone(), dossier.log.clone());
            assert_eq!(thief.refused(&approval), "statement_invalid");
            let denial = thief.denial(asked.clone(), dossier.log.clone());
            assert_eq!(thief.refused(&denial), "statement_invalid");
            let checkout = thief.checkout(objects.grant.parse().unwrap());
            assert_eq!(thief.refused(&checkout), "statement_invalid");
            let enrolment = thief.enrolment();
            assert_eq!(thief.refused(&enrolment), "statement_invalid");
            let (longer, _) = thief.new_session(8 * 3_600);
            assert_eq!(thief.refused(&longer), "statement_invalid");
        }
    }
    assert_eq!(scene.log_size(), size);
}

#[test]
fn a_session_is_worth_nothing_to_others_beyond_its_time_or_unasked() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.declare();
    let incident = cast.alice.client().incident("INC-1").unwrap().id;
    let note = || {
        let note = every(&Objects::default()).into_iter().nth(1).unwrap().0;
        assert_eq!(note.word(), "note");
        note
    };
    // Alice's session key under Bob's name.
    let mut thief = Hand::session(&scene, &cast.alice);
    thief.name = Hand::enrolled(&scene, &cast.bob).name;
    let act = thief.act(note(), &incident);
    assert_eq!(thief.refused(&act), "statement_invalid");
    // Bob's certificate under an act of Alice's session key.
    let mut thief = Hand::session(&scene, &cast.alice);
    let of_bob = Hand::session(&scene, &cast.bob).certificate().cloned();
    let act = thief.act(note(), &incident);
    let mut submission = thief.sign(&act);
    submission.session = of_bob;
    let refused = thief.send("/v1/acts", &submission).unwrap_err();
    assert_eq!(refused.code, "statement_invalid");
    // No certificate at all.
    submission.session = None;
    let refused = thief.send("/v1/acts", &submission).unwrap_err();
    assert_eq!(refused.code, "statement_invalid");
    // More than eight hours, and a session that was certified but never opened.
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let (long, _) = alice.new_session(8 * 3_600 + 1);
    assert_eq!(alice.refused(&long), "statement_invalid");
    // After its end.
    let mut thief = Hand::session(&scene, &cast.alice);
    scene.skip_s(8 * 3_600);
    let act = thief.act(note(), &incident);
    assert_eq!(thief.refused(&act), "session_unknown");
    thief.now = scene.now();
    let act = thief.act(Command::Return(NoArgs {}), &incident);
    assert_eq!(thief.refused(&act), "statement_invalid");
    assert!(matches!(
        cast.alice.client().whoami(),
        Err(breakglass_api::ClientError::Refused(_))
    ));
}
