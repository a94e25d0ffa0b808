//! `unsafe_code = "forbid"` and the other lints hold in a crate only if it inherits them.

use super::Finding;
use super::tree::Tree;
use crate::cargo::{Package, Workspace};

/// Looks for manifests without `[lints] workspace = true`, and at the root for the ban itself.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let manifest = |package: &Package| {
        let path = package
            .manifest
            .strip_prefix(&workspace.root)
            .unwrap_or(&package.manifest);
        path.to_string_lossy().into_owned()
    };
    let mut findings: Vec<Finding> = workspace
        .packages
        .iter()
        .map(manifest)
        .filter(|path| !has_line(tree, path, "[lints]", "workspace = true"))
        .map(|path| Finding::new(path, "does not inherit the lints of the workspace"))
        .collect();
    if !has_line(
        tree,
        "Cargo.toml",
        "[workspace.lints.rust]",
        "unsafe_code = \"forbid\"",
    ) {
        findings.push(Finding::new("Cargo.toml", "does not forbid unsafe code"));
    }
    findings
}

/// Whether the manifest has that line in the section with that heading.
fn has_line(tree: &Tree, path: &str, section: &str, line: &str) -> bool {
    let text = tree.text(path).unwrap_or_default();
    let after_heading = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != section)
        .skip(1);
    after_heading
        .take_while(|line| !line.starts_with('['))
        .any(|found| found == line)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::{lines, package, workspace};
    use crate::tidy::tree::Tree;

    const ROOT: (&str, &str) = (
        "Cargo.toml",
        "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nunused = \"warn\"\n",
    );

    #[test]
    fn a_crate_that_does_not_inherit_is_found() {
        let tree = Tree::of(&[
            ROOT,
            (
                "crates/a/Cargo.toml",
                "[lints]\nworkspace = true\n\n[dependencies]\n",
            ),
            (
                "crates/b/Cargo.toml",
                "[lints]\n\n[dependencies.c]\nworkspace = true\n",
            ),
        ]);
        let workspace = workspace(vec![package("a", &[]), package("b", &[])]);
        let expected = "crates/b/Cargo.toml: does not inherit the lints of the workspace";
        assert_eq!(lines(&check(&workspace, &tree)), [expected]);
    }

    #[test]
    fn the_ban_on_unsafe_code_must_be_there() {
        let tree = Tree::of(&[(
            "Cargo.toml",
            "[workspace.lints.rust]\nunsafe_code = \"warn\"\n",
        )]);
        let found = check(&workspace(Vec::new()), &tree);
        assert_eq!(lines(&found), ["Cargo.toml: does not forbid unsafe code"]);
    }
}
