//! Keys of every type from fixed seeds, and what a token or a browser does with them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_format::Fingerprint;
use breakglass_statement::{KeyType, PublicKey, SshSig, to_be_signed, wire::Writer};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// The origin on which passkeys sign.
pub(crate) const ORIGIN: &str = "https://bg.example";
const WEBAUTHN: &str = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com";

#[derive(Clone)]
enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

/// A key with its secret.
#[derive(Clone)]
pub(crate) struct TestKey {
    secret: Secret,
    pub(crate) public: PublicKey,
    passkey: bool,
}

/// What a token and a browser put beside a signature; a lying one can put anything.
#[derive(Clone)]
pub(crate) struct Assertion {
    pub(crate) flags: u8,
    pub(crate) origin: String,
    /// Follows the origin in the client data.
    pub(crate) tail: String,
    pub(crate) challenge: Option<Vec<u8>>,
    pub(crate) extensions: Vec<u8>,
    /// The relying party that the token signs for, where not the key's.
    pub(crate) rp_id: Option<&'static str>,
}

impl Default for Assertion {
    fn default() -> Self {
        Self {
            flags: 0x05,
            origin: ORIGIN.to_owned(),
            tail: r#","crossOrigin":false}"#.to_owned(),
            challenge: None,
            extensions: Vec::new(),
            rp_id: None,
        }
    }
}

fn public(key_type: KeyType, secret: &Secret, application: &str) -> PublicKey {
    let mut wire = Writer::new().string(key_type.as_str().as_bytes());
    wire = match secret {
        Secret::Ed25519(key) => wire.string(key.verifying_key().as_bytes()),
        Secret::P256(key) => wire
            .string(b"nistp256")
            .string(&key.verifying_key().to_sec1_point(false).to_bytes()),
    };
    if key_type.is_security_key() {
        wire = wire.string(application.as_bytes());
    }
    PublicKey::from_wire(&wire.into_bytes()).unwrap()
}

impl TestKey {
    fn new(key_type: KeyType, seed: u8, application: &str) -> Self {
        let secret = match key_type {
            KeyType::Ed25519 | KeyType::SkEd25519 => {
                Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
            }
            KeyType::EcdsaP256 | KeyType::SkEcdsaP256 => {
                Secret::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
            }
        };
        Self {
            public: public(key_type, &secret, application),
            secret,
            passkey: false,
        }
    }

    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::new(KeyType::Ed25519, seed, "")
    }

    pub(crate) fn ecdsa(seed: u8) -> Self {
        Self::new(KeyType::EcdsaP256, seed, "")
    }

    pub(crate) fn sk_ed25519(seed: u8) -> Self {
        Self::new(KeyType::SkEd25519, seed, "ssh:")
    }

    pub(crate) fn passkey(seed: u8) -> Self {
        Self {
            passkey: true,
            ..Self::new(KeyType::SkEcdsaP256, seed, "bg.example")
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    pub(crate) fn is_passkey(&self) -> bool {
        self.passkey
    }

    /// Signs as an honest signer does.
    pub(crate) fn sign(&self, namespace: &str, message: &[u8]) -> String {
        self.sign_as(namespace, message, &Assertion::default())
    }

    /// Signs with a token or a browser that says this beside it.
    pub(crate) fn sign_as(&self, namespace: &str, message: &[u8], as_: &Assertion) -> String {
        let signed = to_be_signed(namespace, message);
        let blob = if self.passkey {
            self.browser_blob(&signed, as_)
        } else if self.public.key_type().is_security_key() {
            self.token_blob(&signed, as_)
        } else {
            let name = self.public.key_type().as_str();
            let inner = self.raw(&signed);
            Writer::new()
                .string(name.as_bytes())
                .string(&inner)
                .into_bytes()
        };
        SshSig::pack_agent_signature(&self.public, namespace, &blob)
            .unwrap()
            .to_armoured()
    }

    /// Signs as a token does outside a browser.
    pub(crate) fn token_blob(&self, signed: &[u8], as_: &Assertion) -> Vec<u8> {
        let inner = self.raw(&self.authenticator_message(signed, as_));
        Writer::new()
            .string(self.public.key_type().as_str().as_bytes())
            .string(&inner)
            .u8(as_.flags)
            .u32(7)
            .into_bytes()
    }

    fn browser_blob(&self, signed: &[u8], as_: &Assertion) -> Vec<u8> {
        let client_data = format!(
            r#"{{"type":"webauthn.get","challenge":"{}","origin":"{}"{}"#,
            URL_SAFE_NO_PAD.encode(as_.challenge.as_deref().unwrap_or(signed)),
            as_.origin,
            as_.tail,
        );
        let inner = self.raw(&self.authenticator_message(client_data.as_bytes(), as_));
        Writer::new()
            .string(WEBAUTHN.as_bytes())
            .string(&inner)
            .u8(as_.flags)
            .u32(7)
            .string(as_.origin.as_bytes())
            .string(client_data.as_bytes())
            .string(&as_.extensions)
            .into_bytes()
    }

    fn authenticator_message(&self, given: &[u8], as_: &Assertion) -> Vec<u8> {
        let application = as_.rp_id.unwrap_or(self.public.application());
        let mut out = Sha256::digest(application.as_bytes()).to_vec();
        out.push(as_.flags);
        out.extend(7_u32.to_be_bytes());
        out.extend(&as_.extensions);
        out.extend(Sha256::digest(given));
        out
    }

    fn raw(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                let (r, s) = signature.split_bytes();
                Writer::new().mpint(&r).mpint(&s).into_bytes()
            }
        }
    }
}
