//! What follows when the log was put back from copies.

use breakglass_core::{
    Command, Effect,
    recovery::{BeginEpoch, Recovery},
    refusal::Code,
    request::State,
};
use breakglass_format::{
    Digest, Event, Nonce,
    authority::LogIdentity,
    statement::{AuthorityRef, Epoch, Kind, LogHead},
    vocabulary::EndReason,
};
use breakglass_testkit::{
    Given, Wish,
    harness::types,
    people::{ALICE, BOB, CAROL, GRACE, HEIDI, READER, SHOP, account, line, successor},
};

use crate::derive_agrees::derive_agrees;

fn recovered(lost: &[&str]) -> Command {
    Command::Recovered(Recovery {
        recovered: 3,
        lost: lost.iter().map(|id| account(id)).collect(),
    })
}

fn rotates(given: &Given, id: &str) -> bool {
    let of_it = |e: &Effect| matches!(e, Effect::Rotate { account: of, .. } if of.as_str() == id);
    given.due().iter().any(of_it)
}

#[test]
fn a_recovered_log_ends_every_grant_voids_every_request_and_rotates_every_credential() {
    let mut given = Given::checked_out().asked(&Wish::credential(READER));
    let (grant, request) = (given.grant(), given.request());
    assert!(!rotates(&given, SHOP) && !rotates(&given, READER));
    let made = given.must(&recovered(&[]));
    assert_eq!(
        types(&made),
        ["LOG_RECOVERED", "BREAK_GLASS_ENDED", "BREAK_GLASS_VOIDED"]
    );
    let ended = given.world().grant(&grant).unwrap().ended.unwrap();
    assert_eq!(ended.0, EndReason::Recovered);
    assert_eq!(
        given.world().request(&request).unwrap().state,
        State::Voided
    );
    assert!(rotates(&given, SHOP) && rotates(&given, READER));
    // And all of it is as it was after a restart, and to the second reading.
    let before = given.world().clone();
    given.restart();
    assert_eq!(before, *given.world());
    derive_agrees(&given).unwrap();
    given.work();
    assert!(!rotates(&given, SHOP) && !rotates(&given, READER));
    derive_agrees(&given).unwrap();
}

#[test]
fn where_nothing_was_open_nothing_ends() {
    let mut given = Given::ready();
    assert_eq!(types(&given.must(&recovered(&[]))), ["LOG_RECOVERED"]);
    derive_agrees(&given).unwrap();
}

#[test]
fn what_waited_is_asked_for_anew() {
    let mut given = Given::approved_once();
    let request = given.request();
    given.must(&recovered(&[]));
    let approve = given.approve(CAROL, request);
    let refusal = given.submit(&approve).unwrap_err();
    assert_eq!(refusal.code, Code::RequestNotPending);
    let given = given.asked(&Wish::credential(SHOP));
    let given = given.approved_by(BOB).approved_by(CAROL);
    assert!(given.world().grant(&given.grant()).unwrap().is_active());
    derive_agrees(&given).unwrap();
}

#[test]
fn an_account_whose_credential_is_lost_is_rotated_once_people_added_another() {
    let mut given = Given::checked_out();
    given.must(&recovered(&[SHOP]));
    let state = given.world().account(&account(SHOP)).unwrap();
    assert!(state.current.is_none() && state.rotation.is_some());
    assert!(!rotates(&given, SHOP), "there is nothing to change it with");
    let ask = given.ask(ALICE, &Wish::credential(SHOP));
    let refusal = given.submit(&ask).unwrap_err();
    assert_eq!(refusal.code, Code::NoCredential);
    let mut given = given.importing(SHOP);
    assert!(rotates(&given, SHOP));
    given.work();
    derive_agrees(&given).unwrap();
    let state = given.world().account(&account(SHOP)).unwrap();
    assert!(state.rotation.is_none() && state.current.is_some());
}

#[test]
fn a_credential_that_was_staged_when_it_was_lost_is_not_taken_up_again() {
    let mut given = Given::rotating();
    given.must(&recovered(&[SHOP]));
    let state = given.world().account(&account(SHOP)).unwrap();
    assert!(state.staged.is_none() && state.current.is_none());
    let version = given.world().next_version(&account(SHOP));
    let made = {
        let add = given.add_credential(GRACE, SHOP);
        given.must(&add);
        let add = given.add_credential(HEIDI, SHOP);
        given.must(&add)
    };
    let added = made.iter().find_map(|r| match &r.entry.event {
        Event::CredentialAdded(d) => Some(d.version),
        _ => None,
    });
    assert_eq!(added, Some(version));
    derive_agrees(&given).unwrap();
}

fn epoch(given: &Given, number: i64, origin: &str) -> Command {
    let authority = given.authority();
    let log = LogIdentity {
        origin: line(origin),
        vkey: line(origin),
    };
    Command::BeginEpoch(Box::new(BeginEpoch {
        epoch: Epoch {
            kind: Kind::Epoch,
            authority: AuthorityRef {
                version: authority.version,
                ..AuthorityRef::default()
            },
            before: authority.log.clone(),
            instance: given.world().instance().unwrap(),
            issued_at: given.now(),
            kept: LogHead {
                root: Digest::from_bytes([1; 32]),
                size: 1,
            },
            last: "".parse().unwrap(),
            log,
            nonce: Nonce::from_bytes([1; 32]),
            number,
            reason: "".parse().unwrap(),
        },
        digest: Digest::from_bytes([2; 32]),
        signatures: Vec::new(),
        recovery: Recovery::default(),
    }))
}

#[test]
fn an_epoch_follows_the_one_before_and_moves_the_log() {
    let mut given = Given::checked_out();
    let second = epoch(&given, 2, "log.example/2");
    assert_eq!(given.submit(&second).unwrap_err().code, Code::NotSuccessor);
    let mut old = epoch(&given, 1, "log.example/2");
    if let Command::BeginEpoch(begin) = &mut old {
        begin.epoch.authority.version -= 1;
    }
    assert_eq!(given.submit(&old).unwrap_err().code, Code::StaleAuthority);
    let first = epoch(&given, 1, "log.example/2");
    let made = given.must(&first);
    assert_eq!(types(&made), ["EPOCH_BEGUN", "BREAK_GLASS_ENDED"]);
    assert!(rotates(&given, SHOP));
    // Another first one is none, and a version that names the log of before is none of this one.
    let again = epoch(&given, 1, "log.example/3");
    assert_eq!(given.submit(&again).unwrap_err().code, Code::NotSuccessor);
    let mut next = successor(&given.authority());
    let old = given.publish(next.clone(), true);
    assert_eq!(given.submit(&old).unwrap_err().code, Code::AnotherLog);
    next.log = given.world().log().unwrap().clone();
    let new = given.publish(next, true);
    given.must(&new);
    let before = given.world().clone();
    given.restart();
    assert_eq!(before, *given.world());
}
