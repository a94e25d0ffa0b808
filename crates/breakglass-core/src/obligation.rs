//! Duties with deadlines: derived from events and the time, never stored as flags.

use breakglass_format::{
    AccountId, Line, PersonId, Timestamp,
    authority::{Authority, Person},
    event::{Clock, ObligationOverdue},
    vocabulary::{Obligation, Privilege},
};

use crate::{
    command::{Author, Context, Draft},
    incident::Incident,
    world::World,
};

/// How a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// To be done by its due time.
    Open,
    /// Done in time.
    Met(Timestamp),
    /// Done after its due time.
    MetLate(Timestamp),
    /// Two people let it go.
    Waived(Timestamp),
    /// Not done, and the due time, which itself is still in time, is over.
    Overdue,
}

impl World {
    /// The clocks of an incident that count, each with its standing: of several clocks for the
    /// same duty the last one started.
    #[must_use]
    pub fn obligations(&self, incident: &Incident, now: Timestamp) -> Vec<(Clock, Status)> {
        let mut counted: Vec<(Clock, Status)> = Vec::new();
        for clock in incident.clocks.iter().rev() {
            let same = |c: &Clock| c.obligation == clock.obligation && c.subject == clock.subject;
            if counted.iter().any(|(c, _)| same(c)) {
                continue;
            }
            counted.push((clock.clone(), self.status(incident, clock, now)));
        }
        counted.reverse();
        counted
    }

    fn status(&self, incident: &Incident, clock: &Clock, now: Timestamp) -> Status {
        if let Some(at) = incident.aftermath.waived_at(clock) {
            return Status::Waived(at);
        }
        match met_at(incident, clock) {
            Some(at) if at > clock.due_at => Status::MetLate(at),
            Some(at) => Status::Met(at),
            None if now > clock.due_at && self.runs_out(incident, clock) => Status::Overdue,
            None => Status::Open,
        }
    }

    /// While access is active, the clock for resolving does not count: it starts again when the
    /// last grant ends.
    fn runs_out(&self, incident: &Incident, clock: &Clock) -> bool {
        let active = || {
            self.grants()
                .any(|g| g.incident == incident.id && g.is_active())
        };
        clock.obligation != Obligation::IncidentResolved || !active()
    }

    /// One event for each duty whose time is over and that is not on record as overdue.
    pub(crate) fn overdue_obligations(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for incident in self.incidents.values() {
            for (clock, status) in self.obligations(incident, cx.now) {
                let key = (clock.obligation, clock.subject.clone(), clock.due_at);
                if status != Status::Overdue || incident.overdue.contains(&key) {
                    continue;
                }
                let event = ObligationOverdue {
                    due_at: clock.due_at,
                    incident_id: incident.id.into(),
                    obligation: clock.obligation,
                    owner: clock.owner,
                    subject: clock.subject,
                };
                drafts.push(cx.draft(&Author::System("engine"), event));
            }
        }
        drafts.extend(self.overdue_account_reviews(cx));
        drafts
    }

    /// The next instant at which a duty would run out.
    pub(crate) fn next_overdue(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.incidents.values().flat_map(|incident| {
            self.obligations(incident, now)
                .into_iter()
                .filter_map(|(clock, status)| {
                    let key = (clock.obligation, clock.subject.clone(), clock.due_at);
                    let recorded = incident.overdue.contains(&key);
                    let waits = match status {
                        Status::Open => self.runs_out(incident, &clock),
                        Status::Overdue => !recorded,
                        Status::Met(_) | Status::MetLate(_) | Status::Waived(_) => false,
                    };
                    waits.then_some(Timestamp::from_millis(clock.due_at.millis() + 1))
                })
        });
        open.chain(self.next_account_review()).min()
    }

    pub(crate) fn apply_overdue(&mut self, d: &ObligationOverdue) {
        let Some(id) = d.incident_id.0 else {
            self.apply_account_review_overdue(d);
            return;
        };
        if let Some(incident) = self.incidents.get_mut(&id) {
            incident
                .overdue
                .push((d.obligation, d.subject.clone(), d.due_at));
        }
    }
}

