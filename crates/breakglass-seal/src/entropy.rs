//! Randomness as an argument, and the adapter that hands it to `hpke`.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};
use thiserror::Error;

/// A source of cryptographically secure random bytes, in production the kernel's.
///
/// Bytes once given must never be given again: key secrecy and nonce uniqueness rest on it.
pub trait Entropy {
    /// Fills all of `out` with fresh random bytes.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] where the source could not give all bytes; `out` must then not be used.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The entropy source did not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the entropy source did not give the {wanted} bytes asked for")]
pub struct EntropyError {
    /// How many bytes were asked for.
    pub wanted: usize,
}

/// Presents an [`Entropy`] as the infallible generator that `hpke` demands.
///
/// A failure is remembered, the bytes become zero, and the source is not asked again. The caller
/// must call [`finish`](Self::finish) and throw away what was made if it fails.
pub(crate) struct HpkeRng<'a> {
    source: &'a mut dyn Entropy,
    failure: Option<EntropyError>,
}

impl<'a> HpkeRng<'a> {
    pub(crate) fn new(source: &'a mut dyn Entropy) -> Self {
        Self {
            source,
            failure: None,
        }
    }

    /// Tells whether every byte handed out was random.
    pub(crate) fn finish(self) -> Result<(), EntropyError> {
        self.failure.map_or(Ok(()), Err)
    }

    fn draw(&mut self, out: &mut [u8]) {
        if self.failure.is_none() {
            self.failure = self.source.fill(out).err();
        }
        if self.failure.is_some() {
            out.fill(0);
        }
    }
}

impl TryRng for HpkeRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.draw(&mut word);
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.draw(&mut word);
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.draw(out);
        Ok(())
    }
}

impl TryCryptoRng for HpkeRng<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::danger::{Counting, Failing};

    #[test]
    fn the_adapter_hands_the_bytes_on_unchanged() {
        let mut source = Counting::from(7);
        let mut rng = HpkeRng::new(&mut source);
        let mut out = [0; 3];
        let Ok(()) = rng.try_fill_bytes(&mut out);
        assert_eq!(out, [7, 8, 9]);
        assert_eq!(rng.try_next_u32(), Ok(u32::from_le_bytes([10, 11, 12, 13])));
        assert_eq!(rng.finish(), Ok(()));
    }

    #[test]
    fn the_adapter_remembers_the_first_failure_and_never_recovers() {
        let mut source = Failing::after(4);
        let mut rng = HpkeRng::new(&mut source);
        let mut out = [0xaa; 4];
        let Ok(()) = rng.try_fill_bytes(&mut out);
        let Ok(()) = rng.try_fill_bytes(&mut [0; 8]);
        // The source would have had this one; it is no longer asked.
        assert_eq!(rng.try_next_u64(), Ok(0));
        assert_eq!(rng.finish(), Err(EntropyError { wanted: 8 }));
    }
}
