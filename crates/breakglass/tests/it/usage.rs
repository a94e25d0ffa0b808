//! The compiled program: what it says and how it ends when nothing can come of a command.

use std::process::{Command, Output, Stdio};

pub(crate) fn breakglass(home: &std::path::Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .arg("--home")
        .arg(home)
        .args(args)
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn ends(args: &[&str], code: i32, said: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let output = breakglass(home.path(), args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    for text in said {
        assert!(
            stderr.contains(text),
            "{args:?}: {text:?} is not in {stderr}"
        );
    }
    assert!(output.stdout.is_empty(), "{args:?}: {:?}", output.stdout);
}

#[test]
fn mistakes_in_what_is_typed_end_with_2() {
    ends(&[], 2, &["Usage"]);
    ends(&["frobnicate"], 2, &["unrecognized subcommand"]);
    ends(&["request", "db"], 2, &["--why"]);
    ends(
        &["request", "db", "--why", "x", "--for", "90"],
        2,
        &["not a duration"],
    );
    ends(&["request", "db", "--why", "a\u{202e}b"], 2, &["U+202E"]);
    ends(
        &["request", "db", "--why", "x", "--action", "rollback"],
        2,
        &["--target"],
    );
    ends(
        &["join", "https://a.example", "--genesis", "sha256:00"],
        2,
        &["not a digest"],
    );
    ends(
        &["checkout", "G-1", "--exec", "--show", "--", "true"],
        2,
        &["cannot be used with"],
    );
    ends(
        &["login", "--for", "9h"],
        2,
        &["error: a session lives at most 8h"],
    );
    ends(
        &["checkout", "G-1"],
        2,
        &["error: where shall the credential go?", "hint: --exec"],
    );
}

#[test]
fn without_a_configuration_the_hint_says_how_to_join() {
    for args in [
        &["whoami"][..],
        &["approve", "R-1", "--yes"],
        &["incident", "list"],
    ] {
        ends(
            args,
            1,
            &["error: ", "client.toml does not exist", "hint: join"],
        );
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_3_and_http_is_refused_elsewhere() {
    let genesis = format!("sha256:{}", "ab".repeat(32));
    // Port 1 of loopback: nothing listens there.
    let args = [
        "join",
        "http://127.0.0.1:1",
        "--genesis",
        &genesis,
        "--new-key",
    ];
    ends(&args, 3, &["error: http://127.0.0.1:1", "hint: "]);
    let args = ["join", "http://a.example", "--genesis", &genesis];
    ends(&args, 2, &["http is for loopback only"]);
}

#[test]
fn what_a_configuration_says_wrongly_is_named() {
    let home = tempfile::tempdir().unwrap();
    let config = "servers = []\nsecret = 1\n";
    std::fs::write(home.path().join("client.toml"), config).unwrap();
    let output = breakglass(home.path(), &["status"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("unknown field `secret`"), "{stderr}");
}

#[test]
fn manual_pages_and_completions_are_made_for_every_verb() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    let made = breakglass(dir.path(), &["man", pages.to_str().unwrap()]);
    assert!(made.status.success());
    for page in [
        "breakglass.1",
        "breakglass-request.1",
        "breakglass-key-suspend.1",
    ] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = breakglass(dir.path(), &["completions", shell]);
        let script = String::from_utf8(script.stdout).unwrap();
        assert!(script.contains("access-review"), "{shell}");
    }
}

#[test]
fn the_systemd_unit_starts_a_server_whose_log_may_only_be_read() {
    let unit = include_str!("../../../../contrib/systemd/breakglass.service");
    let mut commands = unit.lines().filter(|l| l.starts_with("Exec"));
    let start = commands.next().unwrap();
    assert!(start.starts_with("ExecStart=") && !start.contains("--check"));
    assert_eq!(commands.next(), None, "a check before it ends with 1");
}
