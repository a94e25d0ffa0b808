//! The `server` envelope: a credential sealed under the server key.
//!
//! The byte form and the reasons are in `docs/spec/sealing.md`, "Server envelope".

#[cfg(test)]
mod tests;

use std::fmt;

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    bytes::{Cursor, Truncated},
    credential::{Credential, CredentialDecodeError},
    entropy::{Entropy, EntropyError},
    header::{EnvelopeHeader, HeaderError, HeaderParseError, NONCE_LEN},
    hex,
    kdf::Prk,
    padding::{self, PADDED_LENS, PaddingError},
    server_key::{KeyId, ServerKey},
};

/// The first bytes: a mark, the form's version, the custody mode.
const PREFIX: [u8; 6] = *b"BGSC\x01\x01";

const KEY_INFO: &[u8] = b"breakglass/envelope/v1/key\0";
const COMMITMENT_INFO: &[u8] = b"breakglass/envelope/v1/commitment\0";

/// Length of the Poly1305 tag in bytes.
const TAG_LEN: usize = 16;

/// A credential sealed for custody mode `server`. What it shows is its header.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    header: EnvelopeHeader,
    commitment: [u8; 32],
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// Why bytes are not a sealed credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealedParseError {
    /// The first bytes name another kind of object, another version or another custody mode.
    #[error("a sealed credential begins with {expected:02x?}, got {got:02x?}")]
    Prefix {
        /// The bytes wanted.
        expected: [u8; 6],
        /// The bytes found.
        got: [u8; 6],
    },
    /// The bytes end within a part.
    #[error("the sealed credential ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes the part needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// The header is malformed.
    #[error("the header of the sealed credential is malformed")]
    Header(#[from] HeaderParseError),
    /// The ciphertext has a length that no credential is padded to.
    #[error("the ciphertext has {got} bytes, expected one of {PADDED_LENS:?}")]
    CiphertextLen {
        /// Its length without the tag.
        got: usize,
    },
}

impl From<Truncated> for SealedParseError {
    fn from(Truncated { needed, left }: Truncated) -> Self {
        Self::Truncated { needed, left }
    }
}

/// Why a credential was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// No fresh nonce.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Account or version cannot stand in a header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The credential does not fit the largest padded length.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// The cipher refused the length of the message.
    #[error("the cipher refused {got} bytes")]
    Cipher {
        /// Bytes of the padded credential.
        got: usize,
    },
}

/// Why a sealed credential did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// It names another server key.
    #[error("the envelope is sealed under the server key {got}, the key at hand is {expected}")]
    Key {
        /// Id of the key at hand.
        expected: KeyId,
        /// Id in the header.
        got: KeyId,
    },
    /// It is of another account.
    #[error("the envelope is of account {got}, expected {expected}")]
    Account {
        /// The account asked for.
        expected: Box<str>,
        /// The account in the header.
        got: Box<str>,
    },
    /// It is another version.
    #[error("the envelope holds version {got}, expected {expected}")]
    Version {
        /// The version asked for.
        expected: u64,
        /// The version in the header.
        got: u64,
    },
    /// The key commitment does not fit: header or commitment were altered, or the key differs.
    #[error("the envelope's commitment does not fit the server key and the header")]
    Commitment,
    /// The ciphertext or its tag was altered.
    #[error("the ciphertext is not authentic")]
    Ciphertext,
    /// Authentic, but not padded as specified: whoever sealed it did not follow the form.
    #[error("the sealed credential is not padded as specified")]
    Padding(#[from] PaddingError),
    /// Authentic, but not a credential: whoever sealed it did not follow the form.
    #[error("the envelope does not hold a credential")]
    Credential(#[from] CredentialDecodeError),
}

/// Seals a credential as `version` of `account`, with 24 bytes of entropy for the nonce.
///
/// # Errors
///
/// The entropy source failed, or `account` or `version` cannot stand in an [`EnvelopeHeader`].
pub fn seal(
    key: &ServerKey,
    account: &str,
    version: u64,
    credential: &Credential,
    entropy: &mut dyn Entropy,
) -> Result<SealedCredential, SealError> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce)?;
    let header = EnvelopeHeader::new(key.key_id(), account, version, nonce)?;
    let aad = header.to_canonical();
    let keys = EnvelopeKeys::derive(key, &header, &aad);
    // Encrypted where it stands; from then on it is no secret.
    let mut buffer = padding::pad(&credential.to_bytes())?;
    let got = buffer.len();
    let tag = keys
        .cipher()
        .encrypt_inout_detached(
            &XNonce::from(nonce),
            aad.as_bytes(),
            buffer.as_mut_slice().into(),
        )
        .map_err(|_| SealError::Cipher { got })?;
    Ok(SealedCredential {
        header,
        commitment: *keys.commitment,
        ciphertext: std::mem::take(&mut *buffer),
        tag: tag.into(),
    })
}

