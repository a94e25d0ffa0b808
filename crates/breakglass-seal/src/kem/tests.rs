use super::*;
use crate::danger::{Counting, Failing};

fn key() -> OneTimeKey {
    OneTimeKey::generate(&mut Counting::from(0)).unwrap()
}

#[test]
fn a_key_survives_its_file() {
    let key = key();
    let file = key.to_file();
    assert!(file.starts_with(b"breakglass-one-time-key-v1:"));
    let read = OneTimeKey::from_file(&file).unwrap();
    assert_eq!(read.public_key(), key.public_key());
    assert_eq!(read.to_file(), file);
    // A server key's file is not mistaken for it.
    let other = key_file::format("breakglass-server-key-v1", &[1; 32]);
    assert_eq!(
        OneTimeKey::from_file(&other).unwrap_err(),
        KeyFileError::Tag { expected: TAG }
    );
}

#[test]
fn debug_shows_the_public_half_only() {
    let key = key();
    let file = String::from_utf8(key.to_file().to_vec()).unwrap();
    let (_, secret) = file.trim_end().split_once(':').unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("OneTimeKey({})", key.public_key()));
    assert!(!shown.contains(secret));
}

#[test]
fn without_entropy_there_is_no_key() {
    let made = OneTimeKey::generate(&mut Failing::after(16));
    assert_eq!(
        made.map(|key| key.public_key()),
        Err(EntropyError { wanted: 32 })
    );
}

#[test]
fn the_text_form_is_strict() {
    let public = key().public_key();
    let text = public.to_string();
    assert_eq!(text.parse(), Ok(public));
    let error = KemPublicKeyError::Encoding { expected: 32 };
    for wrong in [
        "",
        "X25519",
        text.trim_end_matches('='),
        &format!("{text}\n"),
        &text[4..],
    ] {
        assert_eq!(wrong.parse::<KemPublicKey>(), Err(error), "{wrong:?}");
    }
}

/// All points of order 1, 2, 4 and 8 on the curve and its twist, in reduced form.
#[test]
fn low_order_points_are_refused() {
    let order_8_a: [u8; 32] =
        crate::hex::parse("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
            .unwrap();
    let order_8_b: [u8; 32] =
        crate::hex::parse("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")
            .unwrap();
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    for point in [[0; 32], one, minus_one, order_8_a, order_8_b] {
        assert_eq!(
            KemPublicKey::from_bytes(point),
            Err(KemPublicKeyError::LowOrder)
        );
    }
}

#[test]
fn second_forms_of_a_coordinate_are_refused() {
    let mut high_bit = key().public_key().to_bytes();
    high_bit[31] |= 0x80;
    let mut p = [0xff; 32];
    p[31] = 0x7f;
    for low in 0xed..=0xff {
        p[0] = low;
        assert_eq!(
            KemPublicKey::from_bytes(p),
            Err(KemPublicKeyError::NotCanonical),
            "{low:#x}"
        );
    }
    assert_eq!(
        KemPublicKey::from_bytes(high_bit),
        Err(KemPublicKeyError::NotCanonical)
    );
    // The largest reduced coordinate but one: nothing is wrong with it.
    p[0] = 0xeb;
    assert!(KemPublicKey::from_bytes(p).is_ok());
}
