//! Why a call to the outside failed.

use breakglass_format::{Line, error_class::ErrorClass};
use thiserror::Error;

use crate::Record;

/// A call that did not do what it should.
///
/// One type for all calls: what a caller decides by is the class, which is a closed list already,
/// and what a person reads is the detail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{class}: {detail}")]
pub struct Failure {
    /// What it means for the next call.
    pub class: ErrorClass,
    /// One line for people; holds no secret that we know.
    pub detail: Line,
    /// What was sent, answered and seen.
    pub record: Record,
}
