//! The key of a custodian: it opens that one's shares, and lies in a file under a passphrase.
//!
//! The byte form and the reasons are in `docs/spec/sealing.md`, "Custodian key".

#[cfg(test)]
mod tests;

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    bytes::{Cursor, Truncated},
    entropy::{Entropy, EntropyError},
    hpke_base::{self, KEY_LEN, PrivateKey, TAG_LEN},
    kem::KemPublicKey,
};

/// The tag of the file.
const TAG: &str = "breakglass-custodian-key-v1:";
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
/// Most memory that a file may ask for, in KiB: more would be a way to bring a machine down.
const MEMORY_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;

/// The key of a custodian; wiped when dropped.
pub struct CustodianKey {
    private: PrivateKey,
    public: KemPublicKey,
}

/// What it takes to try a passphrase (Argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KeyCost {
    /// 256 MiB, three passes, one lane.
    pub const STANDARD: Self = Self {
        memory_kib: 256 << 10,
        passes: 3,
        lanes: 1,
    };

    /// Next to nothing, for tests.
    #[cfg(test)]
    pub(crate) const DANGER_NONE: Self = Self {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// Why a file is not written, or not opened. No variant carries any of what is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CustodianKeyError {
    /// The entropy source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// It is no such file.
    #[error("a custodian key begins with {TAG:?} and is one line")]
    NotOne,
    /// It asks for more than a machine should give, or less than Argon2 takes.
    #[error("the custodian key asks for {memory_kib} KiB, {passes} passes and {lanes} lanes")]
    Cost {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The passphrase is another, or the file was altered.
    #[error("the passphrase does not open the custodian key, or its file was altered")]
    Passphrase,
    /// The passphrase is empty.
    #[error("a custodian key takes a passphrase")]
    Empty,
}

impl From<Truncated> for CustodianKeyError {
    fn from(_: Truncated) -> Self {
        Self::NotOne
    }
}

impl CustodianKey {
    /// Makes a new key pair from 32 bytes of entropy.
    ///
    /// # Errors
    ///
    /// The entropy source failed.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let (private, public) = hpke_base::generate(entropy)?;
        let public = KemPublicKey::of_private(public);
        Ok(Self { private, public })
    }

    /// The public half, which the authority names.
    #[must_use]
    pub fn public_key(&self) -> KemPublicKey {
        self.public
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// The content of the file, under a passphrase: `breakglass-custodian-key-v1:<base64>\n`.
    ///
    /// # Errors
    ///
    /// The entropy source failed, or the passphrase is empty.
    pub fn to_file(
        &self,
        passphrase: &[u8],
        cost: KeyCost,
        entropy: &mut dyn Entropy,
    ) -> Result<String, CustodianKeyError> {
        if passphrase.is_empty() {
            return Err(CustodianKeyError::Empty);
        }
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        entropy.fill(&mut salt)?;
        entropy.fill(&mut nonce)?;
        let public = self.public;
        let clear = Clear {
            cost,
            salt,
            nonce,
            public,
        };
        let mut buffer = hpke_base::private_to(&self.private);
        let tag = clear
            .cipher(passphrase)?
            .encrypt_inout_detached(
                &XNonce::from(nonce),
                &clear.bound(),
                buffer.as_mut_slice().into(),
            )
            .map_err(|_| CustodianKeyError::Passphrase)?;
        let bytes = [clear.to_bytes().as_slice(), buffer.as_slice(), &tag].concat();
        Ok(format!("{TAG}{}\n", STANDARD.encode(bytes)))
    }

    /// Opens the content of such a file.
    ///
    /// # Errors
    ///
    /// See [`CustodianKeyError`].
    pub fn from_file(content: &[u8], passphrase: &[u8]) -> Result<Self, CustodianKeyError> {
        let Content {
            clear,
            mut private,
            tag,
        } = Content::parse(content)?;
        clear
            .cipher(passphrase)?
            .decrypt_inout_detached(
                &XNonce::from(clear.nonce),
                &clear.bound(),
                private.as_mut_slice().into(),
                &Tag::from(tag),
            )
            .map_err(|_| CustodianKeyError::Passphrase)?;
        let private = hpke_base::private_from(&private);
        let private = private.map_err(|_| CustodianKeyError::NotOne)?;
        let public = clear.public;
        if hpke_base::public_of(&private) == public.to_bytes() {
            return Ok(Self { private, public });
        }
        Err(CustodianKeyError::NotOne)
    }

    /// The public half of such a file, which needs no passphrase and is not proven by anything.
    ///
    /// # Errors
    ///
    /// [`CustodianKeyError::NotOne`]
    pub fn public_of_file(content: &[u8]) -> Result<KemPublicKey, CustodianKeyError> {
        Content::parse(content).map(|content| content.clear.public)
    }
}

impl fmt::Debug for CustodianKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustodianKey({})", self.public)
    }
}

