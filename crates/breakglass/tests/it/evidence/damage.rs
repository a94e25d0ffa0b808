//! Every file of a real folder, changed, removed, renamed; and files that do not belong.

use breakglass_verify::{Folder, Options, Verdict, check};

use super::{Played, played};

fn verdict(played: &Played, folder: &Folder) -> Verdict {
    let options = Options {
        pin: Some(played.scene.stage.genesis),
        ..Options::default()
    };
    check(folder, &options)
}

#[track_caller]
fn exits(played: &Played, folder: &Folder, code: u8, what: &str) {
    let verdict = verdict(played, folder);
    assert_eq!(
        verdict.exit_code(false),
        code,
        "{what}: {:?}",
        verdict.findings
    );
}

/// The first byte, the last, and some between.
fn places(length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = [0, length / 3, length / 2, length * 4 / 5, length - 1].into();
    places.dedup();
    places
}

#[test]
fn every_flipped_byte_is_found() {
    let played = played();
    let good = played.folder();
    exits(&played, &good, 0, "untouched");
    let mut flipped = 0;
    for (path, bytes) in good.iter() {
        for at in places(bytes.len()) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << (at % 7);
            let mut folder = good.clone();
            folder.insert(path, changed);
            exits(&played, &folder, 4, &format!("{path} at {at}"));
            flipped += 1;
        }
    }
    assert!(flipped > 200, "{flipped}");
}

#[test]
fn every_file_that_is_cut_grown_removed_or_renamed_is_found() {
    let played = played();
    let good = played.folder();
    for (path, bytes) in good.iter() {
        let with = |changed: Vec<u8>| {
            let mut folder = good.clone();
            folder.insert(path, changed);
            folder
        };
        exits(&played, &with(Vec::new()), 4, &format!("{path} emptied"));
        let grown = [bytes, b"\n"].concat();
        exits(&played, &with(grown), 4, &format!("{path} grown"));
        let cut = bytes[..bytes.len() - 1].to_vec();
        exits(&played, &with(cut), 4, &format!("{path} cut"));
        let mut folder = good.clone();
        let taken = folder.remove(path).unwrap();
        let verdict = verdict(&played, &folder);
        let code = if path.starts_with("blobs/") { 7 } else { 4 };
        assert_eq!(
            verdict.exit_code(false),
            code,
            "{path}: {:?}",
            verdict.findings
        );
        assert!(
            verdict
                .findings
                .iter()
                .any(|f| f.to_string().contains(path)),
            "{path}"
        );
        folder.insert(format!("{path}.orig"), taken);
        exits(&played, &folder, 4, &format!("{path} renamed"));
    }
    for stray in [
        "README",
        "log/tile/9",
        "statements/x/request.json",
        "acts/.hidden",
        "blobs/00",
    ] {
        let mut folder = good.clone();
        assert!(folder.insert(stray, b"x".to_vec()).is_none());
        exits(&played, &folder, 4, stray);
    }
}

#[test]
fn evidence_of_another_house_is_not_evidence_of_this_one() {
    let (one, other) = (played(), played());
    exits(&one, &other.folder(), 4, "the whole folder");
    let foreign = other.folder();
    let good = one.folder();
    for (path, bytes) in good.iter() {
        let Some(theirs) = foreign.get(path).filter(|theirs| *theirs != bytes) else {
            continue;
        };
        let mut folder = good.clone();
        folder.insert(path, theirs.to_vec());
        exits(&one, &folder, 4, path);
    }
}
