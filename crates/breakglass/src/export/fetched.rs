//! What an export has fetched and not yet put in its place: kept in the folder as it comes, so that
//! one that is interrupted goes on where it was.
//!
//! Nothing here is believed: entries count by the root that they have in the end, and documents by
//! their SHA-256.

use std::path::Path;

use breakglass_format::Digest;
use breakglass_verify::{
    Folder, FolderError,
    folder::{FETCHED, put},
};

/// The first file of an export, which says whose log it is.
const GENESIS: &str = "genesis";

/// Where to keep what is fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep<'a> {
    dir: Option<&'a Path>,
    genesis: Digest,
}

impl<'a> Keep<'a> {
    /// In a folder of the installation with this genesis; nowhere without one.
    pub(super) const fn new(dir: Option<&'a Path>, genesis: Digest) -> Self {
        Self { dir, genesis }
    }

    /// Nowhere.
    pub(super) const fn nowhere(self) -> Self {
        Self { dir: None, ..self }
    }

    /// Keeps entries that follow each other, by the index of the first.
    pub(super) fn entries(&self, from: usize, entries: &[String]) -> Result<(), FolderError> {
        // No entry has a line break in it.
        self.put(&page(from), entries.join("\n").as_bytes())
    }

    /// Keeps a document.
    pub(super) fn blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FolderError> {
        self.put(&format!("{FETCHED}{}", digest.hex()), bytes)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let Some(dir) = self.dir else {
            return Ok(());
        };
        if !dir.join(GENESIS).exists() {
            put(dir, GENESIS, format!("{}\n", self.genesis).as_bytes())?;
        }
        put(dir, path, bytes)
    }
}

/// Entries from an index on that an interrupted export has kept.
pub(super) fn entries(folder: &Folder, from: usize) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    while let Some(kept) = folder.get(&page(from + entries.len())) {
        entries.extend(kept.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
    }
    entries
}

fn page(from: usize) -> String {
    format!("{FETCHED}entries.{from}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_again_without_gaps() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("evidence");
        let genesis = Digest::from_bytes([7; 32]);
        let keep = Keep::new(Some(&dir), genesis);
        let page = |from: usize, to: usize| -> Vec<String> {
            (from..to).map(|n| format!("{{\"n\":{n}}}")).collect()
        };
        keep.entries(3, &page(3, 5)).unwrap();
        keep.entries(5, &page(5, 6)).unwrap();
        keep.entries(9, &page(9, 10)).unwrap();
        keep.nowhere().entries(6, &page(6, 9)).unwrap();
        let folder = Folder::read(&dir).unwrap();
        let expected: Vec<Vec<u8>> = page(3, 6).into_iter().map(String::into_bytes).collect();
        assert_eq!(entries(&folder, 3), expected);
        assert_eq!(entries(&folder, 4), Vec::<Vec<u8>>::new());
        let genesis = format!("{genesis}\n");
        assert_eq!(folder.get("genesis"), Some(genesis.as_bytes()));
    }
}
