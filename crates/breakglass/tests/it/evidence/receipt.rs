//! `breakglass log prove --out` and `breakglass verify FILE.tlog-proof`: one entry and its proof,
//! for whoever has nothing else.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{cli::breakglass, continued::checkpoint, played};

/// Exit status and everything that was said.
fn verify(home: &Path, args: &[&str]) -> (i32, String) {
    let output = breakglass(&[&["--home", home.to_str().unwrap(), "verify"], args].concat());
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_proof_is_checked_offline_and_only_for_its_own_entry() {
    let played = played();
    let dir = tempfile::tempdir().unwrap();
    let home = played.scene.stage.home("frank");
    let prove = |index: &str| {
        let args = ["--home", text(&home), "log", "prove", index, "--out"];
        let output = breakglass(&[&args[..], &[text(dir.path())]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let proof = String::from_utf8(output.stdout).unwrap();
        PathBuf::from(proof.trim())
    };
    let (three, four) = (prove("3"), prove("4"));
    assert_eq!(three, dir.path().join("3.tlog-proof"));
    let entry = |proof: &Path| proof.with_extension("json");
    let (entry_three, entry_four) = (entry(&three), entry(&four));
    let again = ["--home", text(&home), "log", "prove", "3", "--out"];
    let again = breakglass(&[&again[..], &[text(dir.path())]].concat());
    assert_eq!(again.status.code(), Some(2), "it writes over nothing");
    let vkey = played.cast.frank.trust().log().key.to_string();
    let size = played.scene.log_size();
    let other = checkpoint(&played, size, breakglass_tlog::EMPTY_ROOT);
    let own = played.cast.frank.client().checkpoint().unwrap();
    let (forked, seen) = (dir.path().join("forked"), dir.path().join("seen"));
    std::fs::write(&forked, other).unwrap();
    std::fs::write(&seen, own).unwrap();
    // From here on there is no server.
    let stage = played.scene.end();
    let stranger = tempfile::tempdir().unwrap();

    let pinned: [&[&str]; 4] = [
        &[text(&three)],
        &[text(&three), "--entry", text(&entry_three)],
        &[text(&three), "--against", text(&seen)],
        &[text(&three), "--min-size", "4"],
    ];
    for args in pinned {
        let (code, said) = verify(&home, args);
        assert_eq!(code, 0, "{args:?}: {said}");
        assert!(
            said.contains(&format!("ok: entry 3 of {size} in ")),
            "{said}"
        );
    }
    let (code, said) = verify(stranger.path(), &[text(&three)]);
    assert_eq!(code, 7, "nobody knows the log's key here: {said}");
    assert!(said.contains("--log-key"), "{said}");
    let keyed = ["--log-key", &vkey];
    let (code, said) = verify(stranger.path(), &[&[text(&three)], &keyed[..]].concat());
    assert_eq!(code, 0, "{said}");
    let json = ["--json", "verify", text(&three), "--log-key", &vkey];
    let json = breakglass(&json);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["outcome"], &json["index"]),
        (&Value::from("ok"), &Value::from(3))
    );
    let leaf = breakglass_tlog::leaf_hash(&std::fs::read(&entry_three).unwrap());
    assert_eq!(json["leaf"], Value::from(leaf.to_string()));

    let wrong_key = breakglass_tlog::SigningKey::from_seed(
        breakglass_tlog::KeyName::new(vkey.split('+').next().unwrap()).unwrap(),
        &[9; 32],
    );
    let wrong_key = wrong_key.verifier().to_string();
    let ends: [(&[&str], i32, &str); 8] = [
        (
            &[text(&three), "--entry", text(&entry_four)],
            4,
            "at index 3",
        ),
        (&[text(&three), "--log-key", &wrong_key], 4, ""),
        (
            &[text(&three), "--against", text(&forked)],
            5,
            "two histories",
        ),
        (
            &[text(&three), "--min-size", "100000"],
            6,
            "100000 were asked for",
        ),
        (&[text(&three), "--strict"], 2, "folder"),
        (
            &[text(&seen), "--entry", text(&entry_three)],
            2,
            "tlog-proof",
        ),
        (
            &[text(&three), "--entry", "/no/such/file"],
            2,
            "/no/such/file",
        ),
        (
            &[text(stage.dir()), "--entry", text(&entry_three)],
            2,
            "proof",
        ),
    ];
    for (args, exit, says) in ends {
        let (code, said) = verify(&home, args);
        assert_eq!(code, exit, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    bytes_count(&home, &three);
}

/// Every byte of entry and proof counts, but for a newline behind the entry.
fn bytes_count(home: &Path, proof: &Path) {
    let entry = proof.with_extension("json");
    for path in [entry.as_path(), proof] {
        let good = std::fs::read(path).unwrap();
        for at in (0..good.len()).step_by(23) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            std::fs::write(path, changed).unwrap();
            let (code, said) = verify(home, &[text(proof)]);
            let header = path == proof && at < 23;
            let exit = if header { 2 } else { 4 };
            assert_eq!(code, exit, "{} at {at}: {said}", path.display());
        }
        std::fs::write(path, good).unwrap();
    }
    let mut shown = std::fs::read(&entry).unwrap();
    shown.push(b'\n');
    std::fs::write(&entry, &shown).unwrap();
    assert_eq!(
        verify(home, &[text(proof)]).0,
        0,
        "as `log prove` prints it"
    );
    shown.push(b'\n');
    std::fs::write(&entry, &shown).unwrap();
    assert_eq!(verify(home, &[text(proof)]).0, 4);
    std::fs::remove_file(&entry).unwrap();
    let (code, said) = verify(home, &[text(proof)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--entry"), "{said}");
}
