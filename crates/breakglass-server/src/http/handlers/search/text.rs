//! The words of a search, as people type them: words, `"words in a row"`, `beginn*`.

use breakglass_store::history::Phrase;

/// Longest text, in characters.
pub(super) const CHARS_MAX: usize = 256;
/// Most words and phrases.
const PHRASES_MAX: usize = 16;

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TextError {
    /// It is too long.
    #[error("the text has more than {CHARS_MAX} characters, or more than {PHRASES_MAX} words")]
    TooLong,
    /// There is nothing in it that an entry could say.
    #[error("there is neither a letter nor a digit in {0:?}")]
    NoWord(String),
}

/// The phrases that an entry must hold, all of them. Marks that stand alone are no words.
pub(super) fn phrases(text: &str) -> Result<Vec<Phrase>, TextError> {
    if text.chars().count() > CHARS_MAX {
        return Err(TextError::TooLong);
    }
    let mut all = Vec::new();
    for (nth, part) in text.split('"').enumerate() {
        // Every second part stands between quotes.
        if nth % 2 == 1 {
            all.extend(phrase(part));
        } else {
            let words = part.split(|c: char| c.is_whitespace() || c.is_control());
            all.extend(words.filter_map(phrase));
        }
    }
    match all.len() {
        0 => Err(TextError::NoWord(text.to_owned())),
        1..=PHRASES_MAX => Ok(all),
        _ => Err(TextError::TooLong),
    }
}

fn phrase(text: &str) -> Option<Phrase> {
    let closed = text.strip_suffix('*');
    let phrase = Phrase {
        text: closed.unwrap_or(text).to_owned(),
        open: closed.is_some(),
    };
    text.chars().any(char::is_alphanumeric).then_some(phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone_and_what_is_quoted_in_a_row() {
        let got = phrases("  disk \"out of memory\" - deploy* \"…\" R-12 * \"no end").unwrap();
        let got: Vec<(&str, bool)> = got.iter().map(|p| (p.text.as_str(), p.open)).collect();
        let expected = [
            ("disk", false),
            ("out of memory", false),
            ("deploy", true),
            ("R-12", false),
            ("no end", false),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn what_no_entry_can_say_is_refused() {
        for text in ["", "  ", "\"\"", "-", "* *", "\u{0}\n", "\"…\""] {
            let refused = phrases(text).unwrap_err();
            assert!(matches!(refused, TextError::NoWord(_)), "{text:?}");
        }
        assert_eq!(phrases(&"x".repeat(257)), Err(TextError::TooLong));
        assert_eq!(phrases(&"x ".repeat(17)), Err(TextError::TooLong));
        assert_eq!(phrases(&"x ".repeat(16)).unwrap().len(), 16);
    }
}
