//! Answers to requests: approvals and denials, and what the last needed approval grants.

use breakglass_format::{
    GrantId, Name, PersonId, Timestamp,
    authority::Entitlement,
    event::{
        BreakGlassApproved, BreakGlassDenied, BreakGlassExtended, BreakGlassGranted, Member,
        Reference,
    },
    statement::{self, LogHead, Signer},
};
use breakglass_statement::{VerifiedApproval, VerifiedDenial};

use crate::{
    command::{Author, Context, Draft},
    decide::{Claims, Standing},
    quorum::{self, Approval},
    refusal::{Code, Refusal},
    request::Request,
    world::World,
};

impl World {
    pub(crate) fn decide_approval(
        &self,
        approval: &VerifiedApproval,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = approval.statement();
        let standing = self.standing(&Claims::of(approval), cx.now)?;
        let request = self
            .request_by_statement(&approval.request_digest())
            .ok_or_else(|| self.unknown_or_differs(&text.request))?;
        let request = self.pending_request(&request.id, cx.now)?;
        let entitlement = self.may_answer(request, &standing, &text.approver, cx.now)?;
        saw(&text.log, request)?;
        if request
            .approvals
            .iter()
            .any(|a| a.approver.person == text.approver.person)
        {
            return Err(Code::AlreadyApproved.with("person", &text.approver.principal));
        }
        let new = Approval {
            event: cx.event_id(),
            approver: member(&text.approver),
            key: text.approver.key.clone(),
            statement: approval.digest(),
            signature: approval.signature_digest(),
            duration_s: text.duration_s,
            presence: approval.presence(),
            browser: approval.browser(),
        };
        let authority = &standing.version.authority;
        let now = cx.now;
        let stands_for =
            |person: &PersonId, group: &Name| self.stands_for(request, person, group, now);
        let so_far = self.counting_approvals(standing.version, &request.approvals, cx.now);
        let missing = quorum::judge(entitlement, authority, &stands_for, &so_far, &new)?;
        let author = Author::of(approval);
        let event = BreakGlassApproved {
            approver: new.approver.clone(),
            authority_version: standing.version.authority.version,
            browser: new.browser,
            duration_s: new.duration_s,
            incident_id: request.incident,
            key: new.key.clone(),
            missing,
            presence: new.presence,
            request_id: request.id,
        };
        let mut drafts = vec![Draft {
            id: new.event,
            event: event.into(),
            author: author.clone(),
        }];
        if missing == 0 {
            let incident = self.open_incident(&request.incident)?;
            let attested = &request.asked.control_plane.attested;
            self.check_control_plane(incident, attested, cx.now)?;
            let mut complete = request.clone();
            complete.approvals = so_far;
            complete.approvals.push(new);
            drafts.push(self.grant_or_extend(&complete, entitlement, &standing, &author, cx)?);
        }
        Ok(drafts)
    }

    fn unknown_or_differs(&self, stated: &statement::Request) -> Refusal {
        let alike = |r: &&Request| {
            r.incident == stated.incident.id
                && r.account.id == stated.account.id
                && r.requester.person == stated.requester.person
        };
        match self.requests.values().rfind(alike) {
            Some(request) => Code::RequestDiffers.with("request", request.reference),
            None => Code::RequestUnknown.with("account", &stated.account.name),
        }
    }

    /// Whether this person may approve or deny a request now: named by the entitlement, not the
    /// requester, and neither key nor membership too young.
    fn may_answer<'a>(
        &self,
        request: &Request,
        standing: &Standing<'a>,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<&'a Entitlement, Refusal> {
        let authority = &standing.version.authority;
        if request.requester.person == signer.person {
            return Err(Code::OwnRequest.with("request", request.reference));
        }
        let entitlement = authority
            .entitlements
            .iter()
            .find(|e| e.name == request.entitlement);
        let entitlement = entitlement.ok_or(Code::StaleAuthority)?;
        let mut groups = entitlement
            .approvers
            .iter()
            .filter(|g| standing.person.in_group(g) && standing.named.in_group(g))
            .peekable();
        if groups.peek().is_none() {
            return Err(Code::NotAnApprover.with("request", request.reference));
        }
        if !self.is_settled(&signer.person, &signer.key, now) {
            return Err(Code::TooYoung.with("what", "key"));
        }
        if !groups.any(|group| self.stands_for(request, &signer.person, group, now)) {
            return Err(Code::TooYoung.with("what", "membership"));
        }
        Ok(entitlement)
    }

