use super::*;
use crate::danger::Counting;

fn key(start: u8) -> ServerKey {
    ServerKey::generate(&mut Counting::from(start)).unwrap()
}

fn file(content: &[u8]) -> Slot {
    Slot::File(FileSlot::new(content.to_vec().into()))
}

#[test]
fn a_formatted_key_opens_to_the_same_key() {
    let key = key(0);
    let content = FileSlot::format(&key);
    assert_eq!(
        content.as_slice(),
        b"breakglass-server-key-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    );
    let opened = file(&content).open(&key.commitment()).unwrap();
    assert_eq!(opened.expose(), key.expose());
    assert_eq!(
        FileSlot::new(content.to_vec().into()).commitment(),
        Ok(key.commitment())
    );
}

#[test]
fn the_first_slot_that_fits_opens() {
    let (right, other) = (key(0), key(1));
    let slots = [
        file(b"rubbish"),
        file(&FileSlot::format(&other)),
        file(&FileSlot::format(&right)),
    ];
    assert_eq!(
        open_any(&slots, &right.commitment()).unwrap().expose(),
        right.expose()
    );

    let error = open_any(&slots[..2], &right.commitment()).unwrap_err();
    let failed = |error| SlotFailure {
        kind: SlotKind::File,
        error,
    };
    let expected = right.commitment();
    assert_eq!(
        error.failures,
        [
            failed(SlotError::File(KeyFileError::Tag {
                expected: "breakglass-server-key-v1"
            })),
            failed(SlotError::OtherKey {
                expected,
                got: other.commitment()
            }),
        ]
    );
    assert_eq!(
        error.to_string(),
        format!("none of the 2 slots gave the server key {}", right.key_id())
    );
    assert_eq!(open_any(&[], &expected).unwrap_err().failures, []);
}

#[test]
fn the_commitment_is_public_and_reads_back() {
    let key = key(0);
    let commitment = key.commitment();
    assert_eq!(commitment.to_string().parse(), Ok(commitment));
    assert_eq!(KeyCommitment::from_bytes(commitment.to_bytes()), commitment);
    assert!(
        commitment
            .to_string()
            .starts_with(&key.key_id().to_string())
    );
    assert_ne!(commitment.to_bytes(), *key.expose());
}

#[test]
fn debug_shows_no_key() {
    let key = key(0);
    let content = FileSlot::format(&key);
    let shown = format!("{key:?} {:?}", file(&content));
    assert!(
        shown.starts_with(&format!("ServerKey({})", key.key_id())),
        "{shown}"
    );
    assert!(
        !shown.contains("AAECAw") && !shown.contains("0, 1, 2"),
        "{shown}"
    );
}
