//! Passwords for accounts whose credential breakglass sets.

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    entropy::{Entropy, EntropyError},
    secret::SecretText,
};

/// Letters, digits and the unreserved marks of URIs (RFC 3986 section 2.3): nothing in it needs
/// quoting in a shell, a URI or an SQL literal. Letters and digits come first.
const ALPHABET: &[u8; 66] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

/// How many of [`ALPHABET`] may begin a password: neither an option's `-` nor the shell's `~`.
const FIRST: u8 = 62;
const ANY: u8 = 66;

/// Entropy is drawn in pieces of this many bytes.
const PIECE_LEN: usize = 64;

/// Pieces after which the source is held to be broken. Three of four bytes serve, so that three
/// pieces are enough for the longest password in all but rare cases.
const MAX_PIECES: usize = 64;

/// How many characters a password has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordLength(usize);

/// Why a password was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// The length is out of range.
    #[error("a password has {} to {} characters, got {got}", allowed.0, allowed.1)]
    Length {
        /// The shortest and the longest length.
        allowed: (usize, usize),
        /// The length given.
        got: usize,
    },
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The source gives bytes that cannot be random.
    #[error("{drawn} bytes of entropy did not suffice for {wanted} characters")]
    NotRandom {
        /// Characters wanted.
        wanted: usize,
        /// Bytes drawn.
        drawn: usize,
    },
}

impl PasswordLength {
    /// The lengths allowed, in characters; the shortest has 120 bits.
    pub const ALLOWED: RangeInclusive<usize> = 20..=128;

    /// Takes a length.
    ///
    /// # Errors
    ///
    /// It is outside [`ALLOWED`](Self::ALLOWED).
    pub fn new(characters: usize) -> Result<Self, PasswordError> {
        if Self::ALLOWED.contains(&characters) {
            Ok(Self(characters))
        } else {
            let allowed = (*Self::ALLOWED.start(), *Self::ALLOWED.end());
            Err(PasswordError::Length {
                allowed,
                got: characters,
            })
        }
    }

    /// The number of characters.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for PasswordLength {
    /// 32 characters: 193 bits.
    fn default() -> Self {
        Self(32)
    }
}

/// Makes a password in which every character is equally likely: any of `A-Z a-z 0-9 - _ . ~`, the
/// first a letter or digit.
///
/// # Errors
///
/// The entropy source failed, or gives bytes that cannot be random.
pub fn generate_password(
    length: PasswordLength,
    entropy: &mut dyn Entropy,
) -> Result<SecretText, PasswordError> {
    let wanted = length.get();
    let mut password = Zeroizing::new(String::with_capacity(wanted));
    let mut piece = Zeroizing::new([0; PIECE_LEN]);
    for _ in 0..MAX_PIECES {
        entropy.fill(piece.as_mut_slice())?;
        for byte in piece.iter() {
            let choices = if password.is_empty() { FIRST } else { ANY };
            if let Some(character) = pick(*byte, choices) {
                password.push(character);
            }
            if password.len() == wanted {
                return Ok(SecretText::copy_of(&password));
            }
        }
    }
    Err(PasswordError::NotRandom {
        wanted,
        drawn: MAX_PIECES * PIECE_LEN,
    })
}

/// One of the first `choices` of the alphabet, or nothing for bytes in the incomplete last round,
/// which would favour the characters in front.
fn pick(byte: u8, choices: u8) -> Option<char> {
    let complete = u8::MAX / choices * choices;
    let index = (byte < complete).then(|| usize::from(byte % choices))?;
    ALPHABET.get(index).copied().map(char::from)
}
