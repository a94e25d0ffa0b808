//! The files of the repository as they lie in the working tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Every file and folder by its path from the root, with the text of those the checks read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Walks the working tree, leaving out git's folder and the target folder.
    pub(super) fn read(root: &Path, target: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for path in children(&folder)? {
                if path.is_dir() && !path.is_symlink() {
                    if path.ends_with(".git") || path == target || path == root.join("target") {
                        continue;
                    }
                    folders.push(path.clone());
                }
                tree.entries.insert(relative(root, &path), text(&path)?);
            }
        }
        Ok(tree)
    }

    /// A tree of these files, for tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let entry = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Self {
            entries: files.iter().map(entry).collect(),
        }
    }

    /// Whether there is a file or folder at this path from the root.
    pub(super) fn contains(&self, path: &str) -> bool {
        path.is_empty() || self.entries.contains_key(path)
    }

    /// The text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.entries.get(path)?.as_deref()
    }

    /// The paths directly in the root.
    pub(super) fn root_entries(&self) -> impl Iterator<Item = &str> {
        self.entries
            .keys()
            .map(String::as_str)
            .filter(|path| !path.contains('/'))
    }

    /// Path and text of the Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_extension(".rs")
    }

    /// Path and text of the documents.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_extension(".md")
    }

    fn with_extension(&self, extension: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter(move |(path, _)| path.ends_with(extension))
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder))?;
    entries
        .map(|entry| Ok(entry.map_err(Error::file(folder))?.path()))
        .collect()
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

/// The text of the kinds of files that are checked.
fn text(path: &Path) -> Result<Option<String>, Error> {
    let kind = path.extension().and_then(|extension| extension.to_str());
    match kind {
        Some("rs" | "md" | "toml") if path.is_file() => std::fs::read_to_string(path)
            .map(Some)
            .map_err(Error::file(path)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn the_working_tree_is_walked_without_git_and_target() {
        let root = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        for folder in [".git", "target/debug", "docs/spec"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
            std::fs::write(root.join(folder).join("a.md"), "text").unwrap();
        }
        let tree = Tree::read(&root, &root.join("target")).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        let documents: Vec<_> = tree.documents().collect();
        assert_eq!(documents, [("docs/spec/a.md", "text")]);
        assert!(tree.contains("docs/spec") && !tree.contains(".git"));
        assert_eq!(tree.root_entries().collect::<Vec<_>>(), ["docs"]);
    }
}
