//! What a child can do to us, and what it gets to see.

use std::{fs, io::Read as _, os::unix::fs::OpenOptionsExt as _, time::Duration};

use breakglass_connectors::{
    Failure, Fields, Record,
    command::{Command, CommandError},
    rotate::{Proof, Rotator as _, Verdict, command::CommandRotator},
};
use breakglass_format::{error_class::ErrorClass, event::AccountRef};
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_setfl, mknodat};
use serde_json::Value;

use crate::script::{LONG, SHORT, Script};

const OLD: &str = "old-\"secret\"-ä";
const NEW: &str = "new-secret\\n-0815";

pub(crate) fn account() -> AccountRef {
    AccountRef {
        id: "acc_db".parse().unwrap(),
        name: "db-root".parse().unwrap(),
    }
}

fn change(script: &Script) -> Result<Record, Failure> {
    let current = Fields::from_iter([("username", "root"), ("password", OLD)]);
    let new = Fields::from_iter([("username", "root"), ("password", NEW)]);
    CommandRotator::new(script.command.clone()).change(&account(), &current, &new)
}

fn prove(script: &Script) -> Result<Proof, Failure> {
    let credential = Fields::from_iter([("password", OLD)]);
    CommandRotator::new(script.command.clone()).prove(&account(), &credential, Verdict::Accepted)
}

fn evidence(record: &Record) -> Value {
    breakglass_format::canonical::parse(&record.to_bytes(), usize::MAX).unwrap()
}

const CHANGED: &str = r#"echo '{"ok":{"result":"changed"}}'"#;

