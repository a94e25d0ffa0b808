//! The steps after an incident, each a statement and the entry it causes. Alice led and asked, bob
//! and carol approved; dave reviews, erin sits on the board, and both may waive.

use breakglass_format::{
    Digest, Entry, Event, EventId, GrantId, IncidentId, Line,
    act::{
        Command, CompleteReview, DecideCab, FileReport, NoArgs, NotifyCab, PersonDecision, Record,
        ReviewAccess, Transfer, UpdateProcedure, Verdict, Waive,
    },
    canonical,
    event::{
        AccessReviewed, ActProposed, BreakGlassAction, CabNotified, CabReviewed, Clock,
        CommandTransferred, IncidentClosed, IncidentReopened, IncidentReportFiled,
        ObligationWaived, PostIncidentReviewCompleted, ProcedureUpdated,
    },
    vocabulary::{AccessDecision, ActionMode, CabDecision, Judgement, Obligation},
};
use serde_json::json;

use crate::{
    people::{account, member, person, principal, read, signer},
    scribe::{Said, Scribe, none, sha256},
    steps::{Asked, HOUR},
    story::{self, Told},
};

pub(crate) const DAY: i64 = 24 * HOUR;

/// Resolved, with everything done that closing takes.
pub(crate) fn settled() -> Told {
    let mut told = story::whole();
    let (log, incident) = (&mut told.log, told.incident);
    log.file_report("alice", incident, |_| {});
    let review = log.review(&[]);
    log.complete_review("dave", incident, review, |_| {});
    log.review_access("dave", incident, |_| {});
    log.decide_cab("erin", incident, false, |_| {});
    told
}

/// Settled, and closed by its commander.
pub(crate) fn closed() -> Told {
    let mut told = settled();
    told.log.close("alice", told.incident);
    told
}

/// A duty of the incident itself, let go.
pub(crate) fn waiver(obligation: Obligation) -> Waive {
    Waive {
        account_gone: false,
        obligation,
        reason: read("Nobody is left to do it."),
        subject: read(""),
    }
}

/// A duty about the account, let go.
pub(crate) fn waiver_of_account(obligation: Obligation, account_gone: bool) -> Waive {
    Waive {
        account_gone,
        subject: read(account().id.as_str()),
        ..waiver(obligation)
    }
}

impl Scribe {
    /// An act with one document beside it.
    fn act_on_paper(
        &mut self,
        by: &str,
        object: impl ToString,
        command: Command,
        paper: Option<&str>,
    ) -> (Said, Option<Digest>) {
        let paper = paper.map(|text| self.blob(text.as_bytes()));
        let said = self.act_with(by, object, command, |act| {
            act.documents = paper.into_iter().collect();
        });
        (said, paper)
    }

    /// A clock of somebody else than alice.
    pub(crate) fn clock_of(&self, owner: &str, of: Obligation, subject: &str, s: i64) -> Clock {
        Clock {
            owner: person(owner),
            ..self.clock(of, subject, s)
        }
    }

