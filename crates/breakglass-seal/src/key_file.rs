//! The one-line text form of a 32-byte secret key: `<tag>:<base64>` and a newline.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecretMut, SecretBox};
use thiserror::Error;
use zeroize::Zeroizing;

/// Characters of 32 bytes in padded base64.
const BASE64_LEN: usize = 44;

/// Why a text is not a key file. No variant carries any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The text does not begin with the tag of its kind.
    #[error("the key file does not begin with {expected:?} and a colon")]
    Tag {
        /// The tag wanted.
        expected: &'static str,
    },
    /// The part after the tag has the wrong length.
    #[error("expected {expected} base64 characters after the tag, got {got} bytes")]
    Length {
        /// Characters wanted.
        expected: usize,
        /// Bytes found, without one final newline.
        got: usize,
    },
    /// The part after the tag is not canonical padded base64 of 32 bytes.
    #[error("the part after the tag is not the base64 form of 32 bytes")]
    Encoding,
}

/// The content of a key file, final newline included.
pub(crate) fn format(tag: &str, key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let text = Zeroizing::new(STANDARD.encode(key));
    let mut line = Zeroizing::new(Vec::with_capacity(tag.len() + 1 + text.len() + 1));
    line.extend_from_slice(tag.as_bytes());
    line.push(b':');
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    line
}

/// Reads a key file; the final newline may be missing, nothing else may.
pub(crate) fn parse(
    tag: &'static str,
    content: &[u8],
) -> Result<SecretBox<[u8; 32]>, KeyFileError> {
    let text = content
        .strip_prefix(tag.as_bytes())
        .and_then(|rest| rest.strip_prefix(b":"))
        .ok_or(KeyFileError::Tag { expected: tag })?;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.len() != BASE64_LEN {
        return Err(KeyFileError::Length {
            expected: BASE64_LEN,
            got: text.len(),
        });
    }
    // 33: the decoder wants room for three bytes per group, whatever the `=` says.
    let mut decoded = Zeroizing::new([0; 33]);
    let len = STANDARD
        .decode_slice(text, decoded.as_mut_slice())
        .map_err(|_| KeyFileError::Encoding)?;
    let key = decoded
        .first_chunk::<32>()
        .filter(|_| len == 32)
        .ok_or(KeyFileError::Encoding)?;
    let mut secret = SecretBox::new(Box::new([0; 32]));
    secret.expose_secret_mut().copy_from_slice(key);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const TAG: &str = "test-key-v1";

    #[test]
    fn a_key_comes_back_with_and_without_the_newline() {
        let line = format(TAG, &[0xfb; 32]);
        assert!(line.starts_with(b"test-key-v1:+/v7"));
        assert!(line.ends_with(b"=\n"));
        assert_eq!(line.len(), line.capacity());
        assert_eq!(parse(TAG, &line).unwrap().expose_secret(), &[0xfb; 32]);
        assert_eq!(
            parse(TAG, &line[..line.len() - 1]).unwrap().expose_secret(),
            &[0xfb; 32]
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let line = format(TAG, &[1; 32]);
        let body = String::from_utf8(line[TAG.len() + 1..].to_vec()).unwrap();
        let error = |text: String| parse(TAG, text.as_bytes()).unwrap_err();
        assert_eq!(
            error(format!("test-key-v2:{body}")),
            KeyFileError::Tag { expected: TAG }
        );
        assert_eq!(
            error(format!(" {TAG}:{body}")),
            KeyFileError::Tag { expected: TAG }
        );
        assert_eq!(
            error(format!("{TAG}:{body}\n")),
            KeyFileError::Length {
                expected: 44,
                got: 45
            }
        );
        assert_eq!(
            error(format!("{TAG}:")),
            KeyFileError::Length {
                expected: 44,
                got: 0
            }
        );
        // The last character's spare bits must be zero: one text per key.
        assert_eq!(
            error(format!("{TAG}:{}", body.replace("E=", "F="))),
            KeyFileError::Encoding
        );
        assert_eq!(
            error(format!("{TAG}:{}", "A".repeat(44))),
            KeyFileError::Encoding
        );
        assert_eq!(
            error(format!("{TAG}:{}==", "A".repeat(42))),
            KeyFileError::Encoding
        );
    }
}
