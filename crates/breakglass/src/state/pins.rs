//! What was seen once and must not be unseen: the genesis, the newest authority, the last
//! checkpoint of the log.

use std::path::{Path, PathBuf};

use breakglass_format::{Digest, Timestamp};
use breakglass_tlog::{Checkpoint, Hash, Note, SignedCheckpoint, VerifierKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{StateError, file};

/// The newest authority that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityPin {
    /// Its version.
    pub version: i64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// The newest epoch of the log that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochPin {
    /// Its number.
    pub number: i64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// The version of the authority that it names.
    pub authority: i64,
}

/// In what way two signed checkpoints contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkKind {
    /// Neither log grew out of the other.
    Forked,
    /// The log is shorter than it was, and nothing shows that it is the same log's past.
    RolledBack,
}

/// Two checkpoints of one log that cannot both be true. Both were signed by the log's key, both
/// are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// In what way.
    pub kind: ForkKind,
    /// Size of the log as it was pinned.
    pub pinned: u64,
    /// Size of the log as it is shown now.
    pub shown: u64,
    /// The two files.
    pub evidence: [PathBuf; 2],
}

impl std::fmt::Display for Fork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, now] = &self.evidence;
        let (pinned, shown) = (self.pinned, self.shown);
        match self.kind {
            ForkKind::Forked => write!(
                f,
                "the log is forked: its {shown} entries now do not continue the {pinned} seen before"
            ),
            ForkKind::RolledBack => write!(
                f,
                "the log was rolled back: {pinned} entries were seen before, and the {shown} now do \
                 not lead up to them"
            ),
        }?;
        let (before, now) = (before.display(), now.display());
        write!(f, "; both signed checkpoints are kept: {before} and {now}")
    }
}

/// Why what a server shows is not accepted.
#[derive(Debug, Error)]
pub enum PinError {
    /// An older authority than one that was seen.
    #[error("the server shows authority version {shown}, but version {pinned} was seen before")]
    AuthorityRollback {
        /// The version that was seen.
        pinned: i64,
        /// The version shown now.
        shown: i64,
    },
    /// Another authority under a version that was seen.
    #[error("authority version {version} is {shown} now, but was {pinned} when it was first seen")]
    AuthorityFork {
        /// The version.
        version: i64,
        /// Its digest when it was seen.
        pinned: Digest,
        /// Its digest now.
        shown: Digest,
    },
    /// An epoch that was seen is not shown any more, or is another one now.
    #[error("epoch {number} of the log was seen before, and is not what the server shows now")]
    EpochGone {
        /// Its number.
        number: i64,
    },
    /// An epoch that was never seen rests on an authority that was replaced long ago.
    #[error(
        "epoch {number} of the log is new and names authority version {named}, but version {seen} \
         was seen before"
    )]
    EpochOfThePast {
        /// Its number.
        number: i64,
        /// The version that it names.
        named: i64,
        /// The newest version that was seen.
        seen: i64,
    },
    /// The log was forked or rolled back.
    #[error("{0}")]
    Fork(Box<Fork>),
    /// The file system.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The pins of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    dir: PathBuf,
}

/// What a new checkpoint means for the one that is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing was pinned yet, or this is the same tree: it is pinned.
    Settled,
    /// It must be shown that one of the two continues the other.
    Prove(Pinned),
}

/// A checkpoint as it was pinned when a new one was compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    checkpoint: Checkpoint,
    text: String,
}

impl Pinned {
    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, as it was signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The smaller and the larger size, between which a proof is needed.
    #[must_use]
    pub fn sizes(&self, shown: &SignedCheckpoint) -> (u64, u64) {
        let (pinned, shown) = (self.checkpoint.size(), shown.checkpoint().size());
        (pinned.min(shown), pinned.max(shown))
    }
}

