//! Copies of what a log holds: JSONL files and the folders of exports. Nothing of them is believed
//! for lying there; whoever takes something from here holds it against a hash first.

use std::{
    collections::{BTreeMap, btree_map},
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::{Digest, limits::BLOB_BYTES_MAX};
use breakglass_store::Copies;
use breakglass_tlog::{Hash, leaf_hash};
use serde::Deserialize;
use thiserror::Error;

/// The file in an export that has every entry.
const SIEM: &str = "siem.jsonl";
/// The file in an export that has its checkpoint.
const CHECKPOINT: &str = "log/checkpoint";
/// The longest line that is looked at, in bytes (`docs/spec/jsonl.md`, Opening); the rest of a longer
/// one counts as another.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Folders within folders that are looked through at most; an export has three.
const DEPTH_MAX: usize = 8;

/// Why copies cannot be read.
#[derive(Debug, Error)]
#[error("the copies in {path} cannot be read")]
pub struct Unreadable {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// A line of one of the files: which, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    file: usize,
    start: u64,
}

/// Where a blob may be.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// Among the statements of a line.
    Line(Spot, usize),
}

/// Where everything is that files and folders have, by index and digest. The bytes stay there.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    files: Vec<File>,
    /// Of the entries with an index every different one.
    entries: BTreeMap<(u64, Hash), Spot>,
    blobs: BTreeMap<Digest, Place>,
    /// What says that it is a checkpoint, and where it was found.
    notes: Vec<(String, Vec<u8>)>,
}

/// What of a line may be a copy of something.
#[derive(Debug, Deserialize)]
struct Line {
    log_index: Option<u64>,
    #[serde(default)]
    entry: String,
    #[serde(default)]
    statements: Vec<String>,
    checkpoint: Option<String>,
}

impl Shelf {
    /// Looks through files and folders, the later ones for what the earlier ones do not have.
    pub(crate) fn of<P: AsRef<Path>>(all: impl IntoIterator<Item = P>) -> Result<Self, Unreadable> {
        let mut shelf = Self::default();
        for from in all {
            let from = from.as_ref();
            shelf.read(from).map_err(|source| Unreadable {
                path: from.to_owned(),
                source,
            })?;
        }
        Ok(shelf)
    }

    fn read(&mut self, from: &Path) -> io::Result<()> {
        if !fs::metadata(from)?.is_dir() {
            return self.read_lines(from);
        }
        self.read_lines(&from.join(SIEM))?;
        let checkpoint = from.join(CHECKPOINT);
        let found = fs::metadata(&checkpoint).is_ok_and(|found| may_be_a_copy(&found));
        if found && let Ok(note) = fs::read(&checkpoint) {
            self.notes.push((checkpoint.display().to_string(), note));
        }
        self.read_folder(from, DEPTH_MAX)
    }

    fn read_lines(&mut self, path: &Path) -> io::Result<()> {
        // A pipe would never end, and opening it might never return.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let lines = File::open(path)?;
        let file = self.files.len();
        let mut reader = BufReader::new(&lines);
        let (mut start, mut bytes) = (0, Vec::new());
        loop {
            bytes.clear();
            let mut piece = reader.by_ref().take(LINE_BYTES_MAX);
            let length = piece.read_until(b'\n', &mut bytes)?;
            if length == 0 {
                break;
            }
            // A line that is torn or is none has no copies.
            if let Ok(line) = serde_json::from_slice::<Line>(&bytes) {
                self.learn(&line, Spot { file, start }, path);
            }
            start += length as u64;
        }
        self.files.push(lines);
        Ok(())
    }

    fn learn(&mut self, line: &Line, spot: Spot, path: &Path) {
        if let (Some(index), Ok(entry)) = (line.log_index, STANDARD.decode(&line.entry)) {
            let copy = self.entries.entry((index, leaf_hash(&entry)));
            copy.or_insert(spot);
        }
        for (place, text) in line.statements.iter().enumerate() {
            if let Ok(blob) = STANDARD.decode(text) {
                let digest = breakglass_statement::digest(&blob);
                self.blobs.insert(digest, Place::Line(spot, place));
            }
        }
        let note = line.checkpoint.as_ref().map(|text| STANDARD.decode(text));
        if let Some(Ok(note)) = note {
            // Of each file the last one: the log only grew.
            self.notes.retain(|(place, _)| Path::new(place) != path);
            self.notes.push((path.display().to_string(), note));
        }
    }

