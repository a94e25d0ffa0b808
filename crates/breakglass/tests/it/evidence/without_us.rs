//! `docs/verify-without-us.md`, as it is printed: its script is taken out by its own command and run
//! on true folders and on altered ones.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use breakglass_api::wire::{Accepted, AuthoritySubmission};
use breakglass_server::config::Public;
use breakglass_verify::Folder;

use super::{
    continued::{entries, with_log},
    played,
};
use crate::{
    attacks::authority::{next, signed},
    scene::Scene,
    served::House,
    ssh::available,
};

const PAGE: &str = include_str!("../../../../../docs/verify-without-us.md");

/// The command of the page that takes its script out of it.
fn extraction() -> &'static str {
    let mut lines = PAGE.lines();
    lines.find(|line| line.starts_with("awk ")).unwrap()
}

/// A folder with the script in it, as somebody gets it who follows the page.
fn script() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("verify-without-us.md"), PAGE).unwrap();
    let taken = Command::new("sh")
        .args(["-c", extraction()])
        .current_dir(dir.path())
        .status();
    assert!(taken.unwrap().success());
    dir
}

/// Runs it; what it says to the end, or what it says is wrong.
fn run(script: &Path, folder: &Path, genesis: &str) -> Result<String, String> {
    let output = Command::new("sh")
        .arg(script.join("check.sh"))
        .args([folder.to_str().unwrap(), genesis])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.code() {
        Some(0) => Ok(text(output.stdout)),
        Some(1) => Err(text(output.stderr)),
        _ => panic!("{output:?}"),
    }
}

/// What the page says of a folder, whoever has it; none where its tools are missing.
pub(crate) fn says(test: &str, folder: &Path, genesis: &str) -> Option<Result<String, String>> {
    available(test, &["openssl", "sha256sum", "ssh-keygen"])
        .then(|| run(script().path(), folder, genesis))
}

fn tools(test: &str) -> bool {
    let name = format!("evidence::without_us::{test}");
    available(&name, &["openssl", "sha256sum", "ssh-keygen"])
}

/// The root persons put another version of the authority into force.
fn publish(scene: &Scene) {
    let bytes = next(scene).to_bytes().unwrap();
    let signatures = ["erin", "frank"].map(|who| signed(scene, who, Some(who), &bytes));
    let submission = AuthoritySubmission {
        document: String::from_utf8(bytes).unwrap(),
        signatures: signatures.to_vec(),
    };
    let client = breakglass_api::Client::new(vec![scene.url.clone()], None);
    client
        .post::<_, Accepted>("/v1/authority", &submission)
        .unwrap();
}

/// What is done to a folder, and what the script must say of it.
struct Altered {
    what: String,
    folder: Folder,
    says: &'static str,
}

/// The first file of a sort.
fn one(folder: &Folder, start: &str, end: &str) -> String {
    let mut paths = folder.iter().map(|(path, _)| path);
    let found = paths.find(|path| path.starts_with(start) && path.ends_with(end));
    found.unwrap().to_owned()
}

