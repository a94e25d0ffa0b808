//! The `command` connector: a program of somebody's own (`docs/spec/command-protocol.md`).

use breakglass_format::{Line, error_class::ErrorClass};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    BlastRadius, Cancellation, Connector, Dispatch, Found, Operation, Plan, PlanParts, Progress,
    Reply, Run, Verification,
};
use crate::{
    Failure, Fields,
    command::{Answered, Command, Op, Request, Texts},
    record::{clean, cut},
};

/// How much of a plan's before-state and of its diff is kept, in bytes.
const OBSERVATION_BYTES_MAX: usize = 12 * 1024;

/// A connector that calls a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandConnector(Command);

impl CommandConnector {
    /// Calls this program.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self(command)
    }

    fn call<T: DeserializeOwned + Texts>(
        &self,
        op: Op,
        body: Map<String, Value>,
        fields: &Fields<'_>,
    ) -> Result<Answered<T>, Failure> {
        self.0.call(&Request {
            op,
            body,
            secrets: &[("credential", fields)],
        })
    }
}

impl Connector for CommandConnector {
    fn describe(&self) -> Line {
        Line::lossy(&format!("command {}", self.0.program().display()))
    }

    fn plan(&self, operation: &Operation, fields: &Fields<'_>) -> Result<Reply<Plan>, Failure> {
        let body = Map::from_iter([("operation".to_owned(), operation_body(operation))]);
        let mut answer = self.call::<PlanAnswer>(Op::Plan, body, fields)?;
        let parts = std::mem::take(&mut answer.value).into_parts(operation);
        match parts.map(Plan::new) {
            Ok(Ok(plan)) => Ok(answer.reply(plan)),
            Ok(Err(error)) => Err(answer.unusable(&error.to_string())),
            Err(what) => Err(answer.unusable(what)),
        }
    }

