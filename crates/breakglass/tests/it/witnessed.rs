//! A server and the witnesses it asks: real processes of `breakglass witness`.

use std::{
    io::{ErrorKind, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
};

use breakglass::demo::Stage;
use breakglass_server::{Config, Server, StartError, config::WitnessConfig};
use breakglass_tlog::{
    AddCheckpoint, Checkpoint, MemoryTiles, Policy, ProofBundle, SignedCheckpoint, SigningKey,
    VerifierKey, root,
};

use crate::{
    attacks::wire::{get, post},
    scene::{Scene, declaration, wait},
    usage::breakglass,
    witness::Witness,
};

/// The log's own key, as the test can have it and nobody else should.
pub(crate) fn log_key(stage: &Stage) -> SigningKey {
    let text = std::fs::read_to_string(stage.dir().join("server/log.key")).unwrap();
    SigningKey::parse(text.trim_end()).unwrap()
}

/// Two witnesses of a stage's log, each in a folder of its own.
pub(crate) fn two(stage: &Stage) -> [Witness; 2] {
    let log = log_key(stage);
    ["w1", "w2"].map(|name| {
        let dir = stage.dir().join(name);
        Witness::start_as(&format!("{name}.example"), &dir, log.verifier())
    })
}

/// A policy of these lines of witnesses, and the server's configuration for it.
pub(crate) fn configure(stage: &Stage, config: &mut Config, lines: &str) -> PathBuf {
    let path = stage.dir().join("server/policy");
    let log = log_key(stage);
    std::fs::write(&path, format!("log {}\n{lines}", log.verifier())).unwrap();
    config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    config.witness = Some(WitnessConfig {
        policy_file: path.clone(),
        timeout_s: 60,
        ca_file: None,
    });
    path
}

pub(crate) fn line(name: &str, witness: &Witness) -> String {
    line_of(name, &witness.key, &witness.url)
}

/// The line of a policy for any witness.
pub(crate) fn line_of(name: &str, key: &VerifierKey, url: &str) -> String {
    format!("witness {name} {key} {url}\n")
}

pub(crate) fn policy(path: &Path) -> Policy {
    Policy::parse(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn text(url: &str, path: &str) -> Option<String> {
    let reply = get(url, path, None);
    (reply.status == 200).then(|| String::from_utf8(reply.body).unwrap())
}

pub(crate) fn metrics(scene: &Scene) -> String {
    text(&scene.metrics_url().unwrap(), "/metrics").unwrap()
}

/// Waits until the checkpoint with all entries meets the policy, and gives it.
pub(crate) fn cosigned(scene: &Scene, policy: &Policy) -> SignedCheckpoint {
    let mut found = None;
    wait("the cosigned checkpoint", || {
        let Some(note) = text(&scene.url, "/v1/log/cosigned") else {
            return false;
        };
        let (checkpoint, judgement) = policy.open(note.as_bytes()).unwrap();
        assert!(judgement.met);
        let whole = checkpoint.checkpoint().size() == scene.log_size();
        found = Some(checkpoint);
        whole
    });
    found.unwrap()
}

#[test]
fn witnesses_cosign_the_newest_checkpoint_and_it_is_served_with_their_lines() {
    let mut witnesses = None;
    let mut path = None;
    let scene = Scene::set_with(|stage, config| {
        let both = two(stage);
        let lines = line("w1", &both[0]) + &line("w2", &both[1]) + "group g all w1 w2\nquorum g\n";
        path = Some(configure(stage, config, &lines));
        witnesses = Some(both);
    });
    let policy = policy(&path.unwrap());
    let first = cosigned(&scene, &policy);
    scene.actor("alice").declare(declaration()).unwrap();
    let second = cosigned(&scene, &policy);
    assert!(second.checkpoint().size() > first.checkpoint().size());
    let served = text(&scene.url, "/v1/log/checkpoint").unwrap();
    let (_, judgement) = policy.open(served.as_bytes()).unwrap();
    assert_eq!(judgement.cosigners.len(), 2, "{served}");
    // What an auditor is given as the proof of an entry meets the policy by itself.
    let proven = scene.actor("frank").client().prove(3).unwrap();
    let bundle = ProofBundle::parse(proven.proof.as_bytes()).unwrap();
    let note = bundle.checkpoint().to_text();
    assert!(policy.open(note.as_bytes()).unwrap().1.met, "{note}");
    let log = log_key(&scene.stage);
    let origin = log.verifier().name().as_str().to_owned();
    let verified = bundle.verify(proven.entry.as_bytes(), &origin, log.verifier());
    assert_eq!(verified.unwrap().index, 3);
    // The client that pins checkpoints takes it like any other.
    scene.actor("alice").declare(declaration()).unwrap();
    let told = metrics(&scene);
    assert!(told.contains("\nbreakglass_witnesses 2\n"), "{told}");
    assert!(told.contains("\nbreakglass_witness_alarms 0\n"), "{told}");
    cosigned(&scene, &policy);
    wait("the metrics", || {
        metrics(&scene).contains("\nbreakglass_witness_quorum_met 1\n")
    });
    assert_eq!(text(&scene.url, "/readyz").unwrap(), "ready\n");

    let third = cosigned(&scene, &policy);
    drop(witnesses);
    // The log goes on, and whoever saw its newest checkpoint takes a proof under an older one.
    scene.actor("alice").declare(declaration()).unwrap();
    let frank = |args: &[&str]| {
        let output = breakglass(&scene.stage.home("frank"), args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        output.stdout
    };
    frank(&["log", "checkpoint"]);
    let proof = ProofBundle::parse(&frank(&["log", "prove", "3", "--proof"])).unwrap();
    let (under, judgement) = policy
        .open(proof.checkpoint().to_text().as_bytes())
        .unwrap();
    assert!(judgement.met && under.checkpoint().size() < scene.log_size());
    let stage = scene.end();
    // With every witness gone, the next process still has what they said.
    let mut config = stage.config().unwrap();
    configure(&stage, &mut config, "quorum none\n");
    std::fs::write(stage.dir().join("server/policy"), policy.to_bytes()).unwrap();
    let server = Server::start(
        &config,
        std::sync::Arc::new(breakglass_server::SystemClock),
        |_| panic!("fatal"),
    )
    .unwrap();
    let url = format!("http://{}", server.address());
    let kept = text(&url, "/v1/log/cosigned").unwrap();
    let (kept, judgement) = policy.open(kept.as_bytes()).unwrap();
    assert!(judgement.met);
    assert!(kept.checkpoint().size() >= third.checkpoint().size());
    server.stop();
}

#[test]
fn a_witness_that_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut witnesses = None;
    let scene = Scene::set_with(|stage, config| {
        let both = two(stage);
        let lines = line("w1", &both[0])
            + &format!("witness w2 {} {url}\n", both[1].key)
            + "group g all w1 w2\nquorum g\n";
        configure(stage, config, &lines);
        witnesses = Some(both);
    });
    // It has been asked, and the question is open.
    let (mut asked, _) = silent.accept().unwrap();
    let mut some = [0; 16];
    asked.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"POST /add-checkp");
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let grant = cast.grant();
    cast.checkout(&grant);
    // All that went on while the question was open: it still is.
    asked.set_nonblocking(true).unwrap();
    let rest = std::io::copy(&mut asked, &mut std::io::sink());
    assert_eq!(rest.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(text(&scene.url, "/v1/log/cosigned"), None, "one is not two");
    assert!(text(&scene.url, "/readyz").is_some());
    // The question ends, so that the server need not wait for it at its end.
    drop((asked, silent));
    drop(scene);
}

#[test]
fn a_witness_that_never_answers_holds_up_no_other_witness() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut witnesses = None;
    let mut path = None;
    let scene = Scene::set_with(|stage, config| {
        let both = two(stage);
        let lines = line("w1", &both[0])
            + &format!("witness w2 {} {url}\n", both[1].key)
            + "group g any w1 w2\nquorum g\n";
        path = Some(configure(stage, config, &lines));
        witnesses = Some(both);
    });
    let policy = policy(&path.unwrap());
    let (mut asked, _) = silent.accept().unwrap();
    for _ in 0..3 {
        scene.actor("alice").declare(declaration()).unwrap();
        cosigned(&scene, &policy);
    }
    assert!(metrics(&scene).contains("\nbreakglass_witnesses_cosigning 1\n"));
    // It was asked once, and that question is still open.
    silent.set_nonblocking(true).unwrap();
    assert_eq!(silent.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    asked.set_nonblocking(true).unwrap();
    let rest = std::io::copy(&mut asked, &mut std::io::sink());
    assert_eq!(rest.unwrap_err().kind(), ErrorKind::WouldBlock);
    drop((asked, silent));
    drop(scene);
}

/// Makes the witness there cosign another tree of so many entries, signed by the log's own key.
pub(crate) fn mislead(url: &str, log: &SigningKey, size: u64) -> SignedCheckpoint {
    let mut tiles = MemoryTiles::new();
    for _ in 0..size {
        tiles.push_entry(b"what never happened");
    }
    let root = root(&tiles, size).unwrap();
    let tree = Checkpoint::new(log.verifier().name().clone(), size, root).unwrap();
    let forked = SignedCheckpoint::sign(tree, log).unwrap();
    let request = AddCheckpoint::new(0, Vec::new(), &forked);
    let body = request.to_text();
    let reply = post(url, "/add-checkpoint", "text/plain", body.as_bytes());
    assert_eq!(reply.status, 200);
    forked
}

/// A scene in which the second of two witnesses saw another tree; what is told of it.
fn alarmed(size: u64, alarm: &str) {
    let mut witnesses = None;
    let mut other = None;
    let scene = Scene::set_with(|stage, config| {
        let both = two(stage);
        other = Some(mislead(&both[1].url, &log_key(stage), size));
        let lines = line("w1", &both[0]) + &line("w2", &both[1]) + "group g any w1 w2\nquorum g\n";
        configure(stage, config, &lines);
        witnesses = Some(both);
    });
    wait("the alarm", || {
        text(&scene.url, "/readyz").is_some_and(|told| told.contains("are kept"))
    });
    let told = text(&scene.url, "/readyz").unwrap();
    assert!(
        told.starts_with("ready\n") && told.contains(alarm),
        "{told}"
    );
    let told = metrics(&scene);
    assert!(told.contains("\nbreakglass_witness_alarms 1\n"), "{told}");
    let mut alice = scene.actor("alice");
    let readiness = alice.client().readiness().unwrap();
    let lack = readiness
        .lacks
        .iter()
        .find(|lack| lack.code == "witness_alarm");
    assert!(lack.unwrap().says.contains(alarm));
    // Nobody in an emergency is kept from anything by it.
    alice.declare(declaration()).unwrap();
    let data = scene.stage.dir().join("server/data");
    let events = data.join("events.jsonl");
    wait("the entry", || {
        std::fs::read_to_string(&events).is_ok_and(|told| told.contains(alarm))
    });
    let stage = scene.end();
    let name = |tree: &Checkpoint| format!("{}-{}.checkpoint", tree.size(), tree.root());
    let shown = data
        .join("evidence")
        .join(name(other.unwrap().checkpoint()));
    let log = log_key(&stage);
    let kept = std::fs::read_dir(data.join("evidence")).unwrap();
    assert_eq!(kept.count(), 2, "once, however the log grew since");
    for file in std::fs::read_dir(data.join("evidence")).unwrap() {
        let note = std::fs::read(file.unwrap().path()).unwrap();
        let origin = log.verifier().name().as_str();
        SignedCheckpoint::open(&note, origin, log.verifier()).unwrap();
    }
    assert!(shown.exists());
}

#[test]
fn a_witness_that_saw_another_tree_raises_the_alarm_of_a_fork() {
    alarmed(
        2,
        "FORK: the witness w2 has cosigned another tree of this log",
    );
}

#[test]
fn a_witness_that_saw_more_than_there_is_raises_the_alarm_of_a_rollback() {
    alarmed(
        200,
        "ROLLBACK: the witness w2 has cosigned 200 entries of this log",
    );
}

#[test]
fn a_log_behind_what_witnesses_have_cosigned_only_reads() {
    let stage = Scene::set().end();
    let data = stage.dir().join("server/data");
    let log = log_key(&stage);
    let origin = log.verifier().name().clone();
    let clock = || std::sync::Arc::new(breakglass_server::SystemClock);
    let start = || Server::start(&stage.config().unwrap(), clock(), |_| panic!("fatal")).unwrap();
    // The mark was put back together with the log; what was cosigned meanwhile was not.
    let ahead = Checkpoint::new(origin, 900, breakglass_tlog::Hash::from_bytes([7; 32])).unwrap();
    let ahead = SignedCheckpoint::sign(ahead, &log).unwrap();
    let file = data.join("cosigned.checkpoint");
    std::fs::write(&file, ahead.to_text()).unwrap();
    let server = start();
    let told = server.read_only().unwrap().to_owned();
    assert!(told.contains("cosigned") && told.contains("900"), "{told}");
    server.stop();
    // A file that the log's key has not signed is nobody's mark.
    std::fs::write(&file, ahead.to_text().replace("900", "901")).unwrap();
    let server = start();
    assert_eq!(server.read_only(), None);
    server.stop();
}

#[test]
fn a_policy_that_cannot_be_met_or_is_anothers_starts_no_server() {
    let log = SigningKey::from_seed(breakglass_tlog::KeyName::new("o").unwrap(), &[1; 32]);
    let key = breakglass_tlog::CosignerKey::from_seed(log.verifier().name().clone(), &[2; 32]);
    let of = |url: &str| format!("witness w {} {url}\nquorum w\n", key.verifier());
    let (other, nowhere, plain) = (
        format!("log {}\nquorum none\n", log.verifier()),
        of(""),
        of("http://w.example"),
    );
    let broken = "quorum w\n".to_owned();
    let cases = [
        (other, "does not name this log"),
        (nowhere, "not enough"),
        (plain, "not on this machine"),
        (broken, "line 1: no earlier line defines w"),
    ];
    Scene::set_with(|stage, config| {
        for (file, told) in cases {
            let path = configure(stage, config, "");
            std::fs::write(path, file).unwrap();
            let error = Server::check(config).unwrap_err();
            assert!(matches!(error, StartError::Target { .. }), "{error}");
            assert!(error.to_string().contains(told), "{error}");
        }
        config.witness = None;
    });
}
