//! C2SP tlog-witness: a log asks for a cosignature, and a witness decides whether to give it.
//!
//! Only what is pure: the bytes of both directions, the witness's decision ([`decide`]) and the
//! log's reading of the answer ([`read_answer`]). Sockets, clocks and what is durable are the
//! callers'.
//!
//! Stricter than the document in what [`Checkpoint`] is stricter in: the origin is the name of the
//! log's key, and there are no extension lines.

mod answer;
mod decide;

use crate::checkpoint::{self, CheckpointError, SignedCheckpoint};
use crate::hash::{Hash, HashError};
use crate::note::{
    KeyName, MAX_SIGNATURES, Note, NoteParseError, NoteSignature, SignatureLineError,
};
use crate::text;

pub use answer::{Answer, Asked, Received, read_answer};
pub use decide::{Decision, Refusal, Suspicion, decide};

#[cfg(doc)]
use crate::checkpoint::Checkpoint;

/// The most hashes a request may have: "the client MUST NOT send more than 63".
pub const MAX_REQUEST_HASHES: usize = 63;

/// The longest request that is read, in bytes. Witnesses of others read 16 KiB; ours leaves room
/// for the large signatures of other algorithms.
pub const MAX_REQUEST_LEN: usize = 64 * 1024;

/// The longest answer that is read, in bytes: a hundred lines with large signatures.
pub const MAX_ANSWER_LEN: usize = 512 * 1024;

/// The content type of an answer that tells a size.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// What the first line of a request starts with.
const OLD: &str = "old ";

/// A well-formed request. Nothing in it is to be believed before [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    note: Note,
    claim: Claim,
}

/// What the text of the note says. A size of 0 may claim any root: that is not malformed but
/// wrong, and has an answer of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    origin: KeyName,
    size: u64,
    root: Hash,
}

/// Why bytes are not a request. All of these are answered with 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// The request is longer than [`MAX_REQUEST_LEN`].
    #[error("a request of {got} bytes is longer than {MAX_REQUEST_LEN}")]
    TooLong {
        /// The length in bytes.
        got: usize,
    },
    /// What precedes the checkpoint is not UTF-8, or no empty line ends it.
    #[error("the request has no empty line before its checkpoint")]
    NoSeparator,
    /// The first line is not `old` and a canonical decimal.
    #[error("the request does not start with `old` and a size without leading zeros")]
    OldSize,
    /// There are more than [`MAX_REQUEST_HASHES`] hashes.
    #[error("a request has at most {MAX_REQUEST_HASHES} hashes, got {got}")]
    TooManyHashes {
        /// The number of hashes.
        got: usize,
    },
    /// A line of the proof is not a hash.
    #[error("hash {place} of the proof is malformed")]
    Hash {
        /// The place of the hash, from 1.
        place: usize,
        /// What is wrong with it.
        source: HashError,
    },
    /// The checkpoint is not a note.
    #[error("the checkpoint is no note: {0}")]
    Note(#[from] NoteParseError),
    /// The note is not a checkpoint.
    #[error("the note is no checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// Asks for a cosignature on a checkpoint, with the proof that it grew out of the tree of
    /// `old_size` leaves, the size that the witness has cosigned last.
    ///
    /// Of the lines of the checkpoint only those under the name of the log are sent: witnesses
    /// take little, and those of other witnesses are of no use to them.
    #[must_use]
    pub fn new(old_size: u64, proof: Vec<Hash>, checkpoint: &SignedCheckpoint) -> Self {
        let tree = checkpoint.checkpoint();
        Self {
            old_size,
            proof,
            note: checkpoint.note().only(|line| line.name() == tree.origin()),
            claim: Claim {
                origin: tree.origin().clone(),
                size: tree.size(),
                root: tree.root(),
            },
        }
    }

    /// Reads the spelling of [`AddCheckpoint::to_text`], and no other. Verifies nothing.
    ///
    /// # Errors
    /// [`AddCheckpointError`] for the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, AddCheckpointError> {
        if bytes.len() > MAX_REQUEST_LEN {
            return Err(AddCheckpointError::TooLong { got: bytes.len() });
        }
        let (head, note) = split_head(bytes).ok_or(AddCheckpointError::NoSeparator)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix(OLD))
            .and_then(text::decimal)
            .ok_or(AddCheckpointError::OldSize)?;
        let proof = parse_proof(&lines.collect::<Vec<_>>())?;
        let note = Note::parse(note)?;
        let (origin, size, root) = checkpoint::parse_lines(note.text())?;
        Ok(Self {
            old_size,
            proof,
            note,
            claim: Claim { origin, size, root },
        })
    }

    /// The body of the request.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{OLD}{}\n", self.old_size);
        for hash in &self.proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note.to_text());
        text
    }

    /// The log it claims to be of: by this a witness finds its keys and what it cosigned last.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.claim.origin
    }

    /// The size that the client believes the witness to have cosigned last.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The size of the checkpoint it brings.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.claim.size
    }
}

