//! Everything that entries name is fetched where it is not there, and gets its place.

use std::{fmt, fs};

use breakglass_format::{Digest, Timestamp, entry::EntryError};
use breakglass_statement::AuthoritySet;
use breakglass_tlog::{EntriesPath, KeyError, OpenError, SignedCheckpoint, VerifierKey};
use thiserror::Error;

use super::{
    Grown, NotContinued,
    course::{Beside, Course, Read},
    fit::Fitted,
};
use crate::{
    FolderError,
    authority::{self, AuthorityFault},
    files::Files as _,
    layout::Fault,
    parallel, record,
    table::Table,
};

/// Bundles that are in memory at a time.
const WINDOW: usize = 16;
/// Bytes after which no further bundle is.
const WINDOW_BYTES: u64 = 8 << 20;

/// What an export cannot do itself.
pub struct Layer<'a, E> {
    /// Fetches documents, and has [`Assembly::keep_document`](super::Assembly::keep_document) keep
    /// those that there are.
    pub fetch: &'a mut dyn FnMut(&[Digest]) -> Result<(), E>,
    /// Is told how many entries were laid out so far.
    pub watch: &'a dyn Fn(u64),
}

impl<E> fmt::Debug for Layer<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layer")
    }
}

/// Why a log has no folder.
#[derive(Debug, Error)]
pub enum NotLaid<E> {
    /// Something cannot be fetched.
    #[error("{0}")]
    Fetch(E),
    /// Something cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder is not an earlier export of this log.
    #[error(transparent)]
    NotContinued(#[from] NotContinued),
    /// The log does not hold.
    #[error(transparent)]
    Unsound(#[from] Unsound),
}

/// Why no true folder comes of a log.
#[derive(Debug, Error)]
pub enum Unsound {
    /// An entry cannot be read.
    #[error("entry {index}: {error}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        error: EntryError,
    },
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityFault),
    /// The log's key in the authority cannot be read.
    #[error("log key of the authority: {0}")]
    Key(#[from] KeyError),
    /// The checkpoint is not one of this log.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] OpenError),
    /// Something that entries name is not there or has no place; the first such thing.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A log of which everything has its place.
#[derive(Debug)]
pub struct Laid<'a> {
    pub(super) grown: &'a Grown<'a>,
    pub(super) table: Table<'a>,
    pub(super) fitted: Fitted,
    pub(super) authorities: AuthoritySet,
    /// When each version of the authority came into effect.
    pub(super) effective: Vec<(i64, Timestamp)>,
    /// The checkpoint with the log's own line, and no other.
    pub(super) note: String,
    /// Whether the authority changed since the export that was there.
    pub(super) authority_is_new: bool,
    missing: Vec<Digest>,
}

impl Laid<'_> {
    /// Documents that entries name and nobody has.
    #[must_use]
    pub fn missing(&self) -> &[Digest] {
        &self.missing
    }
}

impl<'a> Grown<'a> {
    /// Gives everything that entries name its place, and has fetched what is not there.
    ///
    /// # Errors
    /// [`NotLaid`]: but for documents that nobody has, an export is whole or it is not written.
    pub fn lay_out<E: Send>(&'a self, mut layer: Layer<'_, E>) -> Result<Laid<'a>, NotLaid<E>> {
        let table = Table::of(self.assembly.place(), &|_| ())?;
        let beside = Beside::of(self.assembly, &table);
        let mut course = Course::begin(self, &beside)?;
        let bundles: Vec<EntriesPath> = self.bundles().collect();
        let mut rest = bundles.as_slice();
        while !rest.is_empty() {
            let (window, after) = self.window(rest);
            rest = after;
            let entries = self.read(window)?;
            course.take(&entries, &mut layer)?;
            let done = entries.last().map_or(0, |(at, _)| at.index + 1);
            (layer.watch)(done);
        }
        let ended = course.end(&mut layer)?;
        let chain = authority::from_blobs(&ended.authorities, &beside)?;
        let authorities = chain.map_err(Unsound::Authority)?;
        let note = self.own_note(&authorities)?;
        Ok(Laid {
            grown: self,
            fitted: ended.fit.end()??,
            effective: authority::effective(&ended.authorities),
            authorities,
            note,
            authority_is_new: ended.authorities.iter().any(|at| at.index >= self.had),
            missing: ended.missing.into_iter().collect(),
            table,
        })
    }

    /// The next bundles, and those after them.
    fn window<'b>(&self, bundles: &'b [EntriesPath]) -> (&'b [EntriesPath], &'b [EntriesPath]) {
        let (mut bytes, mut count) = (0, 0);
        for path in bundles.iter().take(WINDOW) {
            let place = self.assembly.path(&self.path_of(path));
            bytes += fs::metadata(place).map_or(0, |meta| meta.len());
            count += 1;
            if bytes >= WINDOW_BYTES {
                break;
            }
        }
        bundles.split_at(count)
    }

    /// Reads entries, held against the tree once more.
    fn read<E: Send>(&self, window: &[EntriesPath]) -> Result<Vec<Read>, NotLaid<E>> {
        let read = parallel::map(window, 1, |_, path| {
            let name = self.path_of(path);
            let bytes = self.assembly.disk.whole(&name)?;
            let shape = (path.index(), path.width());
            let (entries, tile) = self.tree.again(&name, shape, &bytes)?;
            let both = entries.into_iter().zip(tile.leaves());
            let numbered = (Self::first(path)..).zip(both);
            let one = |(index, (bytes, leaf)): (u64, (&[u8], _))| {
                let recorded = record::one(index, bytes, leaf);
                let unsound = |(index, error)| Unsound::Entry { index, error };
                Ok((recorded.map_err(unsound)?, bytes.to_vec()))
            };
            numbered.map(one).collect::<Result<Vec<_>, NotLaid<E>>>()
        });
        let mut entries = Vec::new();
        for bundle in read {
            entries.extend(bundle?);
        }
        Ok(entries)
    }

    /// The checkpoint, signed by the log that the authority names.
    fn own_note(&self, authorities: &AuthoritySet) -> Result<String, Unsound> {
        let log = authorities.log();
        let key = VerifierKey::parse(log.vkey.as_str())?;
        let note = self.checkpoint.to_text();
        let signed = SignedCheckpoint::open(note.as_bytes(), log.origin.as_str(), &key)?;
        Ok(record::own_line(signed.note(), &key))
    }
}
