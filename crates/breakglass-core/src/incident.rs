//! Incidents: declared, noted, resolved.

use breakglass_format::{
    AccountId, Digest, Entry, EventId, IncidentId, Line, Name, PersonId, Timestamp,
    act::{Declare, Note, Object, Resolve},
    entry::Recorded,
    event::{
        BreakGlassVoided, Clock, IncidentDeclared, IncidentNoted, IncidentResolved, Member,
        Reference,
    },
    vocabulary::{EndReason, Obligation, Privilege, Severity},
};

use rpds::RedBlackTreeSetSync;
use serde::{Deserialize, Serialize};

use crate::{
    aftermath::Aftermath,
    command::{Author, Context, Draft},
    control_plane::Probed,
    decide::Standing,
    notice::Notices,
    obligation,
    refusal::{Code, Refusal},
    two_person::Proposal,
    world::{Map, World},
};

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What people type.
    pub reference: Reference,
    /// Its scenario.
    pub scenario: Name,
    /// How bad it is.
    pub severity: Severity,
    /// What people call it.
    pub title: Line,
    /// Who leads.
    pub commander: Member,
    /// A practice.
    pub drill: bool,
    /// Leaf hash of the entry that declared it, which requests bind.
    pub leaf: Digest,
    /// Where that entry stands in the log.
    pub index: u64,
    /// Its last event.
    pub head: EventId,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Every clock started, in order.
    pub clocks: Vec<Clock>,
    /// Grants under it that have not ended.
    pub active: i64,
    /// Clocks whose running out is on record, by obligation, subject and due time.
    pub overdue: Vec<(Obligation, Line, Timestamp)>,
    /// Accounts used under it, and when each was last rotated after its last use.
    pub used: Map<AccountId, Option<Timestamp>>,
    /// Who denied what account, so that a second denial of the same person is told apart.
    pub denials: Vec<(PersonId, AccountId, Timestamp)>,
    /// Requesters, approvers, operators, commanders and whoever acted for one: whoever took part
    /// judges nothing of it.
    pub took_part: RedBlackTreeSetSync<PersonId>,
    /// What was done about it afterwards.
    pub aftermath: Aftermath,
    /// What people were told of it.
    pub told: Notices,
    /// Verdicts on the control plane that may still count, the latest last.
    pub probes: Vec<Probed>,
    /// What one of two people agreed to.
    pub proposals: Map<Digest, Proposal>,
    /// Whether it was closed once, so that only what a late fact needs is still here.
    pub archived: bool,
    /// When it was closed; `None` again where it was opened again.
    pub closed_at: Option<Timestamp>,
}

impl Incident {
    /// Whether it still goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// The word for where it stands.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.resolved_at, self.closed_at) {
            (None, _) => "open",
            (Some(_), None) => "resolved",
            (Some(_), Some(_)) => "closed",
        }
    }

    /// Whether a person leads it, or may act for who does.
    pub(crate) fn is_led_by(&self, standing: &Standing<'_>) -> bool {
        self.commander.person == standing.person.person
            || standing.require(Privilege::Command).is_ok()
    }
}

impl World {
    pub(crate) fn open_incident(&self, id: &IncidentId) -> Result<&Incident, Refusal> {
        let incident = self
            .incident(id)
            .ok_or_else(|| Code::IncidentUnknown.with("id", id))?;
        if incident.is_open() {
            Ok(incident)
        } else {
            Err(Code::IncidentNotOpen.with("incident", incident.reference))
        }
    }

    pub(crate) fn incident_of(&self, object: &Object) -> Result<&Incident, Refusal> {
        let id = object.id.as_str().parse().ok();
        id.and_then(|id| self.incident(&id))
            .ok_or_else(|| Code::IncidentUnknown.with("id", &object.id))
    }

