//! The requester's one-time key, to which the answer of a checkout is sealed.

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    entropy::{Entropy, EntropyError},
    hpke_base::{self, KEY_LEN, PrivateKey},
    key_file::{self, KeyFileError},
};

/// The `alg` of a one-time key in statements.
pub const KEM_ALGORITHM: &str = "X25519";

/// The tag of a one-time key's file.
const TAG: &str = "breakglass-one-time-key-v1";

/// An X25519 public key to seal to (RFC 9180 section 7.1), known not to be of low order.
///
/// Its text form is the padded base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KemPublicKey([u8; KEY_LEN]);

/// Why bytes or a text are not a public key to seal to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KemPublicKeyError {
    /// Not the canonical padded base64 of 32 bytes.
    #[error("a public key is the padded base64 form of {expected} bytes")]
    Encoding {
        /// Bytes wanted.
        expected: usize,
    },
    /// The coordinate is not reduced modulo 2^255 − 19: a second form of another key.
    #[error("the public key is not in its canonical form")]
    NotCanonical,
    /// Every shared secret with this key is zero (RFC 7748 section 6.1).
    #[error("the public key is of low order")]
    LowOrder,
}

impl KemPublicKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    ///
    /// The bytes are not canonical or the point is of low order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KemPublicKeyError> {
        if !is_reduced(&bytes) {
            return Err(KemPublicKeyError::NotCanonical);
        }
        if hpke_base::is_low_order(&bytes) {
            return Err(KemPublicKeyError::LowOrder);
        }
        Ok(Self(bytes))
    }

    /// That of a private key: a multiple of the base point is reduced and never of low order.
    pub(crate) const fn of_private(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Display for KemPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for KemPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KemPublicKey({self})")
    }
}

impl FromStr for KemPublicKey {
    type Err = KemPublicKeyError;

    fn from_str(text: &str) -> Result<Self, KemPublicKeyError> {
        let bytes = STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        Self::from_bytes(bytes.ok_or(KemPublicKeyError::Encoding { expected: KEY_LEN })?)
    }
}

/// True where the little-endian number is below 2^255 − 19.
///
/// X25519 itself ignores the top bit and reduces (RFC 7748 section 5), but HPKE binds the bytes:
/// what is sealed to another form of a key cannot be opened with it.
fn is_reduced(bytes: &[u8; KEY_LEN]) -> bool {
    let [low, middle @ .., high] = bytes;
    match high {
        0x00..=0x7e => true,
        0x7f => *low < 0xed || middle.iter().any(|byte| *byte != 0xff),
        0x80..=0xff => false,
    }
}

/// The private half, made by the requester's client for one checkout and wiped when dropped.
pub struct OneTimeKey {
    private: PrivateKey,
    public: KemPublicKey,
}

impl OneTimeKey {
    /// Makes a new key pair from 32 bytes of entropy.
    ///
    /// # Errors
    ///
    /// The entropy source failed.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let (private, public) = hpke_base::generate(entropy)?;
        Ok(Self {
            private,
            public: KemPublicKey::of_private(public),
        })
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> KemPublicKey {
        self.public
    }

    /// The content of the file in which the client keeps the key, mode 0600:
    /// `breakglass-one-time-key-v1:<base64>\n`.
    #[must_use]
    pub fn to_file(&self) -> Zeroizing<Vec<u8>> {
        key_file::format(TAG, &hpke_base::private_to(&self.private))
    }

    /// Reads the content of such a file. The caller wipes `content`.
    ///
    /// # Errors
    ///
    /// The content is not a one-time key.
    pub fn from_file(content: &[u8]) -> Result<Self, KeyFileError> {
        let secret = key_file::parse(TAG, content)?;
        let private =
            hpke_base::private_from(secret.expose_secret()).map_err(|_| KeyFileError::Encoding)?;
        let public = KemPublicKey::of_private(hpke_base::public_of(&private));
        Ok(Self { private, public })
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.private
    }
}

impl fmt::Debug for OneTimeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneTimeKey({})", self.public)
    }
}
