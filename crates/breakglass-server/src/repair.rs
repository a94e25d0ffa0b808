//! Putting back what rotted in the log of a server that is stopped, from a JSONL file or the
//! folder of an export. Neither is trusted: the store takes only what fits its hashes.

use std::path::Path;

use breakglass_store::{RepairError, Repaired, repair};
use thiserror::Error;

use crate::{
    config::{Config, ConfigError},
    copies::{Shelf, Unreadable},
    custody::KeyError,
    start::log_key,
};

/// Why nothing was repaired.
#[derive(Debug, Error)]
pub enum NotRepaired {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The copies cannot be read.
    #[error(transparent)]
    Copies(#[from] Unreadable),
    /// The log cannot be repaired this way.
    #[error(transparent)]
    Log(#[from] RepairError),
}

/// Repairs the log that a configuration names from the copies in `from`: a JSONL file, or the
/// folder of an export. No server may run on it.
///
/// # Errors
/// [`NotRepaired`]; the log is then as it was.
pub fn repair_from(config: &Config, from: &Path) -> Result<Repaired, NotRepaired> {
    config.check()?;
    let key = log_key(&config.log_key_file)?;
    let mut shelf = Shelf::of([from])?;
    let verifier = key.verifier();
    let database = config.data_dir.join("log.db");
    Ok(repair(
        &database,
        verifier.name().as_str(),
        verifier,
        &mut shelf,
    )?)
}
