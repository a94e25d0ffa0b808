//! `breakglass log export` into an earlier export: only what is new is fetched and written, the
//! same bytes come out, and what is not an earlier state of this log is left alone.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use breakglass::export::{self, ExportError, ExportWish};
use breakglass_server::config::Public;
use breakglass_tlog::{
    Checkpoint, EntriesPath, Hash, KeyName, MemoryTiles, SignedCheckpoint, SigningKey, TileReader,
    encode_entries, entries_for_size, leaf_hash, parse_entries, root, tiles_for_size,
};
use breakglass_verify::Folder;
use serde_json::Value;

use super::{Played, cli::breakglass, played};
use crate::{
    exported::{digests, resume},
    proxy::Proxy,
    served::House,
    ssh::available,
};

/// What `log export` of the auditor says, as JSON; or its exit status and error.
fn export(played: &Played, dir: &Path, more: &[&str]) -> Result<Value, (i32, Value)> {
    let home = played.scene.stage.home("frank");
    let args = ["--json", "--home", home.to_str().unwrap(), "log", "export"];
    let output = breakglass(&[&args[..], &[dir.to_str().unwrap()], more].concat());
    match output.status.code().unwrap() {
        0 => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        code => {
            let said = String::from_utf8(output.stderr).unwrap();
            Err((
                code,
                serde_json::from_str(said.lines().last().unwrap()).unwrap(),
            ))
        }
    }
}

/// The log grows: another request, granted, used, given back.
fn grow(played: &mut Played) {
    let cast = &mut played.cast;
    let grant = cast.grant();
    cast.checkout(&grant);
    cast.give_back(&grant, 4);
}

pub(super) fn entries(folder: &Folder) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let note = String::from_utf8(folder.get("log/checkpoint").unwrap().to_vec()).unwrap();
    let size = note.lines().nth(1).unwrap().parse().unwrap();
    for bundle in entries_for_size(size) {
        let bytes = folder.get(&format!("log/{bundle}")).unwrap();
        let parsed = parse_entries(bytes, bundle.width()).unwrap();
        all.extend(parsed.into_iter().map(<[u8]>::to_vec));
    }
    all
}

/// The folder with a log of other entries, signed by the log's own key.
pub(super) fn with_log(played: &Played, folder: &Folder, entries: &[Vec<u8>]) -> Folder {
    let mut made: Folder = folder
        .iter()
        .filter(|(path, _)| !path.starts_with("log/"))
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect();
    let size = entries.len() as u64;
    let tiles: MemoryTiles = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for tile in tiles_for_size(size) {
        let bytes = tiles.tile(tile.level(), tile.index(), tile.width());
        made.insert(format!("log/{tile}"), bytes.unwrap());
    }
    for (chunk, path) in entries.chunks(256).zip(entries_for_size(size)) {
        let path: EntriesPath = path;
        made.insert(format!("log/{path}"), encode_entries(chunk).unwrap());
    }
    let note = checkpoint(played, size, root(&tiles, size).unwrap());
    made.insert("log/checkpoint", note.into_bytes());
    made
}

/// A checkpoint that the log's key signed, of whatever the test says.
pub(super) fn checkpoint(played: &Played, size: u64, root: Hash) -> String {
    let config = played.scene.stage.config().unwrap();
    let text = std::fs::read_to_string(config.log_key_file).unwrap();
    let key = SigningKey::parse(text.trim()).unwrap();
    let origin = KeyName::new(key.verifier().name().as_str()).unwrap();
    let checkpoint = Checkpoint::new(origin, size, root).unwrap();
    SignedCheckpoint::sign(checkpoint, &key).unwrap().to_text()
}

