//! A log put together anew from one that is sound as far as it goes, and copies of what comes after.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use breakglass_format::{
    Digest, Entry,
    act::{Act, Command},
    entry::EntryError,
    render::jsonl::statements_of,
    statement::Statement as _,
};
use breakglass_store::{
    Append, BATCH_BLOBS_MAX, Batch, Blob, Copies as _, CreateError, Ledger as _, ReadError,
    SqliteLedger, Visibility, beside,
};
use breakglass_tlog::SigningKey;
use thiserror::Error;

use crate::{copies::Shelf, engine::sealed_of};

/// Entries that become durable together.
const TOGETHER: u64 = 256;

/// Why a log could not be put together.
#[derive(Debug, Error)]
pub enum NotRebuilt {
    /// Copies of an entry are not the same: one of them is forged or rotted.
    #[error(
        "the copies of entry {index} are not the same: leave out the one that is not to be trusted"
    )]
    Disagree {
        /// The entry.
        index: u64,
    },
    /// A copy is no entry.
    #[error("the copy of entry {index} is none: {source}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// It is not the log that was signed.
    #[error(
        "the log and the copies do not give the tree of {size} entries that was signed ({place}): \
         something in them was altered, or they are of another history"
    )]
    Differs {
        /// Where the checkpoint was found.
        place: String,
        /// How many entries it is of.
        size: u64,
    },
    /// The log that is there could not be read.
    #[error("the log could not be read: {0}")]
    Read(String),
    /// The new database could not be written.
    #[error("the new database could not be written: {0}")]
    Write(String),
    /// There is no file of that name that may be made.
    #[error(transparent)]
    Create(#[from] CreateError),
}

impl NotRebuilt {
    pub(super) fn read(error: ReadError) -> Self {
        Self::Read(error.to_string())
    }
}

/// The log beside the one that was there.
#[derive(Debug)]
pub(super) struct Rebuilt {
    ledger: SqliteLedger,
    place: Place,
    missing: BTreeSet<Digest>,
}

/// Where it lies until it has its name. Removed where nothing came of it.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        forget(&self.0);
    }
}

/// Removes what lies there, and what SQLite and the lock leave beside it.
fn forget(path: &Path) {
    for suffix in [
        "",
        "-wal",
        "-journal",
        ".lock",
        ".new",
        ".new-wal",
        ".new-journal",
    ] {
        // What is not there need not go; what cannot go is in the way of the next attempt, which says so.
        let _ = fs::remove_file(beside(path, suffix));
    }
}

impl Rebuilt {
    /// Writes the entries of `old` and, up to `size`, those of the copies into a new database,
    /// whose checkpoints `key` signs.
    pub(super) fn beside(
        database: &Path,
        key: &SigningKey,
        old: Option<&SqliteLedger>,
        shelf: &mut Shelf,
        size: u64,
    ) -> Result<Self, NotRebuilt> {
        let place = Place(beside(database, ".recovering"));
        forget(place.path());
        let ledger = SqliteLedger::create(place.path(), key)?;
        let mut rebuilt = Self {
            ledger,
            place,
            missing: BTreeSet::new(),
        };
        let had = old.map_or(0, |old| old.head().size());
        if let Some(old) = old {
            rebuilt.take_over(old, key)?;
        }
        for range in steps(had, size) {
            rebuilt.put_back(range, shelf, key)?;
        }
        Ok(rebuilt)
    }

    pub(super) const fn ledger(&self) -> &SqliteLedger {
        &self.ledger
    }

    /// Closes it: where it lies, and which documents no copy had.
    pub(super) fn close(self) -> (Place, Vec<Digest>) {
        (self.place, self.missing.into_iter().collect())
    }

