//! RFC 6962 section 2.1 hashing with SHA-256.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::text;

/// Prefix of the hash of a leaf, so that a leaf can never be read as an inner node.
const LEAF_PREFIX: [u8; 1] = [0x00];
/// Prefix of the hash of an inner node.
const NODE_PREFIX: [u8; 1] = [0x01];

/// A SHA-256 value: a leaf hash, a node hash or a root. `Display` is lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::LEN]);

/// The root of the tree with no leaves: SHA-256 of the empty string.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Why bytes or text are not a [`struct@Hash`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The value has another length than 32 bytes.
    #[error("a hash has {expected} bytes, got {got}", expected = Hash::LEN)]
    Length {
        /// The number of bytes found.
        got: usize,
    },
    /// The text is not canonical RFC 4648 section 4 base64.
    #[error("a hash is not canonical base64")]
    Base64,
}

impl Hash {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// Wraps 32 bytes that already are a hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The base64 spelling used in checkpoints and proofs: 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        text::base64(&self.0)
    }

    /// Reads the spelling of [`Hash::to_base64`], and no other.
    ///
    /// # Errors
    /// [`HashError`] if the text is not canonical base64 of exactly 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        let bytes = text::from_base64(text).ok_or(HashError::Base64)?;
        Self::try_from(bytes.as_slice())
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        let array = bytes
            .try_into()
            .map_err(|_| HashError::Length { got: bytes.len() })?;
        Ok(Self(array))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The hash of a leaf holding exactly `entry`: SHA-256(0x00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update(LEAF_PREFIX)
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let node = Sha256::new()
        .chain_update(NODE_PREFIX)
        .chain_update(left.0)
        .chain_update(right.0);
    Hash(node.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(
            EMPTY_ROOT.as_bytes().as_slice(),
            Sha256::digest(b"").as_slice()
        );
    }

    #[test]
    fn only_one_base64_spelling_of_32_bytes_is_read() {
        let text = EMPTY_ROOT.to_base64();
        assert_eq!(Hash::from_base64(&text), Ok(EMPTY_ROOT));
        assert_eq!(
            Hash::from_base64(text.trim_end_matches('=')),
            Err(HashError::Base64)
        );
        assert_eq!(Hash::from_base64("AAAA"), Err(HashError::Length { got: 3 }));
        assert_eq!(Hash::from_base64(""), Err(HashError::Length { got: 0 }));
    }
}
