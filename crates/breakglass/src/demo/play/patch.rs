//! A critical security patch: the deployment goes first, the board is told afterwards; and what
//! becomes known later opens the incident again.

use breakglass_format::{
    act::{Declare, Record},
    vocabulary::Severity,
};

use super::{
    ACCOUNT, ActionWish, DemoError, Play, RequestWish, aftermath::Afterwards, line, name, parse,
    prose, step,
};

impl Play<'_> {
    pub(super) fn critical_patch(&mut self) -> Result<(), DemoError> {
        self.everybody_is_here()?;
        self.narrator
            .scene("A zero-day: the fix must be out tonight, past the usual pipeline");
        let incident = self.declared(Declare {
            commander: parse("erin")?,
            cves: vec![line("CVE-2026-31337")?],
            drill: false,
            justification: prose("The usual pipeline takes six hours; the exploit is public")?,
            scenario: name("critical-patch")?,
            service: line("shop")?,
            severity: Severity::Sev1,
            threat: prose("Anybody can read every order by a crafted cookie; seen in our logs")?,
            title: line("orders leak through a crafted cookie")?,
        })?;
        let fix = ActionWish {
            action: name("deployment_override")?,
            target: line("shop")?,
            artifact: line("2.4.2")?,
        };
        let grant = self.asked_twice(&incident, &fix)?;
        self.narrator
            .scene("The fix goes out: exactly what was approved, and nothing else");
        let other = ActionWish {
            artifact: line("2.4.1")?,
            ..fix.clone()
        };
        let elsewhere = self.alice.run(&grant.to_string(), other, None);
        self.told_no("Alice runs another release", elsewhere, "purpose_differs")?;
        self.run_planned(grant, fix)?;
        self.given_back(ACCOUNT, grant)?;
        self.house.skip_s(1800);
        let text = prose("2.4.2 went out past the pipeline tonight: CVE-2026-31337")?;
        let told = self.erin.notify_cab(&incident, line("phone")?, text);
        step("erin", "tell the board", told)?;
        let summary = prose("2.4.2 is out; the crafted cookie is refused")?;
        step("erin", "resolve", self.erin.resolve(&incident, summary))?;
        self.catch_up(true)?;
        self.not_closed_early(&incident)?;
        let after = Afterwards {
            incident: &incident,
            report_after_h: 2,
            report: "CVE-2026-31337 was exploited for an hour; 2.4.2 closes it",
            root_cause: "The framework trusted the cookie's length field",
            gap: None,
            access: Some("It was needed, and used for one deployment"),
            board: "Accepted; the board was told the same night",
        };
        self.aftermath(&after)?;
        self.closed(&incident)?;
        self.reopened(&incident, grant, &after)
    }

    /// Dave says no to a request that does not say enough; the next one says more, and its
    /// approvers see the no.
    fn asked_twice(
        &mut self,
        incident: &str,
        fix: &ActionWish,
    ) -> Result<breakglass_format::GrantId, DemoError> {
        let mut wish = RequestWish::credential(incident, ACCOUNT, prose("Deploy the fix")?);
        wish.action = Some(fix.clone());
        self.house.skip_s(60);
        let first = step("alice", "request", self.alice.request(&wish))?;
        let first = reference(&first)?;
        let no = prose("Which fix? Who built it? Say so in the request")?;
        step("dave", "deny", self.dave.deny(&first, no))?;
        self.house.skip_s(90);
        wish.justification = prose("2.4.2, built and signed by the release team at 02:10")?;
        let second = step("alice", "request again", self.alice.request(&wish))?;
        // An hour is enough, says Carol: the shortest time that anybody signed counts.
        self.agreed(&reference(&second)?, Some(3600))
    }

    /// A fact that the review had not seen opens the incident again, and calls for another review.
    fn reopened(
        &mut self,
        incident: &str,
        grant: breakglass_format::GrantId,
        after: &Afterwards<'_>,
    ) -> Result<(), DemoError> {
        self.narrator
            .scene("A day later Alice remembers something: the incident opens again");
        self.later(24 * 3600)?;
        self.everybody_is_here()?;
        let record = Record {
            action: name("deployment_override")?,
            description: prose("Restarted the cache by hand; the old cookie lived on in it")?,
            target: line("shop")?,
        };
        let recorded = self.alice.record(&grant.to_string(), record);
        step("alice", "record what she did", recorded)?;
        self.catch_up(true)?;
        let view = self.erin.client().incident(incident);
        let view = step("erin", "look at it", view.map_err(Into::into))?;
        self.review(&view.id, &view.to_review, after)?;
        step("erin", "close", self.erin.close(incident))?;
        self.catch_up(true)
    }
}

/// The reference of the request that was made.
pub(super) fn reference(outcome: &crate::actor::Outcome) -> Result<String, DemoError> {
    let requested = outcome.requested().map(|r| r.reference.to_string());
    requested.ok_or_else(|| DemoError::Fault("nothing was asked for".to_owned()))
}
