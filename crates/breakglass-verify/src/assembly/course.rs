//! The entries in log order: what they name is fetched and gets its place, and they are rendered.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
};

use breakglass_format::{
    Digest, Event,
    canonical::CanonicalError,
    entry::Recorded,
    render::{jsonl, timeline},
};

use super::{
    Assembly, Grown,
    fit::Fit,
    lay_out::{Layer, NotLaid, Unsound},
};
use crate::{
    FolderError,
    folder::{FETCHED, at},
    layout::{self, Blobs, Builder, Fault, Loaded, SIEM, TIMELINE},
    parallel,
    table::Table,
};

/// Entries that a thread renders at a time.
const BATCH: usize = 64;
/// Documents that are asked for at a time after the last entry.
const ASKED: usize = 4096;

/// An entry and its bytes.
pub(super) type Read = (Recorded, Vec<u8>);

/// What lies beside the log, there or on its way.
pub(super) struct Beside<'a> {
    assembly: &'a Assembly,
    pub(super) table: &'a Table<'a>,
}

impl<'a> Beside<'a> {
    pub(super) const fn of(assembly: &'a Assembly, table: &'a Table<'a>) -> Self {
        Self { assembly, table }
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.table.has_beside(digest) || self.assembly.has_staged(digest)
    }

    /// Has documents fetched that are not there; those that nobody has.
    fn fetch<E>(
        &self,
        named: impl Iterator<Item = Digest>,
        layer: &mut Layer<'_, E>,
    ) -> Result<Vec<Digest>, NotLaid<E>> {
        let wanted: BTreeSet<Digest> = named.filter(|digest| !self.has(digest)).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<Digest> = wanted.into_iter().collect();
        (layer.fetch)(&wanted).map_err(NotLaid::Fetch)?;
        Ok(wanted.into_iter().filter(|d| !self.has(d)).collect())
    }
}

impl Blobs for Beside<'_> {
    type Error = FolderError;

    fn blob(&self, digest: &Digest) -> Result<Option<Cow<'_, [u8]>>, FolderError> {
        match self.table.blob_beside(digest)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.assembly.document(digest),
        }
    }
}

/// What is known after the entries so far.
pub(super) struct Course<'a> {
    beside: &'a Beside<'a>,
    builder: Builder,
    fit: Fit<'a>,
    siem: Rendering<'a>,
    timeline: Rendering<'a>,
    lines: timeline::Text,
    /// Versions of the authority and epochs.
    authorities: Vec<Recorded>,
    /// What nobody has, and is asked for no more.
    absent: BTreeSet<Digest>,
    /// That of it which somebody should have.
    missing: BTreeSet<Digest>,
}

/// What all entries come to.
pub(super) struct Ended<'a> {
    pub(super) fit: Fit<'a>,
    /// Versions of the authority and epochs.
    pub(super) authorities: Vec<Recorded>,
    /// Documents that nobody has.
    pub(super) missing: BTreeSet<Digest>,
}

/// What is made of an entry.
struct Made {
    loaded: Option<Loaded>,
    line: Result<Vec<u8>, CanonicalError>,
}

impl<'a> Course<'a> {
    /// Before the first entry.
    pub(super) fn begin(grown: &'a Grown<'a>, beside: &'a Beside<'a>) -> Result<Self, FolderError> {
        Ok(Self {
            beside,
            builder: Builder::default(),
            fit: Fit::of(grown, beside)?,
            siem: Rendering::begin(beside.assembly, SIEM)?,
            timeline: Rendering::begin(beside.assembly, TIMELINE)?,
            lines: timeline::Text::new(),
            authorities: Vec::new(),
            absent: BTreeSet::new(),
            missing: BTreeSet::new(),
        })
    }

    /// Takes in the next entries.
    pub(super) fn take<E>(
        &mut self,
        entries: &[Read],
        layer: &mut Layer<'_, E>,
    ) -> Result<(), NotLaid<E>> {
        let wanted = named(entries, |_| true).filter(|digest| !self.absent.contains(digest));
        let absent = self.beside.fetch(wanted, layer)?;
        self.absent.extend(absent);
        if !self.absent.is_empty() {
            // What was refused is not kept, and nobody misses it.
            let missing = named(entries, |event| !is_refusal(event));
            let missing = missing.filter(|digest| self.absent.contains(digest));
            self.missing.extend(missing);
        }
        Ok(self.lay(entries)?)
    }

