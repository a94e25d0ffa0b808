//! Opening: the requester's client judges every share, names those who released a bad one, and puts
//! the others together.

use std::collections::BTreeSet;

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, Key, KeyInit, Nonce, Tag};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Keys, OtherEnvelope, QuorumCredential, Share, ShareRelease};
use crate::{
    credential::{Credential, CredentialDecodeError},
    kem::OneTimeKey,
    padding::{self, PaddingError},
    shamir,
};

/// What is wrong with a share that somebody released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShareFault {
    /// No custodian has this number.
    #[error("there is no such share")]
    Unknown,
    /// It was released before; this one is not looked at.
    #[error("it was released twice")]
    Twice,
    /// It was not sealed to this key for this request and this envelope, or was altered on the way.
    #[error("it does not open: it was released to another key or request, or altered on the way")]
    NotAuthentic,
    /// It opens, and is not the share that the envelope is committed to.
    #[error("it is not the share that was dealt")]
    NotDealt,
}

/// A bad share, and who released it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadShare {
    /// Its number.
    pub number: u8,
    /// Who holds the share with this number; nobody where there is none.
    pub custodian: Option<Box<str>>,
    /// What is wrong with it.
    pub fault: ShareFault,
}

/// A credential, and the shares that were not needed to say so.
#[derive(Debug)]
pub struct QuorumOpened {
    /// What was sealed.
    pub credential: Credential,
    /// Shares that somebody has to answer for.
    pub bad: Vec<BadShare>,
}

/// Why a credential did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuorumOpenError {
    /// It is not the envelope that the request asks for: whoever handed it over has to answer for
    /// that.
    #[error(transparent)]
    Other(#[from] OtherEnvelope),
    /// Too few good shares.
    #[error("{have} good shares of the {need} that are needed")]
    TooFew {
        /// Good shares.
        have: usize,
        /// Shares that are needed.
        need: u8,
        /// The others.
        bad: Vec<BadShare>,
    },
    /// Every share is the one that was dealt, and together they give another key: whoever sealed it
    /// did not follow the form.
    #[error(
        "the shares are those that were dealt, and do not give the key: whoever sealed it has to answer for that"
    )]
    Inconsistent,
    /// The ciphertext does not fit the key: whoever sealed it did not follow the form.
    #[error("the ciphertext is not authentic")]
    Ciphertext,
    /// Authentic, but not padded as specified.
    #[error("the sealed credential is not padded as specified")]
    Padding(#[from] PaddingError),
    /// Authentic, but not a credential.
    #[error("the envelope does not hold a credential")]
    Credential(#[from] CredentialDecodeError),
}

/// What a signed request says that matters here. It comes from the requester's own copy of it,
/// never from what the server hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuorumRequest {
    /// SHA-256 of the request.
    pub digest: [u8; 32],
    /// The digest of the sealed credential that it asks for.
    pub binding: [u8; 32],
}

/// Opens the credential that a request asks for, with shares that were released to the one-time
/// key in it.
///
/// # Errors
///
/// See [`QuorumOpenError`].
pub fn open_quorum(
    sealed: &QuorumCredential,
    key: &OneTimeKey,
    request: &QuorumRequest,
    released: &[ShareRelease],
) -> Result<QuorumOpened, QuorumOpenError> {
    sealed.is_the_one(&request.binding)?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for release in released {
        match judged(sealed, key, &request.digest, release, &mut seen) {
            Ok(share) => good.push(share),
            Err(fault) => {
                let number = release.number();
                let custodian = sealed.header.custodian(number);
                let custodian = custodian.map(|custodian| custodian.principal.clone());
                bad.push(BadShare {
                    number,
                    custodian,
                    fault,
                });
            }
        }
    }
    let (have, need) = (good.len(), sealed.header.threshold());
    let Some(enough) = good.get(..usize::from(need)) else {
        return Err(QuorumOpenError::TooFew { have, need, bad });
    };
    let enough = enough.iter().map(|share| (share.number, &share.value));
    let secret = shamir::combine(&enough.collect::<Vec<_>>());
    let credential = sealed.decrypted(&secret)?;
    Ok(QuorumOpened { credential, bad })
}

/// A share that is the one that was dealt.
fn judged(
    sealed: &QuorumCredential,
    key: &OneTimeKey,
    request: &[u8; 32],
    release: &ShareRelease,
    seen: &mut BTreeSet<u8>,
) -> Result<Share, ShareFault> {
    let number = release.number();
    if sealed.header.custodian(number).is_none() {
        return Err(ShareFault::Unknown);
    }
    if seen.contains(&number) {
        return Err(ShareFault::Twice);
    }
    let share = release.open(key, request, &sealed.id());
    let share = share.ok_or(ShareFault::NotAuthentic)?;
    if !sealed.is_dealt(number, &share) {
        return Err(ShareFault::NotDealt);
    }
    // A bad one before it takes nothing away from a good one.
    seen.insert(number);
    Ok(share)
}

impl QuorumCredential {
    fn decrypted(&self, secret: &shamir::Value) -> Result<Credential, QuorumOpenError> {
        let id = self.id();
        let keys = Keys::derive(&id, secret);
        // First, because one Poly1305 tag can be made to fit under several keys.
        if !bool::from(keys.commitment.ct_eq(&self.commitment)) {
            return Err(QuorumOpenError::Inconsistent);
        }
        let mut buffer = Zeroizing::new(self.ciphertext.clone());
        ChaCha20Poly1305::new(&Key::from(*keys.key))
            .decrypt_inout_detached(
                &Nonce::default(),
                &id,
                buffer.as_mut_slice().into(),
                &Tag::from(self.tag),
            )
            .map_err(|_| QuorumOpenError::Ciphertext)?;
        Ok(Credential::from_bytes(padding::unpad(&buffer)?)?)
    }
}
