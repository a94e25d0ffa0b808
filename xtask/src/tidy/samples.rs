//! Small inputs for the unit tests of the checks.

use std::collections::BTreeMap;

use super::Finding;
use crate::cargo::{Dependency, Package, Workspace};

/// A package with these normal dependencies; those named `breakglass…` or `xtask` are ours.
pub(super) fn package(name: &str, dependencies: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        manifest: format!("/w/crates/{name}/Cargo.toml").into(),
        dependencies: dependencies.iter().map(|name| dependency(name)).collect(),
        features: BTreeMap::new(),
    }
}

/// A normal dependency.
pub(super) fn dependency(name: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        dev: false,
        ours: name.starts_with("breakglass") || name == "xtask",
        features: Vec::new(),
    }
}

/// The same as a dev-dependency.
pub(super) fn dev(name: &str) -> Dependency {
    Dependency {
        dev: true,
        ..dependency(name)
    }
}

/// A workspace of these packages, rooted at `/w`.
pub(super) fn workspace(packages: Vec<Package>) -> Workspace {
    Workspace {
        root: "/w".into(),
        target: "/w/target".into(),
        packages,
    }
}

/// The findings as a person reads them.
pub(super) fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
