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
    let folded = fold(&text.to_string());
    let cut: String = folded.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if cut.len() < folded.len() { "…" } else { "" };
    format!("\"{}{more}\"", cut.trim_end_matches(' '))
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
    fn a_long_text_is_cut_by_characters() {
        assert_eq!(quote("ä".repeat(160)), format!("\"{}\"", "ä".repeat(160)));
        assert_eq!(quote("ä".repeat(161)), format!("\"{}…\"", "ä".repeat(160)));
    }
}
