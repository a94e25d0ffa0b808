//! How what is sealed with HPKE and sent begins: a mark, the form's version, the HPKE suite. Its
//! text form is padded base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    bytes::{Cursor, Truncated},
    hpke_base::SUITE,
};

/// Bytes of the mark and of the version.
const PREFIX_LEN: usize = 5;

/// One kind of such objects.
pub(crate) struct Form {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// Mark and version.
    pub(crate) prefix: [u8; PREFIX_LEN],
}

/// Why bytes or a text do not begin as they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormError {
    /// The text is not canonical padded base64.
    #[error("{what} is padded base64, and this is none")]
    Encoding {
        /// What was wanted.
        what: &'static str,
    },
    /// The bytes end before there is anything in them.
    #[error("{what} has a beginning of {} bytes, got {got} bytes", Form::BEGIN_LEN)]
    Truncated {
        /// What was wanted.
        what: &'static str,
        /// Bytes there are.
        got: usize,
    },
    /// The first bytes name another kind of object or another version.
    #[error("{what} begins with {expected:02x?}, got {got:02x?}")]
    Prefix {
        /// What was wanted.
        what: &'static str,
        /// The bytes wanted.
        expected: [u8; PREFIX_LEN],
        /// The bytes found.
        got: [u8; PREFIX_LEN],
    },
    /// The HPKE suite is another one.
    #[error("{what} has the HPKE suite {expected:02x?}, got {got:02x?}")]
    Suite {
        /// What was wanted.
        what: &'static str,
        /// KEM, KDF and AEAD wanted, two bytes each.
        expected: [u8; 6],
        /// KEM, KDF and AEAD found.
        got: [u8; 6],
    },
}

impl Form {
    /// Bytes of the beginning.
    pub(crate) const BEGIN_LEN: usize = PREFIX_LEN + SUITE.len();

    /// The beginning and what follows.
    pub(crate) fn bytes(&self, parts: &[&[u8]]) -> Vec<u8> {
        [&self.prefix[..], &SUITE, &parts.concat()].concat()
    }

    /// What follows the beginning.
    pub(crate) fn body<'a>(&self, bytes: &'a [u8]) -> Result<Cursor<'a>, FormError> {
        let what = self.what;
        let got = bytes.len();
        let truncated = |_: Truncated| FormError::Truncated { what, got };
        let mut cursor = Cursor::new(bytes);
        let got = cursor.array().map_err(truncated)?;
        if got != self.prefix {
            let expected = self.prefix;
            return Err(FormError::Prefix {
                what,
                expected,
                got,
            });
        }
        let got = cursor.array().map_err(truncated)?;
        if got != SUITE {
            let expected = SUITE;
            return Err(FormError::Suite {
                what,
                expected,
                got,
            });
        }
        Ok(cursor)
    }

    /// The bytes of a text.
    pub(crate) fn decoded(&self, text: &str) -> Result<Vec<u8>, FormError> {
        let bytes = STANDARD.decode(text);
        bytes.map_err(|_| FormError::Encoding { what: self.what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form {
        what: "a test object",
        prefix: *b"TEST\x01",
    };

    #[test]
    fn what_was_put_behind_the_beginning_comes_back_and_another_beginning_is_named() {
        let bytes = FORM.bytes(&[b"ab", b"c"]);
        assert_eq!(FORM.body(&bytes).map(Cursor::rest), Ok(&b"abc"[..]));
        let refused = |bytes: &[u8]| FORM.body(bytes).map(Cursor::rest).unwrap_err();
        let what = FORM.what;
        for got in 0..Form::BEGIN_LEN {
            assert_eq!(refused(&bytes[..got]), FormError::Truncated { what, got });
        }
        let mut other = bytes.clone();
        other[4] = 2;
        let says = refused(&other).to_string();
        assert!(says.starts_with("a test object begins with"), "{says}");
        let mut other = bytes;
        other[10] = 1;
        let says = refused(&other).to_string();
        assert!(
            says.starts_with("a test object has the HPKE suite"),
            "{says}"
        );
        let none = FORM.decoded("YQ").unwrap_err();
        assert_eq!(none, FormError::Encoding { what });
    }
}
