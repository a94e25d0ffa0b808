//! Files get into their places, in an order in which nothing rests on what is not there yet: first
//! what says whose log it is, then what never changes, then what follows from it, and only when all
//! of that is there the checkpoint over it.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use breakglass_format::Digest;
use breakglass_tlog::{EntriesPath, TilePath, TileReader as _, tiles_for_size};

use super::{
    Assembly, GENESIS, Grown, Laid,
    course::rendered,
    fit::{DERIVED, places},
    staged::{of_document, of_log},
};
use crate::{
    FolderError, authority,
    check::log::in_log,
    files::Files as _,
    folder::{CHECKPOINT, COSIGNED, at, link, put, take_away},
    layout::{SIEM, TIMELINE},
    table::PIECE,
};

/// What came of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Files there are.
    pub files: u64,
    /// Those of them that were written.
    pub written: u64,
    /// Files that follow from the log, and were not what the log gives at any time: somebody
    /// changed them. They are written anew.
    pub mended: Vec<&'static str>,
}

/// How a file came into its place.
enum Moved {
    /// It was there.
    Same,
    /// It goes on where the one that was there ended, or there was none.
    On,
    /// Another one was there.
    Over,
}

impl Laid<'_> {
    /// Makes the folder the export of its log. With `cosigned` it has the checkpoint that
    /// witnesses cosigned. `sync` brings everything that was written in a folder to the disk.
    ///
    /// # Errors
    /// [`FolderError`]; another export then goes on from there.
    pub fn settle(
        self,
        cosigned: Option<&str>,
        sync: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<Settled, FolderError> {
        let assembly = self.grown.assembly;
        let lacks = |path: &str| u64::from(!assembly.found().has(path));
        let tiles = self.log()?;
        self.documents()?;
        let new = self.fitted.new + tiles + lacks(GENESIS);
        let derived = u64::try_from(DERIVED.len()).unwrap_or(u64::MAX);
        let mut files = self.fitted.kept + new + derived;
        let mut written = self.fitted.new + tiles;
        let mut mended = Vec::new();
        for (path, bytes) in authority::identity(&self.authorities, &self.effective) {
            let new = assembly.write(path, &bytes)?;
            written += new;
            if new > 0 && assembly.found().has(path) && !self.authority_is_new {
                mended.push(path);
            }
        }
        for name in [SIEM, TIMELINE] {
            match assembly.move_in(&rendered(name), name)? {
                Moved::Same => continue,
                Moved::On => {}
                Moved::Over => mended.push(name),
            }
            written += 1;
        }
        if let Some(cosigned) = cosigned {
            files += lacks(COSIGNED);
            written += assembly.write(COSIGNED, cosigned.as_bytes())?;
        }
        // A checkpoint that outlives a power cut has everything that it covers.
        sync(assembly.root()).map_err(|error| at(assembly.root(), error))?;
        written += assembly.write(CHECKPOINT, self.note.as_bytes())?;
        for path in &self.fitted.remove {
            take_away(assembly.root(), path)?;
        }
        for folder in &self.fitted.emptied {
            remove_empty(&assembly.path(folder))?;
        }
        assembly.clear()?;
        sync(assembly.root()).map_err(|error| at(assembly.root(), error))?;
        Ok(Settled {
            files,
            written,
            mended,
        })
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
                link(assembly.root(), &of_log(&bundle), &path)?;
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

    /// Moves a text into its place, unless the same is there.
    fn move_in(&self, from: &str, path: &str) -> Result<Moved, FolderError> {
        let (from, place) = (self.path(from), self.path(path));
        let how = if self.found().has(path) {
            compared(&from, &place).map_err(|error| at(&place, error))?
        } else {
            Moved::On
        };
        if !matches!(how, Moved::Same) {
            fs::rename(&from, &place).map_err(|error| at(&place, error))?;
        }
        Ok(how)
    }
}

/// Takes away a folder that a killed export left empty.
fn remove_empty(folder: &Path) -> Result<(), FolderError> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(folder, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What a text is to the one that is there.
fn compared(new: &Path, there: &Path) -> io::Result<Moved> {
    let (mut new, mut there) = (File::open(new)?, File::open(there)?);
    let most = u64::try_from(PIECE).unwrap_or(u64::MAX);
    let (mut one, mut other) = (Vec::with_capacity(PIECE), Vec::with_capacity(PIECE));
    loop {
        one.clear();
        other.clear();
        (&mut there).take(most).read_to_end(&mut other)?;
        (&mut new).take(most).read_to_end(&mut one)?;
        if one == other {
            if one.is_empty() {
                return Ok(Moved::Same);
            }
            continue;
        }
        let on = other.len() < PIECE && one.starts_with(&other);
        return Ok(if on { Moved::On } else { Moved::Over });
    }
}
