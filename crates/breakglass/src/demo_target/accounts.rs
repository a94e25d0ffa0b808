//! Who may do something to the shop.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    file::{self, FileError},
    password::PasswordHash,
    secret::Secret,
};

/// The accounts, all in one file, so that a change of one is a change of the file.
#[derive(Debug)]
pub(super) struct Accounts {
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    accounts: BTreeMap<String, PasswordHash>,
}

impl Accounts {
    /// Kept in this file.
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Gives an account a password, whether or not it has one.
    pub(super) fn set(&self, account: &str, password: &Secret) -> Result<(), FileError> {
        let mut document = self.read()?;
        let hash = PasswordHash::new(password)?;
        document.accounts.insert(account.to_owned(), hash);
        file::write_json(&self.path, &document)
    }

    /// Whether this is the account's password. An unknown account takes as long as a known one.
    pub(super) fn accept(&self, account: &str, password: &Secret) -> Result<bool, FileError> {
        let document = self.read()?;
        Ok(match document.accounts.get(account) {
            Some(hash) => hash.matches(password),
            None => PasswordHash::of_nothing().matches(password),
        })
    }

    fn read(&self) -> Result<Document, FileError> {
        Ok(file::read_json(&self.path)?.unwrap_or_default())
    }
}
