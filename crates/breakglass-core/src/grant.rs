//! Grants: active from the last needed approval until they end, one way or another.

use breakglass_format::{
    EventId, GrantId, IncidentId, Name, PersonId, Prose, RequestId, Timestamp,
    act::{Because, Object, Record},
    entry::Recorded,
    event::{
        AccountRef, BreakGlassAccess, BreakGlassAction, BreakGlassEnded, BreakGlassExtended,
        BreakGlassGranted, Clock, Member, Reference,
    },
    statement::{Purpose, Signer},
    vocabulary::{ActionMode, EndReason, Obligation, Privilege, PurposeKind},
};
use breakglass_statement::VerifiedCheckout;
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft, Handout},
    decide::{Claims, Standing},
    incident::required,
    quorum::{self, Approval},
    refusal::{Code, Refusal},
    request::{Request, State},
    world::World,
};

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// What people type.
    pub reference: Reference,
    /// The incident.
    pub incident: IncidentId,
    /// The request it consumed.
    pub request: RequestId,
    /// The account.
    pub account: AccountRef,
    /// Who holds it.
    pub holder: Member,
    /// What it is for.
    pub purpose: Purpose,
    /// Why.
    pub justification: Prose,
    /// When it began.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// No extension reaches beyond this.
    pub cap: Timestamp,
    /// How many checkouts and runs together; 0 = any number.
    pub uses: i64,
    /// Checkouts so far.
    pub checkouts: i64,
    /// Runs ordered so far.
    pub runs: i64,
    /// Whether the credential was used under it, disclosed or not.
    pub used: bool,
    /// Whether any action was documented under it.
    pub documented: bool,
    /// How many actions: the reviewer judges each of them.
    pub actions: i64,
    /// The approvals it rests on.
    pub approvals: Vec<Approval>,
    /// What moved its end, in order.
    pub extensions: Vec<Extension>,
    /// How and when it ended; `None` while it is active.
    pub ended: Option<(EndReason, Timestamp)>,
}

/// An extension of a grant: from the end it moved, access rests on its quorum as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// The request it consumed.
    pub request: RequestId,
    /// The end that it moved.
    pub from: Timestamp,
    /// The approvals it rests on.
    pub approvals: Vec<Approval>,
}

impl Grant {
    /// Every quorum that access rests on at a time: the grant's own, and that of each extension
    /// whose time has begun. An approver of the extension who leaves before that takes nothing
    /// from the time that others signed.
    pub fn rests_on(&self, now: Timestamp) -> impl Iterator<Item = (RequestId, &[Approval])> {
        let begun = self.extensions.iter().filter(move |e| e.from <= now);
        let extensions = begun.map(|e| (e.request, e.approvals.as_slice()));
        [(self.request, self.approvals.as_slice())]
            .into_iter()
            .chain(extensions)
    }

    /// Whether it has not ended on record. Whether its time is over is [`Grant::is_over`].
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.not_after
    }

    /// Whether one more checkout or run is within what was approved.
    pub(crate) fn use_is_left(&self) -> Result<(), Refusal> {
        if self.uses > 0 && self.checkouts + self.runs >= self.uses {
            return Err(Code::UsesExhausted.with("uses", self.uses));
        }
        Ok(())
    }
}

impl World {
    /// The active grants under an incident, oldest first.
    pub(crate) fn active_under(&self, incident: &IncidentId) -> impl Iterator<Item = &Grant> {
        let ids = self.grants.orders().active_under.of(incident);
        self.grants.all(ids)
    }

    /// A grant that is active on record and whose time is not over: between the end of its time
    /// and the entry that says so, nothing is released either.
    pub(crate) fn active(&self, id: &GrantId, now: Timestamp) -> Result<&Grant, Refusal> {
        let grant = self
            .grant(id)
            .ok_or_else(|| Code::GrantUnknown.with("id", id))?;
        match grant.ended {
            Some((reason, at)) => Err(Code::GrantNotActive
                .with("grant", grant.reference)
                .and("ended", reason)
                .and("at", at)),
            None if grant.is_over(now) => {
                Err(Refusal::times(Code::GrantNotActive, grant.not_after, now))
            }
            None => Ok(grant),
        }
    }

    pub(crate) fn grant_of(&self, object: &Object) -> Result<&Grant, Refusal> {
        let id: Option<GrantId> = object.id.as_str().parse().ok();
        id.and_then(|id| self.grant(&id))
            .ok_or_else(|| Code::GrantUnknown.with("id", &object.id))
    }

    /// The holder's active grant, as runs and checkouts need it.
    pub(crate) fn held(
        &self,
        id: &GrantId,
        person: &PersonId,
        now: Timestamp,
    ) -> Result<&Grant, Refusal> {
        let grant = self.active(id, now)?;
        if grant.holder.person != *person {
            return Err(Code::NotHolder.with("holder", &grant.holder.principal));
        }
        Ok(grant)
    }

