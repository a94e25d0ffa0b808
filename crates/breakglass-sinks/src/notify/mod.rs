//! Notices to people: by mail, and to a webhook that a chat or a pager reads.
//!
//! Telling is at least once: a message carries an id, by which a receiver knows it again.

pub mod smtp;
pub mod webhook;

use thiserror::Error;

/// What people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for the same notice, whatever is tried how often.
    pub id: String,
    /// One line.
    pub subject: String,
    /// A few lines, to be read on a telephone at night.
    pub text: String,
    /// Whom it is for, by principal.
    pub to: Vec<String>,
}

/// Why a message was not taken. The texts hold no address and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// The next hand could not be reached, or not in time.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// It says no.
    #[error("not taken: {0}")]
    Refused(String),
    /// It cannot be sent at all as it is configured.
    #[error("cannot be sent: {0}")]
    Unusable(String),
}

/// One line without control characters, for a header or a title.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
