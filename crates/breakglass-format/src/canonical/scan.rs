//! Whether a text is canonical, in one pass and without a tree: [`super::parse`] accepts the same
//! texts, and says of the others what is wrong with them.

use super::{INTEGER_MAX, check_key};
use crate::{limits, text::is_forbidden};

/// The members of a document that is canonical, and of objects that are values of those, each with
/// its level, 0 or 1, and the text of its value; inner ones come before the one that they are in.
/// `None` where the document is not canonical, or `member` says so.
pub(crate) fn members<'t>(
    text: &'t str,
    mut member: impl FnMut(usize, &'t str, &'t str) -> bool,
) -> Option<()> {
    let mut scan = Scan { text, at: 0 };
    scan.object(0, &mut |level, key, value| {
        member(level, key, value).then_some(())
    })?;
    (scan.at == text.len()).then_some(())
}

/// How many bytes at the beginning stand for themselves in a string, and are ASCII: eight are looked
/// at at a time.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (eights, _) = bytes.as_chunks::<8>();
    let whole = eights.iter().take_while(|eight| all_plain(**eight)).count();
    let rest = bytes.get(whole * 8..).unwrap_or_default();
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    whole * 8 + rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// Whether eight bytes are printable ASCII and neither quote nor backslash. It may say no of such
/// that are, never yes of others: a borrow goes up only from a byte that is none.
const fn all_plain(eight: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let word = u64::from_le_bytes(eight);
    let below = word.wrapping_sub(0x20 * ONES);
    let above = word.wrapping_add(ONES);
    let quote = (word ^ (b'"' as u64 * ONES)).wrapping_sub(ONES);
    let slash = (word ^ (b'\\' as u64 * ONES)).wrapping_sub(ONES);
    (word | below | above | quote | slash) & HIGH == 0
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
}

/// What is done with each member of an object.
type Each<'e, 't> = dyn FnMut(usize, &'t str, &'t str) -> Option<()> + 'e;

impl<'t> Scan<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found.then_some(())
    }

    /// Whether there is a comma, and another element after it.
    fn more(&mut self) -> bool {
        self.expect(b',').is_some()
    }

    fn value(&mut self, depth: usize, each: &mut Each<'_, 't>) -> Option<()> {
        if depth > limits::DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth, each),
            b'[' => self.array(depth, each),
            b'"' => self.string().map(|_| ()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            _ => self.integer(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let fits = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        fits.then_some(())
    }

    fn object(&mut self, depth: usize, each: &mut Each<'_, 't>) -> Option<()> {
        self.expect(b'{')?;
        if self.expect(b'}').is_some() {
            return Some(());
        }
        let (mut last, mut count) = ("", 0);
        loop {
            let key = self.string()?;
            check_key(key).ok()?;
            // The first is not empty.
            if key <= last {
                return None;
            }
            last = key;
            self.expect(b':')?;
            let from = self.at;
            self.value(depth + 1, each)?;
            // An object in an array lies deeper.
            if depth <= 1 {
                each(depth, key, self.text.get(from..self.at)?)?;
            }
            count += 1;
            if count > limits::ELEMENTS_MAX {
                return None;
            }
            if !self.more() {
                return self.expect(b'}');
            }
        }
    }

    fn array(&mut self, depth: usize, each: &mut Each<'_, 't>) -> Option<()> {
        self.expect(b'[')?;
        if self.expect(b']').is_some() {
            return Some(());
        }
        let mut count = 0;
        loop {
            self.value(depth + 1, each)?;
            count += 1;
            if count > limits::ELEMENTS_MAX {
                return None;
            }
            if !self.more() {
                return self.expect(b']');
            }
        }
    }

    fn integer(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        let length = count + (rest.len() - digits.len());
        let token = rest.get(..length)?;
        let number: i64 = token.parse().ok()?;
        // No sign before 0, and no 0 before a digit.
        let spelled = token == "0" || !digits.starts_with('0');
        self.at += length;
        (spelled && (-INTEGER_MAX..=INTEGER_MAX).contains(&number)).then_some(())
    }

    /// A string, as it is spelled between its quotes.
    fn string(&mut self) -> Option<&'t str> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let plain = plain(rest);
            self.at += plain;
            match rest.get(plain)? {
                b'"' => {
                    self.at += 1;
                    return self.text.get(from..self.at - 1);
                }
                b'\\' => {
                    if !matches!(rest.get(plain + 1)?, b'n' | b'"' | b'\\') {
                        return None;
                    }
                    self.at += 2;
                }
                _ => {
                    let c = self.text.get(self.at..)?.chars().next()?;
                    if is_forbidden(c) {
                        return None;
                    }
                    self.at += c.len_utf8();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::parse, *};

    /// Whether this accepts a text, after it was asked whether the other does.
    fn agree(text: &str) -> bool {
        let here = members(text, |_, _, _| true).is_some();
        assert_eq!(here, parse(text.as_bytes(), 1 << 20).is_ok(), "{text:?}");
        here
    }

    #[test]
    fn every_byte_in_every_place_is_judged_as_by_the_parser() {
        let text =
            br#"{"a":1,"b":"x\"\\\n y, and some more","c":[true,false,-50,{}],"d":{"e":[]}}"#;
        assert!(agree(std::str::from_utf8(text).unwrap()));
        for at in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut text = text.to_vec();
                text[at] = byte;
                if let Ok(text) = std::str::from_utf8(&text) {
                    agree(text);
                }
                text.insert(at, byte);
                if let Ok(text) = std::str::from_utf8(&text) {
                    agree(text);
                }
            }
            agree(std::str::from_utf8(&text[..at]).unwrap());
        }
    }

    #[test]
    fn every_character_is_judged_as_by_the_parser() {
        for c in (0..=0x000e_1000).filter_map(char::from_u32) {
            agree(&format!("{{\"a\":\"x{c}\"}}"));
        }
    }

    #[test]
    fn limits_are_those_of_the_parser() {
        for deep in 20..30 {
            agree(&format!(
                "{{\"a\":{}{}}}",
                "[".repeat(deep),
                "]".repeat(deep)
            ));
            let open = "{\"a\":".repeat(deep);
            agree(&format!("{open}1{}", "}".repeat(deep)));
        }
        for many in [limits::ELEMENTS_MAX - 1, limits::ELEMENTS_MAX] {
            agree(&format!("{{\"a\":[{}1]}}", "1,".repeat(many)));
            let more: String = (0..many).map(|n| format!(",\"b{n:05}\":1")).collect();
            agree(&format!("{{\"a\":1{more}}}"));
        }
        for number in [
            "9007199254740991",
            "9007199254740992",
            "99999999999999999999",
        ] {
            agree(&format!("{{\"a\":{number}}}"));
            agree(&format!("{{\"a\":-{number}}}"));
        }
        for key in ["", "a", "A", "a-b", &"x".repeat(64), &"x".repeat(65)] {
            agree(&format!("{{\"{key}\":1}}"));
        }
    }

    #[test]
    fn eight_bytes_are_plain_where_each_is() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut eight = *b"abcdefg ";
                eight[at] = byte;
                let each = eight
                    .iter()
                    .all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'));
                assert_eq!(all_plain(eight), each, "{eight:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn texts_of_json_are_judged_as_by_the_parser(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"aa\"", "0", "-1", "01", "1.0",
                    "true", "null", "\"\\n\"", "\"\\t\"", "\"\u{e4}\"", "\"\u{200b}\"", " ",
                ]),
                0..14,
            )
        ) {
            let text = parts.concat();
            agree(&text);
            agree(&format!("{{\"a\":{text}}}"));
        }
    }
}
