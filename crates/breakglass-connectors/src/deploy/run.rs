//! The course of a run: which call comes next, and what is to be recorded of it.
//!
//! A run begins with a durable claim. From then on the one thing that must not happen is that the
//! plane gets it twice because we forgot that it has it. So only the process that has just made
//! the claim dispatches unasked; whoever comes later, after a crash or a lost answer, asks the
//! plane first, and dispatches only when the plane says that it does not know the run.

use breakglass_format::{Line, error_class::ErrorClass, vocabulary::RunState};

use super::{Cancellation, Connector, Dispatch, Found, Progress, Reply, Run};
use crate::{Failure, Fields, Record};

/// Whether anything may have been sent under the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// No: it was made for this very step, or the connector has just said that the plane took
    /// nothing.
    Fresh,
    /// Perhaps: a step was made under it, or it was found after a start.
    Used,
}

/// Whether the run is to be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// No.
    No,
    /// Yes. The plane is asked at every step, which is harmless, until the run is over.
    Wanted,
}

/// What is known of a run.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// The run.
    pub run: Run<'a>,
    /// What may have been sent.
    pub claim: Claim,
    /// The state that was recorded last, if any.
    pub state: Option<RunState>,
    /// The handle that was recorded last; empty: none.
    pub handle: &'a Line,
    /// Whether it is to be cancelled.
    pub cancel: Cancel,
    /// Whether a verification that cannot be made this time is given up.
    pub last_verification: bool,
    /// Whether the credential that it was ordered with was replaced or cannot be opened. The plane is then asked
    /// without one, which does for a connector that has its own; nothing is sent any more, and what
    /// the plane does not tell now it will not tell later.
    pub without_credential: bool,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// Something new: record it, then step again unless it is final.
    Record(Progressed),
    /// Nothing new: step again later.
    Again {
        /// The claim for the next step of this process. After a restart it is [`Claim::Used`].
        claim: Claim,
        /// The class, where a call failed.
        class: Option<ErrorClass>,
        /// One line for people.
        detail: Line,
        /// Canonical JSON of what was sent, answered and seen.
        evidence: Vec<u8>,
    },
    /// The run is over.
    Nothing,
}

/// What is to be recorded: the data of `RUN_PROGRESSED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progressed {
    /// Where it stands.
    pub state: RunState,
    /// The class of a failure.
    pub class: Option<ErrorClass>,
    /// One line for people.
    pub detail: Line,
    /// What the plane calls it; empty: not known.
    pub handle: Line,
    /// Canonical JSON of what was sent, answered and seen.
    pub evidence: Vec<u8>,
}

/// The next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCall {
    /// Hand it to the plane.
    Dispatch,
    /// Ask whether the plane has it.
    Find,
    /// Ask how far it is.
    Poll,
    /// Ask to stop it.
    Cancel,
    /// None: it is cancelled before anything was sent.
    GiveUp,
    /// None: the run is over.
    Nothing,
}

/// Which call comes next. Pure.
#[must_use]
pub fn next_call(facts: &RunFacts<'_>) -> NextCall {
    if facts.state.is_some_and(RunState::is_final) {
        return NextCall::Nothing;
    }
    match (facts.state, facts.claim, facts.cancel) {
        (None, Claim::Fresh, Cancel::No) => NextCall::Dispatch,
        (None, Claim::Fresh, Cancel::Wanted) => NextCall::GiveUp,
        _ if facts.handle.is_empty() => NextCall::Find,
        (_, _, Cancel::Wanted) => NextCall::Cancel,
        (_, _, Cancel::No) => NextCall::Poll,
    }
}

