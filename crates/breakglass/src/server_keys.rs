//! The three keys of a new server: the log's, the one that seals credentials at rest, and the one
//! that credentials are sealed to on their way in.

use std::path::{Path, PathBuf};

use breakglass_seal::{EntropyError, FileSlot, OneTimeKey, ServerKey};
use breakglass_tlog::{KeyName, KeyNameError, SigningKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    entropy::{SystemEntropy, random},
    state::{StateError, file},
};

/// The public halves, as the authority names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHalves {
    /// The log's verifier key.
    pub vkey: String,
    /// The node's X25519 key, base64.
    pub kem: String,
}

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum ServerKeysError {
    /// The origin cannot name a log.
    #[error("the origin cannot name a log: {0}")]
    Origin(#[from] KeyNameError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A key is there already; nothing was made.
    #[error("{} is there already; nothing was made", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] StateError),
}

/// Makes `log.key`, `server.key` and `node.key` in a folder, for their owner only. Nothing that is
/// there is ever overwritten: a log whose key is gone can only be read.
///
/// # Errors
///
/// See [`ServerKeysError`].
pub fn make(dir: &Path, origin: &str) -> Result<PublicHalves, ServerKeysError> {
    let name = KeyName::new(origin)?;
    for key in ["log.key", "server.key", "node.key"] {
        if dir.join(key).exists() {
            return Err(ServerKeysError::Exists {
                path: dir.join(key),
            });
        }
    }
    let seed = Zeroizing::new(random::<32>(&mut SystemEntropy)?);
    let log = SigningKey::from_seed(name, &seed);
    file::create_new(&dir.join("log.key"), log.to_text().as_bytes())?;
    let server = ServerKey::generate(&mut SystemEntropy)?;
    file::create_new(&dir.join("server.key"), &FileSlot::format(&server))?;
    let node = OneTimeKey::generate(&mut SystemEntropy)?;
    file::create_new(&dir.join("node.key"), &node.to_file())?;
    Ok(PublicHalves {
        vkey: log.verifier().to_string(),
        kem: node.public_key().to_string(),
    })
}
