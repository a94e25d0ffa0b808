//! The inner signature: its types, read and written.

use crate::{
    public_key::KeyType,
    sshsig::SshSigError,
    wire::{Reader, WireError, Writer},
};

/// The signature type of a passkey, whose key has the type `sk-ecdsa-sha2-nistp256@openssh.com`.
const WEBAUTHN: &str = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com";

/// An ECDSA or an Ed25519 signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Ed25519([u8; 64]),
    P256(p256::ecdsa::Signature),
}

/// What a FIDO token says beside the signature, and signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) flags: u8,
    pub(super) counter: u32,
}

/// What a browser says beside the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Browser {
    pub(super) origin: String,
    pub(super) client_data: String,
    pub(super) extensions: Vec<u8>,
}

/// A signature with what came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) raw: Raw,
    pub(super) token: Option<Token>,
    pub(super) browser: Option<Browser>,
}

impl Signature {
    /// Reads the signature blob of a key of this type.
    pub(super) fn from_wire(key: KeyType, blob: &[u8]) -> Result<Self, SshSigError> {
        let mut reader = Reader::new(blob);
        let name = reader.text()?;
        let webauthn = name == WEBAUTHN && key == KeyType::SkEcdsaP256;
        if name != key.as_str() && !webauthn {
            let got = name.chars().take(80).collect();
            return Err(SshSigError::TypeMismatch { key, got });
        }
        let raw = match key {
            KeyType::Ed25519 | KeyType::SkEd25519 => ed25519(reader.string()?)?,
            KeyType::EcdsaP256 | KeyType::SkEcdsaP256 => p256(reader.string()?)?,
        };
        let token = if key.is_security_key() {
            let flags = reader.u8()?;
            let counter = reader.u32()?;
            Some(Token { flags, counter })
        } else {
            None
        };
        let browser = if webauthn {
            Some(browser(&mut reader)?)
        } else {
            None
        };
        reader.finish()?;
        Ok(Self {
            raw,
            token,
            browser,
        })
    }

    /// Writes the signature blob.
    pub(super) fn to_wire(&self) -> Vec<u8> {
        let inner = match &self.raw {
            Raw::Ed25519(bytes) => bytes.to_vec(),
            Raw::P256(signature) => {
                let (r, s) = signature.split_bytes();
                Writer::new().mpint(&r).mpint(&s).into_bytes()
            }
        };
        let mut out = Writer::new().string(self.name().as_bytes()).string(&inner);
        if let Some(token) = self.token {
            out = out.u8(token.flags).u32(token.counter);
        }
        if let Some(browser) = &self.browser {
            out = out
                .string(browser.origin.as_bytes())
                .string(browser.client_data.as_bytes())
                .string(&browser.extensions);
        }
        out.into_bytes()
    }

    const fn name(&self) -> &'static str {
        match (&self.raw, &self.token, &self.browser) {
            (_, _, Some(_)) => WEBAUTHN,
            (Raw::Ed25519(_), None, None) => KeyType::Ed25519.as_str(),
            (Raw::Ed25519(_), Some(_), None) => KeyType::SkEd25519.as_str(),
            (Raw::P256(_), None, None) => KeyType::EcdsaP256.as_str(),
            (Raw::P256(_), Some(_), None) => KeyType::SkEcdsaP256.as_str(),
        }
    }
}

fn ed25519(bytes: &[u8]) -> Result<Raw, SshSigError> {
    <[u8; 64]>::try_from(bytes)
        .map(Raw::Ed25519)
        .map_err(|_| SshSigError::Length { got: bytes.len() })
}

fn p256(blob: &[u8]) -> Result<Raw, SshSigError> {
    let mut reader = Reader::new(blob);
    let (r, s) = (scalar(reader.mpint()?)?, scalar(reader.mpint()?)?);
    reader.finish()?;
    // High s is accepted: stock tools and tokens produce it.
    p256::ecdsa::Signature::from_scalars(r, s)
        .map(Raw::P256)
        .map_err(|_| SshSigError::Scalar)
}

/// A magnitude, padded to the width of the curve.
fn scalar(magnitude: &[u8]) -> Result<[u8; 32], SshSigError> {
    let mut out = [0; 32];
    let start = out.len().checked_sub(magnitude.len());
    let place = start.and_then(|start| out.get_mut(start..));
    place.ok_or(SshSigError::Scalar)?.copy_from_slice(magnitude);
    Ok(out)
}

fn browser(reader: &mut Reader<'_>) -> Result<Browser, WireError> {
    Ok(Browser {
        origin: reader.text()?.to_owned(),
        client_data: reader.text()?.to_owned(),
        extensions: reader.string()?.to_vec(),
    })
}
