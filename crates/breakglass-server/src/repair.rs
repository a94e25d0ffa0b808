//! Putting back what rotted in the log of a server that is stopped, from a JSONL file or the
//! folder of an export. Neither is trusted: the store takes only what fits its hashes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::{Digest, limits::BLOB_BYTES_MAX};
use breakglass_store::{Copies, RepairError, Repaired, repair};
use serde::Deserialize;
use thiserror::Error;

use crate::{
    config::{Config, ConfigError},
    custody::KeyError,
    start::log_key,
};

/// The file in an export that has every entry.
const SIEM: &str = "siem.jsonl";
/// Folders within folders that are looked through at most; an export has three.
const DEPTH_MAX: usize = 8;

/// Why nothing was repaired.
#[derive(Debug, Error)]
pub enum NotRepaired {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The copies cannot be read.
    #[error("the copies in {path} cannot be read")]
    Copies {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The log cannot be repaired this way.
    #[error(transparent)]
    Log(#[from] RepairError),
}

/// Where a blob may be.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// Among the statements of the line that begins there.
    Line(u64, usize),
}

/// Where everything is that a file or a folder has, by index and digest. The bytes stay there.
#[derive(Debug)]
struct Shelf {
    lines: File,
    entries: BTreeMap<u64, u64>,
    blobs: BTreeMap<Digest, Place>,
}

/// What of a line may be a copy of something.
#[derive(Debug, Deserialize)]
struct Line {
    log_index: Option<u64>,
    #[serde(default)]
    entry: String,
    #[serde(default)]
    statements: Vec<String>,
}

/// Repairs the log that a configuration names from the copies in `from`: a JSONL file, or the
/// folder of an export. No server may run on it.
///
/// # Errors
/// [`NotRepaired`]; the log is then as it was.
pub fn repair_from(config: &Config, from: &Path) -> Result<Repaired, NotRepaired> {
    config.check()?;
    let key = log_key(&config.log_key_file)?;
    let mut shelf = Shelf::of(from).map_err(|source| NotRepaired::Copies {
        path: from.to_owned(),
        source,
    })?;
    let verifier = key.verifier();
    let database = config.data_dir.join("log.db");
    Ok(repair(
        &database,
        verifier.name().as_str(),
        verifier,
        &mut shelf,
    )?)
}

impl Shelf {
    fn of(from: &Path) -> io::Result<Self> {
        let is_dir = fs::metadata(from)?.is_dir();
        let lines = match is_dir {
            true => from.join(SIEM),
            false => from.to_owned(),
        };
        let mut shelf = Self {
            lines: File::open(lines)?,
            entries: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        shelf.read_lines()?;
        if is_dir {
            shelf.read_folder(from, DEPTH_MAX)?;
        }
        Ok(shelf)
    }

    fn read_lines(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(&self.lines);
        let (mut start, mut bytes) = (0, Vec::new());
        loop {
            bytes.clear();
            let length = reader.read_until(b'\n', &mut bytes)?;
            if length == 0 {
                return Ok(());
            }
            // A line that is torn or is none has no copies.
            if let Ok(line) = serde_json::from_slice::<Line>(&bytes) {
                if let Some(index) = line.log_index {
                    self.entries.insert(index, start);
                }
                for (place, text) in line.statements.iter().enumerate() {
                    if let Ok(blob) = STANDARD.decode(text) {
                        let digest = breakglass_statement::digest(&blob);
                        self.blobs.insert(digest, Place::Line(start, place));
                    }
                }
            }
            start += length as u64;
        }
    }

    /// Every file in a folder may be a blob, whatever it is called.
    fn read_folder(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, found) = (entry.path(), entry.metadata()?);
            if found.is_dir() && depth > 0 {
                self.read_folder(&path, depth - 1)?;
            } else if found.is_file() && found.len() <= BLOB_BYTES_MAX as u64 {
                let digest = breakglass_statement::digest(&fs::read(&path)?);
                self.blobs.insert(digest, Place::File(path));
            }
        }
        Ok(())
    }

    fn line(&self, start: u64) -> Option<Line> {
        let mut file = &self.lines;
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        BufReader::new(file).read_until(b'\n', &mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl Copies for Shelf {
    fn entry(&mut self, index: u64) -> Option<Vec<u8>> {
        let line = self.line(*self.entries.get(&index)?)?;
        STANDARD.decode(line.entry).ok()
    }

    fn blob(&mut self, digest: &Digest) -> Option<Vec<u8>> {
        match self.blobs.get(digest)? {
            Place::File(path) => fs::read(path).ok(),
            Place::Line(start, place) => {
                let line = self.line(*start)?;
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

        let mut file = Shelf::of(&dir.path().join(SIEM)).unwrap();
        assert_eq!(file.entry(1).unwrap(), b"one");
        assert_eq!(file.entry(0).unwrap(), b"zero");
        assert_eq!(file.entry(2), None);
        let signature = breakglass_statement::digest(b"its signature");
        assert_eq!(file.blob(&signature).unwrap(), b"its signature");
        assert_eq!(file.blob(&document), None);

        let mut folder = Shelf::of(dir.path()).unwrap();
        assert_eq!(folder.entry(1).unwrap(), b"one");
        assert_eq!(folder.blob(&document).unwrap(), b"a document");
        assert!(Shelf::of(&dir.path().join("blobs")).is_err());
    }
}
