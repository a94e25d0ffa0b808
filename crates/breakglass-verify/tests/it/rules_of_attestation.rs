//! Rotations by hand against the rules: whose word it is, of what, and when it counts.

use breakglass_format::{
    Blank, EventId, IncidentId, Prose,
    act::{AttestRotation, Command},
    event::{CredentialAdded, RotationAttested, RotationOrdered},
};

use crate::{
    people::{account, member, person, read},
    rules_of_authority::{ALL, publish},
    scribe::{Scribe, broken, sha256},
    story::{self, Told},
};

fn how() -> Prose {
    read("Changed in the console.")
}

fn attest(version: i64) -> Command {
    Command::AttestRotation(AttestRotation {
        how: how(),
        version,
    })
}

/// No machine rotates the account any more.
fn without_rotator(log: &mut Scribe) {
    publish(log, &ALL, |next| next.accounts[0].rotator = Blank::NONE);
}

/// Bob and carol put the next version into custody; its version, and the entry.
fn imported(log: &mut Scribe) -> (i64, EventId) {
    let version = log.version() + 1;
    story::propose(log, "bob");
    let said = story::add_credential(log, "carol");
    let added = CredentialAdded {
        account: account(),
        known_to: vec![person("bob")],
        sealed: sha256(b"sealed by hand"),
        version,
    };
    (version, log.caused(&said, added))
}

/// Bob and carol attest, for these incidents.
fn attested(
    log: &mut Scribe,
    version: i64,
    cause: EventId,
    incidents: Vec<IncidentId>,
    change: impl FnOnce(&mut RotationAttested),
) {
    let said = log.act("bob", account().id, attest(version));
    let args = format!(r#"{{"how":"Changed in the console.","version":{version}}}"#);
    story::proposed(log, &said, "attest_rotation", &args, "");
    let said = log.act("carol", account().id, attest(version));
    let mut event = RotationAttested {
        account: account(),
        attested_by: vec![member("bob"), member("carol")],
        cause,
        how: how(),
        incidents,
        sealed: sha256(b"sealed by hand"),
        version,
    };
    change(&mut event);
    log.caused(&said, event);
}

/// The whole of it: by hand, and attested.
pub(crate) fn by_hand(log: &mut Scribe) {
    without_rotator(log);
    let (version, cause) = imported(log);
    attested(log, version, cause, Vec::new(), |_| {});
}

/// A used credential whose grant has ended, no machine, and the event that calls for its rotation.
fn used() -> (Scribe, IncidentId, EventId) {
    let Told {
        mut log, incident, ..
    } = story::returned();
    let last = breakglass_format::Entry::from_bytes(log.entries.last().unwrap());
    let cause = last.unwrap().event_id;
    without_rotator(&mut log);
    (log, incident, cause)
}

#[test]
fn two_people_attest_what_was_replaced_since() {
    let (mut log, incident, cause) = used();
    let (version, _) = imported(&mut log);
    attested(&mut log, version, cause, vec![incident], |_| {});
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn the_old_one_is_not_attested_away() {
    let (mut log, incident, cause) = used();
    let version = log.version();
    let sealed = sha256(b"sealed 1");
    attested(&mut log, version, cause, vec![incident], |d| {
        d.sealed = sealed
    });
    broken(&log, &["attested_of_the_old_one"]);
}

#[test]
fn a_machines_account_is_not_attested() {
    let Told {
        mut log, incident, ..
    } = story::returned();
    let last = breakglass_format::Entry::from_bytes(log.entries.last().unwrap());
    let cause = last.unwrap().event_id;
    let (version, _) = imported(&mut log);
    attested(&mut log, version, cause, vec![incident], |_| {});
    broken(&log, &["attested_of_a_machine"]);
}

#[test]
fn it_is_the_word_of_two_different_people() {
    let (mut log, incident, cause) = used();
    let (version, _) = imported(&mut log);
    let said = log.act("carol", account().id, attest(version));
    let event = RotationAttested {
        account: account(),
        attested_by: vec![member("bob"), member("carol")],
        cause,
        how: how(),
        incidents: vec![incident],
        sealed: sha256(b"sealed by hand"),
        version,
    };
    log.caused(&said, event);
    broken(&log, &["needs_two_people"]);

    let (mut log, incident, cause) = used();
    let (version, _) = imported(&mut log);
    attested(&mut log, version, cause, vec![incident], |d| {
        d.attested_by = vec![member("dave"), member("carol")];
    });
    broken(&log, &["event_differs_from_log"]);
}

#[test]
fn a_rotation_is_ordered_by_two_or_by_age() {
    let ordered = |age_s: i64, wait_s: i64| {
        let Told { mut log, .. } = story::whole();
        publish(&mut log, &ALL, |next| {
            next.accounts[0].rotate_after_s = age_s
        });
        log.wait(wait_s);
        log.server(RotationOrdered {
            account: account(),
            reason: read("its credential is 1d old"),
        });
        log
    };
    const DAY: i64 = 86_400;
    let codes = |log: &Scribe| {
        let mut codes = crate::scribe::codes(&log.verdict());
        codes.retain(|code| *code == "rotation_unordered");
        codes
    };
    assert_eq!(codes(&ordered(DAY, DAY)), Vec::<&str>::new());
    assert_eq!(codes(&ordered(DAY, DAY / 2)), ["rotation_unordered"]);
    assert_eq!(codes(&ordered(0, 2 * DAY)), ["rotation_unordered"]);
}
