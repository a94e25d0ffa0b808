//! What the entries of one bundle come to before those before them are known: the work of one
//! thread.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, sync::Arc};

use breakglass_format::{
    Digest, Event,
    canonical::CanonicalError,
    entry::{EntryError, Recorded},
};
use breakglass_tlog::EntriesPath;

use super::{
    heads,
    log::{Log, in_log},
    statements::{Against, verify},
};
use crate::{
    Finding, FolderError,
    derive::Statement,
    layout::{self, Blobs, Loaded},
    record,
    table::Table,
};

/// Most bytes of a bundle for whose lines room is made before they are.
const ROOM_MAX: u64 = 1 << 20;

/// What bundles are read against.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) log: &'a Log<'a>,
    pub(super) table: &'a Table<'a>,
    /// Without it no signature is verified.
    pub(super) against: Option<Against<'a>>,
}

/// The entries of a bundle.
#[derive(Default)]
pub(super) struct Bundle {
    pub(super) read: Vec<Read>,
    /// The lines of all of them, and how many those are.
    pub(super) lines: (Vec<u8>, u64),
    /// The first that cannot be read; those after it were not looked at.
    pub(super) malformed: Option<(u64, EntryError)>,
}

/// An entry.
pub(super) struct Read {
    pub(super) recorded: Recorded,
    pub(super) said: Option<Arc<Said>>,
    /// Why it has no line.
    pub(super) unrendered: Option<CanonicalError>,
}

/// The statement that an entry names.
pub(super) struct Said {
    pub(super) loaded: Loaded,
    /// What came of its signature.
    pub(super) verified: Option<Result<Statement, String>>,
    /// That the head of the log in it is none that the log had.
    pub(super) head: Option<Finding>,
}

impl Reader<'_> {
    /// The entries of a bundle and their hashes, held against the tree once more.
    pub(super) fn recorded(
        &self,
        path: &EntriesPath,
        mut each: impl FnMut(Recorded, &[u8]) -> Result<(), FolderError>,
    ) -> Result<Option<(u64, EntryError)>, FolderError> {
        let name = in_log(path);
        let bytes = self.table.place().files.whole(&name)?;
        let shape = (path.index(), path.width());
        let (entries, tile) = self.log.tree.again(&name, shape, &bytes)?;
        let width = u64::try_from(record::WIDTH).unwrap_or(u64::MAX);
        let first = path.index().saturating_mul(width);
        for (index, (bytes, leaf)) in (first..).zip(entries.into_iter().zip(tile.leaves())) {
            match record::one(index, bytes, leaf) {
                Ok(recorded) => each(recorded, bytes)?,
                Err(malformed) => return Ok(Some(malformed)),
            }
        }
        Ok(None)
    }

    /// Reads a bundle.
    pub(super) fn bundle(&self, path: &EntriesPath) -> Result<Bundle, FolderError> {
        let near = Near::beside(self.table);
        let mut said = BTreeMap::new();
        let mut bundle = Bundle::default();
        // A line is its entry twice, once as base64, and a little more.
        let length = self.table.place().length(&in_log(path));
        let room = usize::try_from(length.min(ROOM_MAX)).unwrap_or(0);
        bundle.lines.0.reserve(room * 5 / 2);
        let malformed = self.recorded(path, |recorded, bytes| {
            let found = self.said(&recorded, &near, &mut said)?;
            let unrendered = bundle.line(&recorded, bytes, &near)?.err();
            bundle.read.push(Read {
                recorded,
                said: found,
                unrendered,
            });
            Ok(())
        })?;
        bundle.malformed = malformed;
        Ok(bundle)
    }

    /// The statement of an entry. Several entries may come of one.
    fn said(
        &self,
        at: &Recorded,
        near: &Near<'_>,
        known: &mut BTreeMap<Digest, Arc<Said>>,
    ) -> Result<Option<Arc<Said>>, FolderError> {
        let Some(digest) = layout::accepted(at) else {
            return Ok(None);
        };
        if let Some(said) = known.get(&digest) {
            return Ok(Some(Arc::clone(said)));
        }
        let Some(loaded) = layout::load(at, near)? else {
            return Ok(None);
        };
        let against = self.against;
        let verified = against.and_then(|against| verify(at.index, &loaded, against));
        let statement = verified
            .as_ref()
            .and_then(|verified| verified.as_ref().ok());
        let head = statement.map(|said| heads::signed(&self.log.tree, said, at.index));
        let said = Arc::new(Said {
            loaded,
            verified,
            head: head.transpose()?.flatten(),
        });
        known.insert(digest, Arc::clone(&said));
        Ok(Some(said))
    }
}

impl Bundle {
    /// The line of the next entry.
    fn line(
        &mut self,
        at: &Recorded,
        bytes: &[u8],
        near: &Near<'_>,
    ) -> Result<Result<(), CanonicalError>, FolderError> {
        // What was refused is not kept, and is not looked for everywhere.
        let refused = matches!(
            at.entry.event,
            Event::CommandRefused(_) | Event::RefusalsSummarised(_)
        );
        let blob = |digest: &Digest| {
            let found = if refused {
                near.table.blob_beside(digest)?
            } else {
                near.blob(digest)?
            };
            Ok(found.map(Cow::into_owned))
        };
        let line = layout::line(at, bytes, blob)?;
        Ok(line.map(|line| {
            let (lines, count) = &mut self.lines;
            lines.extend_from_slice(&line);
            lines.push(b'\n');
            *count += 1;
        }))
    }
}

/// What lies beside the log, of which what was read for one bundle stays at hand.
struct Near<'a> {
    table: &'a Table<'a>,
    read: RefCell<BTreeMap<Digest, Option<Arc<[u8]>>>>,
}

impl<'a> Near<'a> {
    fn beside(table: &'a Table<'a>) -> Self {
        let read = RefCell::default();
        Self { table, read }
    }
}

impl Blobs for Near<'_> {
    type Error = FolderError;

    fn blob(&self, digest: &Digest) -> Result<Option<Cow<'_, [u8]>>, FolderError> {
        if let Some(known) = self.read.borrow().get(digest) {
            return Ok(known.as_ref().map(|bytes| Cow::Owned(bytes.to_vec())));
        }
        let found = self.table.blob(digest)?;
        let kept = found.as_deref().map(Arc::from);
        self.read.borrow_mut().insert(*digest, kept);
        Ok(found)
    }
}