/// A byte of each sort of file, and files that are missing.
fn alterations(good: &Folder) -> Vec<Altered> {
    let flipped_at = |path: String, at: usize, says| {
        let mut folder = good.clone();
        let mut bytes = folder.get(&path).unwrap().to_vec();
        bytes[at] ^= 1;
        folder.insert(path.clone(), bytes);
        let what = format!("{path} at {at}");
        Altered { what, folder, says }
    };
    let flipped = |path: String, says| {
        let at = good.get(&path).unwrap().len() * 2 / 3;
        flipped_at(path, at, says)
    };
    // Somewhere behind a text that the file has.
    let flipped_behind = |path: &str, text: &str, says| {
        let whole = std::str::from_utf8(good.get(path).unwrap()).unwrap();
        let at = whole.rfind(text).unwrap() + text.len() + 30;
        flipped_at(path.to_owned(), at, says)
    };
    let gone = |paths: &[String], says| {
        let mut folder = good.clone();
        for path in paths {
            folder.remove(path).unwrap();
        }
        let what = format!("{paths:?} gone");
        Altered { what, folder, says }
    };
    let first = |start, end| one(good, start, end);
    let approval = first("statements/", "/approval.bob.json");
    let both = [approval.clone(), format!("{approval}.sig")];
    vec![
        flipped("genesis".to_owned(), "genesis"),
        flipped("authority/1.json".to_owned(), "genesis"),
        flipped("authority/2.json".to_owned(), ""),
        flipped(first("authority/1.erin", ".sig"), "erin did not sign"),
        flipped(first("authority/2.frank", ".sig"), "frank did not sign"),
        flipped("log.vkey".to_owned(), "log.vkey"),
        flipped("log/checkpoint".to_owned(), "did not sign the checkpoint"),
        flipped(
            first("log/tile/entries/", ""),
            "tiles of level 0 do not fit",
        ),
        flipped(first("log/tile/0/", ""), "tiles of level 0 do not fit"),
        flipped_behind("siem.jsonl", "\"entry\":\"", "siem.jsonl"),
        flipped(first("blobs/", ""), "nothing names"),
        flipped(first("acts/", ".act.json"), "is missing"),
        flipped(first("acts/", ".session.json.sig"), "did not sign"),
        flipped(approval.clone(), "is missing"),
        flipped(
            first("statements/", "/approval.carol.json.sig"),
            "carol did not sign",
        ),
        flipped_behind("allowed_signers", "ssh-ed25519 ", "other keys"),
        gone(&both, "is missing"),
        gone(&[first("log/tile/entries/", "")], ""),
        gone(&[first("acts/", ".act.json.sig")], "did not sign"),
    ]
}

#[test]
fn what_the_page_prints_accepts_a_true_folder_and_finds_what_was_altered() {
    let name = "what_the_page_prints_accepts_a_true_folder_and_finds_what_was_altered";
    if !tools(name) {
        return;
    }
    let mut played = played();
    publish(&played.scene);
    // Something happens under the second version as well.
    played.cast = played.scene.cast();
    played.cast.declare();
    let good = played.folder();
    let genesis = played.scene.stage.genesis.to_string();
    let script = script();
    let out = script.path().join("good");
    good.write(&out).unwrap();
    let said = run(script.path(), &out, &genesis).unwrap();
    let size = played.scene.log_size();
    for line in [
        "genesis: ok",
        &format!("checkpoint over {size} entries: ok"),
        &format!("tiles and root over {size} entries: ok"),
        "authority, 2 versions: ok",
        "1 grants: ok",
    ] {
        assert!(said.lines().any(|l| l == line), "{line}: {said}");
    }
    let other = format!("sha256:{}", "ab".repeat(32));
    let said = run(script.path(), &out, &other).unwrap_err();
    assert!(said.contains("another genesis"), "{said}");
    // Another entry, with tiles to fit, under the checkpoint that was signed.
    let mut entries = entries(&good);
    let last = entries.len() - 1;
    entries.swap(0, last);
    let mut folder = with_log(&played, &good, &entries);
    let checkpoint = good.get("log/checkpoint").unwrap();
    folder.insert("log/checkpoint", checkpoint.to_vec());
    let reordered = Altered {
        what: "two entries changed places".to_owned(),
        folder,
        says: "another root",
    };
    let all = alterations(&good).into_iter().chain([reordered]);
    for (number, altered) in all.enumerate() {
        let out = script.path().join(number.to_string());
        altered.folder.write(&out).unwrap();
        let said = run(script.path(), &out, &genesis);
        let said = said.expect_err(&altered.what);
        assert!(said.contains(altered.says), "{}: {said}", altered.what);
    }
}

#[test]
fn what_the_page_prints_checks_the_tiles_above_the_lowest() {
    if !tools("what_the_page_prints_checks_the_tiles_above_the_lowest") {
        return;
    }
    let mut house = House::of(Public::Checkpoint);
    house.grow(258);
    let script = script();
    let out = script.path().join("good");
    house.export(&out);
    let genesis = std::fs::read_to_string(out.join("genesis")).unwrap();
    run(script.path(), &out, genesis.trim()).unwrap();
    let tile = out.join("log/tile/1/000.p/1");
    let mut hash = std::fs::read(&tile).unwrap();
    hash[9] ^= 4;
    std::fs::write(tile, hash).unwrap();
    let said = run(script.path(), &out, genesis.trim()).unwrap_err();
    assert!(said.contains("tiles of level 1 do not fit"), "{said}");
}
