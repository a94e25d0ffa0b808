//! The secret halves of keys. Wiped when dropped, never printed.

use std::fmt;

use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::key::KeyParts;
use super::{KeyError, KeyKind, KeyName, NoteSignature, VerifierKey};
use crate::text;

/// What the text form of every secret key starts with.
const PREFIX: &str = "PRIVATE+KEY+";
/// How the text form of a secret key looks.
const SHAPE: &str = "PRIVATE+KEY+<name>+<8 hex digits>+<base64>";

/// An Ed25519 secret under a name, for one kind of signature.
pub(crate) struct SecretKey {
    verifier: VerifierKey,
    secret: ed25519_dalek::SigningKey,
}

impl SecretKey {
    pub(crate) fn from_seed(name: KeyName, kind: KeyKind, seed: &[u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::from_point(name, kind, secret.verifying_key());
        Self { verifier, secret }
    }

    pub(crate) fn parse(text: &str, kind: KeyKind) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape { expected: SHAPE };
        let parts = text
            .strip_prefix(PREFIX)
            .and_then(KeyParts::split)
            .ok_or_else(shape)?;
        // In a mangled text the secret may stand where the name should: do not quote it.
        let name = KeyName::new(parts.name).map_err(|_| shape())?;
        let material = Zeroizing::new(text::from_base64(parts.material).ok_or(KeyError::Base64)?);
        let (type_byte, seed) = material.split_first().ok_or_else(shape)?;
        if *type_byte != kind.type_byte() {
            return Err(KeyError::Type { got: *type_byte });
        }
        let length = KeyError::Length {
            expected: ed25519_dalek::SECRET_KEY_LENGTH,
            got: seed.len(),
        };
        let key = Self::from_seed(name, kind, seed.try_into().map_err(|_| length)?);
        key.verifier.check_id(parts.id)?;
        Ok(key)
    }

    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut material = Zeroizing::new(vec![self.verifier.kind().type_byte()]);
        // Reserved exactly, so that no shorter copy of the seed is left behind by growing.
        material.reserve_exact(ed25519_dalek::SECRET_KEY_LENGTH);
        material.extend_from_slice(self.secret.as_bytes());
        let encoded = Zeroizing::new(text::base64(&material));
        let (name, id) = (self.verifier.name(), self.verifier.id().to_string());
        let parts = [PREFIX, name.as_str(), "+", &id, "+", &encoded];
        Zeroizing::new(parts.concat())
    }

    pub(crate) const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; ed25519_dalek::SIGNATURE_LENGTH] {
        self.secret.sign(message).to_bytes()
    }

    /// A signature line of this key with that payload.
    pub(crate) fn line(&self, payload: Vec<u8>) -> NoteSignature {
        NoteSignature::new(self.verifier.name().clone(), self.verifier.id(), payload)
    }
}

/// An Ed25519 key that signs notes (0x01), such as the key of a log.
pub struct SigningKey(SecretKey);

impl SigningKey {
    /// The key with that name and secret seed. The caller wipes its copy of the seed.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        Self(SecretKey::from_seed(name, KeyKind::Ed25519, seed))
    }

    /// Reads the spelling of [`SigningKey::to_text`], and no other.
    ///
    /// # Errors
    /// [`KeyError`] for the first part that is wrong; never with anything of the secret in it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        SecretKey::parse(text, KeyKind::Ed25519).map(Self)
    }

    /// The secret as text, as the Go tools write it: `PRIVATE+KEY+<name>+<id>+<base64>`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        self.0.to_text()
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.0.verifier()
    }

    /// Signs the text of a note.
    #[must_use]
    pub fn sign(&self, text: &str) -> NoteSignature {
        self.0.line(self.0.sign_bytes(text.as_bytes()).to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("verifier", self.verifier())
            .finish_non_exhaustive()
    }
}
