//! A true log in which every kind of entry occurs, for tests that look at all of them.

use breakglass_format::{
    EventId, GrantId, IncidentId,
    act::{Because, Command, NoArgs, Note},
    error_class::ErrorClass,
    event::{
        BreakGlassExtended, BreakGlassLapsed, BreakGlassVoided, BreakGlassWithdrawn, ClockStepped,
        ContactSet, CredentialRotated, CredentialRotationFailed, Delivery, IncidentNoted,
        IncidentResolved, ObligationOverdue, RefusalsSummarised, RotationOrdered, SinkChanged,
        StakeholderNotified, StorageChanged,
    },
    vocabulary::{EndReason, Notice, Obligation, PurposeKind, RunState, StorageFault, Verdict},
};

use crate::{
    after::{to_lead, waiver_of_account},
    people::{account, member, person, read},
    rules, rules_of_attestation, rules_of_epochs, rules_of_recovery, rules_of_suspension,
    runs::{action, document},
    scribe::{Scribe, none, sha256},
    steps::{Asked, HOUR},
    story,
};

/// A whole emergency with everything that may go another way.
pub(crate) fn log() -> Scribe {
    let (mut log, incident) = story::declared();
    note(&mut log, incident);
    unanswered(&mut log, incident);
    let (asked, grant) = granted(&mut log, incident, PurposeKind::Action);
    run(&mut log, &asked, grant);
    let cause = revoked(&mut log, &asked, grant);
    rotated_at_last(&mut log, incident, cause);
    let (asked, grant) = granted(&mut log, incident, PurposeKind::Credential);
    extended(&mut log, incident, grant);
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    story::record(&mut log, incident, grant, &asked);
    let cause = returned(&mut log, &asked, grant);
    resolved_late(&mut log, incident);
    story::rotate(&mut log, cause, &account(), vec![incident], |_| {});
    aftermath(&mut log, incident, &asked, grant);
    ordered(&mut log);
    failure(&mut log);
    house(&mut log);
    rules_of_suspension::alices_key(&mut log);
    rules_of_attestation::by_hand(&mut log);
    rules_of_recovery::without_the_credential(&mut log);
    rules_of_epochs::begins(&mut log);
    log
}

fn note(log: &mut Scribe, incident: IncidentId) {
    let text: breakglass_format::Prose = read("The database answers.");
    let said = log.act("bob", incident, Command::Note(Note { text: text.clone() }));
    let incident_id = incident;
    log.caused(&said, IncidentNoted { incident_id, text });
}

/// Requests of which nothing came: denied, taken back, forgotten.
fn unanswered(log: &mut Scribe, incident: IncidentId) {
    let asked = log.request("alice", incident, |_| {});
    rules::denied(log, "bob", &asked, true);
    let asked = log.request("alice", incident, |_| {});
    let said = log.act("alice", asked.id, Command::Withdraw(NoArgs {}));
    let withdrawn = BreakGlassWithdrawn {
        incident_id: incident,
        request_id: asked.id,
    };
    log.caused(&said, withdrawn);
    let asked = log.request("alice", incident, |_| {});
    log.now = asked.request.approve_by;
    log.server(BreakGlassLapsed {
        incident_id: incident,
        request_id: asked.id,
    });
}

fn granted(log: &mut Scribe, incident: IncidentId, kind: PurposeKind) -> (Asked, GrantId) {
    let wanted = action("rollback", "checkout");
    let asked = log.request("alice", incident, |request| {
        if kind == PurposeKind::Action {
            request.purpose.kind = kind;
            request.purpose.action = wanted.action;
            request.purpose.artifact = wanted.artifact;
            request.purpose.plan = wanted.plan;
            request.purpose.target = wanted.target;
        }
    });
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    (asked, grant)
}

