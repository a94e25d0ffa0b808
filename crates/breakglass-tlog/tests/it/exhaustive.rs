//! Every leaf and every pair of sizes up to 70, which crosses six powers of two.

use std::num::NonZeroU64;

use breakglass_tlog::{
    Edge, MemoryTiles, Prover, consistency_proof, inclusion_proof, leaf_hash_at, root,
    root_of_leaves, verify_consistency, verify_inclusion,
};

use crate::recursive::{leaf, leaves, mth, path, proof};

const MAX: u64 = 70;

#[test]
fn roots_are_those_of_the_definition() {
    let tiles: MemoryTiles = leaves(MAX).into_iter().collect();
    let mut edge = Edge::empty();
    for size in 0..=MAX {
        let leaves = leaves(size);
        let expected = mth(&leaves);
        assert_eq!(root_of_leaves(&leaves), expected);
        assert_eq!(edge.root(), expected);
        assert_eq!(root(&tiles, size).unwrap(), expected);
        assert_eq!(Prover::new(&tiles, size).edge().unwrap(), edge);
        edge.push(leaf(size));
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_definition_and_hold_for_one_leaf_only() {
    let tiles: MemoryTiles = leaves(MAX).into_iter().collect();
    for size in 1..=MAX {
        let leaves = leaves(size);
        let root = mth(&leaves);
        for (index, expected) in (0..size).zip(&leaves) {
            assert_eq!(leaf_hash_at(&tiles, index, size).unwrap(), *expected);
            let found = inclusion_proof(&tiles, index, size).unwrap();
            assert_eq!(found, path(usize::try_from(index).unwrap(), &leaves));
            assert_eq!(
                verify_inclusion(expected, index, size, &found, &root),
                Ok(())
            );
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(verify_inclusion(expected, other, size, &found, &root).is_err());
            }
            for cut in 0..found.len() {
                assert!(verify_inclusion(expected, index, size, &found[..cut], &root).is_err());
            }
            let longer = [found.as_slice(), &[root]].concat();
            assert!(verify_inclusion(expected, index, size, &longer, &root).is_err());
        }
        assert!(inclusion_proof(&tiles, size, size).is_err());
        assert!(leaf_hash_at(&tiles, size, size).is_err());
    }
}

#[test]
fn consistency_proofs_are_those_of_the_definition_and_hold_for_their_roots_only() {
    let tiles: MemoryTiles = leaves(MAX).into_iter().collect();
    let roots: Vec<_> = (0..=MAX).map(|size| mth(&leaves(size))).collect();
    let root = |size: u64| &roots[usize::try_from(size).unwrap()];
    for new in 1..=MAX {
        let all = leaves(new);
        assert!(consistency_proof(&tiles, new + 1, new).is_err());
        assert_eq!(consistency_proof(&tiles, 0, new).unwrap(), []);
        for old in 1..=new {
            let found = consistency_proof(&tiles, old, new).unwrap();
            assert_eq!(found, proof(usize::try_from(old).unwrap(), &all));
            let check = |proof: &[_], old_root, new_root| {
                verify_consistency(
                    NonZeroU64::new(old).unwrap(),
                    new,
                    proof,
                    old_root,
                    new_root,
                )
            };
            assert_eq!(check(&found, root(old), root(new)), Ok(()));
            assert!(check(&found, root(old - 1), root(new)).is_err());
            assert!(check(&found, root(old), root(new - 1)).is_err());
            for cut in 0..found.len() {
                assert!(check(&found[..cut], root(old), root(new)).is_err());
            }
            let longer = [found.as_slice(), &[*root(new)]].concat();
            assert!(check(&longer, root(old), root(new)).is_err());
        }
    }
}
