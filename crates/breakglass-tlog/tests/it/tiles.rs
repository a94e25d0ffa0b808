//! Trees from tiles at the sizes where a tile fills up or a level begins.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use breakglass_tlog::{
    AppendError, Edge, MAX_TREE_SIZE, MemoryTiles, MissingTile, ProveError, Prover, ReadError,
    TilePath, TileReader, consistency_proof, inclusion_proof, root, tiles_after_append,
    tiles_for_size, verify_consistency, verify_inclusion,
};

use crate::recursive::{leaf, leaves};

const SIZES: [u64; 8] = [0, 1, 255, 256, 257, 65_535, 65_536, 70_000];

/// What a static export holds: files by path, and nothing for any other path.
#[derive(Default)]
struct Files(BTreeMap<TilePath, Vec<u8>>);

impl TileReader for Files {
    type Error = MissingTile;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, MissingTile> {
        let missing = MissingTile {
            level,
            index,
            width,
        };
        let path = TilePath::new(level, index, width).map_err(|_| missing.clone())?;
        self.0.get(&path).cloned().ok_or(missing)
    }
}

impl Files {
    /// Appends leaves and keeps, as a database does, one version of each tile: the longest.
    fn append(&mut self, old_size: u64, added: u64) {
        let new: Vec<_> = (old_size..old_size + added).map(leaf).collect();
        for tile in tiles_after_append(self, old_size, &new).unwrap() {
            let place = (tile.level(), tile.index());
            self.0
                .retain(|path, _| (path.level(), path.index()) != place);
            self.0.insert(tile.path(), tile.to_bytes());
        }
    }
}

/// Files of exactly one size, copied out of a tree in memory.
fn export(tiles: &MemoryTiles, size: u64) -> Files {
    let read = |path: TilePath| {
        tiles
            .tile(path.level(), path.index(), path.width())
            .unwrap()
    };
    Files(
        tiles_for_size(size)
            .map(|path| (path, read(path)))
            .collect(),
    )
}

#[test]
fn the_tiles_of_a_size_carry_its_tree_and_are_all_needed() {
    let all: MemoryTiles = leaves(70_000).into_iter().collect();
    assert_eq!(all.size(), 70_000);
    for size in SIZES {
        let mut files = export(&all, size);
        let edge: Edge = leaves(size).into_iter().collect();
        assert_eq!(root(&files, size).unwrap(), edge.root(), "{size}");
        assert_eq!(Prover::new(&files, size).edge().unwrap(), edge, "{size}");
        let partial = files.0.keys().find(|path| !path.is_full()).copied();
        if let Some(path) = partial {
            files.0.remove(&path);
            assert!(
                matches!(root(&files, size), Err(ReadError::Reader { .. })),
                "{size}"
            );
        }
    }
}

#[test]
fn appending_in_any_steps_gives_the_tiles_of_the_new_size() {
    let all: MemoryTiles = leaves(70_000).into_iter().collect();
    for steps in [
        vec![0, 1, 1, 253, 1, 1, 3],
        vec![256, 256],
        vec![1000, 24, 0, 5],
        vec![65_535, 1, 1],
        vec![65_000, 5_000],
    ] {
        let mut files = Files::default();
        let mut size = 0;
        for added in steps {
            files.append(size, added);
            size += added;
            assert_eq!(files.0, export(&all, size).0, "{added} to {size}");
        }
    }
}

#[test]
fn appending_writes_only_what_changes() {
    let mut files = Files::default();
    files.append(0, 65_535);
    let paths = |count: u64| {
        let new: Vec<_> = (65_535..65_535 + count).map(leaf).collect();
        let tiles = tiles_after_append(&files, 65_535, &new).unwrap();
        tiles
            .iter()
            .map(|tile| tile.path().path())
            .collect::<Vec<_>>()
    };
    assert!(paths(0).is_empty());
    assert_eq!(paths(1), ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]);
    assert_eq!(
        paths(3),
        [
            "tile/0/255",
            "tile/0/256.p/2",
            "tile/1/000",
            "tile/2/000.p/1"
        ]
    );
}

#[test]
fn proofs_from_the_files_of_a_size_verify() {
    let all: MemoryTiles = leaves(70_000).into_iter().collect();
    for size in SIZES.into_iter().filter(|size| *size > 0) {
        let files = export(&all, size);
        let new_root = root(&files, size).unwrap();
        for index in [0, 1, 255, 256, size / 2, size - 1]
            .into_iter()
            .filter(|i| *i < size)
        {
            let proof = inclusion_proof(&files, index, size).unwrap();
            assert_eq!(
                verify_inclusion(&leaf(index), index, size, &proof, &new_root),
                Ok(())
            );
        }
        for old in SIZES.into_iter().filter(|old| (1..=size).contains(old)) {
            let proof = consistency_proof(&files, old, size).unwrap();
            let old_root = root(&all, old).unwrap();
            let old = NonZeroU64::new(old).unwrap();
            assert_eq!(
                verify_consistency(old, size, &proof, &old_root, &new_root),
                Ok(())
            );
        }
    }
}

/// Returns one byte too few.
struct Truncating(MemoryTiles);

impl TileReader for Truncating {
    type Error = MissingTile;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, MissingTile> {
        let mut bytes = self.0.tile(level, index, width)?;
        bytes.pop();
        Ok(bytes)
    }
}

#[test]
fn a_tile_of_another_length_is_refused() {
    let reader = Truncating(leaves(5).into_iter().collect());
    assert!(matches!(
        root(&reader, 5),
        Err(ReadError::Length {
            width: 5,
            got: 159,
            ..
        })
    ));
    assert!(matches!(
        tiles_after_append(&reader, 5, &[leaf(5)]),
        Err(AppendError::Read(ReadError::Length { .. }))
    ));
}

#[test]
fn sizes_beyond_every_log_are_refused_and_do_not_overflow() {
    let tiles: MemoryTiles = leaves(5).into_iter().collect();
    for size in [6, MAX_TREE_SIZE, MAX_TREE_SIZE + 1, u64::MAX] {
        assert!(
            matches!(root(&tiles, size), Err(ReadError::Reader { .. })),
            "{size}"
        );
        assert!(
            matches!(inclusion_proof(&tiles, 0, size), Err(ProveError::Read(_))),
            "{size}"
        );
        assert!(
            matches!(consistency_proof(&tiles, 1, size), Err(ProveError::Read(_))),
            "{size}"
        );
    }
    for old_size in [MAX_TREE_SIZE, u64::MAX] {
        assert!(matches!(
            tiles_after_append(&tiles, old_size, &[leaf(0)]),
            Err(AppendError::TooLarge { added: 1, .. })
        ));
    }
}
