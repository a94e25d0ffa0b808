//! Text from people and servers, made harmless for a terminal.

use breakglass_format::text::is_forbidden;

/// Text on one line: control characters, bidirectional controls and characters without a mark are
/// spelled out, `\n` among them.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, false)
}

/// Text that may have line breaks of its own.
#[must_use]
pub fn prose(text: &str) -> String {
    escaped(text, true)
}

fn escaped(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if lines => out.push('\n'),
            '\n' => out.push_str("\\n"),
            c if is_forbidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(line("one\ntwo\r"), "one\\ntwo\\u{d}");
        assert_eq!(prose("one\ntwo\r"), "one\ntwo\\u{d}");
        assert_eq!(line("ab\u{202e}ba"), "ab\\u{202e}ba");
        assert_eq!(line("Größe ✓"), "Größe ✓");
    }

    proptest! {
        #[test]
        fn what_is_escaped_has_no_forbidden_character(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(is_forbidden));
            prop_assert!(!prose(&text).chars().any(|c| c != '\n' && is_forbidden(c)));
        }
    }
}
