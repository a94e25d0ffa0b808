//! What is kept of a call, as evidence.

use breakglass_format::{
    canonical::{self, INTEGER_MAX},
    text,
};
use serde_json::{Map, Value};

/// What was sent, answered and seen in one call: canonical JSON that holds no secret.
///
/// Who fills it redacts first; it makes every text writable canonically, nothing more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record(Map<String, Value>);

impl Record {
    /// An empty record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text. Characters that canonical text cannot hold become `·`.
    #[must_use]
    pub fn text(mut self, key: &'static str, value: &str) -> Self {
        self.0.insert(key.to_owned(), Value::from(clean(value)));
        self
    }

    /// Adds a number, clamped to what canonical JSON carries.
    #[must_use]
    pub fn number(mut self, key: &'static str, value: i64) -> Self {
        let value = value.clamp(-INTEGER_MAX, INTEGER_MAX);
        self.0.insert(key.to_owned(), Value::from(value));
        self
    }

    /// Adds the records of several calls, in their order.
    #[must_use]
    pub fn records(mut self, key: &'static str, records: Vec<Self>) -> Self {
        let list = records.into_iter().map(|r| Value::Object(r.0)).collect();
        self.0.insert(key.to_owned(), Value::Array(list));
        self
    }

    /// The canonical bytes: a blob.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts are clean, numbers in range and keys literals of ours, so that only a key that
        // breaks the grammar could fail; evidence then says so instead of stopping the effect.
        canonical::emit(&Value::Object(self.0.clone()))
            .unwrap_or_else(|_| br#"{"error":"evidence has a key that is not canonical"}"#.to_vec())
    }
}

/// A text whose every character canonical JSON can hold; `\n` stays, `\r\n` becomes `\n`.
pub(crate) fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| {
            if c != '\n' && text::is_forbidden(c) {
                '·'
            } else {
                c
            }
        })
        .collect()
}

/// Cuts a text to at most `limit` bytes at a character; whether it was cut.
pub(crate) fn cut(text: &mut String, limit: usize) -> bool {
    let was = text.len();
    text.truncate(text.floor_char_boundary(limit));
    text.len() < was
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_becomes_canonical_bytes() {
        let record = Record::new()
            .text("stdout", "a\u{0}b\tc\r\nd\u{202e}e")
            .number("bytes", i64::MAX)
            .records("steps", vec![Record::new().text("op", "prove")]);
        let text = String::from_utf8(record.to_bytes()).unwrap();
        assert_eq!(
            text,
            "{\"bytes\":9007199254740991,\"stdout\":\"a·b·c\\nd·e\",\"steps\":[{\"op\":\"prove\"}]}"
        );
        canonical::parse(text.as_bytes(), 1000).unwrap();
    }

    #[test]
    fn cuts_at_a_character() {
        let mut text = "aé".to_owned();
        assert!(cut(&mut text, 2));
        assert_eq!(text, "a");
        assert!(!cut(&mut text, 2));
    }
}