    /// Everything that the log that is there holds, each read held against its hash.
    fn take_over(&mut self, old: &SqliteLedger, key: &SigningKey) -> Result<(), NotRebuilt> {
        let digests = old.blob_digests().map_err(NotRebuilt::read)?;
        let steps: Vec<Range<u64>> = steps(0, old.head().size()).collect();
        let share = digests.len().div_ceil(steps.len().max(1)).max(1);
        let mut shares = digests.chunks(share);
        for range in steps {
            let mut blobs = Vec::new();
            for digest in shares.next().unwrap_or_default() {
                blobs.extend(old.blob(digest).map_err(NotRebuilt::read)?);
            }
            let entries = old.entries(range).map_err(NotRebuilt::read)?;
            self.append(Batch { entries, blobs }, key)?;
        }
        Ok(())
    }

    /// A run of entries from copies, with what they name.
    fn put_back(
        &mut self,
        range: Range<u64>,
        shelf: &mut Shelf,
        key: &SigningKey,
    ) -> Result<(), NotRebuilt> {
        let mut batch = Batch::default();
        for index in range {
            if shelf.disagrees(index) {
                return Err(NotRebuilt::Disagree { index });
            }
            let bytes = shelf.entry(index);
            let bytes = bytes.ok_or_else(|| NotRebuilt::Read(format!("entry {index} is gone")))?;
            let entry =
                Entry::from_bytes(&bytes).map_err(|source| NotRebuilt::Entry { index, source })?;
            let blobs = self.named_by(&entry, shelf);
            batch.entries.push(bytes);
            batch.blobs.extend(blobs);
            if batch.blobs.len() > BATCH_BLOBS_MAX / 2 {
                self.append(std::mem::take(&mut batch), key)?;
            }
        }
        match batch.entries.is_empty() {
            true => Ok(()),
            false => self.append(batch, key),
        }
    }

    /// What an entry names, as far as there are copies. Statements that are missing are found when
    /// the rules take the log in; documents are noted.
    fn named_by(&mut self, entry: &Entry, shelf: &mut Shelf) -> Vec<Blob> {
        let mut blobs = Vec::new();
        let mut documents: Vec<Digest> = Vec::new();
        documents.extend(entry.event.beside().document);
        for digest in statements_of(entry) {
            let Some(bytes) = shelf.blob(&digest) else {
                continue;
            };
            documents.extend(documents_of(&bytes));
            blobs.push(Blob::new(Visibility::Public, bytes));
        }
        if let Some(bytes) = sealed_of(&entry.event).and_then(|sealed| shelf.blob(&sealed)) {
            blobs.push(Blob::new(Visibility::Sealed, bytes));
        }
        for digest in documents {
            match shelf.blob(&digest) {
                Some(bytes) => blobs.push(Blob::new(Visibility::Public, bytes)),
                None if matches!(self.ledger.blob(&digest), Ok(Some(_))) => {}
                None => {
                    self.missing.insert(digest);
                }
            }
        }
        blobs
    }

    fn append(&mut self, batch: Batch, key: &SigningKey) -> Result<(), NotRebuilt> {
        let expected = self.ledger.head().clone();
        match self.ledger.append(&expected, &batch, key) {
            Ok(Append::Committed { .. }) => Ok(()),
            Ok(Append::Conflict(head)) => Err(NotRebuilt::Write(format!(
                "somebody else wrote {} entries into it",
                head.size()
            ))),
            Ok(Append::Unknown(error)) => Err(NotRebuilt::Write(error.to_string())),
            Err(error) => Err(NotRebuilt::Write(error.to_string())),
        }
    }
}

fn steps(from: u64, to: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (from..to).step_by(usize::try_from(TOGETHER).unwrap_or(1));
    starts.map(move |start| start..to.min(start + TOGETHER))
}

/// The documents that an act names and that lie in the log for everybody.
fn documents_of(statement: &[u8]) -> Vec<Digest> {
    // What is not an act names none.
    let Ok(act) = Act::from_bytes(statement) else {
        return Vec::new();
    };
    let sealed = matches!(
        act.command,
        Command::AddCredential(_) | Command::SetContact(_)
    );
    match sealed {
        true => Vec::new(),
        false => act.documents,
    }
}
