//! What a server can write against the rules of letting duties go, handing over command, closing
//! an incident and opening it again.

use breakglass_format::{
    EventId,
    act::{Command, Waive},
    event::{CommandTransferred, IncidentReopened, ObligationWaived},
    vocabulary::{Obligation, Privilege},
};

use crate::{
    after::{closed, settled, to_lead, waiver, waiver_of_account},
    people::{account, member, person, read},
    rules_of_aftermath::Step,
    rules_of_authority::{ALL, publish, somebody},
    scribe::{broken, sha256},
    story::{self, Told},
};

#[test]
fn two_people_who_may_let_a_duty_go() {
    let both = ["dave", "erin"];
    let report = || waiver(Obligation::IncidentReport);
    let told = story::whole();
    let true_one = |people: [&str; 2], change: fn(&mut ObligationWaived)| {
        let mut log = told.log.clone();
        log.waive(people, told.incident, &report(), change);
        log
    };
    assert_eq!(true_one(both, |_| {}).verdict().findings, []);
    // One person alone, and one person twice.
    let mut alone = told.log.clone();
    alone.waived(both, told.incident, &report(), |_| {});
    broken(&alone, &["needs_two_people"]);
    broken(&true_one(["dave", "dave"], |_| {}), &["needs_two_people"]);
    // Too late.
    let mut late = told.log.clone();
    let (dave, command) = ("dave", Command::Waive(report()));
    late.proposes(dave, told.incident, &command);
    late.wait(15 * 60);
    late.waived(both, told.incident, &report(), |_| {});
    broken(&late, &["needs_two_people"]);
    // Of something else than was proposed.
    let mut other = told.log.clone();
    other.proposes(dave, told.incident, &command);
    let procedure = waiver(Obligation::PostIncidentReview);
    other.waived(both, told.incident, &procedure, |_| {});
    broken(&other, &["needs_two_people"]);
    // Others are named than signed.
    let swapped = true_one(both, |d| d.waived_by.reverse());
    broken(&swapped, &["event_differs_from_statement"]);
    let stranger = true_one(both, |d| d.waived_by[0] = member("bob"));
    broken(&stranger, &["event_differs_from_statement"]);
    let renamed = true_one(both, |d| d.waived_by[0].principal = read("bob"));
    broken(&renamed, &["event_differs_from_log"]);
}

#[test]
fn whoever_took_part_or_owes_it_waives_nothing() {
    let both = ["dave", "erin"];
    let mut told = story::whole();
    let before = told.log.clone();
    let owed = |of: Obligation| {
        let mut log = before.clone();
        log.waive(both, told.incident, &waiver(of), |_| {});
        log
    };
    broken(&owed(Obligation::PostIncidentReview), &["waived_by_owner"]);
    broken(&owed(Obligation::CabReview), &["waived_by_owner"]);
    told.late("erin");
    let report = waiver(Obligation::IncidentReport);
    told.log.waive(both, told.incident, &report, |_| {});
    broken(&told.log, &["judged_by_participant"]);
    let mut stranger = before.clone();
    stranger.waive(["dave", "bob"], told.incident, &report, |_| {});
    broken(&stranger, &["judged_by_participant", "not_privileged"]);
    // The first of them as well as the second.
    let mut first = before;
    first.waive(["bob", "dave"], told.incident, &report, |_| {});
    broken(&first, &["needs_two_people", "not_privileged"]);
}

#[test]
fn a_resolution_is_never_let_go_and_a_rotation_only_with_its_account() {
    let both = ["dave", "erin"];
    let waived = |stage: fn() -> Told, args: &Waive| {
        let Told {
            mut log, incident, ..
        } = stage();
        log.waive(both, incident, args, |_| {});
        log
    };
    let resolution = waiver(Obligation::IncidentResolved);
    broken(&waived(story::returned, &resolution), &["not_waivable"]);
    let stage = || {
        let mut told = story::returned();
        told.log.resolve("alice", told.incident, |_| {});
        told
    };
    let rotation = |gone| waiver_of_account(Obligation::CredentialRotation, gone);
    broken(&waived(stage, &rotation(false)), &["not_waivable"]);
    let gone = waived(stage, &rotation(true));
    assert_eq!(gone.verdict().findings, []);
    let id = account().id;
    assert_eq!(gone.verdict().derived.accounts[&id].version, 0);
    let review = |gone| waiver_of_account(Obligation::AccessReview, gone);
    assert_eq!(waived(stage, &review(false)).verdict().findings, []);
    broken(&waived(stage, &review(true)), &["not_waivable"]);
    // What is done, or let go, is no longer there to be let go.
    broken(
        &waived(story::whole, &rotation(true)),
        &["nothing_to_waive"],
    );
    let report = waiver(Obligation::IncidentReport);
    broken(&waived(story::returned, &report), &["nothing_to_waive"]);
    let mut twice = waived(stage, &review(false));
    let incident = story::returned().incident;
    twice.waive(both, incident, &review(false), |_| {});
    broken(&twice, &["nothing_to_waive"]);
    broken(
        &waived(closed, &report),
        &["incident_closed", "nothing_to_waive"],
    );
}

