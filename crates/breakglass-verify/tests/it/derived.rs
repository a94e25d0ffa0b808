//! The rules on their own, fed with entries and statements that were never in a folder.

use std::collections::BTreeMap;

use breakglass_format::{
    Digest, Entry, Event,
    act::Act,
    entry::Recorded,
    event::RootSignature,
    statement::{Approval, Denial, Statement as _},
};
use breakglass_statement::{
    AuthoritySet, VerifiedSession, verify_act, verify_approval, verify_checkout, verify_denial,
    verify_enroll, verify_request, verify_session, verify_suspend,
};
use breakglass_verify::{
    Derived, Finding, Record, derive,
    derive::{Statement, Statements},
};

use crate::{
    people::principal,
    scribe::Scribe,
    story::{self, Told},
};

pub(crate) fn recorded(log: &Scribe) -> Vec<Recorded> {
    let entries = log.entries.iter().zip(log.leaves()).zip(0..);
    entries
        .map(|((bytes, leaf), index)| Recorded {
            index,
            leaf: Digest::from_bytes(*leaf.as_bytes()),
            entry: Entry::from_bytes(bytes).unwrap(),
        })
        .collect()
}

pub(crate) fn authorities(log: &Scribe, entries: &[Recorded]) -> AuthoritySet {
    let armoured = |root: &RootSignature| {
        let armoured = String::from_utf8(log.blobs[&root.signature].clone()).unwrap();
        (root.signer.principal.clone(), armoured)
    };
    let mut set: Option<AuthoritySet> = None;
    for at in entries {
        if let Event::AuthorityPublished(published) = &at.entry.event {
            let signatures: Vec<_> = published.signatures.iter().map(armoured).collect();
            let document = &log.blobs[&published.digest];
            match &mut set {
                None => set = Some(AuthoritySet::genesis(document, &signatures, None).unwrap()),
                Some(set) => {
                    set.succeed(document, &signatures).unwrap();
                }
            }
        } else if let (Event::EpochBegun(begun), Some(set)) = (&at.entry.event, &mut set) {
            let signatures: Vec<_> = begun.signatures.iter().map(armoured).collect();
            set.begin_epoch(&log.blobs[&begun.digest], &signatures)
                .unwrap();
        }
    }
    set.unwrap()
}

pub(crate) fn statements(log: &Scribe, entries: &[Recorded], known: &AuthoritySet) -> Statements {
    let mut sessions: BTreeMap<Digest, VerifiedSession> = BTreeMap::new();
    let mut out = Statements::new();
    for at in entries {
        let (Some(digest), Some(signature)) = (at.entry.statement.0, at.entry.signature.0) else {
            continue;
        };
        let bytes = &log.blobs[&digest];
        let armoured = std::str::from_utf8(&log.blobs[&signature]).unwrap();
        let kind: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let statement = match kind["_type"].as_str().unwrap() {
            "request.v1@breakglass" => {
                Statement::Request(verify_request(bytes, armoured, known).unwrap())
            }
            "approval.v1@breakglass" => {
                let request = Approval::from_bytes(bytes)
                    .unwrap()
                    .request
                    .to_bytes()
                    .unwrap();
                Statement::Approval(verify_approval(bytes, armoured, &request, known).unwrap())
            }
            "denial.v1@breakglass" => {
                let request = Denial::from_bytes(bytes).unwrap().request;
                let request = request.to_bytes().unwrap();
                Statement::Denial(verify_denial(bytes, armoured, &request, known).unwrap())
            }
            "checkout.v1@breakglass" => {
                Statement::Checkout(verify_checkout(bytes, armoured, known).unwrap())
            }
            "enroll.v1@breakglass" => {
                Statement::Enroll(verify_enroll(bytes, armoured, known).unwrap())
            }
            "suspend.v1@breakglass" => {
                Statement::Suspend(verify_suspend(bytes, armoured, known).unwrap())
            }
            "session.v1@breakglass" => {
                let session = verify_session(bytes, armoured, known).unwrap();
                sessions.insert(digest, session.clone());
                Statement::Session(session)
            }
            _ => {
                let session = Act::from_bytes(bytes).unwrap().session.0;
                let session = session.map(|digest| &sessions[&digest]);
                Statement::Act(verify_act(bytes, armoured, session, known).unwrap())
            }
        };
        out.insert(digest, statement);
    }
    out
}

fn derived(log: &Scribe) -> (Derived, Vec<Finding>) {
    let entries = recorded(log);
    let authorities = authorities(log, &entries);
    let statements = statements(log, &entries, &authorities);
    derive(&Record {
        entries: &entries,
        statements: &statements,
        authorities: &authorities,
    })
}

#[test]
fn entries_and_statements_are_all_it_takes() {
    let log = story::whole().log;
    let (from_parts, findings) = derived(&log);
    assert_eq!(findings, []);
    assert_eq!(from_parts, log.verdict().derived);
}

/// In a folder the second approval would have to lie where the first one lies.
#[test]
fn one_person_with_two_keys_is_one_person() {
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    let approvals = [
        log.approve("carol", &asked, |_| {}),
        log.approve("carol2", &asked, |_| {}),
    ];
    log.grant(&asked, &approvals, |_| {});
    let codes: Vec<&str> = derived(&log).1.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        [
            "approved_twice",
            "grant_without_quorum",
            "grant_without_quorum"
        ]
    );
    assert_eq!(principal("carol2"), principal("carol"));
}

#[test]
fn every_beginning_of_a_log_is_a_log() {
    let Told { log, .. } = story::whole();
    for length in 2..log.entries.len() {
        let mut shorter = log.clone();
        shorter.entries.truncate(length);
        let broken: Vec<Finding> = derived(&shorter).1;
        // Two entries of one command belong together; between them the log is not complete.
        assert!(
            broken.iter().all(|f| f.code == "grant_outlives_incident"),
            "{length}: {broken:?}"
        );
    }
}