/// Why bytes are not the lines of a witness's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignaturesError {
    /// The answer is longer than [`MAX_ANSWER_LEN`], not UTF-8, or its last line does not end.
    #[error("the answer is not text whose lines end")]
    Text,
    /// There are more lines than a note can have, or none.
    #[error("an answer has 1 to {MAX_SIGNATURES} lines, got {got}")]
    Count {
        /// The number of lines.
        got: usize,
    },
    /// A line is not a signature line.
    #[error("line {line} is no signature line")]
    Line {
        /// The place of the line, from 1.
        line: usize,
        /// What is wrong with it.
        source: SignatureLineError,
    },
}

/// Reads the body of an answer with status 200: signature lines. Verifies nothing.
///
/// # Errors
/// [`CosignaturesError`] for the first rule that the bytes break.
pub fn parse_cosignatures(body: &[u8]) -> Result<Vec<NoteSignature>, CosignaturesError> {
    let text = Some(body)
        .filter(|body| body.len() <= MAX_ANSWER_LEN)
        .and_then(|body| std::str::from_utf8(body).ok());
    let text = text.ok_or(CosignaturesError::Text)?;
    let lines = text.strip_suffix('\n').ok_or(CosignaturesError::Text)?;
    let got = lines.split('\n').count();
    if got > MAX_SIGNATURES {
        return Err(CosignaturesError::Count { got });
    }
    (1..)
        .zip(lines.split('\n'))
        .map(|(line, text)| {
            NoteSignature::parse_line(text)
                .map_err(|source| CosignaturesError::Line { line, source })
        })
        .collect()
}

/// The body of an answer with status 200.
#[must_use]
pub fn cosignatures_to_text(lines: &[NoteSignature]) -> String {
    lines.iter().map(|line| line.line() + "\n").collect()
}

/// The body of an answer with status 409: the size that the witness has cosigned last.
#[must_use]
pub fn size_to_text(size: u64) -> String {
    format!("{size}\n")
}

/// Reads the spelling of [`size_to_text`], and no other.
#[must_use]
pub fn parse_size(body: &[u8]) -> Option<u64> {
    text::decimal(std::str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

/// Splits at the first empty line: the lines of the proof, and the checkpoint.
fn split_head(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(head).ok()?, rest.strip_prefix(b"\n\n")?))
}

fn parse_proof(lines: &[&str]) -> Result<Vec<Hash>, AddCheckpointError> {
    if lines.len() > MAX_REQUEST_HASHES {
        return Err(AddCheckpointError::TooManyHashes { got: lines.len() });
    }
    (1..)
        .zip(lines)
        .map(|(place, line)| {
            Hash::from_base64(line).map_err(|source| AddCheckpointError::Hash { place, source })
        })
        .collect()
}

#[cfg(test)]
mod tests;
