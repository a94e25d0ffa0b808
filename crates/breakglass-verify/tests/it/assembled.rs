//! Folders that are put together on a disk: new ones, continued ones, interrupted ones, and ones
//! that are left alone.

use std::{fs, path::Path};

use breakglass_format::Digest;
use breakglass_tlog::{Checkpoint, SignedCheckpoint, SigningKey, encode_entries, root_of_leaves};
use breakglass_verify::{
    Assembly, Folder, Outcome,
    assembly::{Held, NotContinued, NotGrown, NotHeld, NotLaid, NotOpened},
    check,
    files::WHOLE_BYTES_MAX,
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

    // Entries of another log under the same checkpoint, and what is no bundle.
    let mut bundles = breakglass_tlog::entries_for_size(late.entries.len() as u64);
    let first = bundles.next().unwrap();
    let mut entries = late.entries.clone();
    entries.swap(3, 4);
    let other = encode_entries(&entries[..256]).unwrap();
    let long = vec![0; usize::try_from(WHOLE_BYTES_MAX).unwrap() + 1];
    for (name, bytes) in [
        ("other", &other[..]),
        ("none", b"no bundle"),
        ("long", &long),
    ] {
        let place = dir.path().join(name);
        let kept = place.join(format!(".fetched/log/{first}"));
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(kept, bytes).unwrap();
        let error = bring(&place, &late, &late.signed()).unwrap_err();
        let NotBrought::Grown(why) = error else {
            panic!("{name}: {error:?}");
        };
        let expected = match why {
            NotGrown::Other => "other",
            NotGrown::Malformed { .. } => "none",
            NotGrown::TooLong { .. } => "long",
            NotGrown::Folder(error) => panic!("{name}: {error}"),
        };
        assert_eq!(name, expected);
        assert!(here(&place) == Folder::new(), "nothing of it stays");
        // What comes from a server is looked at before it is kept.
        let assembly = Assembly::at(&place, late.genesis).unwrap();
        let kept = assembly.keep_bundle(&first, bytes).unwrap();
        assert_eq!(kept, name == "other", "{name}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_or_taken_away_behind_one() {
    use std::os::unix::fs::symlink;
    let (early, late) = grown(false);
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("precious"), "precious").unwrap();
    let links = [
        (".fetched", "mine"),
        (".fetched/log", "mine"),
        (".fetched/deep/link", "mine/precious"),
        (".writing", "mine/precious"),
        ("genesis", "mine/precious"),
        ("log/tile/0/000.p/31", "mine/precious"),
        ("blobs", "mine"),
    ];
    for (number, (at, to)) in links.into_iter().enumerate() {
        for begun in [false, true] {
            let place = dir.path().join(format!("{number}-{begun}"));
            fs::create_dir(&place).unwrap();
            if begun {
                bring(&place, &early, &early.signed()).unwrap();
            }
            let link = place.join(at);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&link);
            let _ = fs::remove_dir_all(&link);
            symlink(dir.path().join(to), &link).unwrap();
            let error = bring(&place, &late, &late.signed()).unwrap_err();
            let NotBrought::Opened(NotOpened::NotContinued(NotContinued::Stray { path })) = error
            else {
                panic!("{at}: {error:?}");
            };
            assert_eq!(path, at);
            assert!(link.is_symlink(), "{at}");
        }
    }
    assert_eq!(
        fs::read_to_string(mine.join("precious")).unwrap(),
        "precious"
    );
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
}

#[test]
fn only_what_the_log_had_earlier_on_is_taken_away() {
    let (early, late) = grown(true);
    let dir = tempfile::tempdir().unwrap();
    bring(dir.path(), &early, &early.signed()).unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    // Of a run that was killed when the log was shorter, and of one that took some away.
    let bundle = encode_entries(&late.entries[..7]).unwrap();
    put("log/tile/entries/000.p/7", &bundle);
    let hashes: Vec<u8> = late.leaves()[..9]
        .iter()
        .flat_map(|h| *h.as_bytes())
        .collect();
    put("log/tile/0/000.p/9", &hashes);
    fs::create_dir_all(dir.path().join("log/tile/1/000.p")).unwrap();
    bring(dir.path(), &late, &late.signed()).unwrap();
    let made = here(dir.path());
    assert!(made == late.folder() && made.strays().is_empty());
    for (path, bytes) in [
        ("log/tile/entries/000.p/7", &b"my notes"[..]),
        ("log/tile/entries/009.p/7", &bundle),
        ("log/tile/0/000.p/8", &hashes),
        ("log/tile/1/000.p/3", &hashes[..96]),
    ] {
        put(path, bytes);
        let before = here(dir.path());
        let error = bring(dir.path(), &late, &late.signed()).unwrap_err();
        let altered = format!("{error:?}");
        assert!(altered.contains("Altered"), "{path}: {altered}");
        assert!(here(dir.path()) == before, "{path}");
        fs::remove_file(dir.path().join(path)).unwrap();
        let _ = fs::remove_dir(dir.path().join(path).parent().unwrap());
    }
}

#[test]
fn what_only_repeats_the_log_is_mended_and_named() {
    let (early, late) = grown(false);
    let dir = tempfile::tempdir().unwrap();
    bring(dir.path(), &early, &early.signed()).unwrap();
    let (settled, _) = bring(dir.path(), &late, &late.signed()).unwrap();
    assert!(settled.mended.is_empty(), "{settled:?}");
    for name in ["allowed_signers", "log.vkey", "siem.jsonl", "timeline.txt"] {
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, bytes).unwrap();
        let brought = bring(dir.path(), &late, &late.signed());
        if name == "log.vkey" {
            // By it the checkpoint is judged.
            assert!(matches!(brought, Err(NotBrought::Held(_))), "{brought:?}");
            fs::remove_file(path).unwrap();
            fs::write(dir.path().join(name), late.folder().get(name).unwrap()).unwrap();
            continue;
        }
        assert_eq!(brought.unwrap().0.mended, [name]);
    }
    assert!(here(dir.path()) == late.folder());
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
fn a_size_that_somebody_only_says_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let assembly = Assembly::at(dir.path(), sha256(b"genesis")).unwrap();
    // One after the other: all of them would be more than any memory.
    for size in [1_u64 << 40, (1 << 62) - 1] {
        let first: Vec<_> = assembly.lacks(None, size).take(64).collect();
        assert_eq!(first.len(), 64);
        assert_eq!(first[63].index(), 63);
    }
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
