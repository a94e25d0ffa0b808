//! `log export`: fetches what an auditor may have and makes the evidence folder of it. Of an export
//! that is there already only what is new is fetched.

mod documents;
mod fetched;
pub(crate) mod taken;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, PoisonError},
};

use breakglass_api::{Client, ClientError};
use breakglass_format::{Digest, Timestamp};
use breakglass_tlog::{Hash, OpenError, SignedCheckpoint, VerifierKey, leaf_hash, root_of_leaves};
use breakglass_verify::{
    EmitError, Finding, Folder, FolderError, Source,
    continuation::{self, Held},
    emit,
    emit::ask,
};
use thiserror::Error;

use fetched::Keep;

use crate::{
    state::{ForkKind, PinError},
    trust::{Trust, TrustError},
};

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
    /// The export that is to be continued is of another installation.
    #[error("the export is of another installation, whose genesis is {got}")]
    OtherInstallation {
        /// Its genesis.
        got: String,
    },
    /// The export that is to be continued does not hold.
    #[error("the export does not hold: {0}")]
    Damaged(Box<Finding>),
    /// The checkpoint of the export that is to be continued is not one of this log.
    #[error("the checkpoint of the export: {0}")]
    Checkpoint(#[from] OpenError),
    /// The export that is to be continued has entries that an epoch gave up.
    #[error("the export has {had} entries of a log of which an epoch kept {kept}")]
    GivenUp {
        /// Its entries.
        had: u64,
        /// Those that were kept.
        kept: u64,
    },
    /// The export that is to be continued is of another history of this log.
    #[error(transparent)]
    Fork(PinError),
    /// What was fetched cannot be kept.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The log kept growing.
    #[error("the log grew faster than it could be read; try again in a quieter moment")]
    Growing,
}

impl ExportError {
    /// Whether the same export may go on later, with what was fetched so far.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Folder(_) | Self::Growing)
    }
}

/// An export, and how much of its log was there before.
#[derive(Debug, Clone)]
pub struct Export {
    /// The folder as it is to be.
    pub folder: Folder,
    /// Entries that were not fetched.
    pub from: u64,
    /// Entries there are.
    pub size: u64,
    /// Documents that entries name and the server has not: it has lost them, or keeps them back.
    pub missing: Vec<Digest>,
}

/// Fetches the log and everything public beside it, and makes the evidence folder.
///
/// # Errors
///
/// See [`ExportError`].
pub fn export(client: &Client, trust: &Trust, now: Timestamp) -> Result<Folder, ExportError> {
    let export = resume(client, trust, now, &Folder::new())?;
    Ok(export.folder)
}

/// Fetches what the log has besides an export of it that is there, and makes the evidence folder
/// as it is now. A server that is behind adds nothing to it.
///
/// # Errors
///
/// See [`ExportError`]; of another history of the log than the export, both signed checkpoints are
/// kept.
pub fn resume(
    client: &Client,
    trust: &Trust,
    now: Timestamp,
    before: &Folder,
) -> Result<Export, ExportError> {
    resume_in(client, trust, now, before, Along::default())
}

/// What happens to what is fetched while it is fetched.
#[derive(Clone, Copy)]
pub struct Along<'a> {
    /// The folder of the export, in which it is kept until the export is whole, so that one that is
    /// interrupted goes on where it was.
    pub keep: Option<&'a Path>,
    /// Who is told how many there are of so many: of entries first, then of documents.
    pub watch: &'a dyn Fn(Fetching, u64, u64),
}

/// What is being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetching {
    /// Entries.
    Entries,
    /// What entries name.
    Documents,
}

impl Default for Along<'_> {
    fn default() -> Self {
        let keep = None;
        let watch = &|_, _, _| ();
        Self { keep, watch }
    }
}

