//! Text that people write: which characters it may hold, and the two shapes it comes in.

use std::fmt;

use thiserror::Error;

use crate::{limits, spelled::spelled};

/// Whether a character is refused everywhere in canonical text.
///
/// Control characters, bidirectional controls and characters that leave no mark can make a
/// terminal show something other than what is signed. `\n` is judged by the field that holds it.
#[must_use]
pub fn is_forbidden(c: char) -> bool {
    // Almost every character there is; what follows is asked about the others.
    if matches!(c, ' '..='~') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' // bidirectional controls
            | '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' // no mark
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}' // annotations, tags
            | '\u{2028}' | '\u{2029}') // line breaks to some readers, not to others
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// The field must say something.
    #[error("text is empty")]
    Empty,
    /// Too many bytes.
    #[error("text has {got} bytes, more than {limit}")]
    TooLong {
        /// Bytes there are.
        got: usize,
        /// Bytes there may be.
        limit: usize,
    },
    /// A character that would not be seen, or would change how others are seen.
    #[error("text holds the character U+{code:04X}, which is not allowed here")]
    Forbidden {
        /// The code point.
        code: u32,
    },
}

fn check(text: &str, limit: usize, lines: bool) -> Result<(), TextError> {
    if text.len() > limit {
        return Err(TextError::TooLong {
            got: text.len(),
            limit,
        });
    }
    // All bytes are looked at, many at a time.
    let printable = |all: bool, byte: u8| all & matches!(byte, b' '..=b'~');
    if text.bytes().fold(true, printable) {
        return Ok(());
    }
    match text
        .chars()
        .find(|&c| is_forbidden(c) && !(lines && c == '\n'))
    {
        Some(c) => Err(TextError::Forbidden { code: u32::from(c) }),
        None => Ok(()),
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $limit:expr, $lines:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        spelled!($name);

        impl $name {
            /// Checks and wraps a text; empty is allowed, the field's rule decides whether it may be.
            pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
                let text = text.into();
                check(&text, $limit, $lines)?;
                Ok(Self(text))
            }

            /// Checks and wraps a text that must say something.
            pub fn required(text: impl Into<String>) -> Result<Self, TextError> {
                let text = Self::new(text)?;
                if text.0.trim().is_empty() { Err(TextError::Empty) } else { Ok(text) }
            }

            /// Wraps what can be wrapped of a text that a program made: forbidden characters
            /// become `·` and what is over the limit is cut, so that an error message or an
            /// answer from outside always fits into an entry.
            #[must_use]
            pub fn lossy(text: &str) -> Self {
                let mut out = String::new();
                for c in text.chars() {
                    let c = if is_forbidden(c) && !($lines && c == '\n') { '·' } else { c };
                    if out.len() + c.len_utf8() > $limit {
                        break;
                    }
                    out.push(c);
                }
                Self(out)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is none.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }
    };
}

text_type!(
    /// One line: a title, a target, a reason. At most [`limits::LINE_BYTES_MAX`] bytes.
    Line,
    limits::LINE_BYTES_MAX,
    false
);
text_type!(
    /// Text in which `\n` is allowed: a justification, a summary. At most
    /// [`limits::PROSE_BYTES_MAX`] bytes.
    Prose,
    limits::PROSE_BYTES_MAX,
    true
);
