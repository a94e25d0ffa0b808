//! Typed values straight from a text that is known to be canonical, without a tree between. Whoever
//! reads something that does not fit learns what is wrong with it from the tree.

use std::{borrow::Cow, fmt};

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess,
        SeqAccess, Visitor, value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};

/// Reads a value; `None` where it is not of the type.
pub(crate) fn value<T: DeserializeOwned>(text: &str) -> Option<T> {
    let mut reader = Reader { text, at: 0 };
    let value = T::deserialize(&mut reader).ok()?;
    (reader.at == text.len()).then_some(value)
}

/// The text that a string spells, quotes included; `None` where it is no string.
pub(crate) fn string(text: &str) -> Option<Cow<'_, str>> {
    let mut reader = Reader { text, at: 0 };
    reader.string().ok()
}

/// It does not fit.
#[derive(Debug)]
struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not fit")
    }
}

impl std::error::Error for Unfit {}

impl Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on where there is this byte.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unfit> {
        self.skip(byte).then_some(()).ok_or(Unfit)
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Unfit> {
        self.expect(b'"')?;
        let rest = self.rest();
        let mut end = 0;
        loop {
            let after = rest.as_bytes().get(end..).ok_or(Unfit)?;
            end += super::scan::plain(after);
            match rest.as_bytes().get(end) {
                None => return Err(Unfit),
                Some(b'"') => {
                    self.at += end + 1;
                    return rest.get(..end).map(Cow::Borrowed).ok_or(Unfit);
                }
                Some(b'\\') => return self.unescaped(rest),
                // A character of several bytes.
                Some(_) => end += 1,
            }
        }
    }

    /// What a string spells that has escapes, from its first character on.
    fn unescaped(&mut self, rest: &str) -> Result<Cow<'t, str>, Unfit> {
        let mut out = String::new();
        let mut escaped = false;
        for (at, c) in rest.char_indices() {
            match (escaped, c) {
                (false, '"') => {
                    self.at += at + 1;
                    return Ok(Cow::Owned(out));
                }
                (false, '\\') => {
                    escaped = true;
                    continue;
                }
                (true, 'n') => out.push('\n'),
                (_, c) => out.push(c),
            }
            escaped = false;
        }
        Err(Unfit)
    }

    fn integer(&mut self) -> Result<i64, Unfit> {
        let rest = self.rest();
        let end = rest.find(|c: char| !matches!(c, '-' | '0'..='9'));
        let token = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += token.len();
        token.parse().map_err(|_| Unfit)
    }

    fn word(&mut self, word: &str) -> Result<(), Unfit> {
        let fits = self.rest().starts_with(word);
        self.at += word.len();
        fits.then_some(()).ok_or(Unfit)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.peek().ok_or(Unfit)? {
            b'"' => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            b'{' => {
                let mut elements = Elements::begin(self);
                let value = visitor.visit_map(&mut elements)?;
                elements.end(b'}').map(|()| value)
            }
            b'[' => {
                let mut elements = Elements::begin(self);
                let value = visitor.visit_seq(&mut elements)?;
                elements.end(b']').map(|()| value)
            }
            b't' => {
                self.word("true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.word("false")?;
                visitor.visit_bool(false)
            }
            _ => {
                let number = self.integer()?;
                match u64::try_from(number) {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => visitor.visit_i64(number),
                }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    /// A word of a closed list.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_enum(self.string()?.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of an array, or the members of an object.
struct Elements<'r, 't> {
    reader: &'r mut Reader<'t>,
    first: bool,
}

impl<'r, 't> Elements<'r, 't> {
    /// After the bracket.
    const fn begin(reader: &'r mut Reader<'t>) -> Self {
        reader.at += 1;
        Self {
            reader,
            first: true,
        }
    }

    /// Whether there is another one, where it begins.
    fn next(&mut self) -> bool {
        let first = std::mem::replace(&mut self.first, false);
        if first {
            !matches!(self.reader.peek(), Some(b'}' | b']') | None)
        } else {
            self.reader.skip(b',')
        }
    }

    fn end(self, bracket: u8) -> Result<(), Unfit> {
        self.reader.expect(bracket)
    }
}

impl<'t> SeqAccess<'t> for &mut Elements<'_, 't> {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        let next = self.next();
        next.then(|| seed.deserialize(&mut *self.reader))
            .transpose()
    }
}

impl<'t> MapAccess<'t> for &mut Elements<'_, 't> {
    type Error = Unfit;

    fn next_key_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        if !self.next() {
            return Ok(None);
        }
        // A key has no escapes.
        let Cow::Borrowed(key) = self.reader.string()? else {
            return Err(Unfit);
        };
        self.reader.expect(b':')?;
        seed.deserialize(BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{super::parse, *};

    #[test]
    fn a_tree_is_read_as_it_is_parsed() {
        for text in [
            "{}",
            r#"{"a":-5,"b":"x\"\\\ny","c":[true,false,0,{}],"d":{"e":[],"f":["",1]}}"#,
            "{\"a\":\"\u{e4}\u{6f22}\\n\u{1f980}\"}",
        ] {
            let tree = parse(text.as_bytes(), 1 << 10).unwrap();
            assert_eq!(value::<Value>(text), Some(tree), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_canonical_is_read_as_something_or_not_at_all(text in "[{}\\[\\],:\"a1\\\\tn-]{0,20}") {
            let _ = value::<Value>(&text);
            let _ = string(&text);
        }
    }
}
