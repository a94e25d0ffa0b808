//! Enrolment: the proof that a person holds a key.

use breakglass_format::{
    Digest,
    statement::{Enroll, Kind},
};
use breakglass_statement::{EnrollError, StatementError, VerifiedEnroll, verify_enroll};

use crate::{
    keys::TestKey,
    world::{World, person_id, principal, signed},
};

fn enroll(
    world: &World,
    change: impl FnOnce(&mut Enroll),
) -> Result<VerifiedEnroll, StatementError> {
    let mut enroll = world.enroll(&world.bob);
    change(&mut enroll);
    let (bytes, armoured) = signed(&enroll, world.bob.key());
    verify_enroll(&bytes, &armoured, &world.set)
}

#[test]
fn everybody_can_enrol_their_key() {
    let world = World::new();
    for who in [
        &world.alice,
        &world.bob,
        &world.carol,
        &world.dave,
        &world.erin,
        &world.pia,
    ] {
        let (bytes, armoured) = signed(&world.enroll(who), who.key());
        let enrolled = verify_enroll(&bytes, &armoured, &world.set).unwrap();
        assert_eq!(enrolled.statement().person, person_id(who.name));
    }
}

#[test]
fn an_enrolment_of_somebody_elses_key() {
    let world = World::new();
    let other = enroll(&world, |e| e.fingerprint = world.alice.key().fingerprint());
    assert_eq!(
        other.unwrap_err(),
        StatementError::Enroll(EnrollError::OtherKey)
    );
    let other = enroll(&world, |e| e.person = person_id("alice"));
    assert_eq!(
        other.unwrap_err(),
        StatementError::Enroll(EnrollError::OtherPerson)
    );
    let other = enroll(&world, |e| {
        e.person = person_id("alice");
        e.signer.person = person_id("alice");
        e.signer.principal = principal("alice");
    });
    assert!(matches!(
        other.unwrap_err(),
        StatementError::ForeignKey { .. }
    ));
}

#[test]
fn an_enrolment_of_a_key_that_the_authority_does_not_list() {
    let world = World::new();
    let key = TestKey::ed25519(50);
    let mut statement = world.enroll(&world.bob);
    statement.fingerprint = key.fingerprint();
    statement.signer.key = key.fingerprint();
    let (bytes, armoured) = signed(&statement, &key);
    let got = verify_enroll(&bytes, &armoured, &world.set).unwrap_err();
    assert!(matches!(got, StatementError::ForeignKey { .. }));
}

#[test]
fn an_enrolment_binds_the_genesis_and_what_the_key_will_sign() {
    let world = World::new();
    let foreign = enroll(&world, |e| e.genesis = Digest::from_bytes([1; 32]));
    assert!(matches!(
        foreign.unwrap_err(),
        StatementError::ForeignInstance { .. }
    ));
    for change in [
        |e: &mut Enroll| e.instance = Digest::from_bytes([1; 32]).into(),
        |e: &mut Enroll| e.authority.version = 1,
    ] {
        let got = enroll(&world, change).unwrap_err();
        assert_eq!(got, StatementError::Enroll(EnrollError::NotEmpty));
    }
    for change in [
        |e: &mut Enroll| e.namespaces.clear(),
        |e: &mut Enroll| e.namespaces.push(Kind::Act),
    ] {
        let got = enroll(&world, change).unwrap_err();
        assert_eq!(got, StatementError::Enroll(EnrollError::Namespaces));
    }
    let less = enroll(&world, |e| e.namespaces.retain(|k| *k != Kind::Approval));
    let namespace = Kind::Approval.namespace();
    assert_eq!(
        less.unwrap_err(),
        StatementError::Enroll(EnrollError::NotCovered { namespace })
    );
}
