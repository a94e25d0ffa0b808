//! What follows an incident, every step typed at the compiled program against a real server.

use std::{fs, path::Path};

use serde_json::Value;

use crate::course::Terminal;

/// Resolved after a use of the account and two documented actions.
fn resolved() -> Terminal {
    let t = Terminal::open();
    t.log_in(&[
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
    ]);
    t.import();
    t.ask();
    t.does("bob", &["approve", "--yes"]);
    t.does("carol", &["approve", "R-1", "--yes"]);
    t.does("alice", &["checkout", "--field", "username"]);
    for what in ["rolled back", "cleared the cache"] {
        let how = ["--target", "shop", "--description", what];
        let record = ["action", "record", "--action", "rollback"];
        t.does("alice", &[&record[..], &how].concat());
    }
    t.does(
        "erin",
        &["incident", "resolve", "--summary", "rolled back", "--yes"],
    );
    t.settled(3);
    t
}

/// A file with this content.
fn file(t: &Terminal, name: &str, content: &str) -> String {
    let path = t.file(name);
    fs::write(&path, content).unwrap();
    path
}

/// The review that is printed as a draft, filled in.
fn review(t: &Terminal) -> String {
    let draft = t.does("frank", &["review", "complete", "--draft"]);
    for part in [
        "subject = \"G-1\"",
        "subject = \"G-1/2\"",
        "# ",
        "cleared the cache",
    ] {
        assert!(draft.contains(part), "{part:?}: {draft}");
    }
    let written = draft
        .replace("verdict = \"\"", "verdict = \"justified\"")
        .replace(
            "root_cause = \"\"\"\n",
            "root_cause = \"\"\"\nThe release was never tried.\n",
        )
        .replace("gaps = []", "gaps = [\"nobody tries releases\"]");
    file(t, "review.toml", &written)
}

/// The incident closed, without a word too many.
pub(crate) fn closed() -> Terminal {
    let t = resolved();
    let report = t.does("erin", &["report", "file", "--draft"]);
    let of_another = file(
        &t,
        "other.md",
        &report.replace("report: INC-1", "report: INC-2"),
    );
    let other = ["report", "file", "--summary", "s", "--from", &of_another];
    let other = t.types("erin", &other);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(
        other.said.contains("drafted for INC-2, this is INC-1"),
        "{other:?}"
    );
    let report = file(&t, "report.md", &report);
    let review = review(&t);
    let steps: [(&str, &[&str]); 6] = [
        (
            "erin",
            &["report", "file", "--summary", "it broke", "--from", &report],
        ),
        ("frank", &["review", "complete", "--from", &review]),
        (
            "erin",
            &[
                "review",
                "procedure",
                "--reference",
                "wiki",
                "--summary",
                "done",
            ],
        ),
        (
            "dave",
            &[
                "access-review",
                "decide",
                "shop-root",
                "--incident",
                "INC-1",
                "--decision",
                "keep",
                "--why",
                "needed",
            ],
        ),
        (
            "grace",
            &[
                "cab",
                "record",
                "--decision",
                "accepted",
                "--remark",
                "it had to be",
            ],
        ),
        ("erin", &["incident", "close"]),
    ];
    for (who, args) in steps {
        t.does(who, args);
    }
    t
}

