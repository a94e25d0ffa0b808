//! What is known of how long a log was: every checkpoint that its key signed and somebody kept.

use std::path::PathBuf;

use breakglass_store::{HighWaterMark, Ledger as _, SqliteLedger};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};
use thiserror::Error;

use super::NotRebuilt;
use crate::{config::Config, copies::Shelf, opening::mark, witnesses::COSIGNED};

/// Why it cannot be told how long the log was.
#[derive(Debug, Error)]
pub enum NoCheckpoint {
    /// A checkpoint that somebody kept is none of this log.
    #[error("{path} is not a checkpoint of this log: {detail}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The mark is gone, and nobody said what the log had.
    #[error(
        "the high-water mark {path} is missing or none of this log, so that nobody knows how long \
         the log was; the longest checkpoint in the copies is of {longest} entries"
    )]
    MarkGone {
        /// Where the mark should be.
        path: PathBuf,
        /// Entries of the longest checkpoint in the copies.
        longest: u64,
    },
}

/// The checkpoints, and where each was found.
#[derive(Debug)]
pub(super) struct Known {
    all: Vec<(String, SignedCheckpoint)>,
    mark_is_gone: bool,
}

impl Known {
    /// Those of the mark, of the witnesses, of the copies and of people, who have to give one where
    /// there is no mark.
    pub(super) fn of(
        config: &Config,
        key: &VerifierKey,
        shelf: &Shelf,
        kept: &[PathBuf],
    ) -> Result<Self, NoCheckpoint> {
        let known = Self::gathered(config, key, shelf, kept)?;
        if kept.is_empty() && known.mark_is_gone {
            return Err(NoCheckpoint::MarkGone {
                path: mark(config).path().to_owned(),
                longest: known.longest().1,
            });
        }
        Ok(known)
    }

    /// The same, whether or not there is a mark. What the log's key did not sign counts for nothing;
    /// where a person named it, that is an error.
    pub(super) fn gathered(
        config: &Config,
        key: &VerifierKey,
        shelf: &Shelf,
        kept: &[PathBuf],
    ) -> Result<Self, NoCheckpoint> {
        let origin = key.name().as_str();
        let open = |bytes: &[u8]| SignedCheckpoint::open(bytes, origin, key);
        let beside = |mark: HighWaterMark| mark.read(origin, key).ok().flatten();
        let marked = beside(mark(config));
        let mut known = Self {
            mark_is_gone: marked.is_none(),
            all: Vec::new(),
        };
        known.add("the high-water mark", marked);
        let cosigned = HighWaterMark::new(config.data_dir.join(COSIGNED));
        known.add("what witnesses cosigned", beside(cosigned));
        for (place, note) in shelf.notes() {
            known.add(place, open(note).ok());
        }
        for path in kept {
            let unusable = |detail: String| NoCheckpoint::Unusable {
                path: path.clone(),
                detail,
            };
            let bytes = std::fs::read(path).map_err(|e| unusable(e.to_string()))?;
            let signed = open(&bytes).map_err(|e| unusable(e.to_string()))?;
            known.add(&path.display().to_string(), Some(signed));
        }
        Ok(known)
    }

    pub(super) fn add(&mut self, place: &str, signed: Option<SignedCheckpoint>) {
        let found = signed.map(|signed| (place.to_owned(), signed));
        self.all.extend(found);
    }

    /// Whether there is no mark to start from.
    pub(super) const fn mark_is_gone(&self) -> bool {
        self.mark_is_gone
    }

    /// Where the longest was found, and how many entries it is of.
    pub(super) fn longest(&self) -> (&str, u64) {
        let longest = self.last();
        longest.map_or(("nothing", 0), |(place, signed)| {
            (place, signed.checkpoint().size())
        })
    }

    /// The longest, and where it was found.
    pub(super) fn last(&self) -> Option<(&str, &SignedCheckpoint)> {
        let all = self.all.iter();
        let longest = all.max_by_key(|(_, signed)| signed.checkpoint().size());
        longest.map(|(place, signed)| (place.as_str(), signed))
    }

    /// How many entries of a log are those that were signed: `least` at least, which are proven
    /// otherwise.
    pub(super) fn proven(&self, ledger: &SqliteLedger, least: u64) -> Option<u64> {
        let fits = |signed: &SignedCheckpoint| {
            let checkpoint = signed.checkpoint();
            let root = ledger.root_at(checkpoint.size());
            root.is_ok_and(|root| root == checkpoint.root())
        };
        let proven = self.all.iter().map(|(_, signed)| signed);
        let proven = proven.filter(|signed| fits(signed));
        let longest = proven.map(|signed| signed.checkpoint().size()).max();
        longest.max(Some(least)).filter(|size| *size > 0)
    }

    /// Whether a log gives every one of them.
    pub(super) fn hold(&self, ledger: &SqliteLedger) -> Result<(), NotRebuilt> {
        for (place, signed) in &self.all {
            let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
            let got = ledger.root_at(size).map_err(NotRebuilt::read)?;
            if got != root {
                let place = place.clone();
                return Err(NotRebuilt::Differs { place, size });
            }
        }
        Ok(())
    }
}