#[test]
fn command_is_handed_over_by_whoever_leads_or_by_two_deputies() {
    let (log, incident) = story::declared();
    let by = |person: &str, names: [&str; 2]| {
        let mut log = log.clone();
        log.transfer(person, names, incident, |_| {});
        log
    };
    let handed = by("alice", ["alice", "dave"]);
    assert_eq!(handed.verdict().findings, []);
    assert_eq!(
        handed.verdict().derived.incidents[&incident].commander,
        person("dave")
    );
    broken(&by("erin", ["erin", "dave"]), &["not_the_commander"]);
    broken(&by("bob", ["alice", "bob"]), &["needs_two_people"]);
    let deputies = |first: &str, second: &str| {
        let mut log = log.clone();
        log.proposes(first, incident, &Command::Transfer(to_lead("dave")));
        log.transfer(second, ["alice", "dave"], incident, |_| {});
        log
    };
    assert_eq!(deputies("bob", "carol").verdict().findings, []);
    broken(&deputies("bob", "erin"), &["not_privileged"]);
    broken(
        &deputies("erin", "bob"),
        &["needs_two_people", "not_privileged"],
    );
    let mut other = log.clone();
    other.transfer("alice", ["alice", "dave"], incident, |d| {
        d.to = member("erin");
    });
    broken(&other, &["event_differs_from_statement"]);
    // Whoever led once took part.
    let mut told = story::whole();
    let (log, incident) = (&mut told.log, told.incident);
    log.transfer("alice", ["alice", "dave"], incident, |_| {});
    let review = log.review(&[]);
    log.complete_review("dave", incident, review, |_| {});
    broken(&told.log, &["judged_by_participant"]);
}

#[test]
fn whoever_hands_over_command_settles_what_others_proposed() {
    let (mut log, incident) = story::declared();
    log.proposes("bob", incident, &Command::Transfer(to_lead("dave")));
    log.transfer("alice", ["alice", "erin"], incident, |_| {});
    log.transfer("carol", ["erin", "dave"], incident, |_| {});
    broken(&log, &["needs_two_people"]);
}

