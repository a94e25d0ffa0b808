//! Who is to be told what, and when.
//!
//! There is no queue of messages: what people should have been told by now follows from the world,
//! and what they were told is in the log. Telling is at least once: where the process dies between
//! handing over and recording, it is done again, under the same name. It never holds anything up,
//! and nothing that people do waits for it.

use breakglass_format::{
    IncidentId, Line, PersonId, Timestamp,
    authority::Authority,
    event::{Delivery, StakeholderNotified},
    vocabulary::{Notice, Obligation, Privilege},
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft},
    grant::Grant,
    incident::Incident,
    obligation::Status,
    refusal::{Code, Refusal},
    request::{Request, State},
    world::{Map, World},
};

/// When the second tier is told of a request that waits, and when everybody is, in seconds.
const TIERS_S: (i64, i64) = (5 * 60, 15 * 60);
/// Minutes before the end of access at which people are told.
const ENDING_MIN: [i64; 2] = [30, 10];
/// Percentages of a duty's time at which people are told; every day afterwards again.
const SHARES: [i64; 3] = [50, 80, 100];
/// Tries before a person is given up for one notice.
const ATTEMPTS: i64 = 5;
/// Wait before the second try, in seconds; twice as long before each further one.
const RETRY_S: i64 = 30;

/// What a notice is: never told twice, but to those whom it did not reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoticeKey {
    /// What.
    pub notice: Notice,
    /// About what.
    pub subject: Line,
    /// Due when, for a duty.
    pub due_at: Option<Timestamp>,
    /// Which of several.
    pub stage: i64,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Under which incident.
    pub incident: Option<IncidentId>,
    /// What.
    pub key: NoticeKey,
    /// Whom.
    pub people: Vec<PersonId>,
    /// Which try it is.
    pub attempt: i64,
}

/// What became of a notice so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    attempts: i64,
    left: Vec<PersonId>,
    retry_at: Option<Timestamp>,
}

/// What was told, by what it was.
pub type Notices = Map<NoticeKey, Told>;

impl World {
    /// What people should have been told by now and were not.
    #[must_use]
    pub fn notices_due(&self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        for incident in self.incidents.values() {
            self.notices_of(incident, now, &mut due);
        }
        self.notices_of_accounts(now, &mut due);
        self.personal_notices_due(now, &mut due);
        due
    }

    fn notices_of(&self, incident: &Incident, now: Timestamp, due: &mut Vec<Due>) {
        let authority = self.authority().map(|v| &v.authority);
        let Some(authority) = authority.filter(|_| incident.closed_at.is_none()) else {
            return;
        };
        let mut teller = Teller {
            told: &incident.told,
            incident: Some(incident.id),
            now,
            due,
        };
        self.of_declaration(incident, authority, &mut teller);
        self.of_requests(incident, &mut teller);
        self.of_grants(incident, &mut teller);
        self.of_duties(incident, authority, &mut teller);
    }

    fn of_declaration(&self, incident: &Incident, authority: &Authority, teller: &mut Teller<'_>) {
        let scenario = authority.scenario(&incident.scenario);
        let reference = incident.reference.to_string();
        if incident.is_open() {
            let groups = scenario.map(|s| s.stakeholders.as_slice());
            let groups = groups.unwrap_or_default();
            let concerned = authority.people.iter().filter(|p| {
                groups.iter().any(|g| p.in_group(g)) || p.person == incident.commander.person
            });
            let concerned = concerned.map(|p| p.person.clone()).collect();
            teller.tell(Notice::IncidentDeclared, &reference, None, 0, concerned);
        }
        let goes_past = scenario.is_some_and(|s| s.cab_notice_s > 0);
        if goes_past && incident.aftermath.cab_notified.is_none() {
            teller.tell(Notice::CabNotice, &reference, None, 0, board(authority));
        }
    }

    fn of_requests(&self, incident: &Incident, teller: &mut Teller<'_>) {
        for request in self.requests_under(&incident.id) {
            let subject = request.reference.to_string();
            for (stage, people) in self.tiers_due(request, teller.now) {
                teller.tell(Notice::RequestWaiting, &subject, None, stage, people);
            }
            if request.state == State::Lapsed && incident.is_open() {
                let asked = vec![request.requester.person.clone()];
                teller.tell(Notice::RequestLapsed, &subject, None, 0, asked);
            }
        }
    }