/// A run that somebody cancelled when it was under way.
fn run(log: &mut Scribe, asked: &Asked, grant: GrantId) {
    let args = action("rollback", "checkout");
    log.plan("alice", asked, grant, args.clone());
    let (run, cause) = log.run("alice", asked, grant, args);
    log.dispatch(run, cause, &document("rollback", "checkout"), |_| {});
    let dispatched = log.progress(asked, grant, run, RunState::Dispatched);
    log.server(dispatched);
    let reason = read("The wrong one.");
    let said = log.act("alice", run, Command::Cancel(Because { reason }));
    let mut cancelling = log.progress(asked, grant, run, RunState::Cancelling);
    cancelling.detail = read("cancel asked for: The wrong one.");
    cancelling.evidence = none();
    log.caused(&said, cancelling);
    let cancelled = log.progress(asked, grant, run, RunState::Cancelled);
    log.server(cancelled);
}

fn revoked(log: &mut Scribe, asked: &Asked, grant: GrantId) -> EventId {
    let due_at = story::not_after(log);
    let reason: breakglass_format::Prose = read("It is over.");
    let because = Because {
        reason: reason.clone(),
    };
    let said = log.act("bob", grant, Command::Revoke(because));
    log.ended(&said, asked, grant, |d| {
        d.documented = true;
        d.due_at = due_at;
        d.reason = EndReason::Revoked;
        d.remark = reason;
        d.used = true;
    })
}

/// A rotation that fails once.
fn rotated_at_last(log: &mut Scribe, incident: IncidentId, cause: EventId) {
    let (sealed, version) = story::stage(log, cause);
    story::claim(log, cause, 1);
    log.server(CredentialRotationFailed {
        account: account(),
        attempt: 1,
        cause,
        class: ErrorClass::Transient,
        detail: read("the target did not answer"),
        retry_at: log.now.plus_s(10).into(),
        version,
    });
    log.wait(10);
    story::claim(log, cause, 2);
    let evidence = log.blob(b"new accepted, old refused");
    let replaced = log.version();
    log.server(CredentialRotated {
        account: account(),
        cause,
        evidence,
        incidents: vec![incident],
        new_accepted: true,
        old_refused: true,
        replaced,
        sealed,
        version,
    });
}

fn extended(log: &mut Scribe, incident: IncidentId, grant: GrantId) {
    let asked = log.request("alice", incident, |request| {
        request.extends = grant.into();
        request.duration_s = HOUR;
    });
    let (_, first) = log.approve("bob", &asked, |_| {});
    let (said, second) = log.approve("carol", &asked, |_| {});
    let extended = BreakGlassExtended {
        approvals: vec![first, second],
        grant_id: grant,
        incident_id: incident,
        not_after: story::not_after(log).plus_s(HOUR),
        request_id: asked.id,
    };
    log.caused(&said, extended);
}

fn returned(log: &mut Scribe, asked: &Asked, grant: GrantId) -> EventId {
    let due_at = story::not_after(log).plus_s(HOUR);
    let said = log.act("alice", grant, Command::Return(NoArgs {}));
    log.ended(&said, asked, grant, |d| {
        d.documented = true;
        d.due_at = due_at;
        d.used = true;
    })
}

/// Two people want it rotated once more.
fn ordered(log: &mut Scribe) {
    let reason: breakglass_format::Prose = read("To be sure.");
    let because = || {
        Command::Rotate(Because {
            reason: reason.clone(),
        })
    };
    let said = log.act("bob", account().id, because());
    let args = r#"{"reason":"To be sure."}"#;
    story::proposed(log, &said, "rotate", args, "");
    let said = log.act("carol", account().id, because());
    let ordered = RotationOrdered {
        account: account(),
        reason: reason.clone(),
    };
    log.caused(&said, ordered);
    story::rotation(log, |_| {});
}

