//! Reads the values between the fixed parts of a header in canonical JSON. That nothing else was
//! let through is for whoever renders it again to see.

/// Where reading stopped, in bytes from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) offset: usize,
}

/// A header that is being read.
pub(crate) struct Scan<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// Before the first part.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, Stopped> {
        let text = std::str::from_utf8(bytes).map_err(|error| Stopped {
            offset: error.valid_up_to(),
        })?;
        Ok(Self { text, rest: text })
    }

    /// The text between `before` and the next `end`, and past one comma.
    pub(crate) fn between(&mut self, before: &str, end: &str) -> Result<&'a str, Stopped> {
        let (value, rest) = self
            .rest
            .strip_prefix(before)
            .and_then(|rest| rest.split_once(end))
            .ok_or_else(|| self.stopped())?;
        self.rest = rest.strip_prefix(',').unwrap_or(rest);
        Ok(value)
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn stopped(&self) -> Stopped {
        Stopped {
            offset: self.text.len() - self.rest.len(),
        }
    }
}
