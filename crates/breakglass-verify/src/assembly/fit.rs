//! What entries call for, held against what is there: nothing that somebody put there or changed
//! is written over or taken away.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
};

use breakglass_format::Digest;
use breakglass_tlog::{
    EntriesPath, LeafTile, TilePath, TileReader as _, encode_entries, parse_entries, tiles_for_size,
};
use thiserror::Error;

use super::{
    GENESIS, Grown,
    course::Beside,
    grown::{has, reaches},
};
use crate::{
    FolderError,
    check::log::in_log,
    files::Files as _,
    folder::{CHECKPOINT, COSIGNED, FETCHED, at},
    layout::{Put, SIEM, Sink, TIMELINE},
    record,
};

/// What follows from the log and the authority and changes with them. Nothing rests on these files
/// that is not in the others.
pub(super) const DERIVED: [&str; 5] = ["allowed_signers", "log.vkey", SIEM, TIMELINE, CHECKPOINT];

/// The documents that get a place, and which: a line for each.
pub(super) fn places() -> String {
    format!("{FETCHED}places")
}

/// Why an export is not continued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotContinued {
    /// A file that never changes is another one.
    #[error("{path} was altered: the log has another")]
    Altered {
        /// Which.
        path: String,
    },
    /// Something that no export has.
    #[error("{path} does not belong to an export of this log")]
    Stray {
        /// What.
        path: String,
    },
}

/// The beginning of a SHA-256: enough to tell files apart, of which there may be very many.
type Short = [u8; 16];

/// What was called for so far.
pub(super) struct Fit<'a> {
    grown: &'a Grown<'a>,
    beside: &'a Beside<'a>,
    /// The files that are there and belong there, by their places in the listing.
    called: Vec<bool>,
    /// What is no file.
    strays: BTreeSet<String>,
    /// The first file that is another one.
    altered: Option<String>,
    /// The files that are not there, with what they are to be.
    new: HashMap<Short, Short>,
    /// A line for each of them.
    list: BufWriter<File>,
}

/// What is to be done, once everything has its place.
#[derive(Debug)]
pub(super) struct Fitted {
    /// Files that are there and stay, without those that are derived.
    pub(super) kept: u64,
    /// Documents that get a place.
    pub(super) new: u64,
    /// Files that are taken away: tiles that were partial and have grown.
    pub(super) remove: Vec<String>,
    /// Folders that are empty, and had such tiles.
    pub(super) emptied: Vec<String>,
}

impl Sink for Fit<'_> {
    type Error = FolderError;

    fn put(&mut self, path: &str, digest: Digest) -> Result<Put, FolderError> {
        if !self.beside.has(&digest) {
            return Ok(Put::Missing);
        }
        if let Some(number) = self.call(path) {
            if self.beside.table.digest_at(number) != Some(digest) {
                self.altered.get_or_insert_with(|| path.to_owned());
            }
            return Ok(Put::Done);
        }
        let (name, what) = (short(&crate::digest(path.as_bytes())), short(&digest));
        if let Some(before) = self.new.insert(name, what) {
            let same = before == what;
            return Ok(if same { Put::Done } else { Put::Clash });
        }
        self.belongs(path);
        writeln!(self.list, "{} {path}", digest.hex())
            .map_err(|error| FolderError::of(&places(), error))?;
        Ok(Put::Done)
    }
}

impl<'a> Fit<'a> {
    /// Before anything is called for.
    pub(super) fn of(grown: &'a Grown<'a>, beside: &'a Beside<'a>) -> Result<Self, FolderError> {
        let assembly = grown.assembly;
        assembly.stage(&places(), b"")?;
        let place = assembly.path(&places());
        let list = OpenOptions::new().write(true).open(&place);
        Ok(Self {
            grown,
            beside,
            called: vec![false; assembly.found().len()],
            strays: assembly.found().strays().clone(),
            altered: None,
            new: HashMap::new(),
            list: BufWriter::new(list.map_err(|error| at(&place, error))?),
        })
    }

    /// That a file belongs to the export, and its place in the listing, if it is there.
    fn call(&mut self, path: &str) -> Option<usize> {
        let number = self.grown.assembly.found().find(path)?;
        self.called.get_mut(number).map(|called| *called = true)?;
        Some(number)
    }

    /// An empty folder is none that somebody put there, where a file belongs into it.
    fn belongs(&mut self, path: &str) {
        let mut parent = path;
        while !self.strays.is_empty()
            && let Some((above, _)) = parent.rsplit_once('/')
        {
            self.strays.remove(above);
            parent = above;
        }
    }

