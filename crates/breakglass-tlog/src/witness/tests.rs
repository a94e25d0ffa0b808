use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::CosignerKey;
use crate::hash::{EMPTY_ROOT, leaf_hash};
use crate::note::{NoteVerifyError, SigningKey, VerifierKey, tests::ml_dsa_line};
use crate::tile::{MemoryTiles, consistency_proof, root};

const ORIGIN: &str = "breakglass.example/log";
/// The request that `docs/spec/log.md` shows.
const VECTOR: &str = "old 1
V+s1YV1H807HFMrN9f10YIpejhAnJOgLJLKHwMJ7ajE=
WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg=

breakglass.example/log
3
NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=

— breakglass.example/log hEUaMlQvHdQHnwdcGJjRFbvSACG00GfHroik6eGA37YexncNoWu+mpuUFJSE2JxyLg+ttHJ41XOsO3KiJ9S4qdNXbQ4=
";

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn log_key() -> SigningKey {
    let seed = std::array::from_fn(|place| u8::try_from(place).unwrap());
    SigningKey::from_seed(name(ORIGIN), &seed)
}

fn keys() -> Vec<VerifierKey> {
    vec![log_key().verifier().clone()]
}

/// The tree of so many entries; another letter, another tree.
fn tiles(letter: u8, size: u64) -> MemoryTiles {
    let mut tiles = MemoryTiles::new();
    for number in 0..size {
        tiles.push_entry(&[letter, u8::try_from(number).unwrap()]);
    }
    tiles
}

fn tree(letter: u8, size: u64) -> Checkpoint {
    let root = root(&tiles(letter, size), size).unwrap();
    Checkpoint::new(name(ORIGIN), size, root).unwrap()
}

fn signed(letter: u8, size: u64) -> SignedCheckpoint {
    SignedCheckpoint::sign(tree(letter, size), &log_key()).unwrap()
}

fn request(letter: u8, old: u64, size: u64) -> AddCheckpoint {
    let proof = match old {
        0 => Vec::new(),
        old if old > size => Vec::new(),
        old => consistency_proof(&tiles(letter, size), old, size).unwrap(),
    };
    AddCheckpoint::new(old, proof, &signed(letter, size))
}

/// The status of the answer, 200 included.
fn status(request: &AddCheckpoint, last: Option<&Checkpoint>) -> u16 {
    let decision = decide(request, &keys(), last);
    decision
        .outcome
        .map_or_else(|refusal| refusal.status(), |_| 200)
}

#[test]
fn the_request_vector_is_reproduced_and_granted() {
    let mut tiles = MemoryTiles::new();
    for entry in [b"a", b"b", b"c"] {
        tiles.push_entry(entry);
    }
    let new = Checkpoint::new(name(ORIGIN), 3, root(&tiles, 3).unwrap()).unwrap();
    let new = SignedCheckpoint::sign(new, &log_key()).unwrap();
    let request = AddCheckpoint::new(1, consistency_proof(&tiles, 1, 3).unwrap(), &new);
    assert_eq!(request.to_text(), VECTOR);
    assert_eq!(AddCheckpoint::parse(VECTOR.as_bytes()), Ok(request.clone()));
    let last = Checkpoint::new(name(ORIGIN), 1, leaf_hash(b"a")).unwrap();
    assert_eq!(decide(&request, &keys(), Some(&last)).outcome, Ok(new));
}

#[test]
fn the_table_of_answers_is_kept() {
    let one = tree(b'a', 1);
    let five = tree(b'a', 5);
    let other = tree(b'b', 5);
    // The first, a later one, the same again.
    assert_eq!(status(&request(b'a', 0, 5), None), 200);
    assert_eq!(status(&request(b'a', 1, 5), Some(&one)), 200);
    assert_eq!(status(&request(b'a', 5, 5), Some(&five)), 200);
    // Nobody's log, nobody's signature.
    let request = |old, size| super::tests::request(b'a', old, size);
    assert_eq!(
        decide(&request(0, 5), &[], None)
            .outcome
            .unwrap_err()
            .status(),
        404
    );
    let stranger = SigningKey::from_seed(name(ORIGIN), &[9; 32]);
    let by_stranger = |key: &SigningKey| {
        let refused = decide(&request(0, 5), &[key.verifier().clone()], None).outcome;
        refused.unwrap_err()
    };
    assert_eq!(
        by_stranger(&stranger),
        Refusal::Signature(NoteVerifyError::NoKnownSignature)
    );
    assert_eq!(by_stranger(&stranger).status(), 403);
    // The old size: beyond the new one, and not the last one.
    assert_eq!(status(&request(6, 5), Some(&five)), 400);
    for (old, latest) in [(0, 5), (1, 5), (4, 5)] {
        let refused = decide(&request(old, 5), &keys(), Some(&five)).outcome;
        assert_eq!(refused, Err(Refusal::Conflict { latest }));
    }
    assert_eq!(status(&request(1, 5), None), 409);
    // The proof: of another tree, one too long, one where none may be, another root.
    assert_eq!(status(&request(5, 9), Some(&other)), 422);
    assert_eq!(status(&request(5, 5), Some(&other)), 422);
    let superfluous = AddCheckpoint::new(0, vec![EMPTY_ROOT], &signed(b'a', 5));
    assert_eq!(status(&superfluous, None), 422);
    let superfluous = AddCheckpoint::new(5, vec![EMPTY_ROOT], &signed(b'a', 5));
    assert_eq!(status(&superfluous, Some(&five)), 422);
}

