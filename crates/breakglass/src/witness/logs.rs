//! Which logs a witness knows: verifier keys, from the command line and from a file.

use breakglass_tlog::{KeyError, KeyKind, VerifierKey};
use thiserror::Error;

/// Why there are no logs to witness.
#[derive(Debug, Error)]
pub enum LogKeysError {
    /// A line is no key.
    #[error("line {line}: {source}")]
    Key {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The key is one of a witness.
    #[error("line {line}: {name} is not the key of a log")]
    Kind {
        /// Which line, from 1.
        line: usize,
        /// The key's name.
        name: String,
    },
}

/// Reads verifier keys of logs, one to a line; empty lines and lines that begin with `#` say
/// nothing. Several keys of one name are one log that changes its key.
///
/// # Errors
///
/// See [`LogKeysError`].
pub fn parse_log_keys(text: &str) -> Result<Vec<VerifierKey>, LogKeysError> {
    let mut keys: Vec<VerifierKey> = Vec::new();
    for (line, written) in (1..).zip(text.lines()) {
        let written = written.trim_matches([' ', '\t']);
        if written.is_empty() || written.starts_with('#') {
            continue;
        }
        let key =
            VerifierKey::parse(written).map_err(|source| LogKeysError::Key { line, source })?;
        if key.kind() != KeyKind::Ed25519 {
            let name = key.name().to_string();
            return Err(LogKeysError::Kind { line, name });
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}
