//! The golden files of the other crates, as documents to begin from.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder beside this crate.
pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files of a folder whose name ends so, in the order of their names.
pub(crate) fn files(path: &str, extension: &str) -> Vec<Vec<u8>> {
    let all = fs::read_dir(folder(path)).unwrap();
    let wanted = all
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension));
    let mut paths: Vec<PathBuf> = wanted.collect();
    paths.sort();
    assert!(!paths.is_empty(), "no .{extension} in {path}");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}