#[test]
fn an_export_that_is_continued_has_the_bytes_of_a_new_one() {
    let mut played = played();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    let first = export(&played, &out, &[]).unwrap();
    assert_eq!(
        (&first["since"], &first["files"]),
        (&Value::from(0), &first["written"])
    );
    let had = first["entries"].as_u64().unwrap();
    let before = Folder::read(&out).unwrap();

    grow(&mut played);
    // A number that is not the export's is somebody's mistake.
    let wrong = (had - 1).to_string();
    let (code, said) = export(&played, &out, &["--since", &wrong]).unwrap_err();
    assert_eq!((code, &said["code"]), (2, &Value::from("usage")));
    let nothing = dir.path().join("nothing");
    let (code, _) = export(&played, &nothing, &["--since", &wrong]).unwrap_err();
    assert_eq!(code, 2);
    assert!(!nothing.exists());
    assert!(Folder::read(&out).unwrap() == before);

    let second = export(&played, &out, &["--since", &had.to_string()]).unwrap();
    let after = Folder::read(&out).unwrap();
    let fresh = played.folder();
    assert!(after == fresh);
    assert!(after.strays().is_empty(), "{:?}", after.strays());
    assert_eq!(second["since"].as_u64(), Some(had));
    assert_eq!(second["entries"].as_u64(), Some(played.scene.log_size()));
    let changed = fresh
        .iter()
        .filter(|(p, b)| before.get(p) != Some(*b))
        .count();
    assert_eq!(second["written"].as_u64(), Some(changed as u64));
    assert!(changed < before.iter().count() / 2, "{changed}");

    let pin = played.scene.stage.genesis.to_string();
    let verified = breakglass(&["verify", out.to_str().unwrap(), "--genesis", &pin]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let third = export(&played, &out, &[]).unwrap();
    assert_eq!(third["written"].as_u64(), Some(0));
}

#[test]
fn only_what_an_export_does_not_have_is_fetched_and_it_has_to_be_the_logs() {
    let mut played = played();
    let before = played.folder();
    let proxy = Proxy::before(&played.scene.url);
    // His session is an entry as well.
    let frank = played.scene.actor_at(&proxy.url, "frank");
    grow(&mut played);
    let fresh = played.folder();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&asked);
    proxy.meddle(move |target, body| {
        list.lock().unwrap().push(target.to_owned());
        Some(body)
    });
    let again = || resume(frank.client(), frank.trust(), frank.now(), &before);
    assert!(again().unwrap().1 == fresh);
    let asked = asked.lock().unwrap().clone();
    let had = digests(&before);
    let blobs: Vec<&str> = asked
        .iter()
        .filter_map(|target| target.strip_prefix("GET /v1/blobs/"))
        .collect();
    assert!(blobs.len() > 5, "{asked:?}");
    for blob in blobs {
        let digest = blob.replace("%3A", ":").parse().unwrap();
        assert!(!had.contains(&digest), "{blob} was there");
    }
    let bundles = asked.iter().filter(|t| t.contains("/tile/entries/"));
    let last = entries_for_size(entries(&fresh).len() as u64)
        .last()
        .unwrap();
    assert!(bundles.eq([&format!("GET /log/{last}")]), "{asked:?}");

    // Other entries than the log's are no fork of it: the log itself proves that it goes on.
    proxy.meddle(|target, mut body| {
        let word = b"BREAK_GLASS_REQUESTED";
        let found = body.windows(word.len()).position(|bytes| bytes == word);
        if let Some(at) = found.filter(|_| target.contains("/tile/entries/")) {
            body[at] ^= 0x20;
        }
        Some(body)
    });
    let error = again().unwrap_err();
    assert!(matches!(error, ExportError::Entries(_)), "{error:?}");

    // Nor is anything else taken for entries, or another document for one that was asked for.
    proxy.meddle(|target, body| {
        let entries = target.contains("/tile/entries/");
        Some(if entries { vec![0; 40 << 20] } else { body })
    });
    let error = again().unwrap_err();
    assert!(matches!(error, ExportError::Bundle { .. }), "{error:?}");
    proxy.meddle(|target, body| {
        let document = target.contains("/v1/blobs/");
        Some(if document { b"{}".to_vec() } else { body })
    });
    let error = again().unwrap_err();
    assert!(matches!(error, ExportError::Document { .. }), "{error:?}");
}

