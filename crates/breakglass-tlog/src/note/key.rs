//! The names, IDs and public keys of those who sign notes.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::NoteSignature;
use crate::cosignature::{Cosignature, CosignatureError};
use crate::text;

/// The name of a key: not empty, without Unicode spaces, control characters or `+`.
///
/// Should be a URL without scheme; need not be reachable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A text is not the name of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key name is not empty and has no space, control character or plus sign, got {got:?}")]
pub struct KeyNameError {
    /// The text.
    pub got: String,
}

/// The short ID of a key. An identifier, not a fingerprint: collisions are cheap to make.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KeyId::LEN]);

/// What a key signs and how: the signature type byte of its verifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// 0x01: Ed25519 over the text of the note.
    Ed25519,
    /// 0x04: Ed25519 over a time and a checkpoint (C2SP tlog-cosignature, `cosignature/v1`).
    CosignatureV1,
}

/// Why a text is not a verifier key or a signing key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text does not have its parts.
    #[error("a key is written as {expected}")]
    Shape {
        /// How it should be written.
        expected: &'static str,
    },
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] KeyNameError),
    /// The ID does not follow from the name and the public key.
    #[error("the key ID is {expected}, got {got:?}")]
    Id {
        /// The ID that follows.
        expected: KeyId,
        /// The ID in the text.
        got: String,
    },
    /// The key material is not canonical base64.
    #[error("the key material is not canonical base64")]
    Base64,
    /// The signature type is none of ours, or not the one asked for.
    #[error("signature type {got:#04x} is not supported here")]
    Type {
        /// The type byte.
        got: u8,
    },
    /// The key has another length than its type prescribes.
    #[error("a key of this type has {expected} bytes, got {got}")]
    Length {
        /// The length in bytes the type prescribes.
        expected: usize,
        /// The length in bytes found.
        got: usize,
    },
    /// The bytes are not a point on the curve, or one of small order.
    #[error("the public key is not a point an ed25519 signature can be checked against")]
    Point,
}

/// Why a signature of a known key does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureVerifyError {
    /// The signature has another length than its type prescribes.
    #[error("an ed25519 signature has {expected} bytes, got {got}", expected = ed25519_dalek::SIGNATURE_LENGTH)]
    Length {
        /// The length in bytes found.
        got: usize,
    },
    /// The signature is not one of this text by this key.
    #[error("the signature is not one of this text by this key")]
    Mismatch,
    /// The payload is not a cosignature.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
}

/// A public key under a name: whose signatures to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    kind: KeyKind,
    public_key: VerifyingKey,
}

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`KeyNameError`] if the text breaks a rule for names.
    pub fn new(name: impl Into<String>) -> Result<Self, KeyNameError> {
        let name = name.into();
        let bad = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if name.is_empty() || name.contains(bad) {
            return Err(KeyNameError { got: name });
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyId {
    /// Length in bytes.
    pub const LEN: usize = 4;

    /// Wraps the bytes found in a signature.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// SHA-256(name || 0x0A || type || public key), the first four bytes.
    fn of(name: &KeyName, kind: KeyKind, public_key: &VerifyingKey) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind.type_byte()])
            .chain_update(public_key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl KeyKind {
    /// The signature type byte.
    #[must_use]
    pub const fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    /// The kind with that signature type byte, if it is one of ours.
    #[must_use]
    pub const fn from_type_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

impl VerifierKey {
    /// How [`VerifierKey::parse`] wants a key written.
    const SHAPE: &'static str = "<name>+<8 hex digits>+<base64>";

    /// An Ed25519 public key under a name.
    ///
    /// # Errors
    /// [`KeyError::Length`] or [`KeyError::Point`] if the bytes are not an Ed25519 public key.
    pub fn new(name: KeyName, kind: KeyKind, public_key: &[u8]) -> Result<Self, KeyError> {
        let expected = ed25519_dalek::PUBLIC_KEY_LENGTH;
        let bytes = public_key.try_into().map_err(|_| KeyError::Length {
            expected,
            got: public_key.len(),
        })?;
        let public_key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        // Under a key of small order one signature verifies for many texts.
        if public_key.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self::from_point(name, kind, public_key))
    }

    /// A key that comes from a secret and therefore is a good one.
    pub(crate) fn from_point(name: KeyName, kind: KeyKind, public_key: VerifyingKey) -> Self {
        let id = KeyId::of(&name, kind, &public_key);
        Self {
            name,
            id,
            kind,
            public_key,
        }
    }

    /// Reads the spelling of `Display`, and no other: `<name>+<8 hex digits>+<base64>`.
    ///
    /// # Errors
    /// [`KeyError`] for the first part that is wrong, an ID that does not fit the key included.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::split(vkey).ok_or(KeyError::Shape {
            expected: Self::SHAPE,
        })?;
        let material = text::from_base64(parts.material).ok_or(KeyError::Base64)?;
        let (type_byte, public_key) = material.split_first().ok_or(KeyError::Shape {
            expected: Self::SHAPE,
        })?;
        let kind = KeyKind::from_type_byte(*type_byte).ok_or(KeyError::Type { got: *type_byte })?;
        let key = Self::new(KeyName::new(parts.name)?, kind, public_key)?;
        key.check_id(parts.id)?;
        Ok(key)
    }

    /// Compares the ID with the one in a text.
    pub(crate) fn check_id(&self, got: &str) -> Result<(), KeyError> {
        if self.id.to_string() == got {
            return Ok(());
        }
        Err(KeyError::Id {
            expected: self.id,
            got: got.to_owned(),
        })
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The ID.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The 32 bytes of the Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; ed25519_dalek::PUBLIC_KEY_LENGTH] {
        self.public_key.as_bytes()
    }

    /// Whether a signature claims to be by this key.
    pub(crate) fn made(&self, signature: &NoteSignature) -> bool {
        self.id == signature.id() && self.name == *signature.name()
    }

    /// Verifies what follows the key ID in a signature line, and returns its time if it has one.
    pub(crate) fn verify(
        &self,
        text: &str,
        payload: &[u8],
    ) -> Result<Option<u64>, SignatureVerifyError> {
        match self.kind {
            KeyKind::Ed25519 => self.verify_bytes(text.as_bytes(), payload).map(|()| None),
            KeyKind::CosignatureV1 => {
                let cosignature = Cosignature::parse(payload)?;
                let message = cosignature.message(text);
                self.verify_bytes(message.as_bytes(), cosignature.signature())?;
                Ok(Some(cosignature.time()))
            }
        }
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureVerifyError> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| {
            SignatureVerifyError::Length {
                got: signature.len(),
            }
        })?;
        self.public_key
            .verify_strict(message, &signature)
            .map_err(|_| SignatureVerifyError::Mismatch)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.kind.type_byte()];
        material.extend_from_slice(self.public_key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, text::base64(&material))
    }
}

/// The parts both text forms of a key end with: `<name>+<id>+<material>`.
pub(crate) struct KeyParts<'t> {
    pub(crate) name: &'t str,
    pub(crate) id: &'t str,
    pub(crate) material: &'t str,
}

impl<'t> KeyParts<'t> {
    /// Splits at the first two plus signs; base64 may contain more.
    pub(crate) fn split(text: &'t str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, material) = rest.split_once('+')?;
        Some(Self { name, id, material })
    }
}
