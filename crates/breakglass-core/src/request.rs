//! Requests: asked, approved, denied, lapsed, withdrawn. A request never changes; a changed wish
//! is a new request.

use breakglass_format::{
    Digest, GrantId, IncidentId, Line, Name, PersonId, RequestId, Timestamp,
    act::Object,
    authority::Entitlement,
    entry::Recorded,
    event::{
        AccountRef, BreakGlassApproved, BreakGlassDenied, BreakGlassLapsed, BreakGlassRequested,
        BreakGlassWithdrawn, Member, Reference,
    },
    statement::{self, Purpose, Signer},
    vocabulary::{Origin, PurposeKind},
};
use breakglass_statement::VerifiedRequest;
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft},
    decide::{Claims, Standing},
    incident::required,
    quorum::Approval,
    refusal::{Code, Refusal},
    terms::{Terms, terms},
    world::World,
};

/// Requests of one person that may wait at a time.
const PENDING_MAX: usize = 16;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id: the event that recorded it.
    pub id: RequestId,
    /// What people type.
    pub reference: Reference,
    /// The incident.
    pub incident: IncidentId,
    /// The account.
    pub account: AccountRef,
    /// Under which entitlement.
    pub entitlement: Name,
    /// Who asks.
    pub requester: Member,
    /// SHA-256 of the request statement.
    pub statement: Digest,
    /// SHA-256 of its armoured signature.
    pub signature: Digest,
    /// Its leaf, which approvals must include in what they saw.
    pub index: u64,
    /// When it was made.
    pub at: Timestamp,
    /// When it lapses.
    pub approve_by: Timestamp,
    /// How long access was asked for, in seconds.
    pub duration_s: i64,
    /// The authority it was made under.
    pub authority_version: i64,
    /// The event data, which a grant repeats.
    pub asked: BreakGlassRequested,
    /// Approvals so far.
    pub approvals: Vec<Approval>,
    /// Who said no to it; more than one where a no ended nothing.
    pub denied_by: Vec<PersonId>,
    /// Where it stands.
    pub state: State,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Waiting for approvals.
    Pending,
    /// Consumed by a grant.
    Granted(GrantId),
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Lapsed,
    /// Taken back.
    Withdrawn,
    /// A newer authority or the incident's end made it void.
    Voided,
}

impl State {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted(_) => "granted",
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
            Self::Voided => "void",
        }
    }
}

impl Request {
    /// Whether it waits for approvals.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    /// How long a grant of it would last: the shortest that anybody signed, in seconds.
    #[must_use]
    pub fn agreed_s(&self) -> i64 {
        self.approvals
            .iter()
            .map(|a| a.duration_s)
            .fold(self.duration_s, i64::min)
    }
}

impl World {
    pub(crate) fn pending_request(
        &self,
        id: &RequestId,
        now: Timestamp,
    ) -> Result<&Request, Refusal> {
        let request = self
            .request(id)
            .ok_or_else(|| Code::RequestUnknown.with("id", id))?;
        if !request.is_pending() {
            return Err(Code::RequestNotPending
                .with("request", request.reference)
                .and("state", request.state.word()));
        }
        if now >= request.approve_by {
            return Err(Refusal::times(
                Code::RequestNotPending,
                request.approve_by,
                now,
            ));
        }
        Ok(request)
    }

    /// The pending request with this statement.
    #[must_use]
    pub fn request_by_statement(&self, statement: &Digest) -> Option<&Request> {
        let id = self.requests.orders().statements.get(statement)?;
        self.request(id)
    }

    pub(crate) fn decide_request(
        &self,
        request: &VerifiedRequest,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = request.statement();
        let signer = request.signer();
        let standing = self.standing(&Claims::of(request), cx.now)?;
        // Approvals will be judged under the authority that the request names; it must be the one
        // whose terms it states.
        let current = standing.version.authority.version;
        if text.authority.version != current {
            return Err(Code::StaleAuthority.with("current", current));
        }
        let terms = terms(self, &signer.person, &text.account.id, &text.incident.id)?;
        check_bindings(text, &terms)?;
        let drill = self.incident(&text.incident.id).is_some_and(|i| i.drill);
        if text.drill != drill {
            return Err(Code::BindingMismatch.with("field", "drill"));
        }
        terms.check_warnings(&text.warnings, cx.now)?;
        let incident = self.open_incident(&text.incident.id)?;
        self.check_stated_probe(incident, &text.control_plane, cx.now)?;
        check_wish(text, &terms.entitlement, &standing, cx.now)?;
        if text.extends.0.is_some() {
            self.check_extension(text, &terms.entitlement, cx.latest())?;
        } else {
            self.check_free(&text.account.id, &standing)?;
        }
        self.check_pending(signer)?;
        let author = Author::of(request);
        let event = self.requested(text, &terms.entitlement, &standing);
        Ok(vec![cx.draft(&author, event)])
    }

