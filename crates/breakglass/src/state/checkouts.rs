//! One-time keys: made and kept before a statement that names them is sent, removed once the
//! answer was opened. The same statement posted again gets the same answer.

use std::path::{Path, PathBuf};

use breakglass_format::{Digest, GrantId};
use breakglass_seal::OneTimeKey;
use serde::{Deserialize, Serialize};

use super::{StateError, file};

/// A checkout that was signed and whose answer has not been opened yet.
#[derive(Debug)]
pub struct PendingCheckout {
    /// The statement, as it was signed.
    pub statement: String,
    /// Its armoured signature.
    pub signature: String,
    /// The key that the answer is sealed to.
    pub key: OneTimeKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    statement: String,
    signature: String,
}

/// The directory of one-time keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkouts {
    dir: PathBuf,
}

impl Checkouts {
    pub(super) fn in_dir(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Keeps a checkout before it is posted.
    ///
    /// # Errors
    ///
    /// It cannot be written; then it must not be posted.
    pub fn keep(&self, grant: &GrantId, checkout: &PendingCheckout) -> Result<(), StateError> {
        let posted = Posted {
            statement: checkout.statement.clone(),
            signature: checkout.signature.clone(),
        };
        let path = self.posted(grant);
        let text = serde_json::to_vec(&posted).map_err(|e| damaged(&path, &e.to_string()))?;
        // The key first: a statement without its key would be of no use.
        file::write_atomic(&self.key(grant), &checkout.key.to_file())?;
        file::write_atomic(&path, &text)
    }

    /// The checkout of a grant whose answer was lost, where there is one.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    pub fn pending(&self, grant: &GrantId) -> Result<Option<PendingCheckout>, StateError> {
        let path = self.posted(grant);
        let (Some(text), Some(key)) = (file::read(&path)?, file::read(&self.key(grant))?) else {
            return Ok(None);
        };
        let posted: Posted =
            serde_json::from_slice(&text).map_err(|e| damaged(&path, &e.to_string()))?;
        let key =
            OneTimeKey::from_file(&key).map_err(|e| damaged(&self.key(grant), &e.to_string()))?;
        Ok(Some(PendingCheckout {
            statement: posted.statement,
            signature: posted.signature,
            key,
        }))
    }

    /// Forgets a checkout: its answer was opened, or it was refused.
    ///
    /// # Errors
    ///
    /// Its files stay.
    pub fn forget(&self, grant: &GrantId) -> Result<(), StateError> {
        file::remove(&self.posted(grant))?;
        file::remove(&self.key(grant))
    }

    /// Keeps the one-time key that a request names, under the request's digest.
    ///
    /// # Errors
    ///
    /// It cannot be written; then the request must not be posted.
    pub fn keep_request(&self, request: &Digest, key: &OneTimeKey) -> Result<(), StateError> {
        let path = self.dir.join(format!("request-{}.key", request.hex()));
        file::write_atomic(&path, &key.to_file())
    }

    fn posted(&self, grant: &GrantId) -> PathBuf {
        self.dir.join(format!("checkout-{grant}.json"))
    }

    fn key(&self, grant: &GrantId) -> PathBuf {
        self.dir.join(format!("checkout-{grant}.key"))
    }
}

fn damaged(path: &Path, detail: &str) -> StateError {
    StateError::Damaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_format::Timestamp;

    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_checkout_is_kept_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let checkouts = Checkouts::in_dir(dir.path());
        let grant = GrantId::new(Timestamp::EPOCH, [1; 10]);
        assert!(checkouts.pending(&grant).unwrap().is_none());
        let key = OneTimeKey::generate(&mut SystemEntropy).unwrap();
        let public = key.public_key();
        let checkout = PendingCheckout {
            statement: "text".to_owned(),
            signature: "armour".to_owned(),
            key,
        };
        checkouts.keep(&grant, &checkout).unwrap();
        let pending = checkouts.pending(&grant).unwrap().unwrap();
        assert_eq!(pending.statement, "text");
        assert_eq!(pending.key.public_key(), public);
        checkouts.forget(&grant).unwrap();
        assert!(checkouts.pending(&grant).unwrap().is_none());
    }
}
