//! The bytes of a quorum envelope.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{PREFIX, QuorumCredential, QuorumHeader, QuorumHeaderParseError, SealedShare};
use crate::{
    bytes::{Cursor, Truncated},
    hpke_base::TAG_LEN,
    padding::PADDED_LENS,
};

/// Why bytes are not a quorum envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuorumParseError {
    /// The first bytes name another kind of object, another version or another custody mode.
    #[error("a credential in custody quorum begins with {expected:02x?}, got {got:02x?}")]
    Prefix {
        /// The bytes wanted.
        expected: [u8; 6],
        /// The bytes found.
        got: [u8; 6],
    },
    /// The bytes end within a part.
    #[error("the quorum envelope ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes the part needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// The header is malformed.
    #[error("the header of the quorum envelope is malformed")]
    Header(#[from] QuorumHeaderParseError),
    /// The ciphertext has a length that no credential is padded to.
    #[error("the ciphertext has {got} bytes, expected one of {PADDED_LENS:?}")]
    CiphertextLen {
        /// Its length without the tag.
        got: usize,
    },
}

impl From<Truncated> for QuorumParseError {
    fn from(Truncated { needed, left }: Truncated) -> Self {
        Self::Truncated { needed, left }
    }
}

impl QuorumCredential {
    /// The bytes at rest.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header.to_canonical();
        // A header of sixteen custodians has less than 7,000 bytes.
        let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
        let mut bytes = [
            PREFIX.as_slice(),
            &length.to_be_bytes(),
            header.as_bytes(),
            &self.commitment,
        ]
        .concat();
        for share in &self.shares {
            bytes.extend_from_slice(&share.commitment);
            bytes.extend_from_slice(&share.enc);
            bytes.extend_from_slice(&share.ciphertext);
            bytes.extend_from_slice(&share.tag);
        }
        bytes.extend_from_slice(&self.ciphertext);
        bytes.extend_from_slice(&self.tag);
        bytes
    }

    /// Reads such bytes.
    ///
    /// # Errors
    ///
    /// See [`QuorumParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, QuorumParseError> {
        let mut cursor = Cursor::new(bytes);
        let got = cursor.array()?;
        if got != PREFIX {
            let expected = PREFIX;
            return Err(QuorumParseError::Prefix { expected, got });
        }
        let length = usize::from(cursor.u16()?);
        let header = QuorumHeader::parse_canonical(cursor.take(length)?)?;
        let commitment = cursor.array()?;
        let mut shares = Vec::with_capacity(header.custodians().len());
        for _ in header.custodians() {
            shares.push(SealedShare {
                commitment: cursor.array()?,
                enc: cursor.array()?,
                ciphertext: cursor.array()?,
                tag: cursor.array()?,
            });
        }
        let rest = cursor.rest();
        let got = rest.len().saturating_sub(TAG_LEN);
        let split = rest.split_last_chunk::<TAG_LEN>();
        let known = split.filter(|(text, _)| PADDED_LENS.contains(&text.len()));
        let (ciphertext, tag) = known.ok_or(QuorumParseError::CiphertextLen { got })?;
        Ok(Self {
            header,
            commitment,
            shares,
            ciphertext: ciphertext.to_vec(),
            tag: *tag,
        })
    }

    /// SHA-256 of the bytes: what entries, requests and attestations name.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}
