//! Every way to change a folder: a bit, a file less, a file more, a file elsewhere.

use breakglass_verify::{Folder, Options, Outcome, check};

use crate::{scribe::codes, story};

/// Files up to this size are tried at more places.
const SMALL: usize = 4 * 1024;

fn sample() -> (Folder, Options) {
    let log = story::whole().log;
    (log.folder(), log.pinned())
}

/// Where to flip bits in a file of so many bytes. Every file has its beginning, its end and places
/// spread over it; steps are prime, so that different files are tried at different columns.
///
/// `BREAKGLASS_EVERY_BIT=1` tries every byte of small files, which takes minutes.
fn places(length: usize, number: usize) -> Vec<usize> {
    let every = std::env::var_os("BREAKGLASS_EVERY_BIT").is_some();
    let step = match (length <= SMALL, every) {
        (true, true) => 1,
        (false, true) => 37,
        (true, false) => 131,
        (false, false) => 3_001,
    };
    let spread = (number % step..length).step_by(step);
    let mut places: Vec<usize> = spread.chain([0, length / 2, length - 1]).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn no_bit_can_be_changed_unseen() {
    let (folder, options) = sample();
    let mut tried = 0;
    for (number, (path, bytes)) in folder.iter().enumerate() {
        for at in places(bytes.len(), number) {
            for bit in [0x01, 0x80] {
                let mut changed = folder.clone();
                let mut bytes = bytes.to_vec();
                bytes[at] ^= bit;
                changed.insert(path, bytes);
                let verdict = check(&changed, &options);
                assert_eq!(
                    verdict.outcome,
                    Outcome::Tampered,
                    "{path} at {at} bit {bit:#x}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn no_file_can_be_taken_away_unseen() {
    let (folder, options) = sample();
    for (path, _) in folder.iter() {
        let mut without = folder.clone();
        without.remove(path);
        let verdict = check(&without, &options);
        if path.starts_with("blobs/") {
            assert_eq!(verdict.outcome, Outcome::CannotTell, "{path}");
            assert_eq!(codes(&verdict), ["missing_blob"]);
            assert_eq!(
                verdict.findings[0].path.as_deref(),
                Some(path),
                "it is named"
            );
        } else {
            assert_eq!(verdict.outcome, Outcome::Tampered, "{path}");
        }
        // One file is one finding: neither its other half nor what repeats it is called wrong.
        if path.starts_with("acts/") || path.starts_with("statements/") {
            assert_eq!(codes(&verdict), ["missing_file"], "{path}");
            assert_eq!(verdict.findings[0].path.as_deref(), Some(path));
        }
    }
}

#[test]
fn no_file_can_be_added_or_moved_unseen() {
    let (folder, options) = sample();
    for path in [
        "stray",
        "log/tile/0/000",
        "authority/2.json",
        "blobs/00",
        "epochs/1/x",
    ] {
        let mut more = folder.clone();
        more.insert(path, b"anything".to_vec());
        let verdict = check(&more, &options);
        assert_eq!(codes(&verdict), ["stray_file"], "{path}");
    }
    for (path, bytes) in folder.iter() {
        let mut moved = folder.clone();
        moved.remove(path);
        moved.insert(format!("{path}.x"), bytes.to_vec());
        assert_eq!(check(&moved, &options).outcome, Outcome::Tampered, "{path}");
    }
}

#[test]
fn no_two_files_can_change_places_unseen() {
    let (folder, options) = sample();
    let files: Vec<(&str, &[u8])> = folder.iter().collect();
    for pair in files.windows(2) {
        let [(left, left_bytes), (right, right_bytes)] = pair else {
            unreachable!()
        };
        let mut swapped = folder.clone();
        swapped.insert(*left, right_bytes.to_vec());
        swapped.insert(*right, left_bytes.to_vec());
        assert_eq!(
            check(&swapped, &options).outcome,
            Outcome::Tampered,
            "{left} and {right}"
        );
    }
}

#[test]
fn what_is_no_regular_file_is_a_stray() {
    let (folder, options) = sample();
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("evidence");
    folder.write(&root).unwrap();
    assert_eq!(
        check(&Folder::read(&root).unwrap(), &options).outcome,
        Outcome::Ok
    );
    std::fs::create_dir(root.join("empty")).unwrap();
    let verdict = check(&Folder::read(&root).unwrap(), &options);
    assert_eq!(codes(&verdict), ["stray_file"]);
}
