//! What a ledger is, whatever keeps it.

use std::{fmt, io, ops::Range};

use breakglass_format::{Digest, Name};
use breakglass_tlog::{Hash, SignedCheckpoint, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::error::{BatchError, CommitFailure, CursorError, ReadError};

/// The most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 4_096;
/// The most blobs of one batch.
pub const BATCH_BLOBS_MAX: usize = 4_096;

/// How far the log has come: its last signed, durable checkpoint.
///
/// Two heads are equal only if their checkpoints are, signatures included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    checkpoint: SignedCheckpoint,
}

impl Head {
    pub(crate) const fn new(checkpoint: SignedCheckpoint) -> Self {
        Self { checkpoint }
    }

    /// The number of entries, and so the index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size()
    }

    /// The root over all entries.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.checkpoint.checkpoint().root()
    }

    /// The checkpoint; [`SignedCheckpoint::to_text`] gives its bytes as stored and served.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Who may be given a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Visibility {
    /// Evidence: part of every export.
    Public,
    /// A sealed secret: never exported.
    Sealed,
}

/// Bytes that lie beside the log under the digest an entry names them by.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of `bytes`.
    pub digest: Digest,
    /// Who may be given it.
    pub visibility: Visibility,
    /// At most [`breakglass_format::limits::BLOB_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl Blob {
    /// A blob under the digest of its own bytes.
    #[must_use]
    pub fn new(visibility: Visibility, bytes: Vec<u8>) -> Self {
        Self {
            digest: digest(&bytes),
            visibility,
            bytes,
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("digest", &self.digest)
            .field("visibility", &self.visibility)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// What becomes true together, or not at all.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// 1 to [`BATCH_ENTRIES_MAX`] entries: exactly the bytes that are stored and hashed, each at
    /// most [`breakglass_format::limits::ENTRY_BYTES_MAX`].
    pub entries: Vec<Vec<u8>>,
    /// At most [`BATCH_BLOBS_MAX`] blobs. One the ledger already holds is not stored again.
    pub blobs: Vec<Blob>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("entries", &self.entries.len())
            .field("blobs", &self.blobs)
            .finish()
    }
}

/// What became of a batch.
#[derive(Debug)]
#[must_use = "only a committed batch has happened"]
pub enum Append {
    /// It is durable, under this head.
    Committed {
        /// The new head.
        head: Head,
        /// The index of the batch's first entry.
        first_index: u64,
    },
    /// Nothing was written: the ledger is at this head, not at the expected one.
    Conflict(Head),
    /// The batch is durable or it is not; only opening the ledger anew tells which.
    ///
    /// The caller ends the process. This ledger appends nothing any more: after a failed fsync
    /// the kernel may have dropped the pages and called them clean, so that trying again lies.
    Unknown(CommitFailure),
}

/// Told of each commit, and able to fail it: the seam for faults and crashes on either side.
pub trait CommitHook: fmt::Debug + Send {
    /// Everything is written, nothing is durable. An error rolls the batch back.
    ///
    /// # Errors
    /// Whatever is to be taken for a failure of the commit.
    fn before_commit(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The batch is durable and the caller does not know yet. An error keeps it from knowing.
    ///
    /// # Errors
    /// Whatever is to be taken for a failure of the commit.
    fn after_commit(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The hook that lets every commit pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoHook;

impl CommitHook for NoHook {}

/// The append-only log and what lies beside it. Synchronous, one owner.
///
/// Every read is checked: what is returned is what was appended, or the call is an error.
pub trait Ledger: fmt::Debug {
    /// How far the log has come.
    fn head(&self) -> &Head;

    /// Appends a batch if the ledger still is at `expected`, and signs the new checkpoint.
    ///
    /// # Errors
    /// [`BatchError`] if the batch or the key cannot be accepted, or what the ledger must read
    /// before it writes is damaged. Nothing was written.
    fn append(
        &mut self,
        expected: &Head,
        batch: &Batch,
        key: &SigningKey,
    ) -> Result<Append, BatchError>;

    /// Whether a batch may bring these blobs, as far as the ledger and each other go: who puts
    /// several callers' blobs into one batch finds out beforehand whose cannot be taken.
    ///
    /// # Errors
    /// What [`Ledger::append`] would say of them.
    fn check_blobs(&self, blobs: &[Blob]) -> Result<(), BatchError>;

    /// The bytes of entry `index`.
    ///
    /// # Errors
    /// [`ReadError`] if there is no such entry or it is not what the root says.
    fn entry(&self, index: u64) -> Result<Vec<u8>, ReadError>;

    /// The entries of a range of indexes, all held in memory at once: ask for a few hundred.
    ///
    /// # Errors
    /// [`ReadError`] if one of them does not exist or is not what the root says.
    fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, ReadError>;

    /// The blob with that digest, if the ledger has it.
    ///
    /// # Errors
    /// [`ReadError`] if what is stored under the digest is something else.
    fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError>;

    /// The first `width` (1 to 256) hashes of a tile.
    ///
    /// # Errors
    /// [`ReadError`] if the tree has no such tile or it is not what the root says.
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError>;

    /// The root of the tree of the first `size` entries.
    ///
    /// # Errors
    /// [`ReadError`] if the log is not that long or a tile is not what the root says.
    fn root_at(&self, size: u64) -> Result<Hash, ReadError>;

    /// The proof that entry `index` is in the tree of the first `size` entries.
    ///
    /// # Errors
    /// [`ReadError`] if it is not, the log is not that long, or a tile is not what the root says.
    fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, ReadError>;

    /// The proof that the tree of `new_size` entries grew out of the tree of `old_size`.
    ///
    /// # Errors
    /// [`ReadError`] if the sizes are in the wrong order, the log is not that long, or a tile is
    /// not what the root says.
    fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, ReadError>;

    /// The receipt of entry `index` under the present head, as the text of a `tlog-proof@v1`.
    ///
    /// # Errors
    /// As [`Ledger::inclusion_proof`].
    fn receipt(&self, index: u64) -> Result<String, ReadError>;

    /// The receipts of a run of entries under the present head, cheap for those just appended.
    ///
    /// # Errors
    /// As [`Ledger::inclusion_proof`].
    fn receipts(&self, range: Range<u64>) -> Result<Vec<String>, ReadError>;

    /// The index of the entry a follower wants next, if it has ever said.
    ///
    /// # Errors
    /// [`CursorError`] if any stored cursor is damaged: a wrong position is never returned, and a
    /// damaged name never looks like a follower that has not begun.
    fn cursor(&self, name: &Name) -> Result<Option<u64>, CursorError>;

    /// Says which entry a follower wants next. Durable when it returns.
    ///
    /// # Errors
    /// [`CursorError`] if that lies beyond the log or cannot be written.
    fn set_cursor(&mut self, name: &Name, next_index: u64) -> Result<(), CursorError>;
}

/// SHA-256 of bytes, in the type that names blobs.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}