impl Pins {
    pub(super) fn in_dir(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The newest authority that was seen.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn authority(&self) -> Result<Option<AuthorityPin>, StateError> {
        let path = self.dir.join("authority.json");
        let Some(content) = file::read(&path)? else {
            return Ok(None);
        };
        let pin = serde_json::from_slice(&content);
        pin.map(Some).map_err(|e| damaged(&path, &e.to_string()))
    }

    /// Pins the newest of the versions shown; `versions` are all of them, genesis first.
    ///
    /// # Errors
    ///
    /// The pinned version is missing among them or has another digest.
    pub fn see_authority(&self, versions: &[AuthorityPin]) -> Result<(), PinError> {
        let _lock = file::lock(&self.dir)?;
        let Some(newest) = versions.iter().max_by_key(|v| v.version) else {
            return Ok(());
        };
        if let Some(pinned) = self.authority()? {
            let same = versions.iter().find(|v| v.version == pinned.version);
            let same = same.ok_or(PinError::AuthorityRollback {
                pinned: pinned.version,
                shown: newest.version,
            })?;
            if same.digest != pinned.digest {
                return Err(PinError::AuthorityFork {
                    version: pinned.version,
                    pinned: pinned.digest,
                    shown: same.digest,
                });
            }
            if pinned == *newest {
                return Ok(());
            }
        }
        let path = self.dir.join("authority.json");
        let content = serde_json::to_vec(newest).map_err(|e| damaged(&path, &e.to_string()))?;
        Ok(file::write_atomic(&path, &content)?)
    }

    /// Pins the newest of the epochs shown; `epochs` are all of them, the first one first. To be
    /// called before the authority is pinned: an epoch that was never seen begins now, so it names
    /// no version that was replaced before.
    ///
    /// # Errors
    ///
    /// The pinned epoch is missing or another one, or a new one is of the past.
    pub fn see_epochs(&self, epochs: &[EpochPin]) -> Result<(), PinError> {
        let _lock = file::lock(&self.dir)?;
        let path = self.dir.join("epoch.json");
        let pinned: Option<EpochPin> = match file::read(&path)? {
            Some(content) => {
                let pin = serde_json::from_slice(&content);
                Some(pin.map_err(|e| damaged(&path, &e.to_string()))?)
            }
            None => None,
        };
        if let Some(pinned) = pinned.filter(|pinned| !epochs.contains(pinned)) {
            let number = pinned.number;
            return Err(PinError::EpochGone { number });
        }
        let known = pinned.map_or(0, |pinned| pinned.number);
        let seen = self.authority()?.map_or(1, |authority| authority.version);
        for new in epochs.iter().filter(|epoch| epoch.number > known) {
            if new.authority < seen {
                return Err(PinError::EpochOfThePast {
                    number: new.number,
                    named: new.authority,
                    seen,
                });
            }
        }
        let Some(newest) = epochs.last().filter(|newest| newest.number > known) else {
            return Ok(());
        };
        let content = serde_json::to_vec(newest).map_err(|e| damaged(&path, &e.to_string()))?;
        Ok(file::write_atomic(&path, &content)?)
    }

    /// Pins a checkpoint of another log, over an epoch that leads to it, and keeps the one that was
    /// pinned: where it is. Where another process pinned something meanwhile, that stays pinned.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn cross(
        &self,
        epoch: i64,
        left: &Pinned,
        shown: &SignedCheckpoint,
    ) -> Result<PathBuf, StateError> {
        let _lock = file::lock(&self.dir)?;
        let name = format!("left-at-epoch-{epoch}.checkpoint");
        let kept = self.dir.join("evidence").join(name);
        file::write_atomic(&kept, left.text.as_bytes())?;
        if self.checkpoint()?.as_ref() == Some(left) {
            self.pin(shown)?;
        }
        Ok(kept)
    }

