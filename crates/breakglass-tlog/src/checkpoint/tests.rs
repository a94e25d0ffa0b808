use super::*;
use crate::cosignature::{Cosignature, CosignatureError, CosignerKey, MAX_TIME};
use crate::hash::leaf_hash;
use crate::note::SignatureVerifyError;
use crate::tree::root_of_leaves;

const ORIGIN: &str = "breakglass.example/log";
const LOG_VKEY: &str =
    "breakglass.example/log+84451a32+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const LOG_LINE: &str = "— breakglass.example/log hEUaMlQvHdQHnwdcGJjRFbvSACG00GfHroik6eGA37YexncNoWu+mpuUFJSE2JxyLg+ttHJ41XOsO3KiJ9S4qdNXbQ4=";
const WITNESS_VKEY: &str =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const WITNESS_LINE: &str = "— witness.example/w1 519lMgAAAABlU/EA2btIX+5wtFi4V86XDuIhNoiG/x/KQ2L6Q5XLPV0J6rJeN7iNQOhhfGlv64+bc7lzW7lE9f/u99cWHJTtjGQiCA==";
const ROOT: &str = "NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=";

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn seed() -> [u8; 32] {
    std::array::from_fn(|place| u8::try_from(place).unwrap())
}

fn log_key() -> SigningKey {
    SigningKey::from_seed(name(ORIGIN), &seed())
}

fn checkpoint() -> Checkpoint {
    let leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")];
    Checkpoint::new(name(ORIGIN), 3, root_of_leaves(&leaves)).unwrap()
}

#[test]
fn the_checkpoint_vector_is_reproduced_and_opens() {
    let signed = SignedCheckpoint::sign(checkpoint(), &log_key()).unwrap();
    assert_eq!(
        signed.to_text(),
        format!("{ORIGIN}\n3\n{ROOT}\n\n{LOG_LINE}\n")
    );
    assert_eq!(log_key().verifier().to_string(), LOG_VKEY);
    let key = VerifierKey::parse(LOG_VKEY).unwrap();
    let opened = SignedCheckpoint::open(signed.to_text().as_bytes(), ORIGIN, &key);
    assert_eq!(opened, Ok(signed));
}

#[test]
fn the_cosignature_vector_is_reproduced_and_verifies() {
    let witness = CosignerKey::from_seed(name("witness.example/w1"), &seed());
    assert_eq!(witness.verifier().to_string(), WITNESS_VKEY);
    let line = witness.cosign(&checkpoint(), 1_700_000_000).unwrap();
    assert_eq!(line.line(), WITNESS_LINE);

    let key = VerifierKey::parse(WITNESS_VKEY).unwrap();
    let mut signed = SignedCheckpoint::sign(checkpoint(), &log_key()).unwrap();
    assert_eq!(
        signed.verify_signatures(&[&key]),
        Err(NoteVerifyError::NoKnownSignature)
    );
    signed.add_signature(line, &key).unwrap();
    assert!(
        signed
            .to_text()
            .ends_with(&format!("\n{LOG_LINE}\n{WITNESS_LINE}\n"))
    );
    let verified = signed.verify_signatures(&[&key]).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].time, Some(1_700_000_000));
    let text = signed.to_text();
    assert!(SignedCheckpoint::open(text.as_bytes(), ORIGIN, log_key().verifier()).is_ok());
}

#[test]
fn a_cosignature_holds_for_its_time_and_checkpoint_only() {
    let witness = CosignerKey::from_seed(name("witness.example/w1"), &seed());
    let mut signed = SignedCheckpoint::sign(checkpoint(), &log_key()).unwrap();
    let other = Checkpoint::new(name(ORIGIN), 2, checkpoint().root()).unwrap();
    let line = witness.cosign(&other, 1_700_000_000).unwrap();
    assert!(matches!(
        signed.add_signature(line, witness.verifier()),
        Err(AddSignatureError::Verify(
            NoteVerifyError::BadSignature { .. }
        ))
    ));
    let line = log_key().sign(signed.note().text());
    assert_eq!(
        signed.add_signature(line, witness.verifier()),
        Err(AddSignatureError::Verify(NoteVerifyError::NoKnownSignature))
    );
    let too_late = CosignatureError::Time { time: MAX_TIME + 1 };
    assert_eq!(
        witness.cosign(&checkpoint(), MAX_TIME + 1),
        Err(too_late.clone())
    );
    assert!(witness.cosign(&checkpoint(), MAX_TIME).is_ok());
    assert_eq!(
        Cosignature::parse(&[0xff; Cosignature::LEN]),
        Err(CosignatureError::Time { time: u64::MAX })
    );
    assert_eq!(
        Cosignature::parse(&[0; 71]),
        Err(CosignatureError::Length { got: 71 })
    );
    assert_eq!(
        Cosignature::parse(&[]),
        Err(CosignatureError::Length { got: 0 })
    );
    let short = SignatureVerifyError::Cosignature(CosignatureError::Length { got: 2 });
    assert_eq!(witness.verifier().verify("", &[0, 0]), Err(short));
}