    /// After the last entry: whether what is there fits.
    pub(super) fn end(mut self) -> Result<Result<Fitted, NotContinued>, FolderError> {
        let flushed = self.list.flush();
        flushed.map_err(|error| FolderError::of(&places(), error))?;
        self.log()?;
        for path in [GENESIS, COSIGNED] {
            self.call(path);
        }
        if let Some(path) = self.altered {
            return Ok(Err(NotContinued::Altered { path }));
        }
        let strays = std::mem::take(&mut self.strays);
        let (emptied, strays): (Vec<_>, Vec<_>) = strays.into_iter().partition(is_of_partials);
        if let Some(path) = strays.into_iter().next() {
            return Ok(Err(NotContinued::Stray { path }));
        }
        let mut remove = Vec::new();
        let listing = self.grown.assembly.found();
        for (number, called) in self.called.iter().enumerate() {
            let path = listing.path(number);
            if *called || DERIVED.contains(&path) {
                continue;
            }
            let path = path.to_owned();
            match self.grown.was(&path)? {
                None => return Ok(Err(NotContinued::Stray { path })),
                Some(false) => return Ok(Err(NotContinued::Altered { path })),
                Some(true) => remove.push(path),
            }
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Ok(Fitted {
            kept: count(self.called.iter().filter(|called| **called).count()),
            new: count(self.new.len()),
            remove,
            emptied,
        }))
    }

    /// The files of the log. Those of the log that was there were compared before.
    fn log(&mut self) -> Result<(), FolderError> {
        for tile in tiles_for_size(self.grown.size()) {
            let path = in_log(&tile);
            self.belongs(&path);
            let known = has(self.grown.had, tile.level(), tile.index(), tile.width());
            if self.call(&path).is_some() && !known {
                let due = self.grown.tile(&tile)?;
                self.compare(&path, &due)?;
            }
        }
        for bundle in self.grown.bundles() {
            let path = in_log(&bundle);
            self.belongs(&path);
            let known = !self.grown.on_its_way(bundle.index(), bundle.width());
            if self.call(&path).is_some() && !known {
                let due = self.grown.bundle(&bundle)?;
                self.compare(&path, &due)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, path: &str, due: &[u8]) -> Result<(), FolderError> {
        if *self.grown.assembly.disk.whole(path)? != *due {
            self.altered.get_or_insert_with(|| path.to_owned());
        }
        Ok(())
    }
}

fn short(digest: &Digest) -> Short {
    let mut short = Short::default();
    for (to, from) in short.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    short
}

/// Whether a folder is one of tiles or bundles that grow with the log, until they are full.
fn is_of_partials(folder: &String) -> bool {
    let path = format!("{folder}/1");
    let path = path.strip_prefix(record::LOG).unwrap_or_default();
    TilePath::parse(path).is_ok() || EntriesPath::parse(path).is_ok()
}

impl Grown<'_> {
    /// Whether a tile or a bundle that is not full is what this log had earlier on; none where the
    /// path is of neither.
    fn was(&self, path: &str) -> Result<Option<bool>, FolderError> {
        let inner = path.strip_prefix(record::LOG).unwrap_or_default();
        let (level, index, width) = match (TilePath::parse(inner), EntriesPath::parse(inner)) {
            (Ok(tile), _) if !tile.is_full() => (Some(tile.level()), tile.index(), tile.width()),
            (_, Ok(bundle)) if !bundle.is_full() => (None, bundle.index(), bundle.width()),
            _ => return Ok(None),
        };
        if !reaches(self.size(), level.unwrap_or(0), index, width) {
            return Ok(Some(false));
        }
        let due = match level {
            Some(level @ 1..) => self.tree.tile(level, index, width)?,
            Some(0) | None => self.beginning(index, width, level.is_some())?,
        };
        Ok(Some(*self.assembly.disk.whole(path)? == *due))
    }

    /// The first entries of a bundle as a bundle, or their hashes as a tile.
    fn beginning(&self, index: u64, width: u16, hashes: bool) -> Result<Vec<u8>, FolderError> {
        let gone = |detail: &dyn std::fmt::Display| FolderError::gone(&detail.to_string());
        let mut bundles = self
            .bundles()
            .skip(usize::try_from(index).unwrap_or(usize::MAX));
        let bundle = bundles.next().ok_or_else(|| gone(&index))?;
        let bytes = self.bundle(&bundle)?;
        let entries = parse_entries(&bytes, bundle.width()).map_err(|error| gone(&error))?;
        let some = entries.get(..usize::from(width)).unwrap_or_default();
        if hashes {
            return Ok(LeafTile::of_entries(some).to_bytes());
        }
        encode_entries(some).map_err(|error| gone(&error))
    }
}
