//! Duties: open, met, met late, overdue.

use breakglass_core::obligation::Status;
use breakglass_format::{Timestamp, vocabulary::Obligation};
use breakglass_testkit::{
    Given, Wish,
    harness::types,
    people::{BOB, CAROL, ERIN, READER, SHOP},
};

/// Each duty of the last incident: which, about what, due when, how it stands.
fn duties(given: &Given) -> Vec<(Obligation, String, Timestamp, Status)> {
    let incident = given.world().incident(&given.incident()).unwrap();
    let duties = given.world().obligations(incident, given.now());
    let duties = duties.into_iter().map(|(clock, status)| {
        let subject = clock.subject.as_str().to_owned();
        (clock.obligation, subject, clock.due_at, status)
    });
    duties.collect()
}

/// The one duty to rotate.
fn rotation(given: &Given) -> (Obligation, String, Timestamp, Status) {
    let duties = duties(given).into_iter();
    let mut rotations = duties.filter(|d| d.0 == Obligation::CredentialRotation);
    let rotation = rotations.next().unwrap();
    assert!(rotations.next().is_none());
    rotation
}

fn status(given: &Given, of: Obligation) -> Status {
    let duties = duties(given);
    let one: Vec<_> = duties.iter().filter(|(o, ..)| *o == of).collect();
    assert_eq!(one.len(), 1, "{duties:?}");
    one[0].3
}

#[test]
fn an_incident_without_a_grant_is_due_a_day_after_its_declaration() {
    let mut given = Given::declared();
    let due_at = duties(&given)[0].2;
    given.sleep_ms(due_at.since_ms(given.now()));
    assert_eq!(given.tick(), []);
    assert_eq!(status(&given, Obligation::IncidentResolved), Status::Open);
    given.sleep_ms(1);
    assert_eq!(types(&given.tick()), ["OBLIGATION_OVERDUE"]);
    assert_eq!(
        status(&given, Obligation::IncidentResolved),
        Status::Overdue
    );
    assert_eq!(given.tick(), [], "once");
    given.sleep_s(60);
    let resolve = given.resolve(ERIN, given.incident());
    given.must(&resolve);
    let late = Status::MetLate(given.now());
    assert_eq!(status(&given, Obligation::IncidentResolved), late);
}

#[test]
fn while_access_lasts_nobody_has_to_resolve() {
    let mut given = Given::declared();
    given.sleep_s(23 * 3600);
    let given = given.asked(&Wish::credential(SHOP));
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    given.sleep_s(2 * 3600);
    assert_eq!(given.tick(), []);
    let ended = given.pass_s(2 * 3600);
    assert_eq!(types(&ended), ["BREAK_GLASS_ENDED"]);
    let ended_at = ended[0].entry.created_at;
    let due: Vec<_> = duties(&given).iter().map(|d| d.2).collect();
    assert_eq!(
        due,
        [ended_at.plus_s(24 * 3600)],
        "of two clocks the later counts"
    );
}

#[test]
fn a_rotation_is_due_an_hour_after_the_resolution() {
    let mut given = Given::resolved();
    let resolved_at = given.now();
    let rotation = rotation(&given);
    assert_eq!(
        (rotation.1.as_str(), rotation.2),
        (SHOP, resolved_at.plus_s(3600))
    );
    given.sleep_s(600);
    given.work();
    let met = Status::Met(given.now());
    assert_eq!(status(&given, Obligation::CredentialRotation), met);
    given.sleep_s(3600);
    assert_eq!(given.tick(), []);
}

#[test]
fn a_rotation_that_comes_late_is_met_late() {
    let mut given = Given::overdue();
    assert_eq!(
        status(&given, Obligation::CredentialRotation),
        Status::Overdue
    );
    given.work();
    let late = Status::MetLate(given.now());
    assert_eq!(status(&given, Obligation::CredentialRotation), late);
}

#[test]
fn a_rotation_before_the_resolution_counts() {
    let mut given = Given::rotated_after_use();
    let rotated_at = given.now();
    given.sleep_s(600);
    let resolve = given.resolve(ERIN, given.incident());
    given.must(&resolve);
    let met = Status::Met(rotated_at);
    assert_eq!(status(&given, Obligation::CredentialRotation), met);
}

#[test]
fn a_use_after_the_last_rotation_does_not() {
    let given = Given::rotated_after_use().asked(&Wish::credential(SHOP));
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let checkout = given.checkout(breakglass_testkit::people::ALICE, given.grant());
    given.must(&checkout);
    let resolve = given.resolve(ERIN, given.incident());
    given.must(&resolve);
    assert_eq!(status(&given, Obligation::CredentialRotation), Status::Open);
}

#[test]
fn every_used_account_has_a_clock_of_its_own() {
    let given = Given::checked_out().asked(&Wish::credential(READER));
    let mut given = given.approved_by(BOB).approved_by(CAROL);
    let checkout = given.checkout(breakglass_testkit::people::ALICE, given.grant());
    given.must(&checkout);
    let resolve = given.resolve(ERIN, given.incident());
    given.must(&resolve);
    let rotations: Vec<_> = duties(&given)
        .into_iter()
        .filter(|d| d.0 == Obligation::CredentialRotation)
        .map(|d| d.1)
        .collect();
    assert_eq!(rotations, [READER, SHOP]);
}

#[test]
fn what_is_done_at_the_due_instant_is_in_time() {
    let mut given = Given::resolved();
    let due_at = rotation(&given).2;
    given.sleep_ms(due_at.since_ms(given.now()));
    assert_eq!(given.tick(), []);
    given.work();
    assert_eq!(
        status(&given, Obligation::CredentialRotation),
        Status::Met(due_at)
    );
}