#[test]
fn a_tree_of_no_leaves_has_one_root() {
    assert_eq!(status(&request(b'a', 0, 0), None), 200);
    let last = tree(b'a', 0);
    assert_eq!(status(&request(b'a', 0, 5), Some(&last)), 200);
    let text = format!("{ORIGIN}\n0\n{}\n", leaf_hash(b"a").to_base64());
    let line = log_key().sign(&text).line();
    let body = format!("old 0\n\n{text}\n{line}\n");
    let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
    assert_eq!(status(&request, None), 422);
    assert_eq!(request.to_text(), body);
}

#[test]
fn a_409_tells_the_size_in_the_content_type_for_it() {
    let five = tree(b'a', 5);
    let refused = decide(&request(b'a', 0, 7), &keys(), Some(&five)).outcome;
    let body = refused.unwrap_err().body();
    assert_eq!(body, ("text/x.tlog.size", "5\n".to_owned()));
    assert_eq!(parse_size(b"5\n"), Some(5));
    for bad in [&b"5"[..], b"05\n", b"5\n\n", b" 5\n", b"", b"\n", b"-1\n"] {
        assert_eq!(parse_size(bad), None);
    }
}

#[test]
fn a_fork_is_seen_whatever_the_answer_is() {
    let five = tree(b'a', 5);
    let forked = |old| decide(&request(b'b', old, 5), &keys(), Some(&five)).suspicion;
    for old in [0, 3, 5] {
        assert_eq!(forked(old), Some(Suspicion::Forked(signed(b'b', 5))));
    }
    let unproven = decide(&request(b'b', 5, 9), &keys(), Some(&five)).suspicion;
    assert_eq!(unproven, Some(Suspicion::Unproven(signed(b'b', 9))));
    // What nobody signed is no evidence, and neither is what cannot be compared.
    let stranger = SigningKey::from_seed(name(ORIGIN), &[9; 32]);
    let unsigned = decide(
        &request(b'b', 5, 5),
        &[stranger.verifier().clone()],
        Some(&five),
    );
    assert_eq!(unsigned.suspicion, None);
    for request in [
        request(b'b', 0, 9),
        request(b'a', 5, 5),
        request(b'b', 0, 4),
    ] {
        assert_eq!(decide(&request, &keys(), Some(&five)).suspicion, None);
    }
}

#[test]
fn a_log_that_changes_its_key_is_believed_by_either_and_voided_by_a_wrong_line() {
    let old = SigningKey::from_seed(name(ORIGIN), &[7; 32]);
    let both = [old.verifier().clone(), log_key().verifier().clone()];
    let mut checkpoint = signed(b'a', 5);
    let line = old.sign(checkpoint.note().text());
    checkpoint.add_signature(line, old.verifier()).unwrap();
    let request = AddCheckpoint::new(0, Vec::new(), &checkpoint);
    assert_eq!(decide(&request, &both, None).outcome, Ok(checkpoint));
    assert_eq!(
        decide(&request, &keys(), None).outcome,
        Ok(signed(b'a', 5)),
        "the line of an unknown key is not kept"
    );
    let repeated = format!("{}{}\n", super::tests::request(b'a', 0, 5).to_text(), {
        let line = log_key().sign(signed(b'a', 5).note().text());
        line.line()
    });
    let request = AddCheckpoint::parse(repeated.as_bytes()).unwrap();
    assert_eq!(
        decide(&request, &keys(), None).outcome,
        Ok(signed(b'a', 5)),
        "who signs twice counts once"
    );
    let wrong = old.sign("something else\n").line();
    let body = format!("{}{wrong}\n", super::tests::request(b'a', 0, 5).to_text());
    let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
    let refused = decide(&request, &both, None).outcome.unwrap_err();
    assert_eq!(refused.status(), 403);
}

#[test]
fn a_request_has_the_lines_of_its_log_and_no_others() {
    let mut checkpoint = signed(b'a', 5);
    let plain = checkpoint.to_text();
    let witness = CosignerKey::from_seed(name("w.example"), &[3; 32]);
    let line = witness.cosign(checkpoint.checkpoint(), 1).unwrap();
    checkpoint.add_signature(line, witness.verifier()).unwrap();
    let request = AddCheckpoint::new(0, Vec::new(), &checkpoint);
    assert_eq!(request.to_text(), format!("old 0\n\n{plain}"));
}