    fn requested(
        &self,
        text: &statement::Request,
        entitlement: &Entitlement,
        standing: &Standing<'_>,
    ) -> BreakGlassRequested {
        BreakGlassRequested {
            account: AccountRef {
                id: text.account.id.clone(),
                name: text.account.name.clone(),
            },
            action: text.purpose.action.clone(),
            approve_by: text.approve_by,
            authority_version: standing.version.authority.version,
            control_plane: text.control_plane.clone(),
            drill: text.drill,
            duration_s: text.duration_s,
            entitlement: entitlement.name.clone(),
            extends: text.extends,
            incident_id: text.incident.id,
            justification: text.justification.clone(),
            needs: entitlement.approvals,
            origin: text.origin,
            purpose: text.purpose.clone(),
            reference: Reference::Request(self.numbers.request + 1),
            requester: Member {
                person: text.requester.person.clone(),
                principal: text.requester.principal.clone(),
            },
            uses: text.uses,
            warnings: text.warnings.clone(),
        }
    }

    /// An exclusive account has one active grant at a time.
    pub(crate) fn check_free(
        &self,
        account: &breakglass_format::AccountId,
        standing: &Standing<'_>,
    ) -> Result<(), Refusal> {
        let shared = standing
            .version
            .authority
            .account(account)
            .is_some_and(|a| a.shared);
        match self.active_grant(account) {
            Some(grant) if !shared => Err(Code::AccountBusy
                .with("grant", grant.reference)
                .and("holder", &grant.holder.principal)
                .and("until", grant.not_after)),
            _ => Ok(()),
        }
    }

    /// Nobody floods the approvers, nor makes the end of an incident one act with thousands of
    /// consequences.
    fn check_pending(&self, signer: &Signer) -> Result<(), Refusal> {
        let waiting = &self.requests.orders().waiting_of;
        let pending = waiting.count(&signer.person);
        if pending < PENDING_MAX {
            Ok(())
        } else {
            Err(Code::TooManyPending.with("pending", pending))
        }
    }

    fn check_extension(
        &self,
        text: &statement::Request,
        entitlement: &Entitlement,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(id) = text.extends.0 else {
            return Ok(());
        };
        let grant = self.active(&id, now)?;
        if grant.holder.person != text.requester.person {
            return Err(Code::NotHolder.with("holder", &grant.holder.principal));
        }
        let same = grant.account.id == text.account.id
            && grant.incident == text.incident.id
            && grant.purpose == text.purpose;
        if !same {
            return Err(Code::NotExtendable.with("grant", grant.reference));
        }
        let end = grant.not_after.plus_s(text.duration_s);
        let cap = grant
            .cap
            .min(grant.not_before.plus_s(entitlement.absolute_cap_s));
        if end > cap {
            return Err(Code::NotExtendable.with("end", end).and("cap", cap));
        }
        Ok(())
    }

    pub(crate) fn decide_withdraw(
        &self,
        object: &Object,
        signer: &Signer,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let id: Option<RequestId> = object.id.as_str().parse().ok();
        let id = id.ok_or_else(|| Code::RequestUnknown.with("id", &object.id))?;
        let request = self.pending_request(&id, cx.now)?;
        if request.requester.person != signer.person {
            return Err(Code::NotRequester.with("requester", &request.requester.principal));
        }
        let event = BreakGlassWithdrawn {
            incident_id: request.incident,
            request_id: request.id,
        };
        Ok(vec![cx.draft(author, event)])
    }

    pub(crate) fn lapse_requests(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let due = self.requests.orders().lapses.until(cx.now);
        self.requests
            .all(due.into_iter())
            .map(|r| {
                let event = BreakGlassLapsed {
                    incident_id: r.incident,
                    request_id: r.id,
                };
                cx.draft(&Author::System("engine"), event)
            })
            .collect()
    }

    pub(crate) fn apply_requested(&mut self, d: &BreakGlassRequested, recorded: &Recorded) {
        self.numbers.request = self.numbers.request.max(d.reference.number());
        let entry = &recorded.entry;
        let request = Request {
            id: entry.event_id,
            reference: d.reference,
            incident: d.incident_id,
            account: d.account.clone(),
            entitlement: d.entitlement.clone(),
            requester: d.requester.clone(),
            statement: entry.statement.0.unwrap_or(recorded.leaf),
            signature: entry.signature.0.unwrap_or(recorded.leaf),
            index: recorded.index,
            at: entry.created_at,
            approve_by: d.approve_by,
            duration_s: d.duration_s,
            authority_version: d.authority_version,
            asked: d.clone(),
            approvals: Vec::new(),
            denied_by: Vec::new(),
            state: State::Pending,
        };
        self.requests.insert_mut(entry.event_id, request);
        self.takes_part(&d.incident_id, &d.requester.person);
    }

