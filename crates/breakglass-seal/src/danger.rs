//! Predictable entropy. Dangerous by design, and compiled into the crate's own tests only.

use crate::entropy::{Entropy, EntropyError};

/// Gives `start`, `start + 1`, … modulo 256.
#[derive(Debug)]
pub(crate) struct Counting(u8);

impl From<u8> for Counting {
    fn from(start: u8) -> Self {
        Self(start)
    }
}

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// Gives exactly the bytes it was made with, then fails.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) Vec<u8>);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        if self.0.len() < out.len() {
            return Err(EntropyError { wanted: out.len() });
        }
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

/// Gives zeroes until the budget is spent, then fails.
#[derive(Debug)]
pub(crate) struct Failing {
    left: usize,
}

impl Failing {
    pub(crate) fn after(left: usize) -> Self {
        Self { left }
    }
}

impl Entropy for Failing {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.left = self
            .left
            .checked_sub(out.len())
            .ok_or(EntropyError { wanted: out.len() })?;
        out.fill(0);
        Ok(())
    }
}
