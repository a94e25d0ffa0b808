//! What a witness keeps: one file for each log, with the last checkpoint it cosigned, whole. And,
//! beside that, signed checkpoints that do not go together.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use breakglass_store::{DurableError, FileMode, write_durably};
use breakglass_tlog::{CosignerKey, SignedCheckpoint, VerifierKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::state::{StateError, file};

/// The longest checkpoint that is read back, in bytes: what a request may bring, and our line.
const FILE_BYTES_MAX: u64 = 128 * 1024;
/// Signed checkpoints kept as evidence for each log at most: whoever can reach the witness can
/// send every checkpoint that the log ever signed, with a wrong proof.
const EVIDENCE_MAX: usize = 256;

/// Why a witness cannot begin.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The folder cannot be made.
    #[error(transparent)]
    Dir(#[from] StateError),
    /// Another process works in the folder.
    #[error("another witness runs on {}", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what this witness cosigned. What was cosigned last is then not known.
    #[error("{} is not a checkpoint of {origin} that this witness cosigned: {detail}", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The log.
        origin: String,
        /// What is wrong.
        detail: String,
    },
}

/// The folder. No other process has it while this is there.
#[derive(Debug)]
pub(super) struct Keep {
    dir: PathBuf,
    _lock: File,
}

impl Keep {
    pub(super) fn open(dir: &Path) -> Result<Self, KeepError> {
        file::make_dir(&dir.join("logs"))?;
        let path = dir.join("lock");
        let unreadable = |source| KeepError::Read {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(unreadable)?;
        let exclusive = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        match rustix::fs::flock(&lock, exclusive) {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                _lock: lock,
            }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(KeepError::InUse {
                path: dir.to_owned(),
            }),
            Err(error) => Err(unreadable(error.into())),
        }
    }

    /// What was cosigned last of a log. Believed for its signatures, not for lying there: a file
    /// that somebody edited must not make the witness forget.
    pub(super) fn last(
        &self,
        origin: &str,
        log: &[VerifierKey],
        ours: &CosignerKey,
    ) -> Result<Option<SignedCheckpoint>, KeepError> {
        let path = self.path(origin);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let not_ours = |detail: String| KeepError::NotOurs {
            path: path.clone(),
            origin: origin.to_owned(),
            detail,
        };
        let opened = log
            .iter()
            .map(|key| SignedCheckpoint::open(&bytes, origin, key));
        let last = opened.reduce(Result::or);
        let last = last.unwrap_or_else(|| SignedCheckpoint::open(&bytes, origin, ours.verifier()));
        let last = last.map_err(|error| not_ours(error.to_string()))?;
        match last.verify_signatures(&[ours.verifier()]) {
            Ok(_) => Ok(Some(last)),
            Err(error) => Err(not_ours(error.to_string())),
        }
    }

    /// Replaces what was cosigned last, durably.
    pub(super) fn replace(&self, checkpoint: &SignedCheckpoint) -> Result<(), DurableError> {
        let path = self.path(checkpoint.checkpoint().origin().as_str());
        let note = checkpoint.to_text();
        write_durably(&path, note.as_bytes(), FileMode::WorldReadable)
    }

    /// Keeps checkpoints that contradict each other, each in a file of its own that is named by
    /// what it says, so that the same evidence is one file. Gives the folder, and whether one of
    /// them was new.
    pub(super) fn evidence(
        &self,
        notes: &[&SignedCheckpoint],
    ) -> Result<(PathBuf, bool), EvidenceError> {
        let mut new = false;
        let mut dir = self.dir.join("evidence");
        for note in notes {
            let tree = note.checkpoint();
            dir = self
                .dir
                .join("evidence")
                .join(origin_hash(tree.origin().as_str()));
            file::make_dir(&dir)?;
            let path = dir.join(format!("{}-{}.checkpoint", tree.size(), tree.root()));
            if path.exists() {
                continue;
            }
            if std::fs::read_dir(&dir)?.count() >= EVIDENCE_MAX {
                return Err(EvidenceError::Full);
            }
            write_durably(&path, note.to_text().as_bytes(), FileMode::WorldReadable)?;
            new = true;
        }
        Ok((dir, new))
    }

    fn path(&self, origin: &str) -> PathBuf {
        let name = format!("{}.checkpoint", origin_hash(origin));
        self.dir.join("logs").join(name)
    }
}

/// Why evidence is not kept.
#[derive(Debug, Error)]
pub(super) enum EvidenceError {
    /// The folder.
    #[error(transparent)]
    Dir(#[from] StateError),
    /// What is in it cannot be counted.
    #[error(transparent)]
    Count(#[from] std::io::Error),
    /// A file.
    #[error(transparent)]
    Write(#[from] DurableError),
    /// There is enough of it.
    #[error("{EVIDENCE_MAX} are kept of this log already")]
    Full,
}

/// The lower-case hex SHA-256 of an origin, by which monitors ask for it.
pub(super) fn origin_hash(origin: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(origin.as_bytes()).into();
    breakglass_format::id::hex(&digest)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeepError> {
    let unreadable = |source| KeepError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    // What is longer is cut off, and then no note that verifies.
    let mut limited = file.take(FILE_BYTES_MAX);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}