    /// Whether the approvals behind a grant still make a quorum under the authority in force, and
    /// its holder may still ask for the account.
    pub(crate) fn quorum_behind(&self, grant: &Grant, cx: &Context<'_>) -> Result<(), Refusal> {
        for (request, approvals) in grant.rests_on(cx.latest()) {
            let request = self.request(&request).ok_or(Code::QuorumGone)?;
            self.quorum_holds(grant, request, approvals, cx.now)?;
        }
        Ok(())
    }

    fn quorum_holds(
        &self,
        grant: &Grant,
        request: &Request,
        approvals: &[Approval],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let version = self.authority().ok_or(Code::StaleAuthority)?;
        let name = &request.entitlement;
        let entitlement = version
            .authority
            .entitlements
            .iter()
            .find(|e| e.name == *name);
        let entitlement = entitlement.ok_or(Code::QuorumGone)?;
        let holder = version.authority.person(&grant.holder.person);
        let entitled = entitlement.accounts.contains(&grant.account.id)
            && holder.is_some_and(|p| entitlement.requesters.iter().any(|g| p.in_group(g)));
        if !entitled {
            return Err(Code::NoEntitlement.with("account", &grant.account.name));
        }
        let stands_for =
            |person: &PersonId, group: &Name| self.stands_for(request, person, group, now);
        let counted = self.counting_approvals(version, approvals, now);
        quorum::still_holds(entitlement, &stands_for, &counted)?;
        // What the requester asked under is not lowered afterwards.
        let named = self.authority_version(request.authority_version);
        let named = named.and_then(|v| v.authority.entitlements.iter().find(|e| e.name == *name));
        let named = named.ok_or(Code::QuorumGone)?;
        quorum::still_holds(named, &stands_for, &counted)
    }

    pub(crate) fn decide_checkout(
        &self,
        checkout: &VerifiedCheckout,
        handout: Handout,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = checkout.statement();
        self.standing(&Claims::of(checkout), cx.now)?;
        let grant = self.held(&text.grant, &text.signer.person, cx.latest())?;
        if grant.purpose.kind == PurposeKind::Action {
            return Err(Code::PurposeIsAction.with("action", &grant.purpose.action));
        }
        grant.use_is_left()?;
        self.quorum_behind(grant, cx)?;
        let current = self.account(&grant.account.id).and_then(|a| a.current);
        let current =
            current.ok_or_else(|| Code::NoCredential.with("account", &grant.account.name))?;
        if current.version != handout.version {
            return Err(Code::CredentialMoved.with("version", current.version));
        }
        let author = Author::of(checkout);
        let event = BreakGlassAccess {
            account: grant.account.clone(),
            action: grant.purpose.action.clone(),
            disclosed: true,
            envelope: Some(handout.envelope).into(),
            grant_id: grant.id,
            incident_id: grant.incident,
            justification: grant.justification.clone(),
            run_id: None.into(),
            version: handout.version,
        };
        Ok(vec![cx.draft(&author, event)])
    }

    pub(crate) fn decide_record(
        &self,
        object: &Object,
        args: &Record,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let grant = self.grant_of(object)?;
        required("description", args.description.as_str())?;
        let event = BreakGlassAction {
            account: grant.account.clone(),
            action: args.action.clone(),
            artifact: breakglass_format::Line::default(),
            description: args.description.clone(),
            grant_id: grant.id,
            incident_id: grant.incident,
            justification: grant.justification.clone(),
            mode: ActionMode::Recorded,
            plan: None.into(),
            run_id: None.into(),
            target: args.target.clone(),
        };
        let action = cx.draft(author, event);
        let mut drafts = vec![action];
        drafts.extend(self.reopened_by(&drafts, author, &grant.incident, cx));
        Ok(drafts)
    }

    pub(crate) fn decide_return(
        &self,
        object: &Object,
        signer: &Signer,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let grant = self.held(&self.grant_of(object)?.id, &signer.person, cx.latest())?;
        Ok(vec![self.end_grant(
            grant,
            &[],
            EndReason::Returned,
            Prose::default(),
            author,
            cx,
        )])
    }

    /// Revocation only removes power, so one person is enough: an approver of the grant, the
    /// commander, or a holder of `revoke`.
    pub(crate) fn decide_revoke(
        &self,
        object: &Object,
        args: &Because,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let grant = self.active(&self.grant_of(object)?.id, cx.latest())?;
        required("reason", args.reason.as_str())?;
        let person = &standing.person.person;
        let approved = self.approved(grant, person);
        let commands = self
            .incident(&grant.incident)
            .is_some_and(|i| i.commander.person == *person);
        if !approved && !commands {
            standing.require(Privilege::Revoke)?;
        }
        Ok(vec![self.end_grant(
            grant,
            &[],
            EndReason::Revoked,
            args.reason.clone(),
            author,
            cx,
        )])
    }

    /// Whether somebody approved a grant or an extension of it.
    fn approved(&self, grant: &Grant, person: &PersonId) -> bool {
        let extensions = grant.extensions.iter().map(|e| e.request);
        let behind = std::iter::once(grant.request).chain(extensions);
        let behind = behind.filter_map(|id| self.request(&id));
        let mut approvals = behind.flat_map(|r| &r.approvals);
        approvals.any(|a| a.approver.person == *person)
    }

