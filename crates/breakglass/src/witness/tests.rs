use breakglass_tlog::{
    Checkpoint, KeyName, MemoryTiles, SigningKey, consistency_proof, root, witness::parse_size,
};

use super::*;

const ORIGIN: &str = "log.example/one";

fn log_key() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[1; 32])
}

fn cosigner() -> CosignerKey {
    CosignerKey::from_seed(KeyName::new("w.example/w1").unwrap(), &[2; 32])
}

fn open(dir: &Path) -> Result<Witness, KeepError> {
    Witness::open(dir, cosigner(), vec![log_key().verifier().clone()])
}

fn tiles(letter: u8, size: u64) -> MemoryTiles {
    let mut tiles = MemoryTiles::new();
    for number in 0..size {
        tiles.push_entry(&[letter, u8::try_from(number).unwrap()]);
    }
    tiles
}

fn request(letter: u8, old: u64, size: u64) -> Vec<u8> {
    let tiles = tiles(letter, size);
    let root = root(&tiles, size).unwrap();
    let tree = Checkpoint::new(KeyName::new(ORIGIN).unwrap(), size, root).unwrap();
    let signed = SignedCheckpoint::sign(tree, &log_key()).unwrap();
    let proof = match old {
        0 => Vec::new(),
        old => consistency_proof(&tiles, old, size).unwrap(),
    };
    AddCheckpoint::new(old, proof, &signed)
        .to_text()
        .into_bytes()
}

fn hash() -> String {
    keep::origin_hash(ORIGIN)
}

#[test]
fn what_is_cosigned_is_on_the_disk_and_the_next_process_goes_on_there() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    assert_eq!(witness.latest(&hash()), None);
    let reply = witness.add_checkpoint(&request(b'a', 0, 3), 7).unwrap();
    assert_eq!((reply.status, reply.alarm), (200, None));
    let latest = witness.latest(&hash()).unwrap();
    assert!(latest.ends_with(&reply.body), "{latest}");
    let path = dir
        .path()
        .join("logs")
        .join(format!("{}.checkpoint", hash()));
    assert_eq!(std::fs::read_to_string(path).unwrap(), latest);
    drop(witness);
    let witness = open(dir.path()).unwrap();
    assert_eq!(witness.latest(&hash()), Some(latest));
    let reply = witness.add_checkpoint(&request(b'a', 0, 5), 8).unwrap();
    assert_eq!(reply.status, 409);
    assert_eq!(parse_size(reply.body.as_bytes()), Some(3));
}

#[test]
fn the_same_tree_again_is_cosigned_anew_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    let first = witness.add_checkpoint(&request(b'a', 0, 3), 7).unwrap();
    let latest = witness.latest(&hash());
    let again = witness.add_checkpoint(&request(b'a', 3, 3), 9).unwrap();
    assert_eq!(again.status, 200);
    assert_ne!(again.body, first.body, "another time");
    assert_eq!(witness.latest(&hash()), latest);
}

#[test]
fn a_witness_that_cannot_keep_a_checkpoint_does_not_cosign_it() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    std::fs::remove_dir(dir.path().join("logs")).unwrap();
    let error = witness.add_checkpoint(&request(b'a', 0, 3), 7).unwrap_err();
    assert!(matches!(error, WitnessError::NotKept(_)), "{error}");
    assert_eq!(witness.latest(&hash()), None);
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    let reply = witness.add_checkpoint(&request(b'b', 0, 4), 8).unwrap();
    assert_eq!(reply.status, 200, "nothing else was ever cosigned");
}

#[test]
fn a_folder_is_one_witnesses_and_what_lies_in_it_is_what_it_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(KeepError::InUse { .. })));
    witness.add_checkpoint(&request(b'a', 0, 3), 7).unwrap();
    drop(witness);
    let other = CosignerKey::from_seed(KeyName::new("w.example/w1").unwrap(), &[3; 32]);
    let keys = vec![log_key().verifier().clone()];
    let foreign = Witness::open(dir.path(), other, keys);
    assert!(matches!(foreign, Err(KeepError::NotOurs { .. })));
    let path = dir
        .path()
        .join("logs")
        .join(format!("{}.checkpoint", hash()));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\n3\n", "\n2\n", 1)).unwrap();
    assert!(matches!(open(dir.path()), Err(KeepError::NotOurs { .. })));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(open(dir.path()), Err(KeepError::NotOurs { .. })));
}

#[test]
fn a_fork_is_refused_and_told_and_both_notes_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    witness.add_checkpoint(&request(b'a', 0, 3), 7).unwrap();
    for _ in 0..2 {
        let reply = witness.add_checkpoint(&request(b'b', 3, 3), 8).unwrap();
        assert_eq!(reply.status, 422);
        let alarm = reply.alarm.unwrap();
        assert!(alarm.starts_with("FORK: log.example/one"), "{alarm}");
    }
    let reply = witness.add_checkpoint(&request(b'b', 3, 5), 8).unwrap();
    assert_eq!(reply.status, 422);
    assert!(reply.alarm.unwrap().contains("not proven to continue"));
    let reply = witness.add_checkpoint(&request(b'b', 3, 5), 8).unwrap();
    assert_eq!((reply.status, reply.alarm), (422, None), "it was said");
    let evidence = dir.path().join("evidence").join(hash());
    let mut kept: Vec<_> = std::fs::read_dir(evidence)
        .unwrap()
        .map(|file| {
            let note = std::fs::read(file.unwrap().path()).unwrap();
            let opened = SignedCheckpoint::open(&note, ORIGIN, log_key().verifier());
            opened.unwrap().checkpoint().size()
        })
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, [3, 3, 5]);
}

#[test]
fn log_keys_are_read_from_lines_and_those_of_witnesses_are_none() {
    let log = log_key().verifier().to_string();
    let text = format!("# ours\n\n  {log}\t\n{log}\n");
    assert_eq!(
        parse_log_keys(&text).unwrap(),
        [log_key().verifier().clone()]
    );
    let witness = format!("{log}\n{}\n", cosigner().verifier());
    let error = parse_log_keys(&witness).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2: w.example/w1 is not the key of a log"
    );
    assert!(parse_log_keys("log.example").is_err());
}
