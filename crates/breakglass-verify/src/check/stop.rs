//! Why a check goes no further.

use crate::{Finding, FolderError};

/// What ended a step before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This is wrong, and what comes after rests on it.
    Finding(Box<Finding>),
    /// Files cannot be read, so that there is no verdict.
    Files(FolderError),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Finding(Box::new(finding))
    }
}

impl From<FolderError> for Stop {
    fn from(error: FolderError) -> Self {
        Self::Files(error)
    }
}
