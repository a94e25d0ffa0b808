//! A second version of the authority: who signed it, and from when it lets people approve.

use breakglass_format::{
    authority::{Authority, Person},
    event::{AuthorityPublished, RootSignature},
    statement::{AuthorityRef, Kind},
};
use breakglass_verify::{Outcome, assembly::Unsound};

use crate::{
    people::{authority, read, sign, signer},
    rules::extend,
    runs::{Stage, action, stage},
    scribe::{Scribe, broken},
    steps::HOUR,
    story::{self, Told},
};

/// The root persons, two of whom are enough.
pub(crate) const ALL: [&str; 3] = ["bob", "carol", "erin"];

/// Publishes the next version, which these people sign.
pub(crate) fn publish(log: &mut Scribe, signers: &[&str], change: impl FnOnce(&mut Authority)) {
    let version = log.authority.version + 1;
    let previous = log.authority.digest;
    let mut next = Authority {
        previous,
        version,
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
    log.authority = AuthorityRef {
        digest: digest.into(),
        version,
    };
    log.server(AuthorityPublished {
        all_roots: signers.len() == ALL.len(),
        clocks: Vec::new(),
        digest,
        previous,
        signatures,
        version,
    });
}

pub(crate) fn somebody<'a>(next: &'a mut Authority, name: &str) -> &'a mut Person {
    let mut people = next.people.iter_mut();
    people.find(|p| p.principal.as_str() == name).unwrap()
}

/// Dave joins security, and may approve.
fn join(next: &mut Authority) {
    somebody(next, "dave").groups.push(read("security"));
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
    let unsound = log.emitted().unwrap_err();
    assert!(matches!(unsound, Unsound::Authority(_)), "{unsound:?}");
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
        somebody(next, "bob").groups = vec![read("sre")];
    });
    log.wait(HOUR);
    assert_eq!(log.verdict().outcome, Outcome::Ok);
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["quorum_gone"]);
}

#[test]
fn from_the_end_it_moved_a_use_rests_on_the_extensions_quorum_as_well() {
    let Told {
        mut log,
        incident,
        asked,
        grant,
        ..
    } = story::granted();
    let old_end = story::not_after(&log);
    publish(&mut log, &ALL, |next| {
        somebody(next, "dave").groups = vec![read("security")];
    });
    log.wait(HOUR);
    let more = log.request("alice", incident, |request| {
        request.extends = grant.into();
        request.duration_s = HOUR;
    });
    extend(&mut log, grant, &more, ["dave", "carol"], HOUR);
    publish(&mut log, &ALL, |next| {
        somebody(next, "dave").groups.clear();
    });
    let mut used = |at| {
        log.now = at;
        let mut log = log.clone();
        let said = log.checkout("alice", grant);
        log.access(&said, &asked, grant);
        log
    };
    assert_eq!(used(old_end.plus_s(-2)).verdict().findings, []);
    broken(&used(old_end), &["quorum_gone"]);
}

#[test]
fn a_quorum_that_is_gone_runs_and_plans_nothing() {
    let Stage {
        mut log,
        asked,
        grant,
    } = stage();
    publish(&mut log, &ALL, |next| {
        somebody(next, "bob").groups = vec![read("sre")];
    });
    let args = action("rollback", "checkout");
    let mut planned = log.clone();
    planned.plan("alice", &asked, grant, args.clone());
    broken(&planned, &["quorum_gone"]);
    log.run("alice", &asked, grant, args);
    broken(&log, &["quorum_gone"]);
    // Nor does a use of it that somebody wrote beside the order of the run.
    let ordered = log.entries.len() - 2;
    let last = u64::try_from(log.entries.len() - 1).unwrap();
    let verdict = log.verdict();
    let told: Vec<_> = verdict.findings.iter().filter_map(|f| f.index).collect();
    assert!(told.contains(&last) && told.contains(&u64::try_from(ordered).unwrap()));
}

#[test]
fn a_holder_who_may_no_longer_ask_gets_nothing() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    publish(&mut log, &ALL, |next| {
        somebody(next, "alice").groups.clear();
    });
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["requester_not_entitled"]);
}

#[test]
fn a_key_that_has_ended_no_longer_stands_behind_a_grant() {
    let Told {
        mut log,
        asked,
        grant,
        ..
    } = story::granted();
    let end = log.now.plus_s(HOUR);
    publish(&mut log, &ALL, |next| {
        somebody(next, "carol").keys[0].not_after = end.into();
    });
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    assert_eq!(log.verdict().findings, []);
    log.now = end;
    let said = log.checkout("alice", grant);
    log.access(&said, &asked, grant);
    broken(&log, &["quorum_gone"]);
}

#[test]
fn a_newcomer_fills_no_required_place() {
    let mut log = story::founded();
    let dave = |next: &mut Authority| somebody(next, "dave").groups.push(read("platform"));
    publish(&mut log, &ALL, dave);
    publish(&mut log, &["bob", "carol"], |next| {
        dave(next);
        somebody(next, "carol").groups.push(read("security"));
    });
    let incident = log.declare("alice");
    let asked = log.request("alice", incident, |_| {});
    // Both are of platform, and only one has come to security as well.
    let approvals = [
        log.approve("dave", &asked, |_| {}),
        log.approve("carol", &asked, |_| {}),
    ];
    log.grant(&asked, &approvals, |_| {});
    broken(&log, &["event_differs_from_log", "required_group_missing"]);
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
