//! Whoever adds a dependency says in `docs/dependencies.md` under which licence and why.

use std::collections::BTreeSet;

use super::tree::Tree;
use super::{Finding, markdown};
use crate::cargo::Workspace;

const DOCUMENT: &str = "docs/dependencies.md";

/// Compares the table with the manifests, both ways.
pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(DOCUMENT) else {
        return vec![Finding::new(DOCUMENT, "is missing")];
    };
    let rows: BTreeSet<&str> = rows(text).collect();
    let mut used: BTreeSet<&str> = declared(tree.text("Cargo.toml").unwrap_or_default()).collect();
    let edges = workspace
        .packages
        .iter()
        .flat_map(|package| &package.dependencies);
    used.extend(
        edges
            .filter(|edge| !edge.ours)
            .map(|edge| edge.name.as_str()),
    );

    let absent = used
        .difference(&rows)
        .map(|name| format!("has no row for {name}"));
    let stale = rows
        .difference(&used)
        .map(|name| format!("has a row for {name}, which is unused"));
    absent
        .chain(stale)
        .map(|message| Finding::new(DOCUMENT, message))
        .collect()
}

/// The crates the table has a row for.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    markdown::prose(text)
        .filter_map(|(_, line)| markdown::first_cell(line))
        .filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`'))
}

/// The crates under `[workspace.dependencies]` that are not ours.
fn declared(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#') && !line.contains("path ="))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::{lines, package, workspace};
    use crate::tidy::tree::Tree;

    const MANIFEST: &str = "\
[workspace.dependencies]
breakglass-tlog = { path = \"crates/breakglass-tlog\" }

# Hashes.
sha2 = \"0.11\"
hpke = { version = \"0.15\" }

[workspace.lints.rust]
unsafe_code = \"forbid\"
";

    fn found(document: &str, dependencies: &[&str]) -> Vec<String> {
        let tree = Tree::of(&[("Cargo.toml", MANIFEST), ("docs/dependencies.md", document)]);
        lines(&check(&workspace(vec![package("a", dependencies)]), &tree))
    }

    #[test]
    fn a_row_for_each_dependency_is_enough() {
        let document = "| crate | licence |\n|---|---|\n| `hpke` | MIT |\n| `sha2` | MIT |\n";
        assert!(found(document, &["sha2", "breakglass-tlog"]).is_empty());
    }

    #[test]
    fn missing_and_stale_rows_are_found() {
        let document = "| `hpke` | MIT |\n| `rand` | MIT |\n";
        let expected = [
            "docs/dependencies.md: has no row for leftpad",
            "docs/dependencies.md: has no row for sha2",
            "docs/dependencies.md: has a row for rand, which is unused",
        ];
        assert_eq!(found(document, &["leftpad"]), expected);
    }
}
