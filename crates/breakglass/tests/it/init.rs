//! A new installation from five answers, with the compiled program.

use std::{fs, path::Path};

use breakglass::{entropy::SystemEntropy, signer::generate::generate_to_file};

use crate::usage::breakglass;

const ANSWERS: [&str; 10] = [
    "--host",
    "breakglass.example.org",
    "--roots",
    "erin,frank,grace",
    "--on-call",
    "alice",
    "--approvers",
    "bob,carol,dave",
    "--account",
    "prod-db-root",
];

struct Ran {
    code: i32,
    out: String,
    said: String,
}

fn run(dir: &Path, args: &[&str]) -> Ran {
    let output = breakglass(&dir.join("home"), args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: text(output.stdout).trim_end().to_owned(),
        said: text(output.stderr),
    }
}

/// What must succeed, and what it printed.
fn does(dir: &Path, args: &[&str]) -> String {
    let ran = run(dir, args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.said);
    ran.out
}

#[test]
fn five_answers_a_key_each_and_a_server_that_would_start() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let house = place.join("house");
    let at = |name: &str| house.join(name).to_str().unwrap().to_owned();
    let init = [&["init", house.to_str().unwrap()][..], &ANSWERS].concat();
    let ran = run(place, &init);
    assert_eq!(ran.code, 0, "{}", ran.said);
    for step in [
        "people: alice.pub, bob.pub",
        "authority compile",
        "authority sign",
    ] {
        assert!(ran.said.contains(step), "{}", ran.said);
    }
    let again = run(place, &init);
    assert_eq!(again.code, 2, "nothing is overwritten: {}", again.said);

    // Before the keys are there, it is said whose is missing and where it goes.
    let (toml, document) = (at("authority.toml"), at("genesis/authority.json"));
    let compile = ["authority", "compile", &toml, "--out", &document];
    let early = run(place, &compile);
    assert_eq!(early.code, 2);
    assert!(early.said.contains("people/alice.pub"), "{}", early.said);
    for who in ["alice", "bob", "carol", "dave", "erin", "frank", "grace"] {
        let key = place.join(who);
        let made = generate_to_file(&mut SystemEntropy, who, &key).unwrap();
        let line = format!("{} {who}\n", made.public_key.line());
        fs::write(house.join("people").join(format!("{who}.pub")), line).unwrap();
    }
    let digest = does(place, &compile);
    for who in ["erin", "frank", "grace"] {
        let key = place.join(who);
        let key = key.to_str().unwrap();
        does(
            place,
            &["authority", "sign", &document, "--key", key, "--yes"],
        );
    }
    does(
        place,
        &["authority", "verify", &document, "--genesis", &digest],
    );

    // The configuration, with what only the machine knows put in.
    let text = fs::read_to_string(at("breakglass.toml")).unwrap();
    let text = text
        .replace("sha256:…", &digest)
        .replace("/var/lib/breakglass", &at("data"))
        .replace("0.0.0.0:8443", "127.0.0.1:0");
    let (before, tls) = text.split_once("[tls]").unwrap();
    let after = tls.split_once("# What changes credentials").unwrap().1;
    fs::create_dir(at("data")).unwrap();
    fs::write(at("breakglass.toml"), format!("{before}\n# {after}")).unwrap();
    let check = run(
        place,
        &["serve", "--config", &at("breakglass.toml"), "--check"],
    );
    assert_eq!(check.code, 0, "{}{}", check.out, check.said);
}

#[test]
fn answers_that_make_no_sense_are_refused_before_anything_is_made() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let house = place.join("house");
    let with = |option: &str, value: &str| {
        let mut answers = ANSWERS.map(str::to_owned).to_vec();
        let at = answers.iter().position(|a| a == option).unwrap();
        answers[at + 1] = value.to_owned();
        let args: Vec<&str> = answers.iter().map(String::as_str).collect();
        let ran = run(
            place,
            &[&["init", house.to_str().unwrap()][..], &args].concat(),
        );
        assert_eq!(ran.code, 2, "{option} {value}: {}", ran.said);
        assert!(!house.exists(), "{option} {value}");
        ran.said
    };
    assert!(with("--roots", "erin").contains("at least 2"));
    assert!(with("--roots", "erin,erin").contains("at least 2"));
    assert!(with("--approvers", "alice,bob").contains("could never be approved"));
    assert!(with("--host", "not a host").contains("a host name"));
    assert!(with("--account", "Prod DB").contains("lower-case"));
    let missing = run(
        place,
        &["init", house.to_str().unwrap(), "--host", "h.example"],
    );
    assert!(
        missing.said.contains("--roots is missing"),
        "{}",
        missing.said
    );
}

#[test]
fn what_a_version_would_change_is_said_before_it_is_signed() {
    let t = crate::course::Terminal::open();
    let bytes = breakglass_api::Client::new(vec![t.house.url.clone()], None);
    let current = bytes.authority().unwrap().versions.remove(0).document;
    let old = t.file("old.json");
    fs::write(&old, &current).unwrap();
    let new = t.file("new.json");
    fs::write(&new, current.replace("\"approvals\":2", "\"approvals\":3")).unwrap();
    let said = t.does("alice", &["authority", "diff", &old, &new]);
    assert!(said.contains("approvals: 2 -> 3"), "{said}");
    assert_eq!(t.does("alice", &["authority", "diff", &old, &old]), "");
}
