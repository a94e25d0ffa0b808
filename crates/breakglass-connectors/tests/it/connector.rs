//! The `command` connector: every operation, and answers that are not usable.

use breakglass_connectors::{
    Fields,
    deploy::{
        BlastRadius, Cancellation, Connector as _, Dispatch, Found, Operation, Plan, PlanParts,
        Progress, Run, command::CommandConnector,
    },
};
use breakglass_format::{IncidentId, Line, RunId, Timestamp, error_class::ErrorClass};
use serde_json::Value;

use crate::script::{LONG, Script};

fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

fn operation() -> Operation {
    Operation {
        action: "rollback".parse().unwrap(),
        artifact: line("v41"),
        target: line("payments"),
    }
}

fn plan() -> Plan {
    Plan::new(PlanParts {
        operation: operation(),
        targets: vec![line("host-a")],
        blast_radius: BlastRadius {
            count: 1,
            unit: line("hosts"),
        },
        inverse: None,
        before: String::new(),
        diff: String::new(),
        warnings: Vec::new(),
        summary: line("roll back"),
    })
    .unwrap()
}

fn run(plan: &Plan) -> Run<'_> {
    Run {
        id: RunId::new(Timestamp::EPOCH, [1; 10]),
        incident_id: IncidentId::new(Timestamp::EPOCH, [2; 10]),
        plan,
    }
}

fn fields() -> Fields<'static> {
    Fields::from_iter([("token", "plane-secret")])
}

/// Answers this to whatever is asked.
fn answering(answer: &str) -> (Script, CommandConnector) {
    let script = Script::new(
        LONG,
        &format!("printf %s \"$request\" >$dir/got\ncat <<'END'\n{answer}\nEND"),
    );
    let connector = CommandConnector::new(script.command.clone());
    (script, connector)
}

fn got(script: &Script) -> Value {
    serde_json::from_str(&script.read("got")).unwrap()
}

#[test]
fn a_plan_is_asked_for_and_read() {
    let (script, connector) = answering(
        r#"{"ok":{"targets":["host-b","host-a"],"blast_radius":{"count":2,"unit":"hosts"},
        "inverse":{"action":"deploy","artifact":"v42","target":"payments"},
        "before":"v42\ttoken plane-secret","diff":"-v42\r\n+v41","warnings":["no canary"],
        "summary":"roll back payments"}}"#,
    );
    let plan = connector.plan(&operation(), &fields()).unwrap().value;
    let parts = plan.parts();
    assert_eq!(parts.operation, operation());
    assert_eq!(parts.targets, [line("host-a"), line("host-b")]);
    assert_eq!(parts.inverse.as_ref().unwrap().artifact, line("v42"));
    assert_eq!(parts.before, "v42·token [redacted]");
    assert_eq!(parts.diff, "-v42\n+v41");
    let expected = serde_json::json!({
        "protocol": 1,
        "op": "plan",
        "operation": {"action": "rollback", "artifact": "v41", "target": "payments"},
        "credential": {"token": "plane-secret"},
    });
    assert_eq!(got(&script), expected);
}

#[test]
fn a_plan_that_is_too_long_to_keep_is_cut_and_says_so() {
    let long = "é".repeat(20_000);
    let (_script, connector) = answering(&format!(
        r#"{{"ok":{{"targets":["a"],"blast_radius":{{"count":1,"unit":"hosts"}},"summary":"s","diff":"{long}"}}}}"#
    ));
    let plan = connector.plan(&operation(), &fields()).unwrap().value;
    assert_eq!(plan.parts().diff.len(), 12 * 1024);
    let warning = line("diff is cut: 12288 of 40000 bytes");
    assert_eq!(plan.parts().warnings, [warning]);
}

