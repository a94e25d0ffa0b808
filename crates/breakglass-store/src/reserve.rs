//! Room on the disk that is kept for when there is none.
//!
//! A file beside the database whose blocks are really allocated. Whoever writes the log looks how
//! much is free before each batch; when that falls short, it removes this file, and takes from
//! then on only what has to be taken even then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::durable::{DurableError, FileMode, beside, parent, sync_dir};

/// How much is written at a time where blocks cannot be had without writing.
const CHUNK: usize = 64 * 1024;

/// The file that keeps room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// A reserve of so many bytes beside a database; 0: none. Nothing is done yet.
    #[must_use]
    pub fn beside(database: &Path, bytes: u64) -> Self {
        Self {
            path: beside(database, ".reserve"),
            bytes,
        }
    }

    /// Its size in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes are free where the database lies, besides the reserve.
    ///
    /// # Errors
    /// [`DurableError`] if the file system does not say.
    pub fn free(&self) -> Result<u64, DurableError> {
        let dir = parent(&self.path);
        let stat = statvfs(dir)
            .map_err(io::Error::from)
            .map_err(DurableError::when("ask what is free in", dir))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Whether it is there in its full size.
    #[must_use]
    pub fn is_held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() >= self.bytes)
    }

    /// Allocates it, durably.
    ///
    /// # Errors
    /// [`DurableError`] if there is no room, or it cannot be written. Nothing of it is left then.
    pub fn hold(&self) -> Result<(), DurableError> {
        self.remove()?;
        let held = self.allocate();
        if held.is_err() {
            // Best effort: what it has would be missing elsewhere.
            drop(fs::remove_file(&self.path));
        }
        held?;
        sync_dir(parent(&self.path))
    }

    /// Gives its room to whoever writes next.
    ///
    /// # Errors
    /// [`DurableError`] if it cannot be removed.
    pub fn give_up(&self) -> Result<(), DurableError> {
        self.remove()?;
        // Only then are its blocks free for good.
        sync_dir(parent(&self.path))
    }

    fn remove(&self) -> Result<(), DurableError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DurableError::when("remove", &self.path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn allocate(&self) -> Result<(), DurableError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FileMode::OwnerOnly.bits())
            .open(&self.path)
            .map_err(DurableError::when("create", &self.path))?;
        match fallocate(&file, FallocateFlags::empty(), 0, self.bytes) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP) => {
                fill(&mut file, self.bytes).map_err(DurableError::when("write", &self.path))?;
            }
            Err(error) => return Err(DurableError::when("allocate", &self.path)(error.into())),
        }
        file.sync_all()
            .map_err(DurableError::when("sync", &self.path))
    }
}

fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    let zeros = [0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        file.write_all(zeros.get(..now).unwrap_or(&zeros))?;
        left = left.saturating_sub(now as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    const BYTES: u64 = 300_000;

    #[test]
    fn a_reserve_really_has_its_room_and_gives_all_of_it_up() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&dir.path().join("log.db"), BYTES);
        assert!(!reserve.is_held());
        assert!(reserve.free().unwrap() > BYTES);
        // What a crash left of one does not count, and is replaced.
        fs::write(&reserve.path, b"short").unwrap();
        assert!(!reserve.is_held());
        reserve.hold().unwrap();
        assert!(reserve.is_held());
        let found = fs::metadata(&reserve.path).unwrap();
        assert!(found.blocks() * 512 >= BYTES, "{} blocks", found.blocks());
        assert_eq!(found.mode() & 0o777, 0o600);
        reserve.give_up().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        reserve.give_up().unwrap();
    }

    #[test]
    fn a_reserve_that_has_no_room_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&dir.path().join("log.db"), 1 << 60);
        let error = reserve.hold().unwrap_err();
        assert_eq!(error.doing, "allocate");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn room_is_had_by_writing_where_it_cannot_be_had_otherwise() {
        let mut file = tempfile::tempfile().unwrap();
        fill(&mut file, BYTES).unwrap();
        assert_eq!(file.metadata().unwrap().len(), BYTES);
    }
}
