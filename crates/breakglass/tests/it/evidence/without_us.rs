//! `docs/verify-without-us.md`, as it is printed: its script is taken out by its own command and run
//! on true folders and on altered ones.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass::demo::KEY;
use breakglass_api::wire::{Accepted, AuthoritySubmission};
use breakglass_format::statement::Kind;
use breakglass_server::config::Public;
use breakglass_statement::digest;
use breakglass_verify::Folder;

use super::{
    Played,
    continued::{entries, with_log},
    played,
};
use crate::{
    attacks::authority::{next, signed},
    scene::Scene,
    served::House,
    ssh::{available, keygen, new_key},
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
    // With its signature, where something else lies.
    let moved = |from: &str, to: &str, says| {
        let mut folder = good.clone();
        for end in ["", ".sig"] {
            let bytes = folder.remove(&format!("{from}{end}")).unwrap();
            folder.insert(format!("{to}{end}"), bytes);
        }
        let what = format!("{from} as {to}");
        Altered { what, folder, says }
    };
    let first = |start, end| one(good, start, end);
    let approval = first("statements/", "/approval.bob.json");
    let both = [approval.clone(), format!("{approval}.sig")];
    let no = first("statements/", "/denial.bob.json");
    vec![
        flipped("genesis".to_owned(), "genesis"),
        flipped("authority/1.json".to_owned(), "genesis"),
        flipped("authority/2.json".to_owned(), ""),
        flipped(first("authority/1.erin", ".sig"), "authority/1.erin.sig"),
        flipped(first("authority/2.frank", ".sig"), "authority/2.frank.sig"),
        flipped("log.vkey".to_owned(), "log.vkey"),
        flipped("log/checkpoint".to_owned(), "did not sign the checkpoint"),
        flipped(
            first("log/tile/entries/", ""),
            "tiles of level 0 do not fit",
        ),
        flipped(first("log/tile/0/", ""), "tiles of level 0 do not fit"),
        flipped_behind("siem.jsonl", "\"entry\":\"", "siem.jsonl"),
        flipped(first("blobs/", ""), "not what it is called"),
        flipped(first("acts/", ".act.json"), "no entry names"),
        flipped(first("acts/", ".session.json.sig"), "no entry names"),
        flipped(approval.clone(), "no entry names"),
        flipped(
            first("statements/", "/approval.carol.json.sig"),
            "no entry names",
        ),
        flipped_behind("allowed_signers", "ssh-ed25519 ", "allowed_signers is not"),
        gone(&both, "is missing"),
        gone(&[first("log/tile/entries/", "")], ""),
        gone(
            &[first("authority/2.frank", ".sig")],
            "authority/2.frank.sig",
        ),
        gone(&[first("acts/", ".act.json.sig")], "no entry names"),
        moved(&no, &no.replace("denial", "approval"), "bob did not sign"),
    ]
}

fn text_of(folder: &Folder, path: &str) -> String {
    String::from_utf8(folder.get(path).unwrap().to_vec()).unwrap()
}

/// A signature that stock `ssh-keygen` makes.
fn stock(key: &Path, kind: Kind, text: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    std::fs::write(&path, text).unwrap();
    let [key, at] = [key, path.as_path()].map(|path| path.to_str().unwrap());
    keygen(&["-q", "-Y", "sign", "-n", kind.namespace(), "-f", key, at]);
    std::fs::read(dir.path().join("text.sig")).unwrap()
}

/// The folder with other entries, and with tiles, `siem.jsonl` and a checkpoint to fit: what
/// somebody makes of it who has the log's key.
fn with_entries(played: &Played, folder: &Folder, change: impl Fn(&str) -> String) -> Folder {
    let mut siem = text_of(folder, "siem.jsonl");
    let mut all = entries(folder);
    for entry in &mut all {
        let changed = change(std::str::from_utf8(entry).unwrap()).into_bytes();
        siem = siem.replace(&STANDARD.encode(&*entry), &STANDARD.encode(&changed));
        *entry = changed;
    }
    let mut made = with_log(played, folder, &all);
    made.insert("siem.jsonl", siem.into_bytes());
    made
}

