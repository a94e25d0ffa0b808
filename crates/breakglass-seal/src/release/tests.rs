use super::*;
use crate::{
    credential::CredentialBuilder,
    danger::{Counting, Failing},
};

const CONTEXT: ReleaseContext<'_> = ReleaseContext {
    instance: &[1; 32],
    checkout: &[2; 32],
    grant: "grant_1",
    account: "acc_1",
    version: 7,
};

fn key(start: u8) -> OneTimeKey {
    OneTimeKey::generate(&mut Counting::from(start)).unwrap()
}

fn credential(password: &str) -> Credential {
    Credential::builder()
        .field("password", password.to_owned())
        .and_then(CredentialBuilder::build)
        .unwrap()
}

fn released() -> ReleaseEnvelope {
    let recipient = key(0).public_key();
    seal_release(
        &recipient,
        &CONTEXT,
        &credential("s3cret"),
        &mut Counting::from(64),
    )
    .unwrap()
}

#[test]
fn what_was_released_opens_and_its_forms_come_back() {
    let envelope = released();
    assert_eq!(
        ReleaseEnvelope::parse(&envelope.to_bytes()),
        Ok(envelope.clone())
    );
    assert_eq!(
        ReleaseEnvelope::from_base64(&envelope.to_base64()),
        Ok(envelope.clone())
    );
    assert_eq!(
        open_release(&key(0), &CONTEXT, &envelope).unwrap(),
        credential("s3cret")
    );
    let read = OneTimeKey::from_file(&key(0).to_file()).unwrap();
    assert_eq!(
        open_release(&read, &CONTEXT, &envelope).unwrap(),
        credential("s3cret")
    );
}

#[test]
fn every_flipped_bit_is_detected() {
    let (key, good) = (key(0), released().to_bytes());
    for bit in 0..good.len() * 8 {
        // X25519 ignores the top bit of a coordinate, HPKE does not: it must fail as well.
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(envelope) = ReleaseEnvelope::parse(&bytes) {
            assert_eq!(envelope.to_bytes(), bytes, "bit {bit}");
            assert_eq!(
                open_release(&key, &CONTEXT, &envelope).unwrap_err(),
                ReleaseOpenError::NotAuthentic {
                    key: key.public_key()
                },
                "bit {bit}"
            );
        }
    }
}

#[test]
fn every_shortened_or_lengthened_form_is_refused() {
    let good = released().to_bytes();
    assert_eq!(good.len(), 5 + 6 + 32 + 128 + 16);
    for len in 0..good.len() {
        assert!(ReleaseEnvelope::parse(&good[..len]).is_err(), "{len} bytes");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(
        ReleaseEnvelope::parse(&longer),
        Err(ReleaseParseError::CiphertextLen { got: 129 })
    );
    let spaced = format!("{}\n", released().to_base64());
    assert_eq!(
        ReleaseEnvelope::from_base64(&spaced),
        Err(ReleaseParseError::Form(FormError::Encoding {
            what: "a release envelope"
        }))
    );
}

#[test]
fn another_key_or_any_other_context_does_not_open() {
    let envelope = released();
    assert!(open_release(&key(1), &CONTEXT, &envelope).is_err());
    let (instance, checkout) = ([9; 32], [9; 32]);
    for context in [
        ReleaseContext {
            instance: &instance,
            ..CONTEXT
        },
        ReleaseContext {
            checkout: &checkout,
            ..CONTEXT
        },
        ReleaseContext {
            instance: CONTEXT.checkout,
            checkout: CONTEXT.instance,
            ..CONTEXT
        },
        ReleaseContext {
            grant: "grant_2",
            ..CONTEXT
        },
        ReleaseContext {
            account: "acc_2",
            ..CONTEXT
        },
        ReleaseContext {
            version: 8,
            ..CONTEXT
        },
        // The same letters, cut elsewhere.
        ReleaseContext {
            grant: "grant_1a",
            account: "cc_1",
            ..CONTEXT
        },
    ] {
        assert_eq!(
            open_release(&key(0), &context, &envelope).unwrap_err(),
            ReleaseOpenError::NotAuthentic {
                key: key(0).public_key()
            },
            "{context:?}"
        );
    }
}

/// An attacker who sends a low-order `enc` knows the shared secret; the key must refuse it.
#[test]
fn a_low_order_encapsulated_key_does_not_open() {
    let envelope = ReleaseEnvelope {
        enc: [0; 32],
        ..released()
    };
    assert!(open_release(&key(0), &CONTEXT, &envelope).is_err());
}

#[test]
fn a_second_release_of_the_same_credential_differs() {
    let recipient = key(0).public_key();
    let again = seal_release(
        &recipient,
        &CONTEXT,
        &credential("s3cret"),
        &mut Counting::from(65),
    )
    .unwrap();
    assert_ne!(again.enc, released().enc);
    assert_ne!(again.ciphertext, released().ciphertext);
    assert_ne!(again.digest(), released().digest());
}

#[test]
fn nothing_is_released_without_entropy() {
    let recipient = key(0).public_key();
    let failed = seal_release(
        &recipient,
        &CONTEXT,
        &credential("x"),
        &mut Failing::after(31),
    );
    assert_eq!(
        failed,
        Err(ReleaseSealError::Entropy(EntropyError { wanted: 32 }))
    );
}

#[test]
fn debug_shows_the_digest_only() {
    let shown = format!("{:?}", released());
    assert_eq!(shown.len(), "ReleaseEnvelope(sha256:)".len() + 64);
}

/// The step between context and ciphertext, for those who build a second implementation.
#[test]
fn the_context_of_the_test_vector_has_the_published_digest() {
    let vectors = include_str!("../../testdata/sealing-v1.txt");
    let published = vectors
        .lines()
        .find_map(|line| line.strip_prefix("release_context_digest = "))
        .unwrap();
    let context = ReleaseContext {
        instance: &[0xa1; 32],
        checkout: &[0xc2; 32],
        grant: "grant_1",
        account: "acc_orders_db",
        version: 7,
    };
    assert_eq!(hex::parse(published), Ok(context.digest()));
}
