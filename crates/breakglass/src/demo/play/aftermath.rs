//! What follows: reported, reviewed, decided, closed. Nothing is forgotten, and nothing is closed
//! before.

use breakglass_format::{
    Blank,
    act::{CompleteReview, ReviewAccess, Verdict},
    vocabulary::{AccessDecision, CabDecision, Judgement},
};

use super::{ACCOUNT, ActorError, DemoError, Play, line, prose, step};
use crate::{draft, hint::Failure};

impl Play<'_> {
    pub(super) fn aftermath(&mut self) -> Result<(), DemoError> {
        self.narrator
            .scene("The aftermath has owners and clocks; nobody closes the incident before");
        let incident = self.erin.client().incident("INC-1");
        let incident = step("erin", "look at it", incident.map_err(Into::into))?;
        let id = incident.id.as_str();
        let early = self.erin.close(id);
        self.told_no(
            "Erin closes the incident at once",
            early,
            "obligations_open",
        )?;
        let timeline = self.erin.client().timeline(id);
        let timeline = step("erin", "read the timeline", timeline.map_err(Into::into))?;
        let report = draft::report(&incident, &timeline).into_bytes();
        let summary = prose("Release 2.4.1 broke payments; rolled back to 2.4.0")?;
        self.later(3 * 3600)?;
        let filed = self.erin.file_report(id, summary, report);
        step("erin", "file the report", filed)?;
        self.later(14 * 3600)?;
        self.review(id, &incident.to_review)?;
        self.house.skip_s(5 * 3600);
        let updated = self.erin.update_procedure(
            id,
            line("runbook: releases, step 4")?,
            prose("Migrations are tried with a copy of real prices first")?,
            None,
        );
        step("erin", "update the procedure", updated)?;
        self.access(id)?;
        self.later(24 * 3600)?;
        let remark = prose("Accepted; the rollback was the only way")?;
        let decided = self
            .grace
            .decide_cab(id, CabDecision::Accepted, remark, None);
        step("grace", "record the decision", decided)?;
        step("erin", "close", self.erin.close(id))?;
        self.catch_up(true)?;
        self.duties(id)
    }

    /// Hours pass. Whoever reads the log for us logs in again; signing takes no session.
    fn later(&mut self, s: i64) -> Result<(), DemoError> {
        self.house.skip_s(s);
        step("frank", "log in again", self.frank.ensure_session())?;
        self.catch_up(true)
    }

    /// Frank took no part, so he may; Carol approved, so she may not.
    fn review(&mut self, id: &str, subjects: &[String]) -> Result<(), DemoError> {
        let mut verdicts = Vec::new();
        for subject in subjects {
            verdicts.push(Verdict {
                remark: line("")?,
                subject: line(subject)?,
                verdict: Judgement::Justified,
            });
        }
        let review = CompleteReview {
            follow_ups: vec![line("try migrations with a copy of real prices")?],
            gaps: vec![line("nobody had to try a migration before a release")?],
            root_cause: prose("The migration of 2.4.1 drops prices in foreign currency")?,
            verdicts,
        };
        let completed = self.frank.complete_review(id, review, None);
        step("frank", "complete the review", completed)?;
        Ok(())
    }

    /// Nobody reviews their own access.
    fn access(&mut self, id: &str) -> Result<(), DemoError> {
        let incident = step("dave", "name the incident", self.dave.incident_id(id))?;
        let review = ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: Blank(Some(incident)),
            remark: prose("Without it nobody could have rolled the shop back")?,
        };
        let reviewed = self.dave.review_access(ACCOUNT, review);
        step("dave", "review the access", reviewed)?;
        Ok(())
    }

    fn told_no<T>(
        &mut self,
        attempt: &str,
        came_to: Result<T, ActorError>,
        expected: &str,
    ) -> Result<(), DemoError> {
        let Err(error) = came_to else {
            return Err(DemoError::Fault(format!("{attempt}: nobody said no")));
        };
        let failure = Failure::from(error);
        if failure.code() != expected {
            let found = format!(
                "{attempt}: refused as {}, not as {expected}",
                failure.code()
            );
            return Err(DemoError::Fault(found));
        }
        self.narrator
            .refused(attempt, failure.code(), failure.message());
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
