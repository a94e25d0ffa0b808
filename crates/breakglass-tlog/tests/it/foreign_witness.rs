//! What a witness of somebody else's answered, replayed: we understand it, and ours answers alike.
//!
//! `testdata/witness/litewitness-0.9.0.json` is what that program said, one request after another.
//! The program itself is asked by `cargo xtask interop`, in `breakglass/tests/it/interop`.

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, Note, SignedCheckpoint, VerifierKey,
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

/// Where it takes what the document says that it must not, with what ours says.
const DEVIATIONS: [(&str, u16); 2] = [
    // "The proof MUST be empty if the old size is zero."
    ("hashes where none may be", 422),
    // "Encoded as an ASCII decimal with no leading zeroes."
    ("a size with a sign", 400),
];

fn recording() -> Recording {
    let text = include_str!("../../testdata/witness/litewitness-0.9.0.json");
    serde_json::from_str(text).unwrap()
}

/// What our witness says, given what was cosigned last: the status, and the size of a 409.
fn ours(exchange: &Exchange, log: &VerifierKey, last: Option<&Checkpoint>) -> (u16, Option<u64>) {
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

#[test]
fn our_witness_answers_as_a_foreign_one_did() {
    let recording = recording();
    let log = VerifierKey::parse(&recording.log).unwrap();
    let mut last: Option<Checkpoint> = None;
    let mut seen = Vec::new();
    for exchange in &recording.exchanges {
        let theirs = match exchange.status {
            409 => (409, parse_size(exchange.body.as_bytes())),
            status => (status, None),
        };
        let expected = DEVIATIONS.iter().find(|(what, _)| *what == exchange.what);
        let expected = expected.map_or(theirs, |(_, status)| (*status, None));
        let ours = ours(exchange, &log, last.as_ref());
        assert_eq!(ours, expected, "{}", exchange.what);
        seen.push(theirs.0);
        if exchange.status == 200 {
            last = Some(Checkpoint::parse(checkpoint(&exchange.request).text()).unwrap());
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [200, 400, 403, 404, 409, 422], "the whole table");
}

#[test]
fn the_answers_of_a_foreign_witness_are_understood() {
    let recording = recording();
    let log = VerifierKey::parse(&recording.log).unwrap();
    let witness = VerifierKey::parse(&recording.witness).unwrap();
    let mut cosigned = 0;
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
                    signed.add_signature(line, &witness).unwrap();
                    cosigned += 1;
                }
            }
            409 => assert!(matches!(answer, Answer::Latest { .. }), "{answer:?}"),
            422 => assert_eq!(answer, Answer::Forked),
            _ => assert_eq!(answer, Answer::Refused),
        }
    }
    assert_eq!(cosigned, 4);
}
