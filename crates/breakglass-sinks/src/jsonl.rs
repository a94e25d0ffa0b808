//! The JSONL file: always on, one line per entry, for a shipper or an air gap
//! (`docs/spec/jsonl.md`).
//!
//! What is in the file is on the disk when `append` returns. The file is its own cursor: the last
//! entry in it says where to go on. A line is there wholly or not at all: what a crash tore is cut
//! off at the next start, what a full disk tore at once.

mod tail;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use breakglass_format::Digest;
use rustix::fs::{Mode, OFlags};
use thiserror::Error;

/// How often a batch is written anew because the file was removed while it was written.
const TRIES: usize = 3;

/// The open file.
#[derive(Debug)]
pub struct JsonlSink {
    path: PathBuf,
    file: File,
    /// The length to go back to, after a failure that could not be undone.
    torn_at: Option<u64>,
    last_leaf: Option<Digest>,
}

/// What an existing file held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The index of the entry to append next: one more than that of the last entry in the file;
    /// 0: there is none in it.
    pub next_index: u64,
    /// How many bytes of a torn last line were cut off.
    pub torn_bytes: u64,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// To the file that was open.
    SameFile,
    /// To another one: somebody renamed or removed ours. It is created anew where there is none,
    /// and begins with this batch.
    OtherFile(Position),
}

/// Why lines are not in the file.
#[derive(Debug, Error)]
pub enum SinkError {
    /// It cannot be opened or created.
    #[error("{} cannot be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Another process appends to it.
    #[error("{} is in use by another breakglass", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Its end is not the beginning of a line of ours; nothing was cut off.
    #[error("{} does not end like a file of ours", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Reading its end failed.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Writing or syncing failed; the file is as it was before, or will be before the next batch.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A line is empty or holds a line break; nothing was written.
    #[error("line {number} of the batch is empty or holds a line break")]
    Line {
        /// Which one, from 1.
        number: usize,
    },
    /// It was removed each time it was written.
    #[error("{} was removed while it was written", path.display())]
    Removed {
        /// The file.
        path: PathBuf,
    },
}

impl JsonlSink {
    /// Opens the file, or creates it with mode 0600; a file that is there keeps its mode.
    ///
    /// A torn last line is cut off. The file is locked (`flock`) against a second process.
    ///
    /// # Errors
    ///
    /// It cannot be opened, read or cut, is no regular file, is in use, or is not ours.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Position), SinkError> {
        let path = path.into();
        let (file, position, last_leaf) = open(&path)?;
        let sink = Self {
            path,
            file,
            torn_at: None,
            last_leaf,
        };
        Ok((sink, position))
    }

    /// The leaf hash that the last entry in the file had when it was opened, as its line says:
    /// by it whoever appends knows whether the file is of the log that goes on.
    #[must_use]
    pub const fn last_leaf(&self) -> Option<Digest> {
        self.last_leaf
    }

    /// Appends lines, each without its line break, and returns when they are on the disk.
    ///
    /// # Errors
    ///
    /// A line is not one, or the file cannot be opened anew or written. None of the batch counts
    /// as appended then; appending it again is right.
    pub fn append(&mut self, batch: &[Vec<u8>]) -> Result<Appended, SinkError> {
        let bytes = join(batch)?;
        let mut appended = Appended::SameFile;
        for _ in 0..TRIES {
            if !self.is_in_place() {
                let (file, position, _) = open(&self.path)?;
                self.file = file;
                self.torn_at = None;
                appended = Appended::OtherFile(position);
            }
            self.write(&bytes).map_err(|source| SinkError::Write {
                path: self.path.clone(),
                source,
            })?;
            // A renamed file keeps its lines; a removed one has taken them with it.
            if self.file.metadata().is_ok_and(|file| file.nlink() > 0) {
                return Ok(appended);
            }
        }
        Err(SinkError::Removed {
            path: self.path.clone(),
        })
    }

    /// Whether the path still names the open file.
    fn is_in_place(&self) -> bool {
        let there = fs::metadata(&self.path);
        let ours = self.file.metadata();
        let (Ok(there), Ok(ours)) = (there, ours) else {
            return false;
        };
        (there.dev(), there.ino()) == (ours.dev(), ours.ino())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(length) = self.torn_at {
            self.file.set_len(length)?;
            self.torn_at = None;
        }
        write_or_undo(&mut self.file, bytes).map_err(|failed| {
            self.torn_at = failed.torn_at;
            failed.source
        })
    }
}

