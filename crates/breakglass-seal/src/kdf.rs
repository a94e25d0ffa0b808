//! HKDF-SHA256 (RFC 5869) with 32-byte outputs.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The state after HKDF-Extract.
pub(crate) struct Prk(Hkdf<Sha256>);

impl Prk {
    /// HKDF-Extract.
    pub(crate) fn extract(salt: &[u8], key: &[u8; 32]) -> Self {
        Self(Hkdf::new(Some(salt), key))
    }

    /// HKDF-Expand to 32 bytes; `info` is the concatenation of the parts.
    #[expect(
        clippy::expect_used,
        reason = "HKDF-SHA256 refuses only outputs over 8160 bytes; this one is always 32"
    )]
    pub(crate) fn expand(&self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        self.0
            .expand_multi_info(info, out.as_mut())
            .expect("32 bytes are within HKDF's limit");
        out
    }
}
