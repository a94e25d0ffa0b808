//! Everything else that a server can write against the rules: statements, time, ends, duties,
//! credentials.

use breakglass_format::{
    Event, EventId,
    act::{Act, Because, Command, NoArgs},
    event::{ActProposed, BreakGlassVoided, ClockStepped, IncidentNoted, Reference},
    vocabulary::{EndReason, Obligation},
};
use breakglass_verify::assembly::Unsound;

use crate::{
    people::{person, read},
    scribe::{Said, Scribe, broken, none, sha256},
    steps::HOUR,
    story::{self, Told},
};

#[test]
fn a_statement_is_used_once() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    log.access(&said, &asked, grant);
    broken(&log, &["statement_used_twice"]);
}

#[test]
fn a_statement_is_used_when_it_is_signed() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let said = log.checkout("alice", grant);
    log.wait(301);
    log.access(&said, &asked, grant);
    broken(&log, &["statement_not_fresh"]);
}

#[test]
fn the_log_never_goes_back_in_time() {
    let mut log = story::whole().log;
    log.wait(-1);
    story::refusal(&mut log, "erin");
    broken(&log, &["clock_went_back"]);
}

#[test]
fn ids_and_references_are_never_reused() {
    let mut log = story::whole().log;
    let first = breakglass_format::Entry::from_bytes(&log.entries[0])
        .unwrap()
        .event_id;
    story::refusal(&mut log, "erin");
    let last = log.entries.len() - 1;
    log.rewrite(last, |entry| entry.event_id = first);
    broken(&log, &["event_id_twice"]);
    // Told where it is, though only a second look at all entries finds it.
    story::refusal(&mut log, "erin");
    log.wait(-1);
    story::refusal(&mut log, "erin");
    let found = log.verdict().findings;
    let found: Vec<_> = found.iter().map(|f| (f.code, f.index)).collect();
    let [twice, later] = [last, last + 2].map(|index| u64::try_from(index).ok());
    assert_eq!(
        found,
        [("event_id_twice", twice), ("clock_went_back", later)]
    );
    let (mut log, incident) = story::declared();
    let request = log.wish("alice", incident);
    let said = log.said("alice", &request);
    log.requested(&said, &request, |d| d.reference = Reference::Request(7));
    broken(&log, &["reference_out_of_order"]);
}

#[test]
fn the_envelope_tells_whose_word_it_is() {
    let Told { mut log, .. } = story::granted();
    let last = log.entries.len() - 1;
    let mut renamed = log.clone();
    renamed.rewrite(last, |entry| entry.actor = read("somebody"));
    broken(&renamed, &["actor_wrong"]);
    log.rewrite(last, |entry| entry.person = Some(person("dave")).into());
    broken(&log, &["signer_differs"]);
}

#[test]
fn what_takes_a_signature_has_one() {
    let mut log = story::declared().0;
    let last = log.entries.len() - 1;
    log.rewrite(last, |entry| {
        entry.statement = none();
        entry.signature = none();
    });
    let mut nobody = log.clone();
    nobody.rewrite(last, |entry| {
        entry.person = none();
        entry.principal = none();
        entry.actor = read("system:engine");
    });
    broken(&nobody, &["not_signed"]);
    // A name alone is no signature.
    broken(&log, &["not_signed", "signer_differs"]);
}

#[test]
fn a_statement_causes_what_its_kind_can_cause() {
    // An approval causes no note, whoever's it is.
    let Told {
        mut log,
        incident,
        asked,
        ..
    } = story::granted();
    let (approval, _) = log.approve("bob", &asked, |_| {});
    log.entries.pop();
    let before = log.clone();
    let text = read("All is well.");
    let noted = IncidentNoted {
        incident_id: incident,
        text,
    };
    log.caused(&approval, noted);
    let unsound = log.emitted().unwrap_err();
    assert!(matches!(unsound, Unsound::Fault(_)), "{unsound:?}");
    // A note causes no step of the clock, nor of a sink.
    let mut log = before;
    let text = read("All is well.");
    let note = Command::Note(breakglass_format::act::Note { text });
    let said = log.act("alice", incident, note);
    log.caused(&said, ClockStepped { step_ms: 1 });
    broken(&log, &["statement_misplaced"]);
}

