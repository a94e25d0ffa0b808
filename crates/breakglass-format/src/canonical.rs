//! Canonical JSON: the one spelling in which statements, entries and the authority are written,
//! hashed and signed (`docs/spec/canonical.md`).
//!
//! A UTF-8 JSON object; keys `[a-z0-9_]`, sorted bytewise, none twice; no whitespace; only
//! strings, integers within ±(2^53−1), booleans, arrays and objects; in strings only the escapes
//! `\"`, `\\` and `\n`, every other character raw and none of them invisible. Because a value has
//! exactly one spelling, the bytes of an object inside an object are a contiguous substring: an
//! approval literally contains the request it approves.

pub(crate) mod read;
pub(crate) mod scan;
mod write;

use std::fmt::{Display, Write as _};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::{limits, text};

/// The largest integer that every JSON implementation carries exactly.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Why bytes are not canonical, or not of the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CanonicalError {
    /// More bytes than this kind of document may have.
    #[error("document has {got} bytes, more than the limit of {limit}")]
    TooLong {
        /// Bytes there are.
        got: usize,
        /// Bytes there may be.
        limit: usize,
    },
    /// The bytes are not UTF-8.
    #[error("document is not UTF-8")]
    NotUtf8,
    /// The bytes break the canonical form at an offset.
    #[error("not canonical JSON at byte {at}: {what}")]
    NotCanonical {
        /// Byte offset.
        at: usize,
        /// Which rule is broken.
        what: &'static str,
    },
    /// Canonical, but not the shape asked for: a field is missing, unknown or ill-typed.
    #[error("unexpected shape: {0}")]
    Shape(String),
    /// A value that the canonical form cannot carry was about to be written.
    #[error("value cannot be written canonically: {0}")]
    Unwritable(&'static str),
}

