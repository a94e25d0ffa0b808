//! The two-phase rotation: look, change, prove the new, prove the old refused.
//!
//! The caller has stored the staged credential durably, sealed, before it comes here, and keeps
//! both until the outcome is [`Outcome::Rotated`]. So whatever happens in between, a crash
//! included, the credential that works is one of two that are known; and because the target is
//! looked at first, going through the procedure again is always right.

use breakglass_format::{Line, error_class::ErrorClass, event::AccountRef};

use crate::{
    Failure, Fields, Record,
    rotate::{Rotator, Verdict},
};

/// What is known, from the target itself and last, about whether it takes a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It took it.
    Yes,
    /// It refused it.
    No,
    /// It was not asked after the last change, or gave no clear answer.
    Unknown,
}

impl Accepted {
    /// The spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target took the staged credential and refused the old one, both seen in this call.
    Rotated {
        /// Canonical JSON of every step.
        evidence: Vec<u8>,
    },
    /// Not both was seen. The staged credential must be kept, and used for the next attempt.
    Failed {
        /// What it means for the next attempt. `ambiguous`: the change may have happened, and
        /// could not be read back; the next attempt looks first, as every attempt does.
        class: ErrorClass,
        /// One line for people.
        detail: Line,
        /// Canonical JSON of every step.
        evidence: Vec<u8>,
        /// Whether the target takes the staged credential.
        staged_accepted: Accepted,
        /// Whether the target takes the current credential.
        current_accepted: Accepted,
    },
}

/// Rotates from `current` to `staged`. Blocks for at most six calls of the rotator.
pub fn rotate(
    rotator: &dyn Rotator,
    account: &AccountRef,
    current: &Fields<'_>,
    staged: &Fields<'_>,
) -> Outcome {
    let mut course = Course {
        rotator,
        account,
        current,
        staged,
        steps: Vec::new(),
        staged_accepted: Accepted::Unknown,
        current_accepted: Accepted::Unknown,
    };
    let result = course.run();
    course.conclude(result)
}

/// Why the course ended early.
struct Setback {
    class: ErrorClass,
    detail: String,
}

impl Setback {
    fn new(class: ErrorClass, detail: &str) -> Self {
        Self {
            class,
            detail: detail.to_owned(),
        }
    }
}

#[derive(Clone, Copy)]
enum Which {
    Current,
    Staged,
}

struct Course<'a> {
    rotator: &'a dyn Rotator,
    account: &'a AccountRef,
    current: &'a Fields<'a>,
    staged: &'a Fields<'a>,
    steps: Vec<Record>,
    staged_accepted: Accepted,
    current_accepted: Accepted,
}

