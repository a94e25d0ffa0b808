//! Who would make themselves entitled: a next version of the authority that the root persons did
//! not sign.

use breakglass::{demo::KEY, signer::open_file};
use breakglass_api::{
    Client, ClientError,
    wire::{Accepted, AuthoritySubmission, RootSignature},
};
use breakglass_format::{Blank, authority::Authority, statement::Kind};

use super::hand::new_key;
use crate::scene::Scene;

/// The next version, in which one approval of anybody suffices.
pub(crate) fn next(scene: &Scene) -> Authority {
    let alice = scene.actor("alice");
    let current = alice.trust().authorities().current_ref();
    let mut next = alice.trust().authority().clone();
    next.version = current.version + 1;
    next.previous = Blank(current.digest.0);
    next.issued_at = scene.now();
    for entitlement in &mut next.entitlements {
        entitlement.require_each.clear();
    }
    next
}

/// A signature in somebody's name: with a key file of somebody's, or with a new key.
pub(crate) fn signed(
    scene: &Scene,
    name: &str,
    key_of: Option<&str>,
    bytes: &[u8],
) -> RootSignature {
    let mut key = match key_of {
        Some(principal) => open_file(&scene.stage.home(principal).join(KEY)).unwrap(),
        None => Box::new(new_key()),
    };
    RootSignature {
        principal: name.to_owned(),
        signature: key.sign(Kind::Authority, bytes).unwrap(),
    }
}

#[track_caller]
fn refused(scene: &Scene, document: &[u8], signatures: Vec<RootSignature>) -> String {
    let submission = AuthoritySubmission {
        document: String::from_utf8(document.to_vec()).unwrap(),
        signatures,
    };
    let client = Client::new(vec![scene.url.clone()], None);
    match client.post::<_, Accepted>("/v1/authority", &submission) {
        Err(ClientError::Refused(problem)) => problem.code,
        other => panic!("what must be refused was answered with {other:?}"),
    }
}

#[test]
fn an_authority_that_the_root_persons_did_not_sign_is_refused() {
    let scene = Scene::set();
    let next = next(&scene);
    let bytes = next.to_bytes().unwrap();
    let size = scene.log_size();
    let by = |name, key_of| signed(&scene, name, key_of, &bytes);
    let attempts = [
        vec![],
        vec![by("erin", Some("erin"))],
        vec![by("erin", Some("erin")), by("erin", Some("erin"))],
        vec![by("erin", Some("erin")), by("frank", Some("erin"))],
        vec![by("erin", None), by("frank", None)],
        vec![by("alice", Some("alice")), by("bob", Some("bob"))],
        vec![by("erin", Some("erin")), by("alice", Some("alice"))],
    ];
    for signatures in attempts {
        assert_eq!(
            refused(&scene, &bytes, signatures.clone()),
            "authority_invalid"
        );
    }
    // Signed by both, and then changed; or not the next version.
    let both = |bytes: &[u8]| {
        ["erin", "frank"]
            .map(|name| signed(&scene, name, Some(name), bytes))
            .to_vec()
    };
    let mut other = next.clone();
    other.title = "another house".parse().unwrap();
    let signatures = both(&other.to_bytes().unwrap());
    assert_eq!(refused(&scene, &bytes, signatures), "authority_invalid");
    let mut ahead = next.clone();
    ahead.version += 1;
    let ahead = ahead.to_bytes().unwrap();
    assert_eq!(refused(&scene, &ahead, both(&ahead)), "authority_invalid");
    let mut elsewhere = next;
    elsewhere.previous = Blank(Some(breakglass_statement::digest(b"another house")));
    let elsewhere = elsewhere.to_bytes().unwrap();
    assert_eq!(
        refused(&scene, &elsewhere, both(&elsewhere)),
        "authority_invalid"
    );
    assert_eq!(scene.log_size(), size);
}
