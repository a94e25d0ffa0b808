//! Padding to one of four sizes, so that a ciphertext's length says little about the secret.
//!
//! Form: length of the content (2 bytes, big-endian), content, zero bytes.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::bytes::Cursor;

/// The lengths in bytes that a padded credential can have.
pub const PADDED_LENS: [usize; 4] = [128, 512, 2048, 8192];

/// Bytes of the length in front of the content.
const PREFIX_LEN: usize = 2;

/// The longest content that fits, in bytes.
pub(crate) const MAX_CONTENT_LEN: usize = 8192 - PREFIX_LEN;

/// Why a content could not be padded, or a padded content not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PaddingError {
    /// The content does not fit the largest size.
    #[error("the content has {got} bytes, at most {max} can be padded")]
    TooLong {
        /// Most bytes allowed.
        max: usize,
        /// Bytes of the content.
        got: usize,
    },
    /// The padded length is none of [`PADDED_LENS`], or larger than the content needs.
    #[error("the padded length is {got} bytes, the content needs {expected:?}")]
    Length {
        /// The length that the content would be padded to; `None` if there is none.
        expected: Option<usize>,
        /// The length found.
        got: usize,
    },
    /// A byte after the content is not zero.
    #[error("the padding is not all zero bytes")]
    NotZero,
}

fn padded_len(content_len: usize) -> Option<usize> {
    PADDED_LENS
        .into_iter()
        .find(|len| content_len + PREFIX_LEN <= *len)
}

/// Pads to the smallest of [`PADDED_LENS`] that holds the content.
pub(crate) fn pad(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, PaddingError> {
    let too_long = PaddingError::TooLong {
        max: MAX_CONTENT_LEN,
        got: content.len(),
    };
    let prefix = u16::try_from(content.len()).map_err(|_| too_long)?;
    let total = padded_len(content.len()).ok_or(too_long)?;
    // Full capacity at once: a growing vector would leave unwiped copies behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(total));
    padded.extend_from_slice(&prefix.to_be_bytes());
    padded.extend_from_slice(content);
    padded.resize(total, 0);
    Ok(padded)
}

/// Returns the content. There is exactly one padded form of a content; any other is refused.
pub(crate) fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let wrong_len = |expected| PaddingError::Length {
        expected,
        got: padded.len(),
    };
    let mut cursor = Cursor::new(padded);
    let content_len = usize::from(cursor.u16().map_err(|_| wrong_len(None))?);
    let expected = padded_len(content_len);
    if expected != Some(padded.len()) {
        return Err(wrong_len(expected));
    }
    let content = cursor.take(content_len).map_err(|_| wrong_len(expected))?;
    if cursor.rest().iter().any(|byte| *byte != 0) {
        return Err(PaddingError::NotZero);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_size_that_fits_is_taken() {
        for (content, padded) in [
            (0, 128),
            (126, 128),
            (127, 512),
            (510, 512),
            (511, 2048),
            (2047, 8192),
            (8190, 8192),
        ] {
            let content = vec![0x5a; content];
            let out = pad(&content).unwrap();
            assert_eq!(out.len(), padded);
            assert_eq!(unpad(&out), Ok(content.as_slice()));
        }
        assert_eq!(
            pad(&[0; 8191]).unwrap_err(),
            PaddingError::TooLong {
                max: 8190,
                got: 8191
            }
        );
        assert!(matches!(
            pad(&[0; 70_000]),
            Err(PaddingError::TooLong { got: 70_000, .. })
        ));
    }

    #[test]
    fn another_size_another_fill_and_a_false_length_are_refused() {
        let mut padded = pad(b"secret").unwrap().to_vec();
        padded[127] = 1;
        assert_eq!(unpad(&padded), Err(PaddingError::NotZero));
        padded[127] = 0;
        padded.resize(512, 0);
        assert_eq!(
            unpad(&padded),
            Err(PaddingError::Length {
                expected: Some(128),
                got: 512
            })
        );
        padded[0] = 0xff;
        assert_eq!(
            unpad(&padded),
            Err(PaddingError::Length {
                expected: None,
                got: 512
            })
        );
        assert_eq!(
            unpad(&[0]),
            Err(PaddingError::Length {
                expected: None,
                got: 1
            })
        );
    }
}