    fn of_grants(&self, incident: &Incident, teller: &mut Teller<'_>) {
        for grant in self.grants_under(&incident.id) {
            let subject = grant.reference.to_string();
            if let Some((stage, people)) = ending(grant, incident, teller.now) {
                teller.tell(Notice::GrantEnding, &subject, None, stage, people);
            }
            // Whoever reviewed it saw the gap; and what was told before the closing is forgotten.
            if incident.aftermath.reviews > 0 {
                continue;
            }
            if grant.ended.is_some() && grant.used && !grant.documented {
                let holder = vec![grant.holder.person.clone()];
                teller.tell(Notice::GrantUndocumented, &subject, None, 0, holder);
            }
            let request = self.request(&grant.request);
            if request.is_some_and(|r| !r.denied_by.is_empty()) {
                let leads = vec![incident.commander.person.clone()];
                teller.tell(Notice::GrantedOverDenial, &subject, None, 0, leads);
            }
        }
    }

    fn of_duties(&self, incident: &Incident, authority: &Authority, teller: &mut Teller<'_>) {
        for (clock, status) in self.obligations(incident, teller.now) {
            let open = matches!(status, Status::Open | Status::Overdue);
            let Some(stage) =
                share(&clock, teller.now).filter(|_| open && self.counts(incident, &clock))
            else {
                continue;
            };
            let mut people = vec![clock.owner.clone()];
            if stage >= 80 {
                people.push(incident.commander.person.clone());
            }
            if stage >= 100 {
                people.extend(board(authority));
            }
            let subject = match clock.subject.as_str() {
                "" => clock.obligation.to_string(),
                of => format!("{} {of}", clock.obligation),
            };
            let due_at = Some(clock.due_at);
            teller.tell(Notice::DutyDue, &subject, due_at, stage, people);
        }
    }

    /// While access lasts nobody is pressed to resolve.
    fn counts(&self, incident: &Incident, clock: &breakglass_format::event::Clock) -> bool {
        let mut grants = self.grants_under(&incident.id);
        clock.obligation != Obligation::IncidentResolved || !grants.any(Grant::is_active)
    }

    fn notices_of_accounts(&self, now: Timestamp, due: &mut Vec<Due>) {
        let Some(authority) = self.authority().map(|v| &v.authority) else {
            return;
        };
        for (id, state) in self.accounts.iter() {
            let Some(account) = authority.account(id) else {
                continue;
            };
            let name = account.name.as_str();
            let mut teller = Teller {
                told: &state.told,
                incident: None,
                now,
                due,
            };
            if let Some(rotation) = state.rotation.as_ref().filter(|r| r.blocked) {
                let who = authority
                    .people
                    .iter()
                    .filter(|p| p.may(Privilege::Account));
                let who = who.map(|p| p.person.clone()).collect();
                let attempt = rotation.attempts;
                teller.tell(Notice::RotationGivenUp, name, None, attempt, who);
            }
            let review = state.review.as_ref();
            if let Some((clock, stage)) = review.and_then(|c| Some((c, share(c, now)?))) {
                let subject = format!("{} {name}", clock.obligation);
                let owner = vec![clock.owner.clone()];
                teller.tell(Notice::DutyDue, &subject, Some(clock.due_at), stage, owner);
            }
        }
    }

