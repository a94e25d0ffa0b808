//! The hands that do what `plan` calls for, without anything outside to do it to.

use breakglass_core::{
    Command, Effect,
    command::{Claim, PlanReport, ProbeReport, RotationOutcome, RotationReport, RunReport, Stage},
    notice::Due,
    plan,
};
use breakglass_format::{
    AccountId, EventId, IncidentId, PersonId, RunId, Timestamp,
    entry::Recorded,
    error_class::ErrorClass,
    event::Delivery,
    vocabulary::{EffectKind, Occasion, RunState, Verdict},
};
use breakglass_statement::digest;

use crate::{
    harness::Given,
    people::{line, name},
    statements::{sealed, seen},
};

/// Everybody was told, or nobody could be.
#[must_use]
pub fn told(due: Due, sent: bool) -> Command {
    let delivery = |person: &PersonId| Delivery {
        channel: name("mail"),
        detail: line(if sent { "" } else { "421 try later" }),
        person: person.clone(),
        sent,
    };
    let deliveries = due.people.iter().map(delivery).collect();
    Command::Notified(due, deliveries)
}

/// What the worker says.
impl Given {
    /// The effects that are due, but for what people are to be told.
    #[must_use]
    pub fn due(&self) -> Vec<Effect> {
        let mut due = plan(self.world(), self.now());
        due.retain(|effect| !matches!(effect, Effect::Tell(_)));
        due
    }

    /// What people are to be told now.
    #[must_use]
    pub fn to_tell(&self) -> Vec<Due> {
        self.world().notices_due(self.now())
    }

    /// Tells everybody what they are to be told.
    ///
    /// # Panics
    ///
    /// The rules call for something and then refuse it.
    pub fn tell(&mut self) -> Vec<Recorded> {
        let mut recorded = Vec::new();
        while let Some(due) = self.to_tell().into_iter().next() {
            recorded.extend(self.must(&told(due, true)));
        }
        recorded
    }

    /// Does everything that is due, successfully, until nothing is.
    ///
    /// # Panics
    ///
    /// The rules call for something and then refuse it.
    pub fn work(&mut self) -> Vec<Recorded> {
        let mut recorded = Vec::new();
        while let Some(effect) = self.due().into_iter().next() {
            recorded.extend(match effect {
                Effect::Rotate { account, cause } => self.rotate_well(&account, cause),
                Effect::Advance { run, .. } => self.run_well(run),
                Effect::Tell(due) => self.must(&told(due, true)),
                Effect::Probe { incident, occasion } => {
                    let report = self.probed(incident, occasion, Verdict::Down);
                    self.must(&report)
                }
            });
        }
        recorded
    }

    /// The probes say something of the control plane.
    #[must_use]
    pub fn probed(&self, incident: IncidentId, occasion: Occasion, verdict: Verdict) -> Command {
        Command::Probed(ProbeReport {
            incident,
            occasion,
            observation: seen(verdict),
        })
    }

    fn rotate_well(&mut self, account: &AccountId, cause: EventId) -> Vec<Recorded> {
        let mut recorded = self.must(&claim_rotation(account, cause));
        let state = self.world().account(account).expect("an account");
        if state.staged.is_none() {
            let stage = self.stage(account, cause);
            recorded.extend(self.must(&stage));
        }
        let report = self.rotated(account, cause);
        recorded.extend(self.must(&report));
        recorded
    }

    fn run_well(&mut self, id: RunId) -> Vec<Recorded> {
        let run = self.world().run(&id).expect("a run");
        if run.attempts == 0 && !self.world().run_is_wanted(run, self.now()) {
            return self.must(&self.run_report(id, RunState::Cancelled));
        }
        if run.attempts == 0 && self.world().run_credential(run).is_none() {
            return self.must(&self.run_report(id, RunState::Failed));
        }
        let mut recorded = Vec::new();
        if run.attempts == 0 {
            let claim = self.claim_run(id);
            recorded.extend(self.must(&claim));
        }
        for state in [RunState::Dispatched, RunState::Running, RunState::Verified] {
            let report = self.run_report(id, state);
            recorded.extend(self.must(&report));
        }
        recorded
    }

