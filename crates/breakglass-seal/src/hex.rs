//! Lower-case hexadecimal of public values.

use std::fmt;

use thiserror::Error;

/// A text is not the lower-case hexadecimal of the expected number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HexError {
    /// Wrong number of digits.
    #[error("expected {expected} hexadecimal digits, got {got} bytes of text")]
    Length {
        /// Digits wanted.
        expected: usize,
        /// Bytes of text given.
        got: usize,
    },
    /// A character outside `[0-9a-f]`.
    #[error("the byte at offset {offset} is not a lower-case hexadecimal digit")]
    Digit {
        /// Where it stands, in bytes from the start.
        offset: usize,
    },
}

pub(crate) fn write(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(crate) fn format(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn parse<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let expected = 2 * N;
    if text.len() != expected {
        return Err(HexError::Length {
            expected,
            got: text.len(),
        });
    }
    let mut out = [0; N];
    for (offset, digit) in text.bytes().enumerate() {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(HexError::Digit { offset }),
        };
        if let Some(byte) = out.get_mut(offset / 2) {
            *byte = (*byte << 4) | value;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_of_the_right_length_parses() {
        assert_eq!(parse("00ff1a"), Ok([0x00, 0xff, 0x1a]));
        assert_eq!(
            parse::<3>("00ff1"),
            Err(HexError::Length {
                expected: 6,
                got: 5
            })
        );
        assert_eq!(parse::<3>("00Ff1a"), Err(HexError::Digit { offset: 2 }));
        assert_eq!(parse::<2>("é12"), Err(HexError::Digit { offset: 0 }));
    }
}
