//! C2SP tlog-checkpoint v1.0.0: a log's signed statement of its size and root.
//!
//! Stricter than the document in two points, both of which it recommends: the origin is the name
//! of the log's key, and there are no extension lines.

use std::num::NonZeroU64;

use crate::hash::{EMPTY_ROOT, Hash, HashError};
use crate::note::{
    KeyKind, KeyName, KeyNameError, Note, NoteParseError, NoteSignature, NoteVerifyError,
    SigningKey, TooManySignatures, VerifiedSignature, VerifierKey,
};
use crate::proof::{ConsistencyError, FromEmptyError, verify_consistency, verify_from_empty};
use crate::text;
use crate::tree::MAX_TREE_SIZE;

/// The size and root of the tree of one log. A size of 0 always has [`EMPTY_ROOT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: KeyName,
    size: u64,
    root: Hash,
}

/// Why a text is not a checkpoint, or a size and root do not make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// There are not exactly three lines, each ended by a newline.
    #[error("a checkpoint is three lines, got {got}")]
    Lines {
        /// The number of complete lines.
        got: usize,
    },
    /// The origin cannot be the name of a key.
    #[error("the origin is not a key name")]
    Origin(#[from] KeyNameError),
    /// The size is not a canonical decimal up to [`MAX_TREE_SIZE`].
    #[error("a tree size is a number up to {MAX_TREE_SIZE} without leading zeros, got {got:?}")]
    Size {
        /// The text of the line.
        got: String,
    },
    /// The root is not a hash.
    #[error("the root is not a hash")]
    Root(#[from] HashError),
    /// The tree of no leaves has another root than [`EMPTY_ROOT`].
    #[error("a tree of no leaves has root {expected}, got {got}", expected = EMPTY_ROOT)]
    EmptyRoot {
        /// The root given.
        got: Hash,
    },
}

/// A checkpoint cannot be signed with this key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log of origin {origin} does not sign with the key of {key}")]
pub struct SignCheckpointError {
    /// The origin of the checkpoint.
    pub origin: KeyName,
    /// The name of the key.
    pub key: KeyName,
}

/// Why bytes are not a checkpoint of this log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are not a note.
    #[error(transparent)]
    Note(#[from] NoteParseError),
    /// The key given is not one of this log: it has another name or is a witness's.
    #[error("key {key} is not a log key of origin {origin:?}")]
    Key {
        /// The origin asked for.
        origin: String,
        /// The verifier key given, as text.
        key: String,
    },
    /// The log's signature is missing or wrong.
    #[error(transparent)]
    Verify(#[from] NoteVerifyError),
    /// The signed text is not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of origin {got}, expected {expected:?}")]
    Origin {
        /// The origin asked for.
        expected: String,
        /// The origin in the checkpoint.
        got: KeyName,
    },
}

/// Why one checkpoint does not follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendsError {
    /// They are of two logs.
    #[error("a checkpoint of origin {new} cannot extend one of {old}")]
    Origin {
        /// The origin of the older one.
        old: KeyName,
        /// The origin of the newer one.
        new: KeyName,
    },
    /// The consistency proof fails.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// The older tree is empty, and the rule for that is broken.
    #[error(transparent)]
    FromEmpty(#[from] FromEmptyError),
}

impl Checkpoint {
    /// The checkpoint of a tree.
    ///
    /// # Errors
    /// [`CheckpointError::Size`] or [`CheckpointError::EmptyRoot`] if there is no such tree.
    pub fn new(origin: KeyName, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if size > MAX_TREE_SIZE {
            return Err(CheckpointError::Size {
                got: size.to_string(),
            });
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot { got: root });
        }
        Ok(Self { origin, size, root })
    }

    /// Reads the spelling of [`Checkpoint::to_text`], and no other.
    ///
    /// # Errors
    /// [`CheckpointError`] for the first line that is wrong.
    pub fn parse(body: &str) -> Result<Self, CheckpointError> {
        let (origin, size, root) = parse_lines(body)?;
        Self::new(origin, size, root)
    }

    /// The text of the note: origin, size and root, a line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            self.root.to_base64()
        )
    }

    /// The log this is of; also the name of its key.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// Checks that this tree grew out of the tree of `older` (or is the same).
    ///
    /// # Errors
    /// [`ExtendsError`] if they are of two logs or `proof` does not show it.
    pub fn verify_extends(&self, older: &Self, proof: &[Hash]) -> Result<(), ExtendsError> {
        if self.origin != older.origin {
            let (old, new) = (older.origin.clone(), self.origin.clone());
            return Err(ExtendsError::Origin { old, new });
        }
        match NonZeroU64::new(older.size) {
            Some(old_size) => {
                verify_consistency(old_size, self.size, proof, &older.root, &self.root)?;
            }
            None => verify_from_empty(self.size, proof, &older.root, &self.root)?,
        }
        Ok(())
    }
}

