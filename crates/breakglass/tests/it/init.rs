//! A new installation from five answers, with the compiled program.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

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

const EVERYBODY: [&str; 7] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"];

/// From five answers to a signed genesis and a configuration; the genesis digest.
fn installed(place: &Path) -> String {
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
    for who in EVERYBODY {
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
    fs::write(at("breakglass.toml"), format!("{before}\n# {after}")).unwrap();
    let serve = ["serve", "--config", &at("breakglass.toml"), "--check"];
    let check = run(place, &serve);
    assert_eq!(check.code, 0, "{}{}", check.out, check.said);
    assert!(!Path::new(&at("data")).exists(), "a check makes nothing");
    digest
}

/// The server of a house; it ends with the test.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn of(house: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["serve", "--config"])
            .arg(house.join("breakglass.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().expect("it says something").unwrap();
        let address = first.strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{first}")).to_owned();
        // Whatever else it says has somewhere to go.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: format!("http://{address}"),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a person types on a machine of their own, and what it printed.
fn types(place: &Path, who: &str, args: &[&str]) -> String {
    let output = breakglass(&place.join("homes").join(who), args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{who} {args:?}: {said}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

#[test]
fn from_five_answers_to_evidence_an_auditor_verifies() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let digest = installed(place);
    let serving = Serving::of(&place.join("house"));
    let at = |name: &str| place.join(name).to_str().unwrap().to_owned();
    for who in EVERYBODY {
        let key = at(who);
        let join = ["join", &serving.url, "--genesis", &digest, "--key", &key];
        types(place, who, &join);
    }
    // An account is added by two, and attested, for no machine rotates it.
    let custody = |password: &str, file: &str| {
        fs::write(place.join("typed"), password).unwrap();
        let (field, file) = (format!("password=@{}", at("typed")), at(file));
        let add = ["account", "add-credential", "prod-db-root"];
        let first = ["--username", "root", "--field", &field, "--out", &file];
        types(place, "bob", &[&add[..], &first].concat());
        types(
            place,
            "carol",
            &[&add[..], &["--agree", &file, "--yes"]].concat(),
        );
        let attest = ["account", "attest", "prod-db-root"];
        let how = ["--how", "changed at the console; the old one is refused"];
        types(place, "bob", &[&attest[..], &how].concat());
        types(place, "carol", &[&attest[..], &["--yes"]].concat());
    };
    custody("first-secret", "first.json");
    // An emergency.
    let ask = ["request", "prod-db-root", "--declare", "production-outage"];
    let what = ["--title", "down", "--service", "shop", "--severity", "sev1"];
    let why = ["--commander", "erin", "--why", "roll back"];
    assert_eq!(
        types(place, "alice", &[&ask[..], &what, &why].concat()),
        "R-1"
    );
    types(place, "bob", &["approve", "--yes"]);
    types(place, "dave", &["approve", "--yes"]);
    let password = types(place, "alice", &["checkout", "--field", "password"]);
    assert_eq!(password, "first-secret");
    let done = [
        "action", "record", "--action", "rollback", "--target", "shop",
    ];
    types(
        place,
        "alice",
        &[&done[..], &["--description", "rolled back"]].concat(),
    );
    types(place, "alice", &["return"]);
    types(
        place,
        "erin",
        &["incident", "resolve", "--summary", "over", "--yes"],
    );
    custody("second-secret", "second.json");
    let shown = types(place, "erin", &["incident", "show", "INC-1"]);
    assert!(
        shown.contains("credential_rotation of prod-db-root: met"),
        "{shown}"
    );
    // An auditor.
    let evidence = at("evidence");
    types(place, "frank", &["log", "export", &evidence]);
    types(place, "frank", &["verify", &evidence, "--genesis", &digest]);
    somebody_comes(place, &serving, &digest);
}

/// Somebody new is planned, signed in, published, and joins.
fn somebody_comes(place: &Path, serving: &Serving, digest: &str) {
    let key = place.join("victor");
    let made = generate_to_file(&mut SystemEntropy, "victor", &key).unwrap();
    let house = place.join("house");
    fs::write(house.join("people/victor.pub"), made.public_key.line()).unwrap();
    let toml = house.join("authority.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let victor = "\n[[person]]\nprincipal = \"victor\"\nname = \"Victor\"\ngroups = [\"approvers\"]\n\
                  key = [{ public_key_file = \"people/victor.pub\" }]\n";
    fs::write(&toml, format!("{text}{victor}")).unwrap();
    let toml = toml.to_str().unwrap();
    let plan = types(place, "erin", &["authority", "plan", toml]);
    assert!(plan.contains("+ person victor: groups approvers"), "{plan}");
    types(place, "erin", &["authority", "plan", toml, "--keep"]);
    let next = house.join("authority-2.json");
    let next = next.to_str().unwrap();
    for who in ["erin", "grace"] {
        let key = place.join(who);
        let sign = ["authority", "sign", next, "--key", key.to_str().unwrap()];
        types(place, who, &[&sign[..], &["--yes"]].concat());
    }
    types(place, "erin", &["authority", "publish", next]);
    let (url, key) = (serving.url.as_str(), key.to_str().unwrap());
    types(
        place,
        "victor",
        &["join", url, "--genesis", digest, "--key", key],
    );
    let keys = types(place, "victor", &["key", "list", "victor"]);
    assert!(keys.contains("counts"), "{keys}");
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
