//! The chain of authority documents.

use breakglass_format::{Blank, Digest, Principal, authority::Authority, statement::Kind};
use breakglass_statement::{
    AuthoritySet, ChainError, DocumentError, KeyError, SignatureError, VerifiedAuthority,
};

use crate::{
    keys::{Assertion, TestKey},
    world::{
        GENESIS_AT, Somebody, World, at, genesis_of, key_entry, line, next_of, people, person_id,
        principal, root_signatures,
    },
};

type Signatures = Vec<(Principal, String)>;

fn genesis(change: impl FnOnce(&mut Authority)) -> (Vec<u8>, Signatures) {
    let people = people();
    let mut document = genesis_of(&people);
    change(&mut document);
    let bytes = document.to_bytes().unwrap();
    let roots: Vec<&Somebody> = people.iter().filter(|p| p.root).collect();
    let signatures = root_signatures(&bytes, &roots);
    (bytes, signatures)
}

fn refused(change: impl FnOnce(&mut Authority)) -> ChainError {
    let (bytes, signatures) = genesis(change);
    VerifiedAuthority::genesis(&bytes, &signatures, None).unwrap_err()
}

/// A next version, changed and signed by some of the people.
fn next(
    world: &World,
    signers: &[&Somebody],
    change: impl FnOnce(&mut Authority),
) -> Result<VerifiedAuthority, ChainError> {
    let mut document = next_of(&world.set, "2026-01-06T09:00:00.000Z");
    change(&mut document);
    let bytes = document.to_bytes().unwrap();
    world
        .set
        .current()
        .succeed(&bytes, &root_signatures(&bytes, signers))
}

#[test]
fn a_genesis_takes_all_its_root_persons() {
    let (bytes, signatures) = genesis(|_| ());
    let genesis = VerifiedAuthority::genesis(&bytes, &signatures, None).unwrap();
    assert!(genesis.all_roots());
    assert_eq!(genesis.bytes(), bytes);
    assert_eq!(genesis.signatures().len(), 3);
    assert_eq!(genesis.armoured().count(), 3);
    assert!(genesis.threshold_holds_at(&genesis, at(GENESIS_AT)));
    let two = VerifiedAuthority::genesis(&bytes, &signatures[..2], None);
    assert_eq!(
        two.unwrap_err(),
        ChainError::NotAllRoots { needed: 3, got: 2 }
    );
    let twice = [&signatures[..2], &signatures[..1]].concat();
    let got = VerifiedAuthority::genesis(&bytes, &twice, None);
    assert_eq!(
        got.unwrap_err(),
        ChainError::NotAllRoots { needed: 3, got: 2 }
    );
}

#[test]
fn a_genesis_other_than_the_pinned_one() {
    let (bytes, signatures) = genesis(|_| ());
    let known = VerifiedAuthority::genesis(&bytes, &signatures, None).unwrap();
    assert!(VerifiedAuthority::genesis(&bytes, &signatures, Some(known.digest())).is_ok());
    let pinned = Digest::from_bytes([7; 32]);
    let got = AuthoritySet::genesis(&bytes, &signatures, Some(pinned));
    let wrong = ChainError::Pin {
        pinned,
        got: known.digest(),
    };
    assert_eq!(got.unwrap_err(), wrong);
}

#[test]
fn a_later_version_is_no_genesis() {
    let change = |d: &mut Authority| {
        d.version = 2;
        d.previous = Digest::from_bytes([1; 32]).into();
    };
    assert_eq!(refused(change), ChainError::NotGenesis { got: 2 });
}

#[test]
fn a_version_takes_the_threshold_of_the_old_and_the_new_roots() {
    let world = World::new();
    let two = next(&world, &[&world.carol, &world.dave], |_| ()).unwrap();
    assert!(!two.all_roots());
    let three = next(&world, &[&world.carol, &world.dave, &world.erin], |_| ()).unwrap();
    assert!(three.all_roots());
    let one = next(&world, &[&world.carol], |_| ()).unwrap_err();
    assert_eq!(
        one,
        ChainError::Threshold {
            version: 1,
            needed: 2,
            got: 1
        }
    );

    // The roots of tomorrow alone do not make themselves roots, nor do those of yesterday alone.
    let swap = |d: &mut Authority| {
        let alice = d
            .people
            .iter_mut()
            .find(|p| p.principal == principal("alice"))
            .unwrap();
        alice.keys[0].namespaces.push(Kind::Authority);
        d.roots.persons = vec![person_id("alice"), person_id("erin")];
    };
    let new = next(&world, &[&world.alice, &world.erin], swap).unwrap_err();
    assert_eq!(
        new,
        ChainError::Threshold {
            version: 1,
            needed: 2,
            got: 1
        }
    );
    let old = next(&world, &[&world.carol, &world.erin], swap).unwrap_err();
    assert_eq!(
        old,
        ChainError::Threshold {
            version: 2,
            needed: 2,
            got: 1
        }
    );
    let both = next(&world, &[&world.alice, &world.carol, &world.erin], swap).unwrap();
    assert!(!both.all_roots());
}

