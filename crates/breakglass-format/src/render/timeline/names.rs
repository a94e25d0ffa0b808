//! What an entry calls things by: ids, turned into the references and names that people use.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AccountId, Entry, Event, EventId, GrantId, IncidentId, PersonId, Principal, RunId,
    event::{AccountRef, Member, Reference},
};

/// Everything that entries so far gave a name to.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    accounts: BTreeMap<AccountId, String>,
    drills: BTreeSet<IncidentId>,
    grants: BTreeMap<GrantId, Reference>,
    incidents: BTreeMap<IncidentId, Reference>,
    people: BTreeMap<PersonId, Principal>,
    requests: BTreeMap<EventId, Reference>,
    runs: BTreeMap<RunId, (IncidentId, String)>,
}

impl Names {
    /// Takes in the names that an entry introduces.
    #[expect(clippy::too_many_lines, reason = "one line for each event")]
    pub(super) fn learn(&mut self, entry: &Entry) {
        if let (Some(person), Some(principal)) = (&entry.person.0, &entry.principal.0) {
            self.people.insert(person.clone(), principal.clone());
        }
        match &entry.event {
            Event::KeyEnrolled(d) => self.learn_member(&d.member),
            Event::KeySuspended(d) => self.learn_member(&d.member),
            Event::SessionOpened(d) => self.learn_member(&d.member),
            Event::ContactSet(d) => self.learn_member(&d.member),
            Event::IncidentDeclared(d) => {
                self.learn_member(&d.commander);
                self.incidents.insert(d.incident_id, d.reference);
                self.learn_drill(d.drill, d.incident_id);
            }
            Event::BreakGlassRequested(d) => {
                self.learn_member(&d.requester);
                self.learn_account(&d.account);
                self.requests.insert(entry.event_id, d.reference);
                self.learn_drill(d.drill, d.incident_id);
            }
            Event::BreakGlassApproved(d) => self.learn_member(&d.approver),
            Event::BreakGlassDenied(d) => self.learn_member(&d.approver),
            Event::BreakGlassGranted(d) => {
                self.learn_member(&d.holder);
                self.learn_account(&d.account);
                self.grants.insert(d.grant_id, d.reference);
                self.learn_drill(d.drill, d.incident_id);
            }
            Event::BreakGlassAccess(d) => self.learn_account(&d.account),
            Event::BreakGlassAction(d) => {
                if let Some(run) = d.run_id.0 {
                    let what = super::sentence::action_on(&d.action, &d.target);
                    self.runs.insert(run, (d.incident_id, what));
                }
            }
            Event::BreakGlassEnded(d) => self.learn_account(&d.account),
            Event::EffectClaimed(d) => self.learn_account(&d.account),
            Event::AccessReviewed(d) => self.learn_account(&d.account),
            Event::CommandTransferred(d) => {
                self.learn_member(&d.from);
                self.learn_member(&d.to);
            }
            Event::ObligationWaived(d) => d.waived_by.iter().for_each(|m| self.learn_member(m)),
            Event::CredentialAdded(d) => self.learn_account(&d.account),
            Event::RotationOrdered(d) => self.learn_account(&d.account),
            Event::CredentialStaged(d) => self.learn_account(&d.account),
            Event::RotationAttested(d) => self.learn_account(&d.account),
            Event::CredentialRotated(d) => self.learn_account(&d.account),
            Event::CredentialRotationFailed(d) => self.learn_account(&d.account),
            Event::LogStarted(_)
            | Event::AuthorityPublished(_)
            | Event::IncidentNoted(_)
            | Event::ControlPlaneProbed(_)
            | Event::BreakGlassLapsed(_)
            | Event::BreakGlassWithdrawn(_)
            | Event::BreakGlassVoided(_)
            | Event::BreakGlassExtended(_)
            | Event::ActionPlanned(_)
            | Event::ActProposed(_)
            | Event::RunProgressed(_)
            | Event::IncidentResolved(_)
            | Event::CabNotified(_)
            | Event::IncidentReportFiled(_)
            | Event::PostIncidentReviewCompleted(_)
            | Event::CabReviewed(_)
            | Event::ProcedureUpdated(_)
            | Event::IncidentClosed(_)
            | Event::IncidentReopened(_)
            | Event::ObligationOverdue(_)
            | Event::StakeholderNotified(_)
            | Event::CommandRefused(_)
            | Event::RefusalsSummarised(_)
            | Event::ClockStepped(_)
            | Event::SinkChanged(_)
            | Event::StorageChanged(_) => {}
            Event::EpochBegun(d) => d.lost.iter().for_each(|a| self.learn_account(a)),
            Event::LogRecovered(d) => d.lost.iter().for_each(|a| self.learn_account(a)),
        }
    }