/// The three ways in which a forged signature may lie in a folder: beside the log as it is and a
/// list of keys that has the forger's; the same with entries that name it; and without that list.
fn forged(
    played: &Played,
    (what, folder): (&str, Folder),
    (listed, change): (String, impl Fn(&str) -> String),
    says: [&'static str; 3],
) -> [Altered; 3] {
    let relogged = with_entries(played, &folder, change);
    let with_list = |folder: &Folder| {
        let mut folder = folder.clone();
        folder.insert("allowed_signers", listed.clone().into_bytes());
        folder
    };
    let folders = [with_list(&folder), with_list(&relogged), relogged];
    let mut says = says.into_iter();
    folders.map(|folder| Altered {
        what: what.to_owned(),
        folder,
        says: says.next().unwrap(),
    })
}

/// An approval by a key that is not Bob's. Of a line of keys ssh-keygen takes the first and calls
/// the rest a comment.
fn by_another_key(played: &Played, good: &Folder) -> [Altered; 3] {
    let dir = tempfile::tempdir().unwrap();
    let evil = new_key(dir.path(), "ed25519", "");
    let public = std::fs::read_to_string(evil.with_extension("pub")).unwrap();
    let public = public.strip_suffix(" test\n").unwrap();
    let keys = text_of(good, "allowed_signers");
    let line = keys.lines().find(|line| line.starts_with("bob ")).unwrap();
    let (options, own) = line.split_once(" ssh-ed25519 ").unwrap();
    let listed = format!("{options} {public} ssh-ed25519 {own}\n{keys}");
    let approval = one(good, "statements/", "/approval.bob.json");
    let signature = stock(&evil, Kind::Approval, good.get(&approval).unwrap());
    let new = digest(&signature).to_string();
    let mut folder = good.clone();
    let old = folder.insert(format!("{approval}.sig"), signature).unwrap();
    let old = digest(&old).to_string();
    forged(
        played,
        ("an approval by another key", folder),
        (listed, move |entry: &str| entry.replace(&old, &new)),
        [
            "no entry names",
            "allowed_signers is not",
            "bob did not sign",
        ],
    )
}

/// A genesis that people signed who are no root persons.
fn by_no_roots(played: &Played, good: &Folder) -> [Altered; 3] {
    let keys = text_of(good, "allowed_signers");
    let enroll = Kind::Enroll.namespace();
    let wider = format!("\"{},{enroll}", Kind::Authority.namespace());
    let listed = keys.replace(&format!("\"{enroll}"), &wider);
    assert_ne!(listed, keys);
    let genesis = good.get("authority/1.json").unwrap();
    let mut folder = good.clone();
    let mut swaps = Vec::new();
    for (root, other) in [("erin", "carol"), ("frank", "dave")] {
        let key = played.scene.stage.home(other).join(KEY);
        let signature = stock(&key, Kind::Authority, genesis);
        let old = folder.remove(&format!("authority/1.{root}.sig")).unwrap();
        swaps.push([&old, &signature].map(|signature| digest(signature).to_string()));
        let whose = |who: &str| format!("\"person\":\"per_{who}\",\"principal\":\"{who}\"");
        swaps.push([root, other].map(whose));
        folder.insert(format!("authority/1.{other}.sig"), signature);
    }
    let change = move |entry: &str| {
        // Of the entry that published it, and of no other.
        let of_it = entry.contains(&swaps[0][0]);
        let swaps = swaps.iter().filter(|_| of_it);
        swaps.fold(entry.to_owned(), |entry, [old, new]| {
            entry.replace(old, new)
        })
    };
    forged(
        played,
        ("a genesis by no root persons", folder),
        (listed, change),
        [
            "is not what an entry names",
            "allowed_signers is not",
            "did not sign authority/1.json",
        ],
    )
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
    let all = all.chain(by_another_key(&played, &good));
    let all = all.chain(by_no_roots(&played, &good));
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
