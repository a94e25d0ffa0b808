//! The shop's connector: `plan`, `dispatch`, `find`, `poll`, `cancel` and `verify` a
//! rollback or a deployment.
//!
//! The run's id is the shop's idempotency key, and the shop answers a question for a key only when
//! every earlier connection is over. So "absent" is safe to say: no request that is still under
//! way can become a rollback.

use breakglass_format::error_class::ErrorClass;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    adapter::{Credential, Failure, parse},
    client::{Answer, Client},
};

/// The one target that there is.
const TARGET: &str = "shop";
/// The action that goes back to a release.
const ROLLBACK: &str = "rollback";
/// The actions that it knows: each serves another release.
const ACTIONS: [&str; 3] = [ROLLBACK, "deployment_override", "direct_deployment"];

#[derive(Deserialize)]
struct Operation {
    action: String,
    artifact: String,
    target: String,
}

#[derive(Deserialize)]
struct Plan {
    operation: Operation,
}

#[derive(Deserialize)]
struct Dispatch {
    run_id: String,
    operation: Operation,
    credential: Credential,
}

#[derive(Deserialize)]
struct Find {
    run_id: String,
}

#[derive(Deserialize)]
struct Poll {
    handle: String,
}

#[derive(Deserialize)]
struct Releases {
    current: String,
    releases: Vec<String>,
}

#[derive(Deserialize)]
struct Health {
    version: String,
    detail: String,
}

#[derive(Deserialize)]
struct Accepted {
    handle: String,
}

#[derive(Deserialize)]
struct Seen {
    handle: String,
    state: String,
    from: String,
    to: String,
}

/// Answers one request.
pub(super) fn answer(client: Client, op: &str, input: &[u8]) -> Result<Value, Failure> {
    match op {
        "plan" => plan(client, &parse(input)?),
        "dispatch" => dispatch(client, &parse(input)?),
        "find" => find(client, &parse(input)?),
        "poll" => poll(client, &parse(input)?),
        "cancel" => cancel(client, &parse(input)?),
        "verify" => verify(client, &parse(input)?),
        _ => Err(Failure::permanent(
            "a connector can plan, dispatch, find, poll, cancel and verify",
        )),
    }
}

fn plan(client: Client, Plan { operation }: &Plan) -> Result<Value, Failure> {
    check(operation)?;
    let Releases { current, releases } = look(client, "/releases")?.json()?;
    let wanted = &operation.artifact;
    if !releases.contains(wanted) {
        return Err(Failure::permanent(format!(
            "the shop has no release {wanted}"
        )));
    }
    let summary = if operation.action == ROLLBACK {
        format!("roll {TARGET} back from {current} to {wanted}")
    } else {
        format!("deploy {wanted} to {TARGET}, over {current}")
    };
    let mut plan = json!({
        "targets": [TARGET],
        "blast_radius": { "count": 1, "unit": "service" },
        "before": health(client)?.to_string(),
        "summary": summary,
    });
    if let Value::Object(plan) = &mut plan {
        if current == *wanted {
            let warning = format!("{TARGET} is on {current} already");
            plan.insert("warnings".to_owned(), json!([warning]));
        } else {
            let diff = format!("-current -> releases/{current}\n+current -> releases/{wanted}\n");
            plan.insert("diff".to_owned(), Value::from(diff));
            let inverse = json!({ "action": ROLLBACK, "artifact": current, "target": TARGET });
            plan.insert("inverse".to_owned(), inverse);
        }
    }
    Ok(plan)
}

fn dispatch(client: Client, request: &Dispatch) -> Result<Value, Failure> {
    check(&request.operation)?;
    let account = request.credential.username.as_deref();
    let account =
        account.ok_or_else(|| Failure::permanent("the credential has no field named username"))?;
    let answer = client.post(
        "/switch",
        &[
            ("account", account),
            ("password", request.credential.password()?),
            ("to", &request.operation.artifact),
            ("idempotency_key", &request.run_id),
        ],
    )?;
    if answer.status != 202 {
        return Err(Failure::unexpected(&answer));
    }
    let Accepted { handle } = answer.json()?;
    Ok(json!({ "result": "accepted", "handle": handle }))
}

fn find(client: Client, request: &Find) -> Result<Value, Failure> {
    Ok(
        match operation(client, &format!("operations/{}", request.run_id))? {
            Some(seen) => json!({ "result": "present", "handle": seen.handle }),
            None => json!({ "result": "absent" }),
        },
    )
}

fn poll(client: Client, request: &Poll) -> Result<Value, Failure> {
    let seen = known(client, request)?;
    let detail = format!("{TARGET}: {} to {}", seen.from, seen.to);
    Ok(json!({ "result": seen.state, "detail": detail }))
}

/// The shop switches in one step; there is nothing to stop in between.
fn cancel(client: Client, request: &Poll) -> Result<Value, Failure> {
    let seen = known(client, request)?;
    let result = if seen.state == "succeeded" {
        "too_late"
    } else {
        "asked"
    };
    Ok(json!({ "result": result }))
}

fn verify(client: Client, Plan { operation }: &Plan) -> Result<Value, Failure> {
    check(operation)?;
    let seen = health(client)?;
    let matches = seen.status == 200 && seen.health.version == operation.artifact;
    Ok(json!({ "matches": matches, "observed": seen.to_string() }))
}

fn check(operation: &Operation) -> Result<(), Failure> {
    if operation.target != TARGET {
        let target = &operation.target;
        return Err(Failure::permanent(format!(
            "no target {target}, only {TARGET}"
        )));
    }
    if !ACTIONS.contains(&operation.action.as_str()) {
        return Err(Failure {
            class: ErrorClass::PolicyViolation,
            detail: format!("{TARGET} knows the actions {}", ACTIONS.join(", ")),
        });
    }
    Ok(())
}

/// What a visitor sees now.
struct Observed {
    status: u16,
    health: Health,
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Health { version, detail } = &self.health;
        write!(f, "release {version} answers {}: {detail}", self.status)
    }
}

/// A broken release answers 500, with its health all the same.
fn health(client: Client) -> Result<Observed, Failure> {
    let answer = client.get("/health")?;
    match answer.json() {
        Ok(health) => Ok(Observed {
            status: answer.status,
            health,
        }),
        Err(_) => Err(Failure::unexpected(&answer)),
    }
}

fn known(client: Client, request: &Poll) -> Result<Seen, Failure> {
    let seen = operation(client, &request.handle)?;
    seen.ok_or_else(|| Failure::permanent("the shop does not know this handle"))
}

fn operation(client: Client, handle: &str) -> Result<Option<Seen>, Failure> {
    // It goes into a request line.
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-/".contains(&c);
    if !handle.starts_with("operations/") || !handle.bytes().all(plain) {
        return Err(Failure::permanent("that is not a handle of the shop"));
    }
    let answer = client.get(&format!("/{handle}"))?;
    match answer.status {
        200 => Ok(Some(answer.json()?)),
        404 => Ok(None),
        _ => Err(Failure::unexpected(&answer)),
    }
}

fn look(client: Client, path: &str) -> Result<Answer, Failure> {
    let answer = client.get(path)?;
    match answer.status {
        200 => Ok(answer),
        _ => Err(Failure::unexpected(&answer)),
    }
}