/// Makes the next call and says what to record. At most three calls are made, and at
/// most one of them changes anything.
pub fn step(connector: &dyn Connector, facts: &RunFacts<'_>, fields: &Fields<'_>) -> StepOutcome {
    let mut step = Step {
        connector,
        facts,
        fields,
        calls: Vec::new(),
    };
    match next_call(facts) {
        NextCall::Dispatch if facts.without_credential => step.unsent(),
        NextCall::Dispatch => step.dispatch(),
        NextCall::Find => step.find(),
        NextCall::Poll => step.poll(),
        NextCall::Cancel => step.cancel(),
        NextCall::GiveUp => step.record(RunState::Cancelled, None, &text("nothing was sent")),
        NextCall::Nothing => StepOutcome::Nothing,
    }
}

struct Step<'a> {
    connector: &'a dyn Connector,
    facts: &'a RunFacts<'a>,
    fields: &'a Fields<'a>,
    calls: Vec<Record>,
}

impl Step<'_> {
    fn dispatch(&mut self) -> StepOutcome {
        match self.connector.dispatch(&self.facts.run, self.fields) {
            Ok(reply) => match self.keep(reply) {
                Dispatch::Accepted { handle } => {
                    self.record_with(RunState::Dispatched, None, &text("accepted"), handle)
                }
                Dispatch::AlreadyDone => self.verify(&text("there was nothing to do")),
            },
            Err(failure) => {
                let (class, detail) = self.keep_failure(failure);
                match class {
                    ErrorClass::Transient => StepOutcome::Again {
                        claim: Claim::Fresh,
                        class: Some(class),
                        detail,
                        evidence: self.evidence(),
                    },
                    ErrorClass::Ambiguous => self.doubt(class, detail),
                    ErrorClass::Permanent | ErrorClass::PolicyViolation => {
                        self.record(RunState::Failed, Some(class), &detail)
                    }
                }
            }
        }
    }

    fn find(&mut self) -> StepOutcome {
        match self.connector.find(&self.facts.run, self.fields) {
            Ok(reply) => match self.keep(reply) {
                Found::Present { handle } => self.record_with(
                    RunState::Dispatched,
                    None,
                    &text("the plane has it"),
                    handle,
                ),
                Found::Absent if self.facts.cancel == Cancel::No => {
                    if self.facts.without_credential {
                        return self.unsent();
                    }
                    self.dispatch()
                }
                Found::Absent => self.record(
                    RunState::Cancelled,
                    None,
                    &text("the plane does not have it"),
                ),
                Found::CannotTell { detail } => self.doubt(ErrorClass::Ambiguous, detail),
            },
            Err(failure) => {
                let (class, detail) = self.keep_failure(failure);
                self.doubt(class, detail)
            }
        }
    }

    fn poll(&mut self) -> StepOutcome {
        let run = &self.facts.run;
        match self.connector.poll(run, self.facts.handle, self.fields) {
            Ok(reply) => match self.keep(reply) {
                Progress::Running { detail } if self.is_known_to_run() => self.again(None, detail),
                Progress::Running { detail } => self.record(RunState::Running, None, &detail),
                Progress::Succeeded { detail } => self.verify(&detail),
                Progress::Failed { class, detail } => {
                    self.record(RunState::Failed, Some(class), &detail)
                }
                Progress::Cancelled { detail } => self.record(RunState::Cancelled, None, &detail),
            },
            Err(failure) => {
                let (class, detail) = self.keep_failure(failure);
                match class {
                    ErrorClass::Transient if !self.is_last_question() => {
                        self.again(Some(class), detail)
                    }
                    ErrorClass::Transient => self.doubt(class, detail),
                    // The plane no longer tells; that says nothing about what it did.
                    ErrorClass::Permanent | ErrorClass::PolicyViolation | ErrorClass::Ambiguous => {
                        self.doubt(class, detail)
                    }
                }
            }
        }
    }

    /// Asks, and looks what came of it. A plane that cannot cancel, or cannot say, goes on with
    /// the run, and so do we.
    fn cancel(&mut self) -> StepOutcome {
        let run = &self.facts.run;
        match self.connector.cancel(run, self.facts.handle, self.fields) {
            Ok(reply) => match self.keep(reply) {
                Cancellation::Cancelled => {
                    self.record(RunState::Cancelled, None, &text("cancelled at the plane"))
                }
                Cancellation::Asked | Cancellation::TooLate => self.poll(),
            },
            Err(failure) => {
                self.calls.push(failure.record);
                self.poll()
            }
        }
    }

    /// The plane says that it is done, or that there was nothing to do. Is it so?
    fn verify(&mut self, said: &Line) -> StepOutcome {
        match self.connector.verify(&self.facts.run, self.fields) {
            Ok(reply) => {
                let seen = self.keep(reply);
                let state = if seen.matches {
                    RunState::Verified
                } else {
                    RunState::Unverified
                };
                let detail = text(&format!("{said}; observed: {}", seen.observed));
                self.record(state, None, &detail)
            }
            Err(failure) => {
                let (class, detail) = self.keep_failure(failure);
                if class == ErrorClass::Transient && !self.facts.last_verification {
                    return self.again(Some(class), detail);
                }
                self.record(RunState::Unverified, Some(class), &detail)
            }
        }
    }

    /// Whether that it runs is nothing new.
    fn is_known_to_run(&self) -> bool {
        matches!(
            self.facts.state,
            Some(RunState::Running | RunState::Cancelling)
        )
    }

    fn keep<T>(&mut self, reply: Reply<T>) -> T {
        self.calls.push(reply.record);
        reply.value
    }

    fn keep_failure(&mut self, failure: Failure) -> (ErrorClass, Line) {
        self.calls.push(failure.record);
        (failure.class, failure.detail)
    }

    /// It may have happened. Recorded once; after that, there is nothing new.
    fn doubt(&mut self, class: ErrorClass, detail: Line) -> StepOutcome {
        let may_pass = class == ErrorClass::Transient && !self.is_last_question();
        if self.facts.without_credential && !may_pass {
            let detail = format!(
                "it may or may not have happened; its credential was replaced or cannot be opened, \
                 and the plane does not tell without; look there: {detail}"
            );
            return self.record(
                RunState::Failed,
                Some(ErrorClass::Ambiguous),
                &text(&detail),
            );
        }
        if self.facts.state == Some(RunState::Ambiguous) {
            self.again(Some(class), detail)
        } else {
            self.record(RunState::Ambiguous, Some(class), &detail)
        }
    }

    /// Whether there is no use in asking once more.
    fn is_last_question(&self) -> bool {
        self.facts.without_credential && self.facts.last_verification
    }

    /// Nothing was sent, and nothing can be: what is sent needs the credential that was released.
    fn unsent(&mut self) -> StepOutcome {
        let detail =
            "nothing was sent: its credential was replaced or cannot be opened; order it again";
        self.record(RunState::Failed, Some(ErrorClass::Permanent), &text(detail))
    }

    fn again(&mut self, class: Option<ErrorClass>, detail: Line) -> StepOutcome {
        StepOutcome::Again {
            claim: Claim::Used,
            class,
            detail,
            evidence: self.evidence(),
        }
    }

    fn record(&mut self, state: RunState, class: Option<ErrorClass>, detail: &Line) -> StepOutcome {
        self.record_with(state, class, detail, self.facts.handle.clone())
    }

    fn record_with(
        &mut self,
        state: RunState,
        class: Option<ErrorClass>,
        detail: &Line,
        handle: Line,
    ) -> StepOutcome {
        StepOutcome::Record(Progressed {
            state,
            class,
            detail: detail.clone(),
            handle,
            evidence: self.evidence(),
        })
    }

    fn evidence(&mut self) -> Vec<u8> {
        Record::new()
            .text("connector", self.connector.describe().as_str())
            .text("run_id", &self.facts.run.id.to_string())
            .records("calls", std::mem::take(&mut self.calls))
            .to_bytes()
    }
}

fn text(text: &str) -> Line {
    Line::lossy(text)
}

#[cfg(test)]
mod tests;
