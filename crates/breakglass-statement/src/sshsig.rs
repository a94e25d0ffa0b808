//! SSHSIG, version 1 (OpenSSH `PROTOCOL.sshsig`): the file that `ssh-keygen -Y sign` writes.

mod signature;
mod verify;
mod webauthn;

use thiserror::Error;

use self::signature::Signature;
pub(crate) use self::verify::check_origin;
pub use self::{
    verify::{Presence, SignatureError},
    webauthn::ClientDataError,
};
use crate::{
    armour::{self, ArmourError},
    digest,
    public_key::{KeyError, KeyType, PublicKey},
    wire::{Reader, WireError, Writer},
};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &str = "sha512";

/// Why something is not an SSH signature of the form that is used here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SshSigError {
    /// The armour.
    #[error(transparent)]
    Armour(#[from] ArmourError),
    /// The encoding.
    #[error("signature cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The key in it.
    #[error("signature holds a key that cannot be used: {0}")]
    Key(#[from] KeyError),
    /// It does not begin with `SSHSIG`.
    #[error("not an ssh signature")]
    Magic,
    /// Another version than 1.
    #[error("ssh signature has version {got}, version 1 is expected")]
    Version {
        /// The version.
        got: u32,
    },
    /// The reserved field holds something.
    #[error("ssh signature has {got} bytes in its reserved field, which must be empty")]
    Reserved {
        /// How many bytes.
        got: usize,
    },
    /// Another hash than sha512.
    #[error("ssh signature uses the hash {got:?}, sha512 is expected")]
    Hash {
        /// Its name, cut to 80 characters.
        got: String,
    },
    /// The signature's type is not one that the key makes.
    #[error("a {key} key does not make signatures of type {got:?}")]
    TypeMismatch {
        /// The key's type.
        key: KeyType,
        /// The signature's type, cut to 80 characters.
        got: String,
    },
    /// An Ed25519 signature that has not 64 bytes.
    #[error("ed25519 signature has {got} bytes, 64 are expected")]
    Length {
        /// How many bytes.
        got: usize,
    },
    /// An ECDSA signature with a number outside 1 to the order of the curve.
    #[error("ecdsa signature has a number that is zero or beyond the order of the curve")]
    Scalar,
    /// It can be read, but has another spelling than the one it would be written in.
    #[error("signature is not in its canonical encoding")]
    NotCanonical,
}

/// What the key signs: `SSHSIG` ‖ namespace ‖ reserved ‖ hash ‖ SHA-512 of the message.
#[must_use]
pub fn to_be_signed(namespace: &str, message: &[u8]) -> Vec<u8> {
    Writer::new()
        .raw(MAGIC)
        .string(namespace.as_bytes())
        .string(b"")
        .string(HASH.as_bytes())
        .string(&digest::sha512(message))
        .into_bytes()
}

/// An SSH signature: the key that made it, the namespace it was made in, the signature itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    key: PublicKey,
    namespace: String,
    signature: Signature,
}

impl SshSig {
    /// Reads an armoured signature.
    pub fn from_armoured(text: &str) -> Result<Self, SshSigError> {
        Self::from_bytes(&armour::dearmour(text)?)
    }

    /// Reads what the armour holds. What it would be written as must be what was read.
    pub fn from_bytes(blob: &[u8]) -> Result<Self, SshSigError> {
        let mut reader = Reader::new(blob);
        if reader.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(SshSigError::Magic);
        }
        let version = reader.u32()?;
        if version != VERSION {
            return Err(SshSigError::Version { got: version });
        }
        let key = PublicKey::from_wire(reader.string()?)?;
        let namespace = reader.text()?.to_owned();
        let reserved = reader.string()?.len();
        if reserved != 0 {
            return Err(SshSigError::Reserved { got: reserved });
        }
        let hash = reader.text()?;
        if hash != HASH {
            let got = hash.chars().take(80).collect();
            return Err(SshSigError::Hash { got });
        }
        let signature = Signature::from_wire(key.key_type(), reader.string()?)?;
        reader.finish()?;
        let read = Self {
            key,
            namespace,
            signature,
        };
        if read.to_bytes() == blob {
            Ok(read)
        } else {
            Err(SshSigError::NotCanonical)
        }
    }

    /// Wraps a signature that a key file made over [`to_be_signed`].
    pub fn pack_ed25519(
        key: &PublicKey,
        namespace: &str,
        signature: &[u8; 64],
    ) -> Result<Self, SshSigError> {
        let blob = Writer::new()
            .string(KeyType::Ed25519.as_str().as_bytes())
            .string(signature);
        Self::pack_agent_signature(key, namespace, &blob.into_bytes())
    }

    /// Wraps a signature that an agent made over [`to_be_signed`]: `blob` is the string that
    /// `SSH_AGENT_SIGN_RESPONSE` carries.
    pub fn pack_agent_signature(
        key: &PublicKey,
        namespace: &str,
        blob: &[u8],
    ) -> Result<Self, SshSigError> {
        let signature = Signature::from_wire(key.key_type(), blob)?;
        if signature.to_wire() != blob {
            return Err(SshSigError::NotCanonical);
        }
        Ok(Self {
            key: key.clone(),
            namespace: namespace.to_owned(),
            signature,
        })
    }

    /// The wire form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new()
            .raw(MAGIC)
            .u32(VERSION)
            .string(self.key.wire())
            .string(self.namespace.as_bytes())
            .string(b"")
            .string(HASH.as_bytes())
            .string(&self.signature.to_wire())
            .into_bytes()
    }

    /// The file that `ssh-keygen -Y verify -s` reads.
    #[must_use]
    pub fn to_armoured(&self) -> String {
        armour::armour(&self.to_bytes())
    }

    /// The key that it says made it. It proves nothing about whose key that is.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The namespace that it says it was made in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}
