//! The steps of an emergency, each a statement and the entries it causes. Every step takes a
//! closure with which a test makes it wrong.

use breakglass_format::{
    Digest, Entry, Event, EventId, GrantId, IncidentId, Nonce, RequestId,
    act::{Act, Command, NoArgs, Object},
    canonical,
    event::{
        BreakGlassAccess, BreakGlassApproved, BreakGlassEnded, BreakGlassGranted,
        BreakGlassRequested, Clock, ControlPlaneProbed, IncidentDeclared, IncidentResolved,
        Reference,
    },
    statement::{
        Approval, Checkout, ControlPlane, Kem, Kind, Purpose, Request, RequestAccount,
        RequestIncident, Requester,
    },
    vocabulary::{EndReason, Obligation, Occasion, Origin, PurposeKind, Severity, Verdict},
};

use crate::{
    people::{account, account_entry, member, person, principal, read, signer},
    scribe::{Said, Scribe, none, sha256},
};

pub(crate) const HOUR: i64 = 3_600;

/// A request on record.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) request: Request,
}

impl Scribe {
    pub(crate) fn nonce(&mut self) -> Nonce {
        let mut nonce = [7; 32];
        nonce[..10].copy_from_slice(&self.random());
        Nonce::from_bytes(nonce)
    }

    /// Somebody signs an act.
    pub(crate) fn act(&mut self, key: &str, object: impl ToString, command: Command) -> Said {
        self.act_with(key, object, command, |_| {})
    }

    pub(crate) fn act_with(
        &mut self,
        key: &str,
        object: impl ToString,
        command: Command,
        change: impl FnOnce(&mut Act),
    ) -> Said {
        self.wait(1);
        let mut act = Act {
            kind: Kind::Act,
            authority: self.authority.clone(),
            command,
            documents: Vec::new(),
            instance: self.genesis,
            issued_at: self.now,
            nonce: self.nonce(),
            object: Object {
                head: none(),
                id: read(&object.to_string()),
            },
            session: none(),
            signer: signer(key),
        };
        change(&mut act);
        self.said(key, &act)
    }

    pub(crate) fn declare(&mut self, by: &str) -> IncidentId {
        self.declare_a(by, "production-outage")
    }

    /// An incident of a scenario.
    pub(crate) fn declare_a(&mut self, by: &str, scenario: &str) -> IncidentId {
        let args = breakglass_format::act::Declare {
            commander: principal(by),
            cves: Vec::new(),
            drill: false,
            justification: read("Checkout fails for every customer."),
            scenario: read(scenario),
            service: read("checkout"),
            severity: Severity::Sev1,
            threat: read(""),
            title: read("checkout answers 500"),
        };
        let count = self.count(|event| matches!(event, Event::IncidentDeclared(_)));
        let said = self.act(by, "", Command::Declare(args.clone()));
        let incident_id = IncidentId::new(self.now, self.random());
        let clocks = vec![self.clock(Obligation::IncidentResolved, "", 24 * HOUR)];
        let declared = IncidentDeclared {
            authority_version: self.authority.version,
            clocks,
            commander: member(by),
            cves: args.cves,
            drill: false,
            incident_id,
            justification: args.justification,
            reference: Reference::Incident(u64::try_from(count + 1).unwrap()),
            scenario: args.scenario,
            service: args.service,
            severity: args.severity,
            threat: args.threat,
            title: args.title,
        };
        self.caused(&said, declared);
        let leaf = breakglass_tlog::leaf_hash(self.entries.last().unwrap());
        self.declared = Some(Digest::from_bytes(*leaf.as_bytes()));
        incident_id
    }

    /// What the server says that its probes say.
    pub(crate) fn probed(&mut self, incident: IncidentId, verdict: Verdict) -> EventId {
        self.server(probe(incident, Occasion::Declaration, verdict))
    }

    /// The same, because somebody asked.
    pub(crate) fn probed_for(&mut self, by: &str, incident: IncidentId) -> EventId {
        let said = self.act(by, incident, Command::Probe(NoArgs {}));
        self.caused(&said, probe(incident, Occasion::Asked, Verdict::Down))
    }

    /// The version of the credential that is current, where every version came to be.
    pub(crate) fn version(&self) -> i64 {
        self.count(|event| {
            matches!(
                event,
                Event::CredentialAdded(_) | Event::CredentialRotated(_)
            )
        })
    }

    /// How many entries so far are such events.
    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> i64 {
        let events = self.entries.iter().map(|bytes| Entry::from_bytes(bytes));
        let such = events.filter(|entry| is(&entry.as_ref().unwrap().event));
        i64::try_from(such.count()).unwrap()
    }

    pub(crate) fn clock(&self, obligation: Obligation, subject: &str, length_s: i64) -> Clock {
        let due_at = self.now.plus_s(length_s);
        Clock {
            due_at,
            length_s,
            obligation,
            owner: person("alice"),
            subject: read(subject),
        }
    }

