//! Approvals that must not count.

use breakglass::demo::{KEY, SECOND_KEY};
use breakglass_format::{
    Digest,
    statement::{Kind, LogHead, Request, Statement as _, Warning},
    vocabulary::Severity,
};

use super::hand::{Hand, path};
use crate::scene::{Cast, Scene};

/// A house where Alice's request R-1 waits for answers.
struct Asked {
    scene: Scene,
    cast: Cast,
    request: Request,
    log: LogHead,
}

fn asked() -> Asked {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    cast.request(&incident);
    let dossier = cast.bob.client().request("R-1").unwrap();
    let request = Request::from_bytes(dossier.request.statement.as_bytes()).unwrap();
    Asked {
        log: dossier.log,
        scene,
        cast,
        request,
    }
}

impl Asked {
    fn hand(&self, principal: &str) -> Hand {
        Hand::enrolled(&self.scene, self.actor(principal))
    }

    fn actor(&self, principal: &str) -> &breakglass::actor::Actor {
        match principal {
            "alice" => &self.cast.alice,
            "bob" => &self.cast.bob,
            "carol" => &self.cast.carol,
            "dave" => &self.cast.dave,
            "erin" => &self.cast.erin,
            _ => &self.cast.frank,
        }
    }

    /// The code that a person's approval of a request is refused with.
    #[track_caller]
    fn refused(&self, principal: &str, request: &Request) -> String {
        let mut hand = self.hand(principal);
        let approval = hand.approval(request.clone(), self.log.clone());
        hand.refused(&approval)
    }

    fn state(&self) -> String {
        self.cast.bob.client().request("R-1").unwrap().view.state
    }
}

#[test]
fn nobody_approves_their_own_request_with_any_key() {
    let house = asked();
    assert_eq!(house.refused("alice", &house.request), "own_request");
    // Under Alice's name with Bob's key, and under Bob's name with Alice's.
    let mut borrowed = Hand::with_file(&house.scene, &house.cast.alice, "bob", KEY);
    let approval = borrowed.approval(house.request.clone(), house.log.clone());
    assert_eq!(borrowed.refused(&approval), "statement_invalid");
    let mut borrowed = Hand::with_file(&house.scene, &house.cast.bob, "alice", KEY);
    let approval = borrowed.approval(house.request.clone(), house.log.clone());
    assert_eq!(borrowed.refused(&approval), "statement_invalid");
    assert_eq!(house.state(), "pending");
}

#[test]
fn a_person_with_two_keys_is_one_person() {
    let mut house = asked();
    house.cast.bob.approve("R-1", None).unwrap();
    let mut second = Hand::with_file(&house.scene, &house.cast.bob, "bob", SECOND_KEY);
    let approval = second.approval(house.request.clone(), house.log.clone());
    assert_eq!(second.refused(&approval), "already_approved");
    assert_eq!(house.refused("bob", &house.request), "already_approved");
    assert_eq!(house.state(), "pending");
}

#[test]
fn people_that_the_entitlement_does_not_name_do_not_approve() {
    let house = asked();
    for stranger in ["erin", "frank"] {
        assert_eq!(house.refused(stranger, &house.request), "not_an_approver");
        let mut hand = house.hand(stranger);
        let denial = hand.denial(house.request.clone(), house.log.clone());
        assert_eq!(hand.refused(&denial), "not_an_approver");
    }
    assert_eq!(house.state(), "pending");
}

#[test]
fn two_of_one_group_are_not_one_of_each() {
    let mut house = asked();
    house.cast.carol.approve("R-1", None).unwrap();
    assert_eq!(house.refused("dave", &house.request), "fills_no_place");
    assert_eq!(house.state(), "pending");
}

#[test]
fn an_approval_of_a_changed_request_is_an_approval_of_nothing() {
    let house = asked();
    let changed = |change: fn(&mut Request)| {
        let mut request = house.request.clone();
        change(&mut request);
        assert_ne!(request, house.request);
        request
    };
    let other = "something else".parse().unwrap();
    let mut reworded = house.request.clone();
    reworded.justification = other;
    let changes = [
        reworded,
        changed(|r| r.duration_s -= 60),
        changed(|r| r.uses = 1),
        changed(|r| r.incident.severity = Severity::Sev4),
        changed(|r| r.approve_by = r.approve_by.plus_s(-1)),
        changed(|r| {
            r.warnings.push(Warning {
                args: Vec::new(),
                code: "and_another".parse().unwrap(),
            });
        }),
        changed(|r| r.nonce = super::hand::nonce()),
        changed(|r| r.purpose.target = "elsewhere".parse().unwrap()),
        changed(|r| r.requester.kem.pk = "AQ".repeat(21).parse().unwrap()),
    ];
    for request in changes {
        let code = house.refused("bob", &request);
        assert!(
            ["request_differs", "statement_invalid"].contains(&code.as_str()),
            "{code}"
        );
    }
    let mut foreign = house.request.clone();
    foreign.instance = Digest::from_bytes([7; 32]);
    assert_eq!(house.refused("bob", &foreign), "statement_invalid");
    assert_eq!(house.state(), "pending");
}

