//! True calls, answers and messages with a few bytes changed, against whoever reads them: the
//! server, the client, the agent's client, the readers of configuration. Nothing panics, nothing is
//! accepted that was not meant, and the server goes on.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixListener,
    time::Duration,
};

use breakglass::{signer::Agent, state::ClientConfig};
use breakglass_api::{Client, wire::Proven};
use breakglass_fuzz::mutation::{changed, run};
use breakglass_server::Config;

use super::wire::{Reply, get, post};
use crate::scene::{Cast, Scene};

/// Sends bytes and nothing more; what comes back.
fn send(url: &str, bytes: &[u8]) -> Vec<u8> {
    let address: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // The server may have hung up already.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn raw_post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// People, and the body of a call with which one of them has asked for access.
fn asked(scene: &Scene) -> (Cast, Vec<u8>) {
    let mut cast = scene.cast();
    cast.take_custody(scene);
    let incident = cast.declare();
    cast.request(&incident);
    let dossier = cast.alice.client().request("R-1").unwrap();
    let body = serde_json::to_vec(&dossier.request).unwrap();
    (cast, body)
}

#[test]
fn changed_calls_are_refused_and_the_server_goes_on() {
    let scene = Scene::set_with(|_, config| {
        config.limits.statements_per_minute = 1_000_000;
        config.limits.reads_per_minute = 1_000_000;
    });
    let (cast, body) = asked(&scene);
    let token = cast.alice.session().unwrap().token().to_owned();
    let read = format!(
        "GET /v1/incidents/INC-1?state=open HTTP/1.1\r\nHost: x\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let size = scene.log_size();
    let calls = [
        read.into_bytes(),
        raw_post("/v1/requests", &body),
        raw_post("/v1/approvals", &body),
        raw_post("/v1/acts", &body),
        raw_post("/v1/sessions", &body),
    ];
    run(400, |changes| {
        for call in &calls {
            let answer = send(&scene.url, &changed(call, changes));
            if let Some(reply) = Reply::parse(&answer) {
                assert!(reply.status < 500, "{reply:?}");
            }
        }
    });
    assert_eq!(scene.log_size(), size);
    assert_eq!(get(&scene.url, "/readyz", None).status, 200);
}

#[test]
fn a_changed_body_within_a_true_call_is_refused_by_its_code() {
    let scene = Scene::set_with(|_, config| {
        config.limits.statements_per_minute = 1_000_000;
    });
    let (_cast, body) = asked(&scene);
    let size = scene.log_size();
    run(1_000, |changes| {
        let other = changed(&body, changes);
        let reply = post(&scene.url, "/v1/requests", "application/json", &other);
        // Spelled otherwise, and still what Alice signed: answered as it was.
        if reply.status != 200 {
            reply.problem();
            assert!((400..500).contains(&reply.status), "{reply:?}");
        }
    });
    assert_eq!(scene.log_size(), size);
}

#[test]
fn a_changed_receipt_is_refused_or_says_the_same() {
    let scene = Scene::set();
    let cast = scene.cast();
    let proven = cast.frank.client().prove(0).unwrap();
    let trust = cast.frank.trust().log();
    let (true_one, text) = (trust.check(&proven).unwrap(), |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).into_owned()
    });
    run(4_000, |changes| {
        for (entry, proof) in [
            (
                changed(proven.entry.as_bytes(), changes),
                proven.proof.clone().into_bytes(),
            ),
            (
                proven.entry.clone().into_bytes(),
                changed(proven.proof.as_bytes(), changes),
            ),
        ] {
            let other = Proven {
                entry: text(&entry),
                proof: text(&proof),
            };
            if let Ok(received) = trust.check(&other) {
                assert_eq!(
                    (received.index, received.entry),
                    (0, true_one.entry.clone())
                );
            }
        }
    });
}

/// A server that gives the same body to everybody who asks anything, until it is dropped.
fn answering(body: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), body].concat();
    std::thread::spawn(move || {
        if let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
        }
    });
    url
}

#[test]
fn a_client_survives_whatever_a_server_answers() {
    let scene = Scene::set();
    let cast = scene.cast();
    let token = cast.alice.session().unwrap().token().to_owned();
    let asked = ["/v1/status", "/v1/authority", "/v1/people", "/v1/readiness"];
    let answers = asked.map(|path| get(&scene.url, path, Some(&token)).body);
    run(150, |changes| {
        for (path, answer) in asked.iter().zip(&answers) {
            let client = Client::new(vec![answering(&changed(answer, changes))], None);
            // An error, or what the bytes say: what matters is that it comes back.
            let _ = match *path {
                "/v1/status" => client.status().map(|_| ()),
                "/v1/authority" => client.authority().map(|_| ()),
                "/v1/people" => client.people().map(|_| ()),
                _ => client.readiness().map(|_| ()),
            };
        }
    });
}

#[test]
fn an_agent_may_answer_anything() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    // What an agent with one Ed25519 key says when it is asked which keys it holds.
    let key = super::hand::new_key();
    let wire = breakglass::signer::Signer::public_key(&key).wire().to_vec();
    let string =
        |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let message = [&[12, 0, 0, 0, 1][..], &string(&wire), &string(b"comment")].concat();
    let answer = string(&message);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            run(500, |changes| {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(&changed(&answer, changes));
            });
        });
        let agent = Agent::at(&socket);
        for _ in 0..500 {
            if let Ok(identities) = agent.identities() {
                for identity in identities {
                    assert!(!identity.public_key.line().is_empty());
                }
            }
        }
    });
}

#[test]
fn a_changed_configuration_is_read_or_refused_with_what_is_wrong() {
    let scene = Scene::set();
    let dir = tempfile::tempdir().unwrap();
    let server = toml_of_the_documentation();
    let client = breakglass::state::Home::under(&scene.stage.home("alice")).config_file();
    let client = std::fs::read(client).unwrap();
    run(1_000, |changes| {
        let path = dir.path().join("changed.toml");
        std::fs::write(&path, changed(&server, changes)).unwrap();
        if let Err(error) = Config::load(&path) {
            assert!(!error.to_string().is_empty());
        }
        std::fs::write(&path, changed(&client, changes)).unwrap();
        if let Err(error) = ClientConfig::load(&path) {
            assert!(!error.to_string().is_empty());
        }
    });
}

/// The server's configuration as the installation procedure has it.
fn toml_of_the_documentation() -> Vec<u8> {
    let page = include_str!("../../../../../docs/procedures/install.md");
    let mut blocks = page.split("```toml\n");
    let block = blocks
        .find(|b| b.trim_start().starts_with("data_dir"))
        .unwrap();
    block.split("```").next().unwrap().as_bytes().to_vec()
}
