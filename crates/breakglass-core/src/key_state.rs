//! What has become of a key that an authority lists.

use breakglass_format::{
    Timestamp,
    authority::{Key, Person},
};

use crate::world::{Version, World};

/// Whether a listed key counts, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It counts for what it is listed for.
    Counts,
    /// Suspended, by itself or with its person, since then.
    Suspended(Timestamp),
    /// Its time is over.
    Over,
    /// Its time has not begun.
    NotYet,
    /// Its holder has not shown to have it.
    NotEnrolled,
}

impl KeyState {
    /// The state as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Suspended(_) => "suspended",
            Self::Over => "over",
            Self::NotYet => "not_yet",
            Self::NotEnrolled => "not_enrolled",
        }
    }
}

impl World {
    /// The state of a person's key as a version lists it.
    #[must_use]
    pub fn key_state(
        &self,
        version: &Version,
        person: &Person,
        key: &Key,
        now: Timestamp,
    ) -> KeyState {
        if let Some(at) = self.suspended(&person.person, key, version.authority.version) {
            return KeyState::Suspended(at);
        }
        if key.not_after.0.is_some_and(|end| end <= now) {
            KeyState::Over
        } else if now < key.not_before {
            KeyState::NotYet
        } else if self.is_enrolled(&person.person, &key.fingerprint) {
            KeyState::Counts
        } else {
            KeyState::NotEnrolled
        }
    }
}
