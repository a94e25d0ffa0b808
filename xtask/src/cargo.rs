//! Running cargo, and what `cargo metadata` says about this workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::Error;

/// The workspace as declared by its manifests; no dependency is resolved, so no network is used.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// A dependency as a member declares it, inherited keys included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Declared under `[dev-dependencies]`.
    pub(crate) dev: bool,
    /// A path dependency, which in this workspace means a crate of ours.
    pub(crate) ours: bool,
    pub(crate) features: Vec<String>,
}

impl Package {
    /// The folder of the package.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(&self.manifest)
    }
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder.
    pub(crate) fn load() -> Result<Self, Error> {
        let output = command()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(Error::spawn("cargo metadata"))?;
        if !output.status.success() {
            return Err(Error::MetadataFailed);
        }
        let json = serde_json::from_slice(&output.stdout).map_err(Error::MetadataJson)?;
        Self::from_json(&json)
    }

    fn from_json(json: &Value) -> Result<Self, Error> {
        let packages = array(json, "packages")?;
        Ok(Self {
            root: text(json, "workspace_root")?.into(),
            target: text(json, "target_directory")?.into(),
            packages: packages.iter().map(package).collect::<Result<_, _>>()?,
        })
    }

    /// A cargo command in the root of the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = command();
        cargo.current_dir(&self.root);
        cargo
    }
}

/// The cargo that started us, without the variables it set for us: they describe `xtask`, and
/// build scripts that watch them would run again for nothing.
fn command() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let about_us = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if about_us {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn package(json: &Value) -> Result<Package, Error> {
    let dependencies = array(json, "dependencies")?;
    let features = json.get("features").and_then(Value::as_object);
    let features = features.ok_or(Error::MetadataField("features"))?;
    Ok(Package {
        name: text(json, "name")?.to_owned(),
        version: text(json, "version")?.to_owned(),
        manifest: text(json, "manifest_path")?.into(),
        dependencies: dependencies
            .iter()
            .map(dependency)
            .collect::<Result<_, _>>()?,
        features: features
            .iter()
            .map(|(name, enables)| (name.clone(), texts(enables)))
            .collect(),
    })
}

fn dependency(json: &Value) -> Result<Dependency, Error> {
    Ok(Dependency {
        name: text(json, "name")?.to_owned(),
        dev: json.get("kind").and_then(Value::as_str) == Some("dev"),
        ours: json.get("path").is_some_and(Value::is_string),
        features: json.get("features").map(texts).unwrap_or_default(),
    })
}

fn text<'a>(json: &'a Value, field: &'static str) -> Result<&'a str, Error> {
    json.get(field)
        .and_then(Value::as_str)
        .ok_or(Error::MetadataField(field))
}

fn array<'a>(json: &'a Value, field: &'static str) -> Result<&'a Vec<Value>, Error> {
    json.get(field)
        .and_then(Value::as_array)
        .ok_or(Error::MetadataField(field))
}

fn texts(json: &Value) -> Vec<String> {
    let values = json.as_array().map(Vec::as_slice).unwrap_or_default();
    values
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Dependency, Workspace};
    use crate::error::Error;
    use serde_json::json;

    #[test]
    fn metadata_becomes_a_workspace() {
        let workspace = Workspace::from_json(&json!({
            "workspace_root": "/w",
            "target_directory": "/w/target",
            "packages": [{
                "name": "a",
                "version": "0.1.0",
                "manifest_path": "/w/crates/a/Cargo.toml",
                "features": { "danger-x": ["b/danger-x"] },
                "dependencies": [
                    { "name": "b", "kind": null, "path": "/w/crates/b", "features": ["f"] },
                    { "name": "proptest", "kind": "dev", "features": [] },
                ],
            }],
        }))
        .unwrap();
        let package = &workspace.packages[0];
        assert_eq!(package.folder(), std::path::Path::new("/w/crates/a"));
        assert_eq!(package.features["danger-x"], ["b/danger-x"]);
        let expected = Dependency {
            name: "b".to_owned(),
            dev: false,
            ours: true,
            features: vec!["f".to_owned()],
        };
        assert_eq!(package.dependencies[0], expected);
        assert!(package.dependencies[1].dev && !package.dependencies[1].ours);
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = Workspace::from_json(&json!({ "packages": [] })).unwrap_err();
        assert!(
            matches!(error, Error::MetadataField("workspace_root")),
            "{error}"
        );
    }
}