    /// The tiers whose time has come for a request that waits, without its requester.
    fn tiers_due(&self, request: &Request, now: Timestamp) -> Vec<(i64, Vec<PersonId>)> {
        let Some(authority) = self.authority().map(|v| &v.authority) else {
            return Vec::new();
        };
        let entitlement = authority
            .entitlements
            .iter()
            .find(|e| e.name == request.entitlement);
        let Some(entitlement) = entitlement.filter(|_| request.is_pending()) else {
            return Vec::new();
        };
        let members = |groups: &[breakglass_format::Name]| -> Vec<PersonId> {
            let answered = |p: &PersonId| {
                request.approvals.iter().any(|a| a.approver.person == *p)
                    || *p == request.requester.person
            };
            let people = authority.people.iter();
            people
                .filter(|p| groups.iter().any(|g| p.in_group(g)) && !answered(&p.person))
                .map(|p| p.person.clone())
                .collect()
        };
        let waited = now.since_ms(request.at) / 1000;
        let everybody = (2, members(&entitlement.approvers));
        match entitlement.tiers.as_slice() {
            [] => vec![everybody],
            [first, rest @ ..] => {
                let mut due = vec![(0, members(first))];
                if let Some(second) = rest.first().filter(|_| waited >= TIERS_S.0) {
                    due.push((1, members(second)));
                }
                if waited >= TIERS_S.1 {
                    due.push(everybody);
                }
                due
            }
        }
    }

    /// What came of telling.
    pub(crate) fn decide_notified(
        &self,
        due: &Due,
        deliveries: &[Delivery],
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        // Somebody answered meanwhile, or it was told by the one who died before.
        let mut still = Vec::new();
        match due.incident {
            Some(id) => {
                let incident = self.incident(&id);
                let incident = incident.ok_or_else(|| Code::IncidentUnknown.with("id", id))?;
                self.notices_of(incident, cx.now, &mut still);
            }
            None => {
                self.notices_of_accounts(cx.now, &mut still);
                self.personal_notices_due(cx.now, &mut still);
            }
        }
        if !still.contains(due) {
            return Err(Code::NotCalledFor.with("notice", due.key.notice));
        }
        let reached = |p: &PersonId| deliveries.iter().any(|d| d.person == *p && d.sent);
        // Whom no way leads to is not reached by trying again.
        let left = |p: &&PersonId| {
            let known = |d: &&Delivery| d.person == **p && d.channel.as_str() != NO_CHANNEL;
            !reached(p) && deliveries.iter().any(|d| known(&d))
        };
        let again = due.people.iter().any(|p| left(&p)) && due.attempt < ATTEMPTS;
        let wait = RETRY_S << (due.attempt - 1).clamp(0, 16);
        let event = StakeholderNotified {
            attempt: due.attempt,
            deliveries: deliveries.to_vec(),
            due_at: due.key.due_at.into(),
            incident_id: due.incident.into(),
            notice: due.key.notice,
            retry_at: again.then(|| cx.now.plus_s(wait)).into(),
            stage: due.key.stage,
            subject: due.key.subject.clone(),
        };
        Ok(vec![cx.draft(&Author::System("notify"), event)])
    }

    pub(crate) fn apply_notified(&mut self, d: &StakeholderNotified, at: Timestamp) {
        let key = NoticeKey {
            notice: d.notice,
            subject: d.subject.clone(),
            due_at: d.due_at.0,
            stage: d.stage,
        };
        let left = d.deliveries.iter().filter(|d| !d.sent);
        let told = Told {
            attempts: d.attempt,
            left: left.map(|d| d.person.clone()).collect(),
            retry_at: d.retry_at.0,
        };
        let Some(id) = d.incident_id.0 else {
            match d.notice {
                Notice::ContactChanged | Notice::KeyEnrolled | Notice::KeySuspended => {
                    self.personally_told(key, told);
                }
                Notice::IncidentDeclared
                | Notice::CabNotice
                | Notice::RequestWaiting
                | Notice::RequestLapsed
                | Notice::GrantedOverDenial
                | Notice::GrantEnding
                | Notice::GrantUndocumented
                | Notice::DutyDue
                | Notice::RotationGivenUp => self.account_told(key, told),
            }
            return;
        };
        if let Some(mut incident) = self.incidents.get_mut(&id) {
            incident.told.insert_mut(key, told);
            if d.notice == Notice::CabNotice && d.deliveries.iter().any(|d| d.sent) {
                incident.aftermath.cab_notified.get_or_insert(at);
            }
        }
    }

    fn personal_notices_due(&self, now: Timestamp, due: &mut Vec<Due>) {
        let authority = self.authority().map(|v| &v.authority);
        for (event, personal) in &self.personal_notices {
            // Whoever left is no longer ours to write to.
            if authority.is_none_or(|a| a.person(&personal.person).is_none()) {
                continue;
            }
            let mut teller = Teller {
                told: &personal.told,
                incident: None,
                now,
                due,
            };
            let who = vec![personal.person.clone()];
            teller.tell(personal.notice, &event.to_string(), None, 0, who);
        }
    }

