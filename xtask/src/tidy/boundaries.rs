//! Which crate of ours may depend on which. What is not listed is forbidden.

use super::Finding;
use crate::cargo::{Dependency, Package};

/// A crate, and the crates of ours it may depend on.
type Row = (&'static str, &'static [&'static str]);

/// The whole table; the drawing of it is in `ARCHITECTURE.md`.
const ALLOWED: &[Row] = &[
    ("breakglass-format", &[]),
    ("breakglass-tlog", &[]),
    ("breakglass-seal", &[]),
    ("breakglass-statement", &["breakglass-format"]),
    (
        "breakglass-core",
        &["breakglass-format", "breakglass-statement"],
    ),
    (
        "breakglass-store",
        &["breakglass-format", "breakglass-tlog"],
    ),
    ("breakglass-connectors", &["breakglass-format"]),
    ("breakglass-sinks", &["breakglass-format"]),
    ("breakglass-api", &["breakglass-format", "breakglass-tlog"]),
    // Not core: verify derives quorum, times and obligations a second time, independently.
    (
        "breakglass-verify",
        &[
            "breakglass-format",
            "breakglass-statement",
            "breakglass-tlog",
        ],
    ),
    (
        "breakglass-server",
        &[
            "breakglass-core",
            "breakglass-store",
            "breakglass-connectors",
            "breakglass-sinks",
            "breakglass-statement",
            "breakglass-seal",
            "breakglass-tlog",
            "breakglass-api",
            "breakglass-format",
        ],
    ),
    (
        "breakglass",
        &[
            "breakglass-server",
            "breakglass-verify",
            "breakglass-api",
            "breakglass-statement",
            "breakglass-seal",
            "breakglass-tlog",
            "breakglass-format",
            "breakglass-sinks",
            "breakglass-connectors",
            // A witness keeps what it cosigned as the server keeps its mark.
            "breakglass-store",
        ],
    ),
];

/// Crates that may use every other one and that none may use, but for its tests.
const OUTSIDE: &[&str] = &["breakglass-testkit", "breakglass-fuzz", "xtask"];

/// Looks for edges that the table does not have. Dev-dependencies are free.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = packages.iter().flat_map(forbidden_edges).collect();
    let names = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .chain(OUTSIDE.iter().copied());
    let gone = names.filter(|name| packages.iter().all(|package| package.name != *name));
    findings
        .extend(gone.map(|name| Finding::new(name, "is in the table but not in the workspace")));
    findings
}

fn forbidden_edges(package: &Package) -> Vec<Finding> {
    let name = package.name.as_str();
    if OUTSIDE.contains(&name) {
        return Vec::new();
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(row, _)| *row == name) else {
        return vec![Finding::new(
            name,
            "is in the workspace but not in the table",
        )];
    };
    let forbidden =
        |edge: &&Dependency| edge.ours && !edge.dev && !allowed.contains(&edge.name.as_str());
    let message = |edge: &Dependency| format!("may not depend on {}", edge.name);
    let edges = package.dependencies.iter().filter(forbidden);
    edges
        .map(|edge| Finding::new(name, message(edge)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, OUTSIDE, check};
    use crate::cargo::Package;
    use crate::tidy::samples::{dev, lines, package};

    /// The workspace as the table allows it.
    fn packages() -> Vec<Package> {
        let listed = ALLOWED.iter().map(|(name, allowed)| package(name, allowed));
        listed
            .chain(
                OUTSIDE
                    .iter()
                    .map(|name| package(name, &["breakglass-core"])),
            )
            .collect()
    }

    fn replace(with: Package) -> Vec<Package> {
        let others = packages()
            .into_iter()
            .filter(|package| package.name != with.name);
        others.chain([with.clone()]).collect()
    }

    #[test]
    fn the_table_itself_is_allowed() {
        assert!(check(&packages()).is_empty());
    }

    #[test]
    fn any_other_edge_is_found() {
        let found = check(&replace(package("breakglass-verify", &["breakglass-core"])));
        assert_eq!(
            lines(&found),
            ["breakglass-verify: may not depend on breakglass-core"]
        );
        let found = check(&replace(package("breakglass", &["breakglass-testkit"])));
        assert_eq!(
            lines(&found),
            ["breakglass: may not depend on breakglass-testkit"]
        );
    }

    #[test]
    fn tests_may_use_the_test_kit() {
        let mut tested = package("breakglass-tlog", &["sha2"]);
        tested.dependencies.push(dev("breakglass-testkit"));
        assert!(check(&replace(tested)).is_empty());
    }

    #[test]
    fn table_and_workspace_name_the_same_crates() {
        let mut packages = replace(package("breakglass-helpers", &[]));
        packages.retain(|package| package.name != "breakglass-seal");
        let found = lines(&check(&packages));
        assert_eq!(
            found,
            [
                "breakglass-helpers: is in the workspace but not in the table",
                "breakglass-seal: is in the table but not in the workspace",
            ]
        );
    }
}
