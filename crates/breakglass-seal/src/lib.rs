//! Sealing: server envelopes and key slots, HPKE envelopes to a one-time key. Entropy is an argument.
//!
//! A [`Credential`] lies at rest as a [`SealedCredential`] under the [`ServerKey`] (custody mode
//! `server`), and leaves the server only as a [`ReleaseEnvelope`] to the [`OneTimeKey`] that the
//! requester's client made for one checkout. In custody mode `quorum` it lies as a
//! [`QuorumCredential`], which the server cannot open: custodians release their shares, each with
//! a [`CustodianKey`], to the one-time key of a signed request. The byte forms are specified in `docs/spec/sealing.md`.
//!
//! Everything here is pure and synchronous: no clock, no files, no random source of its own. What
//! needs randomness takes an [`Entropy`].

mod bytes;
mod credential;
mod custodian_key;
mod entropy;
mod envelope;
mod form;
mod gf256;
mod header;
mod hex;
mod hpke_base;
mod kdf;
mod kem;
mod key_file;
mod padding;
mod password;
mod quorum;
mod release;
mod scan;
mod secret;
mod server_key;
mod shamir;
mod slot;

#[cfg(test)]
mod danger;

pub use credential::{
    Credential, CredentialBuilder, CredentialDecodeError, CredentialError, MAX_ENCODED_LEN,
    MAX_FIELD_NAME_LEN, MAX_FIELDS, names,
};
pub use custodian_key::{CustodianKey, CustodianKeyError, KeyCost};
pub use entropy::{Entropy, EntropyError};
pub use envelope::{OpenError, SealError, SealedCredential, SealedParseError, open, seal};
pub use form::FormError;
pub use header::{
    ALGORITHM, EnvelopeHeader, HeaderError, HeaderParseError, MAX_VERSION, NONCE_LEN,
};
pub use hex::HexError;
pub use kem::{KEM_ALGORITHM, KemPublicKey, KemPublicKeyError, OneTimeKey};
pub use key_file::KeyFileError;
pub use padding::{PADDED_LENS, PaddingError};
pub use password::{PasswordError, PasswordLength, generate_password};
pub use quorum::{
    BadShare, Custodian, MAX_CUSTODIANS, OtherEnvelope, OwnShare, OwnShareError, QUORUM_ALGORITHM,
    QUORUM_NONCE_LEN, QuorumCredential, QuorumHeader, QuorumHeaderError, QuorumHeaderParseError,
    QuorumOpenError, QuorumOpened, QuorumParseError, QuorumRequest, QuorumSealError, ShareFault,
    ShareRelease, ShareReleaseError, ShareReleaseParseError, open_quorum, seal_quorum,
};
pub use release::{
    ReleaseContext, ReleaseEnvelope, ReleaseOpenError, ReleaseParseError, ReleaseSealError,
    open_release, seal_release,
};
pub use secret::SecretText;
pub use server_key::{KeyCommitment, KeyId, ServerKey};
pub use slot::{FileSlot, NoSlotOpened, Slot, SlotError, SlotFailure, SlotKind, open_any};