    fn dispatch(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Dispatch>, Failure> {
        let answer = self.call::<DispatchAnswer>(Op::Dispatch, run_body(run), fields)?;
        match &answer.value {
            DispatchAnswer::AlreadyDone => Ok(answer.reply(Dispatch::AlreadyDone)),
            DispatchAnswer::Accepted { handle } => match Line::required(handle.as_str()) {
                Ok(handle) => Ok(answer.reply(Dispatch::Accepted { handle })),
                Err(error) => Err(answer.unusable(&format!("handle: {error}"))),
            },
        }
    }

    fn find(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Found>, Failure> {
        let answer = self.call::<FindAnswer>(Op::Find, run_body(run), fields)?;
        let found = match &answer.value {
            FindAnswer::Absent => Found::Absent,
            FindAnswer::CannotTell { detail } => Found::CannotTell {
                detail: Line::lossy(detail),
            },
            FindAnswer::Present { handle } => match Line::required(handle.as_str()) {
                Ok(handle) => Found::Present { handle },
                Err(error) => return Err(answer.unusable(&format!("handle: {error}"))),
            },
        };
        Ok(answer.reply(found))
    }

    fn poll(
        &self,
        run: &Run<'_>,
        handle: &Line,
        fields: &Fields<'_>,
    ) -> Result<Reply<Progress>, Failure> {
        let answer = self.call::<PollAnswer>(Op::Poll, handle_body(run, handle), fields)?;
        let progress = match &answer.value {
            PollAnswer::Running { detail } => Progress::Running {
                detail: Line::lossy(detail),
            },
            PollAnswer::Succeeded { detail } => Progress::Succeeded {
                detail: Line::lossy(detail),
            },
            PollAnswer::Failed { class, detail } => Progress::Failed {
                class: *class,
                detail: Line::lossy(detail),
            },
            PollAnswer::Cancelled { detail } => Progress::Cancelled {
                detail: Line::lossy(detail),
            },
        };
        Ok(answer.reply(progress))
    }

    fn cancel(
        &self,
        run: &Run<'_>,
        handle: &Line,
        fields: &Fields<'_>,
    ) -> Result<Reply<Cancellation>, Failure> {
        let answer = self.call::<CancelAnswer>(Op::Cancel, handle_body(run, handle), fields)?;
        let cancellation = match answer.value {
            CancelAnswer::Cancelled => Cancellation::Cancelled,
            CancelAnswer::Asked => Cancellation::Asked,
            CancelAnswer::TooLate => Cancellation::TooLate,
        };
        Ok(answer.reply(cancellation))
    }

    fn verify(&self, run: &Run<'_>, fields: &Fields<'_>) -> Result<Reply<Verification>, Failure> {
        let answer = self.call::<VerifyAnswer>(Op::Verify, run_body(run), fields)?;
        let verification = Verification {
            matches: answer.value.matches,
            observed: Line::lossy(&answer.value.observed),
        };
        Ok(answer.reply(verification))
    }
}

impl<T> Answered<T> {
    fn reply<U>(self, value: U) -> Reply<U> {
        Reply {
            value,
            record: self.record,
        }
    }
}

fn operation_body(operation: &Operation) -> Value {
    json!({
        "action": operation.action.as_str(),
        "artifact": operation.artifact.as_str(),
        "target": operation.target.as_str(),
    })
}

fn run_body(run: &Run<'_>) -> Map<String, Value> {
    let parts = run.plan.parts();
    let targets: Vec<&str> = parts.targets.iter().map(Line::as_str).collect();
    Map::from_iter([
        ("run_id".to_owned(), Value::from(run.id.to_string())),
        (
            "incident_id".to_owned(),
            Value::from(run.incident_id.to_string()),
        ),
        ("operation".to_owned(), operation_body(&parts.operation)),
        ("plan".to_owned(), Value::from(run.plan.hash().to_string())),
        ("targets".to_owned(), Value::from(targets)),
    ])
}

fn handle_body(run: &Run<'_>, handle: &Line) -> Map<String, Value> {
    let mut body = run_body(run);
    body.insert("handle".to_owned(), Value::from(handle.as_str()));
    body
}

#[derive(Default, Deserialize)]
struct PlanAnswer {
    targets: Vec<String>,
    blast_radius: RadiusAnswer,
    inverse: Option<OperationAnswer>,
    #[serde(default)]
    before: String,
    #[serde(default)]
    diff: String,
    #[serde(default)]
    warnings: Vec<String>,
    summary: String,
}

#[derive(Default, Deserialize)]
struct RadiusAnswer {
    count: u32,
    unit: String,
}

#[derive(Deserialize)]
struct OperationAnswer {
    action: String,
    artifact: String,
    target: String,
}

impl PlanAnswer {
    /// What is hashed must be right as it is; what people only read is made to fit.
    fn into_parts(self, operation: &Operation) -> Result<PlanParts, &'static str> {
        let targets: Result<_, _> = self.targets.into_iter().map(Line::required).collect();
        let inverse = self
            .inverse
            .map(OperationAnswer::into_operation)
            .transpose()?;
        let mut warnings: Vec<Line> = self.warnings.iter().map(|w| Line::lossy(w)).collect();
        let mut kept = |name: &str, text: String| {
            let mut text = clean(&text);
            let all = text.len();
            if cut(&mut text, OBSERVATION_BYTES_MAX) {
                let kept = text.len();
                warnings.push(Line::lossy(&format!(
                    "{name} is cut: {kept} of {all} bytes"
                )));
            }
            text
        };
        let (before, diff) = (kept("before", self.before), kept("diff", self.diff));
        Ok(PlanParts {
            operation: operation.clone(),
            targets: targets.map_err(|_| "a target is empty, too long or holds odd characters")?,
            blast_radius: BlastRadius {
                count: self.blast_radius.count,
                unit: Line::required(self.blast_radius.unit)
                    .map_err(|_| "the unit of the blast radius is not one line of text")?,
            },
            inverse,
            before,
            diff,
            warnings,
            summary: Line::lossy(&self.summary),
        })
    }
}

impl OperationAnswer {
    fn into_operation(self) -> Result<Operation, &'static str> {
        let what = "the inverse is not an operation";
        Ok(Operation {
            action: self.action.parse().map_err(|_| what)?,
            artifact: Line::new(self.artifact).map_err(|_| what)?,
            target: Line::required(self.target).map_err(|_| what)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum DispatchAnswer {
    Accepted { handle: String },
    AlreadyDone,
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum FindAnswer {
    Present {
        handle: String,
    },
    Absent,
    CannotTell {
        #[serde(default)]
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum PollAnswer {
    Running {
        #[serde(default)]
        detail: String,
    },
    Succeeded {
        #[serde(default)]
        detail: String,
    },
    Failed {
        class: ErrorClass,
        #[serde(default)]
        detail: String,
    },
    Cancelled {
        #[serde(default)]
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum CancelAnswer {
    Cancelled,
    Asked,
    TooLate,
}

#[derive(Deserialize)]
struct VerifyAnswer {
    matches: bool,
    #[serde(default)]
    observed: String,
}

impl Texts for PlanAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![
            &mut self.before,
            &mut self.diff,
            &mut self.summary,
            &mut self.blast_radius.unit,
        ];
        texts.extend(&mut self.targets);
        texts.extend(&mut self.warnings);
        if let Some(inverse) = &mut self.inverse {
            texts.extend([
                &mut inverse.action,
                &mut inverse.artifact,
                &mut inverse.target,
            ]);
        }
        texts
    }
}

impl Texts for DispatchAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Accepted { handle } => vec![handle],
            Self::AlreadyDone => Vec::new(),
        }
    }
}

impl Texts for FindAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Present { handle: text } | Self::CannotTell { detail: text } => vec![text],
            Self::Absent => Vec::new(),
        }
    }
}

impl Texts for PollAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Running { detail }
            | Self::Succeeded { detail }
            | Self::Failed { detail, .. }
            | Self::Cancelled { detail } => vec![detail],
        }
    }
}

impl Texts for CancelAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        Vec::new()
    }
}

impl Texts for VerifyAnswer {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.observed]
    }
}
