//! Secret text.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// Secret UTF-8 text, wiped when dropped.
///
/// It can be read through [`expose`](Self::expose) only: no `Clone`, no `Display`, no
/// serialization, and `Debug` shows nothing. [`SecretString`] is not used as it is, because it can
/// be cloned and because making one from a `String` may leave a copy behind.
pub struct SecretText(SecretString);

impl SecretText {
    /// The text. Keep the borrow short, and never let it reach a trace or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// True for the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Copies from a buffer that its owner wipes.
    pub(crate) fn copy_of(text: &str) -> Self {
        Self(SecretString::from(Box::<str>::from(text)))
    }
}

impl From<String> for SecretText {
    /// Takes the text over and wipes the given buffer, spare capacity included.
    fn from(mut text: String) -> Self {
        let secret = Self::copy_of(&text);
        text.zeroize();
        secret
    }
}

impl From<SecretString> for SecretText {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl ConstantTimeEq for SecretText {
    /// Compares without revealing where texts of the same length differ; the length is not hidden.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
