//! Verification, with the checks that stock tools leave out (`docs/spec/signatures.md`).

use breakglass_format::{Fingerprint, Line};
use p256::ecdsa::signature::Verifier as _;
use thiserror::Error;

use super::{
    SshSig,
    signature::{Browser, Raw, Token},
    to_be_signed,
    webauthn::{self, ClientDataError},
};
use crate::{
    digest::sha256,
    public_key::{Point, PublicKey},
};

/// The token was touched.
const USER_PRESENT: u8 = 0x01;
/// The token checked who touched it: a PIN, a fingerprint.
const USER_VERIFIED: u8 = 0x04;
/// Data of a newly made key follow, which an assertion never has.
const ATTESTED_DATA: u8 = 0x40;
/// Extension data follow.
const EXTENSION_DATA: u8 = 0x80;

/// What a signature shows about how it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presence {
    /// A person touched the token. Never so for a key outside a token.
    pub user_present: bool,
    /// The token checked a PIN or a fingerprint.
    pub user_verified: bool,
    /// The web origin, where it was made in a browser.
    pub browser: Option<String>,
    /// The token's signature counter; 0 for a key outside a token.
    pub counter: u32,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Made for another purpose.
    #[error("signature was made in the namespace {got:?}, {expected:?} is expected")]
    Namespace {
        /// The namespace that was asked for.
        expected: String,
        /// The namespace it was made in, cut to 80 characters.
        got: String,
    },
    /// Made by another key.
    #[error("signature was made by the key {got}, {expected} is expected")]
    Key {
        /// The key that was asked for.
        expected: Fingerprint,
        /// The key that the signature embeds.
        got: Fingerprint,
    },
    /// It does not verify over these bytes.
    #[error("signature does not fit the text")]
    Invalid,
    /// Made by a token that nobody touched.
    #[error("signature was made without a touch (flags 0x{flags:02x})")]
    NotPresent {
        /// The token's flags.
        flags: u8,
    },
    /// The flags speak of data that are not there, or the other way round.
    #[error(
        "token flags 0x{flags:02x} do not fit an assertion with {extensions} bytes of extensions"
    )]
    Flags {
        /// The token's flags.
        flags: u8,
        /// Bytes of extension data there are.
        extensions: usize,
    },
    /// What the browser signed is not about this text.
    #[error(transparent)]
    ClientData(#[from] ClientDataError),
    /// Made on a web page that the key may not sign on.
    #[error("signature was made on {got:?}, which is none of the key's origins")]
    Origin {
        /// The origin, cut to 80 characters.
        got: String,
    },
    /// A passkey signed outside any browser.
    #[error("signature by a passkey was not made in a browser")]
    NotInBrowser,
}

impl SshSig {
    /// Verifies the signature over `message` in `namespace`, made by `expected`.
    ///
    /// `origins` are the web origins that the key may sign on. A key with origins is a passkey
    /// and signs in a browser only; a key without origins never signs in one. Of a key in a token
    /// the touch is required; whether the user was verified is reported.
    pub fn verify(
        &self,
        expected: &PublicKey,
        namespace: &str,
        message: &[u8],
        origins: &[Line],
    ) -> Result<Presence, SignatureError> {
        let presence = self.verify_embedded(namespace, message)?;
        self.check_key(expected)?;
        check_origin(&presence, origins)?;
        Ok(presence)
    }

    /// Everything but whose key it is: verifies under the key that the signature itself embeds.
    pub(crate) fn verify_embedded(
        &self,
        namespace: &str,
        message: &[u8],
    ) -> Result<Presence, SignatureError> {
        if self.namespace != namespace {
            return Err(SignatureError::Namespace {
                expected: namespace.to_owned(),
                got: cut(&self.namespace),
            });
        }
        let signed = to_be_signed(namespace, message);
        let Some(token) = self.signature.token else {
            self.verify_raw(&signed)?;
            return Ok(Presence::default());
        };
        let browser = self.signature.browser.as_ref();
        self.verify_raw(&self.authenticator_message(token, browser, &signed))?;
        check_flags(token, browser.map_or(0, |b| b.extensions.len()))?;
        if let Some(browser) = browser {
            webauthn::check(browser, &signed)?;
        }
        Ok(Presence {
            user_present: true,
            user_verified: token.flags & USER_VERIFIED != 0,
            browser: browser.map(|b| b.origin.clone()),
            counter: token.counter,
        })
    }

    /// What a token signs: the hash of the application, flags, counter, extensions, and the hash
    /// of what it was given, which in a browser is the client data.
    fn authenticator_message(
        &self,
        token: Token,
        browser: Option<&Browser>,
        signed: &[u8],
    ) -> Vec<u8> {
        let mut out = sha256(self.key.application().as_bytes()).to_vec();
        out.push(token.flags);
        out.extend(token.counter.to_be_bytes());
        if let Some(browser) = browser {
            out.extend(&browser.extensions);
        }
        out.extend(sha256(browser.map_or(signed, |b| b.client_data.as_bytes())));
        out
    }

    fn verify_raw(&self, message: &[u8]) -> Result<(), SignatureError> {
        let valid = match (self.key.point(), &self.signature.raw) {
            (Point::Ed25519(key), Raw::Ed25519(bytes)) => {
                let signature = ed25519_dalek::Signature::from_bytes(bytes);
                key.verify_strict(message, &signature).is_ok()
            }
            (Point::P256(key), Raw::P256(signature)) => key.verify(message, signature).is_ok(),
            (Point::Ed25519(_), Raw::P256(_)) | (Point::P256(_), Raw::Ed25519(_)) => false,
        };
        if valid {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }

    /// An ECDSA signature verifies under a second key that anybody can compute, and SSHSIG does
    /// not sign the key: that it verifies says nothing until the key is compared.
    pub(crate) fn check_key(&self, expected: &PublicKey) -> Result<(), SignatureError> {
        if self.key == *expected {
            return Ok(());
        }
        Err(SignatureError::Key {
            expected: expected.fingerprint(),
            got: self.key.fingerprint(),
        })
    }
}

/// A key with origins signs on one of them; a key without signs outside browsers.
pub(crate) fn check_origin(presence: &Presence, origins: &[Line]) -> Result<(), SignatureError> {
    match &presence.browser {
        Some(origin) if origins.iter().any(|o| o.as_str() == origin) => Ok(()),
        Some(origin) => Err(SignatureError::Origin { got: cut(origin) }),
        None if origins.is_empty() => Ok(()),
        None => Err(SignatureError::NotInBrowser),
    }
}

fn check_flags(token: Token, extensions: usize) -> Result<(), SignatureError> {
    let flags = token.flags;
    if flags & USER_PRESENT == 0 {
        return Err(SignatureError::NotPresent { flags });
    }
    let extended = flags & EXTENSION_DATA != 0;
    if flags & ATTESTED_DATA != 0 || extended != (extensions > 0) {
        return Err(SignatureError::Flags { flags, extensions });
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
