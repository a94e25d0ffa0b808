//! Duties with deadlines: derived from events and the time, never stored as flags.

use breakglass_format::{
    AccountId, Timestamp,
    event::{Clock, ObligationOverdue},
    vocabulary::Obligation,
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
                    incident_id: incident.id,
                    obligation: clock.obligation,
                    owner: clock.owner,
                    subject: clock.subject,
                };
                drafts.push(cx.draft(&Author::System("engine"), event));
            }
        }
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
                        Status::Met(_) | Status::MetLate(_) => false,
                    };
                    waits.then_some(Timestamp::from_millis(clock.due_at.millis() + 1))
                })
        });
        open.min()
    }

    pub(crate) fn apply_overdue(&mut self, d: &ObligationOverdue) {
        if let Some(incident) = self.incidents.get_mut(&d.incident_id) {
            incident
                .overdue
                .push((d.obligation, d.subject.clone(), d.due_at));
        }
    }
}

fn met_at(incident: &Incident, clock: &Clock) -> Option<Timestamp> {
    match clock.obligation {
        Obligation::IncidentResolved => incident.resolved_at,
        Obligation::CredentialRotation => {
            let account: AccountId = clock.subject.as_str().parse().ok()?;
            incident.used.get(&account).copied().flatten()
        }
    }
}
