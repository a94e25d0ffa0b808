//! Changed and arbitrary bytes: no parser panics, what parses is spelled in one way only, and a
//! changed proof fails or means the same.

use std::num::NonZeroU64;

use breakglass_tlog::{
    AddCheckpoint, Checkpoint, CosignerKey, EntriesPath, Hash, KeyName, MemoryTiles, Note,
    NoteSignature, Policy, ProofBundle, SignedCheckpoint, SigningKey, TilePath, VerifierKey,
    consistency_proof, inclusion_proof, parse_entries, root, verify_consistency, verify_inclusion,
    witness::{cosignatures_to_text, decide, parse_cosignatures, parse_size, size_to_text},
};
use proptest::prelude::*;

use crate::recursive::{leaf, leaves};

const ORIGIN: &str = "breakglass.example/log";
const ENTRY: &[u8] = b"entry";
const INDEX: u64 = 4;
const SIZE: u64 = 11;

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn log_key() -> SigningKey {
    SigningKey::from_seed(name(ORIGIN), &[1; 32])
}

fn witness() -> CosignerKey {
    CosignerKey::from_seed(name("witness.example"), &[2; 32])
}

/// A log with one entry of bytes among others, its checkpoint signed by log, witness and stranger.
fn bundle() -> ProofBundle {
    let mut tiles = MemoryTiles::new();
    for number in 0..SIZE {
        if number == INDEX {
            tiles.push_entry(ENTRY);
        } else {
            tiles.push(leaf(number));
        }
    }
    let checkpoint = Checkpoint::new(name(ORIGIN), SIZE, root(&tiles, SIZE).unwrap()).unwrap();
    let stranger = SigningKey::from_seed(name("stranger.example"), &[3; 32]);
    let line = stranger.sign(&checkpoint.to_text());
    let cosignature = witness().cosign(&checkpoint, 1_700_000_000).unwrap();
    let mut signed = SignedCheckpoint::sign(checkpoint, &log_key()).unwrap();
    signed
        .add_signature(cosignature, witness().verifier())
        .unwrap();
    signed.add_signature(line, stranger.verifier()).unwrap();
    ProofBundle::new(
        INDEX,
        inclusion_proof(&tiles, INDEX, SIZE).unwrap(),
        &signed,
    )
    .with_extra(b"extra".to_vec())
}

/// The same proof with one bit of one hash flipped, for each bit.
fn flipped_at(proof: &[Hash], place: usize) -> impl Iterator<Item = Vec<Hash>> {
    flips(proof[place].as_bytes()).map(move |bytes| {
        let mut changed = proof.to_vec();
        changed[place] = Hash::try_from(bytes.as_slice()).unwrap();
        changed
    })
}

/// The same bytes with one bit flipped, for each bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

/// What a proof says to someone who trusts the log: which index, of what tree.
fn meaning(bytes: &[u8]) -> Option<(u64, Checkpoint)> {
    let bundle = ProofBundle::parse(bytes).ok()?;
    assert_eq!(bundle.to_text().as_bytes(), bytes, "one spelling only");
    let verified = bundle.verify(ENTRY, ORIGIN, log_key().verifier()).ok()?;
    Some((verified.index, verified.checkpoint.checkpoint().clone()))
}

#[test]
fn a_flipped_bit_in_a_proof_bundle_fails_or_changes_nothing() {
    let text = bundle().to_text();
    let whole = meaning(text.as_bytes());
    assert_eq!(whole.as_ref().map(|(index, _)| *index), Some(INDEX));
    let unchanged = flips(text.as_bytes()).filter(|flipped| {
        let found = meaning(flipped);
        assert!(found.is_none() || found == whole);
        found.is_some()
    });
    // In the extra data and in the lines of keys the verifier does not know, and nowhere else.
    assert!(unchanged.count() > 0);
}

