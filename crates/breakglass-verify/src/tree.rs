//! The tree of a log whose entries do not lie in memory: of 256 entries one hash is kept. The leaf
//! hashes are read again where somebody needs them, and held against it.

use breakglass_tlog::{
    Hash, LeafTile, MemoryTiles, ReadError, TilePath, TileReader, parse_entries,
};

use crate::{
    FolderError,
    files::Files,
    record::{LOG, WIDTH},
};

/// The tree.
#[derive(Debug, Clone)]
pub(crate) struct Tree<'a> {
    files: &'a dyn Files,
    /// The levels above the leaves.
    uppers: MemoryTiles,
    /// The leaves of the last tile, where it is not full.
    last: Vec<Hash>,
}

impl<'a> Tree<'a> {
    /// Without leaves.
    pub(crate) const fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            uppers: MemoryTiles::new(),
            last: Vec::new(),
        }
    }

    /// Appends the next tile.
    pub(crate) fn push(&mut self, tile: &LeafTile) {
        if tile.leaves().len() == WIDTH {
            self.uppers.push(tile.root());
            // It may have been partial before.
            self.last.clear();
        } else {
            self.last = tile.leaves().to_vec();
        }
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        let width = u64::try_from(WIDTH).unwrap_or(u64::MAX);
        let last = u64::try_from(self.last.len()).unwrap_or(u64::MAX);
        self.uppers
            .size()
            .saturating_mul(width)
            .saturating_add(last)
    }

    /// The root of the first so many leaves, of which there are as many.
    ///
    /// # Errors
    /// [`FolderError`], where the leaves cannot be read as they were.
    pub(crate) fn root_at(&self, size: u64) -> Result<Hash, FolderError> {
        breakglass_tlog::root(self, size).map_err(|error| {
            let what = error.to_string();
            match error {
                ReadError::Reader { source, .. } => source,
                ReadError::Length { .. } | ReadError::OutsideTree { .. } => {
                    FolderError::gone(&what)
                }
            }
        })
    }

    /// Whether it is a tile of this tree.
    fn has(&self, index: u64, tile: &LeafTile) -> bool {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match self.uppers.leaves().get(index) {
            Some(root) => tile.leaves().len() == WIDTH && tile.root() == *root,
            None => index == self.uppers.leaves().len() && tile.leaves() == self.last.as_slice(),
        }
    }

    /// The entries of a bundle that was read before, and their hashes.
    ///
    /// # Errors
    /// [`FolderError::Changed`], where they are no longer those of the tree.
    pub(crate) fn again<'b>(
        &self,
        path: &str,
        (index, width): (u64, u16),
        bundle: &'b [u8],
    ) -> Result<(Vec<&'b [u8]>, LeafTile), FolderError> {
        let changed = || FolderError::Changed {
            path: path.to_owned(),
        };
        let entries = parse_entries(bundle, width).map_err(|_| changed())?;
        let tile = LeafTile::of_entries(&entries);
        if self.has(index, &tile) {
            Ok((entries, tile))
        } else {
            Err(changed())
        }
    }
}

impl TileReader for Tree<'_> {
    type Error = FolderError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, FolderError> {
        if let Some(above) = level.checked_sub(1) {
            let tile = self.uppers.tile(above, index, width);
            return tile.map_err(|error| FolderError::gone(&error.to_string()));
        }
        let full = self.uppers.size();
        let leaves = if index == full {
            self.last.clone()
        } else {
            let whole = TilePath::new(0, index, breakglass_tlog::tile::TILE_WIDTH);
            let path = whole.map(|path| format!("{LOG}{path}"));
            let path = path.map_err(|error| FolderError::gone(&error.to_string()))?;
            let bytes = self.files.whole(&path)?;
            let (hashes, _) = bytes.as_chunks::<{ Hash::LEN }>();
            let tile = LeafTile::new(hashes.iter().copied().map(Hash::from_bytes).collect());
            if !self.has(index, &tile) {
                return Err(FolderError::Changed { path });
            }
            tile.leaves().to_vec()
        };
        let some = leaves.iter().take(usize::from(width));
        Ok(some.flat_map(|hash| hash.as_bytes()).copied().collect())
    }
}
