use super::*;
use crate::danger::{Counting, Failing, Fixed};

#[test]
fn every_character_is_equally_likely() {
    for (choices, rounds) in [(FIRST, 4), (ANY, 3)] {
        let mut counts = std::collections::BTreeMap::new();
        for character in (0..=u8::MAX).filter_map(|byte| pick(byte, choices)) {
            *counts.entry(character).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), usize::from(choices));
        assert!(counts.values().all(|count| *count == rounds), "{counts:?}");
    }
}

#[test]
fn the_alphabet_is_distinct_and_needs_no_quoting() {
    let distinct: std::collections::BTreeSet<_> = ALPHABET.iter().collect();
    assert_eq!(distinct.len(), ALPHABET.len());
    assert!(ALPHABET[..62].iter().all(u8::is_ascii_alphanumeric));
    assert_eq!(&ALPHABET[62..], b"-_.~");
}

#[test]
fn lengths_are_kept_and_the_first_character_is_harmless() {
    // Counting from 62: the first bytes would be `-_.~`.
    for length in [20, 21, 128] {
        let length = PasswordLength::new(length).unwrap();
        let password = generate_password(length, &mut Counting::from(62)).unwrap();
        assert_eq!(password.len(), length.get());
        assert!(
            password
                .expose()
                .starts_with(|c: char| c.is_ascii_alphanumeric())
        );
        assert!(
            password
                .expose()
                .bytes()
                .all(|byte| ALPHABET.contains(&byte))
        );
    }
    assert_eq!(PasswordLength::default().get(), 32);
    for got in [0, 19, 129] {
        let allowed = (20, 128);
        assert_eq!(
            PasswordLength::new(got),
            Err(PasswordError::Length { allowed, got })
        );
    }
}

#[test]
fn bytes_of_the_last_round_are_skipped() {
    let mut bytes = vec![248, 255, 0, 198, 255];
    bytes.extend(1..=59);
    let password = generate_password(PasswordLength::new(20).unwrap(), &mut Fixed(bytes)).unwrap();
    assert_eq!(password.expose(), "ABCDEFGHIJKLMNOPQRST");
}

#[test]
fn a_source_that_fails_or_stands_still_gives_no_password() {
    struct Stuck;
    impl Entropy for Stuck {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.fill(0xff);
            Ok(())
        }
    }
    let length = PasswordLength::default();
    assert_eq!(
        generate_password(length, &mut Stuck).unwrap_err(),
        PasswordError::NotRandom {
            wanted: 32,
            drawn: 4096
        }
    );
    assert_eq!(
        generate_password(length, &mut Failing::after(63)).unwrap_err(),
        PasswordError::Entropy(EntropyError { wanted: 64 })
    );
}