impl Course<'_> {
    fn run(&mut self) -> Result<(), Setback> {
        if self.current.same_as(self.staged) {
            let detail = "the staged credential is the current one";
            return Err(Setback::new(ErrorClass::Permanent, detail));
        }
        // An earlier attempt may have changed the target and died, or lost the answer. Refused is
        // what is to be expected otherwise, and one try is enough.
        if self.prove("look", Which::Staged, Verdict::Refused)? == Verdict::Refused {
            let change = self.change();
            self.new_accepted(change)?;
        }
        self.old_refused()
    }

    fn prove(&mut self, step: &str, which: Which, expect: Verdict) -> Result<Verdict, Setback> {
        let credential = match which {
            Which::Current => self.current,
            Which::Staged => self.staged,
        };
        let result = self.rotator.prove(self.account, credential, expect);
        let (seen, record, result) = match result {
            Ok(proof) => {
                let seen = match proof.seen {
                    Verdict::Accepted => Accepted::Yes,
                    Verdict::Refused => Accepted::No,
                };
                (seen, proof.record, Ok(proof.seen))
            }
            Err(failure) => {
                let (setback, record) = split(failure);
                (Accepted::Unknown, record, Err(setback))
            }
        };
        match which {
            Which::Current => self.current_accepted = seen,
            Which::Staged => self.staged_accepted = seen,
        }
        let record = record.text("step", step);
        self.steps.push(record.text("accepted", seen.as_str()));
        result
    }

    fn change(&mut self) -> Result<(), Setback> {
        let result = self.rotator.change(self.account, self.current, self.staged);
        // Whatever was seen before is no longer known.
        self.staged_accepted = Accepted::Unknown;
        self.current_accepted = Accepted::Unknown;
        let (record, result) = match result {
            Ok(record) => (record, Ok(())),
            Err(failure) => {
                let (setback, record) = split(failure);
                (record, Err(setback))
            }
        };
        self.steps.push(record.text("step", "change"));
        result
    }

    /// Reads back what the change did. The target's word counts, not the answer to the change: it
    /// may have been lost, or be wrong.
    fn new_accepted(&mut self, change: Result<(), Setback>) -> Result<(), Setback> {
        let seen = match self.prove("new accepted", Which::Staged, Verdict::Accepted) {
            Ok(Verdict::Accepted) => return Ok(()),
            Ok(Verdict::Refused) => Ok(()),
            Err(setback) => Err(setback),
        };
        // For the record, and for whoever reads it: does the old one work at least?
        let _ = self.prove("old still accepted", Which::Current, Verdict::Accepted);
        if self.current_accepted == Accepted::No {
            // A change that was still under way at the first look may have come through.
            let again = self.prove("new accepted after all", Which::Staged, Verdict::Accepted);
            if let Ok(Verdict::Accepted) = again {
                return Ok(());
            }
        }
        Err(match (change, seen) {
            _ if self.is_locked_out() => Setback::new(
                ErrorClass::Permanent,
                "the target refuses the staged and the current credential",
            ),
            (Ok(()), Ok(())) => Setback::new(
                ErrorClass::Transient,
                "the target confirmed the change and refuses the staged credential",
            ),
            (Err(change), Ok(()))
                if change.class == ErrorClass::Ambiguous
                    && self.current_accepted == Accepted::Yes =>
            {
                Setback {
                    class: ErrorClass::Transient,
                    detail: format!("it did not happen, as read back: {}", change.detail),
                }
            }
            (Err(change), _) => change,
            (Ok(()), Err(look)) => look,
        })
    }

    fn is_locked_out(&self) -> bool {
        (self.staged_accepted, self.current_accepted) == (Accepted::No, Accepted::No)
    }

    fn old_refused(&mut self) -> Result<(), Setback> {
        match self.prove("old refused", Which::Current, Verdict::Refused)? {
            Verdict::Refused => Ok(()),
            // Caches run out and replicas catch up; a target that checks nothing stays like this
            // until a person reads it.
            Verdict::Accepted => Err(Setback::new(
                ErrorClass::Transient,
                "the target takes the new credential and still takes the old one",
            )),
        }
    }

    fn conclude(self, result: Result<(), Setback>) -> Outcome {
        let record = Record::new()
            .text("account", &self.account.id.to_string())
            .text("rotator", self.rotator.describe().as_str())
            .text("staged_accepted", self.staged_accepted.as_str())
            .text("current_accepted", self.current_accepted.as_str())
            .records("steps", self.steps);
        match result {
            Ok(()) => Outcome::Rotated {
                evidence: record.text("outcome", "rotated").to_bytes(),
            },
            Err(Setback { class, detail }) => Outcome::Failed {
                class,
                evidence: record
                    .text("outcome", "failed")
                    .text("class", class.as_str())
                    .text("detail", &detail)
                    .to_bytes(),
                detail: Line::lossy(&detail),
                staged_accepted: self.staged_accepted,
                current_accepted: self.current_accepted,
            },
        }
    }
}

fn split(failure: Failure) -> (Setback, Record) {
    let detail = failure.detail.as_str();
    (Setback::new(failure.class, detail), failure.record)
}

#[cfg(test)]
mod tests;
