//! The release: a credential sealed to a one-time key, bound to the checkout it answers.
//!
//! The byte form and the reasons are in `docs/spec/sealing.md`, "Release envelope".

#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    bytes::Truncated,
    credential::{Credential, CredentialDecodeError},
    entropy::{Entropy, EntropyError},
    form::{Form, FormError},
    hex,
    hpke_base::{self, KEY_LEN, SealFailure, Sealed, TAG_LEN},
    kem::{KemPublicKey, OneTimeKey},
    padding::{self, PADDED_LENS, PaddingError},
};

const FORM: Form = Form {
    what: "a release envelope",
    prefix: *b"BGRL\x01",
};

/// HPKE's `info`.
const INFO: &[u8] = b"breakglass/release/v1";

/// What the digest of a context begins with.
const CONTEXT_DOMAIN: &[u8] = b"breakglass/release/v1/context\0";

/// What a release answers. It opens under exactly this context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseContext<'a> {
    /// The instance: SHA-256 of the genesis authority.
    pub instance: &'a [u8; 32],
    /// SHA-256 of the checkout statement that names the one-time key.
    pub checkout: &'a [u8; 32],
    /// The grant's id.
    pub grant: &'a str,
    /// The account's id.
    pub account: &'a str,
    /// The version of the account's credential.
    pub version: u64,
}

impl ReleaseContext<'_> {
    /// HPKE's `aad`: SHA-256 over the domain and the parts, each with its length in front.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(CONTEXT_DOMAIN);
        let version = self.version.to_be_bytes();
        let parts: [&[u8]; 5] = [
            self.instance,
            self.checkout,
            self.grant.as_bytes(),
            self.account.as_bytes(),
            &version,
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// A credential sealed to a one-time key. It shows nothing but its size.
#[derive(Clone, PartialEq, Eq)]
pub struct ReleaseEnvelope {
    enc: [u8; KEY_LEN],
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// Why bytes or a text are not a release envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReleaseParseError {
    /// It is another kind of object, another version, another HPKE suite, or no base64.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The bytes end within a part.
    #[error("the release envelope ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes the part needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// The ciphertext has a length that no credential is padded to.
    #[error("the ciphertext has {got} bytes, expected one of {PADDED_LENS:?}")]
    CiphertextLen {
        /// Its length without the tag.
        got: usize,
    },
}

impl From<Truncated> for ReleaseParseError {
    fn from(Truncated { needed, left }: Truncated) -> Self {
        Self::Truncated { needed, left }
    }
}

/// Why a credential was not sealed to a one-time key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReleaseSealError {
    /// No fresh ephemeral key.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The credential does not fit the largest padded length.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// HPKE refused the recipient's key or the message.
    #[error("the credential could not be sealed to the one-time key {recipient}")]
    Hpke {
        /// The key.
        recipient: KemPublicKey,
    },
}

/// Why a release did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseOpenError {
    /// It was sealed to another key or for another context, or any bit of it was altered.
    #[error("the release was not sealed to the one-time key {key} in this context, or was altered")]
    NotAuthentic {
        /// The public half of the key at hand.
        key: KemPublicKey,
    },
    /// Authentic, but not padded as specified: whoever sealed it did not follow the form.
    #[error("the released credential is not padded as specified")]
    Padding(#[from] PaddingError),
    /// Authentic, but not a credential: whoever sealed it did not follow the form.
    #[error("the release does not hold a credential")]
    Credential(#[from] CredentialDecodeError),
}

/// Seals a credential to a one-time key, with 32 bytes of entropy for HPKE's ephemeral key.
///
/// # Errors
///
/// The entropy source failed.
pub fn seal_release(
    recipient: &KemPublicKey,
    context: &ReleaseContext<'_>,
    credential: &Credential,
    entropy: &mut dyn Entropy,
) -> Result<ReleaseEnvelope, ReleaseSealError> {
    // Encrypted where it stands; from then on it is no secret.
    let mut buffer = padding::pad(&credential.to_bytes())?;
    let sealed = hpke_base::seal(
        recipient.as_bytes(),
        INFO,
        &context.digest(),
        &mut buffer,
        entropy,
    )
    .map_err(|failure| match failure {
        SealFailure::Entropy(error) => ReleaseSealError::Entropy(error),
        SealFailure::Hpke(_) => ReleaseSealError::Hpke {
            recipient: *recipient,
        },
    })?;
    Ok(ReleaseEnvelope {
        enc: sealed.enc,
        ciphertext: std::mem::take(&mut *buffer),
        tag: sealed.tag,
    })
}

/// Opens a release with the private half of the key, under the context it was sealed for.
///
/// # Errors
///
/// Key or context differ, or any bit of the envelope was altered.
pub fn open_release(
    key: &OneTimeKey,
    context: &ReleaseContext<'_>,
    envelope: &ReleaseEnvelope,
) -> Result<Credential, ReleaseOpenError> {
    let mut buffer = Zeroizing::new(envelope.ciphertext.clone());
    let sealed = Sealed {
        enc: envelope.enc,
        tag: envelope.tag,
    };
    hpke_base::open(key.private(), INFO, &context.digest(), &mut buffer, &sealed).map_err(
        |_| ReleaseOpenError::NotAuthentic {
            key: key.public_key(),
        },
    )?;
    Ok(Credential::from_bytes(padding::unpad(&buffer)?)?)
}

impl ReleaseEnvelope {
    /// The byte form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        FORM.bytes(&[&self.enc, &self.ciphertext, &self.tag])
    }

    /// Reads the byte form strictly: [`to_bytes`](Self::to_bytes) gives the same bytes again.
    ///
    /// # Errors
    ///
    /// See [`ReleaseParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReleaseParseError> {
        let mut cursor = FORM.body(bytes)?;
        let enc = cursor.array()?;
        let body = cursor.rest();
        let Some((ciphertext, tag)) = body.split_last_chunk::<TAG_LEN>() else {
            return Err(ReleaseParseError::Truncated {
                needed: TAG_LEN,
                left: body.len(),
            });
        };
        if !PADDED_LENS.contains(&ciphertext.len()) {
            return Err(ReleaseParseError::CiphertextLen {
                got: ciphertext.len(),
            });
        }
        Ok(Self {
            enc,
            ciphertext: ciphertext.to_vec(),
            tag: *tag,
        })
    }

    /// The text form: padded base64 of the byte form.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// See [`ReleaseParseError`].
    pub fn from_base64(text: &str) -> Result<Self, ReleaseParseError> {
        Self::parse(&FORM.decoded(text)?)
    }

    /// SHA-256 of the byte form: what the log holds of the release.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

impl fmt::Debug for ReleaseEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReleaseEnvelope(sha256:")?;
        hex::write(&self.digest(), f)?;
        f.write_str(")")
    }
}
