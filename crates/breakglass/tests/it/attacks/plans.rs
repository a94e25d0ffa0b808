//! Plans: the connector gets the credential after the log says so, however the plan ends.

use std::path::{Path, PathBuf};

use breakglass_api::wire::Accepted;
use breakglass_format::{
    Blank, Entry, Event,
    act::{Act, Action, Command},
};
use breakglass_server::{Config, config::Program};

use super::hand::Hand;
use crate::scene::{Cast, Scene, wait};

/// The shop's connector, behind a line of shell that sees a path as `$0`.
fn before_the_connector(config: &mut Config, script: &str, path: &Path) {
    let Program { program, args, .. } = config.connectors.remove("shop").unwrap();
    let line = format!("{script}; exec \"$@\"");
    let words = [path.to_str().unwrap(), program.to_str().unwrap()].map(str::to_owned);
    let shell = Program {
        program: "/bin/sh".into(),
        args: ["-c".to_owned(), line]
            .into_iter()
            .chain(words)
            .chain(args)
            .collect(),
        timeout_s: 60,
    };
    config.connectors.insert("shop".to_owned(), shell);
}

/// A grant of alice's, with a connector behind a line of shell.
fn scene(script: &str) -> (Scene, Cast, PathBuf) {
    let mut path = PathBuf::new();
    let scene = Scene::set_with(|stage, config| {
        path = stage.dir().join("the-connector-may");
        before_the_connector(config, script, &path);
    });
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    (scene, cast, path)
}

fn plan(alice: &Hand, cast: &Cast) -> Act {
    let action = Action {
        action: "rollback".parse().unwrap(),
        artifact: "2.4.0".parse().unwrap(),
        plan: Blank::NONE,
        target: "shop".parse().unwrap(),
    };
    let grant = cast.alice.client().grant("G-1").unwrap().id;
    alice.act(Command::Plan(action), &grant)
}

/// What the log says of uses of the credential and of plans.
fn said(cast: &Cast) -> Vec<&'static str> {
    let entries = cast.frank.client().entries(0).unwrap().entries;
    let entries = entries.iter();
    let events = entries.map(|e| Entry::from_bytes(e.as_bytes()).unwrap().event);
    let of_plans = events.filter(|e| {
        let used = matches!(e, Event::BreakGlassAccess(d) if !d.disclosed && d.run_id.0.is_none());
        used || matches!(e, Event::ActionPlanned(_))
    });
    of_plans.map(|e| e.event_type()).collect()
}

fn texts(accepted: &Accepted) -> Vec<&str> {
    let entries = accepted.receipt.iter();
    entries.map(|p| p.entry.as_str()).collect()
}

#[test]
fn the_connector_plans_with_the_credential_after_the_access_is_durable() {
    // Opening a pipe waits for its other end: the connector has not even started.
    let (scene, cast, pipe) = scene("read go < \"$0\"");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let act = plan(&alice, &cast);
    let answer = std::thread::scope(|threads| {
        let posted = threads.spawn(|| alice.post(&act));
        wait("the access", || said(&cast) == ["BREAK_GLASS_ACCESS"]);
        std::fs::write(&pipe, "go\n").unwrap();
        posted.join().unwrap()
    });
    assert_eq!(texts(&answer.unwrap()).len(), 2);
    assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS", "ACTION_PLANNED"]);
}

#[test]
fn repeats_of_a_slow_plan_start_no_further_connectors() {
    let (scene, cast, pipe) = scene("echo begun >> \"$0.tape\"; read go < \"$0\"");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let tape = pipe.with_file_name("the-connector-may.tape");
    let begun = || std::fs::read_to_string(&tape).map_or(0, |t| t.lines().count());
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let act = plan(&alice, &cast);
    let (client, submission) = (cast.alice.client(), alice.sign(&act));
    let post = || client.post::<_, Accepted>("/v1/acts", &submission);
    let answers: Vec<Accepted> = std::thread::scope(|threads| {
        let mut posted = vec![threads.spawn(post)];
        wait("the connector", || begun() == 1);
        posted.extend((0..6).map(|_| threads.spawn(post)));
        // The server answers others meanwhile, and has had time to take in the repeats.
        for _ in 0..100 {
            assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS"]);
        }
        let asked = begun();
        std::fs::write(&pipe, "go\n".repeat(asked)).unwrap();
        let answers = posted.into_iter().map(|p| p.join().unwrap().unwrap());
        answers.collect()
    });
    for answer in &answers {
        assert_eq!(texts(answer), texts(&answers[0]));
    }
    assert_eq!((begun(), texts(&answers[0]).len()), (1, 2));
    assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS", "ACTION_PLANNED"]);
}

#[test]
fn a_plan_that_failed_is_a_use_and_the_same_act_goes_on_where_it_was() {
    let (scene, mut cast, flag) = scene("test -e \"$0\" || exit 1");
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let act = plan(&alice, &cast);
    assert_eq!(alice.refused(&act), "plane_failed");
    assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS"]);
    std::fs::write(&flag, "").unwrap();
    let planned = alice.post(&act).unwrap();
    assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS", "ACTION_PLANNED"]);
    let size = scene.log_size();
    let again = alice.post(&act).unwrap();
    assert!(again.repeated && texts(&planned) == texts(&again));
    assert_eq!((texts(&again).len(), scene.log_size()), (2, size));
    // Nothing was handed out and nothing was run; the machine replaces the password all the same.
    cast.give_back("G-1", 3);
}

#[test]
fn an_old_plan_act_does_not_get_the_credential_out_again() {
    let (scene, cast, flag) = scene("test -e \"$0\" || exit 1");
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let act = plan(&alice, &cast);
    assert_eq!(alice.refused(&act), "plane_failed");
    std::fs::write(&flag, "").unwrap();
    scene.skip_s(301);
    assert_eq!(alice.refused(&act), "clock_skew");
    assert_eq!(said(&cast), ["BREAK_GLASS_ACCESS"]);
}
