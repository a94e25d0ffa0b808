//! Randomness from the kernel, for whatever takes it as an argument.

use breakglass_seal::{Entropy, EntropyError};

/// The kernel's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError { wanted: out.len() })
    }
}

/// An array of fresh random bytes.
///
/// # Errors
///
/// The source failed.
pub fn random<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut out = [0; N];
    entropy.fill(&mut out)?;
    Ok(out)
}
