use super::*;
use crate::{
    credential::CredentialBuilder,
    danger::{Counting, Failing},
};

fn key(start: u8) -> ServerKey {
    ServerKey::generate(&mut Counting::from(start)).unwrap()
}

fn credential(password: &str) -> Credential {
    Credential::builder()
        .field("password", password.to_owned())
        .and_then(CredentialBuilder::build)
        .unwrap()
}

fn sealed_with(nonce_start: u8) -> SealedCredential {
    seal(
        &key(0),
        "acc_1",
        7,
        &credential("s3cret"),
        &mut Counting::from(nonce_start),
    )
    .unwrap()
}

#[test]
fn what_was_sealed_opens_and_its_form_comes_back() {
    let sealed = sealed_with(32);
    let parsed = SealedCredential::parse(&sealed.to_bytes()).unwrap();
    assert_eq!(parsed, sealed);
    assert_eq!(parsed.digest(), sealed.digest());
    assert_eq!(
        open(&key(0), &parsed, "acc_1", 7).unwrap(),
        credential("s3cret")
    );
    assert_eq!(sealed.header().account(), "acc_1");
    assert_eq!(sealed.header().alg(), "XChaCha20-Poly1305+HKDF-SHA256");
}

#[test]
fn every_flipped_bit_is_detected() {
    let (key, good) = (key(0), sealed_with(32).to_bytes());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(sealed) = SealedCredential::parse(&bytes) {
            assert_eq!(sealed.to_bytes(), bytes, "bit {bit}");
            assert!(open(&key, &sealed, "acc_1", 7).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn every_shortened_or_lengthened_form_is_refused() {
    let good = sealed_with(32).to_bytes();
    for len in 0..good.len() {
        assert!(
            SealedCredential::parse(&good[..len]).is_err(),
            "{len} bytes"
        );
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(
        SealedCredential::parse(&longer),
        Err(SealedParseError::CiphertextLen { got: 129 })
    );
}

#[test]
fn another_key_account_or_version_is_named() {
    let (right, other, sealed) = (key(0), key(1), sealed_with(32));
    assert_eq!(
        open(&other, &sealed, "acc_1", 7).unwrap_err(),
        OpenError::Key {
            expected: other.key_id(),
            got: right.key_id()
        }
    );
    assert_eq!(
        open(&right, &sealed, "acc_2", 7).unwrap_err(),
        OpenError::Account {
            expected: "acc_2".into(),
            got: "acc_1".into()
        }
    );
    assert_eq!(
        open(&right, &sealed, "acc_1", 8).unwrap_err(),
        OpenError::Version {
            expected: 8,
            got: 7
        }
    );
}

/// The header's plain words are not what protects: a header made to fit still does not open.
#[test]
fn a_header_rewritten_to_fit_is_refused_by_the_commitment() {
    let (right, other, sealed) = (key(0), key(1), sealed_with(32));
    let rewritten = |key: &ServerKey, account, version, nonce| SealedCredential {
        header: EnvelopeHeader::new(key.key_id(), account, version, nonce).unwrap(),
        ..sealed.clone()
    };
    let nonce = *sealed.header().nonce();
    for (key, account, version, nonce) in [
        (&other, "acc_1", 7, nonce),
        (&right, "acc_2", 7, nonce),
        (&right, "acc_1", 8, nonce),
        (&right, "acc_1", 7, [9; 24]),
    ] {
        let forged = rewritten(key, account, version, nonce);
        assert_eq!(
            open(key, &forged, account, version).unwrap_err(),
            OpenError::Commitment
        );
    }
}

#[test]
fn a_body_from_another_envelope_is_refused() {
    let (a, b) = (sealed_with(32), sealed_with(99));
    let swapped = SealedCredential {
        commitment: b.commitment,
        ..a.clone()
    };
    assert_eq!(
        open(&key(0), &swapped, "acc_1", 7).unwrap_err(),
        OpenError::Commitment
    );
    let swapped = SealedCredential {
        ciphertext: b.ciphertext,
        tag: b.tag,
        ..a
    };
    assert_eq!(
        open(&key(0), &swapped, "acc_1", 7).unwrap_err(),
        OpenError::Ciphertext
    );
}

#[test]
fn the_length_tells_the_padded_size_only() {
    let len = |password: &str| {
        let entropy = &mut Counting::from(0);
        seal(&key(0), "a", 1, &credential(password), entropy)
            .unwrap()
            .to_bytes()
            .len()
    };
    assert_eq!(len("x"), len(&"x".repeat(113)));
    assert_eq!(len(&"x".repeat(114)) - len("x"), 512 - 128);
    assert_eq!(len(&"x".repeat(600)) - len("x"), 2048 - 128);
    assert_eq!(len(&"x".repeat(8177)) - len("x"), 8192 - 128);
}

#[test]
fn nothing_is_sealed_without_entropy_or_with_a_bad_name() {
    let sealed = seal(&key(0), "a", 1, &credential("x"), &mut Failing::after(23));
    assert_eq!(sealed, Err(SealError::Entropy(EntropyError { wanted: 24 })));
    let sealed = seal(&key(0), "a b", 1, &credential("x"), &mut Counting::from(0));
    assert_eq!(
        sealed,
        Err(SealError::Header(HeaderError::Account { len: 3 }))
    );
}

#[test]
fn what_is_authentic_but_not_a_credential_does_not_open() {
    let key = key(0);
    let sealed_raw = |content: &[u8]| {
        let mut sealed = sealed_with(32);
        let aad = sealed.header.to_canonical();
        let mut buffer = content.to_vec();
        sealed.tag = EnvelopeKeys::derive(&key, &sealed.header, &aad)
            .cipher()
            .encrypt_inout_detached(
                &XNonce::from(*sealed.header.nonce()),
                aad.as_bytes(),
                buffer.as_mut_slice().into(),
            )
            .unwrap()
            .into();
        sealed.ciphertext = buffer;
        sealed
    };
    let mut not_zero = padding::pad(b"").unwrap();
    not_zero[127] = 1;
    assert_eq!(
        open(&key, &sealed_raw(&not_zero), "acc_1", 7).unwrap_err(),
        OpenError::Padding(PaddingError::NotZero)
    );
    assert_eq!(
        open(&key, &sealed_raw(&padding::pad(b"").unwrap()), "acc_1", 7).unwrap_err(),
        OpenError::Credential(CredentialDecodeError::Truncated { needed: 1, left: 0 })
    );
}

#[test]
fn debug_shows_header_and_digest_only() {
    let sealed = sealed_with(32);
    let shown = format!("{sealed:?}");
    assert!(
        shown.starts_with("SealedCredential({\"account\":\"acc_1\""),
        "{shown}"
    );
    assert!(shown.len() < 300, "{shown}");
}

/// The step between key and ciphertext, for those who build a second implementation.
#[test]
fn the_keys_of_the_test_vector_are_the_published_ones() {
    let vectors = include_str!("../../testdata/sealing-v1.txt");
    let vector = |name| {
        vectors
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
    };
    let header = EnvelopeHeader::parse_canonical(vector("envelope_header = ").as_bytes()).unwrap();
    let keys = EnvelopeKeys::derive(&key(0), &header, &header.to_canonical());
    assert_eq!(hex::parse(vector("envelope_key = ")), Ok(*keys.key));
    assert_eq!(
        hex::parse(vector("envelope_commitment = ")),
        Ok(*keys.commitment)
    );
}
