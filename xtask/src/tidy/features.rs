//! `danger-assertion` lets a caller make `Verified…` values without signatures. Only the test kit
//! may enable it, so that no program with it on is ever built to be used.

use super::Finding;
use crate::cargo::Package;

const FEATURE: &str = "danger-assertion";
const OWNER: &str = "breakglass-statement";
const USER: &str = "breakglass-testkit";

/// Looks for crates that enable the feature, outright or through a feature of their own.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let others = packages.iter().filter(|package| package.name != USER);
    others
        .filter(|package| enables(package))
        .map(|package| Finding::new(&package.name, format!("may not enable {OWNER}/{FEATURE}")))
        .collect()
}

fn enables(package: &Package) -> bool {
    let outright = package
        .dependencies
        .iter()
        .any(|edge| edge.name == OWNER && edge.features.iter().any(|name| name == FEATURE));
    outright
        || package
            .features
            .iter()
            .any(|(name, enabled)| through(package, name, enabled))
}

/// Whether a feature passes the danger on. The owner may define it, but nothing there may imply it.
fn through(package: &Package, name: &str, enabled: &[String]) -> bool {
    enabled.iter().any(|enabled| {
        let target = enabled.rsplit('/').next().unwrap_or(enabled);
        let its_own = package.name == OWNER && name == FEATURE;
        target == FEATURE && !its_own
    })
}

#[cfg(test)]
mod tests {
    use super::{check, enables};
    use crate::cargo::Package;
    use crate::tidy::samples::{dependency, lines, package};

    fn enabling(name: &str) -> Package {
        let mut edge = dependency("breakglass-statement");
        edge.features.push("danger-assertion".to_owned());
        let mut package = package(name, &[]);
        package.dependencies.push(edge);
        package
    }

    fn with_feature(name: &str, feature: &str, enables: &[&str]) -> Package {
        let mut package = package(name, &["breakglass-statement"]);
        let enables = enables.iter().map(|name| (*name).to_owned()).collect();
        package.features.insert(feature.to_owned(), enables);
        package
    }

    #[test]
    fn only_the_test_kit_may_enable_it() {
        let found = check(&[enabling("breakglass-testkit"), enabling("breakglass-core")]);
        let expected = "breakglass-core: may not enable breakglass-statement/danger-assertion";
        assert_eq!(lines(&found), [expected]);
    }

    #[test]
    fn a_feature_that_passes_it_on_is_found() {
        let passed_on = ["breakglass-statement/danger-assertion"];
        assert!(enables(&with_feature(
            "breakglass-server",
            "fast",
            &passed_on
        )));
        assert!(enables(&with_feature(
            "breakglass-statement",
            "default",
            &["danger-assertion"]
        )));
    }

    #[test]
    fn the_owner_may_define_it() {
        assert!(!enables(&with_feature(
            "breakglass-statement",
            "danger-assertion",
            &[]
        )));
    }
}
