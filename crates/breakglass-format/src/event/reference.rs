//! Short references, as people type them.

use crate::spelled::spelled;

/// A short reference: `INC-7`, `R-12`, `G-4`, numbered in log order from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `INC-n`.
    Incident(u64),
    /// `R-n`.
    Request(u64),
    /// `G-n`.
    Grant(u64),
}

spelled!(Reference);

impl Reference {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Incident(n) | Self::Request(n) | Self::Grant(n) => n,
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Incident(n) => write!(f, "INC-{n}"),
            Self::Request(n) => write!(f, "R-{n}"),
            Self::Grant(n) => write!(f, "G-{n}"),
        }
    }
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (prefix, digits) = text.split_once('-').ok_or(ReferenceError)?;
        let number: u64 = digits.parse().map_err(|_| ReferenceError)?;
        let reference = match prefix {
            "INC" => Self::Incident(number),
            "R" => Self::Request(number),
            "G" => Self::Grant(number),
            _ => return Err(ReferenceError),
        };
        if number == 0 || reference.to_string() != text {
            return Err(ReferenceError);
        }
        Ok(reference)
    }
}

/// A text that is not a short reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reference like INC-7, R-12 or G-4")]
pub struct ReferenceError;

impl TryFrom<String> for Reference {
    type Error = ReferenceError;
    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}
