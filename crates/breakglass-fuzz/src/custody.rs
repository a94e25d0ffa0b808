//! Sealed credentials, at rest and on their way to a person.

use breakglass_seal::{
    Credential, QuorumCredential, ReleaseEnvelope, SealedCredential, ShareRelease,
};

use crate::{Parser, corpus::folder};

/// A credential at rest.
pub(crate) const SEALED: Parser = Parser {
    name: "sealed",
    holds: |bytes| {
        if let Ok(sealed) = SealedCredential::parse(bytes) {
            assert_eq!(sealed.to_bytes(), bytes);
        }
    },
    corpus: || vec![vector("envelope")],
};

/// A credential sealed to a requester's one-time key.
pub(crate) const RELEASE: Parser = Parser {
    name: "release",
    holds: |bytes| {
        if let Ok(release) = ReleaseEnvelope::parse(bytes) {
            assert_eq!(release.to_bytes(), bytes);
        }
    },
    corpus: || vec![vector("release")],
};

/// A credential that custodians can release.
pub(crate) const QUORUM: Parser = Parser {
    name: "quorum",
    holds: |bytes| {
        if let Ok(sealed) = QuorumCredential::parse(bytes) {
            assert_eq!(sealed.to_bytes(), bytes);
        }
    },
    corpus: || vec![vector("quorum_envelope")],
};

/// A share of one, on its way to a requester.
pub(crate) const SHARE: Parser = Parser {
    name: "share",
    holds: |bytes| {
        if let Ok(release) = ShareRelease::parse(bytes) {
            assert_eq!(release.to_bytes(), bytes);
        }
    },
    corpus: || vec![vector("share_release")],
};

/// What is inside.
pub(crate) const CREDENTIAL: Parser = Parser {
    name: "credential",
    holds: |bytes| {
        if let Ok(credential) = Credential::from_bytes(bytes) {
            assert_eq!(*credential.to_bytes(), bytes);
        }
    },
    corpus: || vec![vector("credential")],
};

/// A test vector of docs/spec/sealing.md, from hex.
fn vector(name: &str) -> Vec<u8> {
    let path = folder("breakglass-seal/testdata/sealing-v1.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut values = text.lines().filter_map(|line| line.split_once(" = "));
    let (_, hex) = values.find(|(key, _)| *key == name).unwrap();
    let digits: Vec<char> = hex.chars().collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}
