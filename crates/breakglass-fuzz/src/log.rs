//! What a log says of itself: notes, checkpoints, proofs, keys, tiles.

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, Cosignature, CosignerKey, EntriesPath, Hash, KeyName, Note, Policy,
    ProofBundle, SignedCheckpoint, SigningKey, TilePath, VerifierKey, encode_entries, leaf_hash,
    parse_entries,
    witness::{
        Asked, Received, SIZE_CONTENT_TYPE, cosignatures_to_text, decide, parse_cosignatures,
        parse_size, read_answer, size_to_text,
    },
};

use crate::Parser;

const ORIGIN: &str = "breakglass.example/log";

/// A note and a checkpoint are spelled in one way, and only what was signed verifies.
pub(crate) const NOTE: Parser = Parser {
    name: "note",
    holds: |bytes| {
        if let Ok(note) = Note::parse(bytes) {
            assert_eq!(note.to_text().as_bytes(), bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            assert_eq!(checkpoint.to_text(), text);
        }
        if let Ok(opened) = SignedCheckpoint::open(bytes, ORIGIN, key().verifier()) {
            assert_eq!(opened.checkpoint(), signed().checkpoint());
        }
        if let Ok(cosignature) = Cosignature::parse(bytes) {
            assert_eq!(cosignature.to_bytes(), bytes);
        }
    },
    corpus: || vec![signed().to_text().into_bytes()],
};

/// A proof is spelled in one way, and proves the one entry that there is.
pub(crate) const PROOF: Parser = Parser {
    name: "proof",
    holds: |bytes| {
        let Ok(bundle) = ProofBundle::parse(bytes) else {
            return;
        };
        assert_eq!(bundle.to_text().as_bytes(), bytes);
        if let Ok(verified) = bundle.verify(ENTRY, ORIGIN, key().verifier()) {
            assert_eq!(verified.index, 0);
            assert_eq!(verified.checkpoint.checkpoint(), signed().checkpoint());
        }
    },
    corpus: || {
        let bundle = ProofBundle::new(0, Vec::new(), &signed());
        let extra = bundle.clone().with_extra(b"extra".to_vec());
        vec![bundle.to_text().into_bytes(), extra.to_text().into_bytes()]
    },
};

/// A key is spelled in one way.
pub(crate) const KEY: Parser = Parser {
    name: "log-key",
    holds: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(key) = VerifierKey::parse(&text) {
            assert_eq!(key.to_string(), text);
        }
        if let Ok(key) = SigningKey::parse(&text) {
            assert_eq!(*key.to_text(), *text);
        }
    },
    corpus: || {
        let key = key();
        let public = key.verifier().to_string().into_bytes();
        vec![public, key.to_text().as_bytes().to_vec()]
    },
};

/// The path of a tile is spelled in one way, and so are the entries of a bundle.
pub(crate) const TILE: Parser = Parser {
    name: "tile",
    holds: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(path) = TilePath::parse(&text) {
            assert_eq!(path.to_string(), text);
        }
        if let Ok(path) = EntriesPath::parse(&text) {
            assert_eq!(path.to_string(), text);
        }
        for width in [1, 3, 256] {
            if let Ok(entries) = parse_entries(bytes, width) {
                assert_eq!(encode_entries(&entries).unwrap(), bytes);
            }
        }
    },
    corpus: || {
        let bundle = encode_entries(&[ENTRY, b"", b"third"]).unwrap();
        let paths = [
            "tile/0/x001/x234/067.p/12",
            "tile/entries/x001/234",
            "tile/2/000",
        ];
        let paths = paths.map(|path| path.as_bytes().to_vec());
        paths.into_iter().chain([bundle]).collect()
    },
};

