//! A second version of the authority: who signed it, and from when it lets people approve.

use breakglass_format::{
    Blank, Digest,
    authority::Authority,
    event::{AuthorityPublished, RootSignature},
    statement::{AuthorityRef, Kind},
};
use breakglass_verify::{EmitError, Outcome, Source, emit};

use crate::{
    people::{authority, read, sign, signer},
    scribe::{Scribe, broken},
    steps::HOUR,
    story::{self, Told},
};

/// The root persons, two of whom are enough.
const ALL: [&str; 3] = ["bob", "carol", "erin"];

/// Publishes a second version, which these people sign.
fn publish(log: &mut Scribe, signers: &[&str], change: impl FnOnce(&mut Authority)) {
    let mut next = Authority {
        previous: log.genesis.into(),
        version: 2,
        ..authority()
    };
    next.issued_at = log.now;
    change(&mut next);
    let bytes = next.to_bytes().unwrap();
    let digest = log.blob(&bytes);
    let signatures = signers.iter().map(|name| RootSignature {
        signature: log.blob(&sign(name, Kind::Authority, &bytes)),
        signer: signer(name),
    });
    let signatures = signatures.collect();
    let previous = Blank::from(log.genesis);
    log.authority = AuthorityRef {
        digest: digest.into(),
        version: 2,
    };
    log.server(AuthorityPublished {
        all_roots: signers.len() == ALL.len(),
        digest,
        previous,
        signatures,
        version: 2,
    });
}

/// Dave joins security, and may approve.
fn join(next: &mut Authority) {
    let dave = next
        .people
        .iter_mut()
        .find(|p| p.principal.as_str() == "dave")
        .unwrap();
    dave.groups.push(read("security"));
}

#[test]
fn the_next_version_is_signed_by_the_threshold() {
    let mut log = story::founded();
    log.wait(60);
    publish(&mut log, &ALL, join);
    let verdict = log.verdict();
    assert_eq!(verdict.findings, []);
    assert_eq!(
        (verdict.facts.authorities, verdict.derived.authority_version),
        (2, 2)
    );
    let mut log = story::founded();
    publish(&mut log, &["bob"], join);
    let checkpoint = log.checkpoint();
    let blob = |digest: &Digest| log.blobs.get(digest).cloned();
    let source = Source {
        entries: &log.entries,
        checkpoint: &checkpoint,
        blob: &blob,
    };
    assert!(matches!(emit(&source), Err(EmitError::Authority(_))));
}

#[test]
fn an_approver_counts_under_both_authorities() {
    // The request names version 1, under which dave is nobody.
    let (mut log, incident) = story::declared();
    let asked = log.request("alice", incident, |_| {});
    publish(&mut log, &ALL, join);
    log.approve("dave", &asked, |_| {});
    broken(&log, &["approver_not_entitled"]);
}

#[test]
fn a_quorum_that_is_gone_releases_nothing() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    publish(&mut log, &ALL, |next| {
        let bob = next
            .people
            .iter_mut()
            .find(|p| p.principal.as_str() == "bob")
            .unwrap();
        bob.groups = vec![read("sre")];
    });
    log.wait(HOUR);
    assert_eq!(log.verdict().outcome, Outcome::Ok);
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["quorum_gone"]);
}

#[test]
fn an_entry_tells_the_version_in_force() {
    let (mut log, incident) = story::declared();
    publish(&mut log, &ALL, join);
    let request = log.wish("alice", incident);
    let said = log.said("alice", &request);
    log.requested(&said, &request, |d| d.authority_version = 1);
    broken(&log, &["authority_version_wrong"]);
}

#[test]
fn what_not_every_root_person_signed_has_to_wait_a_day() {
    let approved_after = |signers: &[&str], seconds| {
        let mut log = story::founded();
        publish(&mut log, signers, join);
        log.wait(seconds);
        let incident = log.declare("alice");
        let asked = log.request("alice", incident, |_| {});
        log.approve("dave", &asked, |_| {});
        log
    };
    broken(
        &approved_after(&["bob", "carol"], 23 * HOUR),
        &["approver_not_entitled"],
    );
    assert_eq!(
        approved_after(&["bob", "carol"], 24 * HOUR)
            .verdict()
            .findings,
        []
    );
    assert_eq!(approved_after(&ALL, 0).verdict().findings, []);
}
