//! What makes no sense, whatever the rules.

use breakglass_format::{
    limits,
    statement::{Request, Statement as _},
};
use breakglass_statement::{
    AnswerError, KemError, RequestError, StatementError, verify_approval, verify_checkout,
    verify_denial,
};

use crate::world::{World, kem, line, now, prose, signed};

fn request(change: impl FnOnce(&mut Request)) -> Result<(), StatementError> {
    let world = World::new();
    let mut request = world.request();
    change(&mut request);
    world.verify_request(&request)
}

#[test]
fn a_request_that_makes_sense() {
    assert_eq!(request(|_| ()), Ok(()));
    assert_eq!(request(|r| r.duration_s = 60), Ok(()));
}

#[test]
fn requests_that_make_none() {
    let error = |change: fn(&mut Request)| match request(change) {
        Err(StatementError::Request(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        error(|r| r.duration_s = 59),
        RequestError::Duration { got: 59, min: 60 }
    );
    for approve_by in [
        now(),
        now().plus_s(-1),
        now().plus_s(limits::APPROVE_WITHIN_S + 1),
    ] {
        let got = request(|r| r.approve_by = approve_by).unwrap_err();
        let issued_at = now();
        let wrong = RequestError::ApproveBy {
            issued_at,
            approve_by,
        };
        assert_eq!(got, StatementError::Request(wrong));
    }
    assert_eq!(error(|r| r.uses = -1), RequestError::Uses { got: -1 });
    assert_eq!(
        error(|r| r.log.size = -1),
        RequestError::LogSize { got: -1 }
    );
    assert_eq!(
        error(|r| r.justification = prose(" \n")),
        RequestError::NoJustification
    );
}

#[test]
fn keys_that_nothing_can_be_sealed_to() {
    let error = |change: fn(&mut Request)| match request(change) {
        Err(StatementError::Kem(error)) => error,
        other => panic!("{other:?}"),
    };
    let got = "X-Wing".to_owned();
    assert_eq!(
        error(|r| r.requester.kem.alg = line("X-Wing")),
        KemError::Algorithm { got }
    );
    assert_eq!(error(|r| r.requester.kem = kem(0)), KemError::Zero);
    for wrong in [
        "",
        "AAAA",
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
        "??",
    ] {
        let got = request(|r| r.requester.kem.pk = line(wrong)).unwrap_err();
        assert_eq!(got, StatementError::Kem(KemError::Encoding), "{wrong}");
    }

    let world = World::new();
    let mut checkout = world.checkout();
    let (bytes, armoured) = signed(&checkout, world.alice.key());
    assert!(verify_checkout(&bytes, &armoured, &world.set).is_ok());
    checkout.kem = kem(0);
    let (bytes, armoured) = signed(&checkout, world.alice.key());
    let got = verify_checkout(&bytes, &armoured, &world.set).unwrap_err();
    assert_eq!(got, StatementError::Kem(KemError::Zero));
}

#[test]
fn an_approval_gives_between_a_minute_and_what_was_asked() {
    let world = World::new();
    let verify = |duration_s| {
        let mut approval = world.approval(&world.bob);
        approval.duration_s = duration_s;
        let (bytes, armoured) = signed(&approval, world.bob.key());
        let request = world.request().to_bytes().unwrap();
        verify_approval(&bytes, &armoured, &request, &world.set).map(drop)
    };
    assert_eq!(verify(60), Ok(()));
    assert_eq!(verify(3_600), Ok(()));
    for got in [3_601, 59, 0, -1] {
        let wrong = AnswerError::Duration {
            got,
            asked: 3_600,
            min: 60,
        };
        assert_eq!(verify(got), Err(StatementError::Answer(wrong)));
    }
}

#[test]
fn a_denial_gives_nothing_and_says_why() {
    let world = World::new();
    let request = world.request().to_bytes().unwrap();
    let mut denial = world.denial(&world.bob);
    denial.duration_s = 60;
    let (bytes, armoured) = signed(&denial, world.bob.key());
    let got = verify_denial(&bytes, &armoured, &request, &world.set).unwrap_err();
    assert_eq!(
        got,
        StatementError::Answer(AnswerError::DenialDuration { got: 60 })
    );
    denial.duration_s = 0;
    denial.reason = prose(" ");
    let (bytes, armoured) = signed(&denial, world.bob.key());
    let got = verify_denial(&bytes, &armoured, &request, &world.set).unwrap_err();
    assert_eq!(got, StatementError::Answer(AnswerError::NoReason));
}