#[test]
fn a_proposal_is_one_of_what_takes_two_people() {
    let mut log = story::founded();
    story::propose(&mut log, "bob");
    let incident = log.declare("alice");
    let text = read("All is well.");
    let note = Command::Note(breakglass_format::act::Note { text });
    let said = log.act("bob", incident, note);
    let proposed = log.entries.iter().rev().find_map(|bytes| {
        let event = breakglass_format::Entry::from_bytes(bytes).unwrap().event;
        let Event::ActProposed(proposed) = event else {
            return None;
        };
        Some(proposed)
    });
    let proposed = ActProposed {
        command: read("note"),
        ..proposed.unwrap()
    };
    log.caused(&said, proposed);
    broken(&log, &["not_signed"]);
}

#[test]
fn a_request_is_void_for_a_reason() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    log.wait(1);
    log.server(BreakGlassVoided {
        authority_version: log.authority.version,
        incident_id: incident,
        reason: read("the account was changed"),
        request_id: asked.id,
    });
    broken(&log, &["voided_without_cause"]);
}

#[test]
fn a_stranger_does_not_resolve() {
    let Told {
        mut log, incident, ..
    } = story::returned();
    story::rotation(&mut log, |_| {});
    log.resolve("dave", incident, |d| {
        // Whoever resolves took part, and there is no other reviewer.
        let reviews = d.clocks.iter_mut().filter(|c| c.owner == person("dave"));
        reviews.for_each(|c| c.owner = person("alice"));
    });
    broken(&log, &["resolved_by_stranger"]);
}

#[test]
fn a_resolution_ends_every_grant() {
    let Told {
        mut log, incident, ..
    } = story::granted();
    log.resolve("alice", incident, |_| {});
    broken(&log, &["grant_outlives_incident"]);
}

#[test]
fn a_resolution_starts_the_clock_of_an_account_not_yet_rotated() {
    let Told {
        mut log, incident, ..
    } = story::returned();
    let mut late = log.clone();
    late.resolve("alice", incident, |d| drop(d.clocks.remove(0)));
    broken(&late, &["clock_missing"]);
    log.resolve_with_clock("alice", incident, HOUR);
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn a_clock_is_as_long_as_the_authority_says() {
    let Told {
        mut log, incident, ..
    } = story::returned();
    log.resolve_with_clock("alice", incident, 2 * HOUR);
    broken(&log, &["clock_wrong"]);
}

/// A grant that ends so, by what this person signed.
fn ends(by: &str, reason: EndReason, command: Command) -> Scribe {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let due_at = story::not_after(&log);
    let remark = if let Command::Revoke(because) = &command {
        because.reason.clone()
    } else {
        read("")
    };
    let said = log.act(by, grant, command);
    log.ended(&said, &asked, grant, |d| {
        d.due_at = due_at;
        d.reason = reason;
        d.remark = remark;
    });
    log
}

#[test]
fn a_grant_ends_by_whom_it_may() {
    let because = || {
        Command::Revoke(Because {
            reason: read("Enough."),
        })
    };
    assert_eq!(
        ends("bob", EndReason::Revoked, because())
            .verdict()
            .findings,
        []
    );
    assert_eq!(
        ends("alice", EndReason::Revoked, because())
            .verdict()
            .findings,
        []
    );
    broken(
        &ends("dave", EndReason::Revoked, because()),
        &["ended_by_stranger"],
    );
    broken(
        &ends("bob", EndReason::Returned, Command::Return(NoArgs {})),
        &["ended_by_stranger"],
    );
    broken(
        &ends("alice", EndReason::Returned, because()),
        &["not_signed"],
    );
}

#[test]
fn a_grant_expires_when_its_time_is_over() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let due_at = story::not_after(&log);
    let mut event = None;
    // The server ends it of itself, so the entry is written without a statement.
    let said = Said {
        by: "alice".to_owned(),
        statement: sha256(b""),
        signature: sha256(b""),
    };
    let mut early = log.clone();
    early.ended(&said, &asked, grant, |d| {
        d.due_at = due_at;
        d.reason = EndReason::Expired;
        event = Some(Event::from(d.clone()));
    });
    let event = event.unwrap();
    let mut early = log.clone();
    early.server(event.clone());
    broken(&early, &["expired_early"]);
    log.now = due_at;
    let mut event = event;
    if let Event::BreakGlassEnded(ended) = &mut event {
        ended.clocks = vec![log.clock(Obligation::IncidentResolved, "", 24 * HOUR)];
    }
    log.server(event);
    assert_eq!(log.verdict().findings, []);
}

