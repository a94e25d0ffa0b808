//! One version for all crates, the lockfile committed, and no pinned toolchain: the oldest
//! supported Rust is `rust-version` in the manifest.

use super::Finding;
use super::tree::Tree;
use crate::cargo::Workspace;

/// Looks at versions, `Cargo.lock` and `rust-toolchain` files.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let mut findings = sprawl(workspace);
    if !tree.contains("Cargo.lock") {
        findings.push(Finding::new("Cargo.lock", "is missing"));
    }
    let toolchains = tree
        .root_entries()
        .filter(|path| path.starts_with("rust-toolchain"));
    findings.extend(toolchains.map(|path| Finding::new(path, "pins a toolchain")));
    findings
}

/// Crates whose version differs from that of the first.
fn sprawl(workspace: &Workspace) -> Vec<Finding> {
    let Some(first) = workspace.packages.first() else {
        return Vec::new();
    };
    let others = workspace
        .packages
        .iter()
        .filter(|package| package.version != first.version);
    others
        .map(|package| {
            let message = format!(
                "has version {}, {} has {}",
                package.version, first.name, first.version
            );
            Finding::new(&package.name, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::{lines, package, workspace};
    use crate::tidy::tree::Tree;

    #[test]
    fn a_lockfile_and_one_version_are_fine() {
        let workspace = workspace(vec![package("a", &[]), package("b", &[])]);
        assert!(check(&workspace, &Tree::of(&[("Cargo.lock", "")])).is_empty());
    }

    #[test]
    fn sprawl_a_missing_lockfile_and_a_pinned_toolchain_are_found() {
        let mut other = package("b", &[]);
        other.version = "0.2.0".to_owned();
        let workspace = workspace(vec![package("a", &[]), other]);
        let found = check(&workspace, &Tree::of(&[("rust-toolchain.toml", "")]));
        let expected = [
            "b: has version 0.2.0, a has 0.1.0",
            "Cargo.lock: is missing",
            "rust-toolchain.toml: pins a toolchain",
        ];
        assert_eq!(lines(&found), expected);
    }
}
