//! What `approval.v1@breakglass` and `denial.v1@breakglass` have in common: both answer exactly
//! the request that they carry.

use breakglass_format::{
    Digest,
    statement::{LogHead, Request, Statement as _},
};
use thiserror::Error;

use crate::{
    digest::digest,
    verified::{Signed, StatementError, Verified},
};

/// What in an approval or a denial makes no sense, whatever the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AnswerError {
    /// It carries another request than the one on file.
    #[error("answer carries the request {got}, on file is {expected}")]
    RequestDiffers {
        /// SHA-256 of the request on file.
        expected: Digest,
        /// SHA-256 of the request in the answer.
        got: Digest,
    },
    /// An approval for less than a minute or for more than was asked.
    #[error("approval is for {got} s, the request for {asked} s, at least {min} s are expected")]
    Duration {
        /// Seconds approved.
        got: i64,
        /// Seconds asked for.
        asked: i64,
        /// Seconds at least.
        min: i64,
    },
    /// A denial with a duration.
    #[error("denial has a duration of {got} s, which must be 0")]
    DenialDuration {
        /// Seconds.
        got: i64,
    },
    /// A denial without a reason.
    #[error("denial has no reason")]
    NoReason,
    /// A log of fewer than no entries.
    #[error("log has {got} entries")]
    LogSize {
        /// How many.
        got: i64,
    },
}

/// The request in the answer is the one on file, byte for byte. A value has one canonical
/// spelling, so its bytes inside the answer are the bytes it has alone.
pub(crate) fn check_request(carried: &Request, on_file: &[u8]) -> Result<Digest, StatementError> {
    let bytes = carried.to_bytes()?;
    if bytes == on_file {
        return Ok(digest(on_file));
    }
    Err(AnswerError::RequestDiffers {
        expected: digest(on_file),
        got: digest(&bytes),
    }
    .into())
}

pub(crate) fn check_log(log: &LogHead) -> Result<(), AnswerError> {
    if log.size < 0 {
        return Err(AnswerError::LogSize { got: log.size });
    }
    Ok(())
}

impl<S: Signed<Found = AnsweredRequest>> Verified<S> {
    /// SHA-256 of the request that is answered.
    #[must_use]
    pub const fn request_digest(&self) -> Digest {
        self.found().0
    }
}

/// The request that an approval or a denial was found to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredRequest(pub(crate) Digest);
