//! Requests and their answers.

use std::{ops::Deref, sync::Arc};

use breakglass_format::{
    Digest, Fingerprint, IncidentId, PersonId, RequestId,
    authority::Authority,
    canonical,
    event::{
        BreakGlassApproved, BreakGlassDenied, BreakGlassLapsed, BreakGlassRequested,
        BreakGlassVoided, BreakGlassWithdrawn, Reference,
    },
    limits,
    statement::{AuthorityRef, Request as Signed},
    vocabulary::{Custody, PurposeKind},
};
use breakglass_statement::VerifiedApproval;

use super::{At, Fold, Request, RequestState, Statement, authority::is_signer, quorum::Approval};
use crate::digest;

/// What was asked for, and how.
pub(super) struct Asked {
    /// The index of its entry.
    index: u64,
    /// The authority that the signed request names; none where nothing was signed.
    pub(super) under: Option<AuthorityRef>,
    event: BreakGlassRequested,
}

impl Deref for Asked {
    type Target = BreakGlassRequested;

    fn deref(&self) -> &BreakGlassRequested {
        &self.event
    }
}

impl Fold<'_> {
    pub(super) fn requested(&mut self, at: At<'_>, d: &BreakGlassRequested) {
        self.version_in_force(d.authority_version);
        let number = u64::try_from(self.out.requests.len()).unwrap_or(u64::MAX) + 1;
        let next = d.reference == Reference::Request(number);
        self.rule(
            next,
            "reference_out_of_order",
            "requests are numbered in log order",
        );
        self.takes_part(d.incident_id, &d.requester.person);
        let incident = self.incident(d.incident_id);
        let open = incident.is_some_and(|incident| incident.resolved_at.is_none());
        self.rule(
            open,
            "incident_not_open",
            "access is asked for under an open incident",
        );
        let id = at.event_id;
        let request = Request {
            reference: d.reference,
            incident: d.incident_id,
            account: d.account.id.clone(),
            requester: d.requester.person.clone(),
            extends: d.extends.0,
            approve_by: d.approve_by,
            statement: at.statement.0,
            approvals: Vec::new(),
            state: RequestState::Pending,
        };
        self.out.requests.insert(id, request);
        let under = match at.said {
            Some(Statement::Request(signed)) => Some(signed.authority().clone()),
            Some(_) | None => None,
        };
        let asked = Asked {
            index: self.index,
            under,
            event: d.clone(),
        };
        self.asked.insert(id, Arc::new(asked));
        let Some(Statement::Request(signed)) = at.said else {
            return;
        };
        self.requested_as_signed(d, signed.statement());
        self.under_the_first_entitlement(d);
        self.control_plane_as_stated(d);
        let entitled = self
            .judges_of(id)
            .is_some_and(|both| both.iter().all(|a| entitled(a, d, self)));
        self.rule(
            entitled,
            "requester_not_entitled",
            "no such entitlement, or it asks for less",
        );
        let bound = self
            .current()
            .is_some_and(|a| binds_account(a, signed.statement()));
        self.rule(
            bound,
            "account_differs",
            "the request binds another account than the authority has",
        );
    }

    /// Of several entitlements the first that fits counts, so that nobody picks the weakest.
    fn under_the_first_entitlement(&mut self, d: &BreakGlassRequested) {
        let incident = self.out.incidents.get(&d.incident_id);
        let first = self
            .current()
            .zip(incident)
            .and_then(|(authority, incident)| {
                authority.entitlement(&d.requester.person, &d.account.id, &incident.scenario)
            });
        // That there is none is said elsewhere.
        if let Some(first) = first {
            self.repeats(&[
                ("entitlement", d.entitlement == first.name),
                ("needs", d.needs == first.approvals),
            ]);
        }
    }

    fn requested_as_signed(&mut self, d: &BreakGlassRequested, s: &Signed) {
        let incident = self.out.incidents.get(&d.incident_id).cloned();
        let (id, name) = (&d.requester.person, &d.requester.principal);
        self.same(&[
            (
                "account",
                d.account.id == s.account.id && d.account.name == s.account.name,
            ),
            ("action", d.action == s.purpose.action),
            ("approve_by", d.approve_by == s.approve_by),
            ("control_plane", d.control_plane == s.control_plane),
            (
                "drill",
                d.drill == s.drill && incident.as_ref().is_some_and(|i| i.drill == s.drill),
            ),
            ("duration_s", d.duration_s == s.duration_s),
            ("extends", d.extends == s.extends),
            ("incident_id", d.incident_id == s.incident.id),
            (
                "incident",
                self.declared.get(&d.incident_id) == Some(&s.incident.event),
            ),
            (
                "scenario",
                incident
                    .as_ref()
                    .is_some_and(|i| i.scenario == s.incident.scenario),
            ),
            (
                "severity",
                incident
                    .as_ref()
                    .is_some_and(|i| i.severity == s.incident.severity),
            ),
            ("justification", d.justification == s.justification),
            ("origin", d.origin == s.origin),
            ("purpose", d.purpose == s.purpose),
            (
                "requester",
                *id == s.requester.person && *name == s.requester.principal,
            ),
            ("uses", d.uses == s.uses),
            ("warnings", d.warnings == s.warnings),
        ]);
    }

    pub(super) fn approved(&mut self, entry: At<'_>, d: &BreakGlassApproved) {
        self.version_in_force(d.authority_version);
        let Some(Statement::Approval(signed)) = entry.said else {
            return;
        };
        let s = signed.statement();
        self.same(&[
            (
                "approver",
                is_signer(&d.approver.person, &d.approver.principal, &s.approver),
            ),
            ("key", d.key == s.approver.key),
            ("duration_s", d.duration_s == s.duration_s),
            ("presence", d.presence == signed.presence()),
            ("browser", d.browser == signed.browser()),
        ]);
        let counts = self.proper(d, signed);
        self.of_incident(d.request_id, d.incident_id);
        let (request, at) = (d.request_id, self.now);
        let approval = Approval {
            request,
            person: d.approver.person.clone(),
            key: d.key.clone(),
            at,
            duration_s: d.duration_s,
            presence: signed.presence(),
            browser: signed.browser(),
            statement: entry.statement.0,
            counts,
        };
        self.takes_part(d.incident_id, &d.approver.person);
        self.approvals.insert(entry.event_id, approval);
        if counts {
            let missing = self.missing(request);
            self.repeats(&[("missing", missing == Some(d.missing))]);
        }
        if let Some(request) = self.out.requests.get_mut(&request) {
            request.approvals.push(entry.event_id);
        }
    }

    /// Whether an approval is one: of this pending request, by somebody who may, for the first
    /// time.
    fn proper(&mut self, d: &BreakGlassApproved, signed: &VerifiedApproval) -> bool {
        let pending = self.pending(d.request_id);
        let on_file = self
            .out
            .requests
            .get(&d.request_id)
            .and_then(|r| r.statement);
        let this = on_file == Some(signed.request_digest());
        let asked = self.asked.get(&d.request_id);
        let requester = asked.is_some_and(|asked| asked.requester.person == d.approver.person);
        let said = |a: &Approval| a.request == d.request_id && a.person == d.approver.person;
        let again = self.approvals.values().any(said);
        let size = u64::try_from(signed.statement().log.size).unwrap_or(0);
        let seen = asked.is_some_and(|asked| size > asked.index);
        let entitled = self.may_answer(d.request_id, &d.approver.person, &d.key);
        [
            pending,
            self.rule(
                this,
                "approval_of_another_request",
                "it carries another request than the one on file",
            ),
            self.rule(
                !requester,
                "approver_is_requester",
                "the requester never counts",
            ),
            self.rule(
                !again,
                "approved_twice",
                "one person has one approval, whatever their keys",
            ),
            self.rule(
                seen,
                "approval_before_request",
                "the approver's log did not hold the request yet",
            ),
            self.rule(
                entitled,
                "approver_not_entitled",
                "the entitlement does not name this person, or not yet",
            ),
        ]
        .into_iter()
        .all(|holds| holds)
    }

    /// Whether the entitlement lets the person answer with this key, under both authorities, and
    /// has for a day.
    fn may_answer(&self, request: RequestId, person: &PersonId, key: &Fingerprint) -> bool {
        let Some(asked) = self.asked.get(&request) else {
            return false;
        };
        let Some(both) = self.judges_of(request) else {
            return false;
        };
        let groups = both.iter().filter_map(|authority| {
            let e = authority
                .entitlements
                .iter()
                .find(|e| e.name == asked.entitlement)?;
            let person = authority.person(person)?;
            Some(
                e.approvers
                    .iter()
                    .filter(|g| person.in_group(g))
                    .collect::<Vec<_>>(),
            )
        });
        let groups: Vec<_> = groups.collect();
        let member = |group: &&&breakglass_format::Name| {
            self.settled(|a| a.person(person).is_some_and(|p| p.in_group(group)))
        };
        let key = self.settled(|a| a.person(person).is_some_and(|p| p.key(key).is_some()));
        key && groups.len() == both.len() && groups.iter().all(|g| g.iter().any(|g| member(&g)))
    }

    pub(super) fn denied(&mut self, entry: At<'_>, d: &BreakGlassDenied) {
        self.pending(d.request_id);
        self.of_incident(d.request_id, d.incident_id);
        let Some(Statement::Denial(signed)) = entry.said else {
            return;
        };
        let s = signed.statement();
        let request = self.out.requests.get(&d.request_id).cloned();
        let on_file = request.as_ref().and_then(|r| r.statement);
        self.same(&[
            (
                "approver",
                is_signer(&d.approver.person, &d.approver.principal, &s.approver),
            ),
            ("reason", d.reason == s.reason),
            ("request", on_file == Some(signed.request_digest())),
        ]);
        let Some(request) = request else { return };
        let requester = request.requester == d.approver.person;
        self.rule(
            !requester && self.may_answer(d.request_id, &d.approver.person, &s.approver.key),
            "denier_not_entitled",
            "the entitlement does not name this person, or not yet, or it is the requester",
        );
        let key = (d.approver.person.clone(), request.account, request.incident);
        let first = self.denials.insert(key);
        self.rule(
            first == d.ends,
            "denial_ends",
            "a person's first denial ends a request, the next does not",
        );
        if d.ends {
            self.end_request(d.request_id, RequestState::Denied);
        }
    }

    pub(super) fn lapsed(&mut self, entry: At<'_>, d: &BreakGlassLapsed) {
        self.pending(d.request_id);
        self.of_incident(d.request_id, d.incident_id);
        let by = self.out.requests.get(&d.request_id).map(|r| r.approve_by);
        let over = by.is_some_and(|by| by <= entry.created_at || by <= entry.wall);
        self.rule(over, "lapsed_early", "there was time left to approve it");
        self.end_request(d.request_id, RequestState::Lapsed);
    }

    pub(super) fn withdrawn(&mut self, entry: At<'_>, d: &BreakGlassWithdrawn) {
        self.pending(d.request_id);
        self.of_incident(d.request_id, d.incident_id);
        if let Some(act) = entry.act("withdraw") {
            let about = act.statement().object.id.as_str() == d.request_id.to_string();
            self.same(&[("request", about)]);
            let requester = self.out.requests.get(&d.request_id).map(|r| &r.requester);
            let own = requester == Some(&act.signer().person);
            self.rule(
                own,
                "withdrawn_by_another",
                "a request is taken back by its requester",
            );
        }
        self.end_request(d.request_id, RequestState::Withdrawn);
    }

    /// By the end of its incident, which somebody signed, or by a newer authority.
    pub(super) fn voided(&mut self, entry: At<'_>, d: &BreakGlassVoided) {
        self.version_in_force(d.authority_version);
        self.pending(d.request_id);
        self.of_incident(d.request_id, d.incident_id);
        if let Some(act) = entry.act("resolve") {
            let about = act.statement().object.id.as_str() == d.incident_id.to_string();
            self.same(&[("incident", about)]);
        } else if let Some(Statement::Suspend(said)) = entry.said {
            self.voided_by_suspension(said, d.request_id);
        } else {
            let caused =
                entry.statement.0.is_some() || self.just_published() || self.voided_by_recovery(d);
            self.rule(
                caused,
                "voided_without_cause",
                "neither its incident ended nor a newer authority took effect, nor was the log put back",
            );
        }
        self.end_request(d.request_id, RequestState::Voided);
    }

    /// The request must be pending.
    pub(super) fn pending(&mut self, id: RequestId) -> bool {
        let state = self.out.requests.get(&id).map(|request| request.state);
        let pending = state == Some(RequestState::Pending);
        self.rule(
            pending,
            "request_not_pending",
            "the request is unknown, used up or ended",
        )
    }

    /// What is said of a request is said under its incident.
    fn of_incident(&mut self, request: RequestId, incident: IncidentId) {
        let known = self.out.requests.get(&request).map(|r| r.incident);
        // That the request is unknown is said elsewhere.
        let same = known.is_none_or(|known| known == incident);
        self.repeats(&[("incident_id", same)]);
    }

    pub(super) fn end_request(&mut self, id: RequestId, state: RequestState) {
        if let Some(request) = self.out.requests.get_mut(&id) {
            request.state = state;
        }
    }
}