#[test]
fn a_run_is_named_in_every_call() {
    let plan = plan();
    let (script, connector) = answering(r#"{"ok":{"result":"accepted","handle":"job 7"}}"#);
    let reply = connector.dispatch(&run(&plan), &fields()).unwrap();
    let handle = line("job 7");
    assert_eq!(
        reply.value,
        Dispatch::Accepted {
            handle: handle.clone()
        }
    );
    let expected = serde_json::json!({
        "protocol": 1,
        "op": "dispatch",
        "run_id": run(&plan).id.to_string(),
        "incident_id": run(&plan).incident_id.to_string(),
        "operation": {"action": "rollback", "artifact": "v41", "target": "payments"},
        "plan": plan.hash().to_string(),
        "targets": ["host-a"],
        "credential": {"token": "plane-secret"},
    });
    assert_eq!(got(&script), expected);

    let (script, connector) = answering(r#"{"ok":{"result":"running","detail":"1 of 2"}}"#);
    let reply = connector
        .poll(&run(&plan), &handle, &Fields::none())
        .unwrap();
    let detail = line("1 of 2");
    assert_eq!(reply.value, Progress::Running { detail });
    assert_eq!(got(&script)["handle"], "job 7");
    assert_eq!(got(&script)["credential"], serde_json::json!({}));
}

#[test]
fn every_answer_is_understood() {
    let plan = plan();
    let (run, fields, handle) = (run(&plan), fields(), line("job 7"));
    // The script must outlive the call.
    macro_rules! answer {
        ($answer:literal, $op:ident $(, $handle:expr)?) => {{
            let (_script, connector) = answering($answer);
            connector.$op(&run $(, $handle)?, &fields).unwrap().value
        }};
    }
    let detail = line("");
    let got = answer!(r#"{"ok":{"result":"already_done"}}"#, dispatch);
    assert_eq!(got, Dispatch::AlreadyDone);

    let got = answer!(r#"{"ok":{"result":"present","handle":"job 7"}}"#, find);
    assert_eq!(
        got,
        Found::Present {
            handle: handle.clone()
        }
    );
    let got = answer!(r#"{"ok":{"result":"absent"}}"#, find);
    assert_eq!(got, Found::Absent);
    let got = answer!(r#"{"ok":{"result":"cannot_tell"}}"#, find);
    assert_eq!(
        got,
        Found::CannotTell {
            detail: detail.clone()
        }
    );

    let got = answer!(r#"{"ok":{"result":"succeeded"}}"#, poll, &handle);
    assert_eq!(
        got,
        Progress::Succeeded {
            detail: detail.clone()
        }
    );
    let got = answer!(r#"{"ok":{"result":"cancelled"}}"#, poll, &handle);
    assert_eq!(
        got,
        Progress::Cancelled {
            detail: detail.clone()
        }
    );
    let got = answer!(
        r#"{"ok":{"result":"failed","class":"permanent"}}"#,
        poll,
        &handle
    );
    let class = ErrorClass::Permanent;
    assert_eq!(got, Progress::Failed { class, detail });

    let got = answer!(r#"{"ok":{"result":"cancelled"}}"#, cancel, &handle);
    assert_eq!(got, Cancellation::Cancelled);
    let got = answer!(r#"{"ok":{"result":"asked"}}"#, cancel, &handle);
    assert_eq!(got, Cancellation::Asked);
    let got = answer!(r#"{"ok":{"result":"too_late"}}"#, cancel, &handle);
    assert_eq!(got, Cancellation::TooLate);

    let got = answer!(
        r#"{"ok":{"matches":false,"observed":"v42, plane-secret"}}"#,
        verify
    );
    assert!(!got.matches);
    assert_eq!(got.observed, line("v42, [redacted]"));
}

#[test]
fn an_unusable_handle_leaves_open_what_happened() {
    let plan = plan();
    for handle in ["", " ", "a\\nb", "a\\u202eb"] {
        let answer = format!(r#"{{"ok":{{"result":"accepted","handle":"{handle}"}}}}"#);
        let (_script, connector) = answering(&answer);
        let failure = connector.dispatch(&run(&plan), &fields()).unwrap_err();
        assert_eq!(failure.class, ErrorClass::Ambiguous, "{handle}");
        let answer = format!(r#"{{"ok":{{"result":"present","handle":"{handle}"}}}}"#);
        let (_script, connector) = answering(&answer);
        let failure = connector.find(&run(&plan), &fields()).unwrap_err();
        assert_eq!(failure.class, ErrorClass::Transient, "{handle}");
    }
}

#[test]
fn a_plan_without_targets_or_with_odd_ones_is_none() {
    for targets in ["[]", r#"[""]"#, r#"["a\nb"]"#] {
        let answer = format!(
            r#"{{"ok":{{"targets":{targets},"blast_radius":{{"count":1,"unit":"hosts"}},"summary":""}}}}"#
        );
        let (_script, connector) = answering(&answer);
        let failure = connector.plan(&operation(), &fields()).unwrap_err();
        assert_eq!(failure.class, ErrorClass::Transient, "{targets}");
    }
}
