//! Our server asks other people's witnesses, together with one of ours.

use std::path::PathBuf;

use breakglass::demo::Stage;
use breakglass_server::Config;
use breakglass_tlog::ProofBundle;

use super::programs::{Foreign, Start, litewitness, omniwitness, program, said};
use crate::{
    scene::{Scene, declaration, wait},
    witness::Witness,
    witnessed::{configure, cosigned, line, line_of, log_key, metrics, mislead, policy, text},
};

/// One of ours, those of others, and the policy that wants as many as it says.
struct Witnesses {
    ours: Witness,
    theirs: Vec<Foreign>,
    policy: PathBuf,
}

impl Witnesses {
    /// The witnesses of a stage's log.
    fn of(stage: &Stage, config: &mut Config, enough: &str, theirs: &[Start]) -> Self {
        let log = log_key(stage);
        let dir = |name: &str| stage.dir().join(name);
        let ours = Witness::start_as("ours.example/w", &dir("ours"), log.verifier());
        let mut lines = line("ours", &ours);
        let mut names = "ours".to_owned();
        let theirs = (1..).zip(theirs).map(|(n, start)| {
            let at = format!("theirs{n}");
            let started = start(&format!("{at}.example/w"), &dir(&at), log.verifier());
            lines += &line_of(&at, &started.key, &started.url);
            names += &format!(" {at}");
            started
        });
        let theirs = theirs.collect();
        lines += &format!("group g {enough} {names}\nquorum g\n");
        let policy = configure(stage, config, &lines);
        Self {
            ours,
            theirs,
            policy,
        }
    }

    /// A scene with all of them in it, every one of which has to cosign.
    fn on_stage() -> (Scene, Self) {
        let mut witnesses = None;
        let scene = Scene::set_with(|stage, config| {
            let theirs = [litewitness as Start, omniwitness];
            witnesses = Some(Self::of(stage, config, "all", &theirs));
        });
        (scene, witnesses.unwrap())
    }
}

#[cfg_attr(feature = "interop", test)]
fn foreign_witnesses_and_ours_cosign_the_growing_log() {
    let (scene, witnesses) = Witnesses::on_stage();
    let policy = policy(&witnesses.policy);
    let mut size = 0;
    for _ in 0..4 {
        let checkpoint = cosigned(&scene, &policy);
        assert!(checkpoint.checkpoint().size() > size);
        size = checkpoint.checkpoint().size();
        let theirs = witnesses.theirs.iter().map(|witness| &witness.key);
        let keys: Vec<_> = [&witnesses.ours.key].into_iter().chain(theirs).collect();
        let lines = checkpoint.verify_signatures(&keys).unwrap();
        assert!(lines.iter().all(|line| line.time.is_some()), "{lines:?}");
        assert_eq!(lines.len(), 3);
        scene.actor("alice").declare(declaration()).unwrap();
    }
    cosigned(&scene, &policy);
    wait("the metrics", || {
        metrics(&scene).contains("\nbreakglass_witness_quorum_met 1\n")
    });
    let told = metrics(&scene);
    for line in ["witnesses 3", "witnesses_cosigning 3", "witness_alarms 0"] {
        assert!(told.contains(&format!("\nbreakglass_{line}\n")), "{told}");
    }
}

#[cfg_attr(feature = "interop", test)]
fn a_foreign_library_takes_the_proof_and_the_policy_and_finds_what_is_missing() {
    let (scene, witnesses) = Witnesses::on_stage();
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

    // The same proof without the line of one witness, ours or another.
    let bundle = ProofBundle::parse(proven.proof.as_bytes()).unwrap();
    assert!(bundle.checkpoint().to_text().contains("ours.example/w"));
    for name in ["ours.example/w", "theirs1.example/w", "theirs2.example/w"] {
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
fn alarmed(start: Start, size: u64, alarm: &str) {
    let mut witnesses = None;
    let scene = Scene::set_with(|stage, config| {
        let set = Witnesses::of(stage, config, "any", &[start]);
        mislead(&set.theirs[0].url, &log_key(stage), size);
        witnesses = Some(set);
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
    let of_theirs = checkpoint.verify_signatures(&[&witnesses.theirs[0].key]);
    assert!(of_theirs.is_err() || of_theirs.unwrap().is_empty());
    let told = metrics(&scene);
    assert!(told.contains("\nbreakglass_witness_alarms 1\n"), "{told}");
}

const FORK: &str = "FORK: the witness theirs1 has cosigned another tree of this log";
const ROLLBACK: &str = "ROLLBACK: the witness theirs1 has cosigned 200 entries of this log";

#[cfg_attr(feature = "interop", test)]
fn a_litewitness_that_saw_another_tree_raises_the_alarm_of_a_fork() {
    alarmed(litewitness, 2, FORK);
}

#[cfg_attr(feature = "interop", test)]
fn a_litewitness_that_saw_more_than_there_is_raises_the_alarm_of_a_rollback() {
    alarmed(litewitness, 200, ROLLBACK);
}

#[cfg_attr(feature = "interop", test)]
fn an_omniwitness_that_saw_another_tree_raises_the_alarm_of_a_fork() {
    alarmed(omniwitness, 2, FORK);
}

#[cfg_attr(feature = "interop", test)]
fn an_omniwitness_that_saw_more_than_there_is_raises_the_alarm_of_a_rollback() {
    alarmed(omniwitness, 200, ROLLBACK);
}