fn met_at(incident: &Incident, clock: &Clock) -> Option<Timestamp> {
    let aftermath = &incident.aftermath;
    let account = || clock.subject.as_str().parse::<AccountId>().ok();
    match clock.obligation {
        Obligation::IncidentResolved => incident.resolved_at,
        Obligation::CredentialRotation => incident.used.get(&account()?).copied().flatten(),
        Obligation::CabNotified => aftermath.cab_notified,
        Obligation::IncidentReport => aftermath.reported,
        Obligation::PostIncidentReview => aftermath.reviewed,
        Obligation::AccessReview => aftermath.access_reviewed.get(&account()?).copied(),
        Obligation::ProcedureUpdate => aftermath.procedure_updated,
        Obligation::CabReview => aftermath.cab_reviewed,
        // The clock of an account, never an incident's.
        Obligation::QuarterlyAccessReview => None,
    }
}

/// A clock that starts now.
pub(crate) fn clock(
    obligation: Obligation,
    now: Timestamp,
    length_s: i64,
    owner: PersonId,
    subject: Line,
) -> Clock {
    Clock {
        due_at: now.plus_s(length_s),
        length_s,
        obligation,
        owner,
        subject,
    }
}

impl World {
    /// The clocks that a resolution starts: each used credential rotated and its account reviewed,
    /// the report, the review, the board.
    pub(crate) fn clocks_of_resolution(
        &self,
        incident: &Incident,
        authority: &Authority,
        now: Timestamp,
    ) -> Vec<Clock> {
        let lengths = &authority.clocks;
        let mut clocks = Vec::new();
        for account in incident.used.keys() {
            let subject = || Line::lossy(account.as_str());
            let commander = incident.commander.person.clone();
            let of = Obligation::CredentialRotation;
            clocks.push(clock(of, now, lengths.rotation_s, commander, subject()));
            let owner = owner(incident, None, authority, Privilege::Account);
            let of = Obligation::AccessReview;
            clocks.push(clock(of, now, lengths.access_review_s, owner, subject()));
        }
        let commander = incident.commander.person.clone();
        let of = Obligation::IncidentReport;
        let none = Line::default;
        clocks.push(clock(of, now, lengths.report_s, commander, none()));
        clocks.push(review_clock(incident, None, authority, now));
        let owner = owner(incident, None, authority, Privilege::Cab);
        let of = Obligation::CabReview;
        clocks.push(clock(of, now, lengths.cab_review_s, owner, none()));
        clocks
    }
}

/// The clock of the post-incident review, by the incident's scenario; its longest where the
/// authority knows the scenario no more.
///
/// It is not for whoever takes part by this very act (`also`).
pub(crate) fn review_clock(
    incident: &Incident,
    also: Option<&PersonId>,
    authority: &Authority,
    now: Timestamp,
) -> Clock {
    const LONGEST_S: i64 = 48 * 3_600;
    let scenario = authority.scenario(&incident.scenario);
    let length_s = scenario.map_or(LONGEST_S, |s| s.review_s);
    let owner = owner(incident, also, authority, Privilege::Reviewer);
    let of = Obligation::PostIncidentReview;
    clock(of, now, length_s, owner, Line::default())
}

/// Whose duty it is: the first in the authority who has the privilege and took no part; the
/// commander where there is nobody.
fn owner(
    incident: &Incident,
    also: Option<&PersonId>,
    authority: &Authority,
    privilege: Privilege,
) -> PersonId {
    let took_part = |p: &PersonId| incident.took_part.contains(p) || also == Some(p);
    let free = |p: &&Person| p.may(privilege) && !took_part(&p.person);
    let person = authority.people.iter().find(free);
    person.map_or_else(|| incident.commander.person.clone(), |p| p.person.clone())
}
