//! The key of a witness: its own, and made when the witness is new.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use breakglass_seal::EntropyError;
use breakglass_tlog::{CosignerKey, KeyError, KeyName};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    entropy::{SystemEntropy, random},
    state::{StateError, file},
};

/// Why there is no key.
#[derive(Debug, Error)]
pub enum WitnessKeyError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] StateError),
    /// Others can read the file.
    #[error("{} can be read by others (mode {mode:o})", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a witness's key.
    #[error("{} holds no key of a witness: {source}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// There is no key, and nothing says what the witness is called.
    #[error("there is no key at {}, and no name to make one for", .path.display())]
    NoName {
        /// Where it would be.
        path: PathBuf,
    },
    /// The key has another name.
    #[error("the key is that of {got}")]
    OtherName {
        /// The name of the key.
        got: KeyName,
    },
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Reads the key from its file, or makes one of that name where there is no file. A name that is
/// given must be the key's. Tells whether the key is new.
///
/// # Errors
///
/// See [`WitnessKeyError`].
pub fn load_or_make(
    path: &Path,
    name: Option<KeyName>,
) -> Result<(CosignerKey, bool), WitnessKeyError> {
    let Some(bytes) = file::read(path)? else {
        let path = path.to_owned();
        let name = name.ok_or_else(|| WitnessKeyError::NoName { path: path.clone() })?;
        let seed = Zeroizing::new(random::<32>(&mut SystemEntropy)?);
        let key = CosignerKey::from_seed(name, &seed);
        let text = Zeroizing::new(format!("{}\n", *key.to_text()));
        file::create_new(&path, text.as_bytes())?;
        return Ok((key, true));
    };
    let metadata = std::fs::metadata(path).map_err(|source| StateError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(WitnessKeyError::Exposed { path, mode });
    }
    let text = str::from_utf8(&bytes).unwrap_or_default();
    let key = CosignerKey::parse(text.trim_end()).map_err(|source| WitnessKeyError::Content {
        path: path.to_owned(),
        source,
    })?;
    let got = key.verifier().name().clone();
    match name.is_some_and(|name| name != got) {
        true => Err(WitnessKeyError::OtherName { got }),
        false => Ok((key, false)),
    }
}
