//! What can be known to fail is found before anything is declared or handed out.

use serde_json::Value;

use crate::course::{Ended, Terminal};

const HOW: [&str; 6] = [
    "--declare",
    "production-outage",
    "--service",
    "shop",
    "--why",
    "w",
];

fn asks(t: &Terminal, who: &str, account: &str, more: &[&str]) -> Ended {
    let args = [&["request", account, "--title", "t"], &HOW[..], more].concat();
    t.types(who, &args)
}

fn incidents(t: &Terminal) -> Vec<Value> {
    let list = t.does("bob", &["incident", "list", "--json"]);
    serde_json::from_str(&list).unwrap()
}

#[test]
fn nothing_is_declared_for_a_request_that_must_be_refused() {
    let t = Terminal::open();
    let rejected = |who: &str, account: &str, more: &[&str], code: i32, text: &str| {
        let ended = asks(&t, who, account, more);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.said.contains(text), "{text} is not in {ended:?}");
        let all = incidents(&t);
        assert!(all.iter().all(|i| i["reference"] == "INC-1"), "{all:?}");
    };
    rejected("alice", "nosuch", &[], 2, "no account");
    rejected("alice", "shop-root", &[], 1, "no credential of shop-root");
    t.import();
    rejected("bob", "shop-root", &[], 1, "no entitlement");
    rejected("alice", "shop-root", &["--for", "5s"], 1, "at least 1m");
    rejected("alice", "shop-root", &["--for", "100h"], 1, "allows");
    let action = ["--action", "deploy_patch", "--target", "shop"];
    rejected("alice", "shop-root", &action, 1, "permits no deploy_patch");
    assert_eq!(incidents(&t).len(), 0);
    assert_eq!(t.ask(), "R-1");
    t.does("bob", &["approve", "--yes"]);
    t.does("carol", &["approve", "--yes"]);
    rejected("alice", "shop-root", &[], 1, "held under G-1");
    rejected("alice", "shop-root", &[], 1, "breakglass extend G-1");
}

#[test]
fn a_second_declaration_of_the_same_is_not_made_unseen() {
    let t = Terminal::open();
    t.import();
    let first = asks(&t, "alice", "shop-root", &["--json"]);
    let value: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!(value["incident"], "INC-1", "{first:?}");
    let second = asks(&t, "alice", "shop-root", &[]);
    assert!(
        second
            .said
            .contains("INC-1, production-outage, was declared"),
        "{second:?}"
    );
    assert!(second.said.contains("led by alice"), "{second:?}");
    assert!(second.said.contains("under INC-2"), "{second:?}");
    let meant = asks(&t, "alice", "shop-root", &["--yes"]);
    assert!(!meant.said.contains("was declared"), "{meant:?}");
    t.house.skip_s(16 * 60);
    let later = asks(&t, "alice", "shop-root", &["--server-time"]);
    assert!(!later.said.contains("was declared"), "{later:?}");
}

#[test]
fn a_suspended_approver_is_shown_as_one_who_does_not_count() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin", "grace", "heidi"]);
    t.import();
    t.ask();
    t.does("bob", &["approve", "--yes"]);
    let pending = t.does("carol", &["pending"]);
    assert!(pending.contains("1 of 2: bob"), "{pending}");
    for by in ["erin", "grace"] {
        t.does(by, &["key", "suspend", "bob", "--why", "stolen"]);
    }
    let pending = t.does("carol", &["pending"]);
    assert!(pending.contains("0 of 2: bob (suspended"), "{pending}");
    let seen = t.types("carol", &["approve"]);
    assert!(seen.said.contains("approved by     nobody"), "{seen:?}");
    let aside = "set aside       bob approved, is suspended, and does not count";
    assert!(seen.said.contains(aside), "{seen:?}");
}

#[test]
fn an_approver_sees_what_the_incident_was_declared_with() {
    let t = Terminal::open();
    t.import();
    t.ask();
    let seen = t.types("bob", &["approve"]);
    assert!(
        seen.said
            .contains("INC-1, production-outage, sev1: checkout answers 500\n"),
        "{seen:?}"
    );
}

#[test]
fn a_mistyped_field_spends_no_use_of_the_grant() {
    let t = Terminal::open();
    t.import();
    asks(&t, "alice", "shop-root", &["--uses", "1"]);
    t.does("bob", &["approve", "--yes"]);
    t.does("carol", &["approve", "--yes"]);
    let wrong = t.refuses("alice", &["checkout", "--field", "pasword", "--show"]);
    assert!(wrong.contains("no field pasword"), "{wrong}");
    let name = t.does("alice", &["checkout", "--field", "username", "--show"]);
    assert_eq!(name, "shop-root");
    let spent = t.refuses("alice", &["checkout", "--field", "username", "--show"]);
    assert!(spent.contains("error"), "{spent}");
}

#[test]
fn an_incident_is_named_either_way_and_its_duties_name_their_owner() {
    let t = Terminal::open();
    t.import();
    t.ask();
    let plain = t.does("erin", &["incident", "show", "INC-1"]);
    assert_eq!(
        t.does("erin", &["incident", "show", "--incident", "INC-1"]),
        plain
    );
    assert!(
        plain.contains("incident_resolved: erin, open, due"),
        "{plain}"
    );
    let both = ["incident", "show", "INC-1", "--incident", "INC-1"];
    assert_eq!(t.types("erin", &both).code, 2);
    let status = t.does("erin", &["status"]);
    assert!(status.contains("incident resolved: erin, due"), "{status}");
    let none = t.types("erin", &["action", "list"]);
    assert!(none.said.contains("there is no run"), "{none:?}");
}
