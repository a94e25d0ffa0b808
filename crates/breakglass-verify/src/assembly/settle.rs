//! Files get into their places, in an order in which nothing rests on what is not there yet: first
//! what says whose log it is, then what never changes, then what follows from it, and only when all
//! of that is there the checkpoint over it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use breakglass_format::Digest;
use breakglass_tlog::{EntriesPath, TilePath, TileReader as _, tiles_for_size};

use super::{
    Assembly, GENESIS, Grown, Laid,
    course::rendered,
    fit::{DERIVED, places},
    staged::{of_bundle, of_document, of_log},
};
use crate::{
    FolderError, authority,
    check::log::in_log,
    files::Files as _,
    folder::{CHECKPOINT, COSIGNED, at, link, put, take_away},
    layout::{SIEM, TIMELINE},
};

/// Bytes that are compared at a time.
const PIECE: usize = 64 * 1024;

/// What came of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Files there are.
    pub files: u64,
    /// Those of them that were written.
    pub written: u64,
}

impl Laid<'_> {
    /// Makes the folder the export of its log. With `cosigned` it has the checkpoint that
    /// witnesses cosigned.
    ///
    /// # Errors
    /// [`FolderError`]; another export then goes on from there.
    pub fn settle(self, cosigned: Option<&str>) -> Result<Settled, FolderError> {
        let assembly = self.grown.assembly;
        let lacks = |path: &str| u64::from(!assembly.found().has(path));
        let of_log = self.log()?;
        self.documents()?;
        let new = self.fitted.new + of_log + lacks(GENESIS);
        let derived = u64::try_from(DERIVED.len()).unwrap_or(u64::MAX);
        let mut files = self.fitted.kept + new + derived;
        let mut written = self.fitted.new + of_log;
        for (path, bytes) in authority::identity(&self.authorities, &self.effective) {
            written += assembly.write(path, &bytes)?;
        }
        for name in [SIEM, TIMELINE] {
            written += assembly.move_in(&rendered(name), name)?;
        }
        if let Some(cosigned) = cosigned {
            files += lacks(COSIGNED);
            written += assembly.write(COSIGNED, cosigned.as_bytes())?;
        }
        written += assembly.write(CHECKPOINT, self.note.as_bytes())?;
        for path in &self.fitted.remove {
            take_away(assembly.root(), path)?;
        }
        assembly.clear()?;
        Ok(Settled { files, written })
    }

    /// The documents that have a place and were not in it.
    fn documents(&self) -> Result<(), FolderError> {
        let assembly = self.grown.assembly;
        let list = assembly.path(&places());
        let malformed = || FolderError::Changed { path: places() };
        let file = File::open(&list).map_err(|error| at(&list, error))?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|error| at(&list, error))?;
            let (digest, path) = line.split_once(' ').ok_or_else(malformed)?;
            let digest: Digest = format!("sha256:{digest}")
                .parse()
                .map_err(|_| malformed())?;
            // What has several places lies in one of them, or is on its way to all of them.
            let from = match self.table.path_beside(&digest) {
                Some(path) => path.to_owned(),
                None => of_document(&digest),
            };
            link(assembly.root(), &from, path)?;
        }
        Ok(())
    }

    /// The tiles and bundles that are not there; how many.
    fn log(&self) -> Result<u64, FolderError> {
        let assembly = self.grown.assembly;
        let mut written = 0;
        for tile in tiles_for_size(self.grown.size()) {
            let path = in_log(&tile);
            if assembly.found().has(&path) {
                continue;
            }
            if tile.level() == 0 && self.grown.on_its_way(tile.index(), tile.width()) {
                link(assembly.root(), &of_log(&tile), &path)?;
            } else {
                put(assembly.root(), &path, &self.grown.tile(&tile)?)?;
            }
            written += 1;
        }
        for bundle in self.grown.bundles() {
            let path = in_log(&bundle);
            if !assembly.found().has(&path) {
                link(assembly.root(), &of_bundle(&bundle), &path)?;
                written += 1;
            }
        }
        Ok(written)
    }
}

impl Grown<'_> {
    /// A tile of the log.
    pub(super) fn tile(&self, tile: &TilePath) -> Result<Vec<u8>, FolderError> {
        if tile.level() == 0 && self.on_its_way(tile.index(), tile.width()) {
            let bytes = self.assembly.disk.whole(&of_log(tile))?;
            return Ok(bytes.into_owned());
        }
        self.tree.tile(tile.level(), tile.index(), tile.width())
    }

    /// A bundle of the log.
    pub(super) fn bundle(&self, bundle: &EntriesPath) -> Result<Vec<u8>, FolderError> {
        let bytes = self.assembly.disk.whole(&self.path_of(bundle))?;
        Ok(bytes.into_owned())
    }
}

impl Assembly {
    /// Writes a file, unless it is there; how many were written.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<u64, FolderError> {
        if self.found().has(path) && fs::read(self.path(path)).is_ok_and(|there| there == bytes) {
            return Ok(0);
        }
        put(self.root(), path, bytes)?;
        Ok(1)
    }

    /// Moves a file into its place, unless the same is there; how many were moved.
    fn move_in(&self, from: &str, path: &str) -> Result<u64, FolderError> {
        let (from, place) = (self.path(from), self.path(path));
        if self.found().has(path) && same(&from, &place).map_err(|error| at(&place, error))? {
            return Ok(0);
        }
        fs::rename(&from, &place).map_err(|error| at(&place, error))?;
        Ok(1)
    }
}

/// Whether two files have the same bytes.
fn same(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let mut pieces = (Vec::with_capacity(PIECE), Vec::with_capacity(PIECE));
    loop {
        pieces.0.clear();
        pieces.1.clear();
        let most = u64::try_from(PIECE).unwrap_or(u64::MAX);
        (&mut one).take(most).read_to_end(&mut pieces.0)?;
        (&mut other).take(most).read_to_end(&mut pieces.1)?;
        if pieces.0 != pieces.1 {
            return Ok(false);
        }
        if pieces.0.is_empty() {
            return Ok(true);
        }
    }
}