    pub(crate) fn notify_cab(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut CabNotified),
    ) {
        let args = NotifyCab {
            channel: read("telephone"),
            text: read("The patch goes out tonight."),
        };
        let said = self.act(by, incident, Command::NotifyCab(args.clone()));
        let mut notified = CabNotified {
            channel: args.channel,
            incident_id: incident,
            text: args.text,
        };
        change(&mut notified);
        self.caused(&said, notified);
    }

    pub(crate) fn file_report(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut IncidentReportFiled),
    ) {
        let args = FileReport {
            summary: read("A bad release was rolled back."),
        };
        let command = Command::FileReport(args.clone());
        let (said, paper) = self.act_on_paper(by, incident, command, Some("the report"));
        let before = self.count(|event| matches!(event, Event::IncidentReportFiled(_)));
        let mut filed = IncidentReportFiled {
            document: paper.unwrap(),
            incident_id: incident,
            summary: args.summary,
            version: before + 1,
        };
        change(&mut filed);
        self.caused(&said, filed);
    }

    /// A review of the one incident that calls every grant and every action justified, and finds
    /// these gaps.
    pub(crate) fn review(&self, gaps: &[&str]) -> CompleteReview {
        let mut subjects: Vec<(GrantId, String, u32)> = Vec::new();
        for bytes in &self.entries {
            let event = Entry::from_bytes(bytes).unwrap().event;
            if let Event::BreakGlassGranted(d) = event {
                subjects.push((d.grant_id, d.reference.to_string(), 0));
            } else if let Event::BreakGlassAction(d) = event {
                let grant = subjects.iter_mut().find(|(id, ..)| *id == d.grant_id);
                grant.unwrap().2 += 1;
            }
        }
        let subjects = subjects.into_iter().flat_map(|(_, reference, actions)| {
            let actions: Vec<String> = (1..=actions).map(|n| format!("{reference}/{n}")).collect();
            std::iter::once(reference).chain(actions)
        });
        let verdicts = subjects.map(|subject| Verdict {
            remark: read("It had to be."),
            subject: read(&subject),
            verdict: Judgement::Justified,
        });
        CompleteReview {
            follow_ups: vec![read("stage releases")],
            gaps: gaps.iter().map(|gap| read::<Line>(gap)).collect(),
            root_cause: read("The release was never tried with real prices."),
            verdicts: verdicts.collect(),
        }
    }

    pub(crate) fn complete_review(
        &mut self,
        by: &str,
        incident: IncidentId,
        args: CompleteReview,
        change: impl FnOnce(&mut PostIncidentReviewCompleted),
    ) {
        let command = Command::CompleteReview(args.clone());
        let (said, paper) = self.act_on_paper(by, incident, command, Some("the review"));
        let before = self.count(|event| matches!(event, Event::PostIncidentReviewCompleted(_)));
        let gaps = !args.gaps.is_empty();
        let clock = self.clock(Obligation::ProcedureUpdate, "", 7 * DAY);
        let mut reviewed = PostIncidentReviewCompleted {
            clocks: gaps.then_some(clock).into_iter().collect(),
            document: paper.into(),
            follow_ups: args.follow_ups,
            gaps: args.gaps,
            incident_id: incident,
            root_cause: args.root_cause,
            verdicts: args.verdicts,
            version: before + 1,
        };
        change(&mut reviewed);
        self.caused(&said, reviewed);
    }

    pub(crate) fn decide_cab(
        &mut self,
        by: &str,
        incident: IncidentId,
        proxy: bool,
        change: impl FnOnce(&mut CabReviewed),
    ) {
        self.decide_cab_with(by, incident, proxy, proxy.then_some("the minutes"), change);
    }

    pub(crate) fn decide_cab_with(
        &mut self,
        by: &str,
        incident: IncidentId,
        proxy: bool,
        paper: Option<&str>,
        change: impl FnOnce(&mut CabReviewed),
    ) {
        let args = DecideCab {
            decision: CabDecision::Accepted,
            proxy,
            remark: read("It had to be."),
        };
        let (said, paper) =
            self.act_on_paper(by, incident, Command::DecideCab(args.clone()), paper);
        let mut decided = CabReviewed {
            decision: args.decision,
            document: paper.into(),
            incident_id: incident,
            proxy,
            remark: args.remark,
        };
        change(&mut decided);
        self.caused(&said, decided);
    }

    pub(crate) fn update_procedure(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut ProcedureUpdated),
    ) {
        let args = UpdateProcedure {
            reference: read("wiki: Emergencies, section 3"),
            summary: read("Who may restart the shop."),
        };
        let command = Command::UpdateProcedure(args.clone());
        let (said, paper) = self.act_on_paper(by, incident, command, Some("the new text"));
        let mut updated = ProcedureUpdated {
            document: paper.into(),
            incident_id: incident,
            reference: args.reference,
            summary: args.summary,
        };
        change(&mut updated);
        self.caused(&said, updated);
    }

    /// The access to the account is reviewed after an incident.
    pub(crate) fn review_access(
        &mut self,
        by: &str,
        incident: IncidentId,
        change: impl FnOnce(&mut AccessReviewed),
    ) {
        self.review_access_with(by, Some(incident), &[], change);
    }

    /// The access to the account is reviewed, with a decision on each of these people.
    pub(crate) fn review_access_with(
        &mut self,
        by: &str,
        incident: Option<IncidentId>,
        people: &[&str],
        change: impl FnOnce(&mut AccessReviewed),
    ) {
        let decided = people.iter().map(|name| PersonDecision {
            decision: AccessDecision::Keep,
            person: person(name),
        });
        let args = ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: decided.collect(),
            incident: incident.into(),
            remark: read("It is still needed."),
        };
        let said = self.act(by, account().id, Command::ReviewAccess(args.clone()));
        let next = incident.is_none().then(|| self.quarterly_clock());
        let mut reviewed = AccessReviewed {
            account: account(),
            clocks: next.into_iter().collect(),
            decision: args.decision,
            entitled: args.entitled,
            incident_id: args.incident,
            remark: args.remark,
        };
        change(&mut reviewed);
        self.caused(&said, reviewed);
    }

    /// The first of two people signs something about an incident.
    pub(crate) fn proposes(&mut self, by: &str, incident: IncidentId, command: &Command) {
        let said = self.act(by, incident, command.clone());
        let agreement = json!({
            "args": command.args().unwrap(),
            "command": command.word(),
            "documents": [],
            "object": incident.to_string(),
        });
        let proposed = ActProposed {
            about: read("INC-1"),
            account: none(),
            agreement: sha256(&canonical::emit(&agreement).unwrap()),
            command: read(command.word()),
            incident_id: incident.into(),
            key: signer(by).key,
            until: self.now.plus_s(15 * 60),
        };
        self.caused(&said, proposed);
    }

    /// Two people let a duty go.
    pub(crate) fn waive(
        &mut self,
        by: [&str; 2],
        incident: IncidentId,
        args: &Waive,
        change: impl FnOnce(&mut ObligationWaived),
    ) {
        self.proposes(by[0], incident, &Command::Waive(args.clone()));
        self.waived(by, incident, args, change);
    }

    /// The second of two people lets a duty go.
    pub(crate) fn waived(
        &mut self,
        by: [&str; 2],
        incident: IncidentId,
        args: &Waive,
        change: impl FnOnce(&mut ObligationWaived),
    ) {
        let said = self.act(by[1], incident, Command::Waive(args.clone()));
        let mut waived = ObligationWaived {
            account_gone: args.account_gone,
            incident_id: incident,
            obligation: args.obligation,
            reason: args.reason.clone(),
            subject: args.subject.clone(),
            waived_by: by.map(member).to_vec(),
        };
        change(&mut waived);
        self.caused(&said, waived);
    }

    pub(crate) fn transfer(
        &mut self,
        by: &str,
        [from, to]: [&str; 2],
        incident: IncidentId,
        change: impl FnOnce(&mut CommandTransferred),
    ) {
        let args = to_lead(to);
        let said = self.act(by, incident, Command::Transfer(args.clone()));
        let mut transferred = CommandTransferred {
            from: member(from),
            incident_id: incident,
            reason: args.reason,
            to: member(to),
        };
        change(&mut transferred);
        self.caused(&said, transferred);
    }

    pub(crate) fn close(&mut self, by: &str, incident: IncidentId) {
        let said = self.act(by, incident, Command::Close(NoArgs {}));
        let incident_id = incident;
        self.caused(&said, IncidentClosed { incident_id });
    }

    /// Somebody documents an action of a grant, with the enrolled key.
    pub(crate) fn late(
        &mut self,
        by: &str,
        incident: IncidentId,
        grant: GrantId,
        asked: &Asked,
    ) -> EventId {
        let args = Record {
            action: read("rollback"),
            description: read("The cache was emptied as well."),
            target: read("checkout"),
        };
        let said = self.act(by, grant, Command::Record(args.clone()));
        let action = BreakGlassAction {
            account: account(),
            action: args.action,
            artifact: read(""),
            description: args.description,
            grant_id: grant,
            incident_id: incident,
            justification: asked.request.justification.clone(),
            mode: ActionMode::Recorded,
            plan: none(),
            run_id: none(),
            target: args.target,
        };
        self.caused(&said, action)
    }

    /// The server opens the incident again, for what became known.
    pub(crate) fn reopen(
        &mut self,
        incident: IncidentId,
        cause: EventId,
        change: impl FnOnce(&mut IncidentReopened),
    ) {
        let mut reopened = IncidentReopened {
            cause,
            clocks: vec![self.clock_of("dave", Obligation::PostIncidentReview, "", 2 * DAY)],
            incident_id: incident,
        };
        change(&mut reopened);
        self.server(reopened);
    }
}

impl Told {
    /// Somebody documents an action of the grant.
    pub(crate) fn late(&mut self, by: &str) -> EventId {
        let (incident, grant) = (self.incident, self.grant);
        self.log.late(by, incident, grant, &self.asked)
    }
}

/// Somebody else is to lead.
pub(crate) fn to_lead(to: &str) -> Transfer {
    Transfer {
        reason: read("Alice has been up for twenty hours."),
        to: principal(to),
    }
}
