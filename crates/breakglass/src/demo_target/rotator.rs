//! The shop's rotator: `prove` and `change`.

use breakglass_format::error_class::ErrorClass;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    adapter::{Credential, Failure, parse},
    client::Client,
};

#[derive(Deserialize)]
struct Account {
    name: String,
}

#[derive(Deserialize)]
struct Prove {
    account: Account,
    credential: Credential,
}

#[derive(Deserialize)]
struct Change {
    account: Account,
    current: Credential,
    new: Credential,
}

/// Answers one request.
pub(super) fn answer(client: Client, op: &str, input: &[u8]) -> Result<Value, Failure> {
    match op {
        "prove" => prove(client, &parse(input)?),
        "change" => change(client, &parse(input)?),
        _ => Err(Failure::permanent("a rotator can prove and change")),
    }
}

fn prove(client: Client, request: &Prove) -> Result<Value, Failure> {
    let name = name(&request.account, &request.credential);
    let accepted = logs_in(client, name, &request.credential)?;
    Ok(json!({ "result": if accepted { "accepted" } else { "refused" } }))
}

fn change(client: Client, request: &Change) -> Result<Value, Failure> {
    let account = name(&request.account, &request.current);
    if name(&request.account, &request.new) != account {
        return Err(Failure::permanent("the shop cannot change a user name"));
    }
    let answer = client.post(
        "/password",
        &[
            ("account", account),
            ("current_password", request.current.password()?),
            ("new_password", request.new.password()?),
        ],
    )?;
    match answer.status {
        200 => Ok(json!({ "result": "changed" })),
        401 => changed_before(client, account, &request.new),
        _ => Err(Failure::unexpected(&answer)),
    }
}

/// The current password is wrong. An earlier call may have changed it and lost the answer.
fn changed_before(client: Client, account: &str, new: &Credential) -> Result<Value, Failure> {
    match logs_in(client, account, new) {
        Ok(true) => Ok(json!({ "result": "changed" })),
        Ok(false) => Err(Failure::permanent(
            "the shop takes neither the current nor the new password",
        )),
        // Looking changed nothing, but whether there is something to see is not known.
        Err(failure) => Err(Failure {
            class: ErrorClass::Ambiguous,
            ..failure
        }),
    }
}

fn logs_in(client: Client, account: &str, credential: &Credential) -> Result<bool, Failure> {
    let fields = [("account", account), ("password", credential.password()?)];
    let answer = client.post("/login", &fields)?;
    match answer.status {
        200 => Ok(true),
        401 => Ok(false),
        _ => Err(Failure::unexpected(&answer)),
    }
}

fn name<'a>(account: &'a Account, credential: &'a Credential) -> &'a str {
    credential.username.as_deref().unwrap_or(&account.name)
}
