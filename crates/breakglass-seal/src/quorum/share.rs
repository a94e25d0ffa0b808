//! A custodian's own share: opened with that one's key, and sealed again to the one-time key of a
//! requester, for one request.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{AT_REST, OtherEnvelope, QuorumCredential, SHARE_LEN, Share};
use crate::{
    bytes::Truncated,
    custodian_key::CustodianKey,
    entropy::{Entropy, EntropyError},
    form::{Form, FormError},
    hex,
    hpke_base::{self, KEY_LEN, SealFailure, Sealed, TAG_LEN},
    kem::{KemPublicKey, OneTimeKey},
};

const FORM: Form = Form {
    what: "a released share",
    prefix: *b"BGRS\x01",
};

/// HPKE's `info` of a share on its way to the requester.
const ON_ITS_WAY: &[u8] = b"breakglass/quorum/v1/release";

/// A custodian's share in clear; wiped when dropped.
pub struct OwnShare {
    pub(super) share: Share,
    /// Of the envelope that it is of.
    id: [u8; 32],
}

/// Why a custodian's share did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnShareError {
    /// It is not the envelope that was to be opened: whoever handed it over has to answer for that.
    #[error(transparent)]
    Other(#[from] OtherEnvelope),
    /// No share is sealed to this key.
    #[error("no share of {account} is sealed to the key {key}")]
    NotMine {
        /// Of the envelope.
        account: Box<str>,
        /// The key at hand.
        key: KemPublicKey,
    },
    /// It is sealed to this key and does not open: whoever sealed it did not follow the form.
    #[error("the share {number} of {account} is not authentic")]
    NotAuthentic {
        /// Its number.
        number: u8,
        /// Of the envelope.
        account: Box<str>,
    },
    /// It opens, and is not the share that the envelope is committed to: whoever sealed it did not
    /// follow the form.
    #[error("the share {number} of {account} is not the one that the envelope is committed to")]
    Commitment {
        /// Its number.
        number: u8,
        /// Of the envelope.
        account: Box<str>,
    },
}

/// A share, sealed to the one-time key of a requester. It shows its number.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareRelease {
    number: u8,
    enc: [u8; KEY_LEN],
    ciphertext: [u8; SHARE_LEN],
    tag: [u8; TAG_LEN],
}

/// Why a share was not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShareReleaseError {
    /// No fresh ephemeral key.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// HPKE refused the recipient's key.
    #[error("the share could not be sealed to the one-time key {recipient}")]
    Hpke {
        /// The key.
        recipient: KemPublicKey,
    },
}

/// Why bytes or a text are not a released share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShareReleaseParseError {
    /// It is another kind of object, another version, another HPKE suite, or no base64.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The bytes end within a part, or go on after the last.
    #[error("a released share has {expected} bytes, got {got}")]
    Length {
        /// Bytes wanted.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
}

/// Bytes of a released share.
const LEN: usize = Form::BEGIN_LEN + 1 + KEY_LEN + SHARE_LEN + TAG_LEN;

impl QuorumCredential {
    /// Opens a custodian's own share of the envelope with the digest `expected`, which a signed
    /// request or the log names, and holds it against what the envelope is committed to.
    ///
    /// # Errors
    ///
    /// See [`OwnShareError`].
    pub fn open_share(
        &self,
        key: &CustodianKey,
        expected: &[u8; 32],
    ) -> Result<OwnShare, OwnShareError> {
        self.is_the_one(expected)?;
        let account = || self.header.account().into();
        let public = key.public_key();
        let custodians = self.header.custodians().iter();
        let mut numbered = (1_u8..).zip(custodians.zip(&self.shares));
        let own = numbered.find(|(_, (custodian, _))| custodian.key == public);
        let (number, (_, sealed)) = own.ok_or_else(|| OwnShareError::NotMine {
            account: account(),
            key: public,
        })?;
        let aad = self.share_context(number);
        let mut buffer = Zeroizing::new(sealed.ciphertext);
        let from = Sealed {
            enc: sealed.enc,
            tag: sealed.tag,
        };
        hpke_base::open(key.private(), AT_REST, &aad, buffer.as_mut_slice(), &from).map_err(
            |_| OwnShareError::NotAuthentic {
                number,
                account: account(),
            },
        )?;
        let share = Share::from_bytes(&buffer);
        if self.is_dealt(number, &share) {
            let id = self.id();
            return Ok(OwnShare { share, id });
        }
        let account = account();
        Err(OwnShareError::Commitment { number, account })
    }

