//! Duties and their clocks: started by entries, met by entries, never moved.

use breakglass_format::{
    AccountId, IncidentId, Line,
    event::{Clock, ObligationOverdue},
    vocabulary::Obligation,
};

use super::{Duty, DutyKey, Fold, Status};
use crate::{Finding, Level};

impl Fold<'_> {
    /// Starts the clocks that an entry carries: as long as the authority in force says, from now,
    /// and the commander's.
    pub(super) fn start(&mut self, incident: IncidentId, clocks: &[Clock]) {
        let owner = self.out.incidents.get(&incident);
        let owner = owner.map(|incident| incident.commander.clone());
        for (n, clock) in clocks.iter().enumerate() {
            let same = |c: &Clock| c.obligation == clock.obligation && c.subject == clock.subject;
            let once = !clocks.iter().take(n).any(same);
            let length = self.current().map(|authority| match clock.obligation {
                Obligation::IncidentResolved => authority.clocks.resolve_s,
                Obligation::CredentialRotation => authority.clocks.rotation_s,
            });
            let fits = once
                && length == Some(clock.length_s)
                && clock.due_at == self.now.plus_s(clock.length_s)
                && self.has_subject(incident, clock)
                && owner.as_ref() == Some(&clock.owner);
            self.rule(
                fits,
                "clock_wrong",
                "length, due time, subject or owner is not what it must be, or it is there twice",
            );
            let key = DutyKey {
                incident,
                obligation: clock.obligation,
                subject: clock.subject.clone(),
            };
            let done = match clock.obligation {
                Obligation::IncidentResolved => self.is_resolved(incident),
                Obligation::CredentialRotation => !self.needs_rotation(incident, &clock.subject),
            };
            let duty = Duty {
                owner: clock.owner.clone(),
                started_at: self.now,
                due_at: clock.due_at,
                met_at: done.then_some(self.now),
                status: Status::Open,
            };
            self.out.duties.insert(key, duty);
        }
    }

    fn has_subject(&self, incident: IncidentId, clock: &Clock) -> bool {
        match clock.obligation {
            Obligation::IncidentResolved => clock.subject.is_empty(),
            Obligation::CredentialRotation => clock
                .subject
                .as_str()
                .parse()
                .is_ok_and(|account: AccountId| self.used.contains_key(&(incident, account))),
        }
    }

    pub(super) fn is_resolved(&self, incident: IncidentId) -> bool {
        self.out
            .incidents
            .get(&incident)
            .is_some_and(|i| i.resolved_at.is_some())
    }

    fn needs_rotation(&self, incident: IncidentId, subject: &Line) -> bool {
        let account = subject.as_str().parse().ok();
        account.is_some_and(|account| {
            let used = self.used.get(&(incident, AccountId::clone(&account)));
            used > self.rotated.get(&account)
        })
    }

    /// Accounts that were used under an incident, and whose rotation is not proven since.
    pub(super) fn accounts_to_rotate(&self, id: IncidentId) -> Vec<(IncidentId, AccountId)> {
        let used = self.used.iter().filter(|((incident, account), at)| {
            *incident == id && Some(*at) > self.rotated.get(account)
        });
        used.map(|(key, _)| key.clone()).collect()
    }

    /// A duty is done.
    pub(super) fn meet(&mut self, incident: IncidentId, obligation: Obligation, subject: &str) {
        let now = self.now;
        let open = self.out.duties.iter_mut().filter(|(key, duty)| {
            key.incident == incident
                && key.obligation == obligation
                && key.subject.as_str() == subject
                && duty.met_at.is_none()
        });
        open.for_each(|(_, duty)| duty.met_at = Some(now));
    }

    /// An account is rotated: that meets the duty of every incident that used it.
    pub(super) fn meet_rotations(&mut self, account: &AccountId) {
        let incidents: Vec<IncidentId> = self.out.incidents.keys().copied().collect();
        for incident in incidents {
            self.meet(incident, Obligation::CredentialRotation, account.as_str());
        }
    }

    pub(super) fn overdue(&mut self, d: &ObligationOverdue) {
        let (incident, obligation, subject) = (d.incident_id, d.obligation, d.subject.clone());
        let duty = self.out.duties.get(&DutyKey {
            incident,
            obligation,
            subject,
        });
        let real = duty.is_some_and(|duty| {
            duty.due_at == d.due_at && duty.owner == d.owner && duty.met_at.is_none()
        });
        let over = d.due_at <= self.now;
        self.rule(
            real && over,
            "overdue_without_clock",
            "no open clock ran out then",
        );
    }

    /// Says where every duty stands at the time of the last entry.
    pub(super) fn close_duties(&mut self) {
        for key in std::mem::take(&mut self.clocks_needed) {
            let (incident, account) = key;
            let runs = self.out.duties.keys().any(|duty| {
                duty.incident == incident
                    && duty.obligation == Obligation::CredentialRotation
                    && duty.subject.as_str() == account.as_str()
            });
            let detail = format!("no clock runs for the rotation of {account}");
            self.rule(runs, "clock_missing", &detail);
        }
        let last = self.last;
        for (key, duty) in &mut self.out.duties {
            duty.status = match duty.met_at {
                Some(at) if at <= duty.due_at => Status::Met,
                Some(_) => Status::MetLate,
                None if last <= duty.due_at => Status::Open,
                None => Status::Overdue,
            };
            let (code, level) = match duty.status {
                Status::Met | Status::Open => continue,
                Status::MetLate => ("obligation_met_late", Level::Notice),
                Status::Overdue => ("obligation_overdue", Level::Overdue),
            };
            let detail = format!(
                "{} {} of {} was due at {}",
                key.obligation, key.subject, key.incident, duty.due_at
            );
            self.findings.push(Finding::new(level, code, detail));
        }
    }
}
