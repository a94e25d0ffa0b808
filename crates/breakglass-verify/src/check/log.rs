//! The tree: checkpoint, bundles, tiles, root. Nothing an entry says matters yet.

use breakglass_tlog::{
    Checkpoint, EntriesPath, LeafTile, SignedCheckpoint, TilePath, TileReader, VerifierKey,
    entries_for_size, parse_entries, tiles_for_size,
};

use super::{differs, stop::Stop};
use crate::{
    Finding,
    files::{Files, Listing},
    folder::CHECKPOINT,
    parallel::{Ahead, in_order},
    record,
    tree::Tree,
    watch::{Counter, Step, Watch},
};

/// Most bytes of bundles that are worked on at a time.
pub(super) const AHEAD_BYTES: u64 = 4 << 20;

/// A log whose bytes are under its signed checkpoint.
pub(crate) struct Log<'a> {
    pub(crate) signed: SignedCheckpoint,
    pub(super) checkpoint: Checkpoint,
    pub(crate) tree: Tree<'a>,
    pub(super) bundles: Vec<EntriesPath>,
}

/// Files, and which of them there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) listing: &'a Listing,
}

impl<'a> Place<'a> {
    /// How long a file of the log was when it was listed.
    pub(crate) fn length(self, path: &str) -> u64 {
        let number = self.listing.find(path);
        number.map_or(0, |number| self.listing.length(number))
    }

    /// A file that belongs to the folder.
    fn file(self, path: &str) -> Result<std::borrow::Cow<'a, [u8]>, Stop> {
        if self.listing.has(path) {
            return Ok(self.files.whole(path)?);
        }
        let missing = Finding::tampered("missing_file", "it belongs to the folder");
        Err(missing.at_path(path).into())
    }
}

/// Reads the log of a folder; the first thing that is wrong with it otherwise. `look` sees the
/// entries of every bundle with the index of the first, on all cores; `take` what it saw, in log
/// order.
pub(crate) fn read<'a, T: Send>(
    place: Place<'a>,
    watch: &Watch<'_>,
    look: impl Fn(u64, &[&[u8]]) -> T + Sync,
    mut take: impl FnMut(T),
) -> Result<Log<'a>, Stop> {
    let signed = signed(place)?;
    let checkpoint = signed.checkpoint().clone();
    let bundles = bundles(place.listing, checkpoint.size());
    let entries = bundles.iter().map(|path| usize::from(path.width()));
    let counter = Counter::begin(watch, Step::Tree, entries.sum());
    let mut tree = Tree::new(place.files);
    let mut wrong = None;
    let ahead = Ahead {
        weigh: |path: &EntriesPath| place.length(&in_log(path)),
        most: AHEAD_BYTES,
    };
    let work = |_: usize, path: &EntriesPath| bundle(place, path, &look);
    in_order(&bundles, ahead, work, |read| {
        let read = read?;
        counter.add(read.tile.leaves().len());
        tree.push(&read.tile);
        take(read.seen);
        if wrong.is_none() {
            wrong = read.wrong;
        }
        Ok::<(), Stop>(())
    })?;
    // A size that nobody has the bundles of ends at the first one that is not there.
    if let Some(missing) = entries_for_size(checkpoint.size()).nth(bundles.len()) {
        place.file(&in_log(&missing))?;
    }
    under(&checkpoint, &tree, wrong.as_ref())?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    for path in tiles_for_size(tree.size()).filter(|path| path.level() > 0) {
        let due = tree.tile(path.level(), path.index(), path.width())?;
        tile(place, &in_log(&path), &due)?;
    }
    Ok(Log {
        signed,
        checkpoint,
        tree,
        bundles,
    })
}

/// The paths of the files of a log of so many entries.
pub(super) fn paths(size: u64) -> impl Iterator<Item = String> {
    let tiles = tiles_for_size(size).map(|path| in_log(&path));
    let bundles = entries_for_size(size).map(|path| in_log(&path));
    tiles.chain(bundles).chain([CHECKPOINT.to_owned()])
}

