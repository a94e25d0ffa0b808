//! Incidents: who declares, notes and resolves them.

use breakglass_format::{
    IncidentId,
    act::Command,
    event::{IncidentDeclared, IncidentNoted, IncidentResolved, Reference},
    vocabulary::{Obligation, Privilege},
};

use super::{At, Fold, Incident};

impl Fold<'_> {
    pub(super) fn declared(&mut self, at: At<'_>, d: &IncidentDeclared) {
        self.version_in_force(d.authority_version);
        let number = u64::try_from(self.out.incidents.len()).unwrap_or(u64::MAX) + 1;
        let next = d.reference == Reference::Incident(number);
        self.rule(
            next,
            "reference_out_of_order",
            "incidents are numbered in log order",
        );
        self.declared_as_signed(at, d);
        let scenario = self
            .current()
            .and_then(|authority| authority.scenario(&d.scenario));
        let known = scenario.is_some_and(|scenario| {
            (!scenario.service_required || !d.service.is_empty())
                && (!scenario.threat_required || !d.threat.is_empty())
        });
        self.rule(
            known,
            "scenario_not_met",
            "the scenario is unknown or asks for more",
        );
        let incident = Incident {
            reference: d.reference,
            scenario: d.scenario.clone(),
            severity: d.severity,
            commander: d.commander.person.clone(),
            drill: d.drill,
            declared_at: self.now,
            resolved_at: None,
            closed_at: None,
        };
        let new = self.out.incidents.insert(d.incident_id, incident).is_none();
        self.rule(new, "incident_twice", "an incident has this id already");
        self.declared.insert(d.incident_id, at.recorded.leaf);
        let notice = self
            .current()
            .and_then(|authority| authority.scenario(&d.scenario))
            .is_some_and(|scenario| scenario.cab_notice_s > 0);
        let both = [Obligation::IncidentResolved, Obligation::CabNotified];
        let expected = if notice { both.as_slice() } else { &both[..1] };
        self.starts(d.incident_id, &d.clocks, expected);
        self.takes_part(d.incident_id, &d.commander.person);
        self.commanders.insert(d.incident_id, d.commander.clone());
    }

    fn declared_as_signed(&mut self, entry: At<'_>, d: &IncidentDeclared) {
        let Some(act) = entry.act("declare") else {
            return;
        };
        let Command::Declare(args) = &act.statement().command else {
            return;
        };
        let commander = self
            .current()
            .and_then(|authority| authority.principal(&args.commander));
        self.same(&[
            (
                "commander",
                commander.is_some_and(|p| p.person == d.commander.person),
            ),
            ("commander", args.commander == d.commander.principal),
            ("cves", args.cves == d.cves),
            ("drill", args.drill == d.drill),
            ("justification", args.justification == d.justification),
            ("scenario", args.scenario == d.scenario),
            ("service", args.service == d.service),
            ("severity", args.severity == d.severity),
            ("threat", args.threat == d.threat),
            ("title", args.title == d.title),
        ]);
    }

    pub(super) fn noted(&mut self, entry: At<'_>, d: &IncidentNoted) {
        self.incident(d.incident_id);
        let Some(act) = entry.act("note") else {
            return;
        };
        if let Command::Note(args) = &act.statement().command {
            let about = act.statement().object.id.as_str() == d.incident_id.to_string();
            self.same(&[("incident", about), ("text", args.text == d.text)]);
        }
    }

    pub(super) fn resolved(&mut self, entry: At<'_>, d: &IncidentResolved) {
        let incident = self.incident(d.incident_id);
        let open = incident.is_some_and(|incident| incident.resolved_at.is_none());
        self.rule(open, "incident_not_open", "an incident is resolved once");
        if let Some(act) = entry.act("resolve")
            && let Command::Resolve(args) = &act.statement().command
        {
            let about = act.statement().object.id.as_str() == d.incident_id.to_string();
            self.same(&[("incident", about), ("summary", args.summary == d.summary)]);
            let by = self.commands(d.incident_id, &act.signer().person, act.authority());
            self.rule(
                by,
                "resolved_by_stranger",
                "the commander resolves, or a deputy",
            );
            // Before the clocks: a deputy who ends it led it, and no duty to judge it is theirs.
            self.takes_part(d.incident_id, &act.signer().person);
        }
        if let Some(incident) = self.out.incidents.get_mut(&d.incident_id) {
            incident.resolved_at = Some(self.now);
        }
        let needed = self.accounts_to_rotate(d.incident_id);
        self.clocks_needed.extend(needed);
        self.meet(d.incident_id, Obligation::IncidentResolved, "");
        let accounts = self
            .used
            .keys()
            .filter(|(id, _)| *id == d.incident_id)
            .count();
        let mut expected = Vec::new();
        for _ in 0..accounts {
            expected.extend([Obligation::CredentialRotation, Obligation::AccessReview]);
        }
        expected.extend([
            Obligation::IncidentReport,
            Obligation::PostIncidentReview,
            Obligation::CabReview,
        ]);
        self.starts(d.incident_id, &d.clocks, &expected);
    }

    /// The incident, which must have been declared.
    pub(super) fn incident(&mut self, id: IncidentId) -> Option<Incident> {
        let incident = self.out.incidents.get(&id).cloned();
        self.rule(
            incident.is_some(),
            "incident_unknown",
            "it was never declared",
        );
        incident
    }

    /// Whether a person leads an incident, or may act for whoever does.
    pub(super) fn commands(
        &self,
        incident: IncidentId,
        person: &breakglass_format::PersonId,
        named: &breakglass_format::statement::AuthorityRef,
    ) -> bool {
        let leads = self
            .out
            .incidents
            .get(&incident)
            .is_some_and(|i| i.commander == *person);
        leads || self.may(person, named, Privilege::Command)
    }
}
