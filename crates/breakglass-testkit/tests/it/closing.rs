//! Command handed over, duties let go, the incident closed and opened again.

use breakglass_core::{obligation::Status, refusal::Code};
use breakglass_format::vocabulary::{Obligation, Privilege};
use breakglass_testkit::{
    Given, Hand, Then,
    aftermath::{review, waiver, waiver_of},
    check,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, JUDY, OSCAR, SHOP, WALTER, WENDY, account,
        person_mut, successor,
    },
};

use crate::derive_agrees::derive_agrees;

const PROPOSED: Then<'_> = Then::Recorded(&["ACT_PROPOSED"]);
const TRANSFERRED: Then<'_> = Then::Recorded(&["COMMAND_TRANSFERRED"]);
const WAIVED: Then<'_> = Then::Recorded(&["OBLIGATION_WAIVED"]);
const CLOSED: Then<'_> = Then::Recorded(&["INCIDENT_CLOSED"]);

fn privileged(mut given: Given, people: &[&str], privilege: Privilege) -> Given {
    let mut next = successor(&given.authority());
    for principal in people {
        person_mut(&mut next, principal).privileges.push(privilege);
    }
    let publish = given.publish(next, true);
    given.must(&publish);
    given
}

fn status(given: &Given, of: Obligation) -> Status {
    let incident = given.world().incident(&given.incident()).unwrap();
    let duties = given.world().obligations(incident, given.now());
    let found = duties.into_iter().find(|(clock, _)| clock.obligation == of);
    found.unwrap().1
}

#[test]
fn the_commander_hands_command_over() {
    let given = check(Given::declared(), |g| g.transfer(ERIN, "dave"), TRANSFERRED);
    let incident = given.world().incident(&given.incident()).unwrap();
    assert_eq!(incident.commander.principal.as_str(), "dave");
    // Dave leads now, and erin, a deputy, may still resolve.
    check(
        given.clone(),
        |g| g.resolve(DAVE, g.incident()),
        Then::Recorded(&["INCIDENT_RESOLVED"]),
    );
    let refused = Then::Refused(Code::PersonUnknown);
    check(given, |g| g.transfer(DAVE, "nobody"), refused);
    check(
        Given::closed(),
        |g| g.transfer(ERIN, "dave"),
        Then::Refused(Code::IncidentClosed),
    );
}

#[test]
fn without_the_commander_command_takes_two_deputies() {
    let given = privileged(Given::declared(), &["carol", "dave"], Privilege::Command);
    let refused = Then::Refused(Code::NotEntitled);
    check(given.clone(), |g| g.transfer(BOB, "bob"), refused);
    let given = check(given, |g| g.transfer(CAROL, "carol"), PROPOSED);
    let refused = Then::Refused(Code::AnotherPersonNeeded);
    check(
        given.clone(),
        |g| g.transfer(CAROL.touching(), "carol"),
        refused,
    );
    // To somebody else is another proposal.
    check(given.clone(), |g| g.transfer(DAVE, "dave"), PROPOSED);
    let given = check(given, |g| g.transfer(DAVE, "carol"), TRANSFERRED);
    let incident = given.world().incident(&given.incident()).unwrap();
    assert_eq!(incident.commander.principal.as_str(), "carol");
    assert!(incident.took_part.contains(&ERIN.person()), "she led once");
}

#[test]
fn two_deputies_who_hand_over_command_took_part() {
    let given = privileged(Given::declared(), &["carol", "dave"], Privilege::Command);
    let given = check(given, |g| g.transfer(CAROL, "bob"), PROPOSED);
    let proposed = given.clone();
    let took_part = |given: &Given, hand: Hand| {
        let incident = given.world().incident(&given.incident()).unwrap();
        incident.took_part.contains(&hand.person())
    };
    let given = check(given, |g| g.transfer(DAVE, "bob"), TRANSFERRED);
    for hand in [BOB, CAROL, DAVE, ERIN] {
        assert!(took_part(&given, hand), "{}", hand.principal());
    }
    derive_agrees(&given).unwrap();
    // What came to nothing is no part in it.
    let given = check(proposed, |g| g.transfer(ERIN, "bob"), TRANSFERRED);
    assert!(!took_part(&given, CAROL));
}