#[test]
fn one_person_with_two_keys_is_one_person() {
    let world = World::new();
    let bytes = next_of(&world.set, "2026-01-06T09:00:00.000Z")
        .to_bytes()
        .unwrap();
    let sign = |key: &TestKey| {
        (
            principal("carol"),
            key.sign(Kind::Authority.namespace(), &bytes),
        )
    };
    let both: Vec<_> = world.carol.keys.iter().map(sign).collect();
    assert_eq!(both.len(), 2);
    let got = world.set.current().succeed(&bytes, &both).unwrap_err();
    assert_eq!(
        got,
        ChainError::Threshold {
            version: 1,
            needed: 2,
            got: 1
        }
    );
}

#[test]
fn every_signature_handed_in_must_hold() {
    let world = World::new();
    let alice = next(&world, &[&world.carol, &world.dave, &world.alice], |_| ()).unwrap_err();
    assert!(matches!(alice, ChainError::NotRoot { .. }));

    let bytes = next_of(&world.set, "2026-01-06T09:00:00.000Z")
        .to_bytes()
        .unwrap();
    let mut signatures = root_signatures(&bytes, &[&world.carol, &world.dave, &world.erin]);
    signatures[0].0 = principal("dave");
    let other = world
        .set
        .current()
        .succeed(&bytes, &signatures)
        .unwrap_err();
    assert!(matches!(other, ChainError::NotRoot { .. }));

    let mut signatures = root_signatures(&bytes, &[&world.carol, &world.dave, &world.erin]);
    let untouched = Assertion {
        flags: 0,
        ..Assertion::default()
    };
    signatures[2].1 = world
        .erin
        .key()
        .sign_as(Kind::Authority.namespace(), &bytes, &untouched);
    let got = world
        .set
        .current()
        .succeed(&bytes, &signatures)
        .unwrap_err();
    let error = SignatureError::NotPresent { flags: 0 };
    assert_eq!(
        got,
        ChainError::Signature {
            principal: principal("erin"),
            error
        }
    );

    signatures[2].1 = world.erin.key().sign(Kind::Act.namespace(), &bytes);
    let got = world
        .set
        .current()
        .succeed(&bytes, &signatures)
        .unwrap_err();
    assert!(matches!(
        got,
        ChainError::Signature {
            error: SignatureError::Namespace { .. },
            ..
        }
    ));
    signatures[2].1 = "nonsense".to_owned();
    let got = world
        .set
        .current()
        .succeed(&bytes, &signatures)
        .unwrap_err();
    assert!(matches!(got, ChainError::Unreadable { .. }));
}

#[test]
fn a_version_follows_the_one_before() {
    let world = World::new();
    let both = [&world.carol, &world.dave];
    let skipped = next(&world, &both, |d| d.version = 3).unwrap_err();
    assert_eq!(
        skipped,
        ChainError::Version {
            expected: 2,
            got: 3
        }
    );
    let fork = next(&world, &both, |d| {
        d.previous = Digest::from_bytes([1; 32]).into()
    });
    let expected = world.instance();
    assert_eq!(fork.unwrap_err(), ChainError::Previous { expected });
    let earlier = next(&world, &both, |d| {
        d.issued_at = at("2026-01-04T00:00:00.000Z")
    });
    assert!(matches!(earlier.unwrap_err(), ChainError::Earlier { .. }));
    // The chain does not take its own genesis for a successor: no way back.
    let (bytes, signatures) = genesis(|_| ());
    let again = world
        .set
        .current()
        .succeed(&bytes, &signatures)
        .unwrap_err();
    assert_eq!(
        again,
        ChainError::Version {
            expected: 2,
            got: 1
        }
    );
}

