//! `breakglass verify URL`: what an auditor who joined gets of a server, exported, continued and
//! judged like any folder.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use breakglass_tlog::{entries_for_size, leaf_hash};
use breakglass_verify::Folder;
use serde_json::Value;

use super::{Played, cli::breakglass, continued::checkpoint, played};
use crate::{exported::digests, proxy::Proxy};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Exit status and everything that `verify` says to somebody of the house.
fn verify(played: &Played, principal: &str, args: &[&str]) -> (i32, String) {
    let home = played.scene.stage.home(principal);
    let output = breakglass(&[&["--home", text(&home), "verify"], args].concat());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output.status.code().unwrap(), said)
}

/// Where the auditor's client keeps the export when nobody says where.
fn own(played: &Played) -> PathBuf {
    let genesis = played.scene.stage.genesis.hex();
    let home = played.scene.stage.home("frank");
    home.join("state").join(genesis).join("export")
}

/// From now on the auditor's client knows the house by this address.
fn moved(played: &Played, url: &str) {
    let config = played.scene.stage.home("frank").join("client.toml");
    let was = std::fs::read_to_string(&config).unwrap();
    let (before, rest) = was.split_once("http://").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    std::fs::write(config, format!("{before}{url}\"{after}")).unwrap();
}

#[test]
fn a_server_is_verified_by_an_auditor_and_the_export_is_continued() {
    let mut played = played();
    let url = played.scene.url.clone();
    let (code, said) = verify(&played, "frank", &[&url]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("ok: "), "{said}");
    let first = Folder::read(&own(&played)).unwrap();
    assert!(first == played.folder());

    played.cast.declare();
    let (code, said) = verify(&played, "frank", &[&url]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 new entries of "), "{said}");
    let fresh = played.folder();
    assert!(Folder::read(&own(&played)).unwrap() == fresh);

    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let (code, said) = verify(&played, "frank", &[&url, "--keep", text(&kept)]);
    assert_eq!(code, 0, "{said}");
    assert!(Folder::read(&kept).unwrap() == fresh);
    let home = played.scene.stage.home("frank");
    let json = breakglass(&["--json", "--home", text(&home), "verify", &url]);
    assert!(json.stderr.is_empty(), "{json:?}");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["outcome"], Value::from("ok"));
    assert_eq!(json["entries"].as_u64(), Some(played.scene.log_size()));
}