#[test]
fn two_uninvolved_people_let_a_duty_go() {
    let cab = || waiver(Obligation::CabReview);
    let given = check(Given::resolved(), |g| g.waive(WALTER, cab()), PROPOSED);
    let refused = Then::Refused(Code::AnotherPersonNeeded);
    check(
        given.clone(),
        |g| g.waive(WALTER.touching(), cab()),
        refused,
    );
    let report = || waiver(Obligation::IncidentReport);
    let given = check(given, |g| g.waive(WALTER, report()), PROPOSED);
    let given = check(given, |g| g.waive(WENDY, cab()), WAIVED);
    // What else was proposed still waits for its second person.
    check(given.clone(), |g| g.waive(WENDY, report()), WAIVED);
    assert!(matches!(
        status(&given, Obligation::CabReview),
        Status::Waived(_)
    ));
    let refused = Then::Refused(Code::NothingToWaive);
    check(given.clone(), |g| g.waive(WALTER, cab()), refused);
    // What is let go does not run out.
    let mut given = given;
    let passed = given.pass_s(8 * 86_400);
    assert!(
        !passed
            .iter()
            .any(|r| format!("{:?}", r.entry.event).contains("CabReview"))
    );
}

#[test]
fn who_took_part_or_whose_duty_it_is_waives_nothing() {
    let people = ["alice", "bob", "carol", "erin", "oscar", "frank"];
    let given = privileged(Given::resolved(), &people, Privilege::Waive);
    let cab = || waiver(Obligation::CabReview);
    let refused = Then::Refused(Code::TookPart);
    for hand in [ALICE, BOB, CAROL, ERIN] {
        check(given.clone(), |g| g.waive(hand, cab()), refused);
    }
    let own = Then::Refused(Code::OwnDuty);
    check(given.clone(), |g| g.waive(OSCAR, cab()), own);
    let given = check(given, |g| g.waive(FRANK, cab()), PROPOSED);
    // The first must not have taken part meanwhile.
    let mut given = given;
    let record = given.document(FRANK, given.grant(), "I helped.");
    given.must(&record);
    check(given, |g| g.waive(WALTER, cab()), refused);
    let refused = Then::Refused(Code::NotEntitled);
    check(Given::resolved(), |g| g.waive(DAVE, cab()), refused);
}

#[test]
fn a_rotation_is_let_go_only_where_both_attest_that_the_account_is_gone() {
    let rotation = |gone| waiver_of(Obligation::CredentialRotation, SHOP, gone);
    let refused = Then::Refused(Code::NotWaivable);
    check(
        Given::resolved(),
        |g| g.waive(WALTER, rotation(false)),
        refused,
    );
    let gone_board = || waiver_of(Obligation::CabReview, "", true);
    check(
        Given::resolved(),
        |g| g.waive(WALTER, gone_board()),
        refused,
    );
    let given = check(
        Given::resolved(),
        |g| g.waive(WALTER, rotation(true)),
        PROPOSED,
    );
    let given = check(given, |g| g.waive(WENDY, rotation(true)), WAIVED);
    let account = given
        .world()
        .account(&breakglass_testkit::people::account(SHOP))
        .unwrap();
    assert_eq!((account.current, &account.rotation), (None, &None));
    let effects = given.due();
    assert_eq!(effects, [], "nobody tries to reach it any more");
}

#[test]
fn nobody_waives_the_resolution() {
    let refused = Then::Refused(Code::NotWaivable);
    let resolution = waiver(Obligation::IncidentResolved);
    check(Given::declared(), |g| g.waive(WALTER, resolution), refused);
}

