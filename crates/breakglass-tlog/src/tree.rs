//! The compact right edge of a Merkle tree: all that appending and the root need.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// The largest tree the formats here carry: signed 64-bit sizes are what logs and databases store.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// The peaks of a tree: one root per perfect subtree, largest first, one per set bit of the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    peaks: Vec<Hash>,
}

/// Why a stored edge cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// The number of peaks is not the number of perfect subtrees of that size.
    #[error("an edge of {size} leaves has {expected} peaks, got {got}")]
    PeakCount {
        /// The claimed number of leaves.
        size: u64,
        /// The number of peaks a tree of that size has.
        expected: u32,
        /// The number of peaks given.
        got: usize,
    },
    /// The size exceeds [`MAX_TREE_SIZE`].
    #[error("a tree of {size} leaves is larger than any log can be")]
    TooLarge {
        /// The claimed number of leaves.
        size: u64,
    },
}

impl Edge {
    /// The edge of the tree with no leaves.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            size: 0,
            peaks: Vec::new(),
        }
    }

    /// Rebuilds an edge from [`Edge::size`] and [`Edge::peaks`].
    ///
    /// # Errors
    /// [`EdgeError`] if `size` is too large or has another number of peaks.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Result<Self, EdgeError> {
        if size > MAX_TREE_SIZE {
            return Err(EdgeError::TooLarge { size });
        }
        let expected = size.count_ones();
        if u32::try_from(peaks.len()) != Ok(expected) {
            return Err(EdgeError::PeakCount {
                size,
                expected,
                got: peaks.len(),
            });
        }
        Ok(Self { size, peaks })
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest (leftmost) first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends one leaf, given its leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each trailing one bit of the size is a perfect subtree the new node completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        // Cannot overflow: a stored edge starts at MAX_TREE_SIZE or below, 2^63 pushes from the end.
        self.size += 1;
    }

    /// The root of the tree, [`EMPTY_ROOT`] if it has no leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        root_of_peaks(&self.peaks)
    }
}

impl Extend<Hash> for Edge {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

impl FromIterator<Hash> for Edge {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut edge = Self::empty();
        edge.extend(leaves);
        edge
    }
}

/// The root over perfect subtrees of falling size; the smaller ones hang to the right.
pub(crate) fn root_of_peaks(peaks: &[Hash]) -> Hash {
    peaks
        .iter()
        .copied()
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or(EMPTY_ROOT)
}

/// The root of the tree over these leaf hashes (RFC 6962 section 2.1, `MTH`).
#[must_use]
pub fn root_of_leaves(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<Edge>().root()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn the_root_of_a_b_c_is_the_published_one() {
        let leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")];
        let root = root_of_leaves(&leaves);
        assert_eq!(
            root.to_string(),
            "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1"
        );
        assert_eq!(
            root.to_base64(),
            "NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE="
        );
        assert_eq!(Edge::empty().root(), EMPTY_ROOT);
    }

    #[test]
    fn a_stored_edge_continues_where_it_stopped() {
        let leaf = |number: u64| leaf_hash(&number.to_be_bytes());
        let mut kept: Edge = (0..37).map(leaf).collect();
        let mut stored = Edge::from_peaks(kept.size(), kept.peaks().to_vec()).unwrap();
        for number in 37..80 {
            kept.push(leaf(number));
            stored.push(leaf(number));
        }
        assert_eq!(kept, stored);
        assert_eq!(
            Edge::from_peaks(3, vec![EMPTY_ROOT]),
            Err(EdgeError::PeakCount {
                size: 3,
                expected: 2,
                got: 1
            })
        );
        let size = MAX_TREE_SIZE + 1;
        assert_eq!(
            Edge::from_peaks(size, vec![EMPTY_ROOT]),
            Err(EdgeError::TooLarge { size })
        );
    }
}