/// What an export does to files that outlives it, one kind at a time: strace counts each by itself.
const STEPS: [&str; 7] = [
    "write", "rename", "linkat", "mkdir", "unlink", "unlinkat", "rmdir",
];

/// What happens to the step, and how the command may end that meets it.
const FAULTS: [(&str, &[Option<i32>]); 2] = [
    ("signal=KILL", &[None, Some(128 + 9)]),
    ("error=EIO", &[Some(1), Some(2), Some(3)]),
];

/// `log export` of the auditor, to its end.
fn whole(house: &House, out: &Path) -> Output {
    let home = house.scene.stage.home("frank");
    let args = ["--home", home.to_str().unwrap(), "log", "export"];
    breakglass(&[&args[..], &[out.to_str().unwrap()]].concat())
}

/// The same with a fault at one of its steps.
fn faulty(house: &House, out: &Path, step: &str, fault: &str, when: u32) -> Output {
    let inject = format!("inject={step}:{fault}:when={when}");
    let mut strace = Command::new("strace");
    if fault.starts_with("error") {
        // A filter in the kernel, so that nothing else is slowed down; a signal takes none.
        strace.arg("--seccomp-bpf");
    }
    strace
        .args(["-f", "-o", "/dev/null"])
        .args(["-e", &format!("trace={step}"), "-e", &inject])
        .arg(env!("CARGO_BIN_EXE_breakglass"))
        .arg("--home")
        .arg(house.scene.stage.home("frank"))
        .args(["log", "export"])
        .arg(out)
        .output()
        .unwrap()
}

#[test]
fn an_export_that_is_killed_or_fails_at_any_step_goes_on_where_it_was() {
    let name = "evidence::continued::\
        an_export_that_is_killed_or_fails_at_any_step_goes_on_where_it_was";
    if !available(name, &["strace"]) {
        return;
    }
    let mut house = House::of(Public::Checkpoint);
    let dir = tempfile::tempdir().unwrap();
    let export = |house: &House, out: &Path| {
        let frank = &house.cast.frank;
        let (client, trust) = (frank.client(), frank.trust());
        export::export(client, trust, frank.now(), out, ExportWish::default()).unwrap();
        Folder::read(out).unwrap()
    };
    let before = export(&house, &dir.path().join("before"));
    // Over the end of a bundle.
    house.grow(270);
    let fresh = export(&house, &dir.path().join("fresh"));
    let mut met = [0; 2];
    for (number, step) in STEPS.into_iter().enumerate() {
        for (kind, (fault, ends)) in FAULTS.into_iter().enumerate() {
            let starts = [("new", &Folder::new()), ("continued", &before)];
            for (name, start) in starts {
                // One step more each time: a few of each kind, from the first on.
                for when in [1, 2, 3, 9, 40, 180] {
                    let out = dir.path().join(format!("{name}-{number}-{fault}-{when}"));
                    start.write(&out).unwrap();
                    let run = faulty(&house, &out, step, fault, when);
                    let code = run.status.code();
                    let told = format!("{name}, {step} {when}, {fault}: {run:?}");
                    if code == Some(0) {
                        // There is no such step, or it did not matter.
                        assert!(Folder::read(&out).unwrap() == fresh, "{told}");
                        break;
                    }
                    assert!(ends.contains(&code), "{told}");
                    met[kind] += 1;
                    let again = whole(&house, &out);
                    assert_eq!(again.status.code(), Some(0), "{told}: {again:?}");
                    let made = Folder::read(&out).unwrap();
                    assert!(made == fresh, "{told}");
                    assert!(made.strays().is_empty(), "{told}: {:?}", made.strays());
                    std::fs::remove_dir_all(&out).unwrap();
                }
            }
        }
    }
    assert!(met.iter().all(|met| *met > 30), "{met:?} steps");
}