    /// Remembered until they were told, or nobody tries any more.
    fn personally_told(&mut self, key: NoticeKey, told: Told) {
        let Ok(event) = key.subject.as_str().parse() else {
            return;
        };
        if told.retry_at.is_none() {
            self.personal_notices.remove_mut(&event);
        } else if let Some(personal) = self.personal_notices.get(&event) {
            let mut personal = personal.clone();
            personal.told.insert_mut(key, told);
            self.personal_notices.insert_mut(event, personal);
        }
    }

    fn account_told(&mut self, key: NoticeKey, told: Told) {
        let authority = self.authority().map(|v| v.authority.clone());
        let name = key.subject.as_str().rsplit(' ').next().unwrap_or_default();
        let account = authority.and_then(|a| a.account_named(name).map(|a| a.id.clone()));
        if let Some(mut state) = account.and_then(|id| self.accounts.get_mut(&id)) {
            state.told.insert_mut(key, told);
        }
    }
}

/// The latest warning that a grant is about to end; one that was short from the beginning has
/// none of the times that lie before it.
fn ending(grant: &Grant, incident: &Incident, now: Timestamp) -> Option<(i64, Vec<PersonId>)> {
    if !grant.is_active() || grant.is_over(now) {
        return None;
    }
    let left = grant.not_after.since_ms(now);
    let whole = grant.not_after.since_ms(grant.not_before);
    let minutes = |m: &&i64| left <= **m * 60_000 && whole > **m * 60_000;
    let stage = ENDING_MIN.iter().rev().find(minutes)?;
    let approvers = grant.approvals.iter().map(|a| a.approver.person.clone());
    let mut people = vec![
        grant.holder.person.clone(),
        incident.commander.person.clone(),
    ];
    people.extend(approvers);
    Some((*stage, people))
}

/// The change advisory board.
fn board(authority: &Authority) -> Vec<PersonId> {
    let members = authority.people.iter().filter(|p| p.may(Privilege::Cab));
    members.map(|p| p.person.clone()).collect()
}

/// Collects what is to be told.
struct Teller<'a> {
    told: &'a Notices,
    incident: Option<IncidentId>,
    now: Timestamp,
    due: &'a mut Vec<Due>,
}

impl Teller<'_> {
    fn tell(
        &mut self,
        notice: Notice,
        subject: &str,
        due_at: Option<Timestamp>,
        stage: i64,
        people: Vec<PersonId>,
    ) {
        let key = NoticeKey {
            notice,
            subject: Line::lossy(subject),
            due_at,
            stage,
        };
        let left = left_to_tell(self.told, self.incident, key, people, self.now);
        self.due.extend(left);
    }
}

/// The channel of a person whom no way leads to.
pub const NO_CHANNEL: &str = "none";

/// Whoever of these people was not told yet, where it is time to tell them.
fn left_to_tell(
    told: &Notices,
    incident: Option<IncidentId>,
    key: NoticeKey,
    mut people: Vec<PersonId>,
    now: Timestamp,
) -> Option<Due> {
    people.sort();
    people.dedup();
    let mut attempt = 1;
    if let Some(told) = told.get(&key) {
        if told.retry_at.is_none_or(|at| now < at) {
            return None;
        }
        people.retain(|p| told.left.contains(p));
        attempt = told.attempts + 1;
    }
    (!people.is_empty()).then_some(Due {
        incident,
        key,
        people,
        attempt,
    })
}

/// How much of a duty's time is over, as the last stage that was reached: 50, 80, 100, and one
/// more for each day that it is overdue.
fn share(clock: &breakglass_format::event::Clock, now: Timestamp) -> Option<i64> {
    let length = clock.length_s.max(1);
    let left = clock.due_at.since_ms(now) / 1000;
    let over = length - left;
    if left < 0 {
        return Some(100 + (-left) / (24 * 3600));
    }
    SHARES
        .iter()
        .rev()
        .find(|s| over * 100 >= **s * length)
        .copied()
}