#[test]
fn a_key_stays_with_its_human_being() {
    let world = World::new();
    let moved = next(&world, &[&world.carol, &world.dave], |d| {
        let key = d.people[0].keys.pop().unwrap();
        d.people[1].keys.push(key);
    });
    assert!(matches!(
        moved.unwrap_err(),
        ChainError::KeyChangesHands { .. }
    ));
}

#[test]
fn keys_of_roots_count_while_they_are_valid() {
    let mut world = World::new();
    let mut document = next_of(&world.set, "2026-01-05T10:00:00.000Z");
    let end = at("2026-01-06T08:00:00.000Z");
    document.people[2].keys[0].not_after = end.into();
    let bytes = document.to_bytes().unwrap();
    let all = root_signatures(&bytes, &[&world.carol, &world.dave]);
    let second = world.set.succeed(&bytes, &all).unwrap();
    let genesis = world.set.versions().next().unwrap().clone();
    assert!(second.threshold_holds_at(&genesis, at("2026-01-06T07:59:59.999Z")));
    assert!(!second.threshold_holds_at(&genesis, end));
    let late = next(&world, &[&world.carol, &world.dave, &world.erin], |_| ()).unwrap_err();
    assert!(matches!(late, ChainError::NotRoot { .. }));
}

#[test]
fn every_key_of_a_document_can_be_used() {
    let first = |d: &mut Authority, change: fn(&mut breakglass_format::authority::Key)| {
        change(&mut d.people[0].keys[0]);
    };
    let document = |error: ChainError| {
        let ChainError::Document(error) = error else {
            panic!("{error}")
        };
        error
    };
    let comment = refused(|d| first(d, |k| k.public_key = line(&format!("{} x", k.public_key))));
    assert!(matches!(document(comment), DocumentError::KeyText { .. }));
    let other = refused(|d| {
        first(d, |k| k.fingerprint = TestKey::ed25519(77).fingerprint());
    });
    assert!(matches!(document(other), DocumentError::Fingerprint { .. }));
    let rsa = refused(|d| first(d, |k| k.public_key = line("ssh-rsa AAAA")));
    assert!(matches!(
        document(rsa),
        DocumentError::Key {
            error: KeyError::Rsa,
            ..
        }
    ));
    let origins = refused(|d| first(d, |k| k.origins = vec![line("https://bg.example")]));
    assert!(matches!(document(origins), DocumentError::Origins { .. }));
    let machine = refused(|d| d.machines[0].public_key = line("ssh-ed25519 AAAA"));
    assert!(matches!(document(machine), DocumentError::Key { .. }));
    let node = refused(|d| d.nodes[0].kem.alg = line("X448"));
    assert!(matches!(document(node), DocumentError::Node { .. }));
    let node = refused(|d| d.nodes[0].kem = crate::world::kem(0));
    assert!(matches!(document(node), DocumentError::Node { .. }));
    let lone = refused(|d| d.roots.threshold = 1);
    assert!(matches!(document(lone), DocumentError::Authority(_)));
}

#[test]
fn a_set_finds_versions_by_number_and_digest() {
    let mut world = World::new();
    let first = world.named();
    let bytes = next_of(&world.set, "2026-01-06T09:00:00.000Z")
        .to_bytes()
        .unwrap();
    let signatures = root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &signatures).unwrap();
    let second = world.named();
    assert_eq!(world.set.get(&first).unwrap().authority().version, 1);
    assert_eq!(world.set.get(&second).unwrap().bytes(), bytes);
    assert_eq!(world.set.instance(), first.digest.0.unwrap());
    let mut neither = second;
    neither.digest = Blank::NONE;
    assert!(world.set.get(&neither).is_none());
    // A refused version changes nothing.
    assert!(world.set.succeed(&bytes, &signatures).is_err());
    assert_eq!(world.set.current().authority().version, 2);
}

#[test]
fn roots_listed_without_the_authority_namespace_do_not_sign_it() {
    let world = World::new();
    let narrow = next(&world, &[&world.carol, &world.dave], |d| {
        let carol = &mut d.people[2];
        carol.keys[0] = key_entry(&TestKey::ed25519(4), &[Kind::Act]);
    });
    assert_eq!(
        narrow.unwrap_err(),
        ChainError::Threshold {
            version: 2,
            needed: 2,
            got: 1
        }
    );
}