/// What a write needs of a file.
trait Device {
    fn length(&self) -> io::Result<u64>;
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
    fn cut(&self, length: u64) -> io::Result<()>;
}

impl Device for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|file| file.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

struct WriteFailed {
    source: io::Error,
    torn_at: Option<u64>,
}

/// Appends and syncs. After a failure the file is cut back: part of a line may be in it, and
/// after a failed sync nobody knows which of its pages will reach the disk.
fn write_or_undo(file: &mut impl Device, bytes: &[u8]) -> Result<(), WriteFailed> {
    let length = file.length().map_err(|source| WriteFailed {
        source,
        torn_at: None,
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync());
    written.map_err(|source| WriteFailed {
        source,
        torn_at: file.cut(length).is_err().then_some(length),
    })
}

fn join(batch: &[Vec<u8>]) -> Result<Vec<u8>, SinkError> {
    let mut bytes = Vec::with_capacity(batch.iter().map(|line| line.len() + 1).sum());
    for (i, line) in batch.iter().enumerate() {
        if line.is_empty() || line.contains(&b'\n') || line.contains(&b'\r') {
            return Err(SinkError::Line { number: i + 1 });
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The last entry in a file, by its index, and the leaf hash that its line says; none where there
/// is no file or no entry in it. Nothing is changed, and nobody need stop appending.
///
/// # Errors
///
/// It cannot be read.
pub fn last_in(path: &Path) -> Result<Option<(u64, Option<Digest>)>, SinkError> {
    let failed = |source: io::Error| SinkError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let end = tail::examine(&file).map_err(failed)?;
    Ok(end.last_index.map(|index| (index, end.last_leaf)))
}

fn open(path: &Path) -> Result<(File, Position, Option<Digest>), SinkError> {
    let failed = |source: io::Error| SinkError::Open {
        path: path.to_owned(),
        source,
    };
    let file = open_or_create(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(SinkError::NotAFile {
            path: path.to_owned(),
        });
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(SinkError::InUse {
                path: path.to_owned(),
            });
        }
        Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
    }
    let (position, last_leaf) = recover(&file, path)?;
    Ok((file, position, last_leaf))
}

fn open_or_create(path: &Path) -> io::Result<File> {
    // NONBLOCK: a pipe in this place must not hold up the start.
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => Ok(File::from(fd)),
        Err(rustix::io::Errno::NOENT) => {
            let mode = Mode::RUSR | Mode::WUSR;
            let file = File::from(rustix::fs::open(path, flags | OFlags::CREATE, mode)?);
            sync_directory(path)?;
            Ok(file)
        }
        Err(error) => Err(error.into()),
    }
}

/// A new file is on the disk when its name is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

fn recover(file: &File, path: &Path) -> Result<(Position, Option<Digest>), SinkError> {
    let end = tail::examine(file).map_err(|source| SinkError::Read {
        path: path.to_owned(),
        source,
    })?;
    if !end.is_ours {
        return Err(SinkError::Foreign {
            path: path.to_owned(),
        });
    }
    if end.torn_bytes > 0 {
        let cut = file
            .set_len(end.complete_bytes)
            .and_then(|()| file.sync_all());
        cut.map_err(|source| SinkError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    let position = Position {
        next_index: end.last_index.map_or(0, |index| index.saturating_add(1)),
        torn_bytes: end.torn_bytes,
    };
    Ok((position, end.last_leaf))
}

#[cfg(test)]
mod tests;
