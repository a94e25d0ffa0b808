//! Private key files in OpenSSH's own format (`PROTOCOL.key`): plain ed25519 and nistp256 keys are
//! read and used here, everything else is left to `ssh-keygen`.

use std::{
    fmt,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::statement::Kind;
use breakglass_statement::{
    KeyError, KeyType, PublicKey, SshSig, to_be_signed,
    wire::{Reader, WireError, Writer},
};
use ed25519_dalek::Signer as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{SignError, Signer};

/// The first line of the file.
pub(super) const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
/// The last one.
pub(super) const END: &str = "-----END OPENSSH PRIVATE KEY-----";
/// What the content begins with.
pub(super) const MAGIC: &[u8] = b"openssh-key-v1\0";
/// Cipher and key derivation of a file without passphrase.
pub(super) const NONE: &[u8] = b"none";
/// The block that an unencrypted key is padded to, in bytes.
pub(super) const BLOCK: usize = 8;
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why a file is not a private key that can be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is the public half.
    #[error("{} is a public key", .path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner can read it.
    #[error("{} has mode {mode:04o}: others can read this private key", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It has not the form of an OpenSSH private key file.
    #[error("not an openssh private key file: {what}")]
    Form {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Its content ends early or goes on too long.
    #[error("private key file cannot be read: {0}")]
    Wire(#[from] WireError),
    /// The key in it is none that may sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl KeyFileError {
    const fn form(what: &'static str) -> Self {
        Self::Form { what }
    }
}

/// A private key without a passphrase. Wiped when dropped; `Debug` shows the public half only.
pub enum PrivateKey {
    /// `ssh-ed25519`.
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256(Box<p256::ecdsa::SigningKey>),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(_) => f.write_str("PrivateKey(ssh-ed25519)"),
            Self::EcdsaP256(_) => f.write_str("PrivateKey(ecdsa-sha2-nistp256)"),
        }
    }
}

/// What a private key file holds.
#[derive(Debug)]
pub enum Parsed {
    /// A key that can be used as it is.
    Plain(PrivateKey),
    /// A key with a passphrase or in a token: `ssh-keygen` knows how to ask for it.
    NeedsSshKeygen(Box<PublicKey>),
}

/// Reads a file that nobody else can read.
///
/// # Errors
///
/// It is missing, too long, or others can read it.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let io = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    // Told before its mode is: anybody may read a public key, and it signs nothing.
    if path.extension().is_some_and(|e| e == "pub") && path.is_file() {
        return Err(KeyFileError::Public {
            path: path.to_owned(),
        });
    }
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking())
        .open(path)
        .map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    if !meta.is_file() || meta.len() > FILE_BYTES_MAX {
        return Err(KeyFileError::form("not a regular file of at most 64 KiB"));
    }
    // Sized in advance, so that the buffer never moves and leaves a copy behind.
    let size = usize::try_from(meta.len()).unwrap_or(0);
    let mut content = Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(meta.len())
        .read_to_end(&mut content)
        .map_err(io)?;
    Ok(content)
}

/// Opening a pipe must not hang before it is seen to be one.
fn nonblocking() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// Reads the content of a private key file.
///
/// # Errors
///
/// It is not one, or one of a type that may not sign.
pub fn parse(content: &[u8]) -> Result<Parsed, KeyFileError> {
    let blob = decode(content)?;
    let mut reader = Reader::new(&blob);
    if reader.take(MAGIC.len()) != Ok(MAGIC) {
        return Err(KeyFileError::form("it does not begin with openssh-key-v1"));
    }
    let (cipher, kdf, options) = (reader.string()?, reader.string()?, reader.string()?);
    if reader.u32()? != 1 {
        return Err(KeyFileError::form("it does not hold exactly one key"));
    }
    let public_key = PublicKey::from_wire(reader.string()?)?;
    let private = reader.string()?;
    if cipher != NONE || public_key.key_type().is_security_key() {
        // What follows an encrypted key is the authentication tag of some ciphers.
        return Ok(Parsed::NeedsSshKeygen(Box::new(public_key)));
    }
    reader.finish()?;
    if kdf != NONE || !options.is_empty() {
        return Err(KeyFileError::form(
            "it is not encrypted, but names a key derivation",
        ));
    }
    private_section(&public_key, private).map(Parsed::Plain)
}

fn decode(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let text = std::str::from_utf8(content)
        .map_err(|_| KeyFileError::form("it is not text"))?
        .trim_end();
    let body = text
        .strip_prefix(BEGIN)
        .and_then(|t| t.strip_suffix(END))
        .ok_or_else(|| KeyFileError::form("its begin or end line is missing"))?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|b| !b.is_ascii_whitespace()));
    let mut blob = Zeroizing::new(vec![0; base64.len()]);
    let length = STANDARD
        .decode_slice(&*base64, &mut blob)
        .map_err(|_| KeyFileError::form("it is not base64"))?;
    blob.truncate(length);
    Ok(blob)
}

