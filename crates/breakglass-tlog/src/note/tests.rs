use super::*;
use crate::text;

/// The example of the signed-note specification.
const SPEC_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_LINE: &str = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";

fn spec_note() -> String {
    format!("This is an example message.\n\n{SPEC_LINE}\n")
}

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(name(&format!("key.example/{number}")), &[number; 32])
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key = VerifierKey::parse(SPEC_VKEY).unwrap();
    assert_eq!(key.to_string(), SPEC_VKEY);
    let note = Note::parse(spec_note().as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_text(), spec_note());
    let verified = note.verify(&[&key]).unwrap();
    assert_eq!(
        verified,
        [VerifiedSignature {
            name: key.name().clone(),
            id: key.id(),
            time: None
        }]
    );

    let changed = Note::parse(spec_note().replace("example m", "example n").as_bytes()).unwrap();
    assert!(matches!(
        changed.verify(&[&key]),
        Err(NoteVerifyError::BadSignature {
            source: SignatureVerifyError::Mismatch,
            ..
        })
    ));
}

#[test]
fn text_and_signatures_part_at_the_last_empty_line() {
    let note = Note::sign("one\n\ntwo\n\n\n".to_owned(), &key(1)).unwrap();
    let read = Note::parse(note.to_text().as_bytes()).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.text(), "one\n\ntwo\n\n\n");
}

#[test]
fn malformed_notes_are_refused() {
    let line = SPEC_LINE;
    for (note, error) in [
        (String::new(), NoteParseError::NoSeparator),
        (format!("text\n{line}\n"), NoteParseError::NoSeparator),
        (format!("\n{line}\n"), NoteParseError::NoSeparator),
        (format!("text\n\n{line}"), NoteParseError::Unsigned),
        ("text\n\n".to_owned(), NoteParseError::Unsigned),
        (format!("text\n\n{line}\n\n"), NoteParseError::Unsigned),
        (
            format!("te\txt\n\n{line}\n"),
            NoteTextError::ControlCharacter { code: 9 }.into(),
        ),
        (
            format!("text\r\n\r\n{line}\r\n"),
            NoteTextError::ControlCharacter { code: 13 }.into(),
        ),
        (
            format!("text\n\n{line}\nmore\n"),
            NoteParseError::Signature {
                line: 2,
                source: SignatureLineError::Shape,
            },
        ),
    ] {
        assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:?}");
    }
    assert_eq!(
        Note::parse(b"te\xffxt\n\n"),
        Err(NoteParseError::Utf8 { valid_up_to: 2 })
    );
    assert_eq!(
        Note::parse(&vec![b'a'; MAX_NOTE_LEN + 1]),
        Err(NoteParseError::TooLong {
            got: MAX_NOTE_LEN + 1
        })
    );
    assert_eq!(
        Note::sign("text".to_owned(), &key(1)),
        Err(NoteTextError::NoFinalNewline)
    );
}

#[test]
fn malformed_signature_lines_are_refused() {
    for (line, error) in [
        ("- name AAAAAAA=", SignatureLineError::Shape),
        ("—name AAAAAAA=", SignatureLineError::Shape),
        ("— AAAAAAA=", SignatureLineError::Shape),
        ("—  AAAAAAA=", KeyNameError { got: String::new() }.into()),
        (
            "— na+me AAAAAAA=",
            KeyNameError {
                got: "na+me".to_owned(),
            }
            .into(),
        ),
        (
            "— na\u{2003}me AAAAAAA=",
            KeyNameError {
                got: "na\u{2003}me".to_owned(),
            }
            .into(),
        ),
        ("— name  AAAAAAA=", SignatureLineError::Base64),
        ("— name AAAAAAA", SignatureLineError::Base64),
        ("— name AAAAAAA= ", SignatureLineError::Base64),
        ("— name AAAAAA==", SignatureLineError::Length { got: 4 }),
        ("— name AAAA", SignatureLineError::Length { got: 3 }),
    ] {
        assert_eq!(NoteSignature::parse_line(line), Err(error), "{line:?}");
    }
    assert_eq!(
        NoteSignature::parse_line("— name AAAAAAA=")
            .unwrap()
            .bytes(),
        [0]
    );
}

#[test]
fn unknown_signatures_are_kept_and_ignored() {
    let mut note = Note::sign("text\n".to_owned(), &key(1)).unwrap();
    for number in 2..=16 {
        note.append(key(number).sign("another text\n")).unwrap();
    }
    let read = Note::parse(note.to_text().as_bytes()).unwrap();
    assert_eq!(read.signatures().len(), 16);
    assert_eq!(read.verify(&[key(1).verifier()]).unwrap().len(), 1);
    assert_eq!(
        read.verify(&[key(17).verifier()]),
        Err(NoteVerifyError::NoKnownSignature)
    );
    assert_eq!(read.verify(&[]), Err(NoteVerifyError::NoKnownSignature));
    // Another key under the same name has another ID and is as unknown as any.
    let namesake = SigningKey::from_seed(name("key.example/1"), &[9; 32]);
    assert_eq!(
        read.verify(&[namesake.verifier()]),
        Err(NoteVerifyError::NoKnownSignature)
    );
}

/// The line of a key whose type is none of ours: ML-DSA-44 (0x06), a time and 2,420 bytes.
pub(crate) fn ml_dsa_line(key: &str) -> String {
    let payload = [&[6, 6, 6, 6][..], &[0x5a; 8 + 2_420]].concat();
    format!("— {key} {}\n", text::base64(&payload))
}