/// The time for the resolution runs out before it comes, and it makes a request void.
fn resolved_late(log: &mut Scribe, incident: IncidentId) {
    let returned = log.entries.iter().rev().find_map(|bytes| {
        let entry = breakglass_format::Entry::from_bytes(bytes).unwrap();
        let breakglass_format::Event::BreakGlassEnded(ended) = entry.event else {
            return None;
        };
        Some(ended.clocks[0].due_at)
    });
    let due_at = returned.unwrap();
    log.now = due_at.plus_s(1);
    log.server(ObligationOverdue {
        due_at,
        incident_id: incident.into(),
        obligation: Obligation::IncidentResolved,
        owner: person("alice"),
        subject: read(""),
    });
    let asked = log.request("alice", incident, |_| {});
    let summary: breakglass_format::Prose = read("Rolled back.");
    let resolve = breakglass_format::act::Resolve {
        summary: summary.clone(),
    };
    let said = log.act("alice", incident, Command::Resolve(resolve));
    let voided = BreakGlassVoided {
        authority_version: log.authority.version,
        incident_id: incident,
        reason: read("the incident is resolved"),
        request_id: asked.id,
    };
    log.caused(&said, voided);
    let resolved = IncidentResolved {
        clocks: log.resolution_clocks(incident),
        incident_id: incident,
        summary,
    };
    log.caused(&said, resolved);
}

/// Everything that follows: told, reported, reviewed, decided, let go, handed over, closed, open
/// again, and the review of the quarter.
fn aftermath(log: &mut Scribe, incident: IncidentId, asked: &Asked, grant: GrantId) {
    log.notify_cab("alice", incident, |_| {});
    log.file_report("alice", incident, |_| {});
    let review = log.review(&["nobody knew the cache"]);
    log.complete_review("dave", incident, review, |_| {});
    log.update_procedure("dave", incident, |_| {});
    log.decide_cab("alice", incident, true, |_| {});
    let access = waiver_of_account(Obligation::AccessReview, false);
    log.waive(["dave", "erin"], incident, &access, |_| {});
    log.review_access("dave", incident, |_| {});
    log.proposes("bob", incident, &Command::Transfer(to_lead("bob")));
    log.transfer("carol", ["alice", "bob"], incident, |_| {});
    log.close("bob", incident);
    let cause = log.late("alice", incident, grant, asked);
    log.reopen(incident, cause, |_| {});
    let review = log.review(&[]);
    log.complete_review("dave", incident, review, |_| {});
    log.close("erin", incident);
    log.review_access_with("dave", None, &["alice", "erin"], |_| {});
}

/// The control plane is gone, as far as anybody can tell.
fn failure(log: &mut Scribe) {
    let incident = log.declare_a("alice", "system-failure");
    log.probed(incident, Verdict::CannotTell);
    log.probed_for("bob", incident);
    log.server(told(incident, "erin"));
}

/// Somebody was told of the declaration of the second incident.
pub(crate) fn told(incident: IncidentId, whom: &str) -> StakeholderNotified {
    StakeholderNotified {
        attempt: 1,
        deliveries: vec![Delivery {
            channel: read("mail"),
            detail: read(""),
            person: person(whom),
            sent: true,
        }],
        due_at: none(),
        incident_id: Some(incident).into(),
        notice: Notice::IncidentDeclared,
        retry_at: none(),
        stage: 0,
        subject: read("INC-2"),
    }
}

/// Somebody says where they are reached, and is told of it.
pub(crate) fn contact(log: &mut Scribe, who: &str) {
    let document = sha256(format!("{} {}", who, log.entries.len()).as_bytes());
    let said = log.act_with(who, "", Command::SetContact(NoArgs {}), |act| {
        act.documents = vec![document];
    });
    let set = ContactSet {
        commitment: document,
        member: member(who),
    };
    let event = log.caused(&said, set);
    log.server(contact_told(event, who));
}

pub(crate) fn contact_told(event: EventId, whom: &str) -> StakeholderNotified {
    StakeholderNotified {
        incident_id: none(),
        notice: Notice::ContactChanged,
        subject: read(&event.to_string()),
        ..told(IncidentId::new(crate::people::start(), [0; 10]), whom)
    }
}

/// What the server says of itself.
fn house(log: &mut Scribe) {
    contact(log, "erin");
    story::refusal(log, "erin");
    let since = log.now;
    log.server(RefusalsSummarised { count: 3, since });
    log.server(ClockStepped { step_ms: 7_000 });
    log.server(SinkChanged {
        detail: read("disk full"),
        sink: read("jsonl"),
        working: false,
    });
    log.server(StorageChanged {
        detail: read("9 MiB are free"),
        fault: StorageFault::DiskFull,
        present: true,
    });
}
