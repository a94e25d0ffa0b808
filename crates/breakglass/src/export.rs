//! `log export`: fetches what an auditor may have and makes the evidence folder of it. Of an export
//! that is there already only what is new is fetched, and of one that was interrupted only what
//! is not there yet.

mod several;
pub(crate) mod taken;

use std::{fs::File, io, path::Path};

use breakglass_api::{Client, ClientError};
use breakglass_format::{Digest, Timestamp};
use breakglass_tlog::{Checkpoint, EntriesPath, OpenError, SignedCheckpoint, tile::TILE_WIDTH};
use breakglass_verify::{
    Assembly, Finding, FolderError,
    assembly::{
        Grown, Held, Laid, Layer, NotContinued, NotGrown, NotHeld, NotLaid, NotOpened, Unsound,
    },
    folder::COSIGNED,
    open_checkpoint,
};
use thiserror::Error;

use crate::{
    state::{ForkKind, PinError},
    trust::{Trust, TrustError},
};

/// Times a log that grows meanwhile is looked at anew.
const TRIES: u32 = 8;
/// Bundles of entries that are fetched before the next ones are thought of.
const BUNDLES: usize = 64;

/// Why there is no folder.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The server cannot be asked, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The checkpoint is not one of the log that is trusted, or does not continue it.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The entries that the server gave are not those of its checkpoint.
    #[error(transparent)]
    Entries(NotGrown),
    /// What the server gave is no bundle of entries.
    #[error("the server gave something else for {path}")]
    Bundle {
        /// The bundle that was asked for.
        path: String,
    },
    /// What the server gave is another document than the one that was asked for.
    #[error("the server gave something else for the document {digest}")]
    Document {
        /// The one that was asked for.
        digest: Digest,
    },
    /// No true folder comes of what the server gave.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// The export that is to be continued is of another installation.
    #[error("the export is of another installation, whose genesis is {got}")]
    OtherInstallation {
        /// Its genesis.
        got: String,
    },
    /// The export that is to be continued has another length than somebody thought.
    #[error("the export has {had} entries, not {since}")]
    OtherSize {
        /// Its entries.
        had: u64,
        /// Those that somebody named.
        since: u64,
    },
    /// The export that is to be continued does not hold.
    #[error("the export does not hold: {0}")]
    Damaged(Box<Finding>),
    /// The folder is not an earlier export of this log.
    #[error(transparent)]
    NotContinued(#[from] NotContinued),
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
    /// The folder cannot be read or written.
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

impl From<NotOpened> for ExportError {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::NotContinued(error) => error.into(),
            NotOpened::Folder(error) => error.into(),
        }
    }
}

impl From<NotHeld> for ExportError {
    fn from(error: NotHeld) -> Self {
        match error {
            NotHeld::Damaged(finding) => Self::Damaged(finding),
            NotHeld::Folder(error) => error.into(),
        }
    }
}

impl From<NotLaid<Self>> for ExportError {
    fn from(error: NotLaid<Self>) -> Self {
        match error {
            NotLaid::Fetch(error) => error,
            NotLaid::Folder(error) => error.into(),
            NotLaid::NotContinued(error) => error.into(),
            NotLaid::Unsound(error) => error.into(),
        }
    }
}

/// An export, and how much of its log was there before.
#[derive(Debug, Clone)]
pub struct Export {
    /// Files there are.
    pub files: u64,
    /// Those of them that were written.
    pub written: u64,
    /// Entries that were there before.
    pub from: u64,
    /// Entries there are.
    pub size: u64,
    /// Documents that entries name and the server has not: it has lost them, or keeps them back.
    pub missing: Vec<Digest>,
    /// Files that only repeat the log, which somebody had changed: they were written anew.
    pub mended: Vec<&'static str>,
}

/// What somebody wishes of an export besides what every export has.
#[derive(Clone, Copy)]
pub struct ExportWish<'a> {
    /// How many entries are there already, for whoever wants exactly that export continued.
    pub since: Option<u64>,
    /// A checkpoint that witnesses cosigned.
    pub cosigned: Option<&'a str>,
    /// Who is told how many entries of so many are done.
    pub watch: &'a dyn Fn(Doing, u64, u64),
}

/// What is being done with entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// They are fetched.
    Fetching,
    /// What they name is fetched and gets its place.
    LayingOut,
}

impl Default for ExportWish<'_> {
    fn default() -> Self {
        Self {
            since: None,
            cosigned: None,
            watch: &|_, _, _| (),
        }
    }
}