    /// Each id that has a name now, with that name; empty where a run has no other.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        fn each<'a, K: ToString + 'a, N: ToString + 'a>(
            named: &'a BTreeMap<K, N>,
        ) -> impl Iterator<Item = (String, String)> + 'a {
            named
                .iter()
                .map(|(id, name)| (id.to_string(), name.to_string()))
        }
        let runs = self.runs.keys().map(|id| (id.to_string(), String::new()));
        each(&self.accounts)
            .chain(each(&self.people))
            .chain(each(&self.incidents))
            .chain(each(&self.requests))
            .chain(each(&self.grants))
            .chain(runs)
            .collect()
    }

    fn learn_member(&mut self, member: &Member) {
        self.people
            .insert(member.person.clone(), member.principal.clone());
    }

    fn learn_account(&mut self, account: &AccountRef) {
        self.accounts
            .insert(account.id.clone(), account.name.to_string());
    }

    fn learn_drill(&mut self, drill: bool, incident: IncidentId) {
        if drill {
            self.drills.insert(incident);
        }
    }

    /// The reference or the name of what has this id, where it has one. What is no such id is what
    /// somebody wrote.
    pub(super) fn known(&self, id: &str) -> Option<String> {
        let of_event = id.parse().ok();
        let request = of_event.and_then(|id| self.requests.get(&id));
        let grant = id.parse().ok().and_then(|id| self.grants.get(&id));
        let incident = id.parse().ok().and_then(|id| self.incidents.get(&id));
        let reference = request.or(grant).or(incident).map(ToString::to_string);
        reference.or_else(|| self.accounts.get(&id.parse().ok()?).cloned())
    }

    /// The incident an entry belongs to, as people call it; empty where it belongs to none.
    pub(super) fn incident_of(&self, entry: &Entry) -> String {
        self.belongs_to(entry)
            .map(|id| self.incident(id))
            .unwrap_or_default()
    }

    /// Whether an entry is part of a practice.
    pub(super) fn is_drill(&self, entry: &Entry) -> bool {
        self.belongs_to(entry)
            .is_some_and(|id| self.drills.contains(&id))
    }

    fn belongs_to(&self, entry: &Entry) -> Option<IncidentId> {
        let named = entry.correlation_id.0.or_else(|| entry.event.incident_id());
        named.or_else(|| {
            // The claim of a run names its run alone.
            let Event::EffectClaimed(claim) = &entry.event else {
                return None;
            };
            let (incident, _) = self.runs.get(&claim.run_id.0?)?;
            Some(*incident)
        })
    }

    /// `INC-7`.
    pub(super) fn incident(&self, id: IncidentId) -> String {
        self.incidents
            .get(&id)
            .map_or_else(|| format!("incident {id}"), Reference::to_string)
    }

    /// `R-12`.
    pub(super) fn request(&self, id: EventId) -> String {
        self.requests
            .get(&id)
            .map_or_else(|| format!("request {id}"), Reference::to_string)
    }

    /// `G-4`.
    pub(super) fn grant(&self, id: GrantId) -> String {
        self.grants
            .get(&id)
            .map_or_else(|| format!("grant {id}"), Reference::to_string)
    }

    /// The principal of a person.
    pub(super) fn person(&self, id: &PersonId) -> String {
        self.people
            .get(id)
            .map_or_else(|| id.to_string(), Principal::to_string)
    }

    /// The name of an account, from the text of its id.
    pub(super) fn account(&self, id: &str) -> Option<&str> {
        self.accounts.get(&id.parse().ok()?).map(String::as_str)
    }

    /// What a run does: `rollback on "checkout"`.
    pub(super) fn run(&self, id: RunId) -> String {
        self.runs
            .get(&id)
            .map_or_else(|| format!("run {id}"), |(_, what)| what.clone())
    }
}