#[test]
fn from_the_resolution_to_a_closed_incident() {
    let t = resolved();
    let early = t.refuses("erin", &["incident", "close"]);
    assert!(
        early.contains("obligations_open") || early.contains("duties"),
        "{early}"
    );
    let report = t.does("erin", &["report", "file", "--draft"]);
    assert!(report.starts_with("# Incident report: INC-1"), "{report}");
    let report = file(&t, "report.md", &report);
    let by = ["--summary", "a bad release", "--from", &report];
    assert_eq!(
        t.does("erin", &[&["report", "file"][..], &by].concat()),
        "INC-1"
    );
    let review = review(&t);
    let complete = ["review", "complete", "--from", &review];
    let took_part = t.refuses("carol", &complete);
    assert!(took_part.contains("may not"), "no reviewer: {took_part}");
    assert_eq!(t.does("frank", &complete), "INC-1");
    let procedure = ["--reference", "wiki", "--summary", "releases are tried"];
    t.does("erin", &[&["review", "procedure"][..], &procedure].concat());
    let access = [
        "--incident",
        "INC-1",
        "--decision",
        "keep",
        "--why",
        "needed",
    ];
    let decide = ["access-review", "decide", "shop-root"];
    t.does("dave", &[&decide[..], &access].concat());
    let decision = ["--decision", "accepted", "--remark", "it had to be"];
    let minutes = t.refuses("erin", &[&["cab", "record"][..], &decision].concat());
    assert!(
        minutes.contains("--minutes") || minutes.contains("document"),
        "{minutes}"
    );
    t.does("grace", &[&["cab", "record"][..], &decision].concat());
    assert_eq!(t.does("erin", &["incident", "close"]), "INC-1");

    let shown = t.does("erin", &["incident", "show", "INC-1", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "closed");
    what_was_written_is_shown(&t);
    let older = t.does("erin", &["incident", "list", "--before", "INC-2"]);
    assert!(older.contains("INC-1"), "{older}");
    let older = t.does("erin", &["grant", "list", "--before", "G-2"]);
    assert!(older.contains("G-1"), "{older}");
    let wrong = t.types("erin", &["incident", "list", "--before", "G-2"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    // A late fact opens it again.
    let late = [
        "--grant",
        "G-1",
        "--target",
        "shop",
        "--description",
        "and the queue",
    ];
    let record = ["action", "record", "--action", "rollback"];
    let recorded = t.types("alice", &[&record[..], &late].concat());
    assert_eq!(recorded.code, 0, "{recorded:?}");
    let shown = t.does("erin", &["incident", "show", "INC-1"]);
    assert!(shown.contains("resolved"), "{shown}");
    evidence_verifies(&t);
}

fn what_was_written_is_shown(t: &Terminal) {
    let report = t.does("alice", &["report", "show", "INC-1"]);
    assert!(report.contains("## Incident report, version 1"), "{report}");
    assert!(report.contains("> # Incident report: INC-1"), "{report}");
    let none = t.types("alice", &["report", "show", "INC-1", "--revision", "2"]);
    assert_eq!(none.code, 2, "{none:?}");
    let review = t.does("alice", &["review", "show", "INC-1"]);
    assert!(review.contains("The release was never tried."), "{review}");
    let pack = t.does("alice", &["incident", "show", "INC-1", "--format", "md"]);
    for part in [
        "# INC-1: ",
        "| G-1 | shop-root | alice | bob, carol |",
        "| incident report |",
        "## Post-incident review, version 1",
        "## Board review",
        "nobody tries releases",
        "## Timeline",
    ] {
        assert!(pack.contains(part), "{part}: {pack}");
    }
}

fn evidence_verifies(t: &Terminal) {
    let folder = t.file("evidence");
    t.does("frank", &["log", "export", &folder]);
    let genesis = t.house.stage.genesis.to_string();
    t.does("frank", &["verify", &folder, "--genesis", &genesis]);
    let blobs = fs::read_dir(Path::new(&folder).join("blobs")).unwrap();
    let texts = blobs.map(|b| fs::read_to_string(b.unwrap().path()).unwrap_or_default());
    let texts: Vec<String> = texts.collect();
    for document in ["# Incident report: INC-1", "The release was never tried."] {
        assert!(texts.iter().any(|t| t.contains(document)), "{document}");
    }
}

#[test]
fn a_review_that_leaves_something_out_is_not_signed_away() {
    let t = resolved();
    let path = review(&t);
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.rsplit_once("[[verdict]]").unwrap().0;
    let cut = file(&t, "cut.toml", cut);
    let said = t.refuses("frank", &["review", "complete", "--from", &cut]);
    assert!(said.contains("G-1/2"), "{said}");
    let draft = t.does("frank", &["review", "complete", "--draft"]);
    let empty = file(&t, "empty.toml", &draft);
    let ended = t.types("frank", &["review", "complete", "--from", &empty]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.said.contains("the verdict on G-1"), "{ended:?}");
}

#[test]
fn two_uninvolved_people_let_a_duty_go_and_each_sees_what_they_sign() {
    let t = resolved();
    let waive = ["waive", "incident_report"];
    let because = ["--why", "there was nothing to report"];
    let said = t.refuses("erin", &[&waive[..], &because].concat());
    assert!(said.contains("may not"), "{said}");
    t.does("grace", &[&waive[..], &because].concat());
    let own = t.refuses("grace", &waive);
    assert!(own.contains("proposed it yourself"), "{own}");
    let shown = t.types("heidi", &waive);
    assert_eq!(shown.code, 2, "nobody to ask: {shown:?}");
    assert!(
        shown.said.contains("there was nothing to report"),
        "{shown:?}"
    );
    t.does("heidi", &[&waive[..], &["--yes"]].concat());
    let shown = t.does("erin", &["incident", "show", "INC-1"]);
    assert!(shown.contains("incident_report: erin, waived"), "{shown}");
}

#[test]
fn every_quarter_somebody_decides_on_everybody_who_may_ask() {
    let t = Terminal::open();
    t.log_in(&["alice", "carol", "frank"]);
    let list = t.does("frank", &["access-review", "list"]);
    assert!(list.contains("alice"), "{list}");
    let decide = ["access-review", "decide", "shop-root", "--decision", "keep"];
    let why = ["--why", "still on call"];
    let left = t.types("frank", &[&decide[..], &why].concat());
    assert_eq!(left.code, 2, "{left:?}");
    assert!(left.said.contains("nothing is decided on"), "{left:?}");
    let own = [&decide[..], &why, &["--keep-others"]].concat();
    let said = t.refuses("carol", &own);
    assert!(said.contains("own access"), "{said}");
    let removed = ["--person", "alice=remove", "--keep-others"];
    t.does("frank", &[&decide[..], &why, &removed].concat());
}

#[test]
fn command_changes_hands() {
    let t = resolved();
    let transfer = ["incident", "transfer", "INC-1", "--to", "carol"];
    let said = t.refuses("dave", &[&transfer[..], &["--why", "mine"]].concat());
    assert!(said.contains("may not"), "{said}");
    let why = ["--why", "erin goes to bed"];
    t.does("erin", &[&transfer[..], &why].concat());
    let shown = t.does("erin", &["incident", "show", "INC-1"]);
    assert!(shown.contains("commander  carol"), "{shown}");
}
