//! Sealing, with public keys alone.

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, Key, KeyInit, Nonce};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    AT_REST, Keys, QUORUM_NONCE_LEN, QuorumCredential, QuorumHeader, QuorumHeaderError, SALT_LEN,
    SealedShare, Share, id, share_context,
};
use crate::{
    credential::Credential,
    entropy::{Entropy, EntropyError},
    hpke_base::{self, SealFailure},
    padding::{self, PaddingError},
    quorum::Custodian,
    shamir,
};

/// Why a credential was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuorumSealError {
    /// No fresh key.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// What was given cannot stand in a header.
    #[error(transparent)]
    Header(#[from] QuorumHeaderError),
    /// The credential does not fit the largest padded length.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// The cipher refused the length of the message.
    #[error("the cipher refused {got} bytes")]
    Cipher {
        /// Bytes of the padded credential.
        got: usize,
    },
    /// HPKE refused the key of a custodian.
    #[error("the share of {principal} could not be sealed to their key")]
    Hpke {
        /// Whose.
        principal: Box<str>,
    },
    /// The shares do not give what was sealed: this machine does not compute as it must.
    #[error("the shares that were made do not give the credential's key; nothing was sealed")]
    SelfTest,
}

/// Seals a credential as `version` of `account`; the other arguments are those of
/// [`QuorumHeader::new`]. The shares are put together once more before anything is handed out.
///
/// # Errors
///
/// See [`QuorumSealError`].
pub fn seal_quorum(
    whose: ([u8; 32], [u8; 32]),
    what: (&str, u64),
    custodians: (u8, Vec<Custodian>),
    credential: &Credential,
    entropy: &mut dyn Entropy,
) -> Result<QuorumCredential, QuorumSealError> {
    let mut nonce = [0; QUORUM_NONCE_LEN];
    entropy.fill(&mut nonce)?;
    let header = QuorumHeader::new(whose, what, custodians, nonce)?;
    let id = id(&header);
    let mut secret = shamir::Value::default();
    entropy.fill(secret.as_mut())?;
    let keys = Keys::derive(&id, &secret);
    let shares = dealt(&header, &secret, entropy)?;
    let commitments: Vec<[u8; 32]> = shares.iter().map(|share| share.commitment(&id)).collect();
    let both = shares.iter().zip(&commitments).zip(header.custodians());
    let sealed = both.map(|((share, commitment), custodian)| {
        let aad = share_context(&id, share.number, commitments.iter(), &keys.commitment);
        seal_share(share, *commitment, custodian, &aad, entropy)
    });
    let sealed = sealed.collect::<Result<Vec<SealedShare>, QuorumSealError>>()?;
    let mut buffer = padding::pad(&credential.to_bytes())?;
    let got = buffer.len();
    // The key is used once, so that the nonce may be what it likes.
    let tag = ChaCha20Poly1305::new(&Key::from(*keys.key))
        .encrypt_inout_detached(&Nonce::default(), &id, buffer.as_mut_slice().into())
        .map_err(|_| QuorumSealError::Cipher { got })?;
    Ok(QuorumCredential {
        commitment: *keys.commitment,
        shares: sealed,
        ciphertext: std::mem::take(&mut *buffer),
        tag: tag.into(),
        header,
    })
}

/// The shares of a key, which the first and the last ones that are enough give again.
fn dealt(
    header: &QuorumHeader,
    secret: &shamir::Value,
    entropy: &mut dyn Entropy,
) -> Result<Vec<Share>, QuorumSealError> {
    let count = u8::try_from(header.custodians().len()).unwrap_or(u8::MAX);
    let threshold = usize::from(header.threshold());
    let values = shamir::split(secret, (header.threshold(), count), entropy)?;
    let mut shares = Vec::with_capacity(values.len());
    for (number, value) in (1..).zip(values) {
        let mut salt = [0; SALT_LEN];
        entropy.fill(&mut salt)?;
        shares.push(Share {
            number,
            value,
            salt,
        });
    }
    let gives = |some: &[Share]| {
        let some: Vec<_> = some
            .iter()
            .map(|share| (share.number, &share.value))
            .collect();
        // Of secrets only digests are compared.
        Sha256::digest(*shamir::combine(&some)) == Sha256::digest(**secret)
    };
    let last = shares.len() - threshold.min(shares.len());
    let (first, last) = (shares.get(..threshold), shares.get(last..));
    if first.is_some_and(gives) && last.is_some_and(gives) {
        return Ok(shares);
    }
    Err(QuorumSealError::SelfTest)
}

fn seal_share(
    share: &Share,
    commitment: [u8; 32],
    custodian: &Custodian,
    aad: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<SealedShare, QuorumSealError> {
    let mut buffer = share.to_bytes();
    let sealed = hpke_base::seal(
        custodian.key.as_bytes(),
        AT_REST,
        aad,
        buffer.as_mut_slice(),
        entropy,
    );
    let sealed = sealed.map_err(|failure| match failure {
        SealFailure::Entropy(error) => QuorumSealError::Entropy(error),
        SealFailure::Hpke(_) => QuorumSealError::Hpke {
            principal: custodian.principal.clone(),
        },
    })?;
    Ok(SealedShare {
        commitment,
        enc: sealed.enc,
        ciphertext: *buffer,
        tag: sealed.tag,
    })
}
