//! The demonstration, as a person starts it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

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
    for refusal in [
        "own_request",
        "request_differs",
        "already_approved",
        "statement_invalid",
        "401: the shop no longer knows it",
        "obligations_open",
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
    ] {
        assert!(said.contains(shown), "no {shown} in {said}");
    }
    assert!(out.join("log/checkpoint").is_file());
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