    /// Whether a person's approval of a request counts as one of this group: a member under the
    /// authority that the request names and the one in force, and for long enough.
    pub(crate) fn stands_for(
        &self,
        request: &Request,
        person: &PersonId,
        group: &Name,
        now: Timestamp,
    ) -> bool {
        let versions = [
            self.authority_version(request.authority_version),
            self.authority(),
        ];
        let member = versions.into_iter().all(|version| {
            let person = version.and_then(|v| v.authority.person(person));
            person.is_some_and(|p| p.in_group(group))
        });
        let since = self.members_since.get(&(person.clone(), group.clone()));
        member && since.is_some_and(|since| since.is_settled(now))
    }

    fn grant_or_extend(
        &self,
        request: &Request,
        entitlement: &Entitlement,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Draft, Refusal> {
        let approvals = request.approvals.iter().map(|a| a.event).collect();
        if let Some(id) = request.asked.extends.0 {
            let grant = self.active(&id, cx.latest())?;
            let event = BreakGlassExtended {
                approvals,
                grant_id: grant.id,
                incident_id: grant.incident,
                not_after: grant.not_after.plus_s(request.agreed_s()).min(grant.cap),
                request_id: request.id,
            };
            return Ok(cx.draft(author, event));
        }
        self.check_free(&request.account.id, standing)?;
        let event = BreakGlassGranted {
            account: request.account.clone(),
            action: request.asked.action.clone(),
            approvals,
            authority_version: standing.version.authority.version,
            cap: cx.now.plus_s(entitlement.absolute_cap_s),
            drill: request.asked.drill,
            grant_id: GrantId::new(cx.now, (cx.random)()),
            holder: request.requester.clone(),
            incident_id: request.incident,
            justification: request.asked.justification.clone(),
            not_after: cx.now.plus_s(request.agreed_s()),
            not_before: cx.now,
            purpose: request.asked.purpose.clone(),
            reference: Reference::Grant(self.numbers.grant + 1),
            request_id: request.id,
            uses: request.asked.uses,
        };
        Ok(cx.draft(author, event))
    }

    pub(crate) fn decide_denial(
        &self,
        denial: &VerifiedDenial,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = denial.statement();
        let standing = self.standing(&Claims::of(denial), cx.now)?;
        let request = self
            .request_by_statement(&denial.request_digest())
            .ok_or_else(|| self.unknown_or_differs(&text.request))?;
        let request = self.pending_request(&request.id, cx.now)?;
        self.may_answer(request, &standing, &text.approver, cx.now)?;
        saw(&text.log, request)?;
        if request.denied_by.contains(&text.approver.person) {
            return Err(Code::AlreadyDenied.with("person", &text.approver.principal));
        }
        let before = self.incident(&request.incident).is_some_and(|incident| {
            let same = |(person, account, _): &(PersonId, _, _)| {
                *person == text.approver.person && *account == request.account.id
            };
            incident.denials.iter().any(same)
        });
        let author = Author::of(denial);
        let event = BreakGlassDenied {
            approver: member(&text.approver),
            ends: !before,
            incident_id: request.incident,
            reason: text.reason.clone(),
            request_id: request.id,
        };
        Ok(vec![cx.draft(&author, event)])
    }
}

fn member(signer: &Signer) -> Member {
    Member {
        person: signer.person.clone(),
        principal: signer.principal.clone(),
    }
}

/// Who answers has seen the request in the log: the head they name includes it.
fn saw(log: &LogHead, request: &Request) -> Result<(), Refusal> {
    let size = u64::try_from(log.size).unwrap_or(0);
    if size > request.index {
        Ok(())
    } else {
        Err(Code::RequestNotSeen
            .with("saw", size)
            .and("index", request.index))
    }
}
