//! Custody `quorum`: a credential that `k` of `n` custodians can release together, and nobody else
//! can open, the server included. It is sealed with public keys alone, so that whoever rotates it
//! need not be able to read what was there before.
//!
//! | step | who | |
//! |---|---|---|
//! | [`seal_quorum`] | the rotator | the credential under a key of its own, the key in shares, each share sealed to its custodian |
//! | [`QuorumCredential::open_share`] | a custodian's client | that one's own share, against its commitment |
//! | [`OwnShare::release`] | the same | the share sealed to the one-time key of a signed request |
//! | [`open_quorum`] | the requester's client | which shares are bad and whose they are; with enough good ones, the credential |
//!
//! The byte forms and the reasons are in `docs/spec/sealing.md`, "Quorum envelope".

mod header;
mod open;
mod parse;
mod seal;
mod share;

#[cfg(test)]
mod tests;

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    hex,
    hpke_base::{KEY_LEN, TAG_LEN},
    kdf::Prk,
    shamir,
};

pub use header::{
    Custodian, MAX_CUSTODIANS, QUORUM_ALGORITHM, QUORUM_NONCE_LEN, QuorumHeader, QuorumHeaderError,
    QuorumHeaderParseError,
};
pub use open::{BadShare, QuorumOpenError, QuorumOpened, QuorumRequest, ShareFault, open_quorum};
pub use parse::QuorumParseError;
pub use seal::{QuorumSealError, seal_quorum};
pub use share::{OwnShare, OwnShareError, ShareRelease, ShareReleaseError, ShareReleaseParseError};

/// The first bytes: a mark, the form's version, the custody mode.
const PREFIX: [u8; 6] = *b"BGSC\x01\x02";

const ID_DOMAIN: &[u8] = b"breakglass/quorum/v1/id\0";
const SHARE_DOMAIN: &[u8] = b"breakglass/quorum/v1/share\0";
const COMMITMENT_INFO: &[u8] = b"breakglass/quorum/v1/commitment";
const KEY_INFO: &[u8] = b"breakglass/quorum/v1/key";
/// HPKE's `info` of a share at rest.
const AT_REST: &[u8] = b"breakglass/quorum/v1/share";

/// Bytes of the salt of a share, without which its commitment could be tried out.
const SALT_LEN: usize = 16;
/// Bytes of a share: its number, its value, its salt.
const SHARE_LEN: usize = 1 + shamir::SECRET_LEN + SALT_LEN;

/// A credential sealed for custody mode `quorum`. What it shows is its header, and that each share
/// is the one that was dealt.
#[derive(Clone, PartialEq, Eq)]
pub struct QuorumCredential {
    header: QuorumHeader,
    /// Of the key of the ciphertext.
    commitment: [u8; 32],
    /// In the order of the custodians.
    shares: Vec<SealedShare>,
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// A share, sealed to its custodian.
#[derive(Clone, PartialEq, Eq)]
struct SealedShare {
    /// Of the share in clear.
    commitment: [u8; 32],
    enc: [u8; KEY_LEN],
    ciphertext: [u8; SHARE_LEN],
    tag: [u8; TAG_LEN],
}

/// A share in clear; wiped when dropped.
#[derive(Clone)]
struct Share {
    number: u8,
    value: shamir::Value,
    salt: [u8; SALT_LEN],
}

/// An envelope is not the one that a signed request or the log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the sealed credential is not the one that was named: sha256:{}, expected sha256:{}",
    hex::format(got),
    hex::format(expected)
)]
pub struct OtherEnvelope {
    /// The digest that was named.
    pub expected: [u8; 32],
    /// That of what is there.
    pub got: [u8; 32],
}

impl QuorumCredential {
    /// That it is the envelope that was named, so that whatever else is wrong with it is the fault
    /// of whoever sealed it, and not of whoever handed it over.
    fn is_the_one(&self, expected: &[u8; 32]) -> Result<(), OtherEnvelope> {
        let (expected, got) = (*expected, self.digest());
        if got == expected {
            return Ok(());
        }
        Err(OtherEnvelope { expected, got })
    }

    /// What it says in clear.
    #[must_use]
    pub fn header(&self) -> &QuorumHeader {
        &self.header
    }

    /// Everything but the ciphertexts is bound to this.
    fn id(&self) -> [u8; 32] {
        id(&self.header)
    }

    /// What the share of a custodian is bound to.
    fn share_context(&self, number: u8) -> Vec<u8> {
        let commitments = self.shares.iter().map(|share| &share.commitment);
        share_context(&self.id(), number, commitments, &self.commitment)
    }
}

impl fmt::Debug for QuorumCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuorumCredential")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Share {
    fn to_bytes(&self) -> Zeroizing<[u8; SHARE_LEN]> {
        let mut bytes = Zeroizing::new([0; SHARE_LEN]);
        let parts = [self.number]
            .into_iter()
            .chain(*self.value)
            .chain(self.salt);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; SHARE_LEN]) -> Self {
        let [number, rest @ ..] = bytes;
        let mut share = Self {
            number: *number,
            value: shamir::Value::default(),
            salt: [0; SALT_LEN],
        };
        let places = share.value.iter_mut().chain(share.salt.iter_mut());
        for (to, from) in places.zip(rest) {
            *to = *from;
        }
        share
    }

    /// What shows that it is the share that was dealt.
    fn commitment(&self, id: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(SHARE_DOMAIN);
        hash.update(id);
        hash.update(self.to_bytes().as_slice());
        hash.finalize().into()
    }
}

fn id(header: &QuorumHeader) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(ID_DOMAIN);
    hash.update(header.to_canonical());
    hash.finalize().into()
}

fn share_context<'c>(
    id: &[u8; 32],
    number: u8,
    commitments: impl Iterator<Item = &'c [u8; 32]>,
    commitment: &[u8; 32],
) -> Vec<u8> {
    let mut all = Sha256::new();
    commitments.for_each(|one| all.update(one));
    [id.as_slice(), &[number], &all.finalize(), commitment].concat()
}

/// The key of the ciphertext, and what it is committed to by: a Poly1305 tag does not commit to one.
struct Keys {
    key: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; 32]>,
}

impl Keys {
    fn derive(id: &[u8; 32], secret: &shamir::Value) -> Self {
        let prk = Prk::extract(id, secret);
        Self {
            key: prk.expand(&[KEY_INFO]),
            commitment: prk.expand(&[COMMITMENT_INFO]),
        }
    }
}