impl std::fmt::Debug for ExportWish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportWish")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// Makes a folder the evidence folder of the log as it is now: a new one, an earlier export, or one
/// that was interrupted. A server that is behind adds nothing to it. Nobody else may write into it
/// meanwhile.
///
/// # Errors
///
/// See [`ExportError`]; of another history of the log than the export, both signed checkpoints are
/// kept.
pub fn export(
    client: &Client,
    trust: &Trust,
    now: Timestamp,
    dir: &Path,
    wish: ExportWish<'_>,
) -> Result<Export, ExportError> {
    let assembly = Assembly::at(dir, trust.authorities().instance())?;
    let export = Exporting {
        client,
        trust,
        now,
        assembly: &assembly,
        wish,
    };
    // Until here nothing is changed, not even what an interrupted export has kept.
    let held = export.held()?;
    assembly.sift()?;
    let made = export.run(held.as_ref());
    if made.as_ref().is_err_and(|error| !error.may_pass()) {
        // What cannot go on leaves the folder as it was. What stays of it is told as a stray.
        let _ = assembly.forget();
    }
    made
}

/// Brings what was written on a disk there, whatever the file system keeps back.
fn sync(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}

/// An export under way.
struct Exporting<'a> {
    client: &'a Client,
    trust: &'a Trust,
    now: Timestamp,
    assembly: &'a Assembly,
    wish: ExportWish<'a>,
}

