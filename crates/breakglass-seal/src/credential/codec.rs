//! The byte form of a credential: `docs/spec/sealing.md`, "Credential".

use thiserror::Error;
use zeroize::Zeroizing;

use super::{Credential, CredentialBuilder, CredentialError, MAX_ENCODED_LEN, MAX_FIELDS};
use crate::{
    bytes::{Cursor, Truncated},
    secret::SecretText,
};

/// The first byte of every encoded credential.
const FORM: u8 = 1;

/// Why bytes are not an encoded credential. No variant carries a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialDecodeError {
    /// The first byte names a form this version does not know.
    #[error("expected credential form {expected}, got {got}")]
    Form {
        /// The form known.
        expected: u8,
        /// The form found.
        got: u8,
    },
    /// The bytes end within a part.
    #[error("the credential ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes the part needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// Bytes follow the last field.
    #[error("{extra} bytes follow the last field of the credential")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// The fields do not stand in ascending order of their names.
    #[error("the field {field} does not stand in ascending order")]
    Order {
        /// The first field that is out of order.
        field: Box<str>,
    },
    /// A value is not UTF-8.
    #[error("the field {field} is not UTF-8 text")]
    NotText {
        /// Its name.
        field: Box<str>,
    },
    /// A rule of all credentials is broken.
    #[error(transparent)]
    Rule(#[from] CredentialError),
}

impl From<Truncated> for CredentialDecodeError {
    fn from(Truncated { needed, left }: Truncated) -> Self {
        Self::Truncated { needed, left }
    }
}

/// Bytes of the encoded form.
pub(super) fn encoded_len(credential: &Credential) -> usize {
    2 + credential
        .fields()
        .map(|(name, value)| 1 + name.len() + 2 + value.len())
        .sum::<usize>()
}

impl Credential {
    /// The one byte form of this credential, in a buffer that wipes itself.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Full capacity at once: a growing vector would leave unwiped copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(encoded_len(self)));
        out.push(FORM);
        out.push(low_byte(self.fields.len()));
        for (name, value) in self.fields() {
            out.push(low_byte(name.len()));
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&[low_byte(value.len() >> 8), low_byte(value.len())]);
            out.extend_from_slice(value.expose().as_bytes());
        }
        out
    }

    /// Reads the byte form. The caller wipes `bytes`.
    ///
    /// # Errors
    ///
    /// The bytes are anything but what [`to_bytes`](Self::to_bytes) gives for some credential.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CredentialDecodeError> {
        if bytes.len() > MAX_ENCODED_LEN {
            return Err(CredentialError::TooLarge {
                max: MAX_ENCODED_LEN,
                got: bytes.len(),
            }
            .into());
        }
        let mut cursor = Cursor::new(bytes);
        let form = cursor.u8()?;
        if form != FORM {
            return Err(CredentialDecodeError::Form {
                expected: FORM,
                got: form,
            });
        }
        let count = usize::from(cursor.u8()?);
        if count > MAX_FIELDS {
            return Err(CredentialError::TooManyFields {
                max: MAX_FIELDS,
                got: count,
            }
            .into());
        }
        let mut builder = Self::builder();
        for _ in 0..count {
            builder = read_field(&mut cursor, builder)?;
        }
        match cursor.rest().len() {
            0 => Ok(builder.build()?),
            extra => Err(CredentialDecodeError::TrailingBytes { extra }),
        }
    }
}

fn read_field(
    cursor: &mut Cursor<'_>,
    builder: CredentialBuilder,
) -> Result<CredentialBuilder, CredentialDecodeError> {
    let name_len = usize::from(cursor.u8()?);
    let name = cursor.take(name_len)?;
    let value_len = usize::from(cursor.u16()?);
    let value = cursor.take(value_len)?;
    let name =
        std::str::from_utf8(name).map_err(|_| CredentialError::FieldName { len: name_len })?;
    let value = std::str::from_utf8(value).map(SecretText::copy_of);
    let last = builder.fields.last().map(|field| field.name.clone());
    let builder = match value {
        Ok(value) => builder.field(name, value)?,
        // The name is shown only once it is known to be one.
        Err(_) if super::is_field_name(name.as_bytes()) => {
            return Err(CredentialDecodeError::NotText { field: name.into() });
        }
        Err(_) => return Err(CredentialError::FieldName { len: name_len }.into()),
    };
    match last {
        Some(last) if *last >= *name => Err(CredentialDecodeError::Order { field: name.into() }),
        Some(_) | None => Ok(builder),
    }
}

/// Lengths are bounded by [`MAX_ENCODED_LEN`], so that two bytes hold every one of them.
fn low_byte(len: usize) -> u8 {
    let [.., low] = len.to_be_bytes();
    low
}
