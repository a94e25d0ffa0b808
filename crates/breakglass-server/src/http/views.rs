//! Views of the world, rendered.

use breakglass_api::view::{
    AccountView, GrantView, IncidentView, ObligationView, ProbedView, RequestView, RunView,
};
use breakglass_core::{
    World,
    control_plane::Probed,
    grant::Grant,
    incident::Incident,
    obligation::Status,
    quorum,
    request::{Request, State},
    run::Run,
};
use breakglass_format::{
    AccountId, PersonId, Timestamp,
    authority::{Account, Person},
};

/// The name of a person under the authority in force, else the id.
fn principal(world: &World, person: &PersonId) -> String {
    let known = world.authority().and_then(|v| v.authority.person(person));
    known.map_or_else(|| person.to_string(), |p| p.principal.to_string())
}

fn incident_reference(world: &World, id: &breakglass_format::IncidentId) -> String {
    world
        .incident(id)
        .map_or_else(|| id.to_string(), |i| i.reference.to_string())
}

/// The name of an account under the authority in force; anything else as it stands.
fn called(world: &World, subject: &str) -> String {
    let authority = world.authority().map(|v| &v.authority);
    let id = subject.parse::<AccountId>().ok();
    let account = id.and_then(|id| authority?.account(&id));
    account.map_or_else(|| subject.to_owned(), |a| a.name.to_string())
}

pub(crate) fn incident(world: &World, incident: &Incident, now: Timestamp) -> IncidentView {
    let obligations = world
        .obligations(incident, now)
        .into_iter()
        .map(|(clock, status)| {
            let (status, met_at) = match status {
                Status::Open => ("open", None),
                Status::Met(at) => ("met", Some(at)),
                Status::MetLate(at) => ("met late", Some(at)),
                Status::Waived(at) => ("waived", Some(at)),
                Status::Overdue => ("overdue", None),
            };
            ObligationView {
                subject: called(world, clock.subject.as_str()),
                owner: principal(world, &clock.owner),
                clock,
                status: status.to_owned(),
                met_at,
            }
        });
    let requests = world.requests_under(&incident.id);
    let grants = world.grants_under(&incident.id);
    IncidentView {
        id: incident.id.to_string(),
        reference: incident.reference.to_string(),
        scenario: incident.scenario.to_string(),
        severity: incident.severity.to_string(),
        title: incident.title.to_string(),
        commander: incident.commander.principal.to_string(),
        drill: incident.drill,
        state: incident.state().to_owned(),
        head: incident.head.to_string(),
        declared_at: incident.declared_at,
        resolved_at: incident.resolved_at,
        closed_at: incident.closed_at,
        to_review: world.subjects_of_review(incident).into_iter().collect(),
        control_plane: world
            .asks_for_probes(incident)
            .then(|| probed(incident.probed())),
        obligations: obligations.collect(),
        requests: requests.map(|r| r.reference.to_string()).collect(),
        grants: grants.map(|g| g.reference.to_string()).collect(),
    }
}

pub(crate) fn probed(last: Option<&Probed>) -> ProbedView {
    ProbedView {
        event: last.map(|p| p.event),
        verdict: last.map(|p| p.verdict.to_string()),
        at: last.map(|p| p.at),
    }
}

