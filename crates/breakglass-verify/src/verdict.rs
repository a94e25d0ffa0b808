//! What a check comes to: an outcome, the findings it rests on, an exit code.

use std::fmt;

use crate::derive::Derived;

/// What a finding means for the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; the evidence stands.
    Notice,
    /// A duty was not met in time; the evidence stands.
    Overdue,
    /// Older or smaller than was asked for.
    Stale,
    /// Something that is needed to judge is not here.
    CannotTell,
    /// Two histories of one log.
    Forked,
    /// Bytes, signatures or facts contradict each other.
    Tampered,
}

/// Something the check came upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// What it means for the outcome.
    pub level: Level,
    /// The entry it is about.
    pub index: Option<u64>,
    /// The file it is about.
    pub path: Option<String>,
    /// A sentence for people.
    pub detail: String,
}

impl Finding {
    /// A finding about no entry and no file in particular.
    pub(crate) fn new(level: Level, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            level,
            index: None,
            path: None,
            detail: detail.into(),
        }
    }

    /// That bytes, signatures or facts contradict each other.
    pub(crate) fn tampered(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Level::Tampered, code, detail)
    }

    /// Says which file it is about.
    pub(crate) fn at_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says which entry it is about.
    pub(crate) const fn at_entry(mut self, index: u64) -> Self {
        self.index = Some(index);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(index) = self.index {
            write!(f, " at entry {index}")?;
        }
        if let Some(path) = &self.path {
            write!(f, " in {path}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The evidence is what it claims to be, and so is the installation it claims to be of.
    Ok,
    /// Something was changed, or the record contradicts the rules that people signed.
    Tampered,
    /// The log has shown two histories.
    Forked,
    /// Something that is needed to judge is missing: the pin, a blob, a newer program.
    CannotTell,
    /// True, but older or smaller than was asked for.
    Stale,
}

impl Outcome {
    /// What findings add up to: the first that applies of tampered, forked, cannot tell, stale.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.level).max() {
            Some(Level::Tampered) => Self::Tampered,
            Some(Level::Forked) => Self::Forked,
            Some(Level::CannotTell) => Self::CannotTell,
            Some(Level::Stale) => Self::Stale,
            Some(Level::Overdue | Level::Notice) | None => Self::Ok,
        }
    }

    /// The exit code of `breakglass verify`, overdue duties aside.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Tampered => 4,
            Self::Forked => 5,
            Self::Stale => 6,
            Self::CannotTell => 7,
        }
    }

    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Tampered => "tampered",
            Self::Forked => "forked",
            Self::CannotTell => "cannot tell",
            Self::Stale => "stale",
        }
    }
}

/// How much was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Entries of the log.
    pub entries: u64,
    /// Versions of the authority, each with its signatures.
    pub authorities: u64,
    /// Statements whose signatures were verified, sessions included.
    pub statements: u64,
    /// Requests among them.
    pub requests: u64,
    /// Approvals among them.
    pub approvals: u64,
    /// Grants whose quorum was derived anew.
    pub grants: u64,
    /// Facts that people signed.
    pub signed: u64,
    /// Facts that one person attests and signed.
    pub attested: u64,
    /// Facts that the server asserts.
    pub asserted: u64,
}

/// How far the witnesses of a policy have cosigned the log: enough of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Entries under the checkpoint that they cosigned.
    pub entries: u64,
    /// Who did, in the order of the policy.
    pub by: Vec<Cosigner>,
}

/// A witness that cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigner {
    /// What the policy calls it.
    pub witness: String,
    /// When it says that it did, in POSIX seconds.
    pub time: u64,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// What it rests on, in the order of the checks.
    pub findings: Vec<Finding>,
    /// How much was checked.
    pub facts: Facts,
    /// What witnesses vouch for, where a policy was given and they are enough.
    pub cosigned: Option<Cosigned>,
    /// What the record adds up to; empty where the bytes did not get that far.
    pub derived: Derived,
}

impl Verdict {
    pub(crate) fn new(findings: Vec<Finding>, facts: Facts, derived: Derived) -> Self {
        Self {
            outcome: Outcome::of(&findings),
            findings,
            facts,
            cosigned: None,
            derived,
        }
    }

    /// The exit code. `strict`: an overdue duty in evidence that is otherwise fine makes 8.
    #[must_use]
    pub fn exit_code(&self, strict: bool) -> u8 {
        let overdue = self
            .findings
            .iter()
            .any(|finding| finding.level == Level::Overdue);
        if strict && overdue && self.outcome == Outcome::Ok {
            return 8;
        }
        self.outcome.exit_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_tampered_forked_cannot_tell_and_stale_counts() {
        let order = [
            (Level::Tampered, 4),
            (Level::Forked, 5),
            (Level::CannotTell, 7),
            (Level::Stale, 6),
            (Level::Overdue, 0),
            (Level::Notice, 0),
        ];
        for (n, (_, code)) in order.iter().enumerate() {
            let findings: Vec<Finding> = order
                .iter()
                .skip(n)
                .map(|(level, _)| Finding::new(*level, "x", ""))
                .collect();
            assert_eq!(Outcome::of(&findings).exit_code(), *code);
        }
    }

    #[test]
    fn only_a_strict_check_minds_overdue_duties() {
        let overdue = vec![Finding::new(Level::Overdue, "x", "")];
        let verdict = Verdict::new(overdue, Facts::default(), Derived::default());
        assert_eq!((verdict.exit_code(false), verdict.exit_code(true)), (0, 8));
    }
}
