//! Text from people and from outside, made safe to stand in a line.

use std::fmt::Display;

use crate::text::is_forbidden;

/// Longest text that is shown, in characters; the entry holds all of it.
const SHOWN_CHARS_MAX: usize = 160;

/// The text in double quotes: line breaks folded to ` / `, what is invisible made visible as `·`,
/// and the end of a long one cut.
///
/// Double quotes inside become single ones, so that the text cannot end its own quotation and go
/// on as if it were the timeline speaking.
pub(super) fn quote(text: impl Display) -> String {
    let text = text.to_string();
    if is_safe(&text) {
        return format!("\"{text}\"");
    }
    let folded = fold(&text);
    let cut: String = folded.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if cut.len() < folded.len() { "…" } else { "" };
    format!("\"{}{more}\"", cut.trim_end_matches(' '))
}

/// Whether nothing of a text has to be folded, replaced or cut: as almost always.
fn is_safe(text: &str) -> bool {
    let plain = |all: bool, byte: u8| all & matches!(byte, b' '..=b'~') & (byte != b'"');
    let spaced = text.starts_with(' ') || text.ends_with(' ');
    text.len() <= SHOWN_CHARS_MAX && !spaced && text.bytes().fold(true, plain)
}

fn fold(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| line.trim_matches(' '))
        .filter(|line| !line.is_empty());
    let visible = |c| match c {
        '"' => '\'',
        c if is_forbidden(c) => '·',
        c => c,
    };
    lines
        .map(|line| line.chars().map(visible).collect::<String>())
        .collect::<Vec<_>>()
        .join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_quotation_on_one_line() {
        for (text, shown) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("one\n\n  two \n", "\"one / two\""),
            ("x\"  [server]", "\"x'  [server]\""),
            ("a\u{1b}[31mb\u{202e}c\r\td\u{2028}", "\"a·[31mb·c··d·\""),
        ] {
            assert_eq!(quote(text), shown);
        }
    }

    #[test]
    fn what_is_safe_is_what_would_stay_as_it_is() {
        for (text, safe) in [
            ("plain, and 'quoted'", true),
            ("", true),
            (" before", false),
            ("after ", false),
            ("a \"word\"", false),
            ("two\nlines", false),
            ("\u{e4}", false),
            (&"x".repeat(160), true),
            (&"x".repeat(161), false),
        ] {
            assert_eq!(is_safe(text), safe, "{text}");
            let folded = fold(text);
            assert!(!safe || folded == text, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_by_characters() {
        assert_eq!(quote("ä".repeat(160)), format!("\"{}\"", "ä".repeat(160)));
        assert_eq!(quote("ä".repeat(161)), format!("\"{}…\"", "ä".repeat(160)));
    }
}
