//! The log as bytes and as entries.

use breakglass_format::{
    Digest, Entry,
    entry::{EntryError, Recorded},
};
use breakglass_tlog::{Hash, Note, NoteSignature, VerifierKey};

/// Where the tiles and bundles lie in the folder.
pub(crate) const LOG: &str = "log/";

/// Entries in a full tile.
pub(crate) const WIDTH: usize = breakglass_tlog::tile::TILE_WIDTH as usize;

/// Reads an entry.
pub(crate) fn one(index: u64, bytes: &[u8], leaf: &Hash) -> Result<Recorded, (u64, EntryError)> {
    let entry = Entry::from_bytes(bytes).map_err(|error| (index, error))?;
    let leaf = Digest::from_bytes(*leaf.as_bytes());
    Ok(Recorded { index, leaf, entry })
}

/// A note with the first line of this key and no other.
pub(crate) fn own_line(note: &Note, key: &VerifierKey) -> String {
    let made = |s: &&NoteSignature| s.name() == key.name() && s.id() == key.id();
    let line = note.signatures().iter().find(made);
    let line = line.map(NoteSignature::line).unwrap_or_default();
    format!("{}\n{line}\n", note.text())
}
