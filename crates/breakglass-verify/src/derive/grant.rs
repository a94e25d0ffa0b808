//! Grants: their quorum, their time, their use, their end.

use std::collections::BTreeSet;

use breakglass_format::{
    EventId, GrantId, IncidentId, Prose, RequestId,
    act::Command,
    event::{
        AccountRef, BreakGlassAccess, BreakGlassEnded, BreakGlassExtended, BreakGlassGranted,
        Clock, Reference,
    },
    vocabulary::{EndReason, Obligation, Privilege, PurposeKind},
};

use super::{At, End, Fold, Grant, RequestState, Statement, credential::Cause};
use crate::{Finding, Level};

impl Fold<'_> {
    pub(super) fn granted(&mut self, entry: At<'_>, d: &BreakGlassGranted) {
        self.version_in_force(d.authority_version);
        let number = u64::try_from(self.out.grants.len()).unwrap_or(u64::MAX) + 1;
        let next = d.reference == Reference::Grant(number);
        self.rule(
            next,
            "reference_out_of_order",
            "grants are numbered in log order",
        );
        let seconds = self.consume(entry, d.request_id, &d.approvals);
        self.granted_as_asked(d);
        self.control_plane_of_request(d.request_id);
        self.repeats(&[("not_before", d.not_before == self.now)]);
        let ends = seconds.map(|seconds| self.now.plus_s(seconds));
        let within = ends.is_some_and(|ends| d.not_after <= ends) && d.not_after <= d.cap;
        self.rule(
            within,
            "grant_longer_than_signed",
            "it ends later than somebody signed for",
        );
        let cap = self
            .entitlement_cap(d.request_id)
            .map(|cap_s| self.now.plus_s(cap_s));
        self.rule(
            cap.is_some_and(|cap| d.cap <= cap),
            "cap_too_late",
            "it lies beyond the entitlement's",
        );
        let alone = !self.is_exclusive(d) || self.active_on(d).next().is_none();
        self.rule(
            alone,
            "account_taken",
            "somebody else's grant on the account is active",
        );
        // Whoever said yes may take it back, and those too whose key has ended since.
        let approved = self.out.requests.get(&d.request_id);
        let approved = approved.map(|r| r.approvals.clone()).unwrap_or_default();
        let grant = Grant {
            reference: d.reference,
            request: d.request_id,
            incident: d.incident_id,
            account: d.account.id.clone(),
            holder: d.holder.person.clone(),
            approvers: self.people(&approved),
            extensions: Vec::new(),
            not_before: d.not_before,
            not_after: d.not_after,
            cap: d.cap,
            uses: d.uses,
            checkouts: 0,
            runs: 0,
            used: false,
            documented: false,
            ended: None,
        };
        let new = self.out.grants.insert(d.grant_id, grant).is_none();
        self.rule(new, "grant_twice", "a grant has this id already");
    }

    fn granted_as_asked(&mut self, d: &BreakGlassGranted) {
        let Some(asked) = self.asked.get(&d.request_id).cloned() else {
            return;
        };
        let fits = d.account == asked.account
            && d.action == asked.action
            && d.drill == asked.drill
            && d.holder == asked.requester
            && d.incident_id == asked.incident_id
            && d.justification == asked.justification
            && d.purpose == asked.purpose
            && d.uses == asked.uses
            && asked.extends.0.is_none();
        self.rule(
            fits,
            "grant_differs_from_request",
            "what was granted is not what was asked for",
        );
    }

    pub(super) fn extended(&mut self, entry: At<'_>, d: &BreakGlassExtended) {
        let seconds = self.consume(entry, d.request_id, &d.approvals);
        self.control_plane_of_request(d.request_id);
        let active = self.active(d.grant_id);
        let asked = self.asked.get(&d.request_id).cloned();
        let approved = self.out.requests.get(&d.request_id);
        let approved = approved.map(|r| r.approvals.clone()).unwrap_or_default();
        let people = self.people(&approved);
        let first = self.asked_with(d.grant_id).cloned();
        let (now, request) = (self.now, self.out.grants.get_mut(&d.grant_id).zip(asked));
        let Some((grant, asked)) = request else {
            self.rule(false, "grant_unknown", "there is no such grant or request");
            return;
        };
        let this = asked.extends.0 == Some(d.grant_id)
            && asked.requester.person == grant.holder
            && asked.account.id == grant.account
            && asked.incident_id == grant.incident
            && first.is_some_and(|first| asked.purpose == first.purpose)
            && d.incident_id == grant.incident;
        let latest = grant.not_after.max(now).plus_s(seconds.unwrap_or(0));
        let within = d.not_after <= latest.min(grant.cap);
        grant.extensions.push((d.request_id, grant.not_after));
        grant.not_after = d.not_after;
        grant.approvers.extend(people);
        self.rule(
            active,
            "grant_not_active",
            "only an active grant is extended",
        );
        self.rule(
            this,
            "extension_of_another_grant",
            "the request asks for something else",
        );
        self.rule(
            within,
            "grant_longer_than_signed",
            "it ends later than somebody signed for, or than its cap",
        );
    }

    /// A request is used up by its quorum: the shortest time that anybody signed for, in seconds.
    fn consume(&mut self, entry: At<'_>, request: RequestId, approvals: &[EventId]) -> Option<i64> {
        self.pending(request);
        let last = approvals.last().and_then(|id| self.approvals.get(id));
        let rests_on = last.is_some_and(|last| last.statement == entry.statement.0);
        self.same(&[("the last of the approvals", rests_on)]);
        let different: BTreeSet<&EventId> = approvals.iter().collect();
        self.repeats(&[("approvals", different.len() == approvals.len())]);
        let by = self.out.requests.get(&request).map(|r| r.approve_by);
        let in_time = by.is_some_and(|by| self.now <= by);
        self.rule(
            in_time,
            "granted_after_lapse",
            "the approvals came too late",
        );
        let incident = self.out.requests.get(&request).map(|r| r.incident);
        let open = incident.is_some_and(|incident| !self.is_resolved(incident));
        self.rule(
            open,
            "incident_not_open",
            "access is granted under an open incident",
        );
        let shortest = self.quorum(request, approvals, "grant_without_quorum");
        self.end_request(request, RequestState::Granted);
        let asked = self.asked.get(&request).map(|asked| asked.duration_s);
        shortest
            .zip(asked)
            .map(|(approved, asked)| approved.min(asked))
    }

    pub(super) fn accessed(&mut self, entry: At<'_>, d: &BreakGlassAccess) {
        let active = self.active(d.grant_id);
        self.rule(active, "access_outside_grant", "no grant was active");
        let Some(grant) = self.out.grants.get(&d.grant_id).cloned() else {
            return;
        };
        let fits = d.account.id == grant.account && d.incident_id == grant.incident;
        self.rule(
            fits,
            "access_to_another_account",
            "the grant is for another account or incident",
        );
        let current = self.out.accounts.get(&grant.account);
        let named = current.is_some_and(|account| account.version == d.version);
        self.rule(
            named,
            "access_to_another_version",
            "it was not the current credential of the account",
        );
        if d.disclosed || d.run_id.0.is_some() {
            let left = grant.uses == 0 || grant.checkouts + grant.runs < grant.uses;
            let detail = "all checkouts and runs were used up";
            self.rule(left, "uses_exceeded", detail);
        }
        if d.disclosed {
            self.disclosed(entry, d, &grant);
        } else if d.run_id.0.is_some() {
            self.used_by_run(entry, d);
        } else {
            self.used_to_plan(entry, d);
        }
        self.still_stands(&grant);
        self.repeats(&[
            ("account", self.is_account(d.grant_id, &d.account)),
            (
                "justification",
                self.is_justification(d.grant_id, &d.justification),
            ),
            ("envelope", d.envelope.0.is_some() == d.disclosed),
        ]);
        if let Some(grant) = self.out.grants.get_mut(&d.grant_id) {
            grant.used = true;
            grant.checkouts += i64::from(d.disclosed);
            grant.runs += i64::from(d.run_id.0.is_some());
        }
        self.used
            .insert((grant.incident, grant.account.clone()), self.index);
        self.out.accounts.entry(grant.account).or_default().used = true;
    }

    /// A person could see the credential: the holder asked for it, and was granted it.
    fn disclosed(&mut self, entry: At<'_>, d: &BreakGlassAccess, grant: &Grant) {
        if let Some(Statement::Checkout(checkout)) = entry.said {
            self.same(&[("grant", checkout.statement().grant == d.grant_id)]);
            let own = checkout.signer().person == grant.holder;
            self.rule(own, "access_by_another", "only the holder checks out");
        }
        let Some(asked) = self.asked_with(d.grant_id).cloned() else {
            return;
        };
        self.rule(
            asked.purpose.kind == PurposeKind::Credential,
            "credential_shown_for_action",
            "people approved an action, and not that anybody sees the credential",
        );
        self.repeats(&[
            ("action", d.action == asked.action),
            ("run_id", d.run_id.0.is_none()),
        ]);
    }

    /// Nobody saw it: a run under the grant used it, in the same breath in which it was ordered.
    fn used_by_run(&mut self, entry: At<'_>, d: &BreakGlassAccess) {
        let run = d.run_id.0.and_then(|run| self.runs.get(&run));
        let Some(run) = run.filter(|run| run.grant == d.grant_id) else {
            self.rule(
                false,
                "access_without_run",
                "no run under this grant used it",
            );
            return;
        };
        let (action, statement) = (run.action == d.action, run.statement == entry.statement.0);
        self.same(&[("run_id", statement)]);
        self.repeats(&[("action", action)]);
    }

    /// Whether it is the account that a grant is for, under the name that people signed.
    pub(super) fn is_account(&self, grant: GrantId, named: &AccountRef) -> bool {
        let asked = self.asked_with(grant);
        asked.is_none_or(|asked| asked.account == *named)
    }

    /// Whether these are the words that people signed for a grant.
    pub(super) fn is_justification(&self, grant: GrantId, stated: &Prose) -> bool {
        let asked = self.asked_with(grant);
        asked.is_none_or(|asked| asked.justification == *stated)
    }

    pub(super) fn ended(&mut self, entry: At<'_>, d: &BreakGlassEnded) {
        let grant = self.out.grants.get(&d.grant_id).cloned();
        let open = grant.as_ref().is_some_and(|grant| grant.ended.is_none());
        self.rule(open, "grant_not_active", "a grant ends once");
        let Some(grant) = grant else { return };
        let fits = d.account.id == grant.account
            && d.incident_id == grant.incident
            && d.due_at == grant.not_after
            && d.used == grant.used
            && d.documented == grant.documented;
        self.rule(
            fits,
            "end_differs_from_grant",
            "it says something else of the grant than the log",
        );
        self.repeats(&[("account", self.is_account(d.grant_id, &d.account))]);
        self.plausible(entry, d, &grant);
        if let Some(grant) = self.out.grants.get_mut(&d.grant_id) {
            grant.ended = Some(End {
                at: self.now,
                reason: d.reason,
            });
        }
        if d.used {
            self.called_for_again(&grant.account);
            let incidents = self.to_rotate.entry(grant.account.clone()).or_default();
            if !incidents.contains(&grant.incident) {
                incidents.push(grant.incident);
            }
        }
        self.causes
            .insert(entry.event_id, Cause::Rotation(grant.account));
        self.start(grant.incident, &d.clocks);
        self.starts_again(grant.incident, d);
    }

    /// The time for the resolution starts again when the last grant has ended, and only then.
    fn starts_again(&mut self, incident: IncidentId, d: &BreakGlassEnded) {
        let mut grants = self.out.grants.values();
        let last = !grants.any(|grant| grant.incident == incident && grant.ended.is_none());
        let expected = usize::from(last && d.reason != EndReason::Resolved);
        self.rule(
            d.clocks.len() >= expected,
            "clock_missing",
            "the last grant has ended, and the time for the resolution does not start again",
        );
        let resolution = |clock: &Clock| clock.obligation == Obligation::IncidentResolved;
        self.rule(
            d.clocks.len() <= expected && d.clocks.iter().all(resolution),
            "clock_wrong",
            "the time for the resolution starts again when the last grant has ended, and then once",
        );
    }

    /// Whether the reason for an end is one: the time, the holder, or somebody entitled to.
    fn plausible(&mut self, entry: At<'_>, d: &BreakGlassEnded, grant: &Grant) {
        let (command, object) = match d.reason {
            EndReason::Expired => {
                let over = grant.not_after <= entry.created_at || grant.not_after <= entry.wall;
                self.rule(over, "expired_early", "there was time left");
                self.repeats(&[("remark", d.remark.is_empty())]);
                return;
            }
            EndReason::Returned => ("return", d.grant_id.to_string()),
            EndReason::Revoked => ("revoke", d.grant_id.to_string()),
            EndReason::Resolved => ("resolve", grant.incident.to_string()),
            EndReason::Suspended => return self.ended_by_suspension(entry, d, grant),
            EndReason::Recovered => return self.ended_by_recovery(d),
        };
        let Some(act) = entry.act(command) else {
            return;
        };
        // Only who revokes gives a reason.
        let reason = if let Command::Revoke(args) = &act.statement().command {
            args.reason.as_str()
        } else {
            ""
        };
        self.same(&[
            ("object", act.statement().object.id.as_str() == object),
            ("remark", d.remark.as_str() == reason),
        ]);
        let (person, named) = (&act.signer().person, act.authority());
        let may = match d.reason {
            EndReason::Expired | EndReason::Suspended | EndReason::Recovered => true,
            EndReason::Returned => *person == grant.holder,
            EndReason::Revoked => {
                grant.approvers.contains(person)
                    || self
                        .out
                        .incidents
                        .get(&grant.incident)
                        .is_some_and(|i| i.commander == *person)
                    || self.may(person, named, Privilege::Revoke)
            }
            EndReason::Resolved => self.commands(grant.incident, person, named),
        };
        self.rule(may, "ended_by_stranger", "this person may not end it so");
    }

    /// Whether a grant is active now.
    pub(super) fn active(&self, id: GrantId) -> bool {
        self.out.grants.get(&id).is_some_and(|grant| {
            grant.ended.is_none() && grant.not_before <= self.now && self.now < grant.not_after
        })
    }

    fn active_on(&self, d: &BreakGlassGranted) -> impl Iterator<Item = &Grant> {
        let on = move |grant: &&Grant| grant.account == d.account.id && grant.ended.is_none();
        self.out.grants.values().filter(on)
    }

    fn is_exclusive(&self, d: &BreakGlassGranted) -> bool {
        let account = self
            .current()
            .and_then(|authority| authority.account(&d.account.id));
        account.is_none_or(|account| !account.shared)
    }

    /// The longest that grants of a request may last over all extensions, in seconds.
    fn entitlement_cap(&self, request: RequestId) -> Option<i64> {
        let asked = self.asked.get(&request)?;
        let caps = self.judges_of(request)?.map(|authority| {
            let named = authority
                .entitlements
                .iter()
                .find(|e| e.name == asked.entitlement);
            named.map(|e| e.absolute_cap_s)
        });
        caps.into_iter().flatten().min()
    }

    fn people(&self, approvals: &[EventId]) -> Vec<breakglass_format::PersonId> {
        let approvals = approvals.iter().filter_map(|id| self.approvals.get(id));
        approvals.map(|approval| approval.person.clone()).collect()
    }

    /// What must hold of grants at the end of the log.
    pub(super) fn close_grants(&mut self) {
        let mut findings = Vec::new();
        for grant in self
            .out
            .grants
            .values()
            .filter(|grant| grant.ended.is_none())
        {
            if self.is_resolved(grant.incident) {
                let detail = format!("{} is open, its incident is resolved", grant.reference);
                findings.push(Finding::tampered("grant_outlives_incident", detail));
            } else if grant.not_after < self.last {
                let detail = format!(
                    "{} should have ended at {}",
                    grant.reference, grant.not_after
                );
                findings.push(Finding::new(Level::Notice, "grant_end_missing", detail));
            }
        }
        self.findings.extend(findings);
    }
}
