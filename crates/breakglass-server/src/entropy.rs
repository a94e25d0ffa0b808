//! The one place where randomness is drawn.

use breakglass_seal::{Entropy, EntropyError};

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError { wanted: out.len() })
    }
}

/// An array of random bytes.
///
/// Without randomness nothing can be sealed, named or signed, so there is nothing to go on with:
/// the caller ends.
pub fn random<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    OsEntropy.fill(&mut bytes)?;
    Ok(bytes)
}
