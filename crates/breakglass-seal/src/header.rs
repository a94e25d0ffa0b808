//! The header of a server envelope: canonical JSON, and the associated data of its ciphertext.

#[cfg(test)]
mod tests;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    hex::HexError,
    scan::{Scan, Stopped},
    server_key::KeyId,
};

/// The only algorithm of server envelopes.
pub const ALGORITHM: &str = "XChaCha20-Poly1305+HKDF-SHA256";

/// Length of the nonce in bytes.
pub const NONCE_LEN: usize = 24;

/// The largest version: the largest integer of canonical JSON, 2^53 − 1.
pub const MAX_VERSION: u64 = (1 << 53) - 1;

/// The longest account or principal, in bytes.
const MAX_NAME_LEN: usize = 255;

/// What a server envelope says in clear about itself. All of it is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeHeader {
    key_id: KeyId,
    account: Box<str>,
    version: u64,
    nonce: [u8; NONCE_LEN],
}

/// A value cannot stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// The account is empty, too long, or has a character that canonical JSON would escape.
    #[error(
        "an account is 1 to 255 graphic ASCII characters without {} and {}; got {len} bytes",
        '"',
        '\\'
    )]
    Account {
        /// Length of the refused account in bytes.
        len: usize,
    },
    /// The version is over [`MAX_VERSION`].
    #[error("a credential version is at most {max}, got {got}")]
    Version {
        /// The largest version.
        max: u64,
        /// The version given.
        got: u64,
    },
}

/// Why bytes are not a canonical header.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderParseError {
    /// The bytes are not the canonical rendering of a header.
    #[error("the envelope header is not canonical at or after offset {offset}")]
    NotCanonical {
        /// Where reading stopped, in bytes from the start.
        offset: usize,
    },
    /// The algorithm is not [`ALGORITHM`].
    #[error("expected the envelope algorithm {ALGORITHM}, got {got:?}")]
    Algorithm {
        /// The algorithm named.
        got: Box<str>,
    },
    /// The key id is not 16 lower-case hexadecimal digits.
    #[error("the envelope's key id is malformed")]
    KeyId(#[source] HexError),
    /// A value cannot stand in a header.
    #[error(transparent)]
    Value(#[from] HeaderError),
}

impl From<Stopped> for HeaderParseError {
    fn from(Stopped { offset }: Stopped) -> Self {
        Self::NotCanonical { offset }
    }
}

/// Whether a name can stand in a header: 1 to 255 graphic ASCII characters that canonical JSON does
/// not escape.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    !name.is_empty() && name.len() <= MAX_NAME_LEN && name.bytes().all(plain)
}

impl EnvelopeHeader {
    /// Makes a header from its parts.
    ///
    /// # Errors
    ///
    /// `account` is not 1 to 255 graphic ASCII characters without `"` and `\`, or `version` is
    /// over [`MAX_VERSION`].
    pub fn new(
        key_id: KeyId,
        account: &str,
        version: u64,
        nonce: [u8; NONCE_LEN],
    ) -> Result<Self, HeaderError> {
        if !is_plain(account) {
            return Err(HeaderError::Account { len: account.len() });
        }
        if version > MAX_VERSION {
            return Err(HeaderError::Version {
                max: MAX_VERSION,
                got: version,
            });
        }
        Ok(Self {
            key_id,
            account: account.into(),
            version,
            nonce,
        })
    }

    /// Always [`ALGORITHM`].
    #[must_use]
    pub fn alg(&self) -> &'static str {
        ALGORITHM
    }

    /// The server key it is sealed under.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The account whose credential it is.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The version of the account's credential.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The nonce, which is also the salt of the envelope's keys.
    #[must_use]
    pub fn nonce(&self) -> &[u8; NONCE_LEN] {
        &self.nonce
    }

    /// The canonical JSON: keys sorted bytewise, no whitespace, ASCII only.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        // No value needs escaping: `new` admits none that would.
        format!(
            r#"{{"account":"{}","alg":"{ALGORITHM}","key_id":"{}","nonce":"{}","version":{}}}"#,
            self.account,
            self.key_id,
            STANDARD.encode(self.nonce),
            self.version,
        )
    }

    /// Reads the canonical JSON; every other rendering is refused.
    ///
    /// # Errors
    ///
    /// See [`HeaderParseError`].
    pub fn parse_canonical(bytes: &[u8]) -> Result<Self, HeaderParseError> {
        let mut scan = Scan::of(bytes)?;
        let account = scan.between(r#"{"account":""#, "\"")?;
        let alg = scan.between(r#""alg":""#, "\"")?;
        let key_id = scan.between(r#""key_id":""#, "\"")?;
        let nonce = scan.between(r#""nonce":""#, "\"")?;
        let version = scan.between(r#""version":"#, "}")?;
        if alg != ALGORITHM {
            return Err(HeaderParseError::Algorithm { got: alg.into() });
        }
        let key_id = key_id.parse().map_err(HeaderParseError::KeyId)?;
        let nonce = STANDARD
            .decode(nonce)
            .ok()
            .and_then(|nonce| nonce.try_into().ok());
        let (Some(nonce), Ok(version)) = (nonce, version.parse()) else {
            return Err(scan.stopped().into());
        };
        let header = Self::new(key_id, account, version, nonce)?;
        // The proof that nothing else was let through: signs, leading zeroes, missing commas.
        if header.to_canonical().as_bytes() == bytes {
            Ok(header)
        } else {
            Err(scan.stopped().into())
        }
    }
}