#[test]
fn the_request_is_what_the_specification_says() {
    let script = Script::new(
        LONG,
        &format!(r#"printf %s "$request" >$dir/got; {CHANGED}"#),
    );
    change(&script).unwrap();
    let got: Value = serde_json::from_str(&script.read("got")).unwrap();
    let expected = serde_json::json!({
        "protocol": 1,
        "op": "change",
        "account": {"id": "acc_db", "name": "db-root"},
        "current": {"username": "root", "password": OLD},
        "new": {"username": "root", "password": NEW},
    });
    assert_eq!(got, expected);
}

#[test]
fn a_secret_is_in_no_argument_and_no_variable() {
    let script = Script::new(
        LONG,
        &format!("cat /proc/$$/cmdline /proc/$$/environ >$dir/seen; pwd >$dir/cwd; {CHANGED}"),
    );
    change(&script).unwrap();
    let seen = script.read("seen");
    assert!(seen.contains("/bin/sh") && seen.contains("PATH="), "{seen}");
    for part in ["secret", "0815"] {
        assert!(!seen.contains(part), "{seen}");
    }
    assert_eq!(script.read("cwd"), "/\n");
}

#[test]
fn a_child_has_the_given_environment_its_own_group_and_none_of_our_files() {
    let mut script = Script::new(
        LONG,
        &format!(
            "cat /proc/$$/environ >$dir/env; ls -l /proc/$$/fd >$dir/fds; \
             read -r pid name state parent group rest </proc/$$/stat; \
             test $pid = $group && echo leads >$dir/group; {CHANGED}"
        ),
    );
    script.command = script.command.with_variable("TARGET", "db-1").unwrap();
    // Open across the start of the child, as a server's database is.
    let open = fs::File::create(script.path("database")).unwrap();
    change(&script).unwrap();
    drop(open);
    let environment = script.read("env");
    let names: Vec<&str> = environment
        .split_terminator('\0')
        .filter_map(|pair| pair.split_once('=').map(|(name, _)| name))
        .collect();
    assert_eq!(names, ["PATH", "TARGET"]);
    assert!(!script.read("fds").contains("database"));
    assert!(script.read("fds").contains("pipe:"));
    assert_eq!(script.read("group"), "leads\n");
}

#[test]
fn an_error_of_the_child_has_the_class_it_says() {
    for (class, expected) in [
        ("transient", ErrorClass::Transient),
        ("permanent", ErrorClass::Permanent),
        ("policy_violation", ErrorClass::PolicyViolation),
        ("ambiguous", ErrorClass::Ambiguous),
    ] {
        for status in [0, 1] {
            let answer = format!(r#"{{"error":{{"class":"{class}","detail":"no\tway"}}}}"#);
            let script = Script::new(LONG, &format!("printf %s '{answer}'; exit {status}"));
            let failure = change(&script).unwrap_err();
            assert_eq!(failure.class, expected);
            assert_eq!(failure.detail.as_str(), "change: no·way");
            assert_eq!(evidence(&failure.record)["ended"], format!("exit {status}"));
        }
    }
}

#[test]
fn anything_but_a_clear_answer_is_ambiguous_for_a_change_and_transient_for_a_look() {
    for body in [
        "",
        "exit 3",
        "kill -9 $$",
        "echo garbage",
        r#"echo '{"ok":{"result":"changed"}} trailing'"#,
        r#"echo '{"ok":{"result":"something else"}}'"#,
        r#"echo '{"ok":{}}'"#,
        r#"echo '{"ok":{"result":"changed"}'"#,
        r#"echo '{"ok":{"result":"changed"},"error":{"class":"permanent"}}'"#,
        r#"echo '{"error":{"class":"catastrophic"}}'"#,
        "printf '\\377\\376'",
        "head -c 3000000 /dev/zero",
        "exec >&- 2>&-",
    ] {
        let script = Script::new(LONG, body);
        assert_eq!(
            change(&script).unwrap_err().class,
            ErrorClass::Ambiguous,
            "{body}"
        );
        assert_eq!(
            prove(&script).unwrap_err().class,
            ErrorClass::Transient,
            "{body}"
        );
    }
}

#[test]
fn success_with_a_failing_exit_is_not_believed() {
    let script = Script::new(LONG, &format!("{CHANGED}; exit 1"));
    assert_eq!(change(&script).unwrap_err().class, ErrorClass::Ambiguous);
}

#[test]
fn a_child_that_hangs_is_killed_with_its_whole_group() {
    // Whoever of the group is alive keeps the fifo open for writing.
    let script = Script::raw(
        SHORT,
        "exec 3>$1/fifo; (sleep 30; echo survived >&3) & sleep 30; echo survived >&3",
    );
    mknodat(CWD, script.path("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let mut fifo = fs::OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(script.path("fifo"))
        .unwrap();
    let failure = change(&script).unwrap_err();
    assert_eq!(failure.class, ErrorClass::Ambiguous);
    assert_eq!(evidence(&failure.record)["ended"], "killed after 200 ms");
    fcntl_setfl(&fifo, OFlags::empty()).unwrap();
    let mut written = String::new();
    fifo.read_to_string(&mut written).unwrap();
    assert_eq!(written, "");
    assert_eq!(prove(&script).unwrap_err().class, ErrorClass::Transient);
}

#[test]
fn a_hanging_child_that_floods_or_answers_first_is_no_better() {
    for body in [
        "while :; do echo flood; echo flood >&2; done",
        &format!("{CHANGED}; sleep 30"),
        "trap '' TERM HUP; sleep 30",
        "exec >&- 2>&-; sleep 30",
    ] {
        let failure = change(&Script::raw(SHORT, body)).unwrap_err();
        assert_eq!(failure.class, ErrorClass::Ambiguous, "{body}");
    }
}

#[test]
fn a_descendant_that_keeps_the_pipes_open_holds_up_nobody() {
    let script = Script::new(LONG, &format!("setsid sleep 90 & {CHANGED}"));
    change(&script).unwrap();
    let script = Script::new(LONG, &format!("sleep 90 & {CHANGED}"));
    change(&script).unwrap();
}

#[test]
fn a_child_need_not_read_its_request() {
    let script = Script::raw(LONG, &format!("exec <&-; {CHANGED}"));
    change(&script).unwrap();
}

#[test]
fn a_request_larger_than_a_pipe_arrives_whole() {
    let big = "x".repeat(300_000);
    let script = Script::raw(
        LONG,
        r#"wc -c >$1/bytes; echo '{"ok":{"result":"accepted"}}'"#,
    );
    let credential = Fields::from_iter([("token", big.as_str())]);
    let rotator = CommandRotator::new(script.command.clone());
    let proof = rotator
        .prove(&account(), &credential, Verdict::Accepted)
        .unwrap();
    assert_eq!(proof.seen, Verdict::Accepted);
    assert!(script.read("bytes").trim().parse::<usize>().unwrap() > 300_000);
}

#[test]
fn a_program_that_is_not_there_is_transient() {
    let command = Command::new("/nonexistent/rotator", Vec::new(), LONG).unwrap();
    let fields = Fields::none();
    let failure = CommandRotator::new(command)
        .change(&account(), &fields, &fields)
        .unwrap_err();
    assert_eq!(failure.class, ErrorClass::Transient);
    assert!(
        failure.detail.as_str().contains("could not be started"),
        "{failure}"
    );
}

#[test]
fn no_secret_reaches_evidence_or_detail() {
    // The request as it came, and the password by itself, on both outputs and in the answer.
    let script = Script::new(
        LONG,
        r#"
        printf '%s\n' "$request" >&2
        printf '%s' "$request" | od -An -tx1 | tr -d ' \n' >&2
        new=$(printf %s "$request" | sed 's/.*"new":{[^}]*"password":"\([^}]*\)"}.*/\1/')
        printf '{"error":{"class":"permanent","detail":"cannot set %s"}}' "$new"
        "#,
    );
    let failure = change(&script).unwrap_err();
    assert_eq!(failure.detail.as_str(), "change: cannot set [redacted]");
    let kept = String::from_utf8(failure.record.to_bytes()).unwrap();
    assert_eq!(kept.matches("[redacted]").count(), 6, "{kept}");
    for part in ["secret", "0815", "736563726574"] {
        assert!(!kept.contains(part), "{kept}");
    }
    // What is no secret is kept.
    assert!(kept.contains("root") && kept.contains("acc_db"), "{kept}");
}

#[test]
fn a_secret_in_an_endless_output_is_not_kept_either() {
    let script = Script::new(
        LONG,
        r#"i=0; while [ $i -lt 3000 ]; do printf '%s' "$request" >&2; i=$((i+1)); done; exit 1"#,
    );
    let failure = change(&script).unwrap_err();
    let kept = String::from_utf8(failure.record.to_bytes()).unwrap();
    assert!(!kept.contains("secret") && !kept.contains("0815"), "{kept}");
    assert!(kept.len() < 8 * 1024, "{}", kept.len());
}

#[test]
fn a_configuration_that_names_no_program_is_refused() {
    let relative = Command::new("rotator", Vec::new(), LONG);
    assert!(matches!(relative, Err(CommandError::NotAbsolute { .. })));
    let zero = Command::new("/bin/sh", Vec::new(), Duration::ZERO);
    assert_eq!(zero, Err(CommandError::NoTime));
    let argument = Command::new("/bin/sh", vec!["a\0".to_owned()], LONG);
    assert_eq!(argument, Err(CommandError::Argument { number: 1 }));
    for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0")] {
        let command = Command::new("/bin/sh", Vec::new(), LONG).unwrap();
        let refused = command.with_variable(name, value);
        assert!(matches!(refused, Err(CommandError::Variable { .. })));
    }
}