#[test]
fn an_incident_is_not_closed_while_a_duty_is_open() {
    let mut told = story::whole();
    let (log, incident) = (&mut told.log, told.incident);
    let steps: [Step; 4] = [
        |log, i| log.file_report("alice", i, |_| {}),
        |log, i| {
            let review = log.review(&[]);
            log.complete_review("dave", i, review, |_| {});
        },
        |log, i| log.review_access("dave", i, |_| {}),
        |log, i| log.decide_cab("erin", i, false, |_| {}),
    ];
    for step in steps {
        let mut early = log.clone();
        early.close("alice", incident);
        broken(&early, &["closed_too_early"]);
        step(log, incident);
    }
    log.close("alice", incident);
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn a_late_action_opens_the_incident_again() {
    for stage in [settled, closed] {
        let mut unseen = stage();
        unseen.late("alice");
        broken(&unseen.log, &["late_fact_unreviewed"]);
    }
    let mut told = closed();
    let cause = told.late("alice");
    let reopened = |change: fn(&mut IncidentReopened)| {
        let mut log = told.log.clone();
        log.reopen(told.incident, cause, change);
        log
    };
    broken(&reopened(|d| d.clocks.clear()), &["clock_missing"]);
    broken(
        &reopened(|d| d.clocks[0].owner = person("alice")),
        &["clock_wrong"],
    );
    broken(
        &reopened(|d| d.cause = EventId::new(crate::people::start(), [200; 10])),
        &["late_fact_unreviewed", "reopened_for_nothing"],
    );
    // It takes another review before it is closed again.
    let mut early = reopened(|_| {});
    early.close("alice", told.incident);
    broken(&early, &["closed_too_early"]);
    // Whoever made it known took part, and reviews nothing.
    let mut known = closed();
    let cause = known.late("dave");
    known.log.reopen(known.incident, cause, |d| {
        d.clocks[0].owner = person("alice");
    });
    assert_eq!(known.log.verdict().findings, []);
}

#[test]
fn nothing_opens_an_incident_again_but_what_a_review_had_not_seen() {
    let mut told = closed();
    let last = breakglass_format::Entry::from_bytes(told.log.entries.last().unwrap()).unwrap();
    told.log.reopen(told.incident, last.event_id, |_| {});
    broken(&told.log, &["reopened_for_nothing"]);
    // Before the review an action is no late one.
    let mut before = story::whole();
    let cause = before.late("alice");
    assert_eq!(before.log.verdict().findings, []);
    before.log.reopen(before.incident, cause, |_| {});
    broken(&before.log, &["reopened_for_nothing"]);
    // For one late action it opens once.
    let mut twice = closed();
    let cause = twice.late("alice");
    twice.log.reopen(twice.incident, cause, |_| {});
    twice.log.reopen(twice.incident, cause, |_| {});
    broken(&twice.log, &["reopened_for_nothing"]);
}

#[test]
fn what_is_let_go_is_let_go_of_the_clock_that_ran() {
    let both = ["dave", "erin"];
    // Alice owes the procedure; two others let it go, and the next review finds something new.
    let mut told = settled();
    let (log, incident) = (&mut told.log, told.incident);
    let review = log.review(&["nobody knew the cache"]);
    log.complete_review("dave", incident, review, |_| {});
    let procedure = waiver(Obligation::ProcedureUpdate);
    log.waive(both, incident, &procedure, |_| {});
    let mut done = log.clone();
    done.close("alice", incident);
    assert_eq!(done.verdict().findings, []);
    let review = log.review(&["nor the queue"]);
    log.complete_review("dave", incident, review, |_| {});
    log.close("alice", incident);
    broken(log, &["closed_too_early"]);
}

#[test]
fn an_account_that_is_gone_calls_for_no_rotation_until_it_is_there_again() {
    let mut told = story::returned();
    let (log, incident) = (&mut told.log, told.incident);
    log.resolve("alice", incident, |_| {});
    let rotation = waiver_of_account(Obligation::CredentialRotation, true);
    log.waive(["dave", "erin"], incident, &rotation, |_| {});
    // It is put into custody anew, and rotated for nobody's use of the one before.
    story::propose(log, "bob");
    let said = story::add_credential(log, "carol");
    let added = breakglass_format::event::CredentialAdded {
        account: account(),
        known_to: vec![person("bob")],
        sealed: sha256(b"sealed 2"),
        version: 2,
    };
    let cause = log.caused(&said, added);
    story::rotate(log, cause, &account(), Vec::new(), |_| {});
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn the_first_of_two_is_judged_by_the_authorities_of_their_own_time() {
    let (mut log, incident) = story::declared();
    let before = log.authority.clone();
    publish(&mut log, &ALL, |next| {
        somebody(next, "dave").privileges.push(Privilege::Command);
    });
    let command = Command::Transfer(to_lead("erin"));
    log.proposes("dave", incident, &command);
    // Bob saw the version before, under which dave may not.
    let said = log.act_with("bob", incident, command, |act| act.authority = before);
    let transferred = CommandTransferred {
        from: member("alice"),
        incident_id: incident,
        reason: to_lead("erin").reason,
        to: member("erin"),
    };
    log.caused(&said, transferred);
    assert_eq!(log.verdict().findings, []);
    // The second is one who may under both.
    let (mut log, incident) = story::declared();
    log.proposes("carol", incident, &Command::Transfer(to_lead("erin")));
    publish(&mut log, &ALL, |next| {
        somebody(next, "bob").privileges = vec![Privilege::Account];
    });
    log.transfer("bob", ["alice", "erin"], incident, |_| {});
    broken(&log, &["not_privileged"]);
}
