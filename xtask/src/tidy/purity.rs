//! The pure crates: time and entropy are arguments there, and nothing reaches outside.

use super::Finding;
use crate::cargo::Package;

const PURE: &[&str] = &[
    "breakglass-core",
    "breakglass-format",
    "breakglass-seal",
    "breakglass-statement",
    "breakglass-tlog",
    "breakglass-verify",
];

const IMPURE: &[&str] = &[
    "axum",
    "getrandom",
    "hyper",
    "rusqlite",
    "rustix",
    "tokio",
    "ureq",
];

/// Looks for direct dependencies, other than of tests, that do what a pure crate must not.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let pure = packages
        .iter()
        .filter(|package| PURE.contains(&package.name.as_str()));
    pure.flat_map(|package| {
        let edges = package.dependencies.iter();
        let impure = edges.filter(|edge| !edge.dev && IMPURE.contains(&edge.name.as_str()));
        impure.map(|edge| Finding::new(&package.name, format!("may not depend on {}", edge.name)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::samples::{dev, lines, package};

    #[test]
    fn a_pure_crate_with_a_runtime_is_found() {
        let packages = [
            package("breakglass-tlog", &["sha2", "tokio"]),
            package("breakglass-server", &["tokio"]),
        ];
        assert_eq!(
            lines(&check(&packages)),
            ["breakglass-tlog: may not depend on tokio"]
        );
    }

    #[test]
    fn its_tests_may_have_entropy() {
        let mut seal = package("breakglass-seal", &["hpke"]);
        seal.dependencies.push(dev("getrandom"));
        assert!(check(&[seal]).is_empty());
    }
}
