//! Roots and proofs computed from tiles.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{TILE_HEIGHT, TILE_WIDTH, TileReader, read_hashes, width_at};
use crate::hash::{Hash, node_hash};
use crate::tree::{Edge, EdgeError, root_of_peaks};

/// Why hashes could not be read from tiles.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E: std::error::Error + 'static> {
    /// The reader failed.
    #[error("cannot read {width} hashes of tile {index} of level {level}")]
    Reader {
        /// The level of the tile.
        level: u8,
        /// The index of the tile.
        index: u64,
        /// The number of hashes asked for.
        width: u16,
        /// The reader's own error.
        source: E,
    },
    /// The reader returned another number of bytes than asked for.
    #[error("{width} hashes of tile {index} of level {level} cannot have {got} bytes")]
    Length {
        /// The level of the tile.
        level: u8,
        /// The index of the tile.
        index: u64,
        /// The number of hashes asked for.
        width: u16,
        /// The number of bytes returned.
        got: usize,
    },
    /// A tree of that size has no such tile.
    #[error("a tree of {size} leaves has no tile {index} of level {level}")]
    OutsideTree {
        /// The level of the tile.
        level: u8,
        /// The index of the tile.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError<E: std::error::Error + 'static> {
    /// The tree has no leaf with that index.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    IndexBeyondTree {
        /// The leaf index.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("a tree of {old_size} leaves cannot have become one of {new_size}")]
    Shrunk {
        /// The leaves of the older tree.
        old_size: u64,
        /// The leaves of the newer tree.
        new_size: u64,
    },
    /// The size is none a log can have.
    #[error(transparent)]
    Size(#[from] EdgeError),
    /// A tile could not be read.
    #[error(transparent)]
    Read(#[from] ReadError<E>),
}

/// Proves many things about one tree, reading each tile once and keeping it until dropped.
#[derive(Debug)]
pub struct Prover<'r, R> {
    reader: &'r R,
    size: u64,
    tiles: BTreeMap<(u8, u64), Subtrees>,
}

/// A tile, and the roots of the perfect subtrees over its hashes as far as they were asked for:
/// proofs of neighbours have most of them in common.
#[derive(Debug)]
struct Subtrees {
    /// By height: row 0 are the hashes, each row above has half as many.
    rows: Vec<Vec<Hash>>,
}

impl Subtrees {
    fn over(hashes: Vec<Hash>) -> Self {
        Self { rows: vec![hashes] }
    }

    /// The root of perfect subtree `place` among those over 2^`rise` hashes.
    fn root(&mut self, rise: usize, place: usize) -> Option<Hash> {
        while self.rows.len() <= rise {
            let pairs = self.rows.last()?.chunks_exact(2);
            let row = pairs.filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                _ => None,
            });
            let row = row.collect();
            self.rows.push(row);
        }
        self.rows.get(rise)?.get(place).copied()
    }
}

/// A run of leaves: the first, and the one after the last.
type Range = (u64, u64);

impl<'r, R: TileReader> Prover<'r, R> {
    /// Proves about the tree of the first `size` leaves in `reader`.
    pub const fn new(reader: &'r R, size: u64) -> Self {
        Self {
            reader,
            size,
            tiles: BTreeMap::new(),
        }
    }

    /// The right edge of the tree: its root, and what appending continues from.
    ///
    /// # Errors
    /// [`ProveError`] if a tile cannot be read or the size is no tree's.
    pub fn edge(&mut self) -> Result<Edge, ProveError<R::Error>> {
        let peaks = self.peaks((0, self.size))?;
        Ok(Edge::from_peaks(self.size, peaks)?)
    }

    /// The root of the tree.
    ///
    /// # Errors
    /// [`ReadError`] if a tile cannot be read.
    pub fn root(&mut self) -> Result<Hash, ReadError<R::Error>> {
        self.range_root((0, self.size))
    }

    /// The leaf hash of leaf `index`.
    ///
    /// # Errors
    /// [`ProveError`] if there is no such leaf or its tile cannot be read.
    pub fn leaf_hash(&mut self, index: u64) -> Result<Hash, ProveError<R::Error>> {
        self.check_index(index)?;
        Ok(self.node(0, index)?)
    }

