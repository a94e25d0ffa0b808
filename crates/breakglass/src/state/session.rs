//! The session: a key of the client's own that may sign lesser acts for some hours, and the
//! right to read.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use breakglass_api::wire::{ReadingSession, Signed};
use breakglass_format::{Digest, Principal, Timestamp, statement};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{StateError, file};

/// A session: its key, the statement that certifies it, the reading token.
///
/// Written to its file and to nowhere else; `Debug` shows when it ends.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The key, as an OpenSSH private key file.
    key: SecretFile,
    /// The installation it is for.
    instance: Digest,
    /// Whose it is.
    principal: Principal,
    /// The session statement, signed by the enrolled key.
    pub certificate: Signed,
    /// Until when the key may sign.
    pub not_after: Timestamp,
    token: SecretFile,
    /// Until when the token may read.
    pub reads_until: Timestamp,
}

/// Text that is wiped when dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct SecretFile(String);

impl Session {
    /// Puts a session together.
    #[must_use]
    pub fn new(
        key_file: &str,
        statement: &statement::Session,
        certificate: Signed,
        reading: ReadingSession,
    ) -> Self {
        Self {
            key: SecretFile(key_file.to_owned()),
            instance: statement.instance,
            principal: statement.signer.principal.clone(),
            certificate,
            not_after: statement.not_after,
            token: SecretFile(reading.token),
            reads_until: reading.not_after,
        }
    }

    /// Whether it is this person's at this installation.
    #[must_use]
    pub fn is_of(&self, instance: Digest, principal: &Principal) -> bool {
        self.instance == instance && self.principal == *principal
    }

    /// The content of the session key's file.
    #[must_use]
    pub fn key_file(&self) -> &str {
        &self.key.0
    }

    /// What `Authorization: Bearer` takes. It can read and nothing else.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token.0
    }

    /// Whether the session key may sign at an instant.
    #[must_use]
    pub fn signs_at(&self, at: Timestamp) -> bool {
        at < self.not_after
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The file of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStore {
    path: PathBuf,
}

impl SessionStore {
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The session, where there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn load(&self) -> Result<Option<Session>, StateError> {
        let Some(content) = file::read(&self.path)? else {
            return Ok(None);
        };
        let session = serde_json::from_slice(&content);
        session.map(Some).map_err(|e| self.damaged(&e))
    }

    /// Keeps a session.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn save(&self, session: &Session) -> Result<(), StateError> {
        let content = serde_json::to_vec(session).map_err(|e| self.damaged(&e))?;
        file::write_atomic(&self.path, &Zeroizing::new(content))
    }

    /// Forgets the session.
    ///
    /// # Errors
    ///
    /// The file stays.
    pub fn clear(&self) -> Result<(), StateError> {
        file::remove(&self.path)
    }

    fn damaged(&self, error: &serde_json::Error) -> StateError {
        // Where and what kind only: an error of serde may quote the text, which is secret here.
        StateError::Damaged {
            path: self.path.clone(),
            detail: format!("{:?} in line {}", error.classify(), error.line()),
        }
    }
}

#[cfg(test)]
mod tests {
    use breakglass_format::{Fingerprint, Line, Nonce};

    use super::*;

    fn session() -> Session {
        let certificate = Signed {
            statement: "{}".to_owned(),
            signature: "s".to_owned(),
        };
        let reading = ReadingSession {
            token: "hunter2".to_owned(),
            not_after: Timestamp::EPOCH.plus_s(20),
        };
        let statement = statement::Session {
            kind: statement::Kind::Session,
            authority: statement::AuthorityRef::default(),
            instance: Digest::from_bytes([1; 32]),
            issued_at: Timestamp::EPOCH,
            nonce: Nonce::from_bytes([2; 32]),
            not_after: Timestamp::EPOCH.plus_s(10),
            session_key: Line::default(),
            signer: statement::Signer {
                key: Fingerprint::from_sha256(&[3; 32]),
                person: "per_alice".parse().unwrap(),
                principal: "alice".parse().unwrap(),
            },
        };
        Session::new("KEYFILE", &statement, certificate, reading)
    }

    #[test]
    fn a_session_survives_the_round_trip_and_shows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = SessionStore::at(dir.path().join("session.json"));
        assert!(store.load().unwrap().is_none());
        store.save(&session()).unwrap();
        let session = store.load().unwrap().unwrap();
        assert_eq!(
            (session.key_file(), session.token()),
            ("KEYFILE", "hunter2")
        );
        let (alice, bo) = ("alice".parse().unwrap(), "bo".parse().unwrap());
        assert!(session.is_of(Digest::from_bytes([1; 32]), &alice));
        assert!(!session.is_of(Digest::from_bytes([1; 32]), &bo));
        assert!(!session.is_of(Digest::from_bytes([9; 32]), &alice));
        assert!(session.signs_at(Timestamp::EPOCH.plus_s(9)));
        assert!(!session.signs_at(Timestamp::EPOCH.plus_s(10)));
        let shown = format!("{session:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("KEYFILE"),
            "{shown}"
        );
        store.clear().unwrap();
        assert!(store.load().unwrap().is_none());
    }

    #[test]
    fn a_damaged_file_is_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let store = SessionStore::at(dir.path().join("session.json"));
        file::write_atomic(store.path(), b"{\"token\":\"hunter2\",\"hunter2\":1}").unwrap();
        let error = store.load().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
