//! What a log makes of a witness's answer.

use super::{SIZE_CONTENT_TYPE, parse_cosignatures, parse_size};
use crate::note::NoteSignature;

/// An answer as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// The status.
    pub status: u16,
    /// The content type, if there is one.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What it means, given that the proof sent was a right one between two trees of this log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Signature lines, to be verified.
    Cosigned(Vec<NoteSignature>),
    /// The witness has cosigned another size last than the client thought: ask again from there.
    Latest {
        /// That size.
        size: u64,
    },
    /// The witness has cosigned a larger tree of this log than the log itself has: the log was
    /// rolled back.
    RolledBack {
        /// The size that the witness saw.
        size: u64,
    },
    /// The witness has cosigned another tree of this log: the log is forked.
    Forked,
    /// Not now: asking again later may help.
    Later,
    /// Something is set up wrongly, here or there: the witness does not know the log (404) or its
    /// key (403), or does not read what was sent.
    Refused,
    /// It is not the answer of a witness.
    Malformed,
}

/// What was asked, as far as it matters for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The old size of the request.
    pub old_size: u64,
    /// The size of its checkpoint.
    pub size: u64,
    /// How many leaves the log has by now: at least `size`.
    pub log_size: u64,
}

/// Reads an answer.
///
/// - "Parse 409 only with the size content type": without it, and with an empty body, 409 is how
///   version 1.0.0 says that the roots of two trees of one size differ. So is a 409 that tells the
///   size both of the old tree and of the new one.
/// - 422 to a right proof says that the witness has another tree of the old size.
/// - A witness that is asked from the size which it then says to have cosigned last contradicts
///   itself, and is not believed.
#[must_use]
pub fn read_answer(received: &Received<'_>, asked: Asked) -> Answer {
    match received.status {
        200 => parse_cosignatures(received.body).map_or(Answer::Malformed, Answer::Cosigned),
        409 if received.content_type.is_some_and(is_size) => match parse_size(received.body) {
            Some(size) if size > asked.log_size => Answer::RolledBack { size },
            Some(size) if size != asked.old_size => Answer::Latest { size },
            Some(_) if asked.old_size == asked.size => Answer::Forked,
            Some(_) | None => Answer::Malformed,
        },
        409 if received.body.trim_ascii().is_empty() => Answer::Forked,
        422 => Answer::Forked,
        400 | 403 | 404 | 405 | 411 | 413 | 415 | 501 => Answer::Refused,
        408 | 425 | 429 | 500..=599 => Answer::Later,
        _ => Answer::Malformed,
    }
}

/// Parameters behind the type mean nothing.
fn is_size(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim_matches([' ', '\t'])
        .eq_ignore_ascii_case(SIZE_CONTENT_TYPE)
}
