//! A system failure: the control plane must be verified unavailable, then the deployment goes
//! directly through the execution plane. And what happens when nobody answers, a duty runs out, or
//! two people let one go.

use breakglass_format::{
    act::Declare,
    vocabulary::{Obligation, Severity},
};

use super::{
    ACCOUNT, ActionWish, DemoError, Play, RequestWish, aftermath::Afterwards, line, name, parse,
    patch::reference, prose, step,
};
use crate::actor::Waiver;

impl Play<'_> {
    pub(super) fn system_failure(&mut self) -> Result<(), DemoError> {
        self.everybody_is_here()?;
        self.narrator
            .scene("The control plane: verified unavailable, or no way round it");
        let url = self.house.stage.control_plane.url();
        self.narrator
            .line(&format!("the normal way to deploy is behind {url}"));
        let incident = self.declared(Declare {
            commander: parse("erin")?,
            cves: Vec::new(),
            drill: false,
            justification: prose("Nothing can be published; the price feed breaks at noon")?,
            scenario: name("system-failure")?,
            service: line("shop")?,
            severity: Severity::Sev2,
            threat: prose("")?,
            title: line("the deployment control plane hangs")?,
        })?;
        self.wait_for_verdict(&incident, "up")?;
        self.catch_up(true)?;
        let deployment = ActionWish {
            action: name("direct_deployment")?,
            target: line("shop")?,
            artifact: line("2.4.3")?,
        };
        let mut wish = RequestWish::credential(&incident, ACCOUNT, prose("Deploy 2.4.3 by hand")?);
        wish.action = Some(deployment.clone());
        let early = self.alice.request(&wish);
        self.told_no(
            "Alice asks to go round a control plane that answers",
            early,
            "control_plane_up",
        )?;
        self.house.stage.control_plane.take_away();
        self.house.skip_s(90);
        let grant = self.nobody_answers(&wish)?;
        self.narrator
            .scene("Direct deployment; the probes are asked once more before anything leaves");
        let note = prose("The vendor is on the phone; nobody knows how long")?;
        step("erin", "note", self.erin.note(&incident, note))?;
        self.house.skip_s(120);
        self.run_planned(grant, deployment)?;
        self.given_back(ACCOUNT, grant)?;
        let summary = prose("2.4.3 is out; the control plane's disk was full, and is replaced")?;
        step("erin", "resolve", self.erin.resolve(&incident, summary))?;
        self.catch_up(true)?;
        self.not_closed_early(&incident)?;
        self.aftermath(&Afterwards {
            incident: &incident,
            report_after_h: 25,
            report: "The control plane's disk filled up; 2.4.3 went out without it",
            root_cause: "Nobody watched the disk that the control plane logs to",
            gap: None,
            access: None,
            board: "Accepted; watch that disk",
        })?;
        self.let_go(&incident)?;
        self.closed(&incident)
    }

    fn wait_for_verdict(&mut self, incident: &str, verdict: &str) -> Result<(), DemoError> {
        self.wait("the probe", |play| {
            let view = play.alice.client().incident(incident);
            let view = step("alice", "look at it", view.map_err(Into::into))?;
            let known = view.control_plane.and_then(|known| known.verdict);
            Ok(known.as_deref() == Some(verdict))
        })
    }

    /// An hour passes and nobody has answered; the request lapses, and is made again.
    fn nobody_answers(
        &mut self,
        wish: &RequestWish,
    ) -> Result<breakglass_format::GrantId, DemoError> {
        let first = step("alice", "request", self.alice.request(wish))?;
        let first = reference(&first)?;
        self.catch_up(true)?;
        self.house.skip_s(3600);
        self.wait("the lapse", |play| {
            let view = play.alice.client().request(&first);
            let view = step("alice", "look at it", view.map_err(Into::into))?;
            Ok(view.view.state == "lapsed")
        })?;
        let second = step("alice", "request again", self.alice.request(wish))?;
        self.agreed(&reference(&second)?, None)
    }

    /// Two people who took no part, and whose duty it is not, let a duty go.
    fn let_go(&mut self, incident: &str) -> Result<(), DemoError> {
        self.everybody_is_here()?;
        let waiver = Waiver {
            account_gone: false,
            obligation: Obligation::AccessReview,
            account: Some(parse(crate::demo::ACCOUNT_ID)?),
        };
        let why = prose("It was reviewed last week, after the zero-day")?;
        let proposed = self.grace.waive(incident, &waiver, why.clone());
        step("grace", "propose to let it go", proposed)?;
        self.house.skip_s(120);
        let mut heidi = self.house.actor("heidi")?;
        step("heidi", "agree", heidi.waive(incident, &waiver, why))?;
        self.catch_up(true)
    }
}
