//! Typed identifiers: what a value names is in its type, and its spelling is checked once.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::Uuid;

use crate::{limits, spelled::spelled, time::Timestamp};

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not {expected}: {got:?}")]
pub struct IdError {
    /// What it should be, with its form.
    pub expected: &'static str,
    /// The text, cut to 80 characters.
    pub got: String,
}

impl IdError {
    fn new(expected: &'static str, got: &str) -> Self {
        Self {
            expected,
            got: got.chars().take(80).collect(),
        }
    }
}

macro_rules! string_traits {
    ($name:ident) => {
        spelled!($name);

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A version 7 identifier from a time and ten random bytes.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(at.millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The UUID.
            #[must_use]
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let id = Uuid::try_parse(text).map(Self).map_err(|_| IdError::new($expected, text))?;
                let rfc = id.0.get_variant() == uuid::Variant::RFC4122;
                let mut again = [0; uuid::fmt::Hyphenated::LENGTH];
                let again: &str = id.0.hyphenated().encode_lower(&mut again);
                if again != text || id.0.get_version_num() != 7 || !rfc {
                    return Err(IdError::new($expected, text));
                }
                Ok(id)
            }
        }

        string_traits!($name);
    };
}

uuid_id!(
    /// One event; its entry in the log carries it, every sink deduplicates by it.
    EventId, "an event id (UUID version 7)");
uuid_id!(
    /// An incident. People type its reference, `INC-7`.
    IncidentId, "an incident id (UUID version 7)");
uuid_id!(
    /// One call of the API; the same id again gets the same answer.
    CommandId, "a command id (UUID version 7)");
uuid_id!(
    /// A grant. People type its reference, `G-4`.
    GrantId, "a grant id (UUID version 7)");
uuid_id!(
    /// One execution of an action on an execution plane.
    RunId, "a run id (UUID version 7)");

/// A request is named by the event that recorded it. People type its reference, `R-12`.
pub type RequestId = EventId;

macro_rules! word_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $chars:pat, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).unwrap_or_default();
                let first = rest.bytes().next();
                if text.len() > limits::NAME_BYTES_MAX
                    || !matches!(first, Some(b'a'..=b'z' | b'0'..=b'9'))
                    || !rest.bytes().all(|b| matches!(b, $chars))
                {
                    return Err(IdError::new($expected, text));
                }
                Ok(Self(text.to_owned()))
            }
        }

        string_traits!($name);
    };
}

word_id!(
    /// A human being, for ever: distinctness of approvers is counted over this, never over names
    /// or keys.
    PersonId, "per_", b'a'..=b'z' | b'0'..=b'9' | b'_', "a person id (per_ and a-z 0-9 _)");
word_id!(
    /// A break-glass account.
    AccountId, "acc_", b'a'..=b'z' | b'0'..=b'9' | b'_', "an account id (acc_ and a-z 0-9 _)");
word_id!(
    /// The name a person signs under, as `ssh-keygen -I` takes it.
    Principal, "", b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'@' | b'-',
    "a principal (a-z 0-9 . _ @ -, first a letter or digit)");
word_id!(
    /// A name in the authority or the configuration: account, group, role, entitlement, action …
    Name, "", b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'@' | b'-',
    "a name (a-z 0-9 . _ @ -, first a letter or digit)");

/// A SHA-256 digest, spelled `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Wraps 32 bytes that a hash function made.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits, the name of a blob's file.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        f.write_str(utf8(&digits(&self.0)))
    }
}

impl FromStr for Digest {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("sha256:")
            .and_then(unhex)
            .map(Self)
            .ok_or_else(|| IdError::new("a digest (sha256: and 64 hex digits)", text))
    }
}

string_traits!(Digest);

/// 32 bytes that never come twice, spelled as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// Wraps 32 random bytes. In a request the first 16 are the server's, the last 16 the
    /// requester's.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(utf8(&digits(&self.0)))
    }
}

impl FromStr for Nonce {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        unhex(text)
            .map(Self)
            .ok_or_else(|| IdError::new("a nonce (64 hex digits)", text))
    }
}

string_traits!(Nonce);

/// The fingerprint of an SSH public key as `ssh-keygen -l` prints it: `SHA256:` and 43 characters
/// of unpadded base64.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a key whose wire form has this SHA-256.
    #[must_use]
    pub fn from_sha256(hash: &[u8; 32]) -> Self {
        use base64::Engine as _;
        Self(format!(
            "SHA256:{}",
            base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash)
        ))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        use base64::Engine as _;
        let decoded = text.strip_prefix("SHA256:").and_then(|b| {
            base64::engine::general_purpose::STANDARD_NO_PAD
                .decode(b)
                .ok()
        });
        match decoded {
            Some(hash) if hash.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(IdError::new(
                "a key fingerprint (SHA256: and 43 base64 characters)",
                text,
            )),
        }
    }
}

string_traits!(Fingerprint);

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' + (n - 10) });
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 15));
    }
    digits
}

/// The lower-case hex digits of 32 bytes.
fn digits(bytes: &[u8; 32]) -> [u8; 64] {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + (n - 10) };
    let mut digits = [0; 64];
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for ([high, low], byte) in pairs.iter_mut().zip(bytes) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 15));
    }
    digits
}

/// Digits are text.
fn utf8(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Exactly 32 bytes from 64 lower-case hex digits.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut out = [0; 32];
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(out)
}