    pub(crate) fn expire_grants(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let due = self.grants.orders().ends.until(cx.latest());
        let due: Vec<&Grant> = self.grants.all(due.into_iter()).collect();
        let author = Author::System("engine");
        let mut drafts = Vec::new();
        for (before, grant) in due.iter().enumerate() {
            let gone = due.get(..before).unwrap_or_default();
            let reason = EndReason::Expired;
            drafts.push(self.end_grant(grant, gone, reason, Prose::default(), &author, cx));
        }
        drafts
    }

    /// The end of a grant. Where it is the incident's last one, the clock for resolving starts;
    /// `gone` are the grants that end before it in the same breath.
    pub(crate) fn end_grant(
        &self,
        grant: &Grant,
        gone: &[&Grant],
        reason: EndReason,
        remark: Prose,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Draft {
        let ended = |g: &Grant| g.id == grant.id || gone.iter().any(|other| other.id == g.id);
        let last = self.active_under(&grant.incident).all(ended);
        let mut clocks = Vec::new();
        let length_s = self.authority().map(|v| v.authority.clocks.resolve_s);
        if let (true, Some(length_s), Some(incident)) = (
            last && reason != EndReason::Resolved,
            length_s,
            self.incident(&grant.incident),
        ) {
            clocks.push(Clock {
                due_at: cx.now.plus_s(length_s),
                length_s,
                obligation: Obligation::IncidentResolved,
                owner: incident.commander.person.clone(),
                subject: breakglass_format::Line::default(),
            });
        }
        let event = BreakGlassEnded {
            account: grant.account.clone(),
            clocks,
            documented: grant.documented,
            due_at: grant.not_after,
            grant_id: grant.id,
            incident_id: grant.incident,
            reason,
            remark,
            used: grant.used,
        };
        cx.draft(author, event)
    }

    pub(crate) fn apply_granted(&mut self, d: &BreakGlassGranted, _recorded: &Recorded) {
        self.numbers.grant = self.numbers.grant.max(d.reference.number());
        let approvals = self.approvals_named(&d.request_id, &d.approvals);
        self.close_request(d.request_id, State::Granted(d.grant_id));
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.active += 1;
        }
        self.grants.insert_mut(
            d.grant_id,
            Grant {
                id: d.grant_id,
                reference: d.reference,
                incident: d.incident_id,
                request: d.request_id,
                account: d.account.clone(),
                holder: d.holder.clone(),
                purpose: d.purpose.clone(),
                justification: d.justification.clone(),
                not_before: d.not_before,
                not_after: d.not_after,
                cap: d.cap,
                uses: d.uses,
                checkouts: 0,
                runs: 0,
                used: false,
                documented: false,
                actions: 0,
                approvals,
                extensions: Vec::new(),
                ended: None,
            },
        );
    }

    pub(crate) fn apply_extended(&mut self, d: &BreakGlassExtended) {
        let approvals = self.approvals_named(&d.request_id, &d.approvals);
        self.close_request(d.request_id, State::Granted(d.grant_id));
        if let Some(mut grant) = self.grants.get_mut(&d.grant_id) {
            let extension = Extension {
                request: d.request_id,
                from: grant.not_after,
                approvals,
            };
            grant.extensions.push(extension);
            grant.not_after = d.not_after;
        }
    }

    /// Those approvals of a request that a grant or an extension says it rests on.
    fn approvals_named(&self, request: &RequestId, named: &[EventId]) -> Vec<Approval> {
        let all = self.request(request).map(|r| r.approvals.iter());
        let all = all.into_iter().flatten();
        all.filter(|a| named.contains(&a.event)).cloned().collect()
    }

    pub(crate) fn apply_access(&mut self, d: &BreakGlassAccess, recorded: &Recorded) {
        if let Some(mut grant) = self.grants.get_mut(&d.grant_id) {
            grant.used = true;
            grant.checkouts += i64::from(d.disclosed);
            grant.runs += i64::from(d.run_id.0.is_some());
        }
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.used.insert_mut(d.account.id.clone(), None);
        }
        if d.disclosed {
            self.apply_disclosed(d, recorded.entry.created_at);
        }
        self.apply_planning(d, recorded);
        self.apply_run_access(d);
    }

    pub(crate) fn apply_ended(&mut self, d: &BreakGlassEnded, recorded: &Recorded) {
        let mut ended = 0;
        if let Some(mut grant) = self.grants.get_mut(&d.grant_id) {
            ended = i64::from(grant.is_active());
            grant.ended = Some((d.reason, recorded.entry.created_at));
        }
        self.cancel_runs_of(d.grant_id);
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.active -= ended;
            incident.clocks.extend(d.clocks.iter().cloned());
        }
        if d.used {
            self.call_for_rotation(&d.account.id, recorded, Some(d.incident_id));
        }
    }
}