/// The three lines of a checkpoint, before anybody asks whether there is such a tree.
pub(crate) fn parse_lines(body: &str) -> Result<(KeyName, u64, Hash), CheckpointError> {
    let lines = || CheckpointError::Lines {
        got: body.matches('\n').count(),
    };
    let mut parts = body.strip_suffix('\n').ok_or_else(lines)?.split('\n');
    let (Some(origin), Some(size), Some(root), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(lines());
    };
    let origin = KeyName::new(origin)?;
    let size = text::decimal(size)
        .filter(|size| *size <= MAX_TREE_SIZE)
        .ok_or_else(|| CheckpointError::Size {
            got: size.to_owned(),
        })?;
    Ok((origin, size, Hash::from_base64(root)?))
}

/// A checkpoint with the verified signature of its log, and whatever other lines it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Signs a checkpoint with the key of its log.
    ///
    /// A log must never sign two checkpoints of which neither extends the other; the caller has
    /// compared this one with the last one signed.
    ///
    /// # Errors
    /// [`SignCheckpointError`] if the key is not named as the origin.
    pub fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Result<Self, SignCheckpointError> {
        let name = key.verifier().name();
        if *name != checkpoint.origin {
            return Err(SignCheckpointError {
                origin: checkpoint.origin,
                key: name.clone(),
            });
        }
        let note = Note::signed(checkpoint.to_text(), key);
        Ok(Self { note, checkpoint })
    }

    /// Reads a checkpoint of the log `origin` and verifies the signature of its key.
    ///
    /// # Errors
    /// [`OpenError`] for the first check that fails.
    pub fn open(note: &[u8], origin: &str, key: &VerifierKey) -> Result<Self, OpenError> {
        Self::from_note(Note::parse(note)?, origin, key)
    }

    /// [`SignedCheckpoint::open`] for a note that is parsed already.
    ///
    /// # Errors
    /// [`OpenError`] for the first check that fails.
    pub fn from_note(note: Note, origin: &str, key: &VerifierKey) -> Result<Self, OpenError> {
        if key.kind() != KeyKind::Ed25519 || key.name().as_str() != origin {
            return Err(OpenError::Key {
                origin: origin.to_owned(),
                key: key.to_string(),
            });
        }
        note.verify(&[key])?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin.as_str() != origin {
            let (expected, got) = (origin.to_owned(), checkpoint.origin);
            return Err(OpenError::Origin { expected, got });
        }
        Ok(Self { note, checkpoint })
    }

    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, all its signatures included.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The note as it is stored and served.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.note.to_text()
    }

    /// Adds the line of a witness, or of another key of the log, once it has verified.
    ///
    /// # Errors
    /// [`AddSignatureError`] if it is not by that key, does not verify, or there is no room.
    pub fn add_signature(
        &mut self,
        signature: NoteSignature,
        key: &VerifierKey,
    ) -> Result<(), AddSignatureError> {
        let alone = Note::with_signature(self.note.text().to_owned(), signature.clone());
        alone.verify(&[key])?;
        Ok(self.note.append(signature)?)
    }

    /// Verifies the lines of these further keys, witnesses above all: one answer per key.
    ///
    /// # Errors
    /// [`NoteVerifyError::BadSignature`] if one of theirs fails, `NoKnownSignature` if none signed.
    pub fn verify_signatures(
        &self,
        keys: &[&VerifierKey],
    ) -> Result<Vec<VerifiedSignature>, NoteVerifyError> {
        self.note.verify(keys)
    }
}

/// Why a signature line is not added to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddSignatureError {
    /// It is not a valid signature of the given key.
    #[error(transparent)]
    Verify(#[from] NoteVerifyError),
    /// The note is full.
    #[error(transparent)]
    TooMany(#[from] TooManySignatures),
}

#[cfg(test)]
mod tests;
