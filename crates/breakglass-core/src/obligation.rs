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

impl Incident {
    /// The clocks that count: of several for the same duty the last one started.
    fn counted(&self) -> impl Iterator<Item = &Clock> {
        let counts = |(at, clock): &(usize, &Clock)| {
            let later = self.clocks.get(at + 1..).unwrap_or_default();
            let mut later = later.iter();
            !later.any(|c| c.obligation == clock.obligation && c.subject == clock.subject)
        };
        self.clocks
            .iter()
            .enumerate()
            .filter(counts)
            .map(|(_, c)| c)
    }

    /// While access is active, the clock for resolving does not count: it starts again when the
    /// last grant ends.
    fn runs_out(&self, clock: &Clock) -> bool {
        clock.obligation != Obligation::IncidentResolved || self.active == 0
    }

    fn status(&self, clock: &Clock, now: Timestamp) -> Status {
        if let Some(at) = self.aftermath.waived_at(clock) {
            return Status::Waived(at);
        }
        match met_at(self, clock) {
            Some(at) if at > clock.due_at => Status::MetLate(at),
            Some(at) => Status::Met(at),
            None if now > clock.due_at && self.runs_out(clock) => Status::Overdue,
            None => Status::Open,
        }
    }

    /// Whether it is on record that a clock ran out.
    fn is_told(&self, clock: &Clock) -> bool {
        let same = |(of, subject, due_at): &(Obligation, Line, Timestamp)| {
            *of == clock.obligation && *subject == clock.subject && *due_at == clock.due_at
        };
        self.overdue.iter().any(same)
    }

    /// The next instant at which a duty would run out, or the one at which one did that is not on
    /// record as overdue.
    pub(crate) fn next_overdue(&self) -> Option<Timestamp> {
        let waits = |clock: &&Clock| {
            let over = self.aftermath.waived_at(clock).or(met_at(self, clock));
            over.is_none() && self.runs_out(clock) && !self.is_told(clock)
        };
        self.counted().filter(waits).map(runs_out_at).min()
    }
}

/// The first instant after the due time of a clock.
pub(crate) fn runs_out_at(clock: &Clock) -> Timestamp {
    Timestamp::from_millis(clock.due_at.millis() + 1)
}

impl World {
    /// The clocks of an incident that count, each with its standing: of several clocks for the
    /// same duty the last one started.
    #[must_use]
    pub fn obligations(&self, incident: &Incident, now: Timestamp) -> Vec<(Clock, Status)> {
        let standing = |clock: &Clock| (clock.clone(), incident.status(clock, now));
        incident.counted().map(standing).collect()
    }

    /// One event for each duty whose time is over and that is not on record as overdue.
    pub(crate) fn overdue_obligations(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let due = self.incidents.orders().due.until(cx.now);
        for incident in self.incidents.all(due.into_iter()) {
            for clock in incident.counted() {
                if incident.status(clock, cx.now) != Status::Overdue || incident.is_told(clock) {
                    continue;
                }
                let event = ObligationOverdue {
                    due_at: clock.due_at,
                    incident_id: incident.id.into(),
                    obligation: clock.obligation,
                    owner: clock.owner.clone(),
                    subject: clock.subject.clone(),
                };
                drafts.push(cx.draft(&Author::System("engine"), event));
            }
        }
        drafts.extend(self.overdue_account_reviews(cx));
        drafts
    }

    /// The next instant at which a duty would run out.
    pub(crate) fn next_overdue(&self) -> Option<Timestamp> {
        let of_incidents = self.incidents.orders().due.first();
        of_incidents
            .into_iter()
            .chain(self.next_account_review())
            .min()
    }

    pub(crate) fn apply_overdue(&mut self, d: &ObligationOverdue) {
        let Some(id) = d.incident_id.0 else {
            self.apply_account_review_overdue(d);
            return;
        };
        if let Some(mut incident) = self.incidents.get_mut(&id) {
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
    /// the report, the review, the board. None of what others judge is for whoever resolves (`by`).
    pub(crate) fn clocks_of_resolution(
        &self,
        incident: &Incident,
        by: &PersonId,
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
            let owner = owner(incident, Some(by), authority, Privilege::Account);
            let of = Obligation::AccessReview;
            clocks.push(clock(of, now, lengths.access_review_s, owner, subject()));
        }
        let commander = incident.commander.person.clone();
        let of = Obligation::IncidentReport;
        let none = Line::default;
        clocks.push(clock(of, now, lengths.report_s, commander, none()));
        clocks.push(review_clock(incident, Some(by), authority, now));
        let owner = owner(incident, Some(by), authority, Privilege::Cab);
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
