//! Slots: independent ways to the server key, any one of which opens it.

mod file;
#[cfg(test)]
mod tests;

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

pub use self::file::FileSlot;
use crate::{
    key_file::KeyFileError,
    server_key::{KeyCommitment, ServerKey},
};

/// One way to the server key.
#[derive(Debug)]
#[non_exhaustive]
pub enum Slot {
    /// The key material is the content of a file.
    File(FileSlot),
}

/// Which way a [`Slot`] is, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotKind {
    /// [`Slot::File`].
    File,
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
        })
    }
}

/// Why a slot did not give the expected key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SlotError {
    /// The file's content is not a server key.
    #[error("the content is not a server key file")]
    File(#[from] KeyFileError),
    /// The slot holds another key.
    #[error("the slot holds the server key {}, expected {}", got.key_id(), expected.key_id())]
    OtherKey {
        /// Commitment of the key wanted.
        expected: KeyCommitment,
        /// Commitment of the key found.
        got: KeyCommitment,
    },
}

impl Slot {
    /// Which way it is.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::File(_) => SlotKind::File,
        }
    }

    /// Opens the slot and checks the key against the commitment that the server stores.
    ///
    /// # Errors
    ///
    /// The slot cannot be opened, or holds another key.
    pub fn open(&self, expected: &KeyCommitment) -> Result<ServerKey, SlotError> {
        let key = match self {
            Self::File(slot) => slot.read()?,
        };
        let got = key.commitment();
        if bool::from(got.ct_eq(expected)) {
            Ok(key)
        } else {
            Err(SlotError::OtherKey {
                expected: *expected,
                got,
            })
        }
    }
}

/// No slot gave the expected key; the server starts locked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("none of the {} slots gave the server key {}", failures.len(), expected.key_id())]
pub struct NoSlotOpened {
    /// Commitment of the key wanted.
    pub expected: KeyCommitment,
    /// What went wrong with each slot, in the order given.
    pub failures: Vec<SlotFailure>,
}

/// A slot that did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the {kind} slot did not open")]
pub struct SlotFailure {
    /// Which way it is.
    pub kind: SlotKind,
    /// Why it did not open.
    #[source]
    pub error: SlotError,
}

/// Tries the slots in the order given and returns the first key that fits.
///
/// # Errors
///
/// No slot opened to the expected key.
pub fn open_any(slots: &[Slot], expected: &KeyCommitment) -> Result<ServerKey, NoSlotOpened> {
    let mut failures = Vec::with_capacity(slots.len());
    for slot in slots {
        match slot.open(expected) {
            Ok(key) => return Ok(key),
            Err(error) => failures.push(SlotFailure {
                kind: slot.kind(),
                error,
            }),
        }
    }
    Err(NoSlotOpened {
        expected: *expected,
        failures,
    })
}