impl Exporting<'_> {
    fn run(&self, held: Option<&Held<'_>>) -> Result<Export, ExportError> {
        let had = held.map_or(0, Held::size);
        let mut kept_before = true;
        for _ in 0..TRIES {
            let text = self.client.checkpoint()?;
            let shown = self.trust.see_checkpoint(self.client, &text, self.now)?;
            let checkpoint = self.newest(held, &shown)?;
            let size = checkpoint.checkpoint().size();
            if !self.entries(held, size)? {
                continue;
            }
            let grown = match self.assembly.grown(held, &checkpoint) {
                Ok(grown) => grown,
                Err(NotGrown::Folder(error)) => return Err(error.into()),
                Err(NotGrown::Malformed { .. } | NotGrown::TooLong { .. } | NotGrown::Other)
                    if kept_before =>
                {
                    // Something else was kept than the log has: once more, without it.
                    self.assembly.forget()?;
                    kept_before = false;
                    continue;
                }
                Err(error) => return Err(ExportError::Entries(error)),
            };
            let laid = self.laid(&grown, size)?;
            let missing = laid.missing().to_vec();
            let settled = laid.settle(self.wish.cosigned, sync)?;
            return Ok(Export {
                files: settled.files,
                written: settled.written,
                from: had,
                size,
                missing,
                mended: settled.mended,
            });
        }
        Err(ExportError::Growing)
    }

    /// The log that the folder holds, if it is one of this installation's and whole, and the one
    /// that is meant.
    fn held(&self) -> Result<Option<Held<'_>>, ExportError> {
        let ours = self.trust.authorities().instance();
        match self.assembly.genesis()? {
            Some(got) if got == ours.to_string() => {}
            Some(got) if got.parse::<Digest>().is_ok_and(|got| got != ours) => {
                return Err(ExportError::OtherInstallation { got });
            }
            Some(_) => {
                let path = "genesis".to_owned();
                return Err(NotContinued::Altered { path }.into());
            }
            None => {}
        }
        let held = self.assembly.held()?;
        if let Some(held) = &held {
            ours_or_former(self.trust, held.checkpoint())?;
        }
        let had = held.as_ref().map_or(0, Held::size);
        if let Some(since) = self.wish.since.filter(|since| *since != had) {
            return Err(ExportError::OtherSize { had, since });
        }
        self.cosigned(held.as_ref())?;
        Ok(held)
    }

    /// That what witnesses cosigned, where the folder has it, is of this log.
    fn cosigned(&self, held: Option<&Held<'_>>) -> Result<(), ExportError> {
        let Some(note) = self.assembly.cosigned()? else {
            return Ok(());
        };
        let path = COSIGNED.to_owned();
        let altered = || Err(NotContinued::Altered { path }.into());
        let Some(signed) = open_checkpoint(&note, self.trust.authorities()) else {
            return altered();
        };
        let checkpoint = signed.checkpoint();
        // A longer one is of a run that was interrupted before its own checkpoint was there.
        let Some(held) = held.filter(|held| checkpoint.size() <= held.size()) else {
            return Ok(());
        };
        if held.root_at(checkpoint.size())? == Some(checkpoint.root()) {
            return Ok(());
        }
        altered()
    }

    /// The longer one of the checkpoint of the export and the one that is shown; the shorter one
    /// must be of the same log earlier on. Where the export is behind, the log proves it, before
    /// anything of it gets into the folder; where it is not, its own entries tell.
    fn newest(
        &self,
        held: Option<&Held<'_>>,
        shown: &SignedCheckpoint,
    ) -> Result<SignedCheckpoint, ExportError> {
        let Some(held) = held else {
            return Ok(shown.clone());
        };
        let (here, there) = (held.checkpoint().checkpoint(), shown.checkpoint());
        if here.size() < there.size() {
            // An epoch changes the name of a log, and keeps its tree.
            let renamed = Checkpoint::new(there.origin().clone(), here.size(), here.root());
            if let Ok(here) = renamed
                && self.trust.continues(self.client, &here, there)?
            {
                return Ok(shown.clone());
            }
            return Err(self.fork(ForkKind::Forked, held, shown));
        }
        if held.root_at(there.size())? == Some(there.root()) {
            return Ok(held.checkpoint().clone());
        }
        let kind = if here.size() == there.size() {
            ForkKind::Forked
        } else {
            ForkKind::RolledBack
        };
        Err(self.fork(kind, held, shown))
    }

    fn fork(&self, kind: ForkKind, held: &Held<'_>, shown: &SignedCheckpoint) -> ExportError {
        let pins = self.trust.pins();
        ExportError::Fork(pins.keep_fork(kind, held.checkpoint(), shown, self.now))
    }

    /// Fetches the entries that are not there; `false` where the server has fewer, which a later
    /// look settles.
    fn entries(&self, held: Option<&Held<'_>>, size: u64) -> Result<bool, ExportError> {
        let mut lacks = self.assembly.lacks(held, size);
        loop {
            // No more than a few at a time: how many there are is only what the server says.
            let some: Vec<EntriesPath> = lacks.by_ref().take(BUNDLES).collect();
            let Some(first) = some.first() else {
                return Ok(true);
            };
            let done = first.index().saturating_mul(u64::from(TILE_WIDTH));
            (self.wish.watch)(Doing::Fetching, done, size);
            let mut all = true;
            let ask = |path: &EntriesPath| Ok(self.client.bundle(path)?);
            several::fetch(&some, ask, |path, bytes| {
                let Some(bytes) = bytes else {
                    all = false;
                    return Ok(());
                };
                if self.assembly.keep_bundle(path, &bytes)? {
                    return Ok(());
                }
                let path = path.to_string();
                Err(ExportError::Bundle { path })
            })?;
            if !all {
                return Ok(false);
            }
        }
    }

    /// Gives everything its place, and fetches what is not there.
    fn laid<'g>(&self, grown: &'g Grown<'_>, size: u64) -> Result<Laid<'g>, ExportError> {
        let ask = |digest: &Digest| Ok(self.client.blob(&digest.to_string())?);
        let mut fetch = |wanted: &[Digest]| {
            several::fetch(wanted, ask, |digest, bytes| match bytes {
                Some(bytes) if !self.assembly.keep_document(digest, &bytes)? => {
                    Err(ExportError::Document { digest: *digest })
                }
                Some(_) | None => Ok(()),
            })
        };
        let layer = Layer {
            fetch: &mut fetch,
            watch: &|done| (self.wish.watch)(Doing::LayingOut, done, size),
        };
        Ok(grown.lay_out(layer)?)
    }
}

/// That a checkpoint is of the log, or of one that an epoch continued with all of its entries.
fn ours_or_former(trust: &Trust, held: &SignedCheckpoint) -> Result<(), ExportError> {
    let note = held.to_text();
    let (origin, key) = (&trust.log().origin, &trust.log().key);
    let Err(error) = SignedCheckpoint::open(note.as_bytes(), origin, key) else {
        return Ok(());
    };
    let former = open_checkpoint(note.as_bytes(), trust.authorities());
    let kept = former.and_then(|former| trust.kept_of(former.checkpoint()));
    match (kept, held.checkpoint().size()) {
        (Some(kept), had) if had <= kept => Ok(()),
        (Some(kept), had) => Err(ExportError::GivenUp { had, kept }),
        (None, _) => Err(error.into()),
    }
}
