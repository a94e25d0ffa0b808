//! What a log says of itself: notes, checkpoints, proofs, keys, tiles.

use breakglass_tlog::{
    Checkpoint, Cosignature, EntriesPath, KeyName, Note, ProofBundle, SignedCheckpoint, SigningKey,
    TilePath, VerifierKey, encode_entries, leaf_hash, parse_entries,
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
