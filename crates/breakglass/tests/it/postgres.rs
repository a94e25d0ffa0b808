//! The PostgreSQL rotator against a real server: what it does, what it proves, and what it makes
//! of a server that fails in the middle.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use breakglass::demo::{PostgresServer, ROLE, ROTATOR};
use breakglass_connectors::{
    Fields,
    rotate::{
        Rotator as _, Verdict,
        postgres::{Address, PostgresRotator},
        procedure::{Outcome, rotate},
    },
};
use breakglass_format::{error_class::ErrorClass, event::AccountRef};
use breakglass_seal::SecretText;

use tempfile::TempDir;

use crate::ssh::skipped;

const OLD: &str = "OldPasswordOfTheRole1";
const NEW: &str = "NewPasswordOfTheRole2";
const MACHINE: &str = "PasswordOfTheRotator3";

fn secret(text: &str) -> SecretText {
    SecretText::from(text.to_owned())
}

/// A server with both roles; none where PostgreSQL is not installed.
fn server(test: &str) -> Option<(PostgresServer, TempDir)> {
    let place = place();
    let Some(server) = PostgresServer::start(place.path()).unwrap() else {
        skipped(test, "PostgreSQL is not installed");
        return None;
    };
    server.make_roles(&secret(OLD), &secret(MACHINE)).unwrap();
    Some((server, place))
}

/// A folder that another user may pass through.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(place.path(), open).unwrap();
    place
}

fn rotator(port: u16) -> PostgresRotator {
    PostgresRotator {
        address: Address::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
        },
        database: "postgres".to_owned(),
        user: ROTATOR.to_owned(),
        password: MACHINE.to_owned().into(),
        tls: None,
        timeout: Duration::from_secs(5),
    }
}

fn account() -> AccountRef {
    AccountRef {
        id: "acc_db".parse().unwrap(),
        name: "db".parse().unwrap(),
    }
}

