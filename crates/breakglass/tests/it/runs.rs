//! Runs against a plane that never ends them, and what becomes of them when access ends.

use std::{collections::BTreeSet, path::PathBuf};

use breakglass_server::config::Program;

use crate::scene::{Cast, Scene, rollback, wait};

/// A connector that keeps what it is asked in `$0`, and runs for ever.
const ENDLESS: &str = r#"asked=$(cat); printf '%s\n' "$asked" >> "$0"
case $asked in
*'"op":"plan"'*) echo '{"ok":{"targets":["shop"],"blast_radius":{"count":1,"unit":"hosts"},"summary":"back"}}' ;;
*'"op":"dispatch"'*) echo '{"ok":{"result":"accepted","handle":"job 1"}}' ;;
*'"credential":{}'*) echo '{"error":{"class":"permanent","detail":"who are you?"}}' ;;
*'"op":"poll"'*) echo '{"ok":{"result":"running"}}' ;;
*'"op":"cancel"'*) CANCEL ;;
esac"#;

/// A run that is under way at such a plane, and the plane's tape.
fn under_way(cancel: &str) -> (Scene, Cast, PathBuf) {
    let mut tape = PathBuf::new();
    let scene = Scene::set_with(|stage, config| {
        tape = stage.dir().join("tape");
        let script = ENDLESS.replace("CANCEL", cancel);
        let args = ["-c", &script, tape.to_str().unwrap()].map(str::to_owned);
        let program = Program {
            program: "/bin/sh".into(),
            args: args.into(),
            timeout_s: 60,
        };
        config.connectors.insert("shop".to_owned(), program);
    });
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    cast.alice.run("G-1", rollback(), None).unwrap();
    wait("the run", || state(&cast) == "running");
    (scene, cast, tape)
}

fn state(cast: &Cast) -> String {
    let runs = cast.alice.client().runs().unwrap();
    runs.first().unwrap().state.clone()
}

/// Gives access back and waits until the run is in a state.
fn end_access(scene: &Scene, cast: &mut Cast, until: &str) {
    cast.alice.return_grant("G-1").unwrap();
    wait("the end of the run", || {
        // Whatever the worker waits for between two steps is over.
        scene.skip_s(16);
        state(cast) == until
    });
}

#[test]
fn what_is_under_way_is_cancelled_at_the_plane_when_access_ends() {
    // Every step has the credential or none; the plane says yes to whoever asks for the end.
    let script = "echo '{\"ok\":{\"result\":\"cancelled\"}}'";
    let (scene, mut cast, tape) = under_way(script);
    cast.alice.return_grant("G-1").unwrap();
    wait("the end of the run", || {
        scene.skip_s(16);
        matches!(state(&cast).as_str(), "cancelled" | "failed")
    });
    let asked = std::fs::read_to_string(tape).unwrap();
    assert!(asked.contains(r#""op":"cancel""#), "{asked}");
}

#[test]
fn a_run_never_gets_a_credential_that_its_access_does_not_name() {
    let (scene, mut cast, tape) = under_way("echo '{\"ok\":{\"result\":\"asked\"}}'");
    end_access(&scene, &mut cast, "failed");
    cast.wait_for_version(3);
    let asked = std::fs::read_to_string(tape).unwrap();
    let passwords = asked.lines().filter_map(|line| {
        let request: serde_json::Value = serde_json::from_str(line).unwrap();
        request["credential"]["password"]
            .as_str()
            .map(str::to_owned)
    });
    assert_eq!(passwords.collect::<BTreeSet<_>>().len(), 1);
}
