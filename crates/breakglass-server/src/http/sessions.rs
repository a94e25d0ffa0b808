//! Reading sessions: the right to read for a while, and nothing else.
//!
//! A token opens no handler that changes anything, because those take statements; a stolen token
//! therefore obtains no secret and changes nothing. The server keeps only its hash.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_format::{Digest, Fingerprint, PersonId, Timestamp};

/// Sessions held at most; the oldest end first.
const SESSIONS_MAX: usize = 10_000;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) person: PersonId,
    /// The enrolled key that opened it.
    pub(crate) key: Fingerprint,
    pub(crate) not_after: Timestamp,
}

/// The sessions of this process; a restart ends them all.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_hash: Mutex<HashMap<Digest, Reader>>,
    used: Mutex<HashMap<Digest, Timestamp>>,
}

impl Sessions {
    /// Opens a session for a verified statement, which is accepted once.
    pub(crate) fn open(
        &self,
        statement: Digest,
        reader: Reader,
        secret: [u8; 32],
        now: Timestamp,
    ) -> Option<String> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until > now);
        if used.insert(statement, reader.not_after).is_some() {
            return None;
        }
        let token = URL_SAFE_NO_PAD.encode(secret);
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, r| r.not_after > now);
        if sessions.len() >= SESSIONS_MAX {
            let first = sessions
                .iter()
                .min_by_key(|(_, r)| r.not_after)
                .map(|(d, _)| *d);
            first.and_then(|d| sessions.remove(&d));
        }
        sessions.insert(breakglass_statement::digest(token.as_bytes()), reader);
        Some(token)
    }

    /// Who a token belongs to. Looked up by hash, so that the time it takes tells nothing.
    pub(crate) fn reader(&self, token: &str, now: Timestamp) -> Option<Reader> {
        let hash = breakglass_statement::digest(token.as_bytes());
        let sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&hash).filter(|r| now < r.not_after).cloned()
    }
}