impl std::fmt::Debug for Along<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Along")
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// [`resume`], which keeps what it fetches, and goes on with what an interrupted one has kept.
///
/// # Errors
///
/// See [`ExportError`].
pub fn resume_in(
    client: &Client,
    trust: &Trust,
    now: Timestamp,
    before: &Folder,
    along: Along<'_>,
) -> Result<Export, ExportError> {
    let held = held(trust, before)?;
    let keep = Keep::new(along.keep, trust.authorities().instance());
    let had = held.as_ref().map_or(0, |held| held.entries.len());
    let mut kept = fetched::entries(before, had);
    for _ in 0..TRIES {
        let text = client.checkpoint()?;
        let shown = trust.see_checkpoint(client, &text, now)?;
        let checkpoint = newest(trust, held.as_ref(), &shown, now)?;
        let size = checkpoint.checkpoint().size();
        let at_hand = held.as_ref().map_or(&[][..], |held| &held.entries);
        // Nothing of another history gets into the folder.
        let same = match held.as_ref().filter(|_| along.keep.is_some()) {
            Some(held) if (had as u64) < size => {
                let (old, new) = (held.checkpoint.checkpoint(), checkpoint.checkpoint());
                trust.continues(client, old, new)?
            }
            Some(_) | None => true,
        };
        let keep = if same { keep } else { keep.nowhere() };
        let at_hand = [at_hand, &kept].concat();
        let fetch = Fetch {
            client,
            keep,
            along,
        };
        let Some(entries) = fetch.entries(at_hand, size)? else {
            continue;
        };
        if !kept.is_empty() && root_of(&entries) != checkpoint.checkpoint().root() {
            // Something else was kept than the log has: once more, without it.
            kept.clear();
            continue;
        }
        if let Some(held) = &held {
            continues(client, trust, held, (&checkpoint, &entries), now)?;
        }
        let text = checkpoint.to_text();
        let known = known(before);
        let blobs = fetch.blobs(&entries, known)?;
        return Ok(Export {
            folder: folder(&entries, &text, &blobs)?,
            missing: missing(&blobs),
            from: had as u64,
            size,
        });
    }
    Err(ExportError::Growing)
}

/// The log that a folder holds, if it is one of this installation's and whole.
fn held(trust: &Trust, before: &Folder) -> Result<Option<Held>, ExportError> {
    let genesis = before.get("genesis").map(String::from_utf8_lossy);
    let ours = trust.authorities().instance().to_string();
    if let Some(got) = genesis.filter(|got| got.trim_end() != ours) {
        let got = got.trim_end().to_owned();
        return Err(ExportError::OtherInstallation { got });
    }
    let held =
        continuation::held(before).map_err(|finding| ExportError::Damaged(finding.into()))?;
    if let Some(held) = &held {
        ours_or_former(trust, &held.checkpoint)?;
    }
    Ok(held)
}

/// That a checkpoint is of the log, or of one that an epoch continued with all of its entries.
fn ours_or_former(trust: &Trust, held: &SignedCheckpoint) -> Result<(), ExportError> {
    let note = held.to_text();
    let opens =
        |origin: &str, key: &VerifierKey| SignedCheckpoint::open(note.as_bytes(), origin, key);
    let Err(error) = opens(&trust.log().origin, &trust.log().key) else {
        return Ok(());
    };
    let former = trust.authorities().logs().find_map(|log| {
        let key = VerifierKey::parse(log.vkey.as_str()).ok()?;
        opens(log.origin.as_str(), &key).ok()
    });
    let kept = former.and_then(|former| trust.kept_of(former.checkpoint()));
    match (kept, held.checkpoint().size()) {
        (Some(kept), had) if had <= kept => Ok(()),
        (Some(kept), had) => Err(ExportError::GivenUp { had, kept }),
        (None, _) => Err(error.into()),
    }
}

/// The longer one of the checkpoint of the export and the one that is shown; the shorter one must
/// be of the same log earlier on, which the entries of the export tell.
fn newest(
    trust: &Trust,
    held: Option<&Held>,
    shown: &SignedCheckpoint,
    now: Timestamp,
) -> Result<SignedCheckpoint, ExportError> {
    let Some(held) = held.filter(|held| is_behind(shown, held)) else {
        return Ok(shown.clone());
    };
    let size = usize::try_from(shown.checkpoint().size()).unwrap_or(usize::MAX);
    let past = held.entries.get(..size).map(root_of);
    if past == Some(shown.checkpoint().root()) {
        return Ok(held.checkpoint.clone());
    }
    let kind = if size == held.entries.len() {
        ForkKind::Forked
    } else {
        ForkKind::RolledBack
    };
    let fork = trust.pins().keep_fork(kind, &held.checkpoint, shown, now);
    Err(ExportError::Fork(fork))
}

