//! New ed25519 keys, in the file format that stock `ssh-keygen` reads.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_seal::{Entropy, EntropyError};
use breakglass_statement::{KeyType, PublicKey, wire::Writer};
use ed25519_dalek::SigningKey;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::key_file::{BEGIN, BLOCK, END, MAGIC, NONE, PrivateKey};
use crate::state::{StateError, file};

/// Characters on a line of the file.
const COLUMNS: usize = 70;

/// A key made a moment ago.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The key.
    pub private_key: PrivateKey,
    /// Its public half.
    pub public_key: PublicKey,
    /// The content of the private key file. Wiped when dropped.
    pub file: Zeroizing<String>,
    /// The content of the `.pub` file beside it.
    pub public_file: String,
}

/// Why no key was made.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The key came out weak, which randomness does not do.
    #[error(transparent)]
    Key(#[from] breakglass_statement::KeyError),
    /// It could not be written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Makes an ed25519 key. The comment is shown by `ssh-add -l`.
///
/// # Errors
///
/// The entropy source failed.
pub fn generate_ed25519(
    entropy: &mut dyn Entropy,
    comment: &str,
) -> Result<GeneratedKey, GenerateError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(&mut *seed)?;
    let mut check = [0; 4];
    entropy.fill(&mut check)?;
    let key = SigningKey::from_bytes(&seed);
    let public_key = PublicKey::from_ed25519(key.verifying_key().as_bytes())?;
    let comment: String = comment.chars().filter(|c| c.is_ascii_graphic()).collect();
    Ok(GeneratedKey {
        file: armour(&content(&key, &public_key, check, &comment)),
        public_file: format!("{} {comment}\n", public_key.line()),
        public_key,
        private_key: PrivateKey::Ed25519(Box::new(key)),
    })
}

/// Makes a key and writes it to `path` (0600) and `path.pub`; an existing file is left alone.
///
/// # Errors
///
/// The entropy source failed, or a file exists or cannot be written.
pub fn generate_to_file(
    entropy: &mut dyn Entropy,
    comment: &str,
    path: &Path,
) -> Result<GeneratedKey, GenerateError> {
    let key = generate_ed25519(entropy, comment)?;
    file::create_new(path, key.file.as_bytes())?;
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    file::write_atomic(Path::new(&public_path), key.public_file.as_bytes())?;
    Ok(key)
}

/// The bytes of `PROTOCOL.key`, without a passphrase.
fn content(
    key: &SigningKey,
    public_key: &PublicKey,
    check: [u8; 4],
    comment: &str,
) -> Zeroizing<Vec<u8>> {
    let mut pair = key.to_keypair_bytes();
    // Written into one buffer of sufficient size, so that no copy of the secret is left behind.
    let mut private = Zeroizing::new(Vec::with_capacity(512 + comment.len()));
    private.extend_from_slice(&check);
    private.extend_from_slice(&check);
    string(&mut private, KeyType::Ed25519.as_str().as_bytes());
    string(&mut private, key.verifying_key().as_bytes());
    string(&mut private, &pair);
    string(&mut private, comment.as_bytes());
    pair.zeroize();
    let padding = (BLOCK - private.len() % BLOCK) % BLOCK;
    private.extend((1u8..).take(padding));
    let head = Writer::new()
        .raw(MAGIC)
        .string(NONE)
        .string(NONE)
        .string(b"")
        .u32(1)
        .string(public_key.wire())
        .into_bytes();
    let mut out = Zeroizing::new(Vec::with_capacity(head.len() + private.len() + 4));
    out.extend_from_slice(&head);
    string(&mut out, &private);
    out
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn armour(content: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(content));
    let mut out = Zeroizing::new(String::with_capacity(base64.len() * 2 + 128));
    out.push_str(BEGIN);
    out.push('\n');
    for (i, c) in base64.chars().enumerate() {
        if i > 0 && i % COLUMNS == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out.push_str(END);
    out.push('\n');
    out
}