/// What stands in the file.
struct Content {
    clear: Clear,
    /// The private half, encrypted.
    private: Zeroizing<[u8; KEY_LEN]>,
    tag: [u8; TAG_LEN],
}

impl Content {
    fn parse(content: &[u8]) -> Result<Self, CustodianKeyError> {
        let text = content.strip_prefix(TAG.as_bytes());
        let text = text.ok_or(CustodianKeyError::NotOne)?;
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|_| CustodianKeyError::NotOne)?;
        let mut cursor = Cursor::new(&bytes);
        let cost = KeyCost {
            memory_kib: u32::from_be_bytes(cursor.array()?),
            passes: u32::from_be_bytes(cursor.array()?),
            lanes: u32::from_be_bytes(cursor.array()?),
        };
        let (salt, nonce) = (cursor.array()?, cursor.array()?);
        let public = KemPublicKey::from_bytes(cursor.array()?);
        let public = public.map_err(|_| CustodianKeyError::NotOne)?;
        let (private, tag) = (Zeroizing::new(cursor.array()?), cursor.array()?);
        if !cursor.rest().is_empty() {
            return Err(CustodianKeyError::NotOne);
        }
        let clear = Clear {
            cost,
            salt,
            nonce,
            public,
        };
        Ok(Self {
            clear,
            private,
            tag,
        })
    }
}

/// What of it stands there in clear.
struct Clear {
    cost: KeyCost,
    salt: [u8; SALT_LEN],
    nonce: [u8; NONCE_LEN],
    public: KemPublicKey,
}

impl Clear {
    fn to_bytes(&self) -> Vec<u8> {
        [
            self.cost.memory_kib.to_be_bytes().as_slice(),
            &self.cost.passes.to_be_bytes(),
            &self.cost.lanes.to_be_bytes(),
            &self.salt,
            &self.nonce,
            self.public.as_bytes(),
        ]
        .concat()
    }

    /// The associated data.
    fn bound(&self) -> Vec<u8> {
        [TAG.as_bytes(), &self.to_bytes()].concat()
    }

    fn cipher(&self, passphrase: &[u8]) -> Result<XChaCha20Poly1305, CustodianKeyError> {
        let key = derived(passphrase, &self.salt, self.cost)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

fn derived(
    passphrase: &[u8],
    salt: &[u8; SALT_LEN],
    cost: KeyCost,
) -> Result<Zeroizing<[u8; 32]>, CustodianKeyError> {
    let KeyCost {
        memory_kib,
        passes,
        lanes,
    } = cost;
    let refused = CustodianKeyError::Cost {
        memory_kib,
        passes,
        lanes,
    };
    if memory_kib > MEMORY_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
        return Err(refused);
    }
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(memory_kib, passes, lanes, Some(key.len()));
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        params.map_err(|_| refused)?,
    );
    argon2
        .hash_password_into(passphrase, salt, key.as_mut_slice())
        .map_err(|_| refused)?;
    Ok(key)
}