#[test]
fn an_incident_is_closed_when_nothing_is_left_to_do() {
    for hand in [ERIN, OSCAR] {
        check(Given::settled(), |g| g.close(hand), CLOSED);
    }
    for hand in [ALICE, FRANK, WALTER] {
        check(
            Given::settled(),
            |g| g.close(hand),
            Then::Refused(Code::NotEntitled),
        );
    }
    let refused = Then::Refused(Code::IncidentNotResolved);
    check(Given::checked_out(), |g| g.close(ERIN), refused);
    check(
        Given::closed(),
        |g| g.close(ERIN),
        Then::Refused(Code::IncidentClosed),
    );
}

#[test]
fn each_open_duty_keeps_an_incident_open() {
    type Step = fn(&mut Given) -> breakglass_core::Command;
    let steps: [Step; 4] = [
        |g| g.file_report(ERIN),
        |g| {
            let review = review(g, &[]);
            g.complete_review(FRANK, review)
        },
        |g| {
            let incident = g.incident();
            g.review_access(GRACE, SHOP, incident)
        },
        |g| g.decide_cab(OSCAR, false, &[]),
    ];
    let open = Then::Refused(Code::ObligationsOpen);
    for left_out in 0..=steps.len() {
        let mut given = Given::resolved();
        if left_out < steps.len() {
            given.work();
        }
        for (n, step) in steps.iter().enumerate() {
            if n != left_out {
                let act = step(&mut given);
                given.must(&act);
            }
        }
        check(given, |g| g.close(ERIN), open);
    }
}

#[test]
fn a_waived_duty_does_not_keep_it_open() {
    let mut given = Given::resolved();
    given.work();
    for of in [
        Obligation::IncidentReport,
        Obligation::PostIncidentReview,
        Obligation::CabReview,
    ] {
        for hand in [WALTER, WENDY] {
            let waive = given.waive(hand, waiver(of));
            given.must(&waive);
        }
    }
    for hand in [WALTER, WENDY] {
        let waive = given.waive(hand, waiver_of(Obligation::AccessReview, SHOP, false));
        given.must(&waive);
    }
    check(given, |g| g.close(ERIN), CLOSED);
}

#[test]
fn a_late_fact_opens_it_again_and_calls_for_another_review() {
    const REOPENED: Then<'_> = Then::Recorded(&["BREAK_GLASS_ACTION", "INCIDENT_REOPENED"]);
    let late = |hand: Hand| move |g: &mut Given| g.document(hand, g.grant(), "And the cache.");
    // Before the review it is one more action.
    check(
        Given::resolved(),
        late(ALICE),
        Then::Recorded(&["BREAK_GLASS_ACTION"]),
    );
    for given in [Given::settled(), Given::closed()] {
        let given = check(given, late(ALICE), REOPENED);
        let incident = given.world().incident(&given.incident()).unwrap();
        assert_eq!(incident.closed_at, None);
        assert_eq!(status(&given, Obligation::PostIncidentReview), Status::Open);
        check(
            given.clone(),
            |g| g.close(ERIN),
            Then::Refused(Code::ObligationsOpen),
        );
        let review = review(&given, &[]);
        let reviewed = Then::Recorded(&["POST_INCIDENT_REVIEW_COMPLETED"]);
        let given = check(given, |g| g.complete_review(FRANK, review), reviewed);
        check(given, |g| g.close(ERIN), CLOSED);
    }
}

/// How much the world says of its incidents.
fn size(given: &Given) -> usize {
    let world = given.world();
    let incidents: Vec<_> = world.incidents().collect();
    let requests: Vec<_> = world.requests().collect();
    let grants: Vec<_> = world.grants().collect();
    format!("{incidents:?}{requests:?}{grants:?}").len()
}

