//! The secret itself: named fields of secret text.

mod codec;
#[cfg(test)]
mod tests;

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

pub use self::codec::CredentialDecodeError;
use crate::{padding::MAX_CONTENT_LEN, secret::SecretText};

/// The longest name of a field, in bytes.
pub const MAX_FIELD_NAME_LEN: usize = 32;

/// The most fields a credential can have.
pub const MAX_FIELDS: usize = 16;

/// The longest encoded credential, in bytes: what the largest padded length holds.
pub const MAX_ENCODED_LEN: usize = MAX_CONTENT_LEN;

/// The usual names of fields. Any name that fits the grammar may be used.
pub mod names {
    /// The name to log in with.
    pub const USERNAME: &str = "username";
    /// The password.
    pub const PASSWORD: &str = "password";
    /// A private key in its text form (PEM, OpenSSH).
    pub const PRIVATE_KEY: &str = "private_key";
    /// The seed of a time-based one-time password, base32 (RFC 6238).
    pub const TOTP_SEED: &str = "totp_seed";
    /// A connection string that contains the secret.
    pub const URI: &str = "uri";
    /// A bearer token or API key.
    pub const TOKEN: &str = "token";
}

/// What gives access to an account: 1 to 16 named fields of secret text, ordered by name.
///
/// Values are wiped when dropped. There is no `Clone`, no `Display` and no serialization beside
/// [`to_bytes`](Self::to_bytes); `Debug` shows the names only.
pub struct Credential {
    /// Invariant: not empty, names valid and strictly ascending, values not empty, encoded length
    /// within [`MAX_ENCODED_LEN`].
    fields: Vec<Field>,
}

struct Field {
    name: Box<str>,
    value: SecretText,
}

/// A rule that every credential follows was broken.
///
/// No variant carries a value, nor an invalid name: whoever mixes up the two must not find the
/// password in the error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// A name is not `[a-z][a-z0-9_]{0,31}`.
    #[error("a field name of {len} bytes is not of the form [a-z][a-z0-9_]{{0,31}}")]
    FieldName {
        /// Length of the refused name in bytes.
        len: usize,
    },
    /// A value is empty.
    #[error("the field {field} is empty")]
    EmptyValue {
        /// Its name.
        field: Box<str>,
    },
    /// A name was given twice.
    #[error("the field {field} was given twice")]
    DuplicateField {
        /// Its name.
        field: Box<str>,
    },
    /// There is no field.
    #[error("a credential needs at least one field")]
    NoFields,
    /// There are more than [`MAX_FIELDS`] fields.
    #[error("a credential has at most {max} fields, got {got}")]
    TooManyFields {
        /// Most fields allowed.
        max: usize,
        /// Fields given.
        got: usize,
    },
    /// The encoded form would be longer than [`MAX_ENCODED_LEN`].
    #[error("an encoded credential has at most {max} bytes, this one would have {got}")]
    TooLarge {
        /// Most bytes allowed.
        max: usize,
        /// Bytes needed.
        got: usize,
    },
}

impl Credential {
    /// Starts a credential without fields.
    pub fn builder() -> CredentialBuilder {
        CredentialBuilder {
            fields: Vec::with_capacity(MAX_FIELDS),
        }
    }

    /// The value of a field, if the credential has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&SecretText> {
        self.fields
            .iter()
            .find(|field| *field.name == *name)
            .map(|field| &field.value)
    }

    /// All fields in ascending order of their names.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &SecretText)> {
        self.fields.iter().map(|field| (&*field.name, &field.value))
    }
}

impl ConstantTimeEq for Credential {
    /// Compares values without revealing where they differ; names and lengths are not hidden.
    fn ct_eq(&self, other: &Self) -> Choice {
        let same_names = self
            .fields()
            .map(|(name, _)| name)
            .eq(other.fields().map(|(name, _)| name));
        self.fields().zip(other.fields()).fold(
            Choice::from(u8::from(same_names)),
            |equal, ((_, a), (_, b))| equal & a.ct_eq(b),
        )
    }
}

impl PartialEq for Credential {
    /// The constant-time comparison.
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential ")?;
        f.debug_set()
            .entries(self.fields().map(|(name, _)| name))
            .finish()
    }
}

/// Collects the fields of a [`Credential`].
#[derive(Debug)]
#[must_use]
pub struct CredentialBuilder {
    fields: Vec<Field>,
}

impl CredentialBuilder {
    /// Adds a field and takes its value over.
    ///
    /// # Errors
    ///
    /// The name is not `[a-z][a-z0-9_]{0,31}` or was given before, the value is empty, or there
    /// are already [`MAX_FIELDS`] fields.
    pub fn field(
        mut self,
        name: &str,
        value: impl Into<SecretText>,
    ) -> Result<Self, CredentialError> {
        // Made secret before the first check, so that a refused value is wiped as well.
        let value = value.into();
        if !is_field_name(name.as_bytes()) {
            return Err(CredentialError::FieldName { len: name.len() });
        }
        let name = Box::<str>::from(name);
        if value.is_empty() {
            return Err(CredentialError::EmptyValue { field: name });
        }
        if self.fields.len() == MAX_FIELDS {
            return Err(CredentialError::TooManyFields {
                max: MAX_FIELDS,
                got: MAX_FIELDS + 1,
            });
        }
        match self.fields.binary_search_by(|field| field.name.cmp(&name)) {
            Ok(_) => Err(CredentialError::DuplicateField { field: name }),
            Err(place) => {
                self.fields.insert(place, Field { name, value });
                Ok(self)
            }
        }
    }

    /// Ends the credential.
    ///
    /// # Errors
    ///
    /// There is no field, or the encoded form would be longer than [`MAX_ENCODED_LEN`].
    pub fn build(self) -> Result<Credential, CredentialError> {
        if self.fields.is_empty() {
            return Err(CredentialError::NoFields);
        }
        let credential = Credential {
            fields: self.fields,
        };
        let got = codec::encoded_len(&credential);
        if got > MAX_ENCODED_LEN {
            return Err(CredentialError::TooLarge {
                max: MAX_ENCODED_LEN,
                got,
            });
        }
        Ok(credential)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn is_field_name(name: &[u8]) -> bool {
    name.len() <= MAX_FIELD_NAME_LEN
        && name.first().is_some_and(u8::is_ascii_lowercase)
        && name
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
