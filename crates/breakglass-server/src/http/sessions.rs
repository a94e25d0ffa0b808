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

/// Sessions held at most; those that would be over soonest end first.
const SESSIONS_MAX: usize = 10_000;
/// Sessions of one person at most: who opens more ends their own, and nobody else's.
const OF_ONE_PERSON: usize = 32;

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
        let own = sessions.values().filter(|r| r.person == reader.person);
        if own.count() >= OF_ONE_PERSON {
            end_first(&mut sessions, |r| r.person == reader.person);
        } else if sessions.len() >= SESSIONS_MAX {
            end_first(&mut sessions, |_| true);
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

/// Ends the session that would be over first, among some.
fn end_first(sessions: &mut HashMap<Digest, Reader>, among: impl Fn(&Reader) -> bool) {
    let some = sessions.iter().filter(|(_, r)| among(r));
    let first = some.min_by_key(|(_, r)| r.not_after).map(|(d, _)| *d);
    first.and_then(|digest| sessions.remove(&digest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_opens_many_sessions_ends_only_their_own() {
        let sessions = Sessions::default();
        let now = Timestamp::from_millis(1_000_000_000);
        let open = |person: &str, number: u16, until_s: i64| {
            let reader = Reader {
                person: person.parse().unwrap(),
                key: Fingerprint::from_sha256(&[1; 32]),
                not_after: now.plus_s(until_s),
            };
            let mut secret = [0; 32];
            secret[..2].copy_from_slice(&number.to_be_bytes());
            let statement = breakglass_statement::digest(&secret);
            sessions.open(statement, reader, secret, now).unwrap()
        };
        let alice = open("per_alice", 0, 60);
        let mallory: Vec<String> = (1..=10_001)
            .map(|number| open("per_mallory", number, 3_600 + i64::from(number)))
            .collect();
        assert!(sessions.reader(&alice, now).is_some());
        let live = |token: &&String| sessions.reader(token, now).is_some();
        assert_eq!(mallory.iter().filter(live).count(), OF_ONE_PERSON);
        assert!(live(&mallory.last().unwrap()));
    }
}
