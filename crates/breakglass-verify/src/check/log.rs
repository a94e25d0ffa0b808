//! The tree: checkpoint, bundles, tiles, root. Nothing an entry says matters yet.

use breakglass_tlog::{
    Checkpoint, Hash, SignedCheckpoint, VerifierKey, entries_for_size, parse_entries,
    root_of_leaves,
};

use super::differs;
use crate::{Finding, Folder, emit, record};

/// A log whose bytes are under its signed checkpoint.
pub(crate) struct Log {
    pub(crate) signed: SignedCheckpoint,
    pub(super) checkpoint: Checkpoint,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(super) leaves: Vec<Hash>,
    /// The files of `log/`, as they must be.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// Reads the log of a folder; the first thing that is wrong with it otherwise.
pub(crate) fn read(folder: &Folder) -> Result<Log, Finding> {
    let key = key(folder)?;
    let path = "log/checkpoint";
    let note = file(folder, path)?;
    let invalid = |detail: String| Finding::tampered("checkpoint_invalid", detail).at_path(path);
    let signed = SignedCheckpoint::open(note, key.name().as_str(), &key)
        .map_err(|error| invalid(error.to_string()))?;
    let only = emit::own_line(signed.note(), &key).into_bytes();
    if only != note {
        return Err(invalid("it has lines of others than the log".to_owned()));
    }
    let checkpoint = signed.checkpoint().clone();
    let entries = entries(folder, checkpoint.size())?;
    let leaves = record::leaves(&entries);
    let root = root_of_leaves(&leaves);
    if root != checkpoint.root() {
        let detail = format!(
            "the entries have the root {root}, signed is {}",
            checkpoint.root()
        );
        return Err(Finding::tampered("root_differs", detail));
    }
    let mut files = record::log_files(&entries, &leaves)
        .map_err(|error| Finding::tampered("entries_malformed", error.to_string()))?;
    for (path, bytes) in &files {
        let there = file(folder, path)?;
        if there != bytes.as_slice() {
            let (what, _) = differs::first(path, there, bytes);
            let detail = format!("it does not follow from the entries: {what}");
            return Err(Finding::tampered("altered_file", detail).at_path(path));
        }
    }
    files.push((path.to_owned(), only));
    Ok(Log {
        signed,
        checkpoint,
        entries,
        leaves,
        files,
    })
}

fn key(folder: &Folder) -> Result<VerifierKey, Finding> {
    let path = "log.vkey";
    let invalid = |detail: &str| Finding::tampered("vkey_invalid", detail).at_path(path);
    let text = std::str::from_utf8(file(folder, path)?).map_err(|_| invalid("it is not text"))?;
    let line = text
        .strip_suffix('\n')
        .ok_or_else(|| invalid("it is not one line"))?;
    VerifierKey::parse(line).map_err(|error| invalid(&error.to_string()))
}

/// The entries out of their bundles. A size that nobody has the bundles of ends at the first one
/// that is not there.
fn entries(folder: &Folder, size: u64) -> Result<Vec<Vec<u8>>, Finding> {
    let mut entries = Vec::new();
    for bundle in entries_for_size(size) {
        let path = format!("{}{bundle}", record::LOG);
        let parsed = parse_entries(file(folder, &path)?, bundle.width()).map_err(|error| {
            Finding::tampered("entries_malformed", error.to_string()).at_path(&path)
        })?;
        entries.extend(parsed.into_iter().map(<[u8]>::to_vec));
    }
    Ok(entries)
}

fn file<'a>(folder: &'a Folder, path: &str) -> Result<&'a [u8], Finding> {
    let missing = || Finding::tampered("missing_file", "it belongs to the folder").at_path(path);
    folder.get(path).ok_or_else(missing)
}
