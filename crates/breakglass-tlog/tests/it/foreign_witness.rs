//! What other people's witnesses answered, replayed: we understand it, and ours answers alike.
//!
//! `testdata/witness` has what the programs said, one request after another. They themselves are
//! asked by `cargo xtask interop`, in `breakglass/tests/it/interop`.

use breakglass_tlog::{
    AddCheckpoint, AddSignatureError, Checkpoint, Note, NoteVerifyError, SignedCheckpoint,
    VerifierKey,
    witness::{Answer, Asked, Received, decide, parse_size, read_answer},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recording {
    witness: String,
    log: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    what: String,
    request: String,
    status: u16,
    content_type: Option<String>,
    body: String,
}

/// Where one says what the document does not: what it was asked, and what ours says.
type Deviations = &'static [(&'static str, Said)];

/// A status, and the size of a 409.
type Said = (u16, Option<u64>);

/// litewitness takes two requests that are none.
const OF_LITEWITNESS: Deviations = &[
    // "The proof MUST be empty if the old size is zero."
    ("hashes where none may be", (422, None)),
    // "Encoded as an ASCII decimal with no leading zeroes."
    ("a size with a sign", (400, None)),
];

/// omniwitness fails where it does not know the log or the key, and takes the first checkpoint of
/// a log as it comes.
const OF_OMNIWITNESS: Deviations = &[
    // Both are a 500.
    ("a log nobody knows", (404, None)),
    ("a checkpoint that nobody signed", (403, None)),
    // It had seen none.
    ("a size that it has not cosigned", (409, Some(0))),
];

fn litewitness() -> Recording {
    let text = include_str!("../../testdata/witness/litewitness-0.9.0.json");
    serde_json::from_str(text).unwrap()
}

fn omniwitness() -> Recording {
    let text = include_str!("../../testdata/witness/omniwitness-20260720.json");
    serde_json::from_str(text).unwrap()
}

/// What our witness says, given what was cosigned last.
fn ours(exchange: &Exchange, log: &VerifierKey, last: Option<&Checkpoint>) -> Said {
    let Ok(request) = AddCheckpoint::parse(exchange.request.as_bytes()) else {
        return (400, None);
    };
    let known = request.origin() == log.name();
    let keys: &[VerifierKey] = if known {
        std::slice::from_ref(log)
    } else {
        &[]
    };
    match decide(&request, keys, last).outcome {
        Ok(_) => (200, None),
        Err(refusal) if refusal.status() == 409 => (409, parse_size(refusal.body().1.as_bytes())),
        Err(refusal) => (refusal.status(), None),
    }
}

/// The checkpoint of a request, however the rest of it is spelled.
fn checkpoint(request: &str) -> Note {
    let (_, note) = request.split_once("\n\n").unwrap();
    Note::parse(note.as_bytes()).unwrap()
}

/// Ours, asked the same; the statuses that the other one gave.
fn compared(recording: &Recording, deviations: Deviations) -> Vec<u16> {
    let log = VerifierKey::parse(&recording.log).unwrap();
    let mut last: Option<Checkpoint> = None;
    let mut seen = Vec::new();
    for exchange in &recording.exchanges {
        let theirs = match exchange.status {
            409 => (409, parse_size(exchange.body.as_bytes())),
            status => (status, None),
        };
        let expected = deviations.iter().find(|(what, _)| *what == exchange.what);
        let expected = expected.map_or(theirs, |(_, said)| *said);
        let ours = ours(exchange, &log, last.as_ref());
        assert_eq!(ours, expected, "{}", exchange.what);
        seen.push(theirs.0);
        if exchange.status == 200 {
            last = Some(Checkpoint::parse(checkpoint(&exchange.request).text()).unwrap());
        }
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

#[test]
fn our_witness_answers_as_foreign_ones_did() {
    let seen = compared(&litewitness(), OF_LITEWITNESS);
    assert_eq!(seen, [200, 400, 403, 404, 409, 422], "the whole table");
    let seen = compared(&omniwitness(), OF_OMNIWITNESS);
    assert_eq!(seen, [200, 400, 409, 422, 500]);
}

/// Reads every answer; how many lines were the witness's, and how many were of other keys.
fn understood(recording: &Recording) -> (usize, usize) {
    let log = VerifierKey::parse(&recording.log).unwrap();
    let witness = VerifierKey::parse(&recording.witness).unwrap();
    let (mut cosigned, mut others) = (0, 0);
    for exchange in &recording.exchanges {
        let received = Received {
            status: exchange.status,
            content_type: exchange.content_type.as_deref(),
            body: exchange.body.as_bytes(),
        };
        // None of the sizes that were asked from is one that it answered with.
        let asked = Asked {
            old_size: 1,
            size: 20,
            log_size: 20,
        };
        let answer = read_answer(&received, asked);
        match exchange.status {
            200 => {
                let note = checkpoint(&exchange.request);
                let origin = log.name().as_str();
                let mut signed = SignedCheckpoint::from_note(note, origin, &log).unwrap();
                let Answer::Cosigned(lines) = answer else {
                    panic!("{answer:?}");
                };
                for line in lines {
                    match signed.add_signature(line, &witness) {
                        Ok(()) => cosigned += 1,
                        Err(AddSignatureError::Verify(NoteVerifyError::NoKnownSignature)) => {
                            others += 1;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            409 => assert!(matches!(answer, Answer::Latest { .. }), "{answer:?}"),
            422 => assert_eq!(answer, Answer::Forked),
            500 => assert_eq!(answer, Answer::Later),
            _ => assert_eq!(answer, Answer::Refused),
        }
    }
    (cosigned, others)
}

#[test]
fn the_answers_of_foreign_witnesses_are_understood() {
    assert_eq!(understood(&litewitness()), (4, 0));
    // It has a second key, of ML-DSA-44, which is not ours to verify and in nobody's way.
    assert_eq!(understood(&omniwitness()), (4, 4));
}
