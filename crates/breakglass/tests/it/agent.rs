//! A real ssh-agent.

use breakglass::{
    entropy::SystemEntropy,
    signer::{Agent, AgentError, Signer, generate::generate_to_file, open_file},
};
use breakglass_format::statement::Kind;

use crate::ssh::{RunningAgent, available, new_key, verifies};

const PROGRAMS: [&str; 3] = ["ssh-keygen", "ssh-agent", "ssh-add"];

#[test]
fn the_agent_signs_with_each_type_of_key() {
    if !available("agent::the_agent_signs_with_each_type_of_key", &PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let running = RunningAgent::start();
    let agent = Agent::at(&running.socket);
    assert!(agent.identities().unwrap().is_empty());
    let ours = dir.path().join("id_ours");
    generate_to_file(&mut SystemEntropy, "ours", &ours).unwrap();
    let keys = [
        new_key(dir.path(), "ed25519", ""),
        new_key(dir.path(), "ecdsa", ""),
        ours,
    ];
    for key in &keys {
        running.add(key);
    }
    running.add(&new_key(dir.path(), "rsa", ""));
    // The RSA key may not sign statements and is left out.
    assert_eq!(agent.identities().unwrap().len(), 3);
    for key in &keys {
        let fingerprint = open_file(key).unwrap().fingerprint();
        let mut signer = agent.signer(&fingerprint).unwrap();
        let armoured = signer.sign(Kind::Request, b"text").unwrap();
        assert!(verifies(key, Kind::Request, b"text", &armoured), "{key:?}");
    }
}

#[test]
fn a_key_that_the_agent_does_not_hold_is_named() {
    if !available(
        "agent::a_key_that_the_agent_does_not_hold_is_named",
        &PROGRAMS,
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let running = RunningAgent::start();
    let key = open_file(&new_key(dir.path(), "ed25519", ""))
        .unwrap()
        .fingerprint();
    let refused = Agent::at(&running.socket).signer(&key);
    assert!(
        matches!(&refused, Err(AgentError::NoSuchKey { key: k }) if *k == key),
        "{refused:?}"
    );
    let nowhere = Agent::at(&dir.path().join("nothing")).identities();
    assert!(matches!(nowhere, Err(AgentError::Io { .. })), "{nowhere:?}");
}