#[test]
fn verify_of_a_server_ends_as_that_of_a_folder_does() {
    let played = played();
    let url = played.scene.url.clone();
    let folder = tempfile::tempdir().unwrap();
    let other = format!("sha256:{}", "ab".repeat(32));
    let place = text(folder.path());
    let ends: [(&str, &[&str], i32, &str); 7] = [
        ("frank", &[&url, "--genesis", &other], 4, "wrong_pin"),
        ("frank", &[&url, "--min-size", "100000"], 6, "stale"),
        ("frank", &[&url, "--log-key", "somebody"], 2, "somebody"),
        ("frank", &["http://127.0.0.1:9"], 2, "no server of the"),
        ("frank", &[place, "--keep", place], 2, "--keep"),
        ("alice", &[&url], 1, "auditor"),
        ("nobody", &[&url], 1, "join"),
    ];
    for (principal, args, exit, says) in ends {
        let (code, said) = verify(&played, principal, args);
        assert_eq!(code, exit, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    // A file of the export that somebody changed is not put right in silence.
    let path = own(&played).join("authority/1.json");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (code, said) = verify(&played, "frank", &[&url]);
    assert_eq!(code, 4, "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_run_that_was_interrupted_goes_on_where_it_was() {
    let played = played();
    let proxy = Proxy::before(&played.scene.url);
    moved(&played, &proxy.url);
    // The server goes away after five documents.
    let mut left = 5;
    proxy.meddle(move |target, body| {
        if target.contains("/v1/blobs/") {
            left -= 1;
        }
        (left >= 0).then_some(body)
    });
    let (code, said) = verify(&played, "frank", &[&proxy.url]);
    assert_eq!(code, 3, "{said}");
    let half = Folder::read(&own(&played)).unwrap();
    let had = digests(&half);
    let kept = half.iter().filter_map(|(p, _)| p.strip_prefix(".fetched/"));
    let kept: Vec<&str> = kept.collect();
    assert_eq!(kept.iter().filter(|p| p.len() == 64).count(), 5);
    assert!(kept.iter().any(|p| p.starts_with("log/tile/entries/")));

    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&asked);
    proxy.meddle(move |target, body| {
        list.lock().unwrap().push(target.to_owned());
        Some(body)
    });
    let (code, said) = verify(&played, "frank", &[&proxy.url]);
    assert_eq!(code, 0, "{said}");
    let asked = asked.lock().unwrap().clone();
    let blobs = asked
        .iter()
        .filter_map(|t| t.strip_prefix("GET /v1/blobs/"));
    let blobs: Vec<String> = blobs.map(|blob| blob.replace("%3A", ":")).collect();
    assert!(blobs.len() > 5, "{asked:?}");
    for blob in &blobs {
        assert!(!had.contains(&blob.parse().unwrap()), "{blob} was kept");
    }
    assert!(
        !asked.iter().any(|t| t.contains("/tile/entries/")),
        "{asked:?}"
    );
    let whole = Folder::read(&own(&played)).unwrap();
    assert!(whole == played.folder());
    assert!(whole.strays().is_empty(), "{:?}", whole.strays());
}

#[test]
fn two_runs_do_not_write_into_one_folder() {
    let played = played();
    let url = played.scene.url.clone();
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let other = std::fs::File::open(&kept).unwrap();
    other.lock().unwrap();
    let (code, said) = verify(&played, "frank", &[&url, "--keep", text(&kept)]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another run of breakglass"), "{said}");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 0);
    drop(other);
    let (code, said) = verify(&played, "frank", &[&url, "--keep", text(&kept)]);
    assert_eq!(code, 0, "{said}");
    assert!(Folder::read(&kept).unwrap() == played.folder());
}

#[test]
fn what_was_kept_of_an_interrupted_run_is_not_believed() {
    let played = played();
    let url = played.scene.url.clone();
    let kept = own(&played).join(".fetched");
    std::fs::create_dir_all(&kept).unwrap();
    let genesis = format!("{}\n", played.scene.stage.genesis);
    std::fs::write(own(&played).join("genesis"), genesis).unwrap();
    // He may have to log in, which is an entry.
    let size = played.scene.log_size();
    for bundle in [size, size + 1].map(|size| entries_for_size(size).next()) {
        let bundle = kept.join(format!("log/{}", bundle.unwrap()));
        std::fs::create_dir_all(bundle.parent().unwrap()).unwrap();
        std::fs::write(bundle, [0, 2, b'{', b'}']).unwrap();
    }
    let (code, said) = verify(&played, "frank", &[&url]);
    assert_eq!(code, 0, "{said}");
    let whole = Folder::read(&own(&played)).unwrap();
    assert!(whole == played.folder());
    assert!(whole.strays().is_empty(), "{:?}", whole.strays());
}

#[test]
fn whoever_only_looks_is_told_of_a_fork_as_well_and_sees_what_there_is() {
    let played = played();
    let frank = &played.cast.frank;
    let size = frank.client().checkpoint().unwrap();
    let size: u64 = size.lines().nth(1).unwrap().parse().unwrap();
    let (code, said) = verify(&played, "frank", &[&played.scene.url]);
    assert_eq!(code, 0, "{said}");
    let proxy = Proxy::before(&played.scene.url);
    moved(&played, &proxy.url);
    let other = checkpoint(&played, size, leaf_hash(b"what never happened"));
    proxy.meddle(move |target, body| {
        let asked = target.contains("/log/checkpoint");
        Some(if asked {
            other.clone().into_bytes()
        } else {
            body
        })
    });
    let home = played.scene.stage.home("frank");
    for verb in [
        &["pending"][..],
        &["incident", "list"],
        &["status"],
        &["grant", "list"],
    ] {
        let output = breakglass(&[&["--home", text(&home)], verb].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("WARNING: "), "{verb:?}: {told}");
        assert!(told.contains("are kept: "), "{verb:?}: {told}");
        assert_eq!(output.status.code(), Some(0), "{verb:?}: {told}");
    }
    // What is kept of that is in nobody's way.
    moved(&played, &played.scene.url);
    let (code, said) = verify(&played, "frank", &[&played.scene.url]);
    assert_eq!(code, 0, "{said}");
}