#[test]
fn a_flipped_bit_in_a_note_fails_or_changes_nothing() {
    let text = bundle().checkpoint().to_text();
    let (log, witness) = (log_key(), witness());
    let known = [log.verifier(), witness.verifier()];
    let verdict = |bytes: &[u8]| {
        let note = Note::parse(bytes).ok()?;
        assert_eq!(note.to_text().as_bytes(), bytes, "one spelling only");
        let verified = note.verify(&known).ok()?;
        Some((note.text().to_owned(), verified))
    };
    let (whole_text, whole_verified) = verdict(text.as_bytes()).unwrap();
    assert_eq!(whole_verified.len(), 2);
    for flipped in flips(text.as_bytes()) {
        if let Some((text, verified)) = verdict(&flipped) {
            // A flip in a name or ID makes a stranger of that key; the other still counts.
            assert_eq!(text, whole_text);
            assert!(
                verified
                    .iter()
                    .all(|signature| whole_verified.contains(signature))
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_a_verifier_key_fails() {
    let vkey = log_key().verifier().to_string();
    for flipped in flips(vkey.as_bytes()) {
        let Ok(text) = String::from_utf8(flipped) else {
            continue;
        };
        assert!(VerifierKey::parse(&text).is_err(), "{text}");
    }
}

/// What a witness with this log's key, which cosigned the tree of [`OLD`] last, would cosign.
fn cosigned(bytes: &[u8]) -> Option<SignedCheckpoint> {
    let request = AddCheckpoint::parse(bytes).ok()?;
    assert_eq!(request.to_text().as_bytes(), bytes, "one spelling only");
    let keys = [log_key().verifier().clone()];
    decide(&request, &keys, Some(&last())).outcome.ok()
}

const OLD: u64 = 3;

fn last() -> Checkpoint {
    let tiles: MemoryTiles = leaves(OLD).into_iter().collect();
    Checkpoint::new(name(ORIGIN), OLD, root(&tiles, OLD).unwrap()).unwrap()
}

/// From [`OLD`] to [`SIZE`], with the line of a stranger under the log's name.
fn request() -> String {
    let tiles: MemoryTiles = leaves(SIZE).into_iter().collect();
    let new = Checkpoint::new(name(ORIGIN), SIZE, root(&tiles, SIZE).unwrap()).unwrap();
    let stranger = SigningKey::from_seed(name(ORIGIN), &[3; 32]);
    let line = stranger.sign(&new.to_text());
    let mut new = SignedCheckpoint::sign(new, &log_key()).unwrap();
    new.add_signature(line, stranger.verifier()).unwrap();
    let proof = consistency_proof(&tiles, OLD, SIZE).unwrap();
    AddCheckpoint::new(OLD, proof, &new).to_text()
}

#[test]
fn a_flipped_bit_in_a_request_fails_or_changes_nothing() {
    let text = request();
    let whole = cosigned(text.as_bytes()).unwrap();
    assert_eq!(whole.checkpoint().size(), SIZE);
    let mut refused = 0;
    for flipped in flips(text.as_bytes()) {
        match cosigned(&flipped) {
            // In the line of the stranger, which is not cosigned.
            Some(found) => assert_eq!(found, whole),
            None => refused += 1,
        }
    }
    assert!(refused > 3_500, "{refused}");
}

#[test]
fn a_flipped_bit_in_a_policy_never_makes_less_of_it_enough() {
    let mut file = String::new();
    for number in 1..=3_u8 {
        let key = CosignerKey::from_seed(name("witness.example"), &[number; 32]);
        file += &format!("witness w{number} {}\n", key.verifier());
    }
    file += "group g all w1 w2\nquorum g\n";
    let whole = Policy::parse(file.as_bytes()).unwrap();
    for flipped in flips(file.as_bytes()) {
        let Ok(policy) = Policy::parse(&flipped) else {
            continue;
        };
        assert_eq!(Policy::parse(&policy.to_bytes()).as_ref(), Ok(&policy));
        for alone in policy.witnesses() {
            assert!(!policy.is_met(|witness| witness == alone));
        }
        // No flip turns a key into another: its ID would not fit.
        assert!(policy.witnesses().iter().all(|w| {
            let mut known = whole.witnesses().iter();
            known.any(|known| known.key() == w.key())
        }));
    }
}

#[test]
fn a_flipped_bit_in_a_proof_fails() {
    let tiles: MemoryTiles = leaves(SIZE).into_iter().collect();
    let new_root = root(&tiles, SIZE).unwrap();
    let found = inclusion_proof(&tiles, INDEX, SIZE).unwrap();
    for place in 0..found.len() {
        for changed in flipped_at(&found, place) {
            let verdict = verify_inclusion(&leaf(INDEX), INDEX, SIZE, &changed, &new_root);
            assert!(verdict.is_err());
        }
    }
    for old in 1..SIZE {
        let found = consistency_proof(&tiles, old, SIZE).unwrap();
        let (old_root, old) = (root(&tiles, old).unwrap(), NonZeroU64::new(old).unwrap());
        for place in 0..found.len() {
            for changed in flipped_at(&found, place) {
                let verdict = verify_consistency(old, SIZE, &changed, &old_root, &new_root);
                assert!(verdict.is_err());
            }
        }
    }
}

/// What the formats are made of.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\n\n",
    b" ",
    b"+",
    b"=",
    b"/",
    b"0",
    b"1",
    b"18446744073709551615",
    b"x001/",
    b"000",
    b".p/",
    b"tile/",
    b"entries/",
    b"c2sp.org/tlog-proof@v1\n",
    b"extra ",
    b"index ",
    b"AAAAAAA=",
    b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    b"PRIVATE+KEY+",
    "\u{2014} ".as_bytes(),
    b"breakglass.example/log",
    b"old ",
    b"witness w ",
    b"group g any w",
    b"quorum none\n",
    b"# ",
    b"\t",
    b"\xe2",
    b"\x00",
];

/// Text of these pieces, so that more than the first check of a parser is reached.
fn piecewise() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

/// Gives bytes to every parser; what one accepts must be spelled as it would write it.
fn parse_everything(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(note) = Note::parse(bytes) {
        prop_assert!(note.to_text().as_bytes() == bytes);
    }
    if let Ok(bundle) = ProofBundle::parse(bytes) {
        prop_assert!(bundle.to_text().as_bytes() == bytes);
    }
    for width in [1, 2, 256] {
        let _ = parse_entries(bytes, width);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        prop_assert!(request.to_text().as_bytes() == bytes);
    }
    if let Ok(policy) = Policy::parse(bytes) {
        prop_assert!(Policy::parse(&policy.to_bytes()) == Ok(policy));
    }
    if let Ok(lines) = parse_cosignatures(bytes) {
        prop_assert!(cosignatures_to_text(&lines).as_bytes() == bytes);
    }
    prop_assert!(parse_size(bytes).is_none_or(|size| size_to_text(size).as_bytes() == bytes));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(());
    };
    prop_assert!(!Checkpoint::parse(text).is_ok_and(|c| c.to_text() != text));
    prop_assert!(!TilePath::parse(text).is_ok_and(|path| path.path() != text));
    prop_assert!(!EntriesPath::parse(text).is_ok_and(|path| path.path() != text));
    prop_assert!(!VerifierKey::parse(text).is_ok_and(|key| key.to_string() != text));
    prop_assert!(!NoteSignature::parse_line(text).is_ok_and(|line| line.line() != text));
    prop_assert!(!Hash::from_base64(text).is_ok_and(|hash| hash.to_base64() != text));
    prop_assert!(!SigningKey::parse(text).is_ok_and(|key| *key.to_text() != text));
    prop_assert!(!CosignerKey::parse(text).is_ok_and(|key| *key.to_text() != text));
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_panic_no_parser(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_everything(&bytes)?;
    }

    #[test]
    fn pieces_of_the_formats_panic_no_parser(bytes in piecewise()) {
        parse_everything(&bytes)?;
    }

    #[test]
    fn a_proof_bundle_with_bytes_replaced_fails_or_means_the_same(
        start in 0usize..1000,
        removed in 0usize..40,
        inserted in piecewise(),
    ) {
        let mut text = bundle().to_text().into_bytes();
        let whole = meaning(&text);
        let start = start.min(text.len());
        let end = (start + removed).min(text.len());
        text.splice(start..end, inserted);
        let found = meaning(&text);
        prop_assert!(found.is_none() || found == whole);
    }

    #[test]
    fn a_request_with_bytes_replaced_fails_or_asks_the_same(
        start in 0usize..1000,
        removed in 0usize..40,
        inserted in piecewise(),
    ) {
        let mut text = request().into_bytes();
        let whole = cosigned(&text);
        let start = start.min(text.len());
        let end = (start + removed).min(text.len());
        text.splice(start..end, inserted);
        let found = cosigned(&text);
        prop_assert!(found.is_none() || found == whole);
    }

    #[test]
    fn proofs_of_random_hashes_fail(
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        index in any::<u64>(),
        size in any::<u64>(),
        old in 1u64..,
    ) {
        let proof: Vec<_> = hashes.into_iter().map(Hash::from_bytes).collect();
        let (one, two) = (leaf(1), leaf(2));
        prop_assert!(verify_inclusion(&one, index, size, &proof, &two).is_err());
        let old = NonZeroU64::new(old).unwrap();
        prop_assert!(verify_consistency(old, size, &proof, &one, &two).is_err());
    }

    #[test]
    fn paths_round_trip(level in 0u8..64, index in any::<u64>(), width in 1u16..=256) {
        let tile = TilePath::new(level, index, width).unwrap();
        prop_assert_eq!(TilePath::parse(&tile.path()), Ok(tile));
        let entries = EntriesPath::new(index, width).unwrap();
        prop_assert_eq!(EntriesPath::parse(&entries.path()), Ok(entries));
    }
}
