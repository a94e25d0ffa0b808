//! Asserted values are like verified ones, but for the signature.

use breakglass_statement::{
    AuthoritySet, Presence, Verified, VerifiedAuthority, verify_act, verify_approval,
    verify_session,
};

use crate::world::{World, signed};
use breakglass_format::statement::Statement as _;

#[test]
fn an_asserted_statement_says_what_the_verified_one_does() {
    let world = World::new();
    let request = world.request().to_bytes().unwrap();
    let statement = world.approval(&world.bob);
    let (bytes, armoured) = signed(&statement, world.bob.key());
    let verified = verify_approval(&bytes, &armoured, &request, &world.set).unwrap();
    let asserted = Verified::<breakglass_format::statement::Approval>::assertion(
        statement,
        Presence::default(),
    )
    .unwrap();
    assert_eq!(asserted.bytes(), verified.bytes());
    assert_eq!(asserted.digest(), verified.digest());
    assert_eq!(asserted.request_digest(), verified.request_digest());
    assert_eq!(asserted.signer(), verified.signer());

    let (bytes, armoured) = signed(&world.session(), world.alice.key());
    let verified = verify_session(&bytes, &armoured, &world.set).unwrap();
    let asserted = Verified::<breakglass_format::statement::Session>::assertion(
        world.session(),
        Presence::default(),
    )
    .unwrap();
    assert_eq!(asserted.session_key(), verified.session_key());

    let (bytes, armoured) = signed(&world.note(), world.alice.key());
    let verified = verify_act(&bytes, &armoured, None, &world.set).unwrap();
    let asserted = Verified::<breakglass_format::act::Act>::assertion(
        world.note(),
        world.alice.key().fingerprint(),
        Presence::default(),
    )
    .unwrap();
    assert_eq!(asserted.enrolled_key(), verified.enrolled_key());
}

#[test]
fn an_asserted_authority_is_found_as_a_verified_one() {
    let world = World::new();
    let genesis = VerifiedAuthority::assertion(world.set.current().authority(), true).unwrap();
    let set = AuthoritySet::assertion(genesis, Vec::new());
    assert_eq!(set.instance(), world.set.instance());
    assert!(set.get(&world.named()).is_some());
}