#[test]
fn a_closed_incident_leaves_what_a_late_fact_needs_and_no_more() {
    let settled = Given::settled();
    let given = check(settled.clone(), |g| g.close(ERIN), CLOSED);
    let world = given.world();
    assert_eq!((world.requests().count(), world.runs().count()), (0, 0));
    let incident = world.incident(&given.incident()).unwrap();
    assert!(incident.took_part.contains(&ALICE.person()));
    assert!(incident.used.contains_key(&account(SHOP)));
    let grant = world.grant(&given.grant()).unwrap();
    assert!(grant.approvals.is_empty() && !grant.justification.is_empty());
    let (before, left) = (size(&settled), size(&given));
    assert!(left * 5 < before * 2, "{left} of {before} are left");
    // Nobody is told of it as of something open, and nothing of it is due.
    assert!(given.due().is_empty());
    assert_eq!(world, &given.replayed());
}

#[test]
fn a_note_on_a_closed_incident_opens_nothing() {
    let noted = Then::Recorded(&["INCIDENT_NOTED"]);
    let given = check(
        Given::closed(),
        |g| g.note(BOB, g.incident(), "For the record."),
        noted,
    );
    let incident = given.world().incident(&given.incident()).unwrap();
    assert!(incident.closed_at.is_some());
}

#[test]
fn another_review_is_not_for_whoever_brought_the_late_fact() {
    let reopened = Then::Recorded(&["BREAK_GLASS_ACTION", "INCIDENT_REOPENED"]);
    let late = |g: &mut Given| g.document(FRANK, g.grant(), "I had restarted the cache.");
    let given = check(Given::closed(), late, reopened);
    let incident = given.world().incident(&given.incident()).unwrap();
    let owner = &incident.clocks.last().unwrap().owner;
    assert_eq!(owner.as_str(), "per_erin", "nobody else may review");
    derive_agrees(&given).unwrap();
}

fn waived(mut given: Given, of: Obligation) -> Given {
    for hand in [WALTER, WENDY] {
        let waive = given.waive(hand, waiver(of));
        given.must(&waive);
    }
    given
}

fn reviewed(mut given: Given, gaps: &[&str]) -> Given {
    let review = review(&given, gaps);
    let complete = given.complete_review(FRANK, review);
    given.must(&complete);
    given
}

#[test]
fn an_update_that_is_called_for_anew_was_not_let_go() {
    let given = reviewed(Given::settled(), &["nobody tries releases"]);
    let given = waived(given, Obligation::ProcedureUpdate);
    let given = reviewed(given, &["and nobody wrote it down"]);
    assert_eq!(status(&given, Obligation::ProcedureUpdate), Status::Open);
    let open = Then::Refused(Code::ObligationsOpen);
    check(given.clone(), |g| g.close(ERIN), open);
    derive_agrees(&given).unwrap();
}

#[test]
fn a_review_that_a_late_fact_calls_for_was_not_let_go() {
    let mut given = Given::resolved();
    given.work();
    let given = waived(given, Obligation::IncidentReport);
    let given = waived(given, Obligation::PostIncidentReview);
    let mut given = waived(given, Obligation::CabReview);
    let incident = given.incident();
    let access = given.review_access(GRACE, SHOP, incident);
    given.must(&access);
    let given = check(given, |g| g.close(ERIN), CLOSED);
    let late = |g: &mut Given| g.document(ALICE, g.grant(), "And the cache.");
    let reopened = Then::Recorded(&["BREAK_GLASS_ACTION", "INCIDENT_REOPENED"]);
    let given = check(given, late, reopened);
    assert_eq!(status(&given, Obligation::PostIncidentReview), Status::Open);
    let open = Then::Refused(Code::ObligationsOpen);
    check(given.clone(), |g| g.close(ERIN), open);
    derive_agrees(&given).unwrap();
}

#[test]
fn what_the_first_of_two_may_now_is_enough_of_theirs() {
    let given = Given::resolved();
    let old = given.authority();
    let mut given = privileged(given, &["judy"], Privilege::Waive);
    let report = || waiver(Obligation::IncidentReport);
    let first = given.waive(JUDY, report());
    given.must(&first);
    let under_the_old = given.waive_under(WALTER, report(), &old);
    given.must(&under_the_old);
    derive_agrees(&given).unwrap();
}
