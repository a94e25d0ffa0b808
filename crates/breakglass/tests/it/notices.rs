//! People are told: by mail through a server that speaks SMTP, by a webhook that checks signatures.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass::actor::Suspended;
use breakglass_server::{
    Server,
    config::{Hook, Mail},
};

use crate::scene::Scene;

/// The longest that a message may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail server that keeps what it is given.
fn mail_server(listener: TcpListener) -> Receiver<String> {
    let (kept, mails) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            while let Some(mail) = take(&stream) {
                if kept.send(mail).is_err() {
                    return;
                }
            }
        }
    });
    mails
}

/// One mail of a session; none at its end.
fn take(stream: &TcpStream) -> Option<String> {
    let say = |text: &str| (&mut &*stream).write_all(text.as_bytes()).ok();
    let mut lines = BufReader::new(stream).lines();
    say("220 mail.example ESMTP\r\n")?;
    let mut mail = String::new();
    loop {
        let line = lines.next()?.ok()?;
        match line.split(' ').next()?.to_uppercase().as_str() {
            "DATA" => {
                say("354 go on\r\n")?;
                loop {
                    let line = lines.next()?.ok()?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                say("250 kept\r\n")?;
            }
            "QUIT" => {
                say("221 bye\r\n")?;
                return Some(mail);
            }
            "RCPT" => {
                mail.push_str(&format!("{line}\n"));
                say("250 fine\r\n")?;
            }
            _ => say("250 fine\r\n")?,
        }
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn with_mail(address: SocketAddr) -> Scene {
    Scene::set_with(|_, config| {
        config.notify.smtp = Some(Mail {
            host: address.ip().to_string(),
            port: Some(address.port()),
            from: "breakglass <breakglass@example.org>".to_owned(),
            user: None,
            password_file: None,
            implicit_tls: false,
            ca_file: None,
            danger_no_tls: false,
        });
        for principal in ["bob", "carol", "erin"] {
            let address = format!("{principal}@example.org");
            config.notify.mail.insert(principal.to_owned(), address);
        }
    })
}

fn mails(server: &Receiver<String>, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| server.recv_timeout(PATIENCE).unwrap())
        .collect()
}

fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it never holds")
}

/// The timeline of the incident, once it says something.
fn says(scene: &Scene, what: &str) -> String {
    let frank = scene.actor("frank");
    for _ in 0..10_000 {
        let lines = frank.client().timeline("INC-1").unwrap();
        let text = lines.join("\n");
        if text.contains(what) {
            return text;
        }
        std::thread::yield_now();
    }
    panic!("{what} is never said")
}

#[test]
fn approvers_are_told_by_mail_what_waits_for_them() {
    let (listener, address) = listen();
    let server = mail_server(listener);
    let scene = with_mail(address);
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    let declared = mails(&server, 1).remove(0);
    assert!(
        declared.contains("RCPT TO:<erin@example.org>"),
        "{declared}"
    );
    cast.request(&incident);
    let asked = mails(&server, 2).join("\n");
    for expected in [
        "RCPT TO:<bob@example.org>",
        "RCPT TO:<carol@example.org>",
        "Subject: [breakglass] R-1 waits for your answer",
        "breakglass approve R-1",
        "breakglass deny R-1",
    ] {
        assert!(asked.contains(expected), "no {expected} in {asked}");
    }
    assert!(
        !asked.contains("RCPT TO:<alice"),
        "nobody is asked to approve their own"
    );
    let told = says(&scene, "\"R-1\" waits: bob (mail), carol (mail)");
    assert!(told.contains("NOT told: dave (none)"), "{told}");
    assert!(!told.contains("@example.org"), "no address is on record");
}

#[test]
fn who_was_not_reached_is_told_when_the_mail_server_is_back() {
    let (listener, address) = listen();
    drop(listener);
    let scene = with_mail(address);
    let mut cast = scene.cast();
    cast.declare();
    let told = says(&scene, "NOBODY could be told of the declaration");
    assert!(told.contains("NOT told: erin (mail)"), "{told}");
    let server = mail_server(TcpListener::bind(address).unwrap());
    scene.skip_s(31);
    let mail = mails(&server, 1).remove(0);
    assert!(mail.contains("erin@example.org"), "{mail}");
    says(&scene, "told of the declaration: erin (mail)");
}

/// Every file below a folder, by its content.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.extend(std::fs::read(entry.path())),
        }
    }
    found
}

#[test]
fn who_is_reached_elsewhere_is_told_so_where_they_were_reached_before() {
    let (listener, address) = listen();
    let server = mail_server(listener);
    let scene = with_mail(address);
    let mut bob = scene.actor("bob");
    let mut set = |to: &str| {
        bob.set_contact(to.parse().unwrap()).unwrap();
        mails(&server, 1).remove(0)
    };
    let mail = set("bob@first.example");
    assert!(mail.contains("RCPT TO:<bob@example.org>"), "{mail}");
    assert!(
        mail.contains("bob is reached elsewhere from now on"),
        "{mail}"
    );
    assert!(
        !mail.contains("first.example"),
        "the new one is not told: {mail}"
    );
    scene.skip_s(60);
    let mail = set("bob@second.example");
    assert!(mail.contains("RCPT TO:<bob@first.example>"), "{mail}");

    let mut alice = scene.actor("alice");
    alice.declare(crate::scene::declaration()).unwrap();
    mails(&server, 1);
    let contacts = scene
        .stage
        .dir()
        .join("server")
        .join("data")
        .join("contacts");
    crate::scene::wait("the removal of the contact before", || {
        files(&contacts).len() == 1
    });
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(&contacts), 0o700);
    let kept = std::fs::read_dir(&contacts)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(mode(&kept.path()), 0o600);
}

