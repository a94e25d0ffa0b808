//! A cursor over untrusted bytes that cannot run past their end.

/// The input ended before the part that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truncated {
    /// Bytes the part needs.
    pub(crate) needed: usize,
    /// Bytes that were left.
    pub(crate) left: usize,
}

/// Reads big-endian parts from the front of a slice.
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let (part, rest) = self.0.split_at_checked(len).ok_or(Truncated {
            needed: len,
            left: self.0.len(),
        })?;
        self.0 = rest;
        Ok(part)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (part, rest) = self.0.split_first_chunk::<N>().ok_or(Truncated {
            needed: N,
            left: self.0.len(),
        })?;
        self.0 = rest;
        Ok(*part)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    /// What has not been read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
