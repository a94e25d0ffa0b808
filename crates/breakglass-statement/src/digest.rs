//! SHA-256 of bytes as they stand, in the type that names them.

use breakglass_format::Digest;
use sha2::{Digest as _, Sha256, Sha512};

/// SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 of bytes, as statements and entries spell it: the name of a statement, a signature, a
/// blob.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(sha256(bytes))
}

/// SHA-512 of bytes, the hash inside an SSH signature.
pub(crate) fn sha512(bytes: &[u8]) -> [u8; 64] {
    Sha512::digest(bytes).into()
}