pub(crate) fn request(world: &World, request: &Request, now: Timestamp) -> RequestView {
    let authority = world.authority().map(|v| &v.authority);
    let under = authority.and_then(|authority| {
        let mut all = authority.entitlements.iter();
        let entitlement = all.find(|e| e.name == request.entitlement)?;
        Some((authority, entitlement))
    });
    let (counting, aside) = world.approvals_of(request, now);
    let missing = under.map(|(authority, entitlement)| {
        let groups = quorum::groups_missing(entitlement, authority, &counting);
        groups.into_iter().map(ToString::to_string).collect()
    });
    let may_approve = under.filter(|_| request.is_pending());
    let may_approve = may_approve.map(|(authority, entitlement)| {
        let asked = |p: &&Person| {
            let said = |a: &quorum::Approval| a.approver.person == p.person;
            p.person != request.requester.person
                && !request.approvals.iter().any(said)
                && entitlement.approvers.iter().any(|g| p.in_group(g))
        };
        let people = authority.people.iter().filter(asked);
        people.map(|p| p.principal.to_string()).collect()
    });
    let grant = match request.state {
        State::Granted(id) => world.grant(&id).map(|g| g.reference.to_string()),
        State::Pending | State::Denied | State::Lapsed | State::Withdrawn | State::Voided => None,
    };
    RequestView {
        id: request.id.to_string(),
        reference: request.reference.to_string(),
        incident: incident_reference(world, &request.incident),
        account: request.account.name.to_string(),
        requester: request.requester.principal.to_string(),
        state: request.state.word().to_owned(),
        control_plane: world
            .incident(&request.incident)
            .filter(|i| world.asks_for_probes(i))
            .map(|i| probed(i.probed())),
        approve_by: request.approve_by,
        duration_s: request.duration_s,
        approved_by: approvers(&counting),
        set_aside: approvers(&aside),
        needs: request.asked.needs,
        groups_missing: missing.unwrap_or_default(),
        may_approve: may_approve.unwrap_or_default(),
        grant,
    }
}

fn approvers(approvals: &[quorum::Approval]) -> Vec<String> {
    let names = approvals.iter().map(|a| a.approver.principal.to_string());
    names.collect()
}

pub(crate) fn grant(world: &World, grant: &Grant) -> GrantView {
    let request = world
        .request(&grant.request)
        .map(|r| r.reference.to_string());
    GrantView {
        id: grant.id.to_string(),
        reference: grant.reference.to_string(),
        incident: incident_reference(world, &grant.incident),
        request: request.unwrap_or_else(|| grant.request.to_string()),
        account: grant.account.name.to_string(),
        account_id: grant.account.id.to_string(),
        holder: grant.holder.principal.to_string(),
        state: grant
            .ended
            .map_or("active", |(reason, _)| reason.as_str())
            .to_owned(),
        not_before: grant.not_before,
        not_after: grant.not_after,
        ended_at: grant.ended.map(|(_, at)| at),
        approved_by: approvers(&grant.approvals),
        checkouts: grant.checkouts,
        documented: grant.documented,
    }
}

pub(crate) fn account(world: &World, account: &Account) -> AccountView {
    let state = world.account(&account.id);
    let current = state.and_then(|s| s.current);
    let rotation = state.and_then(|s| s.rotation.as_ref());
    let word = match rotation {
        _ if current.is_none() => "none",
        None => "current",
        Some(rotation) if rotation.blocked => "rotation needs a person",
        Some(_) => "rotation pending",
    };
    let known_to = state.map(|s| s.known_to.iter().map(|p| principal(world, p)).collect());
    AccountView {
        id: account.id.to_string(),
        name: account.name.to_string(),
        system: account.system.to_string(),
        custody: account.custody.to_string(),
        version: current.map_or(0, |c| c.version),
        state: word.to_owned(),
        failure: rotation
            .and_then(|r| r.failed.as_ref())
            .map(|(class, detail)| format!("{class}: {detail}")),
        retry_at: rotation.and_then(|r| r.retry_at),
        rotated_at: state.and_then(|s| s.rotated_at),
        known_to: known_to.unwrap_or_default(),
        grant: world
            .active_grant(&account.id)
            .map(|g| g.reference.to_string()),
        review_due: state.and_then(|s| Some(s.review.as_ref()?.due_at)),
        entitled: world
            .entitled(account)
            .iter()
            .map(|p| principal(world, p))
            .collect(),
    }
}

pub(crate) fn run(world: &World, run: &Run) -> RunView {
    RunView {
        id: run.id.to_string(),
        grant: world
            .grant(&run.grant)
            .map_or_else(|| run.grant.to_string(), |g| g.reference.to_string()),
        incident: incident_reference(world, &run.incident),
        action: run.action.to_string(),
        target: run.target.to_string(),
        artifact: run.artifact.to_string(),
        state: run.state.map_or("ordered", |s| s.as_str()).to_owned(),
        handle: run.handle.to_string(),
    }
}
