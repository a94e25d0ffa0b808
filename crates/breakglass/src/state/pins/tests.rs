use breakglass_tlog::{KeyName, SigningKey, leaf_hash, tree::root_of_leaves};

use super::*;

const NOW: Timestamp = Timestamp::EPOCH;

struct Log {
    key: SigningKey,
    leaves: Vec<Hash>,
}

impl Log {
    fn of(texts: &[&str]) -> Self {
        let name = KeyName::new("log.example").unwrap();
        Self {
            key: SigningKey::from_seed(name, &[7; 32]),
            leaves: texts.iter().map(|t| leaf_hash(t.as_bytes())).collect(),
        }
    }

    fn at(&self, size: usize) -> SignedCheckpoint {
        let origin = KeyName::new("log.example").unwrap();
        let root = root_of_leaves(&self.leaves[..size]);
        let checkpoint = Checkpoint::new(origin, size as u64, root).unwrap();
        SignedCheckpoint::sign(checkpoint, &self.key).unwrap()
    }
}

fn pins(dir: &tempfile::TempDir) -> Pins {
    Pins::in_dir(dir.path())
}

fn prove(pins: &Pins, shown: &SignedCheckpoint) -> Pinned {
    match pins.compare(shown, NOW).unwrap() {
        Step::Prove(base) => base,
        Step::Settled => panic!("nothing to prove"),
    }
}

fn forked(result: Result<impl std::fmt::Debug, PinError>) -> Fork {
    match result {
        Err(PinError::Fork(fork)) => *fork,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_checkpoint_is_pinned_and_a_proven_one_follows() {
    let dir = tempfile::tempdir().unwrap();
    let (pins, log) = (pins(&dir), Log::of(&["a", "b"]));
    assert_eq!(pins.compare(&log.at(1), NOW).unwrap(), Step::Settled);
    let base = prove(&pins, &log.at(2));
    assert_eq!(base.sizes(&log.at(2)), (1, 2));
    // From one leaf to two the proof is the second leaf.
    let proof = [leaf_hash(b"b")];
    assert!(pins.settle(&log.at(2), &base, Some(&proof), NOW).unwrap());
    assert_eq!(pins.checkpoint().unwrap().unwrap().checkpoint().size(), 2);
    // What is older and proven is believed, and the pin stays.
    let base = prove(&pins, &log.at(1));
    assert!(pins.settle(&log.at(1), &base, Some(&proof), NOW).unwrap());
    assert_eq!(pins.checkpoint().unwrap().unwrap().checkpoint().size(), 2);
}

#[test]
fn two_roots_of_one_size_are_a_fork_and_both_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let pins = pins(&dir);
    let (ours, theirs) = (Log::of(&["a", "b"]), Log::of(&["a", "c"]));
    pins.compare(&ours.at(2), NOW).unwrap();
    let fork = forked(pins.compare(&theirs.at(2), NOW));
    assert_eq!(fork.kind, ForkKind::Forked);
    let kept = fork
        .evidence
        .map(|path| std::fs::read_to_string(path).unwrap());
    assert_eq!(kept, [ours.at(2).to_text(), theirs.at(2).to_text()]);
    assert_eq!(
        pins.checkpoint().unwrap().unwrap().text(),
        ours.at(2).to_text()
    );
}

#[test]
fn a_longer_log_without_a_proof_is_a_fork_a_shorter_one_a_rollback() {
    let dir = tempfile::tempdir().unwrap();
    let pins = pins(&dir);
    let (ours, theirs) = (Log::of(&["a", "b"]), Log::of(&["x", "y", "z"]));
    pins.compare(&ours.at(2), NOW).unwrap();
    let base = prove(&pins, &theirs.at(3));
    let wrong = [leaf_hash(b"z")];
    let fork = forked(pins.settle(&theirs.at(3), &base, Some(&wrong), NOW));
    assert_eq!(fork.kind, ForkKind::Forked);
    let base = prove(&pins, &theirs.at(1));
    let fork = forked(pins.settle(&theirs.at(1), &base, None, NOW));
    assert_eq!(
        (fork.kind, fork.pinned, fork.shown),
        (ForkKind::RolledBack, 2, 1)
    );
}

#[test]
fn a_pin_that_moved_meanwhile_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (pins, log) = (pins(&dir), Log::of(&["a", "b", "c"]));
    pins.compare(&log.at(1), NOW).unwrap();
    let base = prove(&pins, &log.at(2));
    // Another process is faster and pins three entries.
    file::write_atomic(
        &dir.path().join("checkpoint"),
        log.at(3).to_text().as_bytes(),
    )
    .unwrap();
    let proof = [leaf_hash(b"b")];
    assert!(!pins.settle(&log.at(2), &base, Some(&proof), NOW).unwrap());
    assert_eq!(pins.checkpoint().unwrap().unwrap().checkpoint().size(), 3);
}

#[test]
fn an_authority_is_never_older_and_never_another() {
    let dir = tempfile::tempdir().unwrap();
    let pins = pins(&dir);
    let pin = |version, byte| AuthorityPin {
        version,
        digest: Digest::from_bytes([byte; 32]),
    };
    pins.see_authority(&[pin(1, 1), pin(2, 2)]).unwrap();
    pins.see_authority(&[pin(1, 1), pin(2, 2), pin(3, 3)])
        .unwrap();
    assert_eq!(pins.authority().unwrap(), Some(pin(3, 3)));
    assert!(matches!(
        pins.see_authority(&[pin(1, 1), pin(2, 2)]),
        Err(PinError::AuthorityRollback {
            pinned: 3,
            shown: 2
        })
    ));
    assert!(matches!(
        pins.see_authority(&[pin(1, 1), pin(2, 2), pin(3, 9), pin(4, 4)]),
        Err(PinError::AuthorityFork { version: 3, .. })
    ));
    assert_eq!(pins.authority().unwrap(), Some(pin(3, 3)));
}
