//! What follows: reported, reviewed, decided, closed. Nothing is forgotten, and nothing is closed
//! before.

use breakglass_format::{
    Blank,
    act::{CompleteReview, ReviewAccess, Verdict},
    vocabulary::{AccessDecision, CabDecision, Judgement, Obligation},
};

use super::{DemoError, Play, line, prose, step};
use crate::draft;

/// What is said of an incident afterwards.
pub(super) struct Afterwards<'s> {
    /// The incident's reference.
    pub(super) incident: &'s str,
    /// After how many hours the report is filed.
    pub(super) report_after_h: i64,
    /// The report in a line.
    pub(super) report: &'s str,
    /// What the review found.
    pub(super) root_cause: &'s str,
    /// A gap that it found.
    pub(super) gap: Option<Gap<'s>>,
    /// Why the account is to be kept; without it the access review is somebody else's matter.
    pub(super) access: Option<&'s str>,
    /// What the board says.
    pub(super) board: &'s str,
}

/// A gap in the procedure, and how it is mended.
pub(super) struct Gap<'s> {
    pub(super) gap: &'s str,
    pub(super) follow_up: &'s str,
    pub(super) place: &'s str,
    pub(super) mended: &'s str,
}

impl Play<'_> {
    /// Nobody closes an incident while a duty is open.
    pub(super) fn not_closed_early(&mut self, incident: &str) -> Result<(), DemoError> {
        self.narrator
            .scene("The aftermath has owners and clocks; nobody closes the incident before");
        let early = self.erin.close(incident);
        self.told_no(
            "Erin closes the incident at once",
            early,
            "obligations_open",
        )
    }

    /// Reported, reviewed, mended where there is a gap, decided.
    pub(super) fn aftermath(&mut self, after: &Afterwards<'_>) -> Result<(), DemoError> {
        self.everybody_is_here()?;
        let incident = self.erin.client().incident(after.incident);
        let incident = step("erin", "look at it", incident.map_err(Into::into))?;
        let id = incident.id.as_str();
        let timeline = self.erin.client().timeline(id);
        let timeline = step("erin", "read the timeline", timeline.map_err(Into::into))?;
        let report = draft::report(&incident, &timeline).into_bytes();
        self.later(after.report_after_h * 3600)?;
        let filed = self.erin.file_report(id, prose(after.report)?, report);
        step("erin", "file the report", filed)?;
        self.later(14 * 3600)?;
        self.review(id, &incident.to_review, after)?;
        if let Some(gap) = &after.gap {
            self.house.skip_s(5 * 3600);
            let (place, mended) = (line(gap.place)?, prose(gap.mended)?);
            let updated = self.erin.update_procedure(id, place, mended, None);
            step("erin", "update the procedure", updated)?;
        }
        if let Some(why) = after.access {
            let reviews = incident.obligations.iter();
            let reviews = reviews.filter(|d| d.clock.obligation == Obligation::AccessReview);
            for duty in reviews {
                self.access(id, &duty.subject, why)?;
            }
        }
        self.later(24 * 3600)?;
        let remark = prose(after.board)?;
        let decided = self
            .grace
            .decide_cab(id, CabDecision::Accepted, remark, None);
        step("grace", "record the decision", decided)?;
        self.catch_up(true)
    }

    /// The last thing that happens to an incident.
    pub(super) fn closed(&mut self, incident: &str) -> Result<(), DemoError> {
        self.everybody_is_here()?;
        step("erin", "close", self.erin.close(incident))?;
        self.catch_up(true)?;
        self.duties(incident)
    }

    /// Hours pass. Whoever reads the log for us logs in again; signing takes no session.
    pub(super) fn later(&mut self, s: i64) -> Result<(), DemoError> {
        self.house.skip_s(s);
        step("frank", "log in again", self.frank.ensure_session())?;
        self.catch_up(true)
    }

    /// Frank took no part, so he may; Carol approved, so she may not.
    pub(super) fn review(
        &mut self,
        id: &str,
        subjects: &[String],
        after: &Afterwards<'_>,
    ) -> Result<(), DemoError> {
        let mut verdicts = Vec::new();
        for subject in subjects {
            verdicts.push(Verdict {
                remark: line("")?,
                subject: line(subject)?,
                verdict: Judgement::Justified,
            });
        }
        let (mut gaps, mut follow_ups) = (Vec::new(), Vec::new());
        if let Some(gap) = &after.gap {
            gaps.push(line(gap.gap)?);
            follow_ups.push(line(gap.follow_up)?);
        }
        let review = CompleteReview {
            follow_ups,
            gaps,
            root_cause: prose(after.root_cause)?,
            verdicts,
        };
        let completed = self.frank.complete_review(id, review, None);
        step("frank", "complete the review", completed)?;
        Ok(())
    }

    /// Nobody reviews their own access.
    fn access(&mut self, id: &str, account: &str, why: &str) -> Result<(), DemoError> {
        let incident = step("dave", "name the incident", self.dave.incident_id(id))?;
        let review = ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: Blank(Some(incident)),
            remark: prose(why)?,
        };
        let reviewed = self.dave.review_access(account, review);
        step("dave", "review the access", reviewed)?;
        Ok(())
    }

    fn duties(&mut self, id: &str) -> Result<(), DemoError> {
        let view = self.frank.client().incident(id);
        let view = step("frank", "look at the duties", view.map_err(Into::into))?;
        for duty in view.obligations {
            let what = duty.clock.obligation.as_str().replace('_', " ");
            let subject = match duty.subject.as_str() {
                "" => String::new(),
                subject => format!(" of {subject}"),
            };
            self.narrator
                .holds(&format!("{what}{subject}: {}", duty.status));
        }
        Ok(())
    }
}
