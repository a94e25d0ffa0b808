//! The tree: checkpoint, bundles, tiles, root. Nothing an entry says matters yet.

use std::collections::BTreeSet;

use breakglass_tlog::{
    Checkpoint, EMPTY_ROOT, EntriesPath, LeafTile, MemoryTiles, SignedCheckpoint, VerifierKey,
    entries_for_size, parse_entries, root,
};

use super::differs;
use crate::{
    Finding, Folder, emit, parallel, record,
    watch::{Counter, Step, Watch},
};

/// A log whose bytes are under its signed checkpoint.
pub(crate) struct Log<'a> {
    pub(crate) signed: SignedCheckpoint,
    pub(super) checkpoint: Checkpoint,
    /// Every entry, where it lies in the folder.
    pub(crate) entries: Vec<&'a [u8]>,
    pub(super) tree: MemoryTiles,
    /// The files of `log/`, which are as they must be.
    pub(super) files: BTreeSet<String>,
}

/// Reads the log of a folder; the first thing that is wrong with it otherwise.
pub(crate) fn read<'a>(folder: &'a Folder, watch: &Watch<'_>) -> Result<Log<'a>, Finding> {
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
    let (bundles, mut files) = bundles(folder, checkpoint.size());
    let hashed = hashed(&bundles, watch);
    let (mut entries, mut tree) = (Vec::new(), MemoryTiles::new());
    for read in hashed {
        let (some, tile) = read?;
        entries.extend(some);
        tree.push_tile(&tile);
    }
    // A size that nobody has the bundles of ends at the first one that is not there.
    if let Some(missing) = entries_for_size(checkpoint.size()).nth(bundles.len()) {
        file(folder, &format!("{}{missing}", record::LOG))?;
    }
    under(&checkpoint, &tree)?;
    for (path, bytes) in record::tile_files(&tree) {
        tile(folder, &path, &bytes.unwrap_or_default())?;
        files.insert(path);
    }
    files.insert(path.to_owned());
    Ok(Log {
        signed,
        checkpoint,
        entries,
        tree,
        files,
    })
}

/// The root of the tree is the one that was signed.
fn under(checkpoint: &Checkpoint, tree: &MemoryTiles) -> Result<(), Finding> {
    // A tree that lies in memory has a root.
    let root = root(tree, tree.size()).unwrap_or(EMPTY_ROOT);
    if root == checkpoint.root() {
        return Ok(());
    }
    let detail = format!(
        "the entries have the root {root}, signed is {}",
        checkpoint.root()
    );
    Err(Finding::tampered("root_differs", detail))
}

/// A tile is the one that the entries give. Bundles need no such look: what was read out of one
/// makes the same bytes again.
fn tile(folder: &Folder, path: &str, due: &[u8]) -> Result<(), Finding> {
    let there = file(folder, path)?;
    if there == due {
        return Ok(());
    }
    let (what, _) = differs::first(path, there, due);
    let detail = format!("it does not follow from the entries: {what}");
    Err(Finding::tampered("altered_file", detail).at_path(path))
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

/// The bundles of a log of so many entries, up to the first that is not there, and their paths.
fn bundles(folder: &Folder, size: u64) -> (Vec<(EntriesPath, &[u8])>, BTreeSet<String>) {
    let (mut bundles, mut paths) = (Vec::new(), BTreeSet::new());
    for bundle in entries_for_size(size) {
        let path = format!("{}{bundle}", record::LOG);
        let Some(bytes) = folder.get(&path) else {
            break;
        };
        bundles.push((bundle, bytes));
        paths.insert(path);
    }
    (bundles, paths)
}

/// The entries of a bundle, and their hashes.
type Hashed<'a> = (Vec<&'a [u8]>, LeafTile);

/// The entries out of their bundles, hashed; what is wrong with a bundle in its place.
fn hashed<'a>(
    bundles: &[(EntriesPath, &'a [u8])],
    watch: &Watch<'_>,
) -> Vec<Result<Hashed<'a>, Finding>> {
    let entries = bundles.iter().map(|(path, _)| usize::from(path.width()));
    let counter = Counter::begin(watch, Step::Tree, entries.sum());
    parallel::map(bundles, 1, |_, (path, bytes)| {
        let entries = parse_entries(bytes, path.width()).map_err(|error| {
            let path = format!("{}{path}", record::LOG);
            Finding::tampered("entries_malformed", error.to_string()).at_path(path)
        })?;
        let tile = LeafTile::of_entries(&entries);
        counter.add(entries.len());
        Ok((entries, tile))
    })
}

fn file<'a>(folder: &'a Folder, path: &str) -> Result<&'a [u8], Finding> {
    let missing = || Finding::tampered("missing_file", "it belongs to the folder").at_path(path);
    folder.get(path).ok_or_else(missing)
}
