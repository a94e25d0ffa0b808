//! Folders that are put together on a disk: new ones, continued ones, interrupted ones, and ones
//! that are left alone.

use std::{fs, path::Path};

use breakglass_format::Digest;
use breakglass_tlog::{Checkpoint, SignedCheckpoint, SigningKey, encode_entries, root_of_leaves};
use breakglass_verify::{
    Assembly, Folder, Outcome,
    assembly::{Held, NotContinued, NotGrown, NotHeld, NotLaid},
    check,
};

use crate::{
    bring::{NotBrought, bring, on},
    people::log_key,
    scribe::{Scribe, sha256},
    story,
};

fn here(dir: &Path) -> Folder {
    Folder::read(dir).unwrap()
}

/// A log, and what it is later on: over the end of a bundle where `long`.
fn grown(long: bool) -> (Scribe, Scribe) {
    let (mut early, incident) = story::declared();
    let fill = |log: &mut Scribe, size: usize| {
        while log.entries.len() < size {
            log.wait(1);
            story::refusal(log, "erin");
        }
    };
    fill(&mut early, if long { 250 } else { 20 });
    let mut late = early.clone();
    late.wait(60);
    fill(&mut late, if long { 600 } else { 30 });
    late.request("alice", incident, |_| {});
    (early, late)
}

#[test]
fn an_export_that_is_continued_has_the_bytes_of_a_new_one() {
    for long in [false, true] {
        let (early, late) = grown(long);
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, _) = bring(one.path(), &early, &early.signed()).unwrap();
        let before = here(one.path());
        let count = |folder: &Folder| folder.iter().count() as u64;
        assert_eq!(
            (first.files, first.written),
            (count(&before), count(&before))
        );
        let (second, fetched) = bring(one.path(), &late, &late.signed()).unwrap();
        bring(other.path(), &late, &late.signed()).unwrap();
        let after = here(one.path());
        assert!(after == here(other.path()));
        assert!(after.strays().is_empty());
        assert_eq!(check(&after, &late.pinned()).outcome, Outcome::Ok);
        let changed = |(path, bytes): &(&str, &[u8])| before.get(path) != Some(*bytes);
        let changed = after.iter().filter(changed).count() as u64;
        assert_eq!((second.files, second.written), (count(&after), changed));
        assert_eq!(fetched.bundles.len(), if long { 3 } else { 1 });
        let had = |digest: &&Digest| before.iter().any(|(_, bytes)| sha256(bytes) == **digest);
        assert_eq!(fetched.documents.iter().filter(had).count(), 0);
        // Nothing is new.
        let (third, fetched) = bring(one.path(), &late, &late.signed()).unwrap();
        assert_eq!((third.files, third.written), (count(&after), 0));
        assert!(fetched.bundles.is_empty() && here(one.path()) == after);
    }
}

#[test]
fn what_somebody_changed_or_put_there_is_left_alone() {
    let (early, late) = grown(false);
    let dir = tempfile::tempdir().unwrap();
    let good = {
        let place = dir.path().join("good");
        bring(&place, &early, &early.signed()).unwrap();
        here(&place)
    };
    let is_file = |wanted: &str| good.iter().find(|(path, _)| path.starts_with(wanted));
    let act = is_file("acts/").unwrap().0.to_owned();
    let cases = [
        (act.as_str(), "altered"),
        ("authority/1.json", "altered"),
        ("log/tile/0/000.p/20", "damaged"),
        ("log/tile/entries/000.p/20", "damaged"),
        ("log/checkpoint", "damaged"),
        ("notes.txt", "stray"),
        ("acts/b.json", "stray"),
        ("log/tile/0/000", "stray"),
        // What an interrupted one had put into its place is not what the log has.
        ("log/tile/0/000.p/31", "altered"),
        ("log/tile/entries/000.p/31", "altered"),
    ];
    for (number, (path, expected)) in cases.into_iter().enumerate() {
        let place = dir.path().join(number.to_string());
        let mut folder = good.clone();
        folder.insert(path, b"x".to_vec());
        folder.write(&place).unwrap();
        let error = bring(&place, &late, &late.signed()).unwrap_err();
        let (said, of) = if let NotBrought::Laid(NotLaid::NotContinued(error)) = &error {
            match error {
                NotContinued::Altered { path } => ("altered", path.as_str()),
                NotContinued::Stray { path } => ("stray", path.as_str()),
            }
        } else {
            let damaged = matches!(error, NotBrought::Held(NotHeld::Damaged(_)));
            assert!(damaged, "{path}: {error:?}");
            ("damaged", path)
        };
        assert_eq!(of, path);
        assert_eq!(said, expected, "{path}");
        assert!(here(&place) == folder, "{path}");
    }
    // What only repeats the log is written anew.
    let place = dir.path().join("derived");
    let mut folder = good;
    folder.insert("timeline.txt", b"nothing happened\n".to_vec());
    folder.write(&place).unwrap();
    bring(&place, &late, &late.signed()).unwrap();
    assert_eq!(check(&here(&place), &late.pinned()).outcome, Outcome::Ok);
}

