//! Sessions, and acts by their keys.

use breakglass_format::{
    Blank, Digest,
    act::Act,
    statement::{Kind, Session},
};
use breakglass_statement::{
    KeyError, SessionActError, SessionError, StatementError, VerifiedAct, VerifiedSession,
    verify_act, verify_session,
};

use crate::{
    keys::TestKey,
    world::{World, line, now, person_id, principal, session_key, signed, signer},
};

fn by_session(world: &World, change: impl FnOnce(&mut Act)) -> Result<VerifiedAct, StatementError> {
    let mut act = world.session_note();
    change(&mut act);
    let (bytes, armoured) = signed(&act, &session_key());
    verify_act(
        &bytes,
        &armoured,
        Some(&world.verified_session()),
        &world.set,
    )
}

fn session(
    world: &World,
    change: impl FnOnce(&mut Session),
) -> Result<VerifiedSession, StatementError> {
    let mut session = world.session();
    change(&mut session);
    let (bytes, armoured) = signed(&session, world.alice.key());
    verify_session(&bytes, &armoured, &world.set)
}

#[test]
fn an_enrolled_key_signs_acts() {
    let world = World::new();
    let (bytes, armoured) = signed(&world.note(), world.alice.key());
    let act = verify_act(&bytes, &armoured, None, &world.set).unwrap();
    assert!(!act.by_session());
    assert_eq!(*act.enrolled_key(), world.alice.key().fingerprint());
}

#[test]
fn a_session_key_signs_lesser_acts() {
    let world = World::new();
    let act = by_session(&world, |_| ()).unwrap();
    assert!(act.by_session());
    assert!(!act.presence());
    assert_eq!(act.signer().key, session_key().fingerprint());
    assert_eq!(*act.enrolled_key(), world.alice.key().fingerprint());
}

#[test]
fn a_session_made_with_a_touch_lends_none_to_its_acts() {
    let world = World::new();
    let mut statement = world.session();
    statement.signer = world.erin.signer();
    let (bytes, armoured) = signed(&statement, world.erin.key());
    let session = verify_session(&bytes, &armoured, &world.set).unwrap();
    assert!(session.presence());
    let mut act = world.session_note();
    act.session = session.digest().into();
    act.signer = signer("erin", &session_key());
    let (bytes, armoured) = signed(&act, &session_key());
    let act = verify_act(&bytes, &armoured, Some(&session), &world.set).unwrap();
    assert!(!act.presence());
}

#[test]
fn a_session_key_that_resolves() {
    let world = World::new();
    let got = by_session(&world, |act| act.command = world.resolve()).unwrap_err();
    let command = "resolve";
    assert_eq!(
        got,
        StatementError::SessionAct(SessionActError::TakesEnrolledKey { command })
    );
}

#[test]
fn the_session_of_another_person() {
    let world = World::new();
    for change in [
        |act: &mut Act| act.signer.person = person_id("bob"),
        |act: &mut Act| act.signer.principal = principal("bob"),
        |act: &mut Act| act.signer = signer("bob", &session_key()),
    ] {
        let got = by_session(&world, change).unwrap_err();
        assert!(matches!(
            got,
            StatementError::SessionAct(SessionActError::OtherPerson { .. })
        ));
    }
}

#[test]
fn a_session_that_is_over_or_has_not_begun() {
    let world = World::new();
    let end = world.session().not_after;
    for at in [end, end.plus_s(1), now().plus_s(-1)] {
        let got = by_session(&world, |act| act.issued_at = at).unwrap_err();
        let not_after = end;
        assert_eq!(
            got,
            StatementError::SessionAct(SessionActError::Outside { at, not_after })
        );
    }
    assert!(by_session(&world, |act| act.issued_at = end.plus_s(-1)).is_ok());
}