#[test]
fn a_line_of_a_type_that_is_not_ours_is_carried_and_ignored() {
    let note = Note::sign("text\n".to_owned(), &key(1)).unwrap();
    // Also under the name of a key that is known.
    let lines = ["key.example/1", "key.example/6"].map(ml_dsa_line).concat();
    let whole = note.to_text() + &lines;
    let read = Note::parse(whole.as_bytes()).unwrap();
    assert_eq!(read.to_text(), whole);
    assert_eq!(read.signatures().len(), 3);
    let verified = read.verify(&[key(1).verifier()]).unwrap();
    assert_eq!(verified.len(), 1);
    // Its key has no place here yet, and says so.
    let bytes = [&[0x06][..], &[0x5a; 1_312]].concat();
    let vkey = format!("key.example/6+06060606+{}", text::base64(&bytes));
    assert_eq!(VerifierKey::parse(&vkey), Err(KeyError::Type { got: 0x06 }));
}

#[test]
fn a_failing_signature_of_a_known_key_voids_the_note() {
    let mut note = Note::sign("text\n".to_owned(), &key(1)).unwrap();
    note.append(key(2).sign("another text\n")).unwrap();
    let (first, second) = (key(1), key(2));
    assert!(note.verify(&[first.verifier()]).is_ok());
    assert_eq!(
        note.verify(&[first.verifier(), second.verifier()]),
        Err(NoteVerifyError::BadSignature {
            name: second.verifier().name().clone(),
            id: second.verifier().id(),
            source: SignatureVerifyError::Mismatch,
        })
    );
}

#[test]
fn a_key_that_signs_twice_counts_once() {
    let mut note = Note::sign("text\n".to_owned(), &key(1)).unwrap();
    note.append(key(1).sign("text\n")).unwrap();
    assert_eq!(note.signatures().len(), 1);
    let line = note.signatures()[0].line();
    let twice = format!("text\n\n{line}\n{line}\n");
    let note = Note::parse(twice.as_bytes()).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(
        note.verify(&[key(1).verifier(), key(1).verifier()])
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn signatures_are_capped() {
    let mut note = Note::sign("text\n".to_owned(), &key(1)).unwrap();
    for number in 1..MAX_SIGNATURES {
        note.append(NoteSignature::new(
            name("n"),
            KeyId::from_bytes([0; 4]),
            vec![u8::try_from(number).unwrap()],
        ))
        .unwrap();
    }
    assert!(Note::parse(note.to_text().as_bytes()).is_ok());
    assert_eq!(note.append(key(2).sign("text\n")), Err(TooManySignatures));
    let over = format!("{}{}\n", note.to_text(), key(2).sign("text\n").line());
    assert_eq!(Note::parse(over.as_bytes()), Err(TooManySignatures.into()));
}

#[test]
fn secret_keys_round_trip_and_do_not_print() {
    let key = SigningKey::from_seed(name("breakglass.example/log"), &[0x5a; 32]);
    let text = key.to_text();
    assert!(text.starts_with("PRIVATE+KEY+breakglass.example/log+"));
    let read = SigningKey::parse(&text).unwrap();
    assert_eq!(read.verifier(), key.verifier());
    assert_eq!(read.sign("text\n"), key.sign("text\n"));

    let printed = format!("{key:?}");
    let secret = text.rsplit('+').next().unwrap();
    assert!(
        !printed.contains(secret) && !printed.contains("90, 90"),
        "{printed}"
    );

    let wrong_id = text.replacen(&key.verifier().id().to_string(), "00000000", 1);
    assert!(matches!(
        SigningKey::parse(&wrong_id),
        Err(KeyError::Id { .. })
    ));
    for bad in [
        "",
        "PRIVATE+KEY+a",
        "PRIVATE+KEY+se cret+00000000+AQ==",
        "PUBLIC+KEY+a+b+c",
        "PRIVATE+KEY+a+00000000+",
    ] {
        assert!(
            matches!(SigningKey::parse(bad), Err(KeyError::Shape { .. })),
            "{bad:?}"
        );
    }
    assert_eq!(
        SigningKey::parse("PRIVATE+KEY+a+00000000+AQ==").unwrap_err(),
        KeyError::Length {
            expected: 32,
            got: 0
        }
    );
    assert_eq!(
        SigningKey::parse("PRIVATE+KEY+a+00000000+BA==").unwrap_err(),
        KeyError::Type { got: 4 }
    );
}

#[test]
fn malformed_verifier_keys_are_refused() {
    let spec = SPEC_VKEY;
    assert!(matches!(
        VerifierKey::parse("a+b"),
        Err(KeyError::Shape { .. })
    ));
    assert!(matches!(
        VerifierKey::parse("a+00000000+"),
        Err(KeyError::Shape { .. })
    ));
    assert!(matches!(
        VerifierKey::parse(&spec.replace("530d903a", "530D903A")),
        Err(KeyError::Id { .. })
    ));
    assert!(matches!(
        VerifierKey::parse(&spec.replace("example.com", "example.org")),
        Err(KeyError::Id { .. })
    ));
    assert_eq!(VerifierKey::parse("a+00000000+AQ"), Err(KeyError::Base64));
    assert_eq!(
        VerifierKey::parse("a+00000000+AQA="),
        Err(KeyError::Length {
            expected: 32,
            got: 1
        })
    );
    for (material, got) in [("Ag==", 2), ("Bg==", 6), ("/w==", 255)] {
        assert_eq!(
            VerifierKey::parse(&format!("a+00000000+{material}")),
            Err(KeyError::Type { got })
        );
    }
    // The neutral element, of order one: every text would verify.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(
        VerifierKey::new(name("a"), KeyKind::Ed25519, &neutral),
        Err(KeyError::Point)
    );
}
