//! The evidence folder of a log that is longer than memory, written entry by entry.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use breakglass_format::{
    Digest, Entry,
    entry::Recorded,
    render::{jsonl, timeline},
};
use breakglass_tlog::{
    Checkpoint, EntriesPath, LeafTile, MemoryTiles, SignedCheckpoint, TileReader as _,
    encode_entries, leaf_hash, root, tile::TILE_WIDTH, tiles_for_size,
};

use crate::{one_more, people::log_key, scribe::Scribe};

/// A folder on its way.
struct Long<'a> {
    place: &'a Path,
    tree: MemoryTiles,
    /// The entries of the last bundle.
    bundle: Vec<Vec<u8>>,
    siem: BufWriter<File>,
    timeline: BufWriter<File>,
    text: timeline::Text,
}

/// Writes the folder of a log and so many entries after it that nobody signed.
pub(crate) fn write(mut log: Scribe, count: usize, place: &Path) {
    let folder = log.folder();
    folder.write(place).unwrap();
    fs::remove_dir_all(place.join("log")).unwrap();
    let file = |name: &str| BufWriter::new(File::create(place.join(name)).unwrap());
    let mut long = Long {
        place,
        tree: MemoryTiles::new(),
        bundle: Vec::new(),
        siem: file("siem.jsonl"),
        timeline: file("timeline.txt"),
        text: timeline::Text::new(),
    };
    let entries = std::mem::take(&mut log.entries);
    for bytes in entries {
        let of = |digest: &Digest| log.blobs.get(digest).cloned();
        long.push(bytes, of);
    }
    for number in 0..count {
        one_more(&mut log, number);
        long.push(log.entries.pop().unwrap(), |_| None);
    }
    long.end();
}

impl Long<'_> {
    fn push(&mut self, bytes: Vec<u8>, blob: impl Fn(&Digest) -> Option<Vec<u8>>) {
        let entry = Entry::from_bytes(&bytes).unwrap();
        let recorded = Recorded {
            index: self.tree.size() + u64::try_from(self.bundle.len()).unwrap(),
            leaf: Digest::from_bytes(*leaf_hash(&bytes).as_bytes()),
            entry,
        };
        let named = jsonl::statements_of(&recorded.entry);
        let statements: Vec<Vec<u8>> = named.iter().filter_map(blob).collect();
        let line = jsonl::line(&recorded, &bytes, &statements).unwrap();
        self.siem.write_all(&line).unwrap();
        self.siem.write_all(b"\n").unwrap();
        let mut text = String::new();
        self.text.push(&recorded, &mut text);
        self.timeline.write_all(text.as_bytes()).unwrap();
        self.bundle.push(bytes);
        if self.bundle.len() == usize::from(TILE_WIDTH) {
            self.full();
        }
    }

    /// Writes the last bundle.
    fn full(&mut self) {
        let entries = std::mem::take(&mut self.bundle);
        let width = u16::try_from(entries.len()).unwrap();
        let path = EntriesPath::new(self.tree.size() / u64::from(TILE_WIDTH), width).unwrap();
        self.put(&format!("log/{path}"), &encode_entries(&entries).unwrap());
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        self.tree.push_tile(&LeafTile::of_entries(&entries));
    }

    fn end(mut self) {
        if !self.bundle.is_empty() {
            self.full();
        }
        let size = self.tree.size();
        for path in tiles_for_size(size) {
            let tile = self.tree.tile(path.level(), path.index(), path.width());
            self.put(&format!("log/{path}"), &tile.unwrap());
        }
        let (key, root) = (log_key(), root(&self.tree, size).unwrap());
        let checkpoint = Checkpoint::new(key.verifier().name().clone(), size, root).unwrap();
        let signed = SignedCheckpoint::sign(checkpoint, &key).unwrap();
        self.put("log/checkpoint", signed.to_text().as_bytes());
        self.siem.flush().unwrap();
        self.timeline.flush().unwrap();
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let place = self.place.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
}