    pub(crate) fn wish(&mut self, by: &str, incident: IncidentId) -> Request {
        self.wait(1);
        let account = account();
        let entry = account_entry();
        Request {
            kind: Kind::Request,
            account: RequestAccount {
                binding: sha256(&canonical::to_bytes(&entry).unwrap()),
                custody: entry.custody,
                id: account.id,
                name: account.name,
            },
            approve_by: self.now.plus_s(HOUR),
            authority: self.authority.clone(),
            control_plane: ControlPlane::default(),
            drill: false,
            duration_s: 4 * HOUR,
            extends: none(),
            incident: RequestIncident {
                event: self.declared.unwrap(),
                id: incident,
                scenario: read("production-outage"),
                severity: Severity::Sev1,
            },
            instance: self.genesis,
            issued_at: self.now,
            justification: read("The release of 09:40 is to blame."),
            log: self.head(),
            nonce: self.nonce(),
            on_server_loss: entry.on_server_loss,
            origin: Origin::Online,
            purpose: Purpose {
                action: read("credential_access"),
                artifact: read(""),
                kind: PurposeKind::Credential,
                plan: none(),
                target: read("prod database"),
            },
            recording: read("none"),
            requester: Requester {
                kem: kem(),
                key: signer(by).key,
                person: person(by),
                principal: principal(by),
            },
            uses: 0,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn request(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut Request),
    ) -> Asked {
        let mut request = self.wish(by, incident);
        change(&mut request);
        let said = self.said(by, &request);
        let id = self.requested(&said, &request, |_| {});
        Asked { id, request }
    }

    pub(crate) fn requested(
        &mut self,
        said: &Said,
        request: &Request,
        change: impl FnOnce(&mut BreakGlassRequested),
    ) -> EventId {
        let count = self.count(|event| matches!(event, Event::BreakGlassRequested(_)));
        let mut requested = BreakGlassRequested {
            account: account(),
            action: request.purpose.action.clone(),
            approve_by: request.approve_by,
            control_plane: request.control_plane.clone(),
            authority_version: self.authority.version,
            drill: request.drill,
            duration_s: request.duration_s,
            entitlement: read("prod-db"),
            extends: request.extends,
            incident_id: request.incident.id,
            justification: request.justification.clone(),
            needs: 2,
            origin: request.origin,
            purpose: request.purpose.clone(),
            reference: Reference::Request(u64::try_from(count + 1).unwrap()),
            requester: member(&said.by),
            uses: request.uses,
            warnings: Vec::new(),
        };
        change(&mut requested);
        self.caused(said, requested)
    }

    /// A yes, and the entry it causes.
    pub(crate) fn approve(
        &mut self,
        by: &str,
        asked: &Asked,
        change: impl FnOnce(&mut Approval),
    ) -> (Said, EventId) {
        self.wait(1);
        let mut approval = Approval {
            kind: Kind::Approval,
            approver: signer(by),
            duration_s: asked.request.duration_s,
            log: self.head(),
            release: breakglass_format::statement::Release::default(),
            request: asked.request.clone(),
            signed_at: self.now,
        };
        change(&mut approval);
        let said = self.said(by, &approval);
        let before = self.count(
            |event| matches!(event, Event::BreakGlassApproved(d) if d.request_id == asked.id),
        );
        let approved = BreakGlassApproved {
            approver: member(by),
            authority_version: self.authority.version,
            browser: false,
            duration_s: approval.duration_s,
            incident_id: asked.request.incident.id,
            key: signer(by).key,
            missing: 1 - before.min(1),
            presence: false,
            request_id: asked.id,
        };
        let id = self.caused(&said, approved);
        (said, id)
    }

    /// The grant that the last of several approvals causes.
    pub(crate) fn grant(
        &mut self,
        asked: &Asked,
        approvals: &[(Said, EventId)],
        change: impl FnOnce(&mut BreakGlassGranted),
    ) -> GrantId {
        let grant_id = GrantId::new(self.now, self.random());
        let request = &asked.request;
        let count = self.count(|event| matches!(event, Event::BreakGlassGranted(_)));
        let mut granted = BreakGlassGranted {
            account: account(),
            action: request.purpose.action.clone(),
            approvals: approvals.iter().map(|(_, id)| *id).collect(),
            authority_version: self.authority.version,
            cap: self.now.plus_s(8 * HOUR),
            drill: false,
            grant_id,
            holder: member(request.requester.principal.as_str()),
            incident_id: request.incident.id,
            justification: request.justification.clone(),
            not_after: self.now.plus_s(request.duration_s),
            not_before: self.now,
            purpose: request.purpose.clone(),
            reference: Reference::Grant(u64::try_from(count + 1).unwrap()),
            request_id: asked.id,
            uses: request.uses,
        };
        change(&mut granted);
        self.caused(&approvals.last().unwrap().0, granted);
        grant_id
    }

    pub(crate) fn checkout(&mut self, by: &str, grant: GrantId) -> Said {
        self.wait(1);
        let checkout = Checkout {
            kind: Kind::Checkout,
            authority: self.authority.clone(),
            grant,
            instance: self.genesis,
            issued_at: self.now,
            kem: kem(),
            nonce: self.nonce(),
            signer: signer(by),
        };
        self.said(by, &checkout)
    }

    pub(crate) fn access(&mut self, said: &Said, asked: &Asked, grant: GrantId) -> EventId {
        let accessed = BreakGlassAccess {
            account: account(),
            action: asked.request.purpose.action.clone(),
            disclosed: true,
            envelope: sha256(b"envelope").into(),
            grant_id: grant,
            incident_id: asked.request.incident.id,
            justification: asked.request.justification.clone(),
            run_id: none(),
            version: self.version(),
        };
        self.caused(said, accessed)
    }

    pub(crate) fn ended(
        &mut self,
        said: &Said,
        asked: &Asked,
        grant: GrantId,
        change: impl FnOnce(&mut BreakGlassEnded),
    ) -> EventId {
        let ended = self.end_of(asked, grant, change);
        self.caused(said, ended)
    }

    /// An end that nobody signed.
    pub(crate) fn ended_by_server(
        &mut self,
        asked: &Asked,
        grant: GrantId,
        change: impl FnOnce(&mut BreakGlassEnded),
    ) -> EventId {
        let ended = self.end_of(asked, grant, change);
        self.server(ended)
    }

    fn end_of(
        &self,
        asked: &Asked,
        grant: GrantId,
        change: impl FnOnce(&mut BreakGlassEnded),
    ) -> BreakGlassEnded {
        let mut ended = BreakGlassEnded {
            account: account(),
            clocks: vec![self.clock(Obligation::IncidentResolved, "", 24 * HOUR)],
            documented: false,
            due_at: self.now,
            grant_id: grant,
            incident_id: asked.request.incident.id,
            reason: EndReason::Returned,
            remark: read(""),
            used: false,
        };
        change(&mut ended);
        ended
    }

    /// The clocks that a resolution starts now. Of those who took no part dave reviews and erin
    /// sits on the board; whoever may change the account approved, so its review is alice's.
    pub(crate) fn resolution_clocks(&self, incident: IncidentId) -> Vec<Clock> {
        const DAY: i64 = 24 * HOUR;
        let id = account().id;
        let used = self.count(
            |event| matches!(event, Event::BreakGlassAccess(d) if d.incident_id == incident),
        );
        let mut clocks = Vec::new();
        if used > 0 {
            clocks.push(self.clock(Obligation::CredentialRotation, id.as_str(), HOUR));
            clocks.push(self.clock(Obligation::AccessReview, id.as_str(), 7 * DAY));
        }
        clocks.push(self.clock(Obligation::IncidentReport, "", DAY));
        clocks.push(self.clock_of("dave", Obligation::PostIncidentReview, "", 2 * DAY));
        clocks.push(self.clock_of("erin", Obligation::CabReview, "", 7 * DAY));
        clocks
    }

    /// The clock of the next quarterly review of the account: bob's, who may change it.
    pub(crate) fn quarterly_clock(&self) -> Clock {
        let id = account().id;
        let of = Obligation::QuarterlyAccessReview;
        self.clock_of("bob", of, id.as_str(), 92 * 24 * HOUR)
    }

    /// A resolution with another length of the clock for the rotation of the account.
    pub(crate) fn resolve_with_clock(&mut self, by: &str, incident: IncidentId, length_s: i64) {
        let length = |c: &mut Clock| {
            c.due_at = c.due_at.plus_s(length_s - c.length_s);
            c.length_s = length_s;
        };
        self.resolve(by, incident, |d| {
            let rotation = |c: &&mut Clock| c.obligation == Obligation::CredentialRotation;
            d.clocks.iter_mut().filter(rotation).for_each(length);
        });
    }

    pub(crate) fn resolve(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut IncidentResolved),
    ) {
        let summary = breakglass_format::act::Resolve {
            summary: read("Rolled back."),
        };
        let said = self.act(by, incident, Command::Resolve(summary.clone()));
        let mut resolved = IncidentResolved {
            clocks: self.resolution_clocks(incident),
            incident_id: incident,
            summary: summary.summary,
        };
        change(&mut resolved);
        self.caused(&said, resolved);
    }
}

pub(crate) fn kem() -> Kem {
    use base64::Engine as _;
    let pk = base64::engine::general_purpose::STANDARD.encode([9; 32]);
    Kem {
        alg: read("X25519"),
        pk: read(&pk),
    }
}

pub(crate) fn probe(
    incident_id: IncidentId,
    occasion: Occasion,
    verdict: Verdict,
) -> ControlPlaneProbed {
    ControlPlaneProbed {
        detail: read("deploy-api: 503 (3 of 3)"),
        evidence: none(),
        incident_id,
        occasion,
        verdict,
    }
}
