//! What holds of the time after an incident.

use breakglass_format::{
    AccountId, Event, IncidentId, PersonId, entry::Recorded, vocabulary::Obligation,
};
use breakglass_testkit::Given;

use super::{Watch, holds};

impl Watch {
    /// Who took part, what is left to do, which accounts are gone: from the entries alone.
    pub(super) fn learn_aftermath(&mut self, recorded: &Recorded) {
        let by = recorded.entry.person.0.clone();
        match &recorded.entry.event {
            Event::IncidentDeclared(d) => {
                self.start(d.incident_id, &d.clocks);
                self.part(d.incident_id, Some(d.commander.person.clone()));
            }
            Event::BreakGlassRequested(d) => self.part(d.incident_id, by),
            Event::BreakGlassApproved(d) => self.part(d.incident_id, by),
            Event::BreakGlassAction(d) => self.part(d.incident_id, by),
            Event::IncidentResolved(d) => self.part(d.incident_id, by),
            Event::CommandTransferred(d) => {
                self.part(d.incident_id, Some(d.to.person.clone()));
                self.part(d.incident_id, by);
            }
            Event::CabNotified(d) => self.done(d.incident_id, Obligation::CabNotified, ""),
            Event::IncidentReportFiled(d) => {
                self.done(d.incident_id, Obligation::IncidentReport, "");
            }
            Event::PostIncidentReviewCompleted(d) => {
                self.done(d.incident_id, Obligation::PostIncidentReview, "");
            }
            Event::CabReviewed(d) => self.done(d.incident_id, Obligation::CabReview, ""),
            Event::ProcedureUpdated(d) => {
                self.done(d.incident_id, Obligation::ProcedureUpdate, "");
            }
            Event::AccessReviewed(d) => {
                if let Some(id) = d.incident_id.0 {
                    self.done(id, Obligation::AccessReview, d.account.id.as_str());
                }
            }
            Event::ObligationWaived(d) => {
                self.done(d.incident_id, d.obligation, d.subject.as_str());
                if let (true, Ok(gone)) = (d.account_gone, d.subject.as_str().parse()) {
                    self.gone.insert(gone);
                }
            }
            Event::CredentialAdded(d) => {
                self.gone.remove(&d.account.id);
            }
            _ => {}
        }
    }

    fn part(&mut self, incident: IncidentId, person: Option<PersonId>) {
        let people = self.took_part.entry(incident).or_default();
        people.extend(person);
    }

    fn done(&mut self, incident: IncidentId, of: Obligation, subject: &str) {
        let open = self.open.entry(incident).or_default();
        open.remove(&(of, subject.to_owned()));
    }
}

/// Whether an entry says that an account is gone.
pub(super) fn is_gone(recorded: &Recorded, account: &AccountId) -> bool {
    match &recorded.entry.event {
        Event::ObligationWaived(d) => d.account_gone && d.subject.as_str() == account.as_str(),
        _ => false,
    }
}

pub(super) fn no_incident_closed_with_an_open_obligation(
    watch: &Watch,
    _: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for recorded in news {
        if let Event::IncidentClosed(d) = &recorded.entry.event {
            let open = watch.open.get(&d.incident_id);
            let none = open.is_none_or(std::collections::BTreeSet::is_empty);
            holds(none, || format!("closed with {open:?}"))?;
        }
    }
    Ok(())
}

/// Reviews and waivers are by people who were none of requester, approver, operator, commander;
/// a waiver is by two.
pub(super) fn nobody_judges_what_they_took_part_in(
    watch: &Watch,
    _: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for recorded in news {
        let (incident, people): (_, Vec<&PersonId>) = match &recorded.entry.event {
            Event::PostIncidentReviewCompleted(d) => (
                d.incident_id,
                recorded.entry.person.as_ref().into_iter().collect(),
            ),
            Event::ObligationWaived(d) => {
                let people: Vec<_> = d.waived_by.iter().map(|m| &m.person).collect();
                let two = people.len() == 2 && people[0] != people[1];
                holds(two, || format!("waived by {people:?}"))?;
                (d.incident_id, people)
            }
            _ => continue,
        };
        let part = watch.took_part.get(&incident);
        let part = part.is_some_and(|took| people.iter().any(|p| took.contains(*p)));
        holds(!part, || format!("{people:?} took part"))?;
    }
    Ok(())
}