    /// Every file in a folder may be a blob, whatever it is called.
    fn read_folder(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, found) = (entry.path(), entry.metadata()?);
            if found.is_dir() && depth > 0 {
                self.read_folder(&path, depth - 1)?;
            } else if may_be_a_copy(&found) {
                let digest = breakglass_statement::digest(&fs::read(&path)?);
                self.blobs.insert(digest, Place::File(path));
            }
        }
        Ok(())
    }

    /// What says that it is a checkpoint, and where it was found.
    pub(crate) fn notes(&self) -> &[(String, Vec<u8>)] {
        &self.notes
    }

    /// Whether there are different copies of an entry: then one of them is forged.
    pub(crate) fn disagrees(&self, index: u64) -> bool {
        self.copies(index).count() > 1
    }

    /// How far the entries go on without a gap, from this index.
    pub(crate) fn reaches(&self, from: u64) -> u64 {
        let mut next = from;
        while next < u64::MAX && self.copies(next).next().is_some() {
            next += 1;
        }
        next
    }

    fn copies(&self, index: u64) -> btree_map::Range<'_, (u64, Hash), Spot> {
        let (least, most) = (Hash::from_bytes([0; 32]), Hash::from_bytes([255; 32]));
        self.entries.range((index, least)..=(index, most))
    }

    fn line(&self, spot: Spot) -> Option<Line> {
        let mut file = self.files.get(spot.file)?;
        file.seek(SeekFrom::Start(spot.start)).ok()?;
        let mut bytes = Vec::new();
        let mut piece = BufReader::new(file).take(LINE_BYTES_MAX);
        piece.read_until(b'\n', &mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// Whether a file can hold what a log holds.
fn may_be_a_copy(found: &fs::Metadata) -> bool {
    found.is_file() && found.len() <= BLOB_BYTES_MAX as u64
}

impl Copies for Shelf {
    fn entry(&mut self, index: u64) -> Option<Vec<u8>> {
        let (_, spot) = self.copies(index).next()?;
        STANDARD.decode(self.line(*spot)?.entry).ok()
    }

    fn blob(&mut self, digest: &Digest) -> Option<Vec<u8>> {
        match self.blobs.get(digest)? {
            Place::File(path) => fs::read(path).ok(),
            Place::Line(spot, place) => {
                let line = self.line(*spot)?;
                STANDARD.decode(line.statements.get(*place)?).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: u64, entry: &[u8], statements: &[&[u8]]) -> String {
        let statements: Vec<String> = statements.iter().map(|s| STANDARD.encode(s)).collect();
        let entry = STANDARD.encode(entry);
        serde_json::json!({"log_index": index, "entry": entry, "statements": statements})
            .to_string()
    }

    #[test]
    fn a_file_and_a_folder_have_what_they_have_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let first = line(0, b"zero", &[]);
        let second = line(1, b"one", &[b"a statement", b"its signature"]);
        // A checkpoint line between them, and the last one is torn.
        let torn = line(2, b"two", &[]);
        let torn = &torn[..torn.len() - 3];
        let lines = format!("{first}\n{{\"log_size\":1}}\n{second}\n{torn}");
        fs::write(dir.path().join(SIEM), lines).unwrap();
        fs::create_dir(dir.path().join("blobs")).unwrap();
        fs::write(dir.path().join("blobs/any-name"), b"a document").unwrap();
        let document = breakglass_statement::digest(b"a document");

        let mut file = Shelf::of([&dir.path().join(SIEM)]).unwrap();
        assert_eq!(file.entry(1).unwrap(), b"one");
        assert_eq!(file.entry(0).unwrap(), b"zero");
        assert_eq!(file.entry(2), None);
        let signature = breakglass_statement::digest(b"its signature");
        assert_eq!(file.blob(&signature).unwrap(), b"its signature");
        assert_eq!(file.blob(&document), None);

        let mut folder = Shelf::of([dir.path()]).unwrap();
        assert_eq!(folder.entry(1).unwrap(), b"one");
        assert_eq!(folder.blob(&document).unwrap(), b"a document");
        assert!(Shelf::of([&dir.path().join("blobs")]).is_err());
    }

    #[test]
    fn what_never_ends_or_is_no_line_holds_up_nobody() {
        assert!(Shelf::of(["/dev/zero"]).is_err());
        let dir = tempfile::tempdir().unwrap();
        let export = dir.path().join("export");
        fs::create_dir_all(export.join("log")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", export.join(CHECKPOINT)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", export.join("blob")).unwrap();
        // A line that is too long, one that is no text, indices that there cannot be, and a good one.
        let long = vec![b'x'; usize::try_from(LINE_BYTES_MAX).unwrap() + 10];
        let good = line(0, b"zero", &[]);
        let lines: [&[u8]; 5] = [
            &long,
            b"\n\xff\xfe\n{\"log_index\":18446744073709551615,\"entry\":\"\"}\n",
            b"{\"log_index\":9223372036854775808,\"entry\":\"\"}\n",
            b"{\"log_index\":-1,\"entry\":\"\"}\n",
            good.as_bytes(),
        ];
        fs::write(export.join(SIEM), lines.concat()).unwrap();
        let mut shelf = Shelf::of([&export]).unwrap();
        assert_eq!(shelf.entry(0).unwrap(), b"zero");
        assert_eq!(
            (shelf.reaches(0), shelf.reaches(u64::MAX - 1)),
            (1, u64::MAX - 1)
        );
        assert!(shelf.notes().is_empty());
    }
}