#[test]
fn a_malformed_request_is_refused() {
    let parse = |text: &str| AddCheckpoint::parse(text.as_bytes());
    for old in [
        "old 01", "old", "old ", "old  1", "Old 1", "old -1", "old 1 ",
    ] {
        let text = VECTOR.replacen("old 1", old, 1);
        assert_eq!(parse(&text), Err(AddCheckpointError::OldSize), "{old}");
    }
    assert_eq!(parse(""), Err(AddCheckpointError::NoSeparator));
    assert_eq!(parse("old 1\n"), Err(AddCheckpointError::NoSeparator));
    let hash = format!("{}\n", EMPTY_ROOT.to_base64());
    let many = |count| VECTOR.replacen("old 1\n", &format!("old 1\n{}", hash.repeat(count)), 1);
    assert!(parse(&many(61)).is_ok());
    assert_eq!(
        parse(&many(62)),
        Err(AddCheckpointError::TooManyHashes { got: 64 })
    );
    let short = VECTOR.replacen("V+s1", "V+s", 1);
    assert!(matches!(
        parse(&short),
        Err(AddCheckpointError::Hash { place: 1, .. })
    ));
    let extended = VECTOR.replacen("wCHsE=\n", "wCHsE=\nextension\n", 1);
    assert!(matches!(
        parse(&extended),
        Err(AddCheckpointError::Checkpoint(CheckpointError::Lines {
            got: 4
        }))
    ));
    let huge = VECTOR.replacen("\n3\n", "\n9223372036854775808\n", 1);
    assert!(matches!(
        parse(&huge),
        Err(AddCheckpointError::Checkpoint(CheckpointError::Size { .. }))
    ));
    let unsigned = VECTOR.split_inclusive('\n').take(7).collect::<String>();
    assert!(matches!(parse(&unsigned), Err(AddCheckpointError::Note(_))));
    let long = format!("{VECTOR}{}", " ".repeat(MAX_REQUEST_LEN));
    assert!(matches!(
        parse(&long),
        Err(AddCheckpointError::TooLong { .. })
    ));
}

fn answer(status: u16, content_type: Option<&str>, body: &str) -> Answer {
    let received = Received {
        status,
        content_type,
        body: body.as_bytes(),
    };
    let asked = Asked {
        old_size: 5,
        size: 9,
        log_size: 12,
    };
    read_answer(&received, asked)
}

#[test]
fn answers_are_read_as_they_are_meant() {
    let size = Some(SIZE_CONTENT_TYPE);
    assert_eq!(answer(409, size, "7\n"), Answer::Latest { size: 7 });
    assert_eq!(answer(409, size, "0\n"), Answer::Latest { size: 0 });
    let parameter = Some("Text/X.tlog.size; charset=utf-8");
    assert_eq!(answer(409, parameter, "12\n"), Answer::Latest { size: 12 });
    assert_eq!(answer(409, size, "13\n"), Answer::RolledBack { size: 13 });
    // It said that it has what it was asked from.
    assert_eq!(answer(409, size, "5\n"), Answer::Malformed);
    assert_eq!(answer(409, size, "five\n"), Answer::Malformed);
    // Without the content type it is no size, whatever it looks like.
    assert_eq!(answer(409, Some("text/plain"), "7\n"), Answer::Malformed);
    assert_eq!(answer(409, None, "13\n"), Answer::Malformed);
    assert_eq!(answer(409, None, ""), Answer::Forked);
    assert_eq!(answer(409, Some("text/plain"), "\n"), Answer::Forked);
    assert_eq!(
        answer(422, None, "the proof does not hold\n"),
        Answer::Forked
    );
    for status in [400, 403, 404, 413] {
        assert_eq!(answer(status, None, ""), Answer::Refused);
    }
    for status in [429, 500, 502, 503] {
        assert_eq!(answer(status, None, ""), Answer::Later);
    }
    for status in [100, 204, 301, 302, 418] {
        assert_eq!(answer(status, None, ""), Answer::Malformed);
    }
    let same = Asked {
        old_size: 9,
        size: 9,
        log_size: 9,
    };
    let received = Received {
        status: 409,
        content_type: size,
        body: b"9\n",
    };
    assert_eq!(read_answer(&received, same), Answer::Forked);
}

#[test]
fn an_answer_may_hold_lines_of_types_that_are_not_ours() {
    let lines = ml_dsa_line("witness.example/w1") + &ml_dsa_line("witness.example/w1");
    let Answer::Cosigned(read) = answer(200, None, &lines) else {
        panic!("it is an answer");
    };
    assert_eq!(cosignatures_to_text(&read), lines);
}

#[test]
fn an_answer_is_one_or_more_signature_lines() {
    let witness = CosignerKey::from_seed(name("w.example"), &[3; 32]);
    let line = witness.cosign(&tree(b'a', 5), 1).unwrap();
    let text = cosignatures_to_text(&[line.clone(), line.clone()]);
    assert_eq!(
        answer(200, None, &text),
        Answer::Cosigned(vec![line.clone(), line])
    );
    for body in ["", "\n", "— w.example AAAA", "no line\n", "\n\n"] {
        assert_eq!(answer(200, None, body), Answer::Malformed, "{body:?}");
    }
    assert_eq!(
        parse_cosignatures("x\n".repeat(101).as_bytes()),
        Err(CosignaturesError::Count { got: 101 })
    );
}
