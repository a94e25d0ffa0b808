//! One-time public keys that answers are sealed to.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::statement::Kem;
use thiserror::Error;

/// The one algorithm there is.
const ALG: &str = "X25519";

/// Why something cannot be sealed to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KemError {
    /// Another algorithm.
    #[error("key to seal to has the algorithm {got:?}, X25519 is expected")]
    Algorithm {
        /// Its name.
        got: String,
    },
    /// Not 32 bytes in standard base64 with padding.
    #[error("key to seal to is not 32 bytes in base64")]
    Encoding,
    /// All zeros: whatever is sealed to it, everybody can open.
    #[error("key to seal to is all zeros")]
    Zero,
}

/// Checks that a key can be sealed to. Whether a point has small order is for the sealing to
/// refuse, where the shared secret shows it.
pub(crate) fn check(kem: &Kem) -> Result<(), KemError> {
    if kem.alg.as_str() != ALG {
        let got = kem.alg.as_str().to_owned();
        return Err(KemError::Algorithm { got });
    }
    let pk = STANDARD
        .decode(kem.pk.as_str())
        .ok()
        .and_then(|pk| <[u8; 32]>::try_from(pk).ok())
        .ok_or(KemError::Encoding)?;
    if pk == [0; 32] {
        return Err(KemError::Zero);
    }
    Ok(())
}
