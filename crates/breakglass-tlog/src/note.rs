//! C2SP signed-note v1.0.0: a text and the signatures of named keys under it.

mod key;
mod signature;
mod signing;

pub use key::{KeyError, KeyId, KeyKind, KeyName, KeyNameError, SignatureVerifyError, VerifierKey};
pub use signature::{NoteSignature, SignatureLineError};
pub(crate) use signing::SecretKey;
pub use signing::SigningKey;

/// The most signatures a note may carry; verifiers must accept at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// The longest note that is read, in bytes.
pub const MAX_NOTE_LEN: usize = 1_000_000;

/// A well-formed note. Nothing in it is to be believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Why bytes are not a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteParseError {
    /// The note is longer than [`MAX_NOTE_LEN`].
    #[error("a note of {got} bytes is longer than {MAX_NOTE_LEN}")]
    TooLong {
        /// The length in bytes.
        got: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the note is not utf-8 from byte {valid_up_to}")]
    Utf8 {
        /// The number of bytes that are.
        valid_up_to: usize,
    },
    /// The text breaks a rule.
    #[error(transparent)]
    Text(#[from] NoteTextError),
    /// No empty line separates a text from signatures.
    #[error("the note has no empty line before its signatures")]
    NoSeparator,
    /// The note does not end with a complete signature line.
    #[error("the note does not end with a signature line")]
    Unsigned,
    /// There are more than [`MAX_SIGNATURES`].
    #[error(transparent)]
    TooManySignatures(#[from] TooManySignatures),
    /// A signature line is malformed.
    #[error("signature line {line} is malformed")]
    Signature {
        /// The place of the line, from 1.
        line: usize,
        /// What is wrong with it.
        source: SignatureLineError,
    },
}

/// Why a text cannot be that of a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteTextError {
    /// A control character below U+0020 other than the newline.
    #[error("the note has control character {code:#04x}")]
    ControlCharacter {
        /// Its code point.
        code: u32,
    },
    /// The text does not end with a newline.
    #[error("the text of the note does not end with a newline")]
    NoFinalNewline,
}

/// A note has no room for another signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a note has at most {MAX_SIGNATURES} signatures")]
pub struct TooManySignatures;

/// Why a well-formed note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteVerifyError {
    /// A signature of a known key does not verify, which voids the whole note.
    #[error("the signature of {name} ({id}) does not verify")]
    BadSignature {
        /// The key's name.
        name: KeyName,
        /// The key's ID.
        id: KeyId,
        /// Why.
        source: SignatureVerifyError,
    },
    /// Two known keys share name and ID, so it is undecidable whose signature this is.
    #[error("two different known keys are both {name} ({id})")]
    AmbiguousKey {
        /// The shared name.
        name: KeyName,
        /// The shared ID.
        id: KeyId,
    },
    /// No known key signed the note.
    #[error("the note has no signature of a known key")]
    NoKnownSignature,
}

/// A signature of a known key that has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key's name.
    pub name: KeyName,
    /// The key's ID.
    pub id: KeyId,
    /// When it was made, in POSIX seconds, for the kinds that say so (cosignatures).
    pub time: Option<u64>,
}

impl Note {
    /// A text ending with a newline, signed by one key.
    ///
    /// # Errors
    /// [`NoteTextError`] if the text cannot be that of a note.
    pub fn sign(text: String, key: &SigningKey) -> Result<Self, NoteTextError> {
        check_text(&text)?;
        Ok(Self::signed(text, key))
    }

    /// [`Note::sign`] for a text known to be that of a note.
    pub(crate) fn signed(text: String, key: &SigningKey) -> Self {
        let signature = key.sign(&text);
        Self::with_signature(text, signature)
    }

    /// A text known to be that of a note, under one signature that may or may not verify.
    pub(crate) fn with_signature(text: String, signature: NoteSignature) -> Self {
        Self {
            text,
            signatures: vec![signature],
        }
    }