#[test]
fn cosigner_keys_round_trip_and_are_not_log_keys() {
    let witness = CosignerKey::from_seed(name("witness.example/w1"), &seed());
    let text = witness.to_text();
    assert_eq!(
        CosignerKey::parse(&text).unwrap().verifier(),
        witness.verifier()
    );
    assert!(SigningKey::parse(&text).is_err());
    let secret = text.rsplit('+').next().unwrap();
    assert!(!format!("{witness:?}").contains(secret));
}

#[test]
fn only_the_log_named_opens() {
    let signed = SignedCheckpoint::sign(checkpoint(), &log_key())
        .unwrap()
        .to_text();
    let open =
        |origin: &str, key: &VerifierKey| SignedCheckpoint::open(signed.as_bytes(), origin, key);
    let cosigner = CosignerKey::from_seed(name(ORIGIN), &seed());
    let other = SigningKey::from_seed(name("other.example"), &seed());
    assert!(matches!(
        open("other.example", log_key().verifier()),
        Err(OpenError::Key { .. })
    ));
    assert!(matches!(
        open(ORIGIN, other.verifier()),
        Err(OpenError::Key { .. })
    ));
    assert!(matches!(
        open(ORIGIN, cosigner.verifier()),
        Err(OpenError::Key { .. })
    ));
    let namesake = SigningKey::from_seed(name(ORIGIN), &[1; 32]);
    assert_eq!(
        open(ORIGIN, namesake.verifier()),
        Err(OpenError::Verify(NoteVerifyError::NoKnownSignature))
    );
    // The log's own key under the checkpoint of another log.
    let foreign = Checkpoint::new(name("other.example"), 0, EMPTY_ROOT).unwrap();
    let foreign = Note::signed(foreign.to_text(), &log_key());
    assert!(matches!(
        SignedCheckpoint::from_note(foreign, ORIGIN, log_key().verifier()),
        Err(OpenError::Origin { .. })
    ));
    assert!(matches!(
        SignedCheckpoint::sign(checkpoint(), &other),
        Err(SignCheckpointError { .. })
    ));
}

#[test]
fn malformed_bodies_are_refused() {
    let empty = EMPTY_ROOT.to_base64();
    let size = |got: &str| CheckpointError::Size {
        got: got.to_owned(),
    };
    for (body, error) in [
        (String::new(), CheckpointError::Lines { got: 0 }),
        (format!("o\n3\n{ROOT}"), CheckpointError::Lines { got: 2 }),
        (
            format!("o\n3\n{ROOT}\n\n"),
            CheckpointError::Lines { got: 4 },
        ),
        (
            format!("o\n3\n{ROOT}\nextension\n"),
            CheckpointError::Lines { got: 4 },
        ),
        (
            format!("\n3\n{ROOT}\n"),
            KeyNameError { got: String::new() }.into(),
        ),
        (
            format!("a b\n3\n{ROOT}\n"),
            KeyNameError {
                got: "a b".to_owned(),
            }
            .into(),
        ),
        (format!("o\n03\n{ROOT}\n"), size("03")),
        (format!("o\n+3\n{ROOT}\n"), size("+3")),
        (format!("o\n\n{ROOT}\n"), size("")),
        (
            format!("o\n9223372036854775808\n{ROOT}\n"),
            size("9223372036854775808"),
        ),
        (
            "o\n3\nAAAA\n".to_owned(),
            HashError::Length { got: 3 }.into(),
        ),
        (format!("o\n3\n{ROOT} \n"), HashError::Base64.into()),
        (
            format!("o\n0\n{ROOT}\n"),
            CheckpointError::EmptyRoot {
                got: checkpoint().root(),
            },
        ),
    ] {
        assert_eq!(Checkpoint::parse(&body), Err(error), "{body:?}");
    }
    assert_eq!(
        Checkpoint::parse(&format!("o\n0\n{empty}\n"))
            .unwrap()
            .size(),
        0
    );
    assert!(Checkpoint::parse(&format!("o\n9223372036854775807\n{ROOT}\n")).is_ok());
}

#[test]
fn every_checkpoint_extends_the_empty_one_by_the_rule_for_it() {
    let empty = Checkpoint::new(name(ORIGIN), 0, EMPTY_ROOT).unwrap();
    assert_eq!(empty.verify_extends(&empty, &[]), Ok(()));
    assert_eq!(checkpoint().verify_extends(&empty, &[]), Ok(()));
    assert_eq!(
        checkpoint().verify_extends(&empty, &[EMPTY_ROOT]),
        Err(FromEmptyError::ProofNotEmpty { got: 1 }.into())
    );
    assert_eq!(
        empty.verify_extends(&checkpoint(), &[]),
        Err(ConsistencyError::Shrunk {
            old_size: 3,
            new_size: 0
        }
        .into())
    );
    let other = Checkpoint::new(name("other.example"), 0, EMPTY_ROOT).unwrap();
    assert!(matches!(
        checkpoint().verify_extends(&other, &[]),
        Err(ExtendsError::Origin { .. })
    ));

    let one = Checkpoint::new(name(ORIGIN), 1, leaf_hash(b"a")).unwrap();
    let proof = [leaf_hash(b"b"), leaf_hash(b"c")];
    assert_eq!(checkpoint().verify_extends(&one, &proof), Ok(()));
    assert!(checkpoint().verify_extends(&one, &proof[..1]).is_err());
}