    /// The log's key, as the newest authority that was seen names it: by it a receipt is checked
    /// where no server is reached.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn log_key(&self) -> Result<Option<VerifierKey>, StateError> {
        let path = self.dir.join("log.vkey");
        let Some(content) = file::read(&path)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&content);
        let key = VerifierKey::parse(text.trim_end());
        key.map(Some).map_err(|e| damaged(&path, &e.to_string()))
    }

    /// Pins the log's key of an authority that was verified.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn see_log_key(&self, key: &VerifierKey) -> Result<(), StateError> {
        let path = self.dir.join("log.vkey");
        let content = format!("{key}\n").into_bytes();
        if file::read(&path)?
            .as_ref()
            .is_some_and(|kept| **kept == *content)
        {
            return Ok(());
        }
        file::write_atomic(&path, &content)
    }

    /// The last checkpoint that was seen.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Pinned>, StateError> {
        let path = self.checkpoint_path();
        let Some(content) = file::read(&path)? else {
            return Ok(None);
        };
        // Its signature was verified before it was written.
        let note = Note::parse(&content).map_err(|e| damaged(&path, &e.to_string()))?;
        let checkpoint =
            Checkpoint::parse(note.text()).map_err(|e| damaged(&path, &e.to_string()))?;
        let text = note.to_text();
        Ok(Some(Pinned { checkpoint, text }))
    }

    /// Pins the first checkpoint ever seen; of a later one says what has to be shown.
    ///
    /// # Errors
    ///
    /// The pin cannot be read, or the two have the same size and different roots.
    pub fn compare(&self, shown: &SignedCheckpoint, now: Timestamp) -> Result<Step, PinError> {
        let _lock = file::lock(&self.dir)?;
        let Some(pinned) = self.checkpoint()? else {
            self.pin(shown)?;
            return Ok(Step::Settled);
        };
        let new = shown.checkpoint();
        if pinned.checkpoint == *new {
            return Ok(Step::Settled);
        }
        if pinned.checkpoint.size() == new.size() || pinned.checkpoint.origin() != new.origin() {
            return Err(self.fork(ForkKind::Forked, &pinned, shown, now));
        }
        Ok(Step::Prove(pinned))
    }

    /// Pins a checkpoint that `proof` shows to continue `base`, the one it was compared with. An
    /// older one that `base` is shown to continue is believed and changes nothing.
    ///
    /// No proof stands for a server that has none to show. `false`: another process pinned
    /// something meanwhile, compare again.
    ///
    /// # Errors
    ///
    /// The proof does not hold; both checkpoints are kept as evidence.
    pub fn settle(
        &self,
        shown: &SignedCheckpoint,
        base: &Pinned,
        proof: Option<&[Hash]>,
        now: Timestamp,
    ) -> Result<bool, PinError> {
        let _lock = file::lock(&self.dir)?;
        let newer = shown.checkpoint().size() > base.checkpoint.size();
        let (young, old, kind) = if newer {
            (shown.checkpoint(), &base.checkpoint, ForkKind::Forked)
        } else {
            (&base.checkpoint, shown.checkpoint(), ForkKind::RolledBack)
        };
        if proof.is_none_or(|proof| young.verify_extends(old, proof).is_err()) {
            return Err(self.fork(kind, base, shown, now));
        }
        if !newer {
            return Ok(true);
        }
        if self.checkpoint()?.as_ref() != Some(base) {
            return Ok(false);
        }
        self.pin(shown)?;
        Ok(true)
    }

    /// Keeps two signed checkpoints of which neither continues the other, whatever is pinned.
    #[must_use]
    pub fn keep_fork(
        &self,
        kind: ForkKind,
        before: &SignedCheckpoint,
        shown: &SignedCheckpoint,
        now: Timestamp,
    ) -> PinError {
        let before = Pinned {
            checkpoint: before.checkpoint().clone(),
            text: before.to_text(),
        };
        self.fork(kind, &before, shown, now)
    }

    fn pin(&self, shown: &SignedCheckpoint) -> Result<(), StateError> {
        file::write_atomic(&self.checkpoint_path(), shown.to_text().as_bytes())
    }

    fn fork(
        &self,
        kind: ForkKind,
        pinned: &Pinned,
        shown: &SignedCheckpoint,
        now: Timestamp,
    ) -> PinError {
        let dir = self.dir.join("evidence");
        let stem = format!("{}-{}", now.ssh_time(), shown.checkpoint().root());
        let evidence = [
            dir.join(format!("{stem}-seen-before.checkpoint")),
            dir.join(format!("{stem}-shown-now.checkpoint")),
        ];
        let [before, after] = &evidence;
        let kept = file::write_atomic(before, pinned.text.as_bytes())
            .and_then(|()| file::write_atomic(after, shown.to_text().as_bytes()));
        match kept {
            Ok(()) => PinError::Fork(Box::new(Fork {
                kind,
                pinned: pinned.checkpoint.size(),
                shown: shown.checkpoint().size(),
                evidence,
            })),
            Err(error) => error.into(),
        }
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }
}

fn damaged(path: &Path, detail: &str) -> StateError {
    StateError::Damaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests;
