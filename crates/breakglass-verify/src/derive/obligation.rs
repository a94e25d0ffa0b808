//! Duties and their clocks: started by entries, met by entries, never moved.

use breakglass_format::{
    AccountId, IncidentId, Line, PersonId,
    authority::{Authority, Person},
    event::{Clock, ObligationOverdue},
    vocabulary::{Obligation, Privilege},
};

use super::{Duty, DutyKey, Fold, Status};
use crate::{Finding, Level};

impl Fold<'_> {
    /// Starts the clocks that an entry carries: as long as the authority in force says, from now,
    /// and of whoever owns the duty.
    pub(super) fn start(&mut self, incident: IncidentId, clocks: &[Clock]) {
        for (n, clock) in clocks.iter().enumerate() {
            let same = |c: &Clock| c.obligation == clock.obligation && c.subject == clock.subject;
            let once = !clocks.iter().take(n).any(same);
            let length = self.current().map(|a| self.length_of(incident, clock, a));
            let owner = self.owner_of(incident, clock.obligation);
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
                Obligation::CabNotified
                | Obligation::IncidentReport
                | Obligation::PostIncidentReview
                | Obligation::AccessReview
                | Obligation::ProcedureUpdate
                | Obligation::CabReview
                | Obligation::QuarterlyAccessReview => false,
            };
            let owned = (incident, clock.obligation, clock.subject.clone());
            let owners = self.owners.entry(owned).or_default();
            owners.insert(clock.owner.clone());
            let duty = Duty {
                owner: clock.owner.clone(),
                started_at: self.now,
                due_at: clock.due_at,
                met_at: done.then_some(self.now),
                waived_at: None,
                status: Status::Open,
            };
            self.out.duties.insert(key, duty);
        }
    }

    /// [`Self::start`], where the duties that an entry must start are known, each once and in this
    /// order.
    pub(super) fn starts(
        &mut self,
        incident: IncidentId,
        clocks: &[Clock],
        expected: &[Obligation],
    ) {
        let all = clocks.iter().map(|c| &c.obligation).eq(expected);
        self.rule(
            all,
            "clock_missing",
            "these are not the clocks that start here",
        );
        self.start(incident, clocks);
    }

    fn length_of(&self, incident: IncidentId, clock: &Clock, authority: &Authority) -> i64 {
        const LONGEST_REVIEW_S: i64 = 48 * 3_600;
        let lengths = &authority.clocks;
        let name = self.out.incidents.get(&incident).map(|i| &i.scenario);
        let scenario = name.and_then(|name| authority.scenario(name));
        match clock.obligation {
            Obligation::IncidentResolved => lengths.resolve_s,
            Obligation::CredentialRotation => lengths.rotation_s,
            Obligation::CabNotified => scenario.map_or(0, |s| s.cab_notice_s),
            Obligation::IncidentReport => lengths.report_s,
            Obligation::PostIncidentReview => scenario.map_or(LONGEST_REVIEW_S, |s| s.review_s),
            Obligation::AccessReview => lengths.access_review_s,
            Obligation::ProcedureUpdate => lengths.procedure_s,
            Obligation::CabReview => lengths.cab_review_s,
            Obligation::QuarterlyAccessReview => lengths.quarterly_s,
        }
    }

    /// Whose duty it is: the commander's, or of the first in the authority who has the privilege
    /// for it and took no part.
    fn owner_of(&self, incident: IncidentId, of: Obligation) -> Option<PersonId> {
        let privilege = match of {
            Obligation::PostIncidentReview => Some(Privilege::Reviewer),
            Obligation::AccessReview => Some(Privilege::Account),
            Obligation::CabReview => Some(Privilege::Cab),
            Obligation::IncidentResolved
            | Obligation::CredentialRotation
            | Obligation::CabNotified
            | Obligation::IncidentReport
            | Obligation::ProcedureUpdate
            | Obligation::QuarterlyAccessReview => None,
        };
        let part = self.took_part.get(&incident);
        let free = |p: &&Person| {
            privilege.is_some_and(|privilege| p.may(privilege))
                && part.is_none_or(|took| !took.contains(&p.person))
        };
        let person = self.current().and_then(|a| a.people.iter().find(free));
        let commander = || Some(self.out.incidents.get(&incident)?.commander.clone());
        person.map(|p| p.person.clone()).or_else(commander)
    }

    fn has_subject(&self, incident: IncidentId, clock: &Clock) -> bool {
        match clock.obligation {
            Obligation::IncidentResolved
            | Obligation::CabNotified
            | Obligation::IncidentReport
            | Obligation::PostIncidentReview
            | Obligation::ProcedureUpdate
            | Obligation::CabReview => clock.subject.is_empty(),
            // Of an account, never of an incident.
            Obligation::QuarterlyAccessReview => false,
            Obligation::CredentialRotation | Obligation::AccessReview => clock
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
        let duty = match d.incident_id.0 {
            Some(incident) => self.out.duties.get(&DutyKey {
                incident,
                obligation: d.obligation,
                subject: d.subject.clone(),
            }),
            None => {
                let account: Option<AccountId> = d.subject.as_str().parse().ok();
                let quarterly = d.obligation == Obligation::QuarterlyAccessReview;
                let account = account.filter(|_| quarterly);
                account.and_then(|id| self.out.account_reviews.get(&id))
            }
        };
        let real = duty.is_some_and(|duty| {
            let open = duty.met_at.is_none() && duty.waived_at.is_none();
            duty.due_at == d.due_at && duty.owner == d.owner && open
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
            if duty.waived_at.is_some() {
                duty.status = Status::Waived;
                continue;
            }
            duty.status = match duty.met_at {
                Some(at) if at <= duty.due_at => Status::Met,
                Some(_) => Status::MetLate,
                None if last <= duty.due_at => Status::Open,
                None => Status::Overdue,
            };
            let (code, level) = match duty.status {
                Status::Met | Status::Open | Status::Waived => continue,
                Status::MetLate => ("obligation_met_late", Level::Notice),
                Status::Overdue => ("obligation_overdue", Level::Overdue),
            };
            let about = match key.subject.as_str() {
                "" => String::new(),
                subject => format!(" ({subject})"),
            };
            let detail = format!(
                "{}{about} of {} was due at {}",
                key.obligation, key.incident, duty.due_at
            );
            self.findings.push(Finding::new(level, code, detail));
        }
        for (account, duty) in &mut self.out.account_reviews {
            let gone = self
                .versions
                .last()
                .is_none_or(|v| v.version.authority().account(account).is_none());
            if gone || last <= duty.due_at {
                continue;
            }
            duty.status = Status::Overdue;
            let detail = format!(
                "the quarterly review of {account} was due at {}",
                duty.due_at
            );
            let finding = Finding::new(Level::Overdue, "obligation_overdue", detail);
            self.findings.push(finding);
        }
    }
}