fn of(password: &'static str) -> Fields<'static> {
    Fields::from_iter([("username", ROLE), ("password", password)])
}

fn text(evidence: &[u8]) -> String {
    String::from_utf8(evidence.to_vec()).unwrap()
}

#[test]
fn a_role_gets_another_password_and_its_sessions_end() {
    let Some((server, _place)) = server("a_role_gets_another_password_and_its_sessions_end") else {
        return;
    };
    let mut open = server.session(ROLE, OLD).unwrap();
    let outcome = rotate(&rotator(server.port), &account(), &of(OLD), &of(NEW));
    let Outcome::Rotated { evidence } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        text(&evidence).contains(r#""sessions_ended":1"#),
        "{}",
        text(&evidence)
    );
    assert!(!open.wait().unwrap().success(), "the session was cut");
    assert!(server.lets_in(ROLE, NEW).unwrap());
    assert!(!server.lets_in(ROLE, OLD).unwrap());
    for password in [OLD, NEW, MACHINE] {
        assert!(!text(&evidence).contains(password));
    }
    // Again, from the start: it has happened already, and nothing is changed.
    let again = rotate(&rotator(server.port), &account(), &of(OLD), &of(NEW));
    assert!(matches!(again, Outcome::Rotated { .. }), "{again:?}");
}

#[test]
fn what_the_server_keeps_is_a_verifier() {
    let Some((server, _place)) = server("what_the_server_keeps_is_a_verifier") else {
        return;
    };
    let outcome = rotate(&rotator(server.port), &account(), &of(OLD), &of(NEW));
    assert!(matches!(outcome, Outcome::Rotated { .. }), "{outcome:?}");
    let kept = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{ROLE}'");
    let kept = server.sql(&kept).unwrap();
    assert!(kept.starts_with("SCRAM-SHA-256$4096:"), "{kept}");
}

#[test]
fn a_server_that_lets_anybody_in_proves_nothing() {
    let Some((server, _place)) = server("a_server_that_lets_anybody_in_proves_nothing") else {
        return;
    };
    let hba = server.sql("SHOW hba_file").unwrap();
    std::fs::write(hba.trim(), "host all all 127.0.0.1/32 trust\n").unwrap();
    server.sql("SELECT pg_reload_conf()").unwrap();
    let failure = loop {
        match rotator(server.port).prove(&account(), &of(OLD), Verdict::Accepted) {
            Err(failure) => break failure,
            // Reloading takes the server a moment.
            Ok(_) => std::thread::yield_now(),
        }
    };
    assert_eq!(failure.class, ErrorClass::Permanent);
    assert!(
        failure.detail.as_str().contains("pg_hba.conf"),
        "{}",
        failure.detail
    );
}

#[test]
fn what_a_person_must_mend_is_told_from_what_passes() {
    let Some((server, _place)) = server("what_a_person_must_mend_is_told_from_what_passes") else {
        return;
    };
    let change = |rotator: &PostgresRotator, new: &Fields<'_>| {
        rotator.change(&account(), &of(OLD), new).unwrap_err()
    };
    let mut wrong = rotator(server.port);
    wrong.password = "WrongPassword".to_owned().into();
    let failure = change(&wrong, &of(NEW));
    assert_eq!(failure.class, ErrorClass::Permanent, "{failure}");
    let nobody = Fields::from_iter([("username", "nobody_here"), ("password", NEW)]);
    let failure = change(&rotator(server.port), &nobody);
    assert_eq!(failure.class, ErrorClass::Permanent, "{failure}");
    assert!(failure.detail.as_str().contains("no role"), "{failure}");
    let injected = r#"x"; ALTER ROLE postgres PASSWORD 'mine'; --"#;
    let injected = Fields::from_iter([("username", injected), ("password", NEW)]);
    let failure = change(&rotator(server.port), &injected);
    assert!(failure.detail.as_str().contains("no role"), "{failure}");
    // The rotator may not touch a role above it.
    let above = Fields::from_iter([("username", "postgres"), ("password", NEW)]);
    let failure = change(&rotator(server.port), &above);
    assert_eq!(failure.class, ErrorClass::Permanent, "{failure}");
    assert!(!server.lets_in("postgres", NEW).unwrap());
    let (port, closed) = (server.port, TcpListener::bind("127.0.0.1:0").unwrap());
    let gone = closed.local_addr().unwrap().port();
    drop(closed);
    let failure = change(&rotator(gone), &of(NEW));
    assert_eq!(failure.class, ErrorClass::Transient, "{failure}");
    assert!(
        server.lets_in(ROLE, OLD).unwrap(),
        "nothing was changed at {port}"
    );
}

/// A proxy that hangs up as soon as the server answers a change.
struct Lossy {
    address: SocketAddr,
}

impl Lossy {
    fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                std::thread::spawn(move || relay(stream, server));
            }
        });
        Self { address }
    }
}

/// Passes everything on, and hangs up in place of the answer that a role was altered.
fn relay(mut client: TcpStream, mut server: TcpStream) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(n @ 1..) = server.read(&mut buffer) {
        let altered = buffer[..n].windows(10).any(|w| w == b"ALTER ROLE");
        if altered || client.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = up.join();
}

#[test]
fn an_answer_that_is_lost_is_read_back() {
    let Some((server, _place)) = server("an_answer_that_is_lost_is_read_back") else {
        return;
    };
    let lossy = Lossy::before(server.port);
    let through = rotator(lossy.address.port());
    let failure = through.change(&account(), &of(OLD), &of(NEW)).unwrap_err();
    assert_eq!(failure.class, ErrorClass::Ambiguous, "{failure}");
    assert!(server.lets_in(ROLE, NEW).unwrap(), "it had happened");
    // The procedure looks before and after, so it comes out right even through such a proxy.
    let outcome = rotate(&through, &account(), &of(OLD), &of(NEW));
    assert!(matches!(outcome, Outcome::Rotated { .. }), "{outcome:?}");
    let back = rotate(&through, &account(), &of(NEW), &of(OLD));
    assert!(matches!(back, Outcome::Rotated { .. }), "{back:?}");
    assert!(server.lets_in(ROLE, OLD).unwrap());
    assert!(!server.lets_in(ROLE, NEW).unwrap());
}