fn is_behind(shown: &SignedCheckpoint, held: &Held) -> bool {
    shown.checkpoint().size() <= held.checkpoint.checkpoint().size()
}

/// That entries whose first ones are those of the export are the log of a checkpoint. Where they
/// are not, the log's own proof tells whether it is another history, or entries that were not
/// fetched as they are; those make no folder.
fn continues(
    client: &Client,
    trust: &Trust,
    held: &Held,
    (shown, entries): (&SignedCheckpoint, &[Vec<u8>]),
    now: Timestamp,
) -> Result<(), ExportError> {
    if root_of(entries) == shown.checkpoint().root()
        || trust.continues(client, held.checkpoint.checkpoint(), shown.checkpoint())?
    {
        return Ok(());
    }
    let kind = ForkKind::Forked;
    let fork = trust.pins().keep_fork(kind, &held.checkpoint, shown, now);
    Err(ExportError::Fork(fork))
}

fn root_of(entries: &[Vec<u8>]) -> Hash {
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    root_of_leaves(&leaves)
}

/// What an export has already of what entries name.
fn known(before: &Folder) -> BTreeMap<Digest, Option<Vec<u8>>> {
    let files = continuation::by_digest(before).into_iter();
    files
        .map(|(digest, bytes)| (digest, Some(bytes.to_vec())))
        .collect()
}

/// Fetching from a server, keeping and telling.
struct Fetch<'a> {
    client: &'a Client,
    keep: Keep<'a>,
    along: Along<'a>,
}

impl Fetch<'_> {
    /// So many entries, those at hand first; `None` where the server has fewer, which a later look
    /// settles.
    fn entries(
        &self,
        mut entries: Vec<Vec<u8>>,
        size: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, ExportError> {
        while (entries.len() as u64) < size {
            (self.along.watch)(Fetching::Entries, entries.len() as u64, size);
            let page = self.client.entries(entries.len() as u64)?;
            if page.entries.is_empty() {
                return Ok(None);
            }
            self.keep.entries(entries.len(), &page.entries)?;
            entries.extend(page.entries.into_iter().map(String::into_bytes));
        }
        entries.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(Some(entries))
    }

    /// Asks the writer what it wants, fetches that, and asks again until it wants nothing more:
    /// acts name documents that only their own text tells of.
    fn blobs(
        &self,
        entries: &[Vec<u8>],
        mut known: BTreeMap<Digest, Option<Vec<u8>>>,
    ) -> Result<BTreeMap<Digest, Option<Vec<u8>>>, ExportError> {
        loop {
            let wanted = wanted(entries, &known);
            if wanted.is_empty() {
                return Ok(known);
            }
            let wanted: Vec<Digest> = wanted.into_iter().collect();
            let ask = |digest: &Digest| Ok(self.client.blob(&digest.to_string())?);
            let mut done = 0;
            documents::fetch(&wanted, ask, |digest, bytes| {
                (self.along.watch)(Fetching::Documents, done, wanted.len() as u64);
                done += 1;
                if let Some(bytes) = &bytes {
                    self.keep.blob(&digest, bytes)?;
                }
                known.insert(digest, bytes);
                Ok::<(), ExportError>(())
            })?;
        }
    }
}

/// What was asked for and is not there.
fn missing(blobs: &BTreeMap<Digest, Option<Vec<u8>>>) -> Vec<Digest> {
    let missing = blobs.iter().filter(|(_, found)| found.is_none());
    missing.map(|(digest, _)| *digest).collect()
}

/// What the writer of the folder asks for and nobody has looked for yet.
fn wanted(entries: &[Vec<u8>], known: &BTreeMap<Digest, Option<Vec<u8>>>) -> BTreeSet<Digest> {
    let wanted = Mutex::new(BTreeSet::new());
    let look = |digest: &Digest| match known.get(digest) {
        Some(found) => found.clone(),
        None => {
            let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.insert(*digest);
            None
        }
    };
    // What cannot be written yet is told in the end; here only the questions matter.
    ask(entries, &look);
    wanted.into_inner().unwrap_or_else(PoisonError::into_inner)
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
