//! What an incident's timeline tells: refusals among the rest, and which day it was.

use serde_json::Value;

use crate::course::Terminal;

/// `R-1` waits under `INC-1`; two people tried what they may not.
fn tried() -> Terminal {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin"]);
    t.import();
    t.ask();
    t.refuses("erin", &["approve", "R-1", "--yes"]);
    t.refuses("bob", &["withdraw", "R-1"]);
    t
}

#[test]
fn the_timeline_of_an_incident_tells_what_was_refused_in_it() {
    let t = tried();
    let told = t.does("alice", &["incident", "timeline", "INC-1"]);
    for refused in [
        "REFUSED: approval by erin (\"shop-root\"): not_an_approver",
        "REFUSED: act.withdraw by bob",
    ] {
        assert!(told.contains(refused), "{refused:?} is not in {told}");
    }
    let shown = t.does("alice", &["incident", "show", "INC-1"]);
    assert!(
        shown.contains("erin: approval (not_an_approver)"),
        "{shown}"
    );
    let json = t.does("alice", &["incident", "show", "INC-1", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["reference"], "INC-1");
    assert_eq!(json["refusals"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn a_refusal_of_one_incident_is_not_told_in_another() {
    let t = tried();
    let declare = ["incident", "declare", "--scenario", "production-outage"];
    let how = ["--service", "shop", "--title", "again", "--why", "x"];
    t.does("alice", &[&declare[..], &how].concat());
    // Tells by its id whose it is; and by its account, which only the first was asked for.
    t.refuses("carol", &["withdraw", "R-1"]);
    t.refuses("erin", &["approve", "R-1", "--yes"]);
    let told = t.does("alice", &["incident", "timeline", "INC-2"]);
    assert!(!told.contains("REFUSED"), "{told}");
    let told = t.does("alice", &["incident", "timeline", "INC-1"]);
    assert_eq!(told.matches("REFUSED").count(), 4, "{told}");
}

#[test]
fn the_timeline_says_the_day_whenever_it_changes() {
    let t = tried();
    t.house.skip_s(24 * 3600);
    t.does(
        "erin",
        &["--server-time", "incident", "note", "a day later"],
    );
    let told = t.does("erin", &["--server-time", "incident", "timeline", "INC-1"]);
    let lines: Vec<&str> = told.lines().collect();
    let days: Vec<usize> = (0..lines.len())
        .filter(|i| lines[*i].ends_with(" (UTC)"))
        .collect();
    assert_eq!(days.len(), 2, "{told}");
    assert_eq!(days[0], 0, "{told}");
    assert_ne!(lines[days[0]], lines[days[1]]);
    assert!(
        lines[days[1]..].iter().any(|l| l.contains("a day later")),
        "{told}"
    );
}
