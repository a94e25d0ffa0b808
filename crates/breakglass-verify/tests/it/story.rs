//! A small, complete emergency, in which everything is as it should be.

use breakglass_format::{
    Blank, Digest, Entry, Event, EventId, GrantId, IncidentId, Line,
    act::{AddCredential, Command, NoArgs, Record},
    event::{
        AccountRef, ActProposed, AuthorityPublished, BreakGlassAction, CommandRefused, Compared,
        CredentialAdded, CredentialRotated, CredentialStaged, EffectClaimed, KeyEnrolled,
        LogStarted, RootSignature, SessionOpened,
    },
    statement::{AuthorityRef, Enroll, Kind, Session},
    vocabulary::{ActionMode, EffectKind},
};

use crate::{
    people::{account, authority, log_key, member, person, public, read, sign, signer},
    scribe::{Said, Scribe, none, sha256},
    steps::{Asked, HOUR},
};

/// What the steps of the story brought about.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) log: Scribe,
    pub(crate) incident: IncidentId,
    pub(crate) asked: Asked,
    pub(crate) grant: GrantId,
}

/// The whole of it: a credential in custody, an incident, two approvals, a checkout, an action, a
/// return, a rotation, the resolution.
pub(crate) fn whole() -> Told {
    let mut told = returned();
    rotation(&mut told.log, |_| {});
    told.log.wait(60);
    told.log.resolve("alice", told.incident, |_| {});
    told
}

/// Up to the return of the grant.
pub(crate) fn returned() -> Told {
    let mut told = granted();
    let Told {
        log,
        incident,
        asked,
        grant,
    } = &mut told;
    let said = log.checkout("alice", *grant);
    log.access(&said, asked, *grant);
    record(log, *incident, *grant, asked);
    let not_after = not_after(log);
    let said = log.act("alice", *grant, Command::Return(NoArgs {}));
    log.ended(&said, asked, *grant, |d| {
        d.documented = true;
        d.due_at = not_after;
        d.used = true;
    });
    told
}