#[test]
fn a_no_is_never_a_yes() {
    let house = asked();
    let mut bob = house.hand("bob");
    let denial = bob.denial(house.request.clone(), house.log.clone());
    let approval = bob.approval(house.request.clone(), house.log.clone());
    let size = house.scene.log_size();
    for signed in Kind::ALL {
        let mut no = bob.sign_as(*signed, &denial);
        let refused = bob.send(path(Kind::Approval), &no).unwrap_err();
        assert_eq!(refused.code, "statement_invalid", "{signed:?}");
        // The same text that calls itself a yes.
        no.statement = no.statement.replace("denial.v1", "approval.v1");
        let refused = bob.send(path(Kind::Approval), &no).unwrap_err();
        assert_eq!(refused.code, "statement_invalid", "{signed:?}");
        let yes = bob.sign_as(*signed, &approval);
        let refused = bob.send(path(Kind::Denial), &yes).unwrap_err();
        assert_eq!(refused.code, "statement_invalid", "{signed:?}");
        if *signed != Kind::Approval {
            let refused = bob.send(path(Kind::Approval), &yes).unwrap_err();
            assert_eq!(refused.code, "statement_invalid", "{signed:?}");
        }
    }
    assert_eq!(house.scene.log_size(), size);
    assert_eq!(house.state(), "pending");
    bob.post(&denial).unwrap();
    assert_eq!(house.state(), "denied");
    assert_eq!(
        house.refused("carol", &house.request),
        "request_not_pending"
    );
    assert_eq!(bob.refused(&approval), "request_not_pending");
}

#[test]
fn an_approval_counts_once_and_for_one_request() {
    let mut house = asked();
    let mut bob = house.hand("bob");
    let approval = bob.approval(house.request.clone(), house.log.clone());
    let submission = bob.sign(&approval);
    let first = bob.send(path(Kind::Approval), &submission).unwrap();
    let size = house.scene.log_size();
    let again = bob.send(path(Kind::Approval), &submission).unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(house.scene.log_size(), size);
    // Alice asks once more in the same words: another request, which Bob has not approved.
    house.cast.request("INC-1");
    let again = bob.send(path(Kind::Approval), &submission).unwrap();
    assert!(again.repeated);
    let second = house.cast.bob.client().request("R-2").unwrap().view;
    assert!(second.approved_by.is_empty(), "{second:?}");
    // Nor does it come back to life after the request was withdrawn.
    house.cast.alice.withdraw("R-1").unwrap();
    assert!(
        bob.send(path(Kind::Approval), &submission)
            .unwrap()
            .repeated
    );
    assert_eq!(house.state(), "withdrawn");
    assert_eq!(
        house.refused("carol", &house.request),
        "request_not_pending"
    );
}

#[test]
fn an_approval_out_of_its_time_is_refused() {
    let house = asked();
    for off_s in [-301, 301, -86_400, 86_400] {
        let mut bob = house.hand("bob");
        bob.now = bob.now.plus_s(off_s);
        let approval = bob.approval(house.request.clone(), house.log.clone());
        assert_eq!(bob.refused(&approval), "clock_skew", "{off_s}");
    }
    let mut bob = house.hand("bob");
    bob.now = bob.now.plus_s(-290);
    let approval = bob.approval(house.request.clone(), house.log.clone());
    bob.post(&approval).unwrap();
    house.scene.skip_s(3_600);
    assert_eq!(
        house.refused("carol", &house.request),
        "request_not_pending"
    );
    assert_eq!(house.state(), "lapsed");
}

#[test]
fn an_approval_that_saw_no_such_log_is_refused() {
    let house = asked();
    let mut bob = house.hand("bob");
    let mut approval = bob.approval(house.request.clone(), house.log.clone());
    approval.log.size = 1;
    assert_eq!(bob.refused(&approval), "foreign_log");
    approval.log.root = Digest::from_bytes([7; 32]);
    assert_eq!(bob.refused(&approval), "foreign_log");
    approval.log.size = i64::MAX >> 11;
    assert_eq!(bob.refused(&approval), "foreign_log");
    // A true head, from before the request was there.
    approval.log = house.request.log.clone();
    assert_eq!(bob.refused(&approval), "request_not_seen");
    approval.log = house.log.clone();
    for duration_s in [house.request.duration_s + 1, 59, 0, -1] {
        approval.duration_s = duration_s;
        let code = bob.refused(&approval);
        assert_eq!(code, "statement_invalid", "{duration_s}");
    }
    assert_eq!(house.state(), "pending");
}
