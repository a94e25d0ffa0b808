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

/// From five answers, and what is added to authority.toml, to a signed genesis and a configuration;
/// the genesis digest.
fn installed(place: &Path, added: &str) -> String {
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
    let written = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, written + added).unwrap();
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

/// A house whose server runs and whose people have joined.
struct Inhabited<'a> {
    place: &'a Path,
    digest: String,
    serving: Serving,
}

impl<'a> Inhabited<'a> {
    fn moved_in(place: &'a Path, added: &str) -> Self {
        let digest = installed(place, added);
        let serving = Serving::of(&place.join("house"));
        let this = Self {
            place,
            digest,
            serving,
        };
        for who in EVERYBODY {
            let (url, key) = (&this.serving.url, this.at(who));
            let join = ["join", url, "--genesis", &this.digest, "--key", &key];
            this.types(who, &join);
        }
        this
    }

    fn at(&self, name: &str) -> String {
        self.place.join(name).to_str().unwrap().to_owned()
    }

    fn types(&self, who: &str, args: &[&str]) -> String {
        types(self.place, who, args)
    }

    /// A password is put into custody by two, and attested, for no machine changes it.
    fn custody(&self, password: &str, file: &str) {
        fs::write(self.place.join("typed"), password).unwrap();
        let (field, file) = (format!("password=@{}", self.at("typed")), self.at(file));
        let add = ["account", "add-credential", "prod-db-root"];
        let first = ["--username", "root", "--field", &field, "--out", &file];
        self.types("bob", &[&add[..], &first].concat());
        let agree = ["--agree", &file, "--yes"];
        self.types("carol", &[&add[..], &agree].concat());
        let attest = ["account", "attest", "prod-db-root"];
        let how = ["--how", "changed at the console; the old one is refused"];
        self.types("bob", &[&attest[..], &how].concat());
        self.types("carol", &[&attest[..], &["--yes"]].concat());
    }

    /// Asked for with these words more, approved, used for one action, given back, resolved.
    fn emergency(&self, more: &[&str], action: &str) {
        let ask = ["request", "prod-db-root", "--severity", "sev1"];
        let why = ["--commander", "erin", "--why", "it cannot wait"];
        let asked = self.types("alice", &[&ask[..], &why, more].concat());
        assert_eq!(asked, "R-1");
        self.types("bob", &["approve", "--yes"]);
        self.types("dave", &["approve", "--yes"]);
        let password = self.types("alice", &["checkout", "--field", "password"]);
        assert_eq!(password, "first-secret");
        let done = ["action", "record", "--action", action, "--target", "shop"];
        self.types("alice", &[&done[..], &["--description", "done"]].concat());
        self.types("alice", &["return"]);
        let over = ["incident", "resolve", "--summary", "over", "--yes"];
        self.types("erin", &over);
    }

    /// An auditor takes everything along and verifies it.
    fn audited(&self) {
        let evidence = self.at("evidence");
        self.types("frank", &["log", "export", &evidence]);
        self.types("frank", &["verify", &evidence, "--genesis", &self.digest]);
    }
}

#[test]
fn from_five_answers_to_evidence_an_auditor_verifies() {
    let place = tempfile::tempdir().unwrap();
    let house = Inhabited::moved_in(place.path(), "");
    house.custody("first-secret", "first.json");
    let what = ["--declare", "production-outage", "--title", "down"];
    house.emergency(&[&what[..], &["--service", "shop"]].concat(), "rollback");
    house.custody("second-secret", "second.json");
    let shown = house.types("erin", &["incident", "show", "INC-1"]);
    assert!(
        shown.contains("credential_rotation of prod-db-root: erin, met"),
        "{shown}"
    );
    house.audited();
    somebody_comes(house.place, &house.serving, &house.digest);
}

/// Scenarios are the authority's: none of the procedure's three is in this house.
const OF_ITS_OWN: &str = r#"
[[scenario]]
name = "data-breach"
actions = ["isolate_host"]
threat_required = true
cab_notice = "2h"
review = "24h"
"#;

#[test]
fn a_scenario_of_ones_own_is_played_to_the_closed_incident_without_code() {
    let place = tempfile::tempdir().unwrap();
    let house = Inhabited::moved_in(place.path(), OF_ITS_OWN);
    house.custody("first-secret", "first.json");
    let other = ["request", "prod-db-root", "--declare", "production-outage"];
    let why = ["--title", "t", "--service", "s", "--why", "w"];
    let refused = breakglass(
        &house.place.join("homes/alice"),
        &[
            &other[..],
            &why,
            &["--severity", "sev1", "--commander", "erin"],
        ]
        .concat(),
    );
    assert_ne!(refused.status.code(), Some(0));
    let what = ["--declare", "data-breach", "--title", "a stranger reads"];
    let threat = ["--threat", "a session from abroad copies tables"];
    house.emergency(&[&what[..], &threat].concat(), "isolate_host");
    house.custody("second-secret", "second.json");
    let told = ["--channel", "telephone", "--text", "the host is isolated"];
    house.types("erin", &[&["cab", "notify"][..], &told].concat());
    let file = |name: &str, text: &str| {
        fs::write(house.place.join(name), text).unwrap();
        house.at(name)
    };
    let report = house.types("erin", &["report", "file", "--draft"]);
    let report = file("report.md", &report);
    let what = ["--summary", "a stranger read", "--from", &report];
    house.types("erin", &[&["report", "file"][..], &what].concat());
    let review = house.types("frank", &["review", "complete", "--draft"]);
    let review = review.replace("verdict = \"\"", "verdict = \"justified\"");
    let cause = "root_cause = \"\"\"\n";
    let review = review.replace(cause, &format!("{cause}A key lay in a public place.\n"));
    let review = file("review.toml", &review);
    house.types("frank", &["review", "complete", "--from", &review]);
    let keep = [
        "--incident",
        "INC-1",
        "--decision",
        "keep",
        "--why",
        "needed",
    ];
    let decide = ["access-review", "decide", "prod-db-root"];
    house.types("grace", &[&decide[..], &keep].concat());
    let accepted = [
        "cab",
        "record",
        "--decision",
        "accepted",
        "--remark",
        "well",
    ];
    house.types("grace", &accepted);
    house.types("erin", &["incident", "close"]);
    let shown = house.types("frank", &["incident", "show", "INC-1"]);
    assert!(shown.contains("cab_notified: erin, met"), "{shown}");
    house.audited();
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
    // A log moves by an epoch only: that is said before anybody signs.
    let value = |key: &str| {
        let (_, rest) = text.split_once(&format!("{key} = \"")).unwrap();
        rest.split_once('"').unwrap().0
    };
    let other = breakglass_tlog::KeyName::new("log.example/2").unwrap();
    let other = breakglass_tlog::SigningKey::from_seed(other, &[7; 32]);
    let moved = text
        .replace(value("vkey"), &other.verifier().to_string())
        .replace(&format!("\"{}\"", value("origin")), "\"log.example/2\"");
    fs::write(&toml, moved).unwrap();
    let plan = ["authority", "plan", toml.to_str().unwrap()];
    let refused = breakglass(&place.join("homes/erin"), &plan);
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_ne!(refused.status.code(), Some(0));
    assert!(says.contains("in force is"), "{says}");
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
    assert!(with("--approvers", "alice,bob").contains("two approvers other than alice"));
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
