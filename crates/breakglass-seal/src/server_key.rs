//! The key that seals credentials of custody mode `server`.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    entropy::{Entropy, EntropyError},
    hex::{self, HexError},
    kdf::Prk,
};

/// HKDF info of the commitment.
const COMMITMENT_INFO: &[u8] = b"breakglass/server-key/v1/commitment";

/// A 32-byte secret key, wiped when dropped. `Debug` shows its id only.
pub struct ServerKey {
    secret: SecretBox<[u8; 32]>,
    commitment: KeyCommitment,
}

impl ServerKey {
    /// Makes a new key from 32 bytes of entropy.
    ///
    /// # Errors
    ///
    /// The entropy source failed.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = SecretBox::new(Box::new([0; 32]));
        entropy.fill(secret.expose_secret_mut())?;
        Ok(Self::from_secret(secret))
    }

    pub(crate) fn from_secret(secret: SecretBox<[u8; 32]>) -> Self {
        let commitment = Prk::extract(&[], secret.expose_secret()).expand(&[COMMITMENT_INFO]);
        Self {
            commitment: KeyCommitment(*commitment),
            secret,
        }
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.secret.expose_secret()
    }

    /// Names the key in envelopes: the first 8 bytes of its commitment.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.commitment.key_id()
    }

    /// The public value by which the server knows, after a slot opened, that it is this key.
    #[must_use]
    pub fn commitment(&self) -> KeyCommitment {
        self.commitment
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({})", self.key_id())
    }
}

/// A public 32-byte value that fits exactly one [`ServerKey`]: HKDF-SHA256 of it.
///
/// It reveals nothing useful about the key, which has 256 bits of entropy. Its text form is 64
/// lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCommitment([u8; 32]);

impl KeyCommitment {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// From the bytes; every value is possible.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The id of the key that it fits.
    #[must_use]
    pub fn key_id(self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        KeyId([a, b, c, d, e, f, g, h])
    }
}

impl ConstantTimeEq for KeyCommitment {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for KeyCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl FromStr for KeyCommitment {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        hex::parse(text).map(Self)
    }
}

/// Names a [`ServerKey`]: 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl FromStr for KeyId {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        hex::parse(text).map(Self)
    }
}
