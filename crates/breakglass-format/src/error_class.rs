//! What a failed call to the outside means for the next one.

use serde::{Deserialize, Serialize};

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// It did not happen, and may work later: try again.
    Transient,
    /// It did not happen and will not: a person has to look.
    Permanent,
    /// The other side's rules forbid it.
    PolicyViolation,
    /// It may have happened: look before doing anything again.
    Ambiguous,
}

impl ErrorClass {
    /// The spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::PolicyViolation => "policy_violation",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl std::fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
