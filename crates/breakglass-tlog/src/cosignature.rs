//! C2SP tlog-cosignature v1.0.1, Ed25519: a witness's timestamped statement on a checkpoint.
//!
//! It says: at that time, this was the largest consistent tree of this origin I had seen.
//! The signed message does not name the witness, so a key must serve one witness name only.

use std::fmt;

use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::note::{KeyError, KeyKind, KeyName, NoteSignature, SecretKey, VerifierKey};

/// The latest time a cosignature can carry, in POSIX seconds.
pub const MAX_TIME: u64 = i64::MAX as u64;

/// Length of the time in front of the signature, in bytes.
const TIME_LEN: usize = size_of::<u64>();

/// The payload of a cosignature line, behind the key ID: a time and a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    time: u64,
    signature: [u8; ed25519_dalek::SIGNATURE_LENGTH],
}

/// Why a payload is not a cosignature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// The payload has another length.
    #[error("a cosignature has {expected} bytes, got {got}", expected = Cosignature::LEN)]
    Length {
        /// The length in bytes found.
        got: usize,
    },
    /// The time exceeds [`MAX_TIME`].
    #[error("the cosignature time {time} is beyond {MAX_TIME}")]
    Time {
        /// The time, in POSIX seconds.
        time: u64,
    },
}

impl Cosignature {
    /// Length of the payload in bytes.
    pub const LEN: usize = TIME_LEN + ed25519_dalek::SIGNATURE_LENGTH;

    /// Reads a payload. Verifies nothing.
    ///
    /// # Errors
    /// [`CosignatureError`] if the length or the time is out of range.
    pub fn parse(payload: &[u8]) -> Result<Self, CosignatureError> {
        let length = || CosignatureError::Length { got: payload.len() };
        let (time, signature) = payload.split_first_chunk().ok_or_else(length)?;
        let signature = signature.try_into().map_err(|_| length())?;
        Ok(Self {
            time: check_time(u64::from_be_bytes(*time))?,
            signature,
        })
    }

    /// The payload: the time as 8 bytes, big-endian, and the signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.time.to_be_bytes().as_slice(), &self.signature].concat()
    }

    /// When the witness saw the checkpoint, in POSIX seconds.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// The Ed25519 signature over [`Cosignature::message`].
    #[must_use]
    pub const fn signature(&self) -> &[u8; ed25519_dalek::SIGNATURE_LENGTH] {
        &self.signature
    }

    /// What is signed, given the text of the checkpoint note, its final newline included.
    #[must_use]
    pub fn message(&self, checkpoint_text: &str) -> String {
        message(self.time, checkpoint_text)
    }
}

/// The key of a witness (0x04).
pub struct CosignerKey(SecretKey);

impl CosignerKey {
    /// The key with that name and secret seed. The caller wipes its copy of the seed.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        Self(SecretKey::from_seed(name, KeyKind::CosignatureV1, seed))
    }

    /// Reads the spelling of [`CosignerKey::to_text`], and no other.
    ///
    /// # Errors
    /// [`KeyError`] for the first part that is wrong; never with anything of the secret in it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        SecretKey::parse(text, KeyKind::CosignatureV1).map(Self)
    }

    /// The secret as text: `PRIVATE+KEY+<name>+<id>+<base64>`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        self.0.to_text()
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.0.verifier()
    }

    /// Cosigns a checkpoint as seen at `time`, in POSIX seconds.
    ///
    /// The caller has checked that it extends the last one it cosigned, and persisted it.
    ///
    /// # Errors
    /// [`CosignatureError::Time`] if the time exceeds [`MAX_TIME`].
    pub fn cosign(
        &self,
        checkpoint: &Checkpoint,
        time: u64,
    ) -> Result<NoteSignature, CosignatureError> {
        let message = message(check_time(time)?, &checkpoint.to_text());
        let cosignature = Cosignature {
            time,
            signature: self.0.sign_bytes(message.as_bytes()),
        };
        Ok(self.0.line(cosignature.to_bytes()))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosignerKey")
            .field("verifier", self.verifier())
            .finish_non_exhaustive()
    }
}

fn message(time: u64, checkpoint_text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint_text}")
}

fn check_time(time: u64) -> Result<u64, CosignatureError> {
    if time > MAX_TIME {
        Err(CosignatureError::Time { time })
    } else {
        Ok(time)
    }
}