#[test]
fn what_an_interrupted_export_kept_is_used_and_not_believed() {
    let (_, late) = grown(true);
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("evidence");
    let assembly = Assembly::at(&place, late.genesis).unwrap();
    let all = on(&assembly, &late, &late.signed(), |_, fetched| Ok(fetched)).unwrap();
    // Everything was fetched, and nothing has its place.
    let kept = here(&place);
    assert!(
        kept.iter()
            .all(|(path, _)| path == "genesis" || path.starts_with(".fetched/"))
    );
    let document = all
        .documents
        .iter()
        .find(|d| late.blobs.contains_key(d))
        .unwrap();
    let spoilt = place.join(".fetched").join(document.hex());
    fs::write(spoilt, "something else").unwrap();
    fs::write(place.join(".writing"), "half").unwrap();
    fs::create_dir_all(place.join(".fetched/empty")).unwrap();
    let (_, again) = bring(&place, &late, &late.signed()).unwrap();
    assert!(again.bundles.is_empty());
    let known = |digest: &&Digest| late.blobs.contains_key(digest);
    assert_eq!(
        again.documents.iter().filter(known).collect::<Vec<_>>(),
        [document]
    );
    let made = here(&place);
    assert!(made == late.folder() && made.strays().is_empty());

    // Entries of another log under the same checkpoint.
    let place = dir.path().join("other");
    let assembly = Assembly::at(&place, late.genesis).unwrap();
    let first = assembly.lacks(None, late.signed().checkpoint().size());
    let mut entries = late.entries.clone();
    entries.swap(3, 4);
    let bytes = encode_entries(&entries[..256]).unwrap();
    assembly.keep_bundle(&first[0], &bytes).unwrap();
    let error = bring(&place, &late, &late.signed()).unwrap_err();
    assert!(
        matches!(error, NotBrought::Grown(NotGrown::Other)),
        "{error:?}"
    );
    let stays: Vec<String> = here(&place).iter().map(|(p, _)| p.to_owned()).collect();
    assert_eq!(stays, ["genesis"], "as it was");
    assembly.keep_bundle(&first[0], b"no bundle").unwrap();
    let error = bring(&place, &late, &late.signed()).unwrap_err();
    let malformed = matches!(error, NotBrought::Grown(NotGrown::Malformed { .. }));
    assert!(malformed, "{error:?}");
}

#[test]
fn a_log_is_held_against_what_it_was_earlier_on() {
    let (early, late) = grown(true);
    let dir = tempfile::tempdir().unwrap();
    bring(dir.path(), &late, &late.signed()).unwrap();
    let assembly = Assembly::at(dir.path(), late.genesis).unwrap();
    let held = assembly.held().unwrap().unwrap();
    let leaves = late.leaves();
    let sizes = [
        0,
        1,
        early.entries.len(),
        255,
        256,
        257,
        511,
        512,
        513,
        leaves.len(),
    ];
    for size in sizes {
        let root = held.root_at(size as u64).unwrap();
        assert_eq!(root, Some(root_of_leaves(&leaves[..size])), "{size}");
    }
    assert_eq!(held.root_at(Held::size(&held) + 1).unwrap(), None);
}

#[test]
fn a_checkpoint_that_the_authority_knows_nothing_of_makes_no_folder() {
    let (early, _) = grown(false);
    let size = early.entries.len() as u64;
    let other = SigningKey::from_seed(log_key().verifier().name().clone(), &[1; 32]);
    let root = root_of_leaves(&early.leaves());
    let checkpoint = Checkpoint::new(other.verifier().name().clone(), size, root).unwrap();
    let signed = SignedCheckpoint::sign(checkpoint, &other).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = bring(dir.path(), &early, &signed).unwrap_err();
    let unsound = matches!(error, NotBrought::Laid(NotLaid::Unsound(_)));
    assert!(unsound, "{error:?}");
    assert!(here(dir.path()) == Folder::new());
}
