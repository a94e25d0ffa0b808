//! Keeps known secrets out of what is kept.
//!
//! An exact search for every secret of a call, in the forms in which programs print things. It
//! finds what we know; a secret of somebody else, a derived one or one that is split up passes.

use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use crate::{Fields, record};

/// What stands where a secret stood.
const MARK: &str = "[redacted]";

/// The shortest encoded form and the shortest line that is searched for: anything shorter is
/// found in innocent text, and the whole plain value is searched for at any length.
const PART_BYTES_MIN: usize = 4;

type Pattern = Zeroizing<Vec<u8>>;

/// Finds the secrets of one call.
pub(crate) struct Redactor {
    patterns: Vec<Pattern>,
    longest: usize,
}

impl Redactor {
    /// For all secrets of these credentials.
    pub(crate) fn new<'a>(credentials: impl IntoIterator<Item = &'a Fields<'a>>) -> Self {
        let mut patterns = Vec::new();
        for secret in credentials.into_iter().flat_map(Fields::secrets) {
            add_forms(secret, &mut patterns);
            for part in parts(secret).filter(|part| part.len() >= PART_BYTES_MIN) {
                add_forms(part, &mut patterns);
            }
        }
        patterns.retain(|pattern| !pattern.is_empty());
        let longest = patterns.iter().map(|p| p.len()).max().unwrap_or(0);
        Self { patterns, longest }
    }

    /// Captured output as clean text, from at most `limit` of its bytes.
    ///
    /// `cut` says that the output went on after the captured bytes; the last of them may then be
    /// the beginning of a secret and are left out.
    pub(crate) fn output(&self, bytes: &[u8], cut: bool, limit: usize) -> String {
        let doubtful = if cut { self.longest } else { 0 };
        let limit = limit.min(bytes.len().saturating_sub(doubtful));
        // A secret that begins before the limit lies wholly within this window.
        let window = bytes.get(..limit.saturating_add(self.longest));
        let mut redacted = self.replace(window.unwrap_or(bytes), limit);
        let text = record::clean(&String::from_utf8_lossy(&redacted));
        redacted.zeroize();
        text
    }

    /// Redacts a text in place; the original is wiped.
    pub(crate) fn text(&self, text: &mut String) {
        let redacted = self.replace(text.as_bytes(), text.len());
        if redacted != text.as_bytes() {
            text.zeroize();
            *text = String::from_utf8_lossy(&redacted).into_owned();
        }
    }

    /// Copies the first `limit` bytes, with marks instead of secrets.
    fn replace(&self, bytes: &[u8], limit: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(limit);
        let mut at = 0;
        for hit in self.hits(bytes) {
            if hit.start >= limit {
                break;
            }
            if hit.start >= at {
                out.extend_from_slice(bytes.get(at..hit.start).unwrap_or_default());
                out.extend_from_slice(MARK.as_bytes());
            }
            at = at.max(hit.end);
        }
        out.extend_from_slice(bytes.get(at..limit).unwrap_or_default());
        out
    }

    /// Where secrets are, ordered by their beginning; they may overlap.
    fn hits(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        for pattern in &self.patterns {
            let windows = bytes.windows(pattern.len()).enumerate();
            let starts = windows.filter(|(_, window)| *window == pattern.as_slice());
            hits.extend(starts.map(|(start, _)| start..start + pattern.len()));
        }
        hits.sort_unstable_by_key(|hit| hit.start);
        hits
    }
}

/// Parts of a secret that are secret by themselves: the lines of a key, the password of a
/// connection string.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    let password = secret
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'))
        .and_then(|(user, _)| user.split_once(':'))
        .map(|(_, password)| password);
    let lines = secret
        .lines()
        .filter(move |line| line.len() < secret.len() && !line.starts_with("-----"));
    lines.chain(password)
}

/// The forms in which a program prints a text: as it is, in JSON (with and without `\u`) and
/// percent-encoded; and each of these in hex, or as part of a longer base64 text, as where a whole
/// document is encoded.
fn add_forms(secret: &str, patterns: &mut Vec<Pattern>) {
    let plain = Zeroizing::new(secret.as_bytes().to_vec());
    let mut texts = vec![plain];
    for form in [json(secret, false), json(secret, true), percent(secret)] {
        if !texts.contains(&form) {
            texts.push(form);
        }
    }
    for text in texts.iter().filter(|text| text.len() >= PART_BYTES_MIN) {
        patterns.push(hex(text, *b"0123456789abcdef"));
        patterns.push(hex(text, *b"0123456789ABCDEF"));
        for shift in 0..3 {
            patterns.push(base64(text, shift, *b"+/"));
            patterns.push(base64(text, shift, *b"-_"));
        }
    }
    patterns.append(&mut texts);
}

/// The inside of a JSON string; `ascii` escapes everything else as `\uXXXX` (Python's default).
fn json(secret: &str, ascii: bool) -> Pattern {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 6));
    for c in secret.chars() {
        match c {
            '"' | '\\' => out.extend([b'\\', c as u8]),
            '\n' => out.extend(br"\n"),
            '\r' => out.extend(br"\r"),
            '\t' => out.extend(br"\t"),
            '\u{8}' => out.extend(br"\b"),
            '\u{c}' => out.extend(br"\f"),
            c if c < ' ' || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend(br"\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(digit(*b"0123456789abcdef", (*unit >> shift) & 15));
                    }
                }
            }
            c => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

fn hex(bytes: &[u8], digits: [u8; 16]) -> Pattern {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
    for byte in bytes {
        out.push(digit(digits, u16::from(*byte >> 4)));
        out.push(digit(digits, u16::from(*byte & 15)));
    }
    out
}

/// RFC 3986, section 2.1.
fn percent(secret: &str) -> Pattern {
    let mut out = Zeroizing::new(Vec::with_capacity(secret.len() * 3));
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.push(digit(*b"0123456789ABCDEF", u16::from(byte >> 4)));
            out.push(digit(*b"0123456789ABCDEF", u16::from(byte & 15)));
        }
    }
    out
}

/// The characters that a text has in base64 whatever stands around it, where it begins `shift`
/// bytes into a group of three.
fn base64(bytes: &[u8], shift: usize, last_two: [u8; 2]) -> Pattern {
    let bits = bytes.len() * 8;
    let before = shift * 8;
    // Whole sextets within the secret: the first that begins at or after it, up to its end.
    let first = before.div_ceil(6);
    let last = (before + bits) / 6;
    let mut out = Zeroizing::new(Vec::with_capacity(last.saturating_sub(first)));
    for sextet in first..last {
        let at = sextet * 6 - before;
        let high = bytes.get(at / 8).copied().unwrap_or(0);
        let low = bytes.get(at / 8 + 1).copied().unwrap_or(0);
        let pair = u16::from_be_bytes([high, low]);
        let value = ((pair >> (10 - at % 8)) & 63) as u8;
        out.push(match value {
            0..=25 => b'A' + value,
            26..=51 => b'a' + (value - 26),
            52..=61 => b'0' + (value - 52),
            62 => last_two[0],
            _ => last_two[1],
        });
    }
    out
}

fn digit(digits: [u8; 16], value: u16) -> u8 {
    digits.get(usize::from(value)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests;
