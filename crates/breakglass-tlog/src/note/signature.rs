//! One signature line of a note.

use super::{KeyId, KeyName, KeyNameError};
use crate::text;

/// What every signature line starts with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// A signature as a note carries it, verified or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

/// Why a text is not a signature line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureLineError {
    /// The line is not an em dash, a name and base64, with one space between them.
    #[error("a signature line is an em dash, a name and base64")]
    Shape,
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] KeyNameError),
    /// The signature is not canonical base64.
    #[error("the signature is not canonical base64")]
    Base64,
    /// There is nothing behind the key ID.
    #[error("a signature is longer than its key ID, got {got} bytes")]
    Length {
        /// The length in bytes, the key ID included.
        got: usize,
    },
}

impl NoteSignature {
    pub(crate) const fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads one line, without its newline, as a note or a witness's answer has it.
    ///
    /// # Errors
    /// [`SignatureLineError`] for the first part that is wrong.
    pub fn parse_line(line: &str) -> Result<Self, SignatureLineError> {
        let (name, encoded) = line
            .strip_prefix(LINE_START)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(SignatureLineError::Shape)?;
        let name = KeyName::new(name)?;
        let decoded = text::from_base64(encoded).ok_or(SignatureLineError::Base64)?;
        let (id, bytes) = decoded
            .split_first_chunk()
            .filter(|(_, bytes)| !bytes.is_empty())
            .ok_or(SignatureLineError::Length { got: decoded.len() })?;
        Ok(Self {
            name,
            id: KeyId::from_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }

    /// The line, without a newline.
    #[must_use]
    pub fn line(&self) -> String {
        let payload = [self.id.as_bytes().as_slice(), &self.bytes].concat();
        format!("{LINE_START}{} {}", self.name, text::base64(&payload))
    }

    /// The name of the key it claims to be by.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The ID of the key it claims to be by.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What follows the key ID: the signature, in the form the key's kind prescribes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
