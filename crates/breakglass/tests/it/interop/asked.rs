//! Our server asks somebody else's witness, together with one of ours.

use std::path::PathBuf;

use breakglass::demo::Stage;
use breakglass_server::Config;
use breakglass_tlog::ProofBundle;

use super::programs::{Litewitness, program, said};
use crate::{
    scene::{Scene, declaration, wait},
    witness::Witness,
    witnessed::{configure, cosigned, line, line_of, log_key, metrics, mislead, policy, text},
};

/// One of ours, one of theirs, and the policy that wants as many as it says.
struct Witnesses {
    ours: Witness,
    theirs: Litewitness,
    policy: PathBuf,
}

impl Witnesses {
    /// The witnesses of a stage's log; before anybody asks theirs, something happens to it.
    fn of(
        stage: &Stage,
        config: &mut Config,
        enough: &str,
        before: impl FnOnce(&Litewitness),
    ) -> Self {
        let log = log_key(stage);
        let dir = |name: &str| stage.dir().join(name);
        let ours = Witness::start_as("ours.example/w", &dir("ours"), log.verifier());
        let theirs = Litewitness::start("lite.example/w", &dir("theirs"), log.verifier());
        before(&theirs);
        let lines = line("ours", &ours)
            + &line_of("theirs", &theirs.key, &theirs.url)
            + &format!("group g {enough} ours theirs\nquorum g\n");
        let policy = configure(stage, config, &lines);
        Self {
            ours,
            theirs,
            policy,
        }
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_witness_and_ours_cosign_the_growing_log() {
    let mut witnesses = None;
    let scene = Scene::set_with(|stage, config| {
        witnesses = Some(Witnesses::of(stage, config, "all", |_| {}));
    });
    let witnesses = witnesses.unwrap();
    let policy = policy(&witnesses.policy);
    let mut size = 0;
    for _ in 0..4 {
        let checkpoint = cosigned(&scene, &policy);
        assert!(checkpoint.checkpoint().size() > size);
        size = checkpoint.checkpoint().size();
        let keys = [&witnesses.ours.key, &witnesses.theirs.key];
        let lines = checkpoint.verify_signatures(&keys).unwrap();
        assert!(lines.iter().all(|line| line.time.is_some()), "{lines:?}");
        assert_eq!(lines.len(), 2);
        scene.actor("alice").declare(declaration()).unwrap();
    }
    cosigned(&scene, &policy);
    wait("the metrics", || {
        metrics(&scene).contains("\nbreakglass_witness_quorum_met 1\n")
    });
    let told = metrics(&scene);
    for line in ["witnesses 2", "witnesses_cosigning 2", "witness_alarms 0"] {
        assert!(told.contains(&format!("\nbreakglass_{line}\n")), "{told}");
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_library_takes_the_proof_and_the_policy_and_finds_what_is_missing() {
    let mut witnesses = None;
    let scene = Scene::set_with(|stage, config| {
        witnesses = Some(Witnesses::of(stage, config, "all", |_| {}));
    });
    let witnesses = witnesses.unwrap();
    cosigned(&scene, &policy(&witnesses.policy));
    let proven = scene.actor("frank").client().prove(3).unwrap();
    let dir = scene.stage.dir();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (entry, proof) = (path("3.entry"), path("3.tlog-proof"));
    let enough = witnesses.policy.to_str().unwrap();
    let check = |entry: &str, proof: &str| {
        let args = ["-policy", enough, "-entry", entry, "-proof", proof];
        let output = program("proofcheck").args(args).output().unwrap();
        (output.status.code(), said(&output))
    };
    std::fs::write(&entry, &proven.entry).unwrap();
    std::fs::write(&proof, &proven.proof).unwrap();
    assert_eq!(check(&entry, &proof), (Some(0), "ok\n".to_owned()));

    // Another entry.
    let other = path("other.entry");
    std::fs::write(&other, proven.entry.clone() + " ").unwrap();
    let (code, told) = check(&other, &proof);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("inclusion proof"), "{told}");

    // The same proof without the line of one witness: ours, then theirs.
    let bundle = ProofBundle::parse(proven.proof.as_bytes()).unwrap();
    assert!(bundle.checkpoint().to_text().contains("ours.example/w"));
    for name in ["ours.example/w", "lite.example/w"] {
        let begins = format!("— {name} ");
        let lines = proven.proof.split_inclusive('\n');
        let lines = lines.filter(|line| !line.starts_with(&begins));
        let less = path("less.tlog-proof");
        std::fs::write(&less, lines.collect::<String>()).unwrap();
        let (code, told) = check(&entry, &less);
        assert_eq!(code, Some(1), "without {name}: {told}");
    }
}

/// A server whose foreign witness was misled into another tree, and what is told of it.
fn alarmed(size: u64, alarm: &str) {
    let mut witnesses = None;
    let scene = Scene::set_with(|stage, config| {
        witnesses = Some(Witnesses::of(stage, config, "any", |theirs| {
            mislead(&theirs.url, &log_key(stage), size);
        }));
    });
    let witnesses = witnesses.unwrap();
    let told = || text(&scene.url, "/readyz").unwrap();
    wait("the alarm", || told().contains(alarm));
    assert!(told().starts_with("ready\n"), "{}", told());
    // It keeps no checkpoint that it could show, only a size and a root.
    assert!(!told().contains("are kept"), "{}", told());
    // Nobody in an emergency is kept from anything by it, and the other witness goes on.
    scene.actor("alice").declare(declaration()).unwrap();
    let enough = policy(&witnesses.policy);
    let checkpoint = cosigned(&scene, &enough);
    assert!(checkpoint.verify_signatures(&[&witnesses.ours.key]).is_ok());
    let of_theirs = checkpoint.verify_signatures(&[&witnesses.theirs.key]);
    assert!(of_theirs.is_err() || of_theirs.unwrap().is_empty());
    let told = metrics(&scene);
    assert!(told.contains("\nbreakglass_witness_alarms 1\n"), "{told}");
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_witness_that_saw_another_tree_raises_the_alarm_of_a_fork() {
    alarmed(
        2,
        "FORK: the witness theirs has cosigned another tree of this log",
    );
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_witness_that_saw_more_than_there_is_raises_the_alarm_of_a_rollback() {
    alarmed(
        200,
        "ROLLBACK: the witness theirs has cosigned 200 entries of this log",
    );
}
