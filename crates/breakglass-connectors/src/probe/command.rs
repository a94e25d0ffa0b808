//! The `command` probe: a program of somebody's own (`docs/spec/command-protocol.md`).

use serde::Deserialize;
use serde_json::Map;

use super::{Probe, Sample, Saw};
use crate::command::{Command, Op, Request, Texts};

/// A probe that calls a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandProbe {
    name: String,
    command: Command,
}

impl CommandProbe {
    /// Calls this program, under this name.
    #[must_use]
    pub fn new(name: &str, command: Command) -> Self {
        Self {
            name: name.to_owned(),
            command,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Up,
    Down,
    CannotTell,
}

#[derive(Deserialize)]
struct Answer {
    state: State,
    #[serde(default)]
    detail: String,
}

impl Texts for Answer {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.detail]
    }
}

impl Probe for CommandProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample(&self) -> Sample {
        let answer = self.command.call::<Answer>(&Request {
            op: Op::Probe,
            body: Map::new(),
            secrets: &[],
        });
        let (saw, word, detail) = match answer {
            Ok(answer) => {
                let (saw, word) = match answer.value.state {
                    State::Up => (Saw::Up, "up"),
                    State::Down => (Saw::Down, "down"),
                    State::CannotTell => (Saw::Unclear, "cannot tell"),
                };
                (saw, word, answer.value.detail)
            }
            // The program is ours; what is wrong with it says nothing of the control plane.
            Err(failure) => (
                Saw::Unclear,
                "the program failed",
                failure.detail.to_string(),
            ),
        };
        let detail = if detail.is_empty() {
            word.to_owned()
        } else {
            format!("{word}: {detail}")
        };
        Sample { saw, detail }
    }
}