    pub(crate) fn apply_approved(&mut self, d: &BreakGlassApproved, recorded: &Recorded) {
        let entry = &recorded.entry;
        self.takes_part(&d.incident_id, &d.approver.person);
        self.key_works(&d.approver.person, &d.key, entry.created_at);
        if let Some(mut request) = self.requests.get_mut(&d.request_id) {
            request.approvals.push(Approval {
                event: entry.event_id,
                approver: d.approver.clone(),
                key: d.key.clone(),
                statement: entry.statement.0.unwrap_or(recorded.leaf),
                signature: entry.signature.0.unwrap_or(recorded.leaf),
                duration_s: d.duration_s,
                presence: d.presence,
                browser: d.browser,
            });
        }
    }

    pub(crate) fn apply_denied(&mut self, d: &BreakGlassDenied, at: Timestamp) {
        let Some(mut request) = self.requests.get_mut(&d.request_id) else {
            return;
        };
        request.denied_by.push(d.approver.person.clone());
        if d.ends {
            request.state = State::Denied;
        }
        let account = request.account.id.clone();
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident
                .denials
                .push((d.approver.person.clone(), account, at));
        }
    }

    pub(crate) fn apply_lapsed(&mut self, id: RequestId) {
        self.close_request(id, State::Lapsed);
    }

    pub(crate) fn apply_withdrawn(&mut self, id: RequestId) {
        self.close_request(id, State::Withdrawn);
    }

    pub(crate) fn apply_voided(&mut self, id: RequestId) {
        self.close_request(id, State::Voided);
    }

    pub(crate) fn close_request(&mut self, id: RequestId, state: State) {
        if let Some(mut request) = self.requests.get_mut(&id) {
            request.state = state;
        }
    }
}

/// Everything in the request that repeats the log or the authority must repeat it exactly.
fn check_bindings(text: &statement::Request, terms: &Terms) -> Result<(), Refusal> {
    let differs = |what: &'static str| Err(Code::BindingMismatch.with("field", what));
    if text.account != terms.account {
        return differs("account");
    }
    if text.incident != terms.incident {
        return differs("incident");
    }
    if text.on_server_loss != terms.on_server_loss {
        return differs("on_server_loss");
    }
    if text.recording.as_str() != "none" {
        return differs("recording");
    }
    if text.origin != Origin::Online {
        return differs("origin");
    }
    Ok(())
}

/// What is wished for lies within the entitlement and the scenario.
fn check_wish(
    text: &statement::Request,
    entitlement: &Entitlement,
    standing: &Standing<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    required("justification", text.justification.as_str())?;
    if text.duration_s > entitlement.max_duration_s {
        let limit = entitlement.max_duration_s;
        return Err(Refusal::durations(
            Code::DurationTooLong,
            text.duration_s,
            limit,
        ));
    }
    if text.duration_s < 60 {
        return Err(Refusal::durations(
            Code::DurationTooShort,
            text.duration_s,
            60,
        ));
    }
    let window = text.approve_by.since_ms(text.issued_at);
    if window > entitlement.approve_within_s * 1000 || text.approve_by <= now {
        return Err(Refusal::times(
            Code::ApproveByOutOfRange,
            text.approve_by,
            now,
        ));
    }
    if text.uses < 0 {
        return Err(Code::BindingMismatch.with("field", "uses"));
    }
    check_purpose(&text.purpose, &text.incident.scenario, standing)
}

fn check_purpose(
    purpose: &Purpose,
    scenario: &Name,
    standing: &Standing<'_>,
) -> Result<(), Refusal> {
    let actions = standing
        .version
        .authority
        .scenario(scenario)
        .map(|s| s.actions.as_slice());
    match purpose.kind {
        PurposeKind::Credential => {
            let plain = purpose.action.as_str() == "credential_access"
                && purpose.target == Line::default()
                && purpose.artifact == Line::default()
                && purpose.plan.0.is_none();
            if plain {
                Ok(())
            } else {
                Err(Code::ActionNotPermitted.with("action", &purpose.action))
            }
        }
        PurposeKind::Action => {
            required("target", purpose.target.as_str())?;
            if actions.unwrap_or_default().contains(&purpose.action) {
                Ok(())
            } else {
                Err(Code::ActionNotPermitted.with("action", &purpose.action))
            }
        }
    }
}