/// Parses canonical bytes into a tree; anything that is not the one canonical spelling is refused.
pub fn parse(bytes: &[u8], limit: usize) -> Result<Value, CanonicalError> {
    if bytes.len() > limit {
        return Err(CanonicalError::TooLong {
            got: bytes.len(),
            limit,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| CanonicalError::NotUtf8)?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.object(0)?;
    if parser.at != text.len() {
        return Err(parser.error("trailing bytes"));
    }
    Ok(value)
}

/// Writes a tree in its canonical spelling.
pub fn emit(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = String::with_capacity(USUAL_BYTES);
    write_value(value, &mut out)?;
    Ok(out.into_bytes())
}

/// Serialises a typed value canonically.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    emit(&to_value(value)?)
}

/// Turns a typed value into a tree.
pub fn to_value<T: Serialize>(value: &T) -> Result<Value, CanonicalError> {
    serde_json::to_value(value).map_err(|_| CanonicalError::Unwritable("the type has no JSON form"))
}

/// Parses canonical bytes into a typed value: strict parse, typed read with unknown fields
/// refused, then re-emission and comparison, so that what the type means is what the bytes say.
pub fn from_bytes<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, CanonicalError> {
    quick(bytes, limit).map_or_else(|| slow(bytes, limit), Ok)
}

/// The same without a tree. Of what is not accepted [`slow`] says what is wrong with it.
fn quick<T: DeserializeOwned + Serialize>(bytes: &[u8], limit: usize) -> Option<T> {
    if bytes.len() > limit {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    scan::members(text, |_, _, _| true)?;
    let typed: T = read::value(text)?;
    let mut again = String::with_capacity(bytes.len());
    let same = match write::value(&typed, &mut again) {
        Some(()) => again == text,
        None => to_bytes(&typed).ok()? == bytes,
    };
    same.then_some(typed)
}

/// The same by way of a tree.
pub(crate) fn slow<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, CanonicalError> {
    let typed: T = from_value(parse(bytes, limit)?)?;
    if to_bytes(&typed)? != bytes {
        return Err(CanonicalError::NotCanonical {
            at: 0,
            what: "re-emission differs",
        });
    }
    Ok(typed)
}

/// Reads a typed value from a tree.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, CanonicalError> {
    serde_json::from_value(value).map_err(|e| CanonicalError::Shape(e.to_string()))
}

/// Room for most documents, so that few are moved while they are written.
const USUAL_BYTES: usize = 1_024;

/// An object that is written member by member, by a type that knows the order of its keys.
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    /// An object without members.
    pub(crate) fn begin() -> Self {
        let mut out = String::with_capacity(USUAL_BYTES);
        out.push('{');
        Self { out }
    }

    /// The next member, a string.
    pub(crate) fn text(&mut self, key: &str, value: &dyn Display) -> Result<(), CanonicalError> {
        self.key(key);
        write_spelled(value, &mut self.out)
    }

    /// The next member, of a type that has its members in order; `false` where it is of another,
    /// and nothing was written.
    pub(crate) fn typed<T: Serialize>(&mut self, key: &str, value: &T) -> bool {
        let before = self.out.len();
        self.key(key);
        let written = write::value(value, &mut self.out).is_some();
        if !written {
            self.out.truncate(before);
        }
        written
    }

    /// The next member, of any kind.
    pub(crate) fn value(&mut self, key: &str, value: &Value) -> Result<(), CanonicalError> {
        self.key(key);
        write_value(value, &mut self.out)
    }

    /// The whole object.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.out.push('}');
        self.out.into_bytes()
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, what: &'static str) -> CanonicalError {
        CanonicalError::NotCanonical { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), CanonicalError> {
        if self.peek() != Some(byte) {
            return Err(self.error(what));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, CanonicalError> {
        if depth > limits::DEPTH_MAX {
            return Err(self.error("nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            _ => Err(self.error("expected a string, integer, boolean, array or object")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, CanonicalError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.error("expected true or false"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, CanonicalError> {
        self.expect(b'{', "expected an object")?;
        let mut map = Map::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(map));
        }
        loop {
            let key = self.string()?;
            check_key(&key).map_err(|what| self.error(what))?;
            if map.keys().next_back().is_some_and(|last| key <= *last) {
                return Err(self.error("keys must be sorted and unique"));
            }
            self.expect(b':', "expected a colon")?;
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if map.len() > limits::ELEMENTS_MAX {
                return Err(self.error("too many members"));
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.expect(b'}', "expected a comma or the end of the object")?;
        Ok(Value::Object(map))
    }

    fn array(&mut self, depth: usize) -> Result<Value, CanonicalError> {
        self.expect(b'[', "expected an array")?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if items.len() > limits::ELEMENTS_MAX {
                return Err(self.error("too many elements"));
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        self.expect(b']', "expected a comma or the end of the array")?;
        Ok(Value::Array(items))
    }

    fn integer(&mut self) -> Result<Value, CanonicalError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        let len = count + (rest.len() - digits.len());
        let token = rest.get(..len).unwrap_or_default();
        let number: i64 = token.parse().map_err(|_| self.error("not an integer"))?;
        // No sign before 0, and no 0 before a digit.
        let spelled = token == "0" || !digits.starts_with('0');
        if !spelled || !(-INTEGER_MAX..=INTEGER_MAX).contains(&number) {
            return Err(self.error("integer is not canonical or not within ±(2^53−1)"));
        }
        self.at += len;
        Ok(Value::Number(Number::from(number)))
    }

    fn string(&mut self) -> Result<String, CanonicalError> {
        self.expect(b'"', "expected a string")?;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let (plain, special) = rest.split_at(find_special(rest).unwrap_or(rest.len()));
            out.push_str(plain);
            self.at += plain.len();
            let mut chars = special.chars();
            match (chars.next(), chars.next()) {
                (Some('"'), _) => {
                    self.at += 1;
                    return Ok(out);
                }
                (Some('\\'), Some('n')) => out.push('\n'),
                (Some('\\'), Some(escaped @ ('"' | '\\'))) => out.push(escaped),
                (Some('\\'), _) => {
                    return Err(self.error("only the escapes \\\" \\\\ \\n are canonical"));
                }
                (Some(_), _) => return Err(self.error("control or invisible character")),
                (None, _) => return Err(self.error("string does not end")),
            }
            self.at += 2;
        }
    }
}

/// What is not written as it is, or not at all. What lies between goes over in one piece.
fn is_special(c: char) -> bool {
    matches!(c, '"' | '\\') || text::is_forbidden(c)
}

/// Where the first of those is. Up to the first byte outside printable ASCII no character has to be
/// put together.
fn find_special(text: &str) -> Option<usize> {
    let from = scan::plain(text.as_bytes());
    let at = text.get(from..)?.find(is_special)?;
    Some(from + at)
}

fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() || key.len() > limits::KEY_BYTES_MAX {
        return Err("key is empty or too long");
    }
    if !key
        .bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    {
        return Err("key has a character outside a-z 0-9 _");
    }
    Ok(())
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => Err(CanonicalError::Unwritable("null")),
        Value::Bool(b) => {
            out.push_str(if *b { "true" } else { "false" });
            Ok(())
        }
        Value::Number(number) => write_number(number, out),
        Value::String(s) => write_string(s, out),
        Value::Array(items) => write_sequence(items.iter(), out, ('[', ']'), write_value),
        Value::Object(map) => {
            if map.keys().is_sorted() {
                return write_sequence(map.iter(), out, ('{', '}'), write_member);
            }
            // A map that keeps the order in which members came, as another build may have.
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            write_sequence(members.into_iter(), out, ('{', '}'), write_member)
        }
    }
}

fn write_member((key, member): (&String, &Value), out: &mut String) -> Result<(), CanonicalError> {
    // A key has no character that would have to be escaped.
    check_key(key).map_err(CanonicalError::Unwritable)?;
    out.push('"');
    out.push_str(key);
    out.push_str("\":");
    write_value(member, out)
}

fn write_number(number: &Number, out: &mut String) -> Result<(), CanonicalError> {
    let integer = number
        .as_i64()
        .filter(|n| (-INTEGER_MAX..=INTEGER_MAX).contains(n))
        .ok_or(CanonicalError::Unwritable("a number outside ±(2^53−1)"))?;
    // Writing to a string does not fail.
    let _ = write!(out, "{integer}");
    Ok(())
}

fn write_sequence<T>(
    items: impl Iterator<Item = T>,
    out: &mut String,
    (open, close): (char, char),
    mut write: impl FnMut(T, &mut String) -> Result<(), CanonicalError>,
) -> Result<(), CanonicalError> {
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

/// A string that something spells, as it comes where nothing in it has to be escaped.
fn write_spelled<T: Display + ?Sized>(value: &T, out: &mut String) -> Result<(), CanonicalError> {
    out.push('"');
    let from = out.len();
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
    let written = out.get(from..).unwrap_or_default();
    if find_special(written).is_none() {
        out.push('"');
        return Ok(());
    }
    let text = out.split_off(from);
    out.pop();
    write_string(&text, out)
}

fn write_string(s: &str, out: &mut String) -> Result<(), CanonicalError> {
    out.push('"');
    let mut rest = s;
    while let Some(at) = find_special(rest) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        out.push_str(match chars.next() {
            Some('"') => "\\\"",
            Some('\\') => "\\\\",
            Some('\n') => "\\n",
            _ => {
                return Err(CanonicalError::Unwritable(
                    "a control or invisible character",
                ));
            }
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
    Ok(())
}

#[cfg(test)]
mod tests;
