//! Asking once more, and using what was asked for as soon as it is granted.

use serde_json::Value;

use crate::{course::Terminal, scene::wait};

/// A request of Alice's, as the server shows it.
fn shown(terminal: &Terminal, reference: &str) -> Option<Value> {
    let list = terminal.does("bob", &["pending", "--json"]);
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    list.into_iter().find(|r| r["reference"] == reference)
}

#[test]
fn what_was_denied_is_asked_for_once_more() {
    let terminal = Terminal::open();
    terminal.import();
    let first = terminal.ask();
    let early = terminal.refuses("alice", &["request", "--again", &first]);
    assert!(early.contains("still waits"), "{early}");
    terminal.does("bob", &["deny", &first, "--why", "which release?"]);
    let stolen = terminal.refuses("dave", &["request", "--again", &first]);
    assert!(stolen.contains("alice's request"), "{stolen}");
    let why = "2.4.0, as the runbook says";
    let again = ["request", "--again", &first, "--why", why, "--for", "1h"];
    let second = terminal.does("alice", &again);
    let view = shown(&terminal, &second).unwrap();
    assert_eq!(view["account"], "shop-root");
    assert_eq!(view["duration_s"], 3600);
    // Its approvers see that somebody said no before.
    let seen = terminal.types("carol", &["approve", &second]);
    assert!(seen.said.contains("bob denied a request"), "{seen:?}");
    terminal.does("alice", &["withdraw", &second]);
    let third = terminal.does("alice", &["request", "--again", &second]);
    assert_eq!(shown(&terminal, &third).unwrap()["duration_s"], 3600);
}

#[test]
fn one_command_asks_waits_and_runs_with_what_it_got() {
    let terminal = Terminal::open();
    terminal.import();
    let at_once = terminal.types(
        "alice",
        &[
            "request",
            "shop-root",
            "--declare",
            "production-outage",
            "--service",
            "shop",
            "--title",
            "t",
            "--why",
            "w",
            "--wait",
            "--exec",
            "--",
            "no-such-program",
        ],
    );
    assert!(at_once.said.contains("there is no program"), "{at_once:?}");
    assert_eq!(
        terminal.does("alice", &["incident", "list"]),
        "",
        "nobody was woken up"
    );
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            terminal.does(
                "alice",
                &[
                    "request",
                    "shop-root",
                    "--declare",
                    "production-outage",
                    "--service",
                    "shop",
                    "--title",
                    "checkout is broken",
                    "--why",
                    "roll back",
                    "--commander",
                    "erin",
                    "--wait",
                    "--exec",
                    "--",
                    "sh",
                    "-c",
                    "test -n \"$BREAKGLASS_PASSWORD\" && echo used as $BREAKGLASS_USERNAME",
                ],
            )
        });
        wait("the request", || shown(&terminal, "R-1").is_some());
        terminal.does("bob", &["approve", "R-1", "--yes"]);
        terminal.does("carol", &["approve", "R-1", "--yes"]);
        let said = asking.join().unwrap();
        assert!(said.contains("used as shop-root"), "{said}");
    });
}
