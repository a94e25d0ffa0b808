//! `breakglass log prove --out` and `breakglass verify FILE.tlog-proof`: one entry and its proof,
//! for whoever has nothing else.

use std::path::{Path, PathBuf};

use breakglass::demo::Stage;
use breakglass_tlog::{EMPTY_ROOT, KeyName, SigningKey, leaf_hash};
use serde_json::Value;

use super::{cli::breakglass, continued::checkpoint, played};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Files of a house whose server is gone.
struct Left {
    /// The auditor's, where the installation was joined.
    home: PathBuf,
    stage: Stage,
    dir: tempfile::TempDir,
    size: u64,
    vkey: String,
}

impl Left {
    /// The proofs of two entries, the log's checkpoint, and another one that its key signed.
    fn behind() -> Self {
        let played = played();
        let dir = tempfile::tempdir().unwrap();
        let home = played.scene.stage.home("frank");
        // Once more for the same entry is a newer proof; what is no entry is not written over.
        std::fs::write(dir.path().join("2.json"), "mine").unwrap();
        for (index, exit) in [("3", 0), ("4", 0), ("3", 0), ("2", 2)] {
            let args = ["--home", text(&home), "log", "prove", index, "--out"];
            let output = breakglass(&[&args[..], &[text(dir.path())]].concat());
            assert_eq!(output.status.code(), Some(exit), "{output:?}");
        }
        let size = played.scene.log_size();
        let forked = checkpoint(&played, size, EMPTY_ROOT);
        std::fs::write(dir.path().join("forked"), forked).unwrap();
        let own = played.cast.frank.client().checkpoint().unwrap();
        std::fs::write(dir.path().join("seen"), own).unwrap();
        let vkey = played.cast.frank.trust().log().key.to_string();
        Self {
            home,
            stage: played.scene.end(),
            dir,
            size,
            vkey,
        }
    }

    fn file(&self, name: &str) -> String {
        text(&self.dir.path().join(name)).to_owned()
    }

    /// Exit status and everything that `verify` says to the auditor.
    fn verify(&self, args: &[&str]) -> (i32, String) {
        verify_at(&self.home, args)
    }
}

fn verify_at(home: &Path, args: &[&str]) -> (i32, String) {
    let output = breakglass(&[&["--home", text(home), "verify"], args].concat());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output.status.code().unwrap(), said)
}

#[test]
fn a_proof_is_checked_offline_by_the_key_that_is_pinned_or_given() {
    let left = Left::behind();
    let (proof, entry) = (left.file("3.tlog-proof"), left.file("3.json"));
    let seen = left.file("seen");
    let pinned: [&[&str]; 4] = [
        &[&proof],
        &[&proof, "--entry", &entry],
        &[&proof, "--against", &seen],
        &[&proof, "--min-size", "4"],
    ];
    for args in pinned {
        let (code, said) = left.verify(args);
        assert_eq!(code, 0, "{args:?}: {said}");
        let says = format!("ok: entry 3 of {} in ", left.size);
        assert!(said.contains(&says), "{said}");
    }
    let stranger = tempfile::tempdir().unwrap();
    let (code, said) = verify_at(stranger.path(), &[&proof]);
    assert_eq!(code, 7, "nobody knows the log's key here: {said}");
    assert!(said.contains("--log-key"), "{said}");
    let keyed = [&*proof, "--log-key", &left.vkey];
    let (code, said) = verify_at(stranger.path(), &keyed);
    assert_eq!(code, 0, "{said}");

    let json = breakglass(&[&["--json", "verify"], &keyed[..]].concat());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["outcome"], Value::from("ok"));
    assert_eq!(json["index"], Value::from(3));
    let leaf = leaf_hash(&std::fs::read(entry).unwrap());
    assert_eq!(json["leaf"], Value::from(leaf.to_string()));
}

#[test]
fn what_a_proof_does_not_show_ends_as_it_says() {
    let left = Left::behind();
    let name = left.vkey.split('+').next().unwrap();
    let other_key = SigningKey::from_seed(KeyName::new(name).unwrap(), &[9; 32]);
    let other_key = other_key.verifier().to_string();
    let [proof, entry, other, seen, forked] =
        ["3.tlog-proof", "3.json", "4.json", "seen", "forked"].map(|name| left.file(name));
    let folder = text(left.stage.dir());
    let ends: [(&[&str], i32, &str); 9] = [
        (&[&proof, "--entry", &other], 4, "at index 3"),
        (&[&proof, "--log-key", &other_key], 4, ""),
        (&[&proof, "--against", &forked], 5, "two histories"),
        (
            &[&proof, "--min-size", "100000"],
            6,
            "100000 were asked for",
        ),
        (&[&proof, "--strict"], 2, "folder"),
        (&[&proof, "--log-key", "somebody"], 2, "somebody"),
        (&[&seen, "--entry", &entry], 2, "tlog-proof"),
        (&[&proof, "--entry", "/no/such/file"], 2, "/no/such/file"),
        (&[folder, "--entry", &entry], 2, "proof"),
    ];
    for (args, exit, says) in ends {
        let (code, said) = left.verify(args);
        assert_eq!(code, exit, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn every_byte_of_entry_and_proof_counts() {
    let left = Left::behind();
    let (proof, entry) = (left.file("3.tlog-proof"), left.file("3.json"));
    for path in [&entry, &proof] {
        let good = std::fs::read(path).unwrap();
        for at in (0..good.len()).step_by(23) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            std::fs::write(path, changed).unwrap();
            let (code, said) = left.verify(&[&proof]);
            let is_header = *path == proof && at < 23;
            let exit = if is_header { 2 } else { 4 };
            assert_eq!(code, exit, "{path} at {at}: {said}");
        }
        std::fs::write(path, good).unwrap();
    }
    // But for one newline behind the entry, as `log prove` prints it.
    let mut shown = std::fs::read(&entry).unwrap();
    for exit in [0, 4] {
        shown.push(b'\n');
        std::fs::write(&entry, &shown).unwrap();
        assert_eq!(left.verify(&[&proof]).0, exit);
    }
    std::fs::remove_file(&entry).unwrap();
    let (code, said) = left.verify(&[&proof]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--entry"), "{said}");
}
