//! The shop itself: releases, the link to the one that is served, and the rollbacks so far.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::file::{self, FileError, io_error};

/// The release that a new shop serves.
const CURRENT: &str = "2.4.1";
/// The releases of a new shop.
const RELEASES: [(&str, u16, &str); 4] = [
    ("2.4.0", 200, "shop is open"),
    (
        "2.4.1",
        500,
        "checkout is broken: every payment fails since release 2.4.1",
    ),
    ("2.4.2", 200, "shop is open, and refuses the crafted cookie"),
    ("2.4.3", 200, "shop is open, with today's prices"),
];

/// The longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// What a release answers to whoever visits the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The HTTP status.
    pub(super) status: u16,
    /// The text.
    pub(super) text: String,
}

/// The release that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    /// Its version.
    pub(super) version: String,
    /// Its page.
    pub(super) page: Page,
}

/// An idempotency key: one that is a file name, whatever a caller would like it to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not 1 to 64 of `a`–`z`, `0`–`9` and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAKey;

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAKey)
        }
    }
}

/// A rollback that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    /// Who asked for it.
    pub(super) account: String,
    /// The release before it.
    pub(super) from: String,
    /// The release that was asked for.
    pub(super) to: String,
    /// Whether the link was switched.
    pub(super) done: bool,
}

/// What became of a wish to roll back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It was done now.
    Now,
    /// This key did it before.
    Before,
    /// This key did something else before.
    KeyReused,
    /// There is no such release.
    UnknownRelease,
}

/// The shop's folder.
#[derive(Debug)]
pub(super) struct Site {
    dir: PathBuf,
}

impl Site {
    /// Makes a new shop.
    pub(super) fn create(dir: &Path) -> Result<Self, FileError> {
        let site = Self {
            dir: dir.to_owned(),
        };
        file::folder(&site.operations())?;
        for (version, status, text) in RELEASES {
            file::folder(&site.releases().join(version))?;
            let text = text.to_owned();
            file::write_json(&site.page_path(version), &Page { status, text })?;
        }
        site.switch(CURRENT)?;
        Ok(site)
    }

    /// Opens a shop, and finishes the rollback that a killed process had begun.
    pub(super) fn open(dir: &Path) -> Result<Self, FileError> {
        let site = Self {
            dir: dir.to_owned(),
        };
        for name in names(&site.operations())? {
            let key = name.strip_suffix(".json").and_then(|key| key.parse().ok());
            let Some(key) = key else { continue };
            if let Some(operation) = site.operation(&key)?
                && !operation.done
            {
                site.perform(&key, operation)?;
            }
        }
        Ok(site)
    }

    /// What is served now.
    pub(super) fn current(&self) -> Result<Release, FileError> {
        let version = self.current_version()?;
        let path = self.page_path(&version);
        match file::read_json(&path)? {
            Some(page) => Ok(Release { version, page }),
            None => Err(FileError::Damaged {
                path,
                detail: "the current release has no page",
            }),
        }
    }

    /// The versions that can be served, in the order of their names.
    pub(super) fn versions(&self) -> Result<Vec<String>, FileError> {
        names(&self.releases())
    }

    /// The operation of a key.
    pub(super) fn operation(&self, key: &Key) -> Result<Option<Operation>, FileError> {
        file::read_json(&self.operation_path(key))
    }

    /// Rolls back, once per key. The intent is durable before the link is switched, so that
    /// whoever looks the key up afterwards is told the truth.
    pub(super) fn roll_back(
        &self,
        key: &Key,
        account: &str,
        to: &str,
    ) -> Result<Accepted, FileError> {
        if let Some(operation) = self.operation(key)? {
            let same = operation.to == to && operation.account == account;
            return Ok(if same {
                Accepted::Before
            } else {
                Accepted::KeyReused
            });
        }
        if !self.versions()?.iter().any(|version| version == to) {
            return Ok(Accepted::UnknownRelease);
        }
        let operation = Operation {
            account: account.to_owned(),
            from: self.current_version()?,
            to: to.to_owned(),
            done: false,
        };
        file::write_json(&self.operation_path(key), &operation)?;
        self.perform(key, operation)?;
        Ok(Accepted::Now)
    }

    fn perform(&self, key: &Key, operation: Operation) -> Result<(), FileError> {
        self.switch(&operation.to)?;
        let done = Operation {
            done: true,
            ..operation
        };
        file::write_json(&self.operation_path(key), &done)
    }

    fn switch(&self, version: &str) -> Result<(), FileError> {
        file::link(&self.link_path(), &Path::new("releases").join(version))
    }

    fn current_version(&self) -> Result<String, FileError> {
        let path = self.link_path();
        let to = fs::read_link(&path).map_err(io_error("read", &path))?;
        let version = to.file_name().and_then(|name| name.to_str());
        version.map(str::to_owned).ok_or(FileError::Damaged {
            path,
            detail: "it does not lead to a release",
        })
    }

    fn releases(&self) -> PathBuf {
        self.dir.join("releases")
    }

    fn operations(&self) -> PathBuf {
        self.dir.join("operations")
    }

    fn link_path(&self) -> PathBuf {
        self.dir.join("current")
    }

    fn page_path(&self, version: &str) -> PathBuf {
        self.releases().join(version).join("page.json")
    }

    fn operation_path(&self, key: &Key) -> PathBuf {
        self.operations().join(format!("{}.json", key.as_str()))
    }
}

fn names(folder: &Path) -> Result<Vec<String>, FileError> {
    let entries = fs::read_dir(folder).map_err(io_error("read", folder))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("read", folder))?;
        // A name that is not text is none of ours.
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}
