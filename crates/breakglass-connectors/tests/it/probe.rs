//! Probes, against servers that answer in every way a control plane may.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use breakglass_connectors::{
    command::Command,
    probe::{
        Probe as _, Saw,
        command::CommandProbe,
        http::{HttpProbe, UrlError},
    },
};

fn agent(timeout_ms: u64) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_millis(timeout_ms)))
        .build()
        .into()
}

fn probe(address: SocketAddr, contains: Option<&str>, timeout_ms: u64) -> HttpProbe {
    let url = format!("http://{address}/healthz");
    HttpProbe::new(
        "plane",
        &url,
        contains.map(str::to_owned),
        agent(timeout_ms),
    )
    .unwrap()
}

/// A server that answers one call like this; the empty answer hangs up.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while lines
            .next()
            .is_some_and(|l| !l.unwrap_or_default().is_empty())
        {}
        let _ = stream.write_all(answer.as_bytes());
    });
    address
}

#[test]
fn what_a_probe_sees_is_told_apart() {
    let cases: &[(&str, Option<&str>, Saw, &str)] = &[
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            None,
            Saw::Up,
            "200",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            Some("ok"),
            Saw::Up,
            "200",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nmaintenance",
            Some("ready"),
            Saw::Down,
            "200 without the expected text",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", None, Saw::Up, "204"),
        (
            "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
            None,
            Saw::Up,
            "401",
        ),
        (
            "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
            None,
            Saw::Up,
            "403",
        ),
        (
            "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
            None,
            Saw::Unclear,
            "404",
        ),
        (
            "HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            None,
            Saw::Unclear,
            "302",
        ),
        (
            "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            None,
            Saw::Down,
            "503",
        ),
        (
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            Some("ok"),
            Saw::Down,
            "500",
        ),
    ];
    for (answer, contains, saw, detail) in cases {
        let sample = probe(answering(answer), *contains, 4_000).sample();
        assert_eq!(
            (sample.saw, sample.detail.as_str()),
            (*saw, *detail),
            "{answer}"
        );
    }
}

#[test]
fn nobody_there_is_down_and_a_fault_of_ours_is_unclear() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It takes the connection, and nobody ever answers.
    let silent = probe(address, None, 200).sample();
    assert_eq!(
        (silent.saw, silent.detail.as_str()),
        (Saw::Down, "no answer in time")
    );
    drop(listener);
    let refused = probe(address, None, 4_000).sample();
    assert_eq!(refused.saw, Saw::Down, "{}", refused.detail);
    let url = "http://no-such-name.invalid/";
    let unnamed = HttpProbe::new("plane", url, None, agent(4_000)).unwrap();
    assert_eq!(unnamed.sample().saw, Saw::Unclear);
}

#[test]
fn an_address_holds_no_secret_and_is_one() {
    let made = |url: &str| HttpProbe::new("plane", url, None, agent(100)).map(drop);
    for url in ["ftp://host/", "host", "file:///etc/passwd", "https://"] {
        let refused = made(url).unwrap_err();
        assert!(matches!(refused, UrlError::Scheme { .. }), "{url}");
    }
    assert_eq!(made("https://me:secret@host/"), Err(UrlError::UserInfo));
    assert!(made("https://host/@me").is_ok());
}

#[test]
fn a_program_says_what_it_sees_and_its_own_faults_say_nothing() {
    let cases = [
        (r#"{"ok":{"state":"up"}}"#, Saw::Up, "up"),
        (
            r#"{"ok":{"state":"down","detail":"queue full"}}"#,
            Saw::Down,
            "down: queue full",
        ),
        (
            r#"{"ok":{"state":"cannot_tell"}}"#,
            Saw::Unclear,
            "cannot tell",
        ),
        (
            r#"{"ok":{"state":"perhaps"}}"#,
            Saw::Unclear,
            "the program failed",
        ),
        (
            r#"{"error":{"class":"transient","detail":"no route"}}"#,
            Saw::Unclear,
            "the program failed",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (number, (answer, saw, says)) in cases.into_iter().enumerate() {
        let path = dir.path().join(format!("probe-{number}"));
        std::fs::write(
            &path,
            format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n"),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let command = Command::new(path, Vec::new(), Duration::from_secs(4)).unwrap();
        let sample = CommandProbe::new("queue", command).sample();
        assert_eq!(sample.saw, saw, "{answer}: {}", sample.detail);
        assert!(sample.detail.starts_with(says), "{}", sample.detail);
    }
}