/// The path of a tile or a bundle in the folder.
pub(crate) fn in_log(path: &impl std::fmt::Display) -> String {
    format!("{}{path}", record::LOG)
}

/// The checkpoint, which is signed by the log's key and by no other.
fn signed(place: Place<'_>) -> Result<SignedCheckpoint, Stop> {
    let key = key(place)?;
    let note = place.file(CHECKPOINT)?;
    let invalid =
        |detail: String| Finding::tampered("checkpoint_invalid", detail).at_path(CHECKPOINT);
    let signed = SignedCheckpoint::open(&note, key.name().as_str(), &key)
        .map_err(|error| invalid(error.to_string()))?;
    if record::own_line(signed.note(), &key).as_bytes() != &*note {
        return Err(invalid("it has lines of others than the log".to_owned()).into());
    }
    Ok(signed)
}

/// The root of the tree is the one that was signed.
fn under(checkpoint: &Checkpoint, tree: &Tree<'_>, wrong: Option<&Stop>) -> Result<(), Stop> {
    let root = tree.root_at(tree.size())?;
    if root == checkpoint.root() {
        return Ok(());
    }
    let mut detail = format!(
        "the entries have the root {root}, signed is {}",
        checkpoint.root()
    );
    // The tile over an entry that was altered says which it is.
    if let Some(Stop::Finding(tile)) = wrong {
        detail += &format!("; {tile}");
    }
    Err(Finding::tampered("root_differs", detail).into())
}

/// A tile is the one that the entries give. Bundles need no such look: what was read out of one
/// makes the same bytes again.
fn tile(place: Place<'_>, path: &str, due: &[u8]) -> Result<(), Stop> {
    let there = place.file(path)?;
    if *there == *due {
        return Ok(());
    }
    let (what, _) = differs::first(path, &there, due);
    let detail = format!("it does not follow from the entries: {what}");
    Err(Finding::tampered("altered_file", detail)
        .at_path(path)
        .into())
}

fn key(place: Place<'_>) -> Result<VerifierKey, Stop> {
    let path = "log.vkey";
    let invalid = |detail: &str| Finding::tampered("vkey_invalid", detail).at_path(path);
    let bytes = place.file(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("it is not text"))?;
    let line = text
        .strip_suffix('\n')
        .ok_or_else(|| invalid("it is not one line"))?;
    Ok(VerifierKey::parse(line).map_err(|error| invalid(&error.to_string()))?)
}

/// The bundles of a log of so many entries, up to the first that is not there.
fn bundles(listing: &Listing, size: u64) -> Vec<EntriesPath> {
    let all = entries_for_size(size);
    all.take_while(|path| listing.has(&in_log(path))).collect()
}

/// What a bundle holds.
struct Bundle<T> {
    tile: LeafTile,
    /// What is wrong with the tile over it.
    wrong: Option<Stop>,
    seen: T,
}

/// Reads a bundle, hashes its entries, and compares the tile of their hashes.
fn bundle<T>(
    place: Place<'_>,
    path: &EntriesPath,
    look: &impl Fn(u64, &[&[u8]]) -> T,
) -> Result<Bundle<T>, Stop> {
    let name = in_log(path);
    let bytes = place.file(&name)?;
    let entries = parse_entries(&bytes, path.width()).map_err(|error| {
        Finding::tampered("entries_malformed", error.to_string()).at_path(name.as_str())
    })?;
    let hashed = LeafTile::of_entries(&entries);
    let of_hashes = TilePath::new(0, path.index(), path.width());
    let wrong = of_hashes.map(|path| tile(place, &in_log(&path), &hashed.to_bytes()).err());
    let width = u64::try_from(record::WIDTH).unwrap_or(u64::MAX);
    let seen = look(path.index().saturating_mul(width), &entries);
    Ok(Bundle {
        tile: hashed,
        // A bundle has an index that a tile may have as well.
        wrong: wrong.unwrap_or_default(),
        seen,
    })
}
