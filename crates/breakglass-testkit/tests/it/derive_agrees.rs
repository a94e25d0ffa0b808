//! The second reading of the procedure, in `breakglass-verify`, comes to the same as the rules.

use std::collections::BTreeMap;

use breakglass_core::{Command, obligation::Status, request::State};
use breakglass_format::{Event, Timestamp};
use breakglass_statement::{AuthoritySet, VerifiedAuthority};
use breakglass_testkit::Given;
use breakglass_verify::{
    Level, Record, derive,
    derive::{Derived, DutyKey, RequestState, Statement, Statements, Status as DutyStatus},
};

/// Derives everything from the entries and the statements alone, and compares it with the world.
pub(crate) fn derive_agrees(given: &Given) -> Result<(), String> {
    let statements = statements(given);
    let authorities = authorities(given);
    let (derived, findings) = derive(&Record {
        entries: given.log(),
        statements: &statements,
        authorities: &authorities,
    });
    let mut worse = findings
        .iter()
        .filter(|f| !matches!(f.level, Level::Notice | Level::Overdue))
        // An asserted authority was signed by nobody.
        .filter(|f| f.code != "authority_without_threshold");
    if let Some(finding) = worse.next() {
        let entry = finding
            .index
            .and_then(|i| given.log().get(usize::try_from(i).ok()?));
        return Err(format!("{finding}: {entry:?}"));
    }
    same_people(given, &derived)?;
    same_requests(given, &derived)?;
    same_grants(given, &derived)?;
    same_duties(given, &derived)
}

fn statements(given: &Given) -> Statements {
    let each = given.accepted().iter().filter_map(|(digest, command)| {
        let statement = match command.clone() {
            Command::Enroll(v) => Statement::Enroll(*v),
            Command::Suspend(v) => Statement::Suspend(*v),
            Command::OpenSession(v) => Statement::Session(*v),
            Command::Request(v) => Statement::Request(*v),
            Command::Approve(v) => Statement::Approval(*v),
            Command::Deny(v) => Statement::Denial(*v),
            Command::Checkout(v, _) => Statement::Checkout(*v),
            Command::Act(v, _) => Statement::Act(*v),
            _ => return None,
        };
        Some((*digest, statement))
    });
    each.collect()
}

fn authorities(given: &Given) -> AuthoritySet {
    let published = given.log().iter().filter_map(|r| match &r.entry.event {
        Event::AuthorityPublished(d) => Some((d.version, d.all_roots)),
        _ => None,
    });
    let all_roots: BTreeMap<i64, bool> = published.collect();
    let mut versions = given.authorities().into_iter().map(|authority| {
        let all_roots = all_roots.get(&authority.version).copied().unwrap_or(false);
        VerifiedAuthority::assertion(&authority, all_roots).unwrap()
    });
    let genesis = versions.next().unwrap();
    AuthoritySet::assertion(genesis, versions.collect())
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: impl FnOnce() -> String,
    rules: T,
    derived: T,
) -> Result<(), String> {
    if rules == derived {
        return Ok(());
    }
    Err(format!(
        "{}: the rules say {rules:?}, derived is {derived:?}",
        what()
    ))
}

fn same_people(given: &Given, derived: &Derived) -> Result<(), String> {
    let version = given.authority().version;
    same(
        || "authority".to_owned(),
        version,
        derived.authority_version,
    )?;
    let world = given.whole();
    same(
        || "incidents".to_owned(),
        world.incidents().count(),
        derived.incidents.len(),
    )?;
    for incident in world.incidents() {
        let other = derived
            .incidents
            .get(&incident.id)
            .ok_or("an incident is missing")?;
        let what = || incident.reference.to_string();
        same(what, incident.reference, other.reference)?;
        same(what, &incident.commander.person, &other.commander)?;
        same(what, incident.declared_at, other.declared_at)?;
        same(what, incident.resolved_at, other.resolved_at)?;
        same(what, incident.closed_at, other.closed_at)?;
    }
    for (id, state) in world.accounts() {
        let other = derived.accounts.get(id).cloned().unwrap_or_default();
        let version = state.current.map_or(0, |c| c.version);
        same(|| format!("version of {id}"), version, other.version)?;
        let sealed = state.current.map(|c| c.sealed);
        same(|| format!("credential of {id}"), sealed, other.sealed)?;
    }
    Ok(())
}

