//! HPKE (RFC 9180) base mode with the one suite breakglass uses, encrypting in place.

use hpke::{
    Deserializable, HpkeError, Kem as _, OpModeR, OpModeS, Serializable,
    aead::{AeadTag, ChaCha20Poly1305},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    setup_sender_with_rng, single_shot_open_inout_detached,
    single_shot_seal_inout_detached_with_rng,
};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError, HpkeRng};

type Aead = ChaCha20Poly1305;
type Kdf = HkdfSha256;
type Kem = X25519HkdfSha256;

/// The suite as RFC 9180 section 7 numbers it: KEM 0x0020, KDF 0x0001, AEAD 0x0003, big-endian.
pub(crate) const SUITE: [u8; 6] = [0x00, 0x20, 0x00, 0x01, 0x00, 0x03];

/// Length of public keys, private keys and encapsulated keys in bytes (RFC 9180 section 7.1).
pub(crate) const KEY_LEN: usize = 32;

/// Length of the authentication tag in bytes.
pub(crate) const TAG_LEN: usize = 16;

/// A private key, which wipes itself.
pub(crate) type PrivateKey = <Kem as hpke::Kem>::PrivateKey;

/// What goes with the ciphertext.
pub(crate) struct Sealed {
    pub(crate) enc: [u8; KEY_LEN],
    pub(crate) tag: [u8; TAG_LEN],
}

/// Why sealing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealFailure {
    /// The entropy source failed; nothing was made.
    Entropy(EntropyError),
    /// The recipient's key is unusable, or the message too long.
    Hpke(HpkeError),
}

impl From<HpkeError> for SealFailure {
    fn from(error: HpkeError) -> Self {
        Self::Hpke(error)
    }
}

/// `GenerateKeyPair` as `DeriveKeyPair` (RFC 9180 section 7.1.3) over 32 bytes of entropy.
pub(crate) fn generate(
    entropy: &mut dyn Entropy,
) -> Result<(PrivateKey, [u8; KEY_LEN]), EntropyError> {
    let mut rng = HpkeRng::new(entropy);
    let (private, public) = Kem::gen_keypair_with_rng(&mut rng);
    rng.finish()?;
    Ok((private, public.to_bytes().into()))
}

pub(crate) fn public_of(private: &PrivateKey) -> [u8; KEY_LEN] {
    Kem::sk_to_pk(private).to_bytes().into()
}

pub(crate) fn private_from(bytes: &[u8; KEY_LEN]) -> Result<PrivateKey, HpkeError> {
    PrivateKey::from_bytes(bytes)
}

pub(crate) fn private_to(private: &PrivateKey) -> Zeroizing<[u8; KEY_LEN]> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    private.write_exact(bytes.as_mut_slice());
    bytes
}

/// True where every Diffie-Hellman result with this public key is zero.
///
/// Every clamped scalar is a multiple of the cofactor and of no large prime factor of the group
/// order, so that one trial decides for all.
pub(crate) fn is_low_order(public: &[u8; KEY_LEN]) -> bool {
    struct Trial;
    impl Entropy for Trial {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.fill(1);
            Ok(())
        }
    }
    <Kem as hpke::Kem>::PublicKey::from_bytes(public)
        .and_then(|public| {
            let mut rng = Trial;
            let mut rng = HpkeRng::new(&mut rng);
            setup_sender_with_rng::<Aead, Kdf, Kem>(&OpModeS::Base, &public, &[], &mut rng)
        })
        .is_err()
}

/// `SealBase` (RFC 9180 section 6.1): turns `buffer` into the ciphertext.
///
/// On failure the buffer holds neither ciphertext nor anything of use.
pub(crate) fn seal(
    recipient: &[u8; KEY_LEN],
    info: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealFailure> {
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient)?;
    let mut rng = HpkeRng::new(entropy);
    let sealed = single_shot_seal_inout_detached_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        &recipient,
        info,
        buffer.into(),
        aad,
        &mut rng,
    );
    rng.finish().map_err(SealFailure::Entropy)?;
    let (enc, tag) = sealed?;
    Ok(Sealed {
        enc: enc.to_bytes().into(),
        tag: tag.to_bytes().into(),
    })
}

/// `OpenBase` (RFC 9180 section 6.1): turns `buffer` into the plaintext.
pub(crate) fn open(
    private: &PrivateKey,
    info: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    Sealed { enc, tag }: &Sealed,
) -> Result<(), HpkeError> {
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(enc)?;
    let tag = AeadTag::<Aead>::from_bytes(tag)?;
    single_shot_open_inout_detached::<Aead, Kdf, Kem>(
        &OpModeR::Base,
        private,
        &enc,
        info,
        buffer.into(),
        aad,
        &tag,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        danger::{Failing, Fixed},
        hex,
    };

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::parse(text).unwrap()
    }

    /// RFC 9180 appendix A.2.1 and A.2.1.1, sequence number 0.
    #[test]
    fn the_published_vector_of_rfc_9180_a_2_1() {
        let ikm_e: [u8; 32] =
            bytes("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b");
        let ikm_r: [u8; 32] =
            bytes("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df");
        let pk_r = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let enc: [u8; 32] =
            bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let ct: [u8; 45] = bytes(concat!(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db",
            "21993c62ce81883d2dd1b51a28"
        ));
        let (info, aad) = (b"Ode on a Grecian Urn", b"Count-0");
        let pt = *b"Beauty is truth, truth beauty";

        let (private, public) = generate(&mut Fixed(ikm_r.to_vec())).unwrap();
        assert_eq!(public, pk_r);
        let mut buffer = pt;
        let sealed = seal(&pk_r, info, aad, &mut buffer, &mut Fixed(ikm_e.to_vec())).unwrap();
        assert_eq!(sealed.enc, enc);
        assert_eq!([&buffer[..], &sealed.tag[..]].concat(), ct);
        assert_eq!(open(&private, info, aad, &mut buffer, &sealed), Ok(()));
        assert_eq!(buffer, pt);
    }

    #[test]
    fn without_entropy_there_is_neither_key_nor_ciphertext() {
        let error = EntropyError { wanted: 32 };
        assert_eq!(
            generate(&mut Failing::after(31)).map(|(_, public)| public),
            Err(error)
        );
        let (_, public) = generate(&mut Fixed(vec![9; 32])).unwrap();
        let sealed = seal(&public, b"", b"", &mut [0; 8], &mut Failing::after(0));
        assert_eq!(
            sealed.map(|sealed| sealed.enc),
            Err(SealFailure::Entropy(error))
        );
    }
}