/// Up to the grant.
pub(crate) fn granted() -> Told {
    let (mut log, incident) = declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals = [
        log.approve("bob", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    let grant = log.grant(&asked, &approvals, |_| {});
    Told {
        log,
        incident,
        asked,
        grant,
    }
}

/// Up to the declaration.
pub(crate) fn declared() -> (Scribe, IncidentId) {
    let mut log = founded();
    log.wait(HOUR);
    let incident = log.declare("alice");
    (log, incident)
}

/// A log with its authority, everybody's keys, and a credential.
pub(crate) fn founded() -> Scribe {
    let mut log = Scribe::new();
    let document = authority();
    let bytes = document.to_bytes().unwrap();
    log.genesis = log.blob(&bytes);
    log.authority = AuthorityRef {
        digest: log.genesis.into(),
        version: 1,
    };
    log.server(LogStarted {
        genesis: log.genesis,
        origin: document.log.origin.clone(),
        software: read("breakglass 0.1.0"),
        vkey: Line::new(log_key().verifier().to_string()).unwrap(),
    });
    let signatures = ["bob", "carol", "erin"].map(|name| RootSignature {
        signature: log.blob(&sign(name, Kind::Authority, &bytes)),
        signer: signer(name),
    });
    let clocks = vec![log.quarterly_clock()];
    log.server(AuthorityPublished {
        all_roots: true,
        clocks,
        digest: log.genesis,
        previous: Blank::NONE,
        signatures: signatures.to_vec(),
        version: 1,
    });
    for key in ["alice", "bob", "carol", "carol2", "dave", "erin"] {
        enroll(&mut log, key);
    }
    credential(&mut log);
    log
}

fn enroll(log: &mut Scribe, key: &str) {
    let enroll = Enroll {
        kind: Kind::Enroll,
        authority: AuthorityRef::default(),
        fingerprint: signer(key).key,
        genesis: log.genesis,
        instance: none(),
        issued_at: log.now,
        namespaces: Kind::ALL.to_vec(),
        nonce: log.nonce(),
        person: person(key),
        signer: signer(key),
    };
    let said = log.said(key, &enroll);
    let enrolled = KeyEnrolled {
        key: signer(key).key,
        member: member(key),
        namespaces: Kind::ALL.to_vec(),
        recovery: false,
    };
    log.caused(&said, enrolled);
}

/// Bob proposes to store a credential.
pub(crate) fn propose(log: &mut Scribe, by: &str) -> Said {
    let said = add_credential(log, by);
    let sealed = sha256(b"sealed to the node");
    let documents = format!(r#""{sealed}""#);
    let args = r#"{"fields":["username","password"]}"#;
    proposed(log, &said, "add_credential", args, &documents);
    said
}

/// What one of two people agreed to.
pub(crate) fn proposed(log: &mut Scribe, said: &Said, command: &str, args: &str, documents: &str) {
    let agreement = format!(
        r#"{{"args":{args},"command":"{command}","documents":[{documents}],"object":"{}"}}"#,
        account().id,
    );
    let proposed = ActProposed {
        about: read("prod-db-root"),
        account: account().id.into(),
        agreement: sha256(agreement.as_bytes()),
        command: read(command),
        incident_id: none(),
        key: signer(&said.by).key,
        until: log.now.plus_s(15 * 60),
    };
    log.caused(said, proposed);
}

pub(crate) fn add_credential(log: &mut Scribe, by: &str) -> Said {
    add_fields(log, by, &["username", "password"])
}

pub(crate) fn add_fields(log: &mut Scribe, by: &str, fields: &[&str]) -> Said {
    let fields = fields.iter().map(|field| read(field)).collect();
    let command = Command::AddCredential(AddCredential { fields });
    let sealed = sha256(b"sealed to the node");
    log.act_with(by, account().id, command, |act| {
        act.documents = vec![sealed]
    })
}

pub(crate) fn added(log: &mut Scribe, said: &Said) {
    let sealed = sha256(b"sealed 1");
    let known_to = vec![person("bob")];
    log.caused(
        said,
        CredentialAdded {
            account: account(),
            known_to,
            sealed,
            version: 1,
        },
    );
}

fn credential(log: &mut Scribe) {
    propose(log, "bob");
    let said = add_credential(log, "carol");
    added(log, &said);
}

/// Alice writes down what she did, with a session key and a document.
pub(crate) fn record(log: &mut Scribe, incident: IncidentId, grant: GrantId, asked: &Asked) {
    let session = open_session(log, "alice");
    let args = Record {
        action: read("rollback"),
        description: read("Rolled back by hand."),
        target: read("checkout"),
    };
    let document = log.blob(b"the terminal, as it was");
    log.wait(1);
    let act = breakglass_format::act::Act {
        kind: Kind::Act,
        authority: log.authority.clone(),
        command: Command::Record(args.clone()),
        documents: vec![document],
        instance: log.genesis,
        issued_at: log.now,
        nonce: log.nonce(),
        object: breakglass_format::act::Object {
            head: none(),
            id: read(&grant.to_string()),
        },
        session: session.into(),
        signer: breakglass_format::statement::Signer {
            key: public("session").fingerprint(),
            ..signer("alice")
        },
    };
    let mut said = log.said("session", &act);
    said.by = "alice".to_owned();
    let action = BreakGlassAction {
        account: account(),
        action: args.action,
        artifact: read(""),
        description: args.description,
        grant_id: grant,
        incident_id: incident,
        justification: asked.request.justification.clone(),
        mode: ActionMode::Recorded,
        plan: none(),
        run_id: none(),
        target: args.target,
    };
    log.caused(&said, action);
}

fn open_session(log: &mut Scribe, by: &str) -> Digest {
    log.wait(1);
    let session = Session {
        kind: Kind::Session,
        authority: log.authority.clone(),
        instance: log.genesis,
        issued_at: log.now,
        nonce: log.nonce(),
        not_after: log.now.plus_s(8 * HOUR),
        session_key: Line::new(public("session").line()).unwrap(),
        signer: signer(by),
    };
    let said = log.said(by, &session);
    let opened = SessionOpened {
        key: signer(by).key,
        member: member(by),
        not_after: session.not_after,
        session_key: public("session").fingerprint(),
    };
    log.caused(&said, opened);
    said.statement
}

/// The end of the only grant so far.
pub(crate) fn not_after(log: &Scribe) -> breakglass_format::Timestamp {
    let entries = log.entries.iter().map(|e| Entry::from_bytes(e).unwrap());
    let mut ends = entries.filter_map(|entry| {
        let Event::BreakGlassGranted(granted) = entry.event else {
            return None;
        };
        Some(granted.not_after)
    });
    ends.next_back().unwrap()
}

/// The server rotates the credential that the last entry calls to rotate.
pub(crate) fn rotation(log: &mut Scribe, change: impl FnOnce(&mut CredentialRotated)) {
    let last = Entry::from_bytes(log.entries.last().unwrap()).unwrap();
    let incidents = last.correlation_id.0.into_iter().collect();
    rotate(log, last.event_id, &account(), incidents, change);
}

pub(crate) fn rotate(
    log: &mut Scribe,
    cause: EventId,
    account: &AccountRef,
    incidents: Vec<IncidentId>,
    change: impl FnOnce(&mut CredentialRotated),
) {
    let (sealed, version) = stage(log, cause);
    claim(log, cause, 1);
    log.wait(2);
    let evidence = log.blob(b"new accepted, old refused");
    let mut rotated = CredentialRotated {
        account: account.clone(),
        cause,
        evidence,
        incidents,
        new_accepted: true,
        old_refused: true,
        replaced: log.version(),
        sealed,
        version,
    };
    change(&mut rotated);
    log.server(rotated);
}

/// The next credential lies sealed.
pub(crate) fn stage(log: &mut Scribe, cause: EventId) -> (Digest, i64) {
    log.wait(1);
    let given = |event: &Event| {
        matches!(
            event,
            Event::CredentialAdded(_) | Event::CredentialStaged(_)
        )
    };
    let version = log.count(given) + 1;
    let sealed = sha256(format!("sealed {version}").as_bytes());
    log.server(CredentialStaged {
        account: account(),
        cause,
        sealed,
        version,
    });
    (sealed, version)
}

pub(crate) fn claim(log: &mut Scribe, cause: EventId, attempt: i64) {
    log.server(EffectClaimed {
        account: account(),
        attempt,
        cause,
        document: none(),
        effect: EffectKind::Rotate,
        run_id: none(),
    });
}

/// A refusal: its entry names a statement that nothing is kept of.
pub(crate) fn refusal(log: &mut Scribe, by: &str) {
    let said = Said {
        by: by.to_owned(),
        statement: sha256(b"what was refused"),
        signature: sha256(b"its signature"),
    };
    let compared = vec![Compared {
        name: read("requester"),
        value: read("alice"),
    }];
    let (code, command) = (read("own_request"), read("approval"));
    log.caused(
        &said,
        CommandRefused {
            code,
            command,
            compared,
            object: read("R-1"),
        },
    );
}