fn same_requests(given: &Given, derived: &Derived) -> Result<(), String> {
    let world = given.whole();
    same(
        || "requests".to_owned(),
        world.requests().count(),
        derived.requests.len(),
    )?;
    for request in world.requests() {
        let other = derived
            .requests
            .get(&request.id)
            .ok_or("a request is missing")?;
        let what = || request.reference.to_string();
        let state = match request.state {
            State::Pending => RequestState::Pending,
            State::Granted(_) => RequestState::Granted,
            State::Denied => RequestState::Denied,
            State::Lapsed => RequestState::Lapsed,
            State::Withdrawn => RequestState::Withdrawn,
            State::Voided => RequestState::Voided,
        };
        same(what, state, other.state)?;
        same(what, request.reference, other.reference)?;
        same(what, request.approve_by, other.approve_by)?;
        same(what, &request.requester.person, &other.requester)?;
        let approvals: Vec<_> = request.approvals.iter().map(|a| a.event).collect();
        same(what, &approvals, &other.approvals)?;
    }
    Ok(())
}

fn same_grants(given: &Given, derived: &Derived) -> Result<(), String> {
    let world = given.whole();
    same(
        || "grants".to_owned(),
        world.grants().count(),
        derived.grants.len(),
    )?;
    for grant in world.grants() {
        let other = derived.grants.get(&grant.id).ok_or("a grant is missing")?;
        let what = || grant.reference.to_string();
        same(what, grant.reference, other.reference)?;
        same(what, grant.request, other.request)?;
        same(what, &grant.holder.person, &other.holder)?;
        same(what, grant.not_before, other.not_before)?;
        same(what, grant.not_after, other.not_after)?;
        same(what, grant.cap, other.cap)?;
        same(
            what,
            (grant.used, grant.documented),
            (other.used, other.documented),
        )?;
        let (ours, theirs) = (grant.checkouts, other.checkouts);
        same(what, (ours, grant.runs), (theirs, other.runs))?;
        let ended = other.ended.map(|end| (end.reason, end.at));
        same(what, grant.ended, ended)?;
    }
    Ok(())
}

fn same_duties(given: &Given, derived: &Derived) -> Result<(), String> {
    let world = given.whole();
    let last: Timestamp = world.last();
    for (account, clock) in world.account_reviews() {
        let what = || format!("quarterly review of {account}");
        let other = derived.account_reviews.get(account).ok_or_else(what)?;
        same(what, clock.due_at, other.due_at)?;
        let status = if last > clock.due_at {
            DutyStatus::Overdue
        } else {
            DutyStatus::Open
        };
        same(what, status, other.status)?;
    }
    for incident in world.incidents() {
        let active = world
            .grants()
            .any(|g| g.incident == incident.id && g.is_active());
        for (clock, status) in world.obligations(incident, last) {
            let key = DutyKey {
                incident: incident.id,
                obligation: clock.obligation,
                subject: clock.subject.clone(),
            };
            let what = || format!("{} {} {}", incident.reference, key.obligation, key.subject);
            let other = derived.duties.get(&key).ok_or_else(what)?;
            same(what, clock.due_at, other.due_at)?;
            let status = match status {
                Status::Open => DutyStatus::Open,
                Status::Met(_) => DutyStatus::Met,
                Status::MetLate(_) => DutyStatus::MetLate,
                Status::Waived(_) => DutyStatus::Waived,
                Status::Overdue => DutyStatus::Overdue,
            };
            if !active {
                same(what, status, other.status)?;
            }
        }
    }
    Ok(())
}

#[test]
fn the_second_reading_agrees_at_every_stage() {
    for (stage, make) in breakglass_testkit::stages::STAGES {
        if let Err(differs) = derive_agrees(&make()) {
            panic!("{stage}: {differs}");
        }
    }
}