/// Opens a sealed credential, which must be `version` of `account`.
///
/// # Errors
///
/// It is of another key, account or version, or any bit of it was altered.
pub fn open(
    key: &ServerKey,
    sealed: &SealedCredential,
    account: &str,
    version: u64,
) -> Result<Credential, OpenError> {
    let header = &sealed.header;
    check_header(header, key.key_id(), account, version)?;
    let aad = header.to_canonical();
    let keys = EnvelopeKeys::derive(key, header, &aad);
    // First, because one Poly1305 tag can be made to fit under several keys.
    if !bool::from(keys.commitment.ct_eq(&sealed.commitment)) {
        return Err(OpenError::Commitment);
    }
    let mut buffer = Zeroizing::new(sealed.ciphertext.clone());
    keys.cipher()
        .decrypt_inout_detached(
            &XNonce::from(*header.nonce()),
            aad.as_bytes(),
            buffer.as_mut_slice().into(),
            &Tag::from(sealed.tag),
        )
        .map_err(|_| OpenError::Ciphertext)?;
    Ok(Credential::from_bytes(padding::unpad(&buffer)?)?)
}

/// Says plainly what is wrong where the header already tells; the commitment proves the header.
fn check_header(
    header: &EnvelopeHeader,
    key_id: KeyId,
    account: &str,
    version: u64,
) -> Result<(), OpenError> {
    if header.key_id() != key_id {
        return Err(OpenError::Key {
            expected: key_id,
            got: header.key_id(),
        });
    }
    if header.account() != account {
        let (expected, got) = (account.into(), header.account().into());
        return Err(OpenError::Account { expected, got });
    }
    if header.version() != version {
        return Err(OpenError::Version {
            expected: version,
            got: header.version(),
        });
    }
    Ok(())
}

/// What HKDF draws from the server key for one envelope.
struct EnvelopeKeys {
    key: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; 32]>,
}

impl EnvelopeKeys {
    fn derive(key: &ServerKey, header: &EnvelopeHeader, aad: &str) -> Self {
        let prk = Prk::extract(header.nonce(), key.expose());
        let header_digest: [u8; 32] = Sha256::digest(aad).into();
        Self {
            key: prk.expand(&[KEY_INFO, &header_digest]),
            commitment: prk.expand(&[COMMITMENT_INFO, &header_digest]),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

impl SealedCredential {
    /// What the envelope says about itself; proven only once it has been opened.
    #[must_use]
    pub fn header(&self) -> &EnvelopeHeader {
        &self.header
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header.to_canonical();
        // At most 430 bytes: the account is bounded.
        let header_len = u16::try_from(header.len()).unwrap_or(u16::MAX);
        [
            &PREFIX[..],
            &header_len.to_be_bytes(),
            header.as_bytes(),
            &self.commitment,
            &self.ciphertext,
            &self.tag,
        ]
        .concat()
    }

    /// Reads the stored form strictly: [`to_bytes`](Self::to_bytes) gives the same bytes again.
    ///
    /// # Errors
    ///
    /// See [`SealedParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SealedParseError> {
        let mut cursor = Cursor::new(bytes);
        let got = cursor.array()?;
        if got != PREFIX {
            return Err(SealedParseError::Prefix {
                expected: PREFIX,
                got,
            });
        }
        let header_len = usize::from(cursor.u16()?);
        let header = EnvelopeHeader::parse_canonical(cursor.take(header_len)?)?;
        let commitment = cursor.array()?;
        let body = cursor.rest();
        let Some((ciphertext, tag)) = body.split_last_chunk::<TAG_LEN>() else {
            return Err(SealedParseError::Truncated {
                needed: TAG_LEN,
                left: body.len(),
            });
        };
        if !PADDED_LENS.contains(&ciphertext.len()) {
            return Err(SealedParseError::CiphertextLen {
                got: ciphertext.len(),
            });
        }
        Ok(Self {
            header,
            commitment,
            ciphertext: ciphertext.to_vec(),
            tag: *tag,
        })
    }

    /// SHA-256 of the stored form: what the log holds of the envelope.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

impl fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedCredential({} sha256:", self.header.to_canonical())?;
        hex::write(&self.digest(), f)?;
        f.write_str(")")
    }
}
