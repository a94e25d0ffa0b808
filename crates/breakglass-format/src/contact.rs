//! Where a person is reached. It lies beside the log, never in it and never in an export: the log
//! holds SHA-256 of these bytes, and the salt keeps whoever reads it from trying addresses.

use serde::{Deserialize, Serialize};

use crate::{
    Line, Nonce,
    canonical::{self, CanonicalError},
};

/// Longest contact, in bytes.
pub const CONTACT_BYTES_MAX: usize = 1_024;

/// Where a person is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The mail address.
    pub mail: Line,
    /// 32 random bytes.
    pub salt: Nonce,
}

impl Contact {
    /// Reads the bytes that a person committed to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        canonical::from_bytes(bytes, CONTACT_BYTES_MAX)
    }

    /// The bytes to commit to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }
}

/// An address gets into no trace.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}