/// check ‖ check ‖ the key ‖ comment ‖ padding 1, 2, 3 …
fn private_section(public_key: &PublicKey, private: &[u8]) -> Result<PrivateKey, KeyFileError> {
    if !private.len().is_multiple_of(BLOCK) {
        return Err(KeyFileError::form("its private section is not padded"));
    }
    let mut reader = Reader::new(private);
    if reader.u32()? != reader.u32()? {
        return Err(KeyFileError::form("its two check numbers differ"));
    }
    if reader.text()? != public_key.key_type().as_str() {
        return Err(KeyFileError::form("it holds keys of two types"));
    }
    let key = match public_key.key_type() {
        KeyType::Ed25519 => ed25519(public_key, &mut reader)?,
        KeyType::EcdsaP256 => ecdsa(public_key, &mut reader)?,
        KeyType::SkEd25519 | KeyType::SkEcdsaP256 => {
            return Err(KeyFileError::form("a token's key has no private section"));
        }
    };
    let _comment = reader.string()?;
    let padding = reader.rest();
    let counts = padding.iter().zip(1u8..).all(|(got, want)| *got == want);
    if padding.len() >= BLOCK || !counts {
        return Err(KeyFileError::form("its padding is wrong"));
    }
    Ok(key)
}

/// public ‖ (seed ‖ public).
fn ed25519(public_key: &PublicKey, reader: &mut Reader<'_>) -> Result<PrivateKey, KeyFileError> {
    let stated = reader.string()?;
    let pair: Zeroizing<[u8; 64]> = Zeroizing::new(
        reader
            .string()?
            .try_into()
            .map_err(|_| KeyFileError::form("its ed25519 key has not 64 bytes"))?,
    );
    let key = ed25519_dalek::SigningKey::from_keypair_bytes(&pair)
        .map_err(|_| KeyFileError::form("its private and public halves do not belong together"))?;
    let derived = PublicKey::from_ed25519(key.verifying_key().as_bytes())?;
    if derived != *public_key || stated != key.verifying_key().as_bytes() {
        return Err(KeyFileError::form("it holds two different keys"));
    }
    Ok(PrivateKey::Ed25519(Box::new(key)))
}

/// curve ‖ point ‖ scalar.
fn ecdsa(public_key: &PublicKey, reader: &mut Reader<'_>) -> Result<PrivateKey, KeyFileError> {
    let (curve, point) = (reader.string()?, reader.string()?);
    let magnitude = reader.mpint()?;
    let mut scalar = Zeroizing::new([0; 32]);
    let start = scalar.len().checked_sub(magnitude.len());
    start
        .and_then(|start| scalar.get_mut(start..))
        .ok_or_else(|| KeyFileError::form("its ecdsa key is too long"))?
        .copy_from_slice(magnitude);
    let key = p256::ecdsa::SigningKey::from_slice(&*scalar)
        .map_err(|_| KeyFileError::form("its ecdsa key is not one of its curve"))?;
    let derived = ecdsa_public(&key)?;
    let inside = Writer::new()
        .string(KeyType::EcdsaP256.as_str().as_bytes())
        .string(curve)
        .string(point);
    if derived != *public_key || inside.into_bytes() != public_key.wire() {
        return Err(KeyFileError::form("it holds two different keys"));
    }
    Ok(PrivateKey::EcdsaP256(Box::new(key)))
}

fn ecdsa_public(key: &p256::ecdsa::SigningKey) -> Result<PublicKey, KeyError> {
    let wire = Writer::new()
        .string(KeyType::EcdsaP256.as_str().as_bytes())
        .string(b"nistp256")
        .string(key.verifying_key().to_sec1_point(false).as_bytes());
    PublicKey::from_wire(&wire.into_bytes())
}

impl PrivateKey {
    /// The public half.
    ///
    /// # Errors
    ///
    /// Never for a key that was made properly; a weak point is refused.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Ed25519(key) => PublicKey::from_ed25519(key.verifying_key().as_bytes()),
            Self::EcdsaP256(key) => ecdsa_public(key),
        }
    }

    /// The signature blob over some bytes, as an agent would return it.
    fn sign_raw(&self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => Writer::new()
                .string(KeyType::Ed25519.as_str().as_bytes())
                .string(&key.sign(data).to_bytes())
                .into_bytes(),
            Self::EcdsaP256(key) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(data);
                let (r, s) = signature.split_bytes();
                let numbers = Writer::new().mpint(&r).mpint(&s).into_bytes();
                Writer::new()
                    .string(KeyType::EcdsaP256.as_str().as_bytes())
                    .string(&numbers)
                    .into_bytes()
            }
        }
    }
}

/// Signs with a private key of its own.
#[derive(Debug)]
pub struct KeyFileSigner {
    key: PrivateKey,
    public_key: PublicKey,
}

impl KeyFileSigner {
    /// The signer of a key.
    ///
    /// # Errors
    ///
    /// Its public half may not sign.
    pub fn new(key: PrivateKey) -> Result<Self, KeyFileError> {
        let public_key = key.public_key()?;
        Ok(Self { key, public_key })
    }
}

impl Signer for KeyFileSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&mut self, kind: Kind, text: &[u8]) -> Result<String, SignError> {
        let namespace = kind.namespace();
        let blob = self.key.sign_raw(&to_be_signed(namespace, text));
        let signature = SshSig::pack_agent_signature(&self.public_key, namespace, &blob)?;
        Ok(signature.to_armoured())
    }
}

#[cfg(test)]
mod tests;
