//! What follows an incident: told, reported, reviewed, decided, let go, closed, open again.

use std::collections::BTreeSet;

use breakglass_format::{
    AccountId, EventId, IncidentId, Line, PersonId,
    act::Command,
    authority::Authority,
    event::{
        AccessReviewed, CabNotified, CabReviewed, Clock, CommandTransferred, IncidentClosed,
        IncidentReopened, IncidentReportFiled, ObligationWaived, PostIncidentReviewCompleted,
        ProcedureUpdated,
    },
    vocabulary::{Obligation, Privilege},
};
use breakglass_statement::VerifiedAct;

use super::{At, Duty, Fold, Incident, Status};

impl Fold<'_> {
    pub(super) fn cab_notified(&mut self, entry: At<'_>, d: &CabNotified) {
        self.not_closed(d.incident_id);
        if let Some(act) = self.act_on(entry, "notify_cab", d.incident_id)
            && let Command::NotifyCab(args) = &act.statement().command
        {
            self.same(&[
                ("channel", args.channel == d.channel),
                ("text", args.text == d.text),
            ]);
            self.leads_or(d.incident_id, act, Privilege::Cab);
        }
        self.meet(d.incident_id, Obligation::CabNotified, "");
    }

    pub(super) fn report_filed(&mut self, entry: At<'_>, d: &IncidentReportFiled) {
        self.over(d.incident_id);
        if let Some(act) = self.act_on(entry, "file_report", d.incident_id)
            && let Command::FileReport(args) = &act.statement().command
        {
            let document = act.statement().documents == [d.document];
            self.same(&[
                ("document", document),
                ("summary", args.summary == d.summary),
            ]);
            self.leads_or(d.incident_id, act, Privilege::Command);
        }
        let before = self.reports.entry(d.incident_id).or_default();
        *before += 1;
        let next = *before == d.version;
        self.rule(next, "version_out_of_order", "reports are counted from 1");
        self.meet(d.incident_id, Obligation::IncidentReport, "");
    }

    /// By somebody who took no part, with a verdict on everything.
    pub(super) fn reviewed(&mut self, entry: At<'_>, d: &PostIncidentReviewCompleted) {
        self.over(d.incident_id);
        if let Some(act) = self.act_on(entry, "complete_review", d.incident_id)
            && let Command::CompleteReview(args) = &act.statement().command
        {
            self.same(&[
                ("document", is_document(act, d.document.0)),
                ("follow_ups", args.follow_ups == d.follow_ups),
                ("gaps", args.gaps == d.gaps),
                ("root_cause", args.root_cause == d.root_cause),
                ("verdicts", args.verdicts == d.verdicts),
            ]);
            let (person, named) = (&act.signer().person, act.authority());
            let may = self.may(person, named, Privilege::Reviewer);
            self.rule(may, "not_privileged", "it takes the privilege reviewer");
            self.took_no_part(d.incident_id, person);
        }
        let given: Vec<&str> = d.verdicts.iter().map(|v| v.subject.as_str()).collect();
        let set: BTreeSet<&str> = given.iter().copied().collect();
        let subjects = self.subjects(d.incident_id);
        let all = set.len() == given.len() && set.iter().eq(subjects.iter());
        self.rule(
            all,
            "review_incomplete",
            "a review gives one verdict on every grant and every action",
        );
        let before = self.reviews.entry(d.incident_id).or_default();
        *before += 1;
        let next = *before == d.version;
        self.rule(next, "version_out_of_order", "reviews are counted from 1");
        self.meet(d.incident_id, Obligation::PostIncidentReview, "");
        let expected: &[Obligation] = if d.gaps.is_empty() {
            &[]
        } else {
            &[Obligation::ProcedureUpdate]
        };
        self.starts(d.incident_id, &d.clocks, expected);
    }

    /// `G-4` for every grant, `G-4/1` … for the actions under it.
    fn subjects(&self, incident: IncidentId) -> BTreeSet<String> {
        let grants = self
            .out
            .grants
            .iter()
            .filter(|(_, g)| g.incident == incident);
        let subjects = grants.flat_map(|(id, grant)| {
            let actions = self.actions.get(id).copied().unwrap_or(0);
            let actions = (1..=actions).map(|n| format!("{}/{n}", grant.reference));
            std::iter::once(grant.reference.to_string()).chain(actions)
        });
        subjects.collect()
    }

    pub(super) fn cab_reviewed(&mut self, entry: At<'_>, d: &CabReviewed) {
        self.over(d.incident_id);
        if let Some(act) = self.act_on(entry, "decide_cab", d.incident_id)
            && let Command::DecideCab(args) = &act.statement().command
        {
            self.same(&[
                ("decision", args.decision == d.decision),
                ("document", is_document(act, d.document.0)),
                ("proxy", args.proxy == d.proxy),
                ("remark", args.remark == d.remark),
            ]);
            if d.proxy {
                self.leads_or(d.incident_id, act, Privilege::Command);
            } else {
                let may = self.may(&act.signer().person, act.authority(), Privilege::Cab);
                self.rule(may, "not_privileged", "it takes the privilege cab");
            }
        }
        let minutes = !d.proxy || d.document.0.is_some();
        self.rule(minutes, "minutes_missing", "a proxy brings the minutes");
        self.meet(d.incident_id, Obligation::CabReview, "");
    }

    pub(super) fn procedure_updated(&mut self, entry: At<'_>, d: &ProcedureUpdated) {
        self.over(d.incident_id);
        if let Some(act) = self.act_on(entry, "update_procedure", d.incident_id)
            && let Command::UpdateProcedure(args) = &act.statement().command
        {
            self.same(&[
                ("document", is_document(act, d.document.0)),
                ("reference", args.reference == d.reference),
                ("summary", args.summary == d.summary),
            ]);
            self.leads_or(d.incident_id, act, Privilege::Reviewer);
        }
        self.meet(d.incident_id, Obligation::ProcedureUpdate, "");
    }

    pub(super) fn access_reviewed(&mut self, entry: At<'_>, d: &AccessReviewed) {
        let act = entry.act("review_access");
        if let Some(act) = act
            && let Command::ReviewAccess(args) = &act.statement().command
        {
            let about = act.statement().object.id.as_str() == d.account.id.as_str();
            self.same(&[
                ("account", about),
                ("decision", args.decision == d.decision),
                ("entitled", args.entitled == d.entitled),
                ("incident", args.incident == d.incident_id),
                ("remark", args.remark == d.remark),
            ]);
            let (person, named) = (&act.signer().person, act.authority());
            let may = [Privilege::Account, Privilege::Reviewer]
                .into_iter()
                .any(|p| self.may(person, named, p));
            self.rule(may, "not_privileged", "it takes account or reviewer");
        }
        self.repeats(&[("account", self.has_account(&d.account))]);
        let signer = act.map(|act| &act.signer().person);
        match d.incident_id.0 {
            Some(incident) => self.access_after(incident, d, signer),
            None => self.access_every_quarter(d, signer),
        }
    }

    fn access_after(&mut self, id: IncidentId, d: &AccessReviewed, signer: Option<&PersonId>) {
        self.over(id);
        let account = &d.account.id;
        let used = self.used.contains_key(&(id, account.clone()));
        self.rule(used, "account_not_used", "it was not used under it");
        let mut grants = self.out.grants.values();
        let held =
            grants.any(|g| g.incident == id && g.account == *account && Some(&g.holder) == signer);
        self.rule(!held, "own_access", "nobody reviews their own access");
        let nobody = d.entitled.is_empty();
        let detail = "after an incident nobody's right to ask is decided on";
        self.rule(nobody, "review_incomplete", detail);
        self.rule(d.clocks.is_empty(), "clock_wrong", "no clock starts here");
        self.meet(id, Obligation::AccessReview, account.as_str());
    }

    fn access_every_quarter(&mut self, d: &AccessReviewed, signer: Option<&PersonId>) {
        let entitled = self.current().map(|a| entitled(&d.account.id, a));
        let entitled = entitled.unwrap_or_default();
        let own = signer.is_some_and(|person| entitled.contains(person));
        self.rule(!own, "own_access", "nobody reviews their own access");
        let decided: BTreeSet<&PersonId> = d.entitled.iter().map(|p| &p.person).collect();
        let all = decided == entitled && decided.len() == d.entitled.len();
        self.rule(
            all,
            "review_incomplete",
            "a quarterly review decides on everybody who may ask",
        );
        self.start_quarterly(&d.clocks, &[&d.account.id]);
    }

    /// The quarterly clocks an entry must start: one for each of these accounts, and no other.
    pub(super) fn start_quarterly(&mut self, clocks: &[Clock], accounts: &[&AccountId]) {
        let length = self.current().map(|a| a.clocks.quarterly_s);
        let now = self.now;
        // The duty of the first who may change accounts, else of the first root person.
        let owner = self.current().and_then(|a| {
            let holder = a.people.iter().find(|p| p.may(Privilege::Account));
            holder.map(|p| &p.person).or(a.roots.persons.first())
        });
        let fits = |clock: &Clock| {
            clock.obligation == Obligation::QuarterlyAccessReview
                && Some(&clock.owner) == owner
                && Some(clock.length_s) == length
                && clock.due_at == now.plus_s(clock.length_s)
        };
        let subjects: Vec<&str> = clocks.iter().map(|c| c.subject.as_str()).collect();
        let expected: Vec<&str> = accounts.iter().map(|a| a.as_str()).collect();
        let all = subjects == expected && clocks.iter().all(fits);
        self.rule(
            all,
            "clock_wrong",
            "each account has the clock of its next quarterly review",
        );
        for clock in clocks {
            if let Ok(account) = clock.subject.as_str().parse() {
                let duty = Duty {
                    owner: clock.owner.clone(),
                    started_at: now,
                    due_at: clock.due_at,
                    met_at: None,
                    waived_at: None,
                    status: Status::Open,
                };
                self.out.account_reviews.insert(account, duty);
            }
        }
    }

    /// Two people who took no part and whose duty it is not.
    pub(super) fn waived(&mut self, entry: At<'_>, d: &ObligationWaived) {
        self.not_closed(d.incident_id);
        if let Some((act, first)) = self.both(entry, "waive", d.incident_id)
            && let Command::Waive(args) = &act.statement().command
        {
            self.same(&[
                ("account_gone", args.account_gone == d.account_gone),
                ("obligation", args.obligation == d.obligation),
                ("reason", args.reason == d.reason),
                ("subject", args.subject == d.subject),
            ]);
            let second = &act.signer().person;
            let people = [&first, second];
            let named = d.waived_by.iter().map(|m| &m.person).eq(people);
            self.same(&[("waived_by", named)]);
            let called = d.waived_by.iter().all(|m| self.has_member(m));
            self.repeats(&[("waived_by", called)]);
            // That the first still may was judged when the two were brought together.
            let may = self.may(second, act.authority(), Privilege::Waive);
            self.rule(may, "not_privileged", "it takes the privilege waive");
            for person in people {
                self.took_no_part(d.incident_id, person);
                self.owes_nothing(d, person);
            }
        }
        let rotation = d.obligation == Obligation::CredentialRotation;
        let may_be = d.obligation != Obligation::IncidentResolved
            && d.obligation != Obligation::QuarterlyAccessReview
            && rotation == d.account_gone;
        self.rule(may_be, "not_waivable", "this duty is not let go like this");
        let key = super::DutyKey {
            incident: d.incident_id,
            obligation: d.obligation,
            subject: d.subject.clone(),
        };
        let now = self.now;
        let duty = self.out.duties.get_mut(&key);
        let open = duty.filter(|duty| duty.met_at.is_none() && duty.waived_at.is_none());
        let found = open.map(|duty| duty.waived_at = Some(now)).is_some();
        self.rule(found, "nothing_to_waive", "no such duty was open");
        if let (true, Ok(account)) = (d.account_gone, d.subject.as_str().parse::<AccountId>()) {
            // Whoever used it before waits for no rotation of what takes its place.
            self.to_rotate.remove(&account);
            let account = self.out.accounts.entry(account).or_default();
            account.version = 0;
            account.sealed = None;
        }
    }

    fn owes_nothing(&mut self, d: &ObligationWaived, person: &PersonId) {
        let owners = self
            .owners
            .get(&(d.incident_id, d.obligation, d.subject.clone()));
        let owes = owners.is_some_and(|owners| owners.contains(person));
        self.rule(!owes, "waived_by_owner", "nobody lets their own duty go");
    }

    pub(super) fn transferred(&mut self, entry: At<'_>, d: &CommandTransferred) {
        self.not_closed(d.incident_id);
        let led = self.commanders.insert(d.incident_id, d.to.clone());
        let from = led.as_ref() == Some(&d.from);
        self.rule(from, "not_the_commander", "somebody else led");
        let called = self.has_member(&d.to);
        self.repeats(&[("to", called)]);
        let act = self.act_on(entry, "transfer", d.incident_id);
        if let Some(act) = act
            && let Command::Transfer(args) = &act.statement().command
        {
            self.same(&[
                ("reason", args.reason == d.reason),
                ("to", args.to == d.to.principal),
            ]);
            if act.signer().person == d.from.person {
                self.settle(&act.statement().object.id);
            } else if let Some((act, first)) = self.both(entry, "transfer", d.incident_id) {
                let second = &act.signer().person;
                let may = self.may(second, act.authority(), Privilege::Command);
                self.rule(may, "not_privileged", "it takes the privilege command");
                // In the commander's place they led, if only for this one decision.
                for person in [&first, second] {
                    self.takes_part(d.incident_id, person);
                }
            }
        }
        self.takes_part(d.incident_id, &d.to.person);
        if let Some(incident) = self.out.incidents.get_mut(&d.incident_id) {
            incident.commander = d.to.person.clone();
        }
    }

    pub(super) fn closed(&mut self, entry: At<'_>, d: &IncidentClosed) {
        self.over(d.incident_id);
        if let Some(act) = self.act_on(entry, "close", d.incident_id) {
            let person = &act.signer().person;
            let leads = self.out.incidents.get(&d.incident_id);
            let leads = leads.is_some_and(|i| i.commander == *person);
            let may = leads || self.may(person, act.authority(), Privilege::Cab);
            self.rule(
                may,
                "closed_by_stranger",
                "the commander closes, or the board",
            );
        }
        let mut duties = self.out.duties.iter();
        let open = duties.any(|(key, duty)| {
            key.incident == d.incident_id && duty.met_at.is_none() && duty.waived_at.is_none()
        });
        self.rule(!open, "closed_too_early", "a duty was open");
        if let Some(incident) = self.out.incidents.get_mut(&d.incident_id) {
            incident.closed_at = Some(self.now);
        }
    }

    pub(super) fn reopened(&mut self, d: &IncidentReopened) {
        let known = self.late_facts.remove(&(d.incident_id, d.cause));
        self.rule(known, "reopened_for_nothing", "no late fact calls for it");
        if let Some(incident) = self.out.incidents.get_mut(&d.incident_id) {
            incident.closed_at = None;
        }
        self.starts(d.incident_id, &d.clocks, &[Obligation::PostIncidentReview]);
    }

    /// An action that a completed review had not seen opens the incident again.
    pub(super) fn late_fact(&mut self, incident: IncidentId, event: EventId) {
        let key = super::DutyKey {
            incident,
            obligation: Obligation::PostIncidentReview,
            subject: Line::default(),
        };
        let reviewed = self
            .out
            .duties
            .get(&key)
            .is_some_and(|d| d.met_at.is_some());
        let closed = self
            .out
            .incidents
            .get(&incident)
            .is_some_and(|i| i.closed_at.is_some());
        if reviewed || closed {
            self.late_facts.insert((incident, event));
        }
    }

    pub(super) fn takes_part(&mut self, incident: IncidentId, person: &PersonId) {
        let people = self.took_part.entry(incident).or_default();
        people.insert(person.clone());
    }

    fn took_no_part(&mut self, incident: IncidentId, person: &PersonId) {
        let part = self.took_part.get(&incident);
        let part = part.is_some_and(|people| people.contains(person));
        self.rule(
            !part,
            "judged_by_participant",
            "requesters, approvers, operators and commanders do not judge",
        );
    }

    /// A signed act whose object is this incident.
    fn act_on<'s>(
        &mut self,
        entry: At<'s>,
        command: &str,
        id: IncidentId,
    ) -> Option<&'s VerifiedAct> {
        let act = entry.act(command)?;
        let about = act.statement().object.id.as_str() == id.to_string();
        self.same(&[("incident", about)]);
        Some(act)
    }

    /// The act of the second of two people, and who the first was.
    fn both<'s>(
        &mut self,
        entry: At<'s>,
        command: &str,
        id: IncidentId,
    ) -> Option<(&'s VerifiedAct, PersonId)> {
        let act = self.act_on(entry, command, id)?;
        let first = self.first_of(act);
        self.rule(
            first.is_some(),
            "needs_two_people",
            "no other person signed the same before",
        );
        Some((act, first?))
    }

    fn leads_or(&mut self, incident: IncidentId, act: &VerifiedAct, privilege: Privilege) {
        let (person, named) = (&act.signer().person, act.authority());
        let may = self.commands(incident, person, named) || self.may(person, named, privilege);
        self.rule(
            may,
            "not_privileged",
            "it is for whoever leads, or may act so",
        );
    }

    fn not_closed(&mut self, id: IncidentId) -> Option<Incident> {
        let incident = self.incident(id)?;
        let closed = incident.closed_at.is_some();
        self.rule(!closed, "incident_closed", "the incident is closed");
        Some(incident)
    }

    fn over(&mut self, id: IncidentId) {
        let incident = self.not_closed(id);
        let resolved = incident.is_some_and(|i| i.resolved_at.is_some());
        self.rule(resolved, "incident_not_resolved", "the incident goes on");
    }
}

fn is_document(act: &VerifiedAct, stated: Option<breakglass_format::Digest>) -> bool {
    act.statement().documents.iter().copied().eq(stated)
}

/// Everybody who may ask for an account.
fn entitled<'a>(account: &AccountId, authority: &'a Authority) -> BTreeSet<&'a PersonId> {
    let about = authority
        .entitlements
        .iter()
        .filter(|e| e.accounts.contains(account));
    let groups: Vec<_> = about.flat_map(|e| &e.requesters).collect();
    let people = authority.people.iter();
    people
        .filter(|p| groups.iter().any(|g| p.in_group(g)))
        .map(|p| &p.person)
        .collect()
}