    /// Whether a share is the one with this number that the envelope is committed to.
    pub(super) fn is_dealt(&self, number: u8, share: &Share) -> bool {
        let place = usize::from(number).checked_sub(1);
        let sealed = place.and_then(|place| self.shares.get(place));
        let committed = share.commitment(&self.id());
        share.number == number
            && sealed.is_some_and(|sealed| sealed.commitment.ct_eq(&committed).into())
    }
}

impl OwnShare {
    /// The number of the share.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.share.number
    }

    /// Seals the share to the one-time key that a request names: `request` is the SHA-256 of the
    /// signed request.
    ///
    /// # Errors
    ///
    /// See [`ShareReleaseError`].
    pub fn release(
        &self,
        recipient: KemPublicKey,
        request: &[u8; 32],
        entropy: &mut dyn Entropy,
    ) -> Result<ShareRelease, ShareReleaseError> {
        let mut buffer = self.share.to_bytes();
        let number = self.share.number;
        let aad = release_context(request, &self.id, number);
        let to = recipient.as_bytes();
        let sealed = hpke_base::seal(to, ON_ITS_WAY, &aad, buffer.as_mut_slice(), entropy);
        let sealed = sealed.map_err(|failure| match failure {
            SealFailure::Entropy(error) => ShareReleaseError::Entropy(error),
            SealFailure::Hpke(_) => ShareReleaseError::Hpke { recipient },
        })?;
        Ok(ShareRelease {
            number,
            enc: sealed.enc,
            ciphertext: *buffer,
            tag: sealed.tag,
        })
    }
}

impl fmt::Debug for OwnShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnShare({})", self.share.number)
    }
}

impl ShareRelease {
    /// The number of the share, as the one who released it says.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The bytes that are relayed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        FORM.bytes(&[&[self.number], &self.enc, &self.ciphertext, &self.tag])
    }

    /// Reads such bytes.
    ///
    /// # Errors
    ///
    /// See [`ShareReleaseParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ShareReleaseParseError> {
        let length = |_: Truncated| ShareReleaseParseError::Length {
            expected: LEN,
            got: bytes.len(),
        };
        let mut cursor = FORM.body(bytes)?;
        let release = Self {
            number: cursor.u8().map_err(length)?,
            enc: cursor.array().map_err(length)?,
            ciphertext: cursor.array().map_err(length)?,
            tag: cursor.array().map_err(length)?,
        };
        if bytes.len() == LEN {
            return Ok(release);
        }
        let (expected, got) = (LEN, bytes.len());
        Err(ShareReleaseParseError::Length { expected, got })
    }

    /// The text form: padded base64 of the bytes.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// See [`ShareReleaseParseError`].
    pub fn from_base64(text: &str) -> Result<Self, ShareReleaseParseError> {
        Self::parse(&FORM.decoded(text)?)
    }

    /// SHA-256 of the bytes: what the approval of whoever released it names.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }

    /// The share, where it was sealed to this key for this request and envelope.
    pub(super) fn open(
        &self,
        key: &OneTimeKey,
        request: &[u8; 32],
        id: &[u8; 32],
    ) -> Option<Share> {
        let aad = release_context(request, id, self.number);
        let mut buffer = Zeroizing::new(self.ciphertext);
        let from = Sealed {
            enc: self.enc,
            tag: self.tag,
        };
        let opened = hpke_base::open(
            key.private(),
            ON_ITS_WAY,
            &aad,
            buffer.as_mut_slice(),
            &from,
        );
        opened.ok().map(|()| Share::from_bytes(&buffer))
    }
}

impl fmt::Debug for ShareRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = hex::format(&self.digest());
        write!(f, "ShareRelease({}, {digest})", self.number)
    }
}

fn release_context(request: &[u8; 32], id: &[u8; 32], number: u8) -> Vec<u8> {
    [request.as_slice(), id, &[number]].concat()
}