    fn lay(&mut self, entries: &[Read]) -> Result<(), FolderError> {
        let beside = self.beside;
        let made = parallel::map(entries, BATCH, |_, (at, bytes)| {
            let blob = |digest: &Digest| Ok(beside.blob(digest)?.map(Cow::into_owned));
            Ok::<_, FolderError>(Made {
                loaded: layout::load(at, beside)?,
                line: layout::line(at, bytes, blob)?,
            })
        });
        let mut text = String::new();
        for ((at, _), made) in entries.iter().zip(made) {
            let Made { loaded, line } = made?;
            self.builder.entry(at, loaded.as_ref(), &mut self.fit)?;
            match line {
                Ok(mut line) => {
                    line.push(b'\n');
                    self.siem.push(&line)?;
                }
                Err(error) => self.builder.unrendered(at.index, error),
            }
            self.lines.push(at, &mut text);
            if let Event::AuthorityPublished(_) | Event::EpochBegun(_) = &at.entry.event {
                self.authorities.push(at.clone());
            }
        }
        self.timeline.push(text.as_bytes())
    }

    /// After the last entry: the documents that acts name.
    pub(super) fn end<E>(mut self, layer: &mut Layer<'_, E>) -> Result<Ended<'a>, NotLaid<E>> {
        self.siem.end()?;
        self.timeline.end()?;
        let named = self.builder.documents().copied();
        let named: Vec<Digest> = named.filter(|d| !self.absent.contains(d)).collect();
        for some in named.chunks(ASKED) {
            let missing = self.beside.fetch(some.iter().copied(), layer)?;
            self.missing.extend(missing);
        }
        let laid = self.builder.end(&mut self.fit)?;
        // A log that was put back from copies may have lost documents. The folder lacks them as
        // well, and whoever checks it names them.
        let lost = |fault: &Fault| matches!(fault, Fault::MissingBlob { .. });
        if let Some(fault) = laid.faults.into_iter().find(|fault| !lost(fault)) {
            return Err(Unsound::Fault(fault).into());
        }
        Ok(Ended {
            fit: self.fit,
            authorities: self.authorities,
            missing: self.missing,
        })
    }
}

/// What lies beside some of these entries.
fn named(entries: &[Read], which: impl Fn(&Event) -> bool) -> impl Iterator<Item = Digest> {
    let some = entries.iter().filter(move |(at, _)| which(&at.entry.event));
    some.flat_map(|(at, _)| jsonl::statements_of(&at.entry))
}

const fn is_refusal(event: &Event) -> bool {
    matches!(
        event,
        Event::CommandRefused(_) | Event::RefusalsSummarised(_)
    )
}

/// A long text that follows from the entries, on its way.
struct Rendering<'a> {
    assembly: &'a Assembly,
    path: String,
    file: BufWriter<File>,
}

impl<'a> Rendering<'a> {
    fn begin(assembly: &'a Assembly, name: &str) -> Result<Self, FolderError> {
        let path = rendered(name);
        assembly.stage(&path, b"")?;
        let place = assembly.path(&path);
        let file = OpenOptions::new().write(true).open(&place);
        Ok(Self {
            assembly,
            file: BufWriter::new(file.map_err(|error| at(&place, error))?),
            path,
        })
    }

    fn push(&mut self, text: &[u8]) -> Result<(), FolderError> {
        let written = self.file.write_all(text);
        written.map_err(|error| at(&self.assembly.path(&self.path), error))
    }

    fn end(mut self) -> Result<(), FolderError> {
        let flushed = self.file.flush();
        flushed.map_err(|error| at(&self.assembly.path(&self.path), error))
    }
}

/// Where a text that follows from the entries is on its way.
pub(super) fn rendered(name: &str) -> String {
    format!("{FETCHED}{name}")
}