    pub(crate) fn decide_declare(
        &self,
        args: &Declare,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let authority = &standing.version.authority;
        let scenario = authority
            .scenario(&args.scenario)
            .ok_or_else(|| Code::ScenarioUnknown.with("scenario", &args.scenario))?;
        required("title", args.title.as_str())?;
        required("justification", args.justification.as_str())?;
        if scenario.service_required {
            required("service", args.service.as_str())?;
        }
        if scenario.threat_required {
            required("threat", args.threat.as_str())?;
        }
        let commander = authority
            .principal(&args.commander)
            .ok_or_else(|| Code::PersonUnknown.with("commander", &args.commander))?;
        let id = IncidentId::new(cx.now, (cx.random)());
        let clock = |obligation, length_s| {
            let owner = commander.person.clone();
            obligation::clock(obligation, cx.now, length_s, owner, Line::default())
        };
        let mut clocks = vec![clock(
            Obligation::IncidentResolved,
            authority.clocks.resolve_s,
        )];
        if scenario.cab_notice_s > 0 {
            clocks.push(clock(Obligation::CabNotified, scenario.cab_notice_s));
        }
        let event = IncidentDeclared {
            authority_version: authority.version,
            clocks,
            commander: Member {
                person: commander.person.clone(),
                principal: commander.principal.clone(),
            },
            cves: args.cves.clone(),
            drill: args.drill,
            incident_id: id,
            justification: args.justification.clone(),
            reference: Reference::Incident(self.numbers.incident + 1),
            scenario: args.scenario.clone(),
            service: args.service.clone(),
            severity: args.severity,
            threat: args.threat.clone(),
            title: args.title.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }

    pub(crate) fn decide_note(
        &self,
        object: &Object,
        args: &Note,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.incident_of(object)?;
        required("text", args.text.as_str())?;
        let event = IncidentNoted {
            incident_id: incident.id,
            text: args.text.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// Resolution by the commander or a holder of `command`: ends the incident's grants, voids its
    /// pending requests, starts the clocks.
    pub(crate) fn decide_resolve(
        &self,
        object: &Object,
        args: &Resolve,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.open_incident(&self.incident_of(object)?.id)?;
        required("summary", args.summary.as_str())?;
        if incident.commander.person != standing.person.person {
            standing.require(Privilege::Command)?;
        }
        let mut drafts = Vec::new();
        for grant in self.active_under(&incident.id) {
            let remark = breakglass_format::Prose::default();
            drafts.push(self.end_grant(grant, &[], EndReason::Resolved, remark, author, cx));
        }
        let pending = self.requests.orders().waiting_under.of(&incident.id);
        for request in self.requests.all(pending) {
            let event = BreakGlassVoided {
                authority_version: standing.version.authority.version,
                incident_id: incident.id,
                reason: Line::lossy("the incident is resolved"),
                request_id: request.id,
            };
            drafts.push(cx.draft(author, event));
        }
        let authority = &standing.version.authority;
        let by = &standing.person.person;
        let event = IncidentResolved {
            clocks: self.clocks_of_resolution(incident, by, authority, cx.now),
            incident_id: incident.id,
            summary: args.summary.clone(),
        };
        drafts.push(cx.draft(author, event));
        Ok(drafts)
    }

    pub(crate) fn apply_declared(&mut self, d: &IncidentDeclared, recorded: &Recorded) {
        self.numbers.incident = self.numbers.incident.max(d.reference.number());
        if d.drill {
            self.last_drill = Some(recorded.entry.created_at);
        }
        self.incidents.insert_mut(
            d.incident_id,
            Incident {
                id: d.incident_id,
                reference: d.reference,
                scenario: d.scenario.clone(),
                severity: d.severity,
                title: d.title.clone(),
                commander: d.commander.clone(),
                drill: d.drill,
                leaf: recorded.leaf,
                index: recorded.index,
                head: recorded.entry.event_id,
                declared_at: recorded.entry.created_at,
                resolved_at: None,
                clocks: d.clocks.clone(),
                active: 0,
                overdue: Vec::new(),
                used: Map::new_sync(),
                denials: Vec::new(),
                took_part: [d.commander.person.clone()].into_iter().collect(),
                aftermath: Aftermath::default(),
                told: Notices::new_sync(),
                probes: Vec::new(),
                proposals: Map::new_sync(),
                archived: false,
                closed_at: None,
            },
        );
    }

    /// Somebody took part in an incident.
    pub(crate) fn takes_part(&mut self, id: &IncidentId, person: &PersonId) {
        if let Some(mut incident) = self.incidents.get_mut(id) {
            incident.took_part.insert_mut(person.clone());
        }
    }

    /// Whoever ends an incident led it, though in the commander's place.
    pub(crate) fn apply_resolved(&mut self, d: &IncidentResolved, entry: &Entry) {
        if let Some(person) = &entry.person.0 {
            self.takes_part(&d.incident_id, person);
        }
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.resolved_at = Some(entry.created_at);
            incident.clocks.extend(d.clocks.iter().cloned());
        }
    }
}

/// A text that must say something.
pub(crate) fn required(name: &'static str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        Err(Code::TextMissing.with("field", name))
    } else {
        Ok(())
    }
}
