//! Verifying inclusion and consistency proofs, by the iterative algorithms of RFC 9162.
//!
//! The tree of size zero has no leaf to include and nothing to be consistent with: every root
//! would verify. It is therefore outside [`verify_consistency`] by type and has a rule of its own,
//! [`verify_from_empty`], the one C2SP tlog-witness prescribes.

use std::num::NonZeroU64;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// Why an inclusion proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The tree has no leaf with that index.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    IndexBeyondTree {
        /// The leaf index.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
    /// The path from this leaf to the root has another length.
    #[error("the proof of leaf {index} in a tree of {size} leaves cannot have {got} hashes")]
    Length {
        /// The leaf index.
        index: u64,
        /// The number of leaves.
        size: u64,
        /// The number of hashes given.
        got: usize,
    },
    /// The path leads to another root.
    #[error("the inclusion proof leads to root {computed}, expected {expected}")]
    Root {
        /// The root the caller trusts.
        expected: Hash,
        /// The root the proof leads to.
        computed: Hash,
    },
}

/// Why a consistency proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The newer tree is the smaller one.
    #[error("a tree of {old_size} leaves cannot have become one of {new_size}")]
    Shrunk {
        /// The leaves of the older tree.
        old_size: u64,
        /// The leaves of the newer tree.
        new_size: u64,
    },
    /// The proof between these sizes has another length.
    #[error("a proof from {old_size} to {new_size} leaves cannot have {got} hashes")]
    Length {
        /// The leaves of the older tree.
        old_size: u64,
        /// The leaves of the newer tree.
        new_size: u64,
        /// The number of hashes given.
        got: usize,
    },
    /// The proof leads to another older root.
    #[error("the consistency proof leads to old root {computed}, expected {expected}")]
    OldRoot {
        /// The older root the caller trusts.
        expected: Hash,
        /// The older root the proof leads to.
        computed: Hash,
    },
    /// The proof leads to another newer root.
    #[error("the consistency proof leads to new root {computed}, expected {expected}")]
    NewRoot {
        /// The newer root the caller was given.
        expected: Hash,
        /// The newer root the proof leads to.
        computed: Hash,
    },
}

/// Why a tree does not grow out of the empty tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FromEmptyError {
    /// There is nothing to prove, so the proof must be empty.
    #[error("a proof from the empty tree is empty, got {got} hashes")]
    ProofNotEmpty {
        /// The number of hashes given.
        got: usize,
    },
    /// A tree of no leaves was given another root than [`EMPTY_ROOT`].
    #[error("a tree of no leaves has root {expected}, got {got}", expected = EMPTY_ROOT)]
    Root {
        /// The root given.
        got: Hash,
    },
}

/// Checks that `leaf` is leaf number `index` of the tree of `size` leaves with root `root`.
///
/// `proof` runs from the leaf's sibling up to the root's child (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`InclusionError`] for the first rule the proof breaks.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), InclusionError> {
    if index >= size {
        return Err(InclusionError::IndexBeyondTree { index, size });
    }
    let length = || InclusionError::Length {
        index,
        size,
        got: proof.len(),
    };
    let mut climb = Climb {
        node: index,
        last: size - 1,
    };
    let mut computed = *leaf;
    for sibling in proof {
        computed = match climb.step().ok_or_else(length)? {
            Side::Left => node_hash(sibling, &computed),
            Side::Right => node_hash(&computed, sibling),
        };
    }
    if !climb.at_root() {
        return Err(length());
    }
    if computed != *root {
        return Err(InclusionError::Root {
            expected: *root,
            computed,
        });
    }
    Ok(())
}

/// Checks that the tree of `old_size` leaves is a prefix of the tree of `new_size` leaves.
///
/// Follows RFC 9162 section 2.1.4.2. Equal sizes need an empty proof and equal roots.
///
/// # Errors
/// [`ConsistencyError`] for the first rule the proof breaks.
pub fn verify_consistency(
    old_size: NonZeroU64,
    new_size: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ConsistencyError> {
    let old = old_size.get();
    let length = || ConsistencyError::Length {
        old_size: old,
        new_size,
        got: proof.len(),
    };
    if old > new_size {
        return Err(ConsistencyError::Shrunk {
            old_size: old,
            new_size,
        });
    }
    if old == new_size {
        if !proof.is_empty() {
            return Err(length());
        }
        return check_roots((*old_root, old_root), (*old_root, new_root));
    }
    // A perfect old tree is itself the first node of the proof, which leaves it out.
    let (seed, path) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or_else(length)?
    };
    let mut climb = Climb {
        node: old - 1,
        last: new_size - 1,
    };
    climb.rise(climb.node.trailing_ones());
    let (mut old_computed, mut new_computed) = (*seed, *seed);
    for sibling in path {
        match climb.step().ok_or_else(length)? {
            Side::Left => {
                old_computed = node_hash(sibling, &old_computed);
                new_computed = node_hash(sibling, &new_computed);
            }
            Side::Right => new_computed = node_hash(&new_computed, sibling),
        }
    }
    if !climb.at_root() {
        return Err(length());
    }
    check_roots((old_computed, old_root), (new_computed, new_root))
}

/// Checks a tree against the empty tree, which is a prefix of every tree.
///
/// The rule of C2SP tlog-witness: the proof is empty, and a tree of no leaves has [`EMPTY_ROOT`].
/// This says nothing about `new_root` when `new_size` is not zero; a signature has to.
///
/// # Errors
/// [`FromEmptyError`] for the rule that is broken.
pub fn verify_from_empty(
    new_size: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), FromEmptyError> {
    if !proof.is_empty() {
        return Err(FromEmptyError::ProofNotEmpty { got: proof.len() });
    }
    if *old_root != EMPTY_ROOT {
        return Err(FromEmptyError::Root { got: *old_root });
    }
    if new_size == 0 && *new_root != EMPTY_ROOT {
        return Err(FromEmptyError::Root { got: *new_root });
    }
    Ok(())
}

/// Compares (computed, expected) for the older and the newer root.
fn check_roots(old: (Hash, &Hash), new: (Hash, &Hash)) -> Result<(), ConsistencyError> {
    if old.0 != *old.1 {
        return Err(ConsistencyError::OldRoot {
            expected: *old.1,
            computed: old.0,
        });
    }
    if new.0 != *new.1 {
        return Err(ConsistencyError::NewRoot {
            expected: *new.1,
            computed: new.0,
        });
    }
    Ok(())
}

/// On which side of the path the sibling lies.
enum Side {
    Left,
    Right,
}

/// The walk from a node to the root: its index and the index of the last node, level by level.
#[derive(Clone, Copy)]
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    fn at_root(self) -> bool {
        self.last == 0
    }

    fn rise(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }

    /// Goes up by one sibling and says where it was; `None` if this is the root already.
    fn step(&mut self) -> Option<Side> {
        if self.at_root() {
            return None;
        }
        if self.node & 1 == 1 {
            self.rise(1);
            return Some(Side::Left);
        }
        if self.node == self.last {
            // The right edge of an imperfect tree: without a sibling a node rises unchanged,
            // up to the first level at which it is a right child.
            self.rise(self.node.trailing_zeros() + 1);
            return Some(Side::Left);
        }
        self.rise(1);
        Some(Side::Right)
    }
}