/// Whether an authority entitles the requester to ask for what is asked.
fn entitled(authority: &Authority, d: &BreakGlassRequested, fold: &Fold<'_>) -> bool {
    let Some(incident) = fold.out.incidents.get(&d.incident_id) else {
        return false;
    };
    let Some(person) = authority.person(&d.requester.person) else {
        return false;
    };
    let scenario = authority.scenario(&incident.scenario);
    let credential = d.purpose.kind == PurposeKind::Credential;
    let permitted = credential || scenario.is_some_and(|s| s.actions.contains(&d.purpose.action));
    let latest = fold.now.plus_s(limits::STATEMENT_SKEW_S);
    authority
        .entitlements
        .iter()
        .find(|e| e.name == d.entitlement)
        .is_some_and(|e| {
            permitted
                && e.accounts.contains(&d.account.id)
                && e.scenarios.contains(&incident.scenario)
                && e.requesters.iter().any(|group| person.in_group(group))
                && d.duration_s <= e.max_duration_s
                && d.needs >= e.approvals
                && d.approve_by <= latest.plus_s(e.approve_within_s)
        })
}

/// Whether the request binds the account as the authority describes it.
fn binds_account(authority: &Authority, s: &Signed) -> bool {
    authority.account(&s.account.id).is_some_and(|account| {
        let object: Option<Digest> = canonical::to_bytes(account)
            .ok()
            .map(|bytes| digest(&bytes));
        // Of a quorum account the sealed object is bound, which is not in the authority.
        let bound = account.custody == Custody::Quorum || object == Some(s.account.binding);
        bound
            && account.name == s.account.name
            && account.custody == s.account.custody
            && account.on_server_loss == s.on_server_loss
    })
}
