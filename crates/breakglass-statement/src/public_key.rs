//! Public keys that may sign statements.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::Fingerprint;
use thiserror::Error;

use crate::{
    digest::sha256,
    wire::{Reader, WireError, Writer},
};

/// The types of key that may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// `ssh-ed25519`.
    Ed25519,
    /// `sk-ssh-ed25519@openssh.com`: in a FIDO token.
    SkEd25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: in a FIDO token, or a passkey.
    SkEcdsaP256,
}

impl KeyType {
    /// Every type.
    pub const ALL: &'static [Self] = &[
        Self::Ed25519,
        Self::SkEd25519,
        Self::EcdsaP256,
        Self::SkEcdsaP256,
    ];

    /// Its name in SSH.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// Whether the key lies in a FIDO token, which attests that it was touched.
    #[must_use]
    pub const fn is_security_key(self) -> bool {
        match self {
            Self::SkEd25519 | Self::SkEcdsaP256 => true,
            Self::Ed25519 | Self::EcdsaP256 => false,
        }
    }

    fn from_name(name: &str) -> Result<Self, KeyError> {
        match Self::ALL.iter().find(|t| t.as_str() == name) {
            Some(key_type) => Ok(*key_type),
            None if name == "ssh-rsa" || name.starts_with("rsa-sha2-") => Err(KeyError::Rsa),
            None => Err(KeyError::Unsupported {
                got: name.chars().take(80).collect(),
            }),
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something is not a public key that may sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not `type base64`, with or without a comment.
    #[error("not a public key line: a key type and base64 are expected")]
    NotALine,
    /// The base64 or what it holds cannot be read.
    #[error("public key cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The type before the base64 is not the one inside.
    #[error("public key says {stated} outside and {actual} inside")]
    TypesDiffer {
        /// Before the base64.
        stated: KeyType,
        /// Inside it.
        actual: KeyType,
    },
    /// RSA.
    #[error(
        "rsa keys are not accepted: their signatures are too large for paper and codes, and the \
         implementation at hand leaks timing; make one with `ssh-keygen -t ed25519-sk` or \
         `ssh-keygen -t ed25519`"
    )]
    Rsa,
    /// Another type that is not accepted: DSA, other curves, certificates.
    #[error(
        "key type {got:?} is not accepted; use ssh-ed25519, ecdsa-sha2-nistp256 or their sk- forms"
    )]
    Unsupported {
        /// The type, cut to 80 characters.
        got: String,
    },
    /// An ECDSA key on another curve than its type says.
    #[error("public key names a curve other than nistp256")]
    Curve,
    /// The bytes are not a point of the curve in its one spelling.
    #[error("public key is not a point of its curve in canonical form")]
    NotAPoint,
    /// An Ed25519 key of small order: some signatures verify under it for any text.
    #[error("public key has small order and would accept signatures nobody made")]
    Weak,
    /// The application of a FIDO key is empty, too long or not printable ASCII.
    #[error("public key has an application that is not 1 to 255 printable ascii characters")]
    Application,
}

/// The point itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Point {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// A public key that may sign. Two are equal where their wire forms are.
#[derive(Clone)]
pub struct PublicKey {
    key_type: KeyType,
    wire: Vec<u8>,
    point: Point,
    application: String,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.wire == other.wire
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.key_type, self.fingerprint())
    }
}

impl PublicKey {
    /// Reads `type base64`, as in a `.pub` file, with one space between; another space or a tab
    /// and a comment, and the line's end, may follow.
    pub fn from_line(line: &str) -> Result<Self, KeyError> {
        let line = line.trim_end_matches(['\r', '\n']);
        let (name, rest) = line.split_once(' ').ok_or(KeyError::NotALine)?;
        let base64 = rest.split([' ', '\t']).next().unwrap_or_default();
        if line.contains('\n') {
            return Err(KeyError::NotALine);
        }
        let stated = KeyType::from_name(name)?;
        let wire = STANDARD.decode(base64).map_err(|_| KeyError::NotALine)?;
        let key = Self::from_wire(&wire)?;
        if key.key_type != stated {
            return Err(KeyError::TypesDiffer {
                stated,
                actual: key.key_type,
            });
        }
        Ok(key)
    }

    /// Reads the wire form: what the base64 of a line holds, and what a signature embeds.
    pub fn from_wire(wire: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(wire);
        let key_type = KeyType::from_name(reader.text()?)?;
        let point = match key_type {
            KeyType::Ed25519 | KeyType::SkEd25519 => ed25519_point(reader.string()?)?,
            KeyType::EcdsaP256 | KeyType::SkEcdsaP256 => {
                if reader.string()? != b"nistp256" {
                    return Err(KeyError::Curve);
                }
                p256_point(reader.string()?)?
            }
        };
        let application = if key_type.is_security_key() {
            application(reader.text()?)?
        } else {
            String::new()
        };
        reader.finish()?;
        Ok(Self {
            key_type,
            wire: wire.to_vec(),
            point,
            application,
        })
    }

    /// An `ssh-ed25519` key from its 32 bytes.
    pub fn from_ed25519(point: &[u8; 32]) -> Result<Self, KeyError> {
        let name = KeyType::Ed25519.as_str();
        let wire = Writer::new().string(name.as_bytes()).string(point);
        Self::from_wire(&wire.into_bytes())
    }

    /// Its type.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// `ssh:` or what the token was told, the relying party's id of a passkey; empty for a key
    /// outside a token.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// The wire form.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// `type base64`, without comment: the form in which the authority holds it.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.key_type, STANDARD.encode(&self.wire))
    }

    /// What `ssh-keygen -l` prints.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from_sha256(&sha256(&self.wire))
    }

    pub(crate) const fn point(&self) -> &Point {
        &self.point
    }
}

fn ed25519_point(bytes: &[u8]) -> Result<Point, KeyError> {
    let bytes: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::NotAPoint)?;
    if !is_reduced(bytes) {
        return Err(KeyError::NotAPoint);
    }
    let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotAPoint)?;
    if key.is_weak() {
        return Err(KeyError::Weak);
    }
    Ok(Point::Ed25519(key))
}

/// Whether the y coordinate is below 2^255 − 19: a point has a second spelling otherwise, and a
/// second spelling is a second fingerprint.
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || middle.iter().any(|byte| *byte != 0xff) || high & 0x7f != 0x7f
}

fn p256_point(bytes: &[u8]) -> Result<Point, KeyError> {
    if bytes.len() != 65 || bytes.first() != Some(&4) {
        return Err(KeyError::NotAPoint);
    }
    p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes)
        .map(Point::P256)
        .map_err(|_| KeyError::NotAPoint)
}

fn application(text: &str) -> Result<String, KeyError> {
    let printable = text.bytes().all(|b| b.is_ascii_graphic());
    if printable && (1..=255).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(KeyError::Application)
    }
}

#[cfg(test)]
mod tests;
