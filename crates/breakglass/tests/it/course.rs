//! The course of an incident, every step typed at the compiled program against a real server.

use std::path::Path;

use breakglass::demo::House;
use breakglass_seal::names;
use serde_json::Value;

use crate::{scene::wait, usage::breakglass};

/// A server with people, and what they type.
pub(crate) struct Terminal {
    pub(crate) house: House,
}

/// What a command ended with.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) said: String,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_breakglass"));
        Self {
            house: House::build(program).unwrap(),
        }
    }

    pub(crate) fn types(&self, who: &str, args: &[&str]) -> Ended {
        let output = breakglass(&self.house.stage.home(who), args);
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout)
                .unwrap()
                .trim_end()
                .to_owned(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a command printed that must succeed.
    pub(crate) fn does(&self, who: &str, args: &[&str]) -> String {
        let ended = self.types(who, args);
        assert_eq!(ended.code, 0, "{who} {args:?}: {}", ended.said);
        ended.out
    }

    /// What a command said that must be refused.
    pub(crate) fn refuses(&self, who: &str, args: &[&str]) -> String {
        let ended = self.types(who, args);
        assert_eq!(ended.code, 1, "{who} {args:?}: {ended:?}");
        assert_eq!(ended.out, "", "{who} {args:?}");
        ended.said
    }

    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.house.stage.dir().join(name);
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn log_in(&self, people: &[&str]) {
        for who in people {
            self.does(who, &["login"]);
        }
    }

    /// Carol seals the shop's password, Dave agrees.
    pub(crate) fn import(&self) {
        let (secret, sealed) = (self.file("secret"), self.file("sealed.json"));
        let credential = &self.house.stage.first_password;
        let password = credential.field(names::PASSWORD).unwrap();
        std::fs::write(&secret, password.expose()).unwrap();
        let field = format!("password=@{secret}");
        let add = ["account", "add-credential", "shop-root"];
        let first = [
            "--username",
            "shop-root",
            "--field",
            &field,
            "--out",
            &sealed,
        ];
        self.does("carol", &[&add[..], &first].concat());
        let text = std::fs::read_to_string(&sealed).unwrap();
        assert!(!text.contains(password.expose()));
        let agree = [&add[..], &["--agree", &sealed]].concat();
        let said = self.refuses("carol", &agree);
        assert!(said.contains("takes two people"), "{said}");
        let unasked = self.types("dave", &agree);
        assert_eq!(unasked.code, 2, "nobody to ask: {unasked:?}");
        for shown in ["proposed by", "carol", "password, username"] {
            assert!(unasked.said.contains(shown), "{unasked:?}");
        }
        let agree = [&agree[..], &["--yes"]].concat();
        assert_eq!(self.does("dave", &agree), "shop-root");
        // What was typed in is rotated at once; only then is the credential at rest.
        self.settled(2);
    }

    /// Waits until a version of the credential is in force.
    pub(crate) fn settled(&self, version: u64) {
        wait("the rotation", || {
            let shown = self.does("carol", &["account", "show", "shop-root", "--json"]);
            let view: Value = serde_json::from_str(&shown).unwrap();
            view["version"] == version && view["state"] == "current"
        });
    }

    pub(crate) fn ask(&self) -> String {
        let declare = [
            "--declare",
            "production-outage",
            "--title",
            "checkout answers 500",
        ];
        let how = [
            "--service",
            "shop",
            "--severity",
            "sev1",
            "--commander",
            "erin",
        ];
        let why = ["--why", "roll back 2.4.1"];
        self.does(
            "alice",
            &[&["request", "shop-root"][..], &declare, &how, &why].concat(),
        )
    }
}

#[test]
fn from_declaration_to_verified_evidence() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin", "frank"]);
    assert_eq!(t.does("alice", &["whoami"]), "alice");
    t.import();
    assert_eq!(t.ask(), "R-1");

    let said = t.refuses("alice", &["approve", "R-1", "--yes"]);
    assert!(said.contains("error: R-1 is your own request"), "{said}");
    let unasked = t.types("bob", &["approve"]);
    assert_eq!(unasked.code, 2, "nobody to ask: {unasked:?}");
    assert!(unasked.said.contains("roll back 2.4.1"), "{unasked:?}");
    let waits = t.does("bob", &["status"]);
    assert!(waits.contains("<- you: breakglass approve R-1"), "{waits}");
    t.does("bob", &["approve", "--yes"]);
    let waits = t.does("bob", &["status"]);
    assert!(!waits.contains("<- you"), "{waits}");
    let granted = t.types("carol", &["approve", "R-1", "--for", "2h", "--yes"]);
    assert!(granted.said.contains("G-1 is active until"), "{granted:?}");

    let name = t.does("alice", &["checkout", "--field", "username"]);
    assert_eq!(name, "shop-root");
    let child = ["--exec", "--", "sh", "-c", "echo $BREAKGLASS_USERNAME"];
    let named = t.does("alice", &[&["checkout", "G-1"][..], &child].concat());
    assert_eq!(named, "shop-root");
    let said = t.refuses("bob", &["checkout", "G-1", "--field", "username"]);
    assert!(said.contains("only the holder"), "{said}");

    let what = ["--target", "shop", "--description", "looked around"];
    t.does(
        "alice",
        &[&["action", "record", "--action", "rollback"][..], &what].concat(),
    );
    assert_eq!(t.does("alice", &["return"]), "G-1");
    assert_eq!(
        t.does("erin", &["incident", "note", "quiet again"]),
        "INC-1"
    );
    assert_eq!(
        t.does("erin", &["incident", "resolve", "--summary", "rolled back"]),
        "INC-1"
    );
    let timeline = t.does("frank", &["incident", "timeline", "INC-1"]);
    assert!(timeline.contains("[signed by erin]"), "{timeline}");

    let folder = t.file("evidence");
    t.does("frank", &["log", "checkpoint"]);
    t.does("frank", &["log", "prove", "0"]);
    t.does("frank", &["log", "export", &folder]);
    let genesis = t.house.stage.genesis.to_string();
    t.does("frank", &["verify", &folder, "--genesis", &genesis]);
}

#[test]
fn a_denial_ends_a_request_and_a_withdrawn_one_is_gone() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave"]);
    t.import();
    t.ask();
    // No duty here, and still whoever likes to tell the board may.
    let told = ["--channel", "telephone", "--text", "we are on it"];
    t.does("erin", &[&["cab", "notify"][..], &told].concat());
    let denied = t.types("bob", &["deny", "--why", "not from this laptop"]);
    assert_eq!((denied.code, denied.out.as_str()), (0, "R-1"), "{denied:?}");
    let said = t.refuses("carol", &["approve", "R-1", "--yes"]);
    assert!(said.contains("R-1 is denied"), "{said}");

    let again = [
        "request",
        "shop-root",
        "--incident",
        "INC-1",
        "--why",
        "again",
    ];
    assert_eq!(t.does("alice", &again), "R-2");
    let shown = t.types("carol", &["approve", "R-2"]);
    assert!(
        shown.said.contains("bob denied a request for this account"),
        "{shown:?}"
    );
    assert_eq!(t.does("alice", &["withdraw"]), "R-2");
    assert_eq!(t.does("carol", &["pending"]), "");
    let nothing = t.types("carol", &["approve"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(nothing.said.contains("there is no request"), "{nothing:?}");
}

#[test]
fn where_the_session_is_over_a_new_one_begins() {
    let t = Terminal::open();
    assert_eq!(t.does("alice", &["incident", "list"]), "");
    t.does("alice", &["login", "--end"]);
    assert_eq!(t.does("alice", &["incident", "list"]), "");
}
