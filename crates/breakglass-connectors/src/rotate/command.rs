//! The `command` rotator: a program of somebody's own (`docs/spec/command-protocol.md`).

use breakglass_format::{Line, event::AccountRef};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    Failure, Fields, Record,
    command::{Command, Op, Request, Texts},
    rotate::{Proof, Rotator, Verdict},
};

/// A rotator that calls a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRotator(Command);

impl CommandRotator {
    /// Calls this program.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self(command)
    }
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum ProveAnswer {
    Accepted,
    Refused,
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum ChangeAnswer {
    Changed,
}

impl Texts for ProveAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

impl Texts for ChangeAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

impl Rotator for CommandRotator {
    fn describe(&self) -> Line {
        Line::lossy(&format!("command {}", self.0.program().display()))
    }

    fn prove(
        &self,
        account: &AccountRef,
        credential: &Fields<'_>,
        expect: Verdict,
    ) -> Result<Proof, Failure> {
        let mut body = body(account);
        body.insert("expect".to_owned(), Value::from(expect.as_str()));
        let answer = self.0.call(&Request {
            op: Op::Prove,
            body,
            secrets: &[("credential", credential)],
        })?;
        let seen = match answer.value {
            ProveAnswer::Accepted => Verdict::Accepted,
            ProveAnswer::Refused => Verdict::Refused,
        };
        Ok(Proof {
            seen,
            record: answer.record,
        })
    }

    fn change(
        &self,
        account: &AccountRef,
        current: &Fields<'_>,
        new: &Fields<'_>,
    ) -> Result<Record, Failure> {
        let answer = self.0.call::<ChangeAnswer>(&Request {
            op: Op::Change,
            body: body(account),
            secrets: &[("current", current), ("new", new)],
        })?;
        Ok(answer.record)
    }
}

fn body(account: &AccountRef) -> Map<String, Value> {
    let account = json!({"id": account.id.to_string(), "name": account.name.to_string()});
    Map::from_iter([("account".to_owned(), account)])
}
