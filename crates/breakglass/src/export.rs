//! `log export`: fetches what an auditor may have and writes the evidence folder from it.

use std::collections::BTreeMap;

use breakglass_api::{Client, ClientError};
use breakglass_format::{Digest, Timestamp};
use breakglass_verify::{EmitError, Folder, Source, emit};
use thiserror::Error;

use crate::trust::{Trust, TrustError};

/// Times a log that grows meanwhile is looked at anew.
const TRIES: u32 = 8;

/// Why there is no folder.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The server cannot be asked, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The checkpoint is not one of the log that is trusted, or does not continue it.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The folder cannot be written from what the server gave.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The log kept growing.
    #[error("the log grew faster than it could be read; try again in a quieter moment")]
    Growing,
}

/// Fetches the log and everything public beside it, and makes the evidence folder.
///
/// # Errors
///
/// See [`ExportError`].
pub fn export(client: &Client, trust: &Trust, now: Timestamp) -> Result<Folder, ExportError> {
    for _ in 0..TRIES {
        let checkpoint = client.checkpoint()?;
        let size = trust
            .see_checkpoint(client, &checkpoint, now)?
            .checkpoint()
            .size();
        let entries = entries(client, size)?;
        let Some(entries) = entries else { continue };
        let blobs = blobs(client, &entries, &checkpoint)?;
        return Ok(folder(&entries, &checkpoint, &blobs)?);
    }
    Err(ExportError::Growing)
}

/// Exactly so many entries; `None` where the server has fewer, which a later look settles.
fn entries(client: &Client, size: u64) -> Result<Option<Vec<Vec<u8>>>, ClientError> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    while (entries.len() as u64) < size {
        let page = client.entries(entries.len() as u64)?;
        if page.entries.is_empty() {
            return Ok(None);
        }
        entries.extend(page.entries.into_iter().map(String::into_bytes));
    }
    entries.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(Some(entries))
}

/// Asks the writer what it wants, fetches that, and asks again until it wants nothing more: acts
/// name documents that only their own text tells of.
fn blobs(
    client: &Client,
    entries: &[Vec<u8>],
    checkpoint: &str,
) -> Result<BTreeMap<Digest, Option<Vec<u8>>>, ExportError> {
    let mut known: BTreeMap<Digest, Option<Vec<u8>>> = BTreeMap::new();
    loop {
        let wanted = std::cell::RefCell::new(Vec::new());
        let look = |digest: &Digest| match known.get(digest) {
            Some(found) => found.clone(),
            None => {
                wanted.borrow_mut().push(*digest);
                None
            }
        };
        let source = Source {
            entries,
            checkpoint: checkpoint.as_bytes(),
            blob: &look,
        };
        // What cannot be written yet is told in the end; here only the questions matter.
        let _ = emit(&source);
        let wanted = wanted.into_inner();
        if wanted.is_empty() {
            return Ok(known);
        }
        for digest in wanted {
            let bytes = client.blob(&digest.to_string())?;
            known.insert(digest, bytes);
        }
    }
}

fn folder(
    entries: &[Vec<u8>],
    checkpoint: &str,
    blobs: &BTreeMap<Digest, Option<Vec<u8>>>,
) -> Result<Folder, EmitError> {
    let look = |digest: &Digest| blobs.get(digest).cloned().flatten();
    emit(&Source {
        entries,
        checkpoint: checkpoint.as_bytes(),
        blob: &look,
    })
}