#[test]
fn rotated_means_new_accepted_and_old_refused() {
    let proof: [fn(&mut breakglass_format::event::CredentialRotated); 2] =
        [|d| d.new_accepted = false, |d| d.old_refused = false];
    for unproven in proof {
        let mut log = story::returned().log;
        story::rotation(&mut log, unproven);
        broken(&log, &["rotation_without_proof"]);
    }
}

#[test]
fn a_rotation_is_called_for_and_staged_and_claimed() {
    let mut log = story::returned().log;
    story::rotation(&mut log, |d| d.sealed = sha256(b"another"));
    broken(&log, &["rotated_unstaged"]);
    let mut log = story::returned().log;
    story::rotation(&mut log, |d| d.replaced = 2);
    broken(&log, &["rotated_from_another"]);
    let mut log = story::returned().log;
    let elsewhere = EventId::new(log.now, [250; 10]);
    story::rotation(&mut log, |d| d.cause = elsewhere);
    broken(&log, &["effect_unclaimed", "rotation_not_called_for"]);
}

#[test]
fn a_credential_takes_two_people() {
    let mut alone = story::founded();
    let said = story::add_credential(&mut alone, "bob");
    story::added(&mut alone, &said);
    broken(&alone, &["credential_version", "needs_two_people"]);
    let mut twice = story::founded();
    story::propose(&mut twice, "bob");
    let said = story::add_credential(&mut twice, "bob");
    story::added(&mut twice, &said);
    broken(&twice, &["credential_version", "needs_two_people"]);
    let mut stranger = story::founded();
    story::propose(&mut stranger, "bob");
    let said = story::add_credential(&mut stranger, "dave");
    story::added(&mut stranger, &said);
    broken(&stranger, &["credential_version", "not_privileged"]);
}

#[test]
fn a_machine_rotates_all_that_is_secret_or_the_import_is_none() {
    for fields in [&["username"][..], &["password", "totp_seed"]] {
        let mut log = story::founded();
        let said = story::add_fields(&mut log, "bob", fields);
        story::added(&mut log, &said);
        let codes = [
            "credential_version",
            "needs_two_people",
            "secret_not_rotated",
        ];
        broken(&log, &codes);
    }
}

#[test]
fn a_key_that_nobody_proved_to_hold_does_not_count() {
    let mut log = story::founded();
    // Entries 2 to 7 are the enrolments; without alice's the log is rewritten from there on.
    log.entries.remove(2);
    log.wait(HOUR);
    log.declare("alice");
    broken(&log, &["key_not_enrolled"]);
}

#[test]
fn a_session_signs_only_while_it_is_open() {
    let log = story::granted().log;
    let mut log = log;
    let act = |act: &mut Act| act.session = sha256(b"no session").into();
    let text = read("A note.");
    let note = breakglass_format::act::Note { text };
    let incident = breakglass_format::Entry::from_bytes(log.entries.last().unwrap())
        .unwrap()
        .correlation_id
        .0
        .unwrap();
    let said = log.act_with("alice", incident, Command::Note(note.clone()), act);
    log.caused(
        &said,
        breakglass_format::event::IncidentNoted {
            incident_id: incident,
            text: note.text,
        },
    );
    broken(
        &log,
        &["not_signed", "statement_invalid", "statement_unverified"],
    );
}
