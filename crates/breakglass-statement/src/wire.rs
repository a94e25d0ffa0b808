//! The SSH wire encoding (RFC 4251 section 5), as far as keys, signatures and agents use it.

use thiserror::Error;

/// Why bytes are not the SSH wire encoding of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end before the value does.
    #[error("ssh data ends early: {needed} bytes needed, {left} left")]
    Truncated {
        /// Bytes the value needs.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// Bytes follow the last value.
    #[error("ssh data has {left} bytes after its end")]
    Trailing {
        /// How many.
        left: usize,
    },
    /// A string that must be text is not UTF-8.
    #[error("ssh data has a string that is not utf-8")]
    NotText,
    /// An integer is negative or has needless leading zeros.
    #[error("ssh data has an integer that is negative or not in its shortest form")]
    NotMinimal,
}

/// Reads values one after the other; refuses instead of guessing.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Exactly `count` raw bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(WireError::Truncated {
                needed: count,
                left: self.rest.len(),
            });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A `byte`.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.take(1)?.iter().fold(0, |_, byte| *byte))
    }

    /// A `uint32`, big-endian.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    /// A `string`: a length and so many bytes.
    pub fn string(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// A `string` that is UTF-8 text.
    pub fn text(&mut self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.string()?).map_err(|_| WireError::NotText)
    }

    /// The magnitude of a non-negative `mpint`, without the sign's zero byte; zero is empty.
    pub fn mpint(&mut self) -> Result<&'a [u8], WireError> {
        match self.string()? {
            [] => Ok(&[]),
            [0, magnitude @ ..] => match magnitude.first() {
                Some(0x80..) => Ok(magnitude),
                _ => Err(WireError::NotMinimal),
            },
            [first, ..] if *first >= 0x80 => Err(WireError::NotMinimal),
            magnitude => Ok(magnitude),
        }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes after the last value.
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(WireError::Trailing { left }),
        }
    }
}

/// Writes values one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Nothing written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Raw bytes, without a length.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A `byte`.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    /// A `uint32`, big-endian.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// A `string`. Where there are more bytes than a length can say, the length says the most it
    /// can and every reader refuses the result.
    #[must_use]
    pub fn string(self, bytes: &[u8]) -> Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX))
            .raw(bytes)
    }

    /// A non-negative `mpint` from its big-endian magnitude, in its shortest form.
    #[must_use]
    pub fn mpint(self, magnitude: &[u8]) -> Self {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let shortest = magnitude.get(zeros..).unwrap_or_default();
        if matches!(shortest.first(), Some(0x80..)) {
            let mut signed = vec![0];
            signed.extend_from_slice(shortest);
            return self.string(&signed);
        }
        self.string(shortest)
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = Writer::new()
            .u8(7)
            .u32(0xdead_beef)
            .string("é".as_bytes())
            .mpint(&[0, 0, 0x80])
            .mpint(&[])
            .into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(7));
        assert_eq!(reader.u32(), Ok(0xdead_beef));
        assert_eq!(reader.text(), Ok("é"));
        assert_eq!(reader.mpint(), Ok(&[0x80][..]));
        assert_eq!(reader.mpint(), Ok(&[][..]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn lengths_beyond_the_end_and_trailing_bytes_are_refused() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(
            reader.string(),
            Err(WireError::Truncated {
                needed: 0xffff_ffff,
                left: 1
            })
        );
        assert_eq!(
            Reader::new(&[0]).finish(),
            Err(WireError::Trailing { left: 1 })
        );
        assert!(Reader::new(&[0, 0]).u32().is_err());
    }

    #[test]
    fn integers_have_one_spelling() {
        for wrong in [&[0][..], &[0, 1], &[0, 0, 0x80], &[0x80], &[0xff, 1]] {
            let bytes = Writer::new().string(wrong).into_bytes();
            assert_eq!(
                Reader::new(&bytes).mpint(),
                Err(WireError::NotMinimal),
                "{wrong:?}"
            );
        }
    }
}