#[test]
fn whose_keys_are_suspended_is_told_by_mail() {
    let (listener, address) = listen();
    let server = mail_server(listener);
    let scene = with_mail(address);
    let bob = "bob".parse().unwrap();
    let why = "My laptop was stolen.".parse().unwrap();
    let mut actor = scene.actor("bob");
    actor.suspend(&Suspended::Person(bob), why).unwrap();
    let mail = mails(&server, 1).remove(0);
    assert!(mail.contains("RCPT TO:<bob@example.org>"), "{mail}");
    assert!(mail.contains("keys of bob count no longer"), "{mail}");
    // It is of no incident, so that no timeline of one has it.
    let frank = scene.actor("frank");
    let told = || {
        let entries = frank.client().entries(0).unwrap().entries;
        let told = |entry: &String| {
            entry.contains(r#""notice":"key_suspended""#) && entry.contains(r#""sent":true"#)
        };
        entries.iter().any(told)
    };
    wait_until(told);
}

#[test]
fn an_address_is_neither_in_the_log_nor_in_an_export() {
    let scene = Scene::set();
    let mut bob = scene.actor("bob");
    let outcome = bob.set_contact("bob@hidden.example".parse().unwrap());
    assert_eq!(outcome.unwrap().received().len(), 1);
    let frank = scene.actor("frank");
    let folder = crate::exported::export(frank.client(), frank.trust(), frank.now()).unwrap();
    let address = b"hidden.example";
    let shows = |bytes: &[u8]| bytes.windows(address.len()).any(|w| w == address);
    let exported: Vec<_> = folder.iter().collect();
    assert!(!exported.is_empty());
    for (path, bytes) in exported {
        assert!(!shows(bytes), "{path}");
    }
    let verdict = breakglass_verify::check(&folder, &breakglass_verify::Options::default());
    let codes: Vec<&str> = verdict.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["unanchored"], "but for the pin, which nobody gave");
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let data = stage.dir().join("server").join("data");
    let holding = files(&data).into_iter().filter(|f| shows(f)).count();
    assert_eq!(holding, 1, "its own file, and neither log nor events.jsonl");
    // It is there after a restart; what the log does not name is not.
    let contacts = data.join("contacts");
    std::fs::write(contacts.join("0".repeat(64)), "of somebody refused").unwrap();
    let config = stage.config().unwrap();
    Server::start(&config, Arc::new(clock), |_| {})
        .unwrap()
        .stop();
    let kept = files(&contacts);
    assert!(kept.len() == 1 && shows(&kept[0]));
}

#[test]
fn what_is_no_address_is_not_set() {
    let scene = Scene::set();
    let mut bob = scene.actor("bob");
    let size = scene.log_size();
    for no_address in ["bob", "bob@example.org\tBcc: x@y.example", "@", ""] {
        let Ok(line) = no_address.parse() else {
            continue;
        };
        let refused = bob.set_contact(line).unwrap_err().to_string();
        assert!(!refused.contains("example"), "{refused}");
    }
    assert_eq!(scene.log_size(), size);
}

#[test]
fn a_webhook_gets_what_is_signed_for_it() {
    let (listener, address) = listen();
    let (kept, calls) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap() == 0 {
                    return;
                }
            }
            let length = header(&head, "content-length").parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
            (&mut &stream).write_all(answer).unwrap();
            if kept.send((head, String::from_utf8(body).unwrap())).is_err() {
                return;
            }
        }
    });
    let key = [7_u8; 32];
    let scene = Scene::set_with(|stage, config| {
        let secret = stage.dir().join("server").join("hook.secret");
        let text = format!("whsec_{}\n", STANDARD.encode(key));
        std::fs::write(&secret, text).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        config.notify.webhook = Some(Hook {
            url: format!("http://{address}/hook"),
            secret_file: secret,
            ca_file: None,
        });
    });
    let mut cast = scene.cast();
    cast.declare();
    let (head, body) = calls.recv_timeout(PATIENCE).unwrap();
    let signed = format!(
        "{}.{}.{body}",
        header(&head, "webhook-id"),
        header(&head, "webhook-timestamp")
    );
    let mac = STANDARD.encode(hmac_sha256(&key, signed.as_bytes()));
    assert_eq!(header(&head, "webhook-signature"), format!("v1,{mac}"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["to"], serde_json::json!(["erin"]));
    assert!(
        body["text"].as_str().unwrap().contains("declared: INC-1"),
        "{body}"
    );
    says(&scene, "told of the declaration: erin (webhook)");
}

fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines();
    let value = lines.find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    });
    value.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// RFC 2104, by hand: the receiver's side shares no code with ours.
fn hmac_sha256(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| -> Vec<u8> {
        let mut block = vec![byte; 64];
        for (at, k) in key.iter().enumerate() {
            block[at] ^= k;
        }
        block
    };
    let hash = |parts: [&[u8]; 2]| {
        breakglass_statement::digest(&parts.concat())
            .as_bytes()
            .to_vec()
    };
    let inner = hash([&pad(0x36), text]);
    hash([&pad(0x5c), &inner])
}