    /// The inclusion proof of leaf `index` (RFC 6962 section 2.1.1), its sibling first.
    ///
    /// # Errors
    /// [`ProveError`] if there is no such leaf or a tile cannot be read.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, ProveError<R::Error>> {
        self.check_index(index)?;
        Ok(self.range_roots(siblings_of_leaf(index, self.size))?)
    }

    /// The proof that the first `old_size` leaves are a tree this one grew from
    /// (RFC 6962 section 2.1.2); empty if `old_size` is 0 or the size of this tree.
    ///
    /// # Errors
    /// [`ProveError`] if `old_size` is larger than this tree or a tile cannot be read.
    pub fn consistency(&mut self, old_size: u64) -> Result<Vec<Hash>, ProveError<R::Error>> {
        if old_size > self.size {
            return Err(ProveError::Shrunk {
                old_size,
                new_size: self.size,
            });
        }
        if old_size == 0 {
            return Ok(Vec::new());
        }
        Ok(self.range_roots(siblings_of_prefix(old_size, self.size))?)
    }

    fn check_index(&self, index: u64) -> Result<(), ProveError<R::Error>> {
        if index < self.size {
            return Ok(());
        }
        Err(ProveError::IndexBeyondTree {
            index,
            size: self.size,
        })
    }

    fn range_roots(&mut self, ranges: Vec<Range>) -> Result<Vec<Hash>, ReadError<R::Error>> {
        ranges
            .into_iter()
            .map(|range| self.range_root(range))
            .collect()
    }

    fn range_root(&mut self, range: Range) -> Result<Hash, ReadError<R::Error>> {
        Ok(root_of_peaks(&self.peaks(range)?))
    }

    /// The roots of the perfect subtrees of a subtree, largest first.
    fn peaks(&mut self, (mut start, end): Range) -> Result<Vec<Hash>, ReadError<R::Error>> {
        let mut peaks = Vec::new();
        while let Some(height) = (end - start).checked_ilog2() {
            peaks.push(self.node(height, start >> height)?);
            start += 1 << height;
        }
        Ok(peaks)
    }

    /// The root of the perfect subtree of 2^`height` leaves with that index among its equals.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, ReadError<R::Error>> {
        // A height is below 64, a level therefore below 8.
        let level = u8::try_from(height / TILE_HEIGHT).unwrap_or(u8::MAX);
        let rise = height % TILE_HEIGHT;
        let tile_index = index >> (TILE_HEIGHT - rise);
        let nodes_per_tile = u64::from(TILE_WIDTH) >> rise;
        let place = usize::try_from(index % nodes_per_tile).unwrap_or(usize::MAX);
        let outside = ReadError::OutsideTree {
            level,
            index: tile_index,
            size: self.size,
        };
        let rise = usize::try_from(rise).unwrap_or(usize::MAX);
        let tile = self.tile(level, tile_index)?;
        tile.root(rise, place).ok_or(outside)
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&mut Subtrees, ReadError<R::Error>> {
        match self.tiles.entry((level, index)) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(place) => {
                let width = width_at(self.size, level, index);
                if width == 0 {
                    return Err(ReadError::OutsideTree {
                        level,
                        index,
                        size: self.size,
                    });
                }
                let hashes = read_hashes(self.reader, level, index, width)?;
                Ok(place.insert(Subtrees::over(hashes)))
            }
        }
    }
}

/// The largest power of two smaller than `count`, which is at least 2: where RFC 6962 splits.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The subtrees beside the path from the root to a leaf, the lowest first.
fn siblings_of_leaf(index: u64, size: u64) -> Vec<Range> {
    let (mut start, mut end) = (0, size);
    let mut ranges = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The subtrees that make up both the tree of `old_size` (at least 1) and that of `size` leaves.
fn siblings_of_prefix(old_size: u64, size: u64) -> Vec<Range> {
    let (mut start, mut end) = (0, size);
    let mut ranges = Vec::new();
    while end != old_size {
        let middle = start + split(end - start);
        if old_size <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    // Left out if it is the whole old tree, whose root the verifier has.
    if start != 0 {
        ranges.push((start, end));
    }
    ranges.reverse();
    ranges
}

/// [`Prover::root`] of the first `size` leaves.
///
/// # Errors
/// [`ReadError`] if a tile cannot be read.
pub fn root<R: TileReader>(reader: &R, size: u64) -> Result<Hash, ReadError<R::Error>> {
    Prover::new(reader, size).root()
}

/// [`Prover::leaf_hash`] of leaf `index` among the first `size` leaves.
///
/// # Errors
/// [`ProveError`] if there is no such leaf or its tile cannot be read.
pub fn leaf_hash_at<R: TileReader>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Hash, ProveError<R::Error>> {
    Prover::new(reader, size).leaf_hash(index)
}

/// [`Prover::inclusion`] of leaf `index` in the tree of the first `size` leaves.
///
/// # Errors
/// [`ProveError`] if there is no such leaf or a tile cannot be read.
pub fn inclusion_proof<R: TileReader>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    Prover::new(reader, size).inclusion(index)
}

/// [`Prover::consistency`] from `old_size` to `new_size` leaves.
///
/// # Errors
/// [`ProveError`] if the sizes are in the wrong order or a tile cannot be read.
pub fn consistency_proof<R: TileReader>(
    reader: &R,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    Prover::new(reader, new_size).consistency(old_size)
}
