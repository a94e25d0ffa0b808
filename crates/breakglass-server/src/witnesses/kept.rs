//! The files beside the log: the last checkpoint that enough witnesses have cosigned, and what
//! contradicts the log.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use breakglass_store::{DurableError, FileMode, write_durably};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};

/// The longest checkpoint that is read back, in bytes: a line for each of 64 witnesses is less.
const FILE_BYTES_MAX: u64 = 512 * 1024;

/// The name of the file in `data_dir`.
pub(crate) const COSIGNED: &str = "cosigned.checkpoint";

/// Where they lie, and whose checkpoints they are.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    evidence: PathBuf,
    key: VerifierKey,
}

impl Kept {
    pub(super) fn beside(data_dir: &Path, key: VerifierKey) -> Self {
        Self {
            path: data_dir.join(COSIGNED),
            evidence: data_dir.join("evidence"),
            key,
        }
    }

    /// The checkpoint, once its log's signature has verified.
    pub(super) fn read(&self) -> Result<Option<SignedCheckpoint>, String> {
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", self.path.display());
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&error)),
            Ok(file) => file
                .take(FILE_BYTES_MAX)
                .read_to_end(&mut bytes)
                .map_err(|e| told(&e))?,
        };
        let origin = self.key.name().as_str();
        let opened = SignedCheckpoint::open(&bytes, origin, &self.key);
        opened.map(Some).map_err(|e| told(&e))
    }

    /// Replaces it, durably.
    pub(super) fn write(&self, checkpoint: &SignedCheckpoint) -> Result<(), DurableError> {
        let note = checkpoint.to_text();
        write_durably(&self.path, note.as_bytes(), FileMode::OwnerOnly)
    }

    /// Keeps what a witness shows, if this log's key has signed it, beside the checkpoint of now.
    /// Tells whether both are there.
    pub(super) fn evidence(&self, shown: &[u8], head: &SignedCheckpoint) -> bool {
        let origin = self.key.name().as_str();
        let Ok(shown) = SignedCheckpoint::open(shown, origin, &self.key) else {
            return false;
        };
        if std::fs::create_dir_all(&self.evidence).is_err() {
            return false;
        }
        [&shown, head].into_iter().all(|note| {
            let tree = note.checkpoint();
            let name = format!("{}-{}.checkpoint", tree.size(), tree.root());
            let path = self.evidence.join(name);
            path.exists()
                || write_durably(&path, note.to_text().as_bytes(), FileMode::OwnerOnly).is_ok()
        })
    }
}
