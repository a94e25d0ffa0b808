//! Checkouts: lost answers, other people's grants, replays.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass::{
    actor::ActorError,
    demo::{KEY, SECOND_KEY},
};
use breakglass_api::ClientError;
use breakglass_format::{Entry, Event, GrantId};

use super::{
    commands::{Objects, every},
    hand::{Hand, attachment},
    relay::Relay,
};
use crate::scene::{Scene, password};

/// How often a credential was shown.
fn disclosures(scene: &Scene) -> usize {
    let auditor = scene.actor("frank");
    let entries = auditor.client().entries(0).unwrap().entries;
    let events = entries
        .iter()
        .map(|e| Entry::from_bytes(e.as_bytes()).unwrap().event);
    events
        .filter(|e| matches!(e, Event::BreakGlassAccess(access) if access.disclosed))
        .count()
}

#[test]
fn lost_answer_of_a_checkout_gives_the_same_envelope() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let proxy = Relay::before(&scene.url);
    let mut alice = scene.actor_at(&proxy.url, "alice");
    // Lost once: the client posts the same statement again.
    proxy.lose_checkouts(1);
    let first = alice.checkout("G-1").unwrap();
    assert_eq!(disclosures(&scene), 1);
    // Lost twice, and the client ends there; the next one takes up what was signed.
    proxy.lose_checkouts(2);
    let lost = alice.checkout("G-1").unwrap_err();
    assert!(
        matches!(lost, ActorError::Client(ClientError::Unreachable { .. })),
        "{lost}"
    );
    assert_eq!(disclosures(&scene), 2);
    drop(alice);
    let mut alice = scene.actor_at(&proxy.url, "alice");
    let found = alice.checkout("G-1").unwrap();
    assert_eq!(disclosures(&scene), 2);
    assert_eq!(password(&found.credential), password(&first.credential));
    let bodies: Vec<_> = proxy
        .posts()
        .into_iter()
        .filter(|p| p.path == "/v1/checkouts")
        .collect();
    assert_eq!(bodies.len(), 5);
    assert_eq!(bodies[0].body, bodies[1].body);
    assert_eq!(bodies[2].body, bodies[4].body);
}

#[test]
fn the_same_checkout_gives_the_same_envelope_byte_for_byte() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let grant: GrantId = cast
        .alice
        .client()
        .grant("G-1")
        .unwrap()
        .id
        .parse()
        .unwrap();
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let checkout = alice.checkout(grant);
    let first = alice.post(&checkout).unwrap();
    let size = scene.log_size();
    let again = alice.post(&checkout).unwrap();
    assert!(!first.repeated && again.repeated);
    assert!(first.envelope.is_some() && first.envelope == again.envelope);
    let texts = |a: &breakglass_api::wire::Accepted| -> Vec<String> {
        a.receipt.iter().map(|p| p.entry.clone()).collect()
    };
    assert_eq!(texts(&first), texts(&again));
    assert_eq!(scene.log_size(), size);
    // Another one-time key under the same nonce is another checkout, and another entry.
    let mut other = alice.checkout(grant);
    other.nonce = checkout.nonce;
    let second = alice.post(&other).unwrap();
    assert_ne!(second.envelope, first.envelope);
    assert_eq!(scene.log_size(), size + 1);
}

#[test]
fn nobody_else_checks_out() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let grant: GrantId = cast
        .alice
        .client()
        .grant("G-1")
        .unwrap()
        .id
        .parse()
        .unwrap();
    for (actor, file) in [(&cast.bob, KEY), (&cast.bob, SECOND_KEY), (&cast.erin, KEY)] {
        let whose = actor.identity().principal.to_string();
        let mut hand = Hand::with_file(&scene, actor, &whose, file);
        let checkout = hand.checkout(grant);
        assert_eq!(hand.refused(&checkout), "not_holder");
    }
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let mut checkout = alice.checkout(grant);
    checkout.grant = "01234567-89ab-7def-8123-456789abcdef".parse().unwrap();
    assert_eq!(alice.refused(&checkout), "grant_unknown");
    assert_eq!(disclosures(&scene), 0);
}

#[test]
fn nothing_is_sealed_to_a_key_that_everybody_has() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let grant: GrantId = cast
        .alice
        .client()
        .grant("G-1")
        .unwrap()
        .id
        .parse()
        .unwrap();
    let size = scene.log_size();
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    // 0 and 1 are points of low order: whatever is sealed to them, everybody opens.
    for (first, code) in [(0, "statement_invalid"), (1, "sealing_unusable")] {
        let mut pk = [0; 32];
        pk[0] = first;
        let mut checkout = alice.checkout(grant);
        checkout.kem.pk = attachment(&pk).parse().unwrap();
        assert_eq!(alice.refused(&checkout), code);
    }
    for alg in ["none", "X448", "x25519", ""] {
        let mut checkout = alice.checkout(grant);
        checkout.kem.alg = alg.parse().unwrap();
        assert_eq!(alice.refused(&checkout), "statement_invalid", "{alg}");
    }
    for pk in ["", "AAAA", "not base64"] {
        let mut checkout = alice.checkout(grant);
        checkout.kem.pk = pk.parse().unwrap();
        assert_eq!(alice.refused(&checkout), "statement_invalid", "{pk}");
    }
    assert_eq!(scene.log_size(), size);
}

#[test]
fn an_envelope_attached_to_a_note_is_refused_and_stays_sealed() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let grant = cast.alice.client().grant("G-1").unwrap().id;
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let checkout = alice.checkout(grant.parse().unwrap());
    let envelope = alice.post(&checkout).unwrap().envelope.unwrap();
    let bytes = STANDARD.decode(&envelope).unwrap();
    let digest = breakglass_statement::digest(&bytes);
    let incident = cast.alice.client().incident("INC-1").unwrap().id;
    let (note, _) = every(&Objects::default()).into_iter().nth(1).unwrap();
    let mut act = alice.act(note, &incident);
    act.documents = vec![digest];
    let mut submission = alice.sign(&act);
    submission.attachments = vec![envelope];
    let problem = alice.send("/v1/acts", &submission).unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "visibility_differs")
    );
    let auditor = cast.frank.client();
    assert_eq!(auditor.blob(&digest.to_string()).unwrap(), None);
}
