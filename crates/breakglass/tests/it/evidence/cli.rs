//! `breakglass verify` and `breakglass log export`, as people type them.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use super::{Played, played};

pub(super) fn breakglass(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Exit code and everything that `verify` said of a folder.
fn verify(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut args = vec!["verify", folder.to_str().unwrap()];
    args.extend(more);
    let output = breakglass(&args);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn export_as(played: &Played, principal: &str, dir: &Path) -> Output {
    let home = played.scene.stage.home(principal);
    let home = home.to_str().unwrap();
    breakglass(&["--home", home, "log", "export", dir.to_str().unwrap()])
}

#[test]
fn the_auditor_exports_and_nobody_else() {
    let played = played();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    let exported = export_as(&played, "frank", &out);
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let read = breakglass_verify::Folder::read(&out).unwrap();
    assert_eq!(read, played.folder());
    // Again, there is nothing new; and nothing that is something else is written over.
    let again = export_as(&played, "frank", &out);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(breakglass_verify::Folder::read(&out).unwrap(), read);
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("letter.txt"), "dear").unwrap();
    let refused = export_as(&played, "frank", &other);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    let nothing = dir.path().join("nothing");
    let refused = export_as(&played, "alice", &nothing);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("error: ") && said.contains("auditor"),
        "{said}"
    );
    assert!(!nothing.exists());
}

#[test]
fn verify_ends_as_it_says() {
    let played = played();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    let folder = played.folder();
    folder.write(&out).unwrap();
    let pin = played.scene.stage.genesis.to_string();
    let pinned = ["--genesis", pin.as_str()];
    let ends = |more: &[&str], code: i32, says: &str| {
        let (got, said) = verify(&out, more);
        assert_eq!(got, Some(code), "{more:?}: {said}");
        assert!(said.contains(says), "{more:?}: {says:?} is not in {said}");
    };
    ends(&pinned, 0, "ok");
    ends(&[], 7, "unanchored");
    let wrong = format!("sha256:{}", "ab".repeat(32));
    ends(&["--genesis", &wrong], 4, "tampered");
    ends(&["--genesis", "sha256:00"], 2, "");
    ends(&["--frobnicate"], 2, "");
    ends(&[pinned[0], pinned[1], "--min-size", "100000"], 6, "stale");
    let (code, said) = verify(&dir.path().join("nowhere"), &pinned);
    assert_eq!(code, Some(2), "{said}");
    // One file of each sort, changed in its last byte, and put back.
    let mut sorts = std::collections::BTreeSet::new();
    for (path, bytes) in folder.iter() {
        let sort = (
            path.split('/').next(),
            path.rsplit('.').next().filter(|e| e.len() < 6),
        );
        if !sorts.insert(sort) {
            continue;
        }
        let mut changed = bytes.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(out.join(path), changed).unwrap();
        ends(&pinned, 4, "tampered");
        std::fs::write(out.join(path), bytes).unwrap();
    }
    let stray = out.join("stray");
    std::fs::write(&stray, b"").unwrap();
    ends(&pinned, 4, "stray");
    std::fs::remove_file(&stray).unwrap();
    std::os::unix::fs::symlink("genesis", &stray).unwrap();
    ends(&pinned, 4, "stray");
    std::fs::remove_file(&stray).unwrap();
    let blob = folder.iter().find(|(path, _)| path.starts_with("blobs/"));
    let (blob, _) = blob.unwrap();
    std::fs::remove_file(out.join(blob)).unwrap();
    ends(&pinned, 7, blob);
}
