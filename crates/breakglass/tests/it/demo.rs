//! The demonstration, as a person starts it.

use breakglass_format::Event;
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

/// What nobody does in the play: the rest of the log's vocabulary it uses up.
const NOT_PLAYED: [&str; 14] = [
    "BREAK_GLASS_EXTENDED",
    "BREAK_GLASS_VOIDED",
    "BREAK_GLASS_WITHDRAWN",
    "CLOCK_STEPPED",
    "CONTACT_SET",
    "COMMAND_TRANSFERRED",
    "CREDENTIAL_ROTATION_FAILED",
    "EPOCH_BEGUN",
    "LOG_RECOVERED",
    "REFUSALS_SUMMARISED",
    "ROTATION_ATTESTED",
    "ROTATION_ORDERED",
    "SINK_CHANGED",
    "STORAGE_CHANGED",
];

#[test]
fn each_scenario_is_played_alone() {
    for (scenario, shown) in [
        ("critical-patch", "deploy 2.4.2 to shop"),
        ("system-failure", "deploy 2.4.3 to shop"),
        ("production-outage", "roll shop back from 2.4.1"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["demo", "--once", "--scenario", scenario])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        assert!(run.status.success(), "{said}");
        assert!(
            said.contains(shown) && said.contains("every rule held"),
            "{said}"
        );
        assert!(!said.contains("INC-2"), "{said}");
    }
}

fn everything_was_told(said: &str) {
    for refusal in [
        "own_request",
        "request_differs",
        "already_approved",
        "statement_invalid",
        "401: the shop no longer knows it",
        "obligations_open",
        "purpose_differs",
        "control_plane_up",
    ] {
        assert!(
            said.contains(&format!("refused: {refusal}")),
            "no {refusal} in {said}"
        );
    }
    for shown in [
        "-> 500 checkout is broken",
        "-> 200 shop is open",
        "every rule held",
        " (UTC)",
        "credential rotation of shop-root: met",
        "post incident review: met",
        "erin closed the incident",
        "dave DENIED",
        "the incident is open again",
        "the control plane is UP",
        "the control plane is down; probed before a run",
        ": lapsed; the approvals did not come in time",
        "OVERDUE since",
        "WAIVED by grace, heidi",
        "cab notified: met",
        "incident report: met late",
    ] {
        assert!(said.contains(shown), "no {shown} in {said}");
    }
}

/// What is shown for a shell works in one.
fn works_as_shown(said: &str, folder: &std::path::Path) {
    let lines: Vec<&str> = said.lines().collect();
    let start = lines
        .iter()
        .position(|l| l.contains("Without our software"));
    let shown = lines[start.unwrap() + 1..][..3].join("\n");
    let run = Command::new("sh")
        .args(["-c", &shown])
        .current_dir(folder)
        .output()
        .unwrap();
    let good = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        good.contains("Good \"approval.v1@breakglass\" signature for bob"),
        "{shown}: {run:?}"
    );
}

#[test]
fn the_demonstration_plays_to_the_end_and_leaves_only_what_was_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let (home, temporary) = (place.path().join("home"), place.path().join("tmp"));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::create_dir_all(&temporary).unwrap();
    let out = place.path().join("evidence");
    let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["demo", "--once", "--out"])
        .arg(&out)
        .env("HOME", &home)
        .env("TMPDIR", &temporary)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_RUNTIME_DIR")
        // Loopback never goes through a proxy.
        .env("http_proxy", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("all_proxy", "http://127.0.0.1:1")
        .current_dir(&home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(run.stdout).unwrap();
    let complained = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}{complained}");
    assert_eq!(complained, "");
    everything_was_told(&said);
    assert!(out.join("log/checkpoint").is_file());
    works_as_shown(&said, &out);
    let events = std::fs::read_to_string(out.join("siem.jsonl")).unwrap();
    for event_type in Event::TYPES.iter().filter(|t| !NOT_PLAYED.contains(t)) {
        let line = format!("\"event_type\":\"{event_type}\"");
        assert!(events.contains(&line), "no {event_type} in the play");
    }
    assert_eq!(
        std::fs::read_dir(&home).unwrap().count(),
        0,
        "something was written at home"
    );
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "something was left behind"
    );
}

#[test]
fn an_export_never_goes_over_something() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine"), "precious").unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["demo", "--once", "--out"])
        .arg(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("is not an empty folder"));
}

#[test]
fn interrupted_it_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .arg("demo")
        .env("TMPDIR", place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("The house stays open")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn data_that_could_not_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .arg("openapi")
        .stdout(full)
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("could not be written"));
}