/// A request to a witness is spelled in one way, and only what the log signed is cosigned.
pub(crate) const ADD_CHECKPOINT: Parser = Parser {
    name: "add-checkpoint",
    holds: |bytes| {
        let Ok(request) = AddCheckpoint::parse(bytes) else {
            return;
        };
        assert_eq!(request.to_text().as_bytes(), bytes);
        let keys = [key().verifier().clone()];
        let other = Checkpoint::new(name(), 1, leaf_hash(b"another")).unwrap();
        for last in [None, Some(signed().checkpoint()), Some(&other)] {
            let decision = decide(&request, &keys, last);
            if let Ok(cosigned) = decision.outcome {
                assert_eq!(cosigned, signed());
                assert_ne!(last, Some(&other), "a fork is never cosigned");
            }
            if let Some(suspicion) = decision.suspicion {
                assert_eq!(suspicion.checkpoint(), &signed(), "nobody else is accused");
            }
        }
    },
    corpus: || {
        let proof = vec![Hash::from_bytes([7; 32]), leaf_hash(ENTRY)];
        let requests = [
            AddCheckpoint::new(0, Vec::new(), &signed()),
            AddCheckpoint::new(1, Vec::new(), &signed()),
            AddCheckpoint::new(1, proof, &signed()),
        ];
        requests
            .map(|request| request.to_text().into_bytes())
            .to_vec()
    },
};

/// A witness's answer is lines that are spelled in one way, and no answer to a log of one entry
/// tells of a smaller log.
pub(crate) const ANSWER: Parser = Parser {
    name: "witness-answer",
    holds: |bytes| {
        if let Ok(lines) = parse_cosignatures(bytes) {
            assert_eq!(cosignatures_to_text(&lines).as_bytes(), bytes);
        }
        if let Some(size) = parse_size(bytes) {
            assert_eq!(size_to_text(size).as_bytes(), bytes);
        }
        let asked = Asked {
            old_size: 0,
            size: 1,
            log_size: 1,
        };
        for status in [200, 403, 404, 409, 422, 429] {
            for content_type in [None, Some(SIZE_CONTENT_TYPE)] {
                let received = Received {
                    status,
                    content_type,
                    body: bytes,
                };
                let _ = read_answer(&received, asked);
            }
        }
    },
    corpus: || {
        let witness = CosignerKey::from_seed(KeyName::new("w.example").unwrap(), &[2; 32]);
        let line = witness.cosign(signed().checkpoint(), 7).unwrap();
        let lines = cosignatures_to_text(&[line.clone(), line]);
        vec![lines.into_bytes(), b"1234567\n".to_vec()]
    },
};

/// A policy means the same when it is written down again, and a quorum is never met by nobody.
pub(crate) const POLICY: Parser = Parser {
    name: "policy",
    holds: |bytes| {
        let Ok(policy) = Policy::parse(bytes) else {
            return;
        };
        assert_eq!(Policy::parse(&policy.to_bytes()).as_ref(), Ok(&policy));
        assert!(policy.is_met(|_| true), "everybody is enough");
        assert_eq!(policy.is_met(|_| false), !policy.needs_witnesses());
    },
    corpus: || vec![policy().into_bytes()],
};

/// Two groups within a group.
fn policy() -> String {
    let mut file = format!("# ours\nlog {} https://log.example\n\n", key().verifier());
    for number in 1..=5_u8 {
        let key = CosignerKey::from_seed(KeyName::new("w.example").unwrap(), &[number + 1; 32]);
        file += &format!("witness w{number}\t{}\n", key.verifier());
    }
    file + "group a 2 w1 w2 w3\ngroup b any w4\ngroup c all a b\nquorum c\n"
}

const ENTRY: &[u8] = b"the only entry";

fn key() -> SigningKey {
    SigningKey::from_seed(name(), &[1; 32])
}

fn name() -> KeyName {
    KeyName::new(ORIGIN).unwrap()
}

fn signed() -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(name(), 1, leaf_hash(ENTRY)).unwrap();
    SignedCheckpoint::sign(checkpoint, &key()).unwrap()
}