    /// Reads the spelling of [`Note::to_text`], and no other. Verifies nothing.
    ///
    /// # Errors
    /// [`NoteParseError`] for the first rule the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteParseError> {
        if bytes.len() > MAX_NOTE_LEN {
            return Err(NoteParseError::TooLong { got: bytes.len() });
        }
        let note = std::str::from_utf8(bytes).map_err(|error| NoteParseError::Utf8 {
            valid_up_to: error.valid_up_to(),
        })?;
        check_characters(note)?;
        let (text, signatures) = split_text(note).ok_or(NoteParseError::NoSeparator)?;
        Ok(Self {
            text: text.to_owned(),
            signatures: parse_signatures(signatures)?,
        })
    }

    /// The signed text, its final newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures in their order, those of unknown keys included.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line without verifying it. A line that is there already is not repeated.
    ///
    /// # Errors
    /// [`TooManySignatures`] if there are [`MAX_SIGNATURES`] already.
    pub fn append(&mut self, signature: NoteSignature) -> Result<(), TooManySignatures> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The same text with those of its lines for which this holds, the first of each key.
    pub(crate) fn only(&self, keep: impl Fn(&NoteSignature) -> bool) -> Self {
        let mut signatures: Vec<NoteSignature> = Vec::new();
        for line in self.signatures.iter().filter(|line| keep(line)) {
            let again = |kept: &NoteSignature| kept.id() == line.id() && kept.name() == line.name();
            if !signatures.iter().any(again) {
                signatures.push(line.clone());
            }
        }
        Self {
            text: self.text.clone(),
            signatures,
        }
    }

    /// The whole note.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for signature in &self.signatures {
            note.push_str(&signature.line());
            note.push('\n');
        }
        note
    }

    /// Verifies every signature whose name and ID are those of a known key; ignores all others.
    ///
    /// The answer has one element for each key that signed, whatever the number of its lines, in
    /// the order of its first line, and at least one element.
    ///
    /// # Errors
    /// [`NoteVerifyError`] if a known key's signature fails or no known key signed.
    pub fn verify(
        &self,
        known: &[&VerifierKey],
    ) -> Result<Vec<VerifiedSignature>, NoteVerifyError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = find_key(signature, known)? else {
                continue;
            };
            let time = key
                .verify(&self.text, signature.bytes())
                .map_err(|source| NoteVerifyError::BadSignature {
                    name: key.name().clone(),
                    id: key.id(),
                    source,
                })?;
            if !verified
                .iter()
                .any(|seen| seen.id == key.id() && seen.name == *key.name())
            {
                verified.push(VerifiedSignature {
                    name: key.name().clone(),
                    id: key.id(),
                    time,
                });
            }
        }
        if verified.is_empty() {
            return Err(NoteVerifyError::NoKnownSignature);
        }
        Ok(verified)
    }
}

/// The one known key with the name and ID of a signature, if any.
fn find_key<'k>(
    signature: &NoteSignature,
    known: &[&'k VerifierKey],
) -> Result<Option<&'k VerifierKey>, NoteVerifyError> {
    let mut found: Option<&VerifierKey> = None;
    for key in known.iter().filter(|key| key.made(signature)) {
        if found.is_some_and(|other| other != *key) {
            let (name, id) = (key.name().clone(), key.id());
            return Err(NoteVerifyError::AmbiguousKey { name, id });
        }
        found = Some(key);
    }
    Ok(found)
}

/// Splits after the newline that ends the text; the last empty line belongs to neither part.
fn split_text(note: &str) -> Option<(&str, &str)> {
    let end_of_text = note.rfind("\n\n")? + 1;
    let (text, rest) = note.split_at_checked(end_of_text)?;
    Some((text, rest.strip_prefix('\n')?))
}

fn parse_signatures(lines: &str) -> Result<Vec<NoteSignature>, NoteParseError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteParseError::Unsigned)?;
    if lines.split('\n').count() > MAX_SIGNATURES {
        return Err(TooManySignatures.into());
    }
    (1..)
        .zip(lines.split('\n'))
        .map(|(line, text)| {
            NoteSignature::parse_line(text)
                .map_err(|source| NoteParseError::Signature { line, source })
        })
        .collect()
}

fn check_text(text: &str) -> Result<(), NoteTextError> {
    check_characters(text)?;
    if text.ends_with('\n') {
        Ok(())
    } else {
        Err(NoteTextError::NoFinalNewline)
    }
}

fn check_characters(text: &str) -> Result<(), NoteTextError> {
    match text.chars().find(|c| *c < ' ' && *c != '\n') {
        Some(control) => Err(NoteTextError::ControlCharacter {
            code: control.into(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
