//! C2SP tlog-proof@v1: everything needed to check offline that an entry is in a log.

use crate::checkpoint::{OpenError, SignedCheckpoint};
use crate::hash::{Hash, HashError, leaf_hash};
use crate::note::{MAX_NOTE_LEN, Note, NoteParseError, VerifierKey};
use crate::proof::{InclusionError, verify_inclusion};
use crate::text;

/// The first line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// What the line of the extra data starts with.
const EXTRA: &str = "extra ";
/// What the line of the index starts with.
const INDEX: &str = "index ";

/// The most hashes a path in a tree of 64-bit size can have.
pub const MAX_PROOF_LEN: usize = 64;

/// The longest proof that is read, in bytes: as much again for extra data as for the checkpoint.
pub const MAX_BUNDLE_LEN: usize = 2 * MAX_NOTE_LEN;

/// A well-formed proof. Nothing in it is to be believed before [`ProofBundle::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofBundle {
    extra: Vec<u8>,
    index: u64,
    proof: Vec<Hash>,
    checkpoint: Note,
}

/// Why bytes are not a proof bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleParseError {
    /// The bundle is longer than [`MAX_BUNDLE_LEN`].
    #[error("a proof of {got} bytes is longer than {MAX_BUNDLE_LEN}")]
    TooLong {
        /// The length in bytes.
        got: usize,
    },
    /// What precedes the checkpoint is not UTF-8, or no empty line ends it.
    #[error("the proof has no empty line before its checkpoint")]
    NoSeparator,
    /// The first line is another one.
    #[error("the proof does not start with the line {HEADER:?}")]
    Header,
    /// The extra data is not canonical base64 of at least one byte.
    #[error("the extra data is not canonical base64 of at least one byte")]
    Extra,
    /// The index line is missing or not a canonical decimal.
    #[error("the proof has no index, or one with leading zeros")]
    Index,
    /// A line of the Merkle proof is not a hash.
    #[error("hash {place} of the proof is malformed")]
    Hash {
        /// The place of the hash, from 1.
        place: usize,
        /// What is wrong with it.
        source: HashError,
    },
    /// There are more than [`MAX_PROOF_LEN`] hashes.
    #[error("a proof has at most {MAX_PROOF_LEN} hashes, got {got}")]
    TooManyHashes {
        /// The number of hashes.
        got: usize,
    },
    /// The checkpoint is not a note.
    #[error("the checkpoint of the proof is malformed")]
    Checkpoint(#[from] NoteParseError),
}

/// Why a well-formed proof does not show that the entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleVerifyError {
    /// The checkpoint is not one of this log.
    #[error(transparent)]
    Checkpoint(#[from] OpenError),
    /// The entry is not in the tree at that index.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
}

/// What a proof has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The index of the entry in the log.
    pub index: u64,
    /// The checkpoint it is under. Cosignatures are not judged: see
    /// [`SignedCheckpoint::verify_signatures`].
    pub checkpoint: SignedCheckpoint,
}

impl ProofBundle {
    /// The proof of entry `index` under a checkpoint, with its inclusion proof.
    #[must_use]
    pub fn new(index: u64, proof: Vec<Hash>, checkpoint: &SignedCheckpoint) -> Self {
        Self {
            extra: Vec::new(),
            index,
            proof,
            checkpoint: checkpoint.note().clone(),
        }
    }

    /// The same proof with extra data, which nothing authenticates.
    #[must_use]
    pub fn with_extra(mut self, extra: Vec<u8>) -> Self {
        self.extra = extra;
        self
    }

    /// Reads the spelling of [`ProofBundle::to_text`], and no other. Verifies nothing.
    ///
    /// # Errors
    /// [`BundleParseError`] for the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleParseError> {
        if bytes.len() > MAX_BUNDLE_LEN {
            return Err(BundleParseError::TooLong { got: bytes.len() });
        }
        let (head, checkpoint) = split_head(bytes).ok_or(BundleParseError::NoSeparator)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(BundleParseError::Header);
        }
        let extra = match lines.next_if(|line| line.starts_with(EXTRA)) {
            Some(line) => parse_extra(line).ok_or(BundleParseError::Extra)?,
            None => Vec::new(),
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix(INDEX))
            .and_then(text::decimal)
            .ok_or(BundleParseError::Index)?;
        let proof = parse_proof(&lines.collect::<Vec<_>>())?;
        Ok(Self {
            extra,
            index,
            proof,
            checkpoint: Note::parse(checkpoint)?,
        })
    }

    /// The bundle as text, for a file named `*.tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![HEADER.to_owned()];
        if !self.extra.is_empty() {
            lines.push(format!("{EXTRA}{}", text::base64(&self.extra)));
        }
        lines.push(format!("{INDEX}{}", self.index));
        lines.extend(self.proof.iter().map(Hash::to_base64));
        format!("{}\n\n{}", lines.join("\n"), self.checkpoint.to_text())
    }

    /// The index claimed for the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof, the sibling of the leaf first.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint note as it came.
    #[must_use]
    pub const fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// The extra data, empty if there is none. Authenticated by nothing, verified or not.
    #[must_use]
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// Checks that `entry` is in the log `origin`, by the signature of its key and the proof.
    ///
    /// # Errors
    /// [`BundleVerifyError`] for the first check that fails.
    pub fn verify(
        &self,
        entry: &[u8],
        origin: &str,
        key: &VerifierKey,
    ) -> Result<Verified, BundleVerifyError> {
        let signed = SignedCheckpoint::from_note(self.checkpoint.clone(), origin, key)?;
        let tree = signed.checkpoint();
        verify_inclusion(
            &leaf_hash(entry),
            self.index,
            tree.size(),
            &self.proof,
            &tree.root(),
        )?;
        Ok(Verified {
            index: self.index,
            checkpoint: signed,
        })
    }
}

/// Splits at the first empty line: the lines of the proof, and the checkpoint.
fn split_head(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(head).ok()?, rest.strip_prefix(b"\n\n")?))
}

fn parse_extra(line: &str) -> Option<Vec<u8>> {
    text::from_base64(line.strip_prefix(EXTRA)?).filter(|extra| !extra.is_empty())
}

fn parse_proof(lines: &[&str]) -> Result<Vec<Hash>, BundleParseError> {
    if lines.len() > MAX_PROOF_LEN {
        return Err(BundleParseError::TooManyHashes { got: lines.len() });
    }
    (1..)
        .zip(lines)
        .map(|(place, line)| {
            Hash::from_base64(line).map_err(|source| BundleParseError::Hash { place, source })
        })
        .collect()
}

#[cfg(test)]
mod tests;