#[test]
fn an_act_and_a_session_that_do_not_belong_together() {
    let world = World::new();
    let given = world.verified_session();
    let other = by_session(&world, |act| {
        act.session = Digest::from_bytes([1; 32]).into()
    });
    let differs = SessionActError::Differs {
        given: given.digest(),
    };
    assert_eq!(
        other.unwrap_err(),
        StatementError::SessionAct(differs.clone())
    );
    let none = by_session(&world, |act| act.session = Blank::NONE);
    assert_eq!(none.unwrap_err(), StatementError::SessionAct(differs));

    let (bytes, armoured) = signed(&world.session_note(), &session_key());
    let missing = verify_act(&bytes, &armoured, None, &world.set).unwrap_err();
    let named = given.digest();
    assert_eq!(
        missing,
        StatementError::SessionAct(SessionActError::Missing { named })
    );
}

#[test]
fn another_key_than_the_sessions() {
    let world = World::new();
    let thief = TestKey::ed25519(99);
    let mut act = world.session_note();
    act.signer.key = thief.fingerprint();
    let (bytes, armoured) = signed(&act, &thief);
    let session = world.verified_session();
    let got = verify_act(&bytes, &armoured, Some(&session), &world.set).unwrap_err();
    assert!(matches!(
        got,
        StatementError::SessionAct(SessionActError::OtherKey { .. })
    ));
    // Without naming the session the key is nobody's.
    act.session = Blank::NONE;
    act.signer.key = session_key().fingerprint();
    let (bytes, armoured) = signed(&act, &session_key());
    let got = verify_act(&bytes, &armoured, None, &world.set).unwrap_err();
    assert!(matches!(got, StatementError::ForeignKey { .. }));
}

#[test]
fn a_session_key_approves_nothing() {
    let world = World::new();
    let mut approval = world.approval(&world.alice);
    approval.approver.key = session_key().fingerprint();
    let (bytes, armoured) = signed(&approval, &session_key());
    let request = breakglass_format::statement::Statement::to_bytes(&world.request()).unwrap();
    let got = breakglass_statement::verify_approval(&bytes, &armoured, &request, &world.set);
    assert!(matches!(
        got.unwrap_err(),
        StatementError::ForeignKey { .. }
    ));
}

#[test]
fn a_session_lives_at_most_eight_hours() {
    let world = World::new();
    let verified = session(&world, |_| ()).unwrap();
    assert_eq!(*verified.session_key(), session_key().public);
    for end in [now(), now().plus_s(-1), now().plus_s(8 * 3_600 + 1)] {
        let got = session(&world, |s| s.not_after = end).unwrap_err();
        assert!(matches!(
            got,
            StatementError::Session(SessionError::Lifetime { .. })
        ));
    }
}

#[test]
fn a_session_key_is_a_key_that_the_client_made() {
    let world = World::new();
    let with = |text: String| match session(&world, |s| s.session_key = line(&text)) {
        Err(StatementError::Session(error)) => error,
        other => panic!("{other:?}"),
    };
    let own = session_key().public.line();
    assert_eq!(with(format!("{own} comment")), SessionError::KeyText);
    assert_eq!(
        with("ssh-rsa AAAA".to_owned()),
        SessionError::Key(KeyError::Rsa)
    );
    assert_eq!(
        with(TestKey::sk_ed25519(9).public.line()),
        SessionError::SecurityKey
    );
    assert_eq!(
        with(world.carol.key().public.line()),
        SessionError::EnrolledKey
    );
    assert!(
        session(&world, |s| s.session_key =
            line(&TestKey::ecdsa(9).public.line()))
        .is_ok()
    );
}

#[test]
fn a_session_outlives_no_key_that_made_it() {
    let mut world = World::new();
    let session = world.verified_session();
    let mut next = crate::world::next_of(&world.set, "2026-01-06T10:01:00.000Z");
    next.people[0].keys.remove(0);
    let bytes = next.to_bytes().unwrap();
    let roots = crate::world::root_signatures(&bytes, &[&world.carol, &world.dave]);
    world.set.succeed(&bytes, &roots).unwrap();
    let act = Act {
        session: session.digest().into(),
        signer: signer("alice", &session_key()),
        ..world.note()
    };
    let (bytes, armoured) = signed(&act, &session_key());
    let got = verify_act(&bytes, &armoured, Some(&session), &world.set).unwrap_err();
    assert!(matches!(got, StatementError::ForeignKey { version: 2, .. }));
    assert_eq!(session.statement().kind, Kind::Session);
}
