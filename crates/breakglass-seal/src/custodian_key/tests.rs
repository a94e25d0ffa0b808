use super::*;
use crate::danger::{Counting, Failing};

const PASSPHRASE: &[u8] = b"seven words that are on no list";

fn key() -> CustodianKey {
    CustodianKey::generate(&mut Counting::from(1)).unwrap()
}

fn file() -> String {
    let file = key().to_file(PASSPHRASE, KeyCost::DANGER_NONE, &mut Counting::from(60));
    file.unwrap()
}

#[test]
fn the_passphrase_opens_the_file_and_no_other_does() {
    let file = file();
    assert_eq!(file.lines().count(), 1);
    let opened = CustodianKey::from_file(file.as_bytes(), PASSPHRASE).unwrap();
    assert_eq!(opened.public_key(), key().public_key());
    assert_eq!(
        hpke_base::private_to(opened.private()),
        hpke_base::private_to(key().private())
    );
    assert_eq!(
        CustodianKey::public_of_file(file.as_bytes()),
        Ok(key().public_key())
    );
    for wrong in [&b""[..], b"seven words", b"Seven words that are on no list"] {
        let refused = CustodianKey::from_file(file.as_bytes(), wrong);
        assert_eq!(refused.unwrap_err(), CustodianKeyError::Passphrase);
    }
}

#[test]
fn the_standard_is_what_it_takes_to_guess() {
    let made = key().to_file(PASSPHRASE, KeyCost::STANDARD, &mut Counting::from(60));
    let made = made.unwrap();
    assert_ne!(made, file());
    let opened = CustodianKey::from_file(made.as_bytes(), PASSPHRASE).unwrap();
    assert_eq!(opened.public_key(), key().public_key());
    let bytes = STANDARD
        .decode(made.trim_end().split_at(TAG.len()).1)
        .unwrap();
    assert_eq!(bytes[..12], [0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
}

#[test]
fn every_altered_byte_is_noticed_and_what_asks_for_too_much_is_refused() {
    let file = file();
    let (tag, text) = file.trim_end().split_at(TAG.len());
    let bytes = STANDARD.decode(text).unwrap();
    let read = |bytes: &[u8]| {
        let file = format!("{tag}{}", STANDARD.encode(bytes));
        CustodianKey::from_file(file.as_bytes(), PASSPHRASE).map(|_| ())
    };
    assert_eq!(read(&bytes), Ok(()));
    for place in 0..bytes.len() {
        // What a higher cost would take is not tried.
        if (0..12).contains(&place) {
            continue;
        }
        let mut other = bytes.clone();
        other[place] ^= 1;
        assert!(read(&other).is_err(), "{place}");
    }
    for (place, value) in [(0, 0xff), (4, 1), (8, 1), (7, 0), (11, 0), (7, 17), (11, 9)] {
        let mut other = bytes.clone();
        other[place] = value;
        let refused = read(&other).unwrap_err();
        assert!(
            matches!(refused, CustodianKeyError::Cost { .. }),
            "{place}: {refused}"
        );
    }
    for length in 0..bytes.len() {
        assert_eq!(read(&bytes[..length]), Err(CustodianKeyError::NotOne));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(read(&longer), Err(CustodianKeyError::NotOne));
    for other in [
        "",
        "breakglass-one-time-key-v1:AAAA",
        "breakglass-custodian-key-v1:?",
    ] {
        let refused = CustodianKey::from_file(other.as_bytes(), PASSPHRASE).unwrap_err();
        assert_eq!(refused, CustodianKeyError::NotOne);
    }
}

#[test]
fn no_file_is_written_without_a_passphrase_or_entropy() {
    let none = key().to_file(b"", KeyCost::DANGER_NONE, &mut Counting::from(0));
    assert_eq!(none, Err(CustodianKeyError::Empty));
    let none = key().to_file(PASSPHRASE, KeyCost::DANGER_NONE, &mut Failing::after(39));
    assert!(matches!(none, Err(CustodianKeyError::Entropy(_))));
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", key());
    assert_eq!(shown, format!("CustodianKey({})", key().public_key()));
}
