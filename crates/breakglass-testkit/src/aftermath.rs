//! Acts that follow an incident, ready to be submitted, and an aftermath done to the end.

use breakglass_core::Command;
use breakglass_format::{
    IncidentId,
    act::{
        Command as Act, CompleteReview, DecideCab, FileReport, NoArgs, NotifyCab, PersonDecision,
        ReviewAccess, Transfer, UpdateProcedure, Verdict, Waive,
    },
    authority::Authority,
    statement::AuthorityRef,
    vocabulary::{AccessDecision, CabDecision, Judgement, Obligation},
};
use breakglass_statement::digest;

use crate::{
    harness::{Given, digest_of},
    people::{ERIN, FRANK, GRACE, Hand, OSCAR, account, line, person_id, prose},
};

/// A review that calls everything justified and finds these gaps.
#[must_use]
pub fn review(given: &Given, gaps: &[&str]) -> CompleteReview {
    review_of(given, given.incident(), gaps)
}

/// [`review`] of an incident.
///
/// # Panics
///
/// There is no such incident.
#[must_use]
pub fn review_of(given: &Given, incident: IncidentId, gaps: &[&str]) -> CompleteReview {
    let world = given.world();
    let incident = world.incident(&incident).expect("an incident");
    let subjects = world.subjects_of_review(incident);
    let verdicts = subjects.iter().map(|subject| Verdict {
        remark: line(""),
        subject: line(subject),
        verdict: Judgement::Justified,
    });
    CompleteReview {
        follow_ups: vec![line("stage releases")],
        gaps: gaps.iter().map(|gap| line(gap)).collect(),
        root_cause: prose("The release was never tried with real prices."),
        verdicts: verdicts.collect(),
    }
}

/// A waiver of a duty of the incident itself.
#[must_use]
pub fn waiver(obligation: Obligation) -> Waive {
    Waive {
        account_gone: false,
        obligation,
        reason: prose("Nobody is left to do it."),
        subject: line(""),
    }
}

/// A waiver of a duty about an account, which is gone or not.
#[must_use]
pub fn waiver_of(obligation: Obligation, of: &str, account_gone: bool) -> Waive {
    Waive {
        account_gone,
        subject: line(of),
        ..waiver(obligation)
    }
}

impl Given {
    /// `transfer`.
    pub fn transfer(&mut self, hand: Hand, to: &str) -> Command {
        let args = Transfer {
            reason: prose("Erin has been up for twenty hours."),
            to: to.parse().expect("a principal"),
        };
        self.act(hand, self.incident(), Act::Transfer(args))
    }

    /// `notify_cab`.
    pub fn notify_cab(&mut self, hand: Hand) -> Command {
        let args = NotifyCab {
            channel: line("telephone"),
            text: prose("The patch goes out tonight."),
        };
        self.act(hand, self.incident(), Act::NotifyCab(args))
    }

    /// `file_report`, with so many documents.
    pub fn file_report_with(&mut self, hand: Hand, documents: &[&str]) -> Command {
        let args = FileReport {
            summary: prose("A bad release was rolled back."),
        };
        let incident = self.incident();
        self.act_with(hand, incident, Act::FileReport(args), |act| {
            act.documents = documents.iter().map(|d| digest(d.as_bytes())).collect();
        })
    }

    /// `file_report`.
    pub fn file_report(&mut self, hand: Hand) -> Command {
        self.file_report_with(hand, &["the report"])
    }

    /// `complete_review`.
    pub fn complete_review(&mut self, hand: Hand, args: CompleteReview) -> Command {
        self.act(hand, self.incident(), Act::CompleteReview(args))
    }

    /// `decide_cab`, as a member of the board or on its behalf, with so many documents.
    pub fn decide_cab(&mut self, hand: Hand, proxy: bool, documents: &[&str]) -> Command {
        let args = DecideCab {
            decision: CabDecision::Accepted,
            proxy,
            remark: prose("It had to be."),
        };
        let incident = self.incident();
        self.act_with(hand, incident, Act::DecideCab(args), |act| {
            act.documents = documents.iter().map(|d| digest(d.as_bytes())).collect();
        })
    }

    /// `review_access`, after an incident.
    pub fn review_access(&mut self, hand: Hand, of: &str, incident: IncidentId) -> Command {
        let args = ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: incident.into(),
            remark: prose("It is still needed."),
        };
        self.act(hand, account(of), Act::ReviewAccess(args))
    }

    /// `review_access`, quarterly, with a decision on each of these people.
    pub fn review_quarterly(&mut self, hand: Hand, of: &str, people: &[&str]) -> Command {
        let decided = people.iter().map(|person| PersonDecision {
            decision: AccessDecision::Keep,
            person: person_id(person),
        });
        let args = ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: decided.collect(),
            incident: None.into(),
            remark: prose("Both are still on call."),
        };
        self.act(hand, account(of), Act::ReviewAccess(args))
    }

    /// `update_procedure`.
    pub fn update_procedure(&mut self, hand: Hand) -> Command {
        let args = UpdateProcedure {
            reference: line("wiki: Emergencies, section 3"),
            summary: prose("Who may restart the shop."),
        };
        self.act(hand, self.incident(), Act::UpdateProcedure(args))
    }

    /// `waive`.
    pub fn waive(&mut self, hand: Hand, args: Waive) -> Command {
        self.act(hand, self.incident(), Act::Waive(args))
    }

    /// `waive`, naming an older version of the authority.
    pub fn waive_under(&mut self, hand: Hand, args: Waive, authority: &Authority) -> Command {
        let incident = self.incident();
        self.act_with(hand, incident, Act::Waive(args), |act| {
            act.authority = AuthorityRef {
                digest: Some(digest_of(authority)).into(),
                version: authority.version,
            };
        })
    }

    /// `close`.
    pub fn close(&mut self, hand: Hand) -> Command {
        self.act(hand, self.incident(), Act::Close(NoArgs {}))
    }

    /// Resolved, rotated, reported, reviewed and decided: only closing is left.
    #[must_use]
    pub fn settled() -> Self {
        let mut given = Self::resolved();
        given.work();
        given.sleep_s(60);
        let settle: [fn(&mut Self) -> Command; 4] = [
            |g| g.file_report(ERIN),
            |g| {
                let review = review(g, &[]);
                g.complete_review(FRANK, review)
            },
            |g| {
                let incident = g.incident();
                g.review_access(GRACE, crate::people::SHOP, incident)
            },
            |g| g.decide_cab(OSCAR, false, &[]),
        ];
        for act in settle {
            let act = act(&mut given);
            given.must(&act);
            given.sleep_s(60);
        }
        given
    }

    /// Erin closed the incident.
    #[must_use]
    pub fn closed() -> Self {
        let mut given = Self::settled();
        let close = given.close(ERIN);
        given.must(&close);
        given
    }
}