#[test]
fn an_export_of_another_history_is_not_continued_and_both_checkpoints_are_kept() {
    let mut played = played();
    let dir = tempfile::tempdir().unwrap();
    let folder = played.folder();
    let mut other = entries(&folder);
    let same = with_log(&played, &folder, &other);
    assert!(same == folder, "the test writes what the log has");
    let last = other.len() - 1;
    other[last] = other[last - 1].clone();
    // As long as the log; shorter than it is by then; longer.
    let forked = with_log(&played, &folder, &other);
    let mut longer = other.clone();
    longer.push(other[last].clone());
    let longer = with_log(&played, &folder, &longer);
    let cases = [
        ("forked", &forked, false),
        ("rolled", &longer, false),
        ("grown", &forked, true),
    ];
    for (name, wrong, grown) in cases {
        if grown {
            grow(&mut played);
        }
        let out = dir.path().join(name);
        wrong.write(&out).unwrap();
        let (code, said) = export(&played, &out, &[]).unwrap_err();
        assert_eq!((code, &said["code"]), (5, &Value::from("forked")), "{said}");
        assert!(Folder::read(&out).unwrap() == *wrong, "{name}");
        let detail = said["detail"].as_str().unwrap();
        let (_, kept) = detail.split_once("are kept: ").unwrap();
        let kept: Vec<String> = kept
            .split(" and ")
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let theirs = String::from_utf8(wrong.get("log/checkpoint").unwrap().to_vec());
        assert_eq!(kept[0], theirs.unwrap(), "{name}");
        assert_eq!(
            kept[1],
            played.cast.frank.client().checkpoint().unwrap(),
            "{name}"
        );
    }
}

#[test]
fn what_somebody_changed_in_an_export_is_told_and_not_repaired() {
    let mut played = played();
    let dir = tempfile::tempdir().unwrap();
    let good = played.folder();
    grow(&mut played);
    let paths: Vec<&str> = good.iter().map(|(path, _)| path).collect();
    let one = |start: &str, end: &str| {
        let found = paths
            .iter()
            .find(|p| p.starts_with(start) && p.ends_with(end));
        (*found.unwrap()).to_owned()
    };
    let changed = [
        one("acts/", ".json"),
        one("statements/", ".sig"),
        one("blobs/", ""),
        "authority/1.json".to_owned(),
        one("log/tile/entries/", ""),
        one("log/tile/0/", ""),
        "log/checkpoint".to_owned(),
    ];
    let strays = ["notes.txt", "statements/x/request.json", "log/tile/0/001"];
    let other = super::played().folder();
    let mut cases: Vec<(String, Folder, i32)> = Vec::new();
    for path in changed {
        let mut folder = good.clone();
        let mut bytes = folder.get(&path).unwrap().to_vec();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        folder.insert(path.clone(), bytes);
        cases.push((path, folder, 4));
    }
    for path in strays {
        let mut folder = good.clone();
        folder.insert(path, b"x".to_vec());
        cases.push((path.to_owned(), folder, 4));
    }
    cases.push(("another house".to_owned(), other, 1));
    for (number, (what, folder, exit)) in cases.into_iter().enumerate() {
        let out = dir.path().join(number.to_string());
        folder.write(&out).unwrap();
        let (code, said) = export(&played, &out, &[]).unwrap_err();
        assert_eq!(code, exit, "{what}: {said}");
        assert!(Folder::read(&out).unwrap() == folder, "{what}");
    }
    // What only repeats the log is written anew.
    let mut folder = good.clone();
    folder.insert("timeline.txt", b"nothing happened\n".to_vec());
    let out = dir.path().join("derived");
    folder.write(&out).unwrap();
    export(&played, &out, &[]).unwrap();
    assert!(Folder::read(&out).unwrap() == played.folder());
}
