//! Checking a receipt: every entry is in the log, under a checkpoint that the log signed.

use breakglass_format::{Entry, entry::EntryError};
use breakglass_tlog::{Hash, ProofBundle, VerifierKey, leaf_hash};
use thiserror::Error;

use crate::wire::Proven;

/// What a client trusts of the log: its origin and its key, both from the authority.
#[derive(Debug, Clone)]
pub struct LogTrust {
    /// The origin line.
    pub origin: String,
    /// The verifier key.
    pub key: VerifierKey,
}

/// A proven entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its leaf index.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The entry.
    pub entry: Entry,
    /// Size of the log under whose checkpoint it is proven.
    pub log_size: u64,
    /// Root of that log.
    pub log_root: Hash,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why a receipt is not one.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// The proof cannot be read.
    #[error("receipt: the proof cannot be read: {0}")]
    Parse(#[from] breakglass_tlog::BundleParseError),
    /// The proof does not hold.
    #[error("receipt: the log does not prove this entry: {0}")]
    Verify(#[from] breakglass_tlog::BundleVerifyError),
    /// What is proven is not an entry.
    #[error("receipt: {0}")]
    Entry(#[from] EntryError),
}

impl LogTrust {
    /// Checks one proven entry.
    pub fn check(&self, proven: &Proven) -> Result<Received, ReceiptError> {
        let bundle = ProofBundle::parse(proven.proof.as_bytes())?;
        let verified = bundle.verify(proven.entry.as_bytes(), &self.origin, &self.key)?;
        let checkpoint = verified.checkpoint.checkpoint();
        Ok(Received {
            index: verified.index,
            leaf: leaf_hash(proven.entry.as_bytes()),
            entry: Entry::from_bytes(proven.entry.as_bytes())?,
            log_size: checkpoint.size(),
            log_root: checkpoint.root(),
            checkpoint: verified.checkpoint.to_text(),
        })
    }
}
