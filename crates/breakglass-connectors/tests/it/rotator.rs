//! The whole rotation against a target that is a file, with a rotator that is a script.

use breakglass_connectors::{
    Fields,
    rotate::{
        command::CommandRotator,
        procedure::{Accepted, Outcome, rotate},
    },
};
use breakglass_format::{canonical, error_class::ErrorClass};

use crate::{
    child::account,
    script::{LONG, SHORT, Script},
};

/// The target's password is the content of `$dir/password`. `FAULT` stands between the change and
/// its answer.
const TARGET: &str = r#"
password() { printf %s "$request" | sed "s/.*\"$1\":{\"password\":\"\([^\"]*\)\"}.*/\1/"; }
target=$(cat $dir/password)
case $request in
*'"op":"prove"'*)
    if [ "$(password credential)" = "$target" ]; then result=accepted; else result=refused; fi
    echo "{\"ok\":{\"result\":\"$result\"}}" ;;
*'"op":"change"'*)
    echo change >>$dir/changes
    if [ "$(password current)" != "$target" ]; then
        echo '{"error":{"class":"permanent","detail":"the current credential is refused"}}'
        exit 1
    fi
    FAULT
    echo '{"ok":{"result":"changed"}}' ;;
esac
"#;
const APPLY: &str = r"password new >$dir/password.tmp; mv $dir/password.tmp $dir/password";

fn target(timeout: std::time::Duration, fault: &str) -> Script {
    let script = Script::new(timeout, &TARGET.replace("FAULT", fault));
    script.write("password", "old-secret");
    script
}

fn run(script: &Script) -> Outcome {
    let current = Fields::from_iter([("password", "old-secret")]);
    let staged = Fields::from_iter([("password", "new-secret")]);
    let rotator = CommandRotator::new(script.command.clone());
    rotate(&rotator, &account(), &current, &staged)
}

fn assert_rotated(script: &Script, outcome: &Outcome) {
    let Outcome::Rotated { evidence } = outcome else {
        panic!("{outcome:?}");
    };
    canonical::parse(evidence, 64 * 1024).unwrap();
    assert!(!String::from_utf8_lossy(evidence).contains("-secret"));
    assert_eq!(script.read("password"), "new-secret");
    assert_eq!(script.read("changes"), "change\n");
}

#[test]
fn a_healthy_target_is_rotated_and_left_alone_the_next_time() {
    let script = target(LONG, APPLY);
    assert_rotated(&script, &run(&script));
    assert_rotated(&script, &run(&script));
}

#[test]
fn an_answer_that_is_lost_after_the_change_is_read_back() {
    for fault in [
        "exit 0",
        "exit 7",
        "kill -9 $$",
        "echo garbage",
        "echo '{\"error\":'",
    ] {
        let script = target(LONG, &format!("{APPLY}; {fault}"));
        assert_rotated(&script, &run(&script));
    }
}

#[test]
fn a_change_that_hangs_leaves_a_secret_that_works_and_the_next_attempt_ends_it() {
    // It hangs in the first attempt only.
    let fault = format!(r"[ -e $dir/again ] || {{ >$dir/again; sleep 30; }}; {APPLY}");
    let script = target(LONG, &fault);
    let patient = script.command.clone();
    let args = [script.path("script"), script.path("")];
    let args = args
        .iter()
        .map(|p| p.to_str().unwrap().to_owned())
        .collect();
    let mut hasty = script;
    hasty.command = breakglass_connectors::command::Command::new("/bin/sh", args, SHORT).unwrap();
    let Outcome::Failed { evidence, .. } = run(&hasty) else {
        panic!("it did not hang");
    };
    assert!(!String::from_utf8_lossy(&evidence).contains("-secret"));
    assert_eq!(hasty.read("password"), "old-secret");
    hasty.write("again", "");
    hasty.command = patient;
    assert!(matches!(run(&hasty), Outcome::Rotated { .. }));
    assert_eq!(hasty.read("password"), "new-secret");
}

#[test]
fn a_change_that_is_refused_or_only_claimed_is_no_rotation() {
    let refused = r#"echo '{"error":{"class":"policy_violation","detail":"too short"}}'; exit 1"#;
    for (fault, expected) in [
        (refused, ErrorClass::PolicyViolation),
        (":", ErrorClass::Transient),
        ("exit 1", ErrorClass::Transient),
    ] {
        let script = target(LONG, fault);
        let Outcome::Failed {
            class,
            staged_accepted,
            current_accepted,
            ..
        } = run(&script)
        else {
            panic!("rotated: {fault}");
        };
        assert_eq!(class, expected, "{fault}");
        assert_eq!(
            (staged_accepted, current_accepted),
            (Accepted::No, Accepted::Yes)
        );
    }
}
