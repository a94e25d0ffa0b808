use super::*;
use crate::checkpoint::Checkpoint;
use crate::note::{KeyName, SigningKey, tests::ml_dsa_line};
use crate::tile::{MemoryTiles, inclusion_proof, root};

const ORIGIN: &str = "breakglass.example/log";

fn log_key() -> SigningKey {
    let seed = std::array::from_fn(|place| u8::try_from(place).unwrap());
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &seed)
}

fn entry(index: u64) -> Vec<u8> {
    vec![b'a' + u8::try_from(index).unwrap()]
}

fn bundle(index: u64, size: u64) -> ProofBundle {
    let mut tiles = MemoryTiles::new();
    for index in 0..size {
        tiles.push_entry(&entry(index));
    }
    let origin = KeyName::new(ORIGIN).unwrap();
    let checkpoint = Checkpoint::new(origin, size, root(&tiles, size).unwrap()).unwrap();
    let signed = SignedCheckpoint::sign(checkpoint, &log_key()).unwrap();
    ProofBundle::new(
        index,
        inclusion_proof(&tiles, index, size).unwrap(),
        &signed,
    )
}

/// Entry "b" of the log of "a", "b" and "c", the vector of `docs/spec/log.md`.
/// The two hashes were computed without this crate, with the SHA-256 of another language.
const VECTOR: &str = "\
c2sp.org/tlog-proof@v1
index 1
Aippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=
WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg=

breakglass.example/log
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

— breakglass.example/log hEUaMlQvHdQHnwdcGJjRFbvSACG00GfHroik6eGA37YexncNoWu+mpuUFJSE2JxyLg+ttHJ41XOsO3KiJ9S4qdNXbQ4=
";

#[test]
fn the_vector_of_our_specification_is_reproduced_and_verifies() {
    assert_eq!(bundle(1, 3).to_text(), VECTOR);
    let read = ProofBundle::parse(VECTOR.as_bytes()).unwrap();
    let verified = read.verify(b"b", ORIGIN, log_key().verifier()).unwrap();
    assert_eq!(verified.index, 1);
    assert_eq!(verified.checkpoint.checkpoint().size(), 3);
}

#[test]
fn every_entry_of_a_small_log_is_proven_and_no_other() {
    for size in 1..=9 {
        for index in 0..size {
            let bundle = bundle(index, size);
            assert_eq!(
                ProofBundle::parse(bundle.to_text().as_bytes()),
                Ok(bundle.clone())
            );
            for other in 0..size {
                let verdict = bundle.verify(&entry(other), ORIGIN, log_key().verifier());
                assert_eq!(
                    verdict.is_ok(),
                    other == index,
                    "{other} by {index} of {size}"
                );
            }
        }
    }
}

#[test]
fn extra_data_is_carried_and_proves_nothing() {
    let plain = bundle(1, 3);
    let with_extra = plain.clone().with_extra(b"salt".to_vec());
    assert!(
        with_extra
            .to_text()
            .contains("@v1\nextra c2FsdA==\nindex 1\n")
    );
    let read = ProofBundle::parse(with_extra.to_text().as_bytes()).unwrap();
    assert_eq!(read.extra(), b"salt");
    let verdict = |bundle: &ProofBundle| bundle.verify(b"b", ORIGIN, log_key().verifier());
    assert_eq!(verdict(&read), verdict(&plain));
}

#[test]
fn a_proof_carries_lines_of_types_that_are_not_ours() {
    let text = bundle(1, 3).to_text() + &ml_dsa_line("witness.example/6");
    let read = ProofBundle::parse(text.as_bytes()).unwrap();
    assert_eq!(read.to_text(), text);
    let verified = read.verify(&entry(1), ORIGIN, log_key().verifier());
    assert_eq!(verified.unwrap().index, 1);
}

#[test]
fn a_proof_of_another_log_is_refused() {
    let other = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32]);
    assert!(matches!(
        bundle(1, 3).verify(b"b", ORIGIN, other.verifier()),
        Err(BundleVerifyError::Checkpoint(OpenError::Verify(_)))
    ));
    assert!(matches!(
        bundle(1, 3).verify(b"b", "other.example", log_key().verifier()),
        Err(BundleVerifyError::Checkpoint(OpenError::Key { .. }))
    ));
}

#[test]
fn malformed_proofs_are_refused() {
    let swap = |from: &str, to: &str| VECTOR.replacen(from, to, 1);
    for (text, error) in [
        (String::new(), BundleParseError::NoSeparator),
        (
            swap("tlog-proof@v1", "tlog-proof@v2"),
            BundleParseError::Header,
        ),
        (swap("index 1\n", ""), BundleParseError::Index),
        (swap("index 1", "index 01"), BundleParseError::Index),
        (swap("index 1", "Index 1"), BundleParseError::Index),
        (swap("index 1", "extra \nindex 1"), BundleParseError::Extra),
        (
            swap("index 1", "extra AA\nindex 1"),
            BundleParseError::Extra,
        ),
        (
            swap("index 1", "extra AA==\nextra AA==\nindex 1"),
            BundleParseError::Index,
        ),
        (
            swap("index 1", "index 1\nextra AA=="),
            BundleParseError::Hash {
                place: 1,
                source: HashError::Base64,
            },
        ),
        (
            swap("index 1", "index 1\nAAAA"),
            BundleParseError::Hash {
                place: 1,
                source: HashError::Length { got: 3 },
            },
        ),
        (
            swap("log hEUa", "log  hEUa"),
            BundleParseError::Checkpoint(NoteParseError::Signature {
                line: 1,
                source: crate::note::SignatureLineError::Base64,
            }),
        ),
    ] {
        assert_eq!(ProofBundle::parse(text.as_bytes()), Err(error), "{text}");
    }
    // An empty line too many goes to the checkpoint, which is then another text.
    let parsed = ProofBundle::parse(swap("\n\nbreak", "\n\n\nbreak").as_bytes()).unwrap();
    assert!(parsed.verify(b"b", ORIGIN, log_key().verifier()).is_err());
    let hashes = format!(
        "index 1\n{}",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".repeat(63)
    );
    assert_eq!(
        ProofBundle::parse(swap("index 1\n", &hashes).as_bytes()),
        Err(BundleParseError::TooManyHashes { got: 65 })
    );
    assert_eq!(
        ProofBundle::parse(&vec![b'a'; MAX_BUNDLE_LEN + 1]),
        Err(BundleParseError::TooLong {
            got: MAX_BUNDLE_LEN + 1
        })
    );
}