    /// The claim of the rotation that an account waits for.
    ///
    /// # Panics
    ///
    /// It waits for none.
    #[must_use]
    pub fn claim_of(&self, account: &str) -> Command {
        let (account, cause) = self.waiting(account);
        claim_rotation(&account, cause)
    }

    /// The account, and the event that called for its rotation.
    ///
    /// # Panics
    ///
    /// It waits for none.
    #[must_use]
    pub fn waiting(&self, account: &str) -> (AccountId, EventId) {
        let account = crate::people::account(account);
        let state = self.world().account(&account).expect("an account");
        let rotation = state.rotation.as_ref().expect("a rotation");
        (account, rotation.cause)
    }

    /// The next credential of an account, sealed.
    #[must_use]
    pub fn stage(&self, account: &AccountId, cause: EventId) -> Command {
        let version = self.world().next_version(account);
        Command::Stage(Stage {
            account: account.clone(),
            cause,
            sealed: sealed(account.as_str(), version),
            version,
        })
    }

    /// The staged credential is proven.
    #[must_use]
    pub fn rotated(&self, account: &AccountId, cause: EventId) -> Command {
        let outcome = RotationOutcome::Rotated {
            evidence: digest(b"evidence"),
        };
        self.rotation_report(account, cause, outcome)
    }

    /// The staged credential is not proven; again at that time, or not before a person looked.
    #[must_use]
    pub fn rotation_failed(
        &self,
        account: &AccountId,
        cause: EventId,
        retry_at: Option<Timestamp>,
    ) -> Command {
        let outcome = RotationOutcome::Failed {
            class: match retry_at {
                Some(_) => ErrorClass::Transient,
                None => ErrorClass::Permanent,
            },
            detail: line("the target did not answer"),
            retry_after_s: retry_at.map(|at| at.since_ms(self.now()) / 1000),
        };
        self.rotation_report(account, cause, outcome)
    }

    fn rotation_report(
        &self,
        account: &AccountId,
        cause: EventId,
        outcome: RotationOutcome,
    ) -> Command {
        let state = self.world().account(account);
        let (current, staged) = (state.and_then(|a| a.current), state.and_then(|a| a.staged));
        Command::RotationReport(RotationReport {
            account: account.clone(),
            cause,
            version: staged.map_or(0, |s| s.version),
            replaced: current.map_or(0, |c| c.version),
            outcome,
        })
    }

    /// What a connector planned for the last access that was for a plan.
    ///
    /// # Panics
    ///
    /// There was none.
    #[must_use]
    pub fn planned(&self) -> Command {
        let mut log = self.log().iter().rev();
        let access = log.find(|r| self.whole().planning(&r.entry.event_id).is_some());
        let access = &access.expect("an access for a plan").entry;
        let act = self
            .accepted()
            .get(access.statement.as_ref().expect("a statement"));
        let Some(Command::Act(act, _)) = act else {
            panic!("no act asked for the plan");
        };
        Command::Planned(Box::new(PlanReport {
            act: (**act).clone(),
            access: access.event_id,
            plan: digest(b"plan"),
            document: digest(b"plan document"),
            summary: line("back to the release before"),
        }))
    }

    /// The claim of a run's dispatch.
    ///
    /// # Panics
    ///
    /// There is no such run.
    #[must_use]
    pub fn claim_run(&self, id: RunId) -> Command {
        let run = self.world().run(&id).expect("a run");
        Command::Claim(Claim {
            effect: EffectKind::Dispatch,
            account: run.account.id.clone(),
            cause: run.cause,
            run: Some(id),
            document: Some(digest(b"plan document")),
        })
    }

    /// What became of a run.
    #[must_use]
    pub fn run_report(&self, run: RunId, state: RunState) -> Command {
        Command::RunReport(RunReport {
            run,
            state,
            class: (state == RunState::Failed).then_some(ErrorClass::Permanent),
            detail: line("as the plane says"),
            handle: line("job-1"),
            evidence: Some(digest(b"evidence")),
        })
    }
}

/// The claim of a rotation.
#[must_use]
pub fn claim_rotation(account: &AccountId, cause: EventId) -> Command {
    Command::Claim(Claim {
        effect: EffectKind::Rotate,
        account: account.clone(),
        cause,
        run: None,
        document: None,
    })
}
