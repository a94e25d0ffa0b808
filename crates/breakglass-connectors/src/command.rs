//! A program of somebody's own as a target: one child process per call, JSON on its standard
//! input and output (`docs/spec/command-protocol.md`).
//!
//! Secrets go to the child through its standard input and nowhere else. The child is a process
//! group of its own in `/`, with the environment it is given and three descriptors; whatever is
//! left of the group when the call is over is killed.

mod child;
mod protocol;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use breakglass_format::{Line, error_class::ErrorClass};
use serde::de::DeserializeOwned;
use thiserror::Error;

pub(crate) use self::protocol::{Op, Request, Texts};
use self::{
    child::{End, Finished},
    protocol::Answer,
};
use crate::{Failure, Record, redact::Redactor};

/// Where a child finds other programs, where its configuration does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much of each output is kept as evidence, in bytes of the output.
const STDOUT_KEPT: usize = 2 * 1024;
const STDERR_KEPT: usize = 1024;

/// A program, as the configuration names it.
///
/// Everything in it may appear in a process list; it must hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    program: PathBuf,
    args: Vec<String>,
    environment: BTreeMap<String, String>,
    timeout: Duration,
}

/// Why a configuration names no program that can be called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The program would be looked up, or run relative to some directory.
    #[error("the program {} is not an absolute path", program.display())]
    NotAbsolute {
        /// What it says.
        program: PathBuf,
    },
    /// An environment cannot hold it.
    #[error("{name:?} is no name of an environment variable, or its value holds a zero byte")]
    Variable {
        /// The name.
        name: String,
    },
    /// An argument cannot hold it.
    #[error("argument {number} of the program holds a zero byte")]
    Argument {
        /// Which one, from 1.
        number: usize,
    },
    /// No time at all.
    #[error("the timeout of the program is zero")]
    NoTime,
}

/// What a call was answered, and the evidence of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered<T> {
    pub(crate) value: T,
    pub(crate) record: Record,
    op: Op,
}

impl<T> Answered<T> {
    /// The failure of a call whose answer has the right shape and the wrong content.
    pub(crate) fn unusable(self, what: &str) -> Failure {
        failure(
            self.op,
            ErrorClass::Ambiguous,
            &format!("unusable answer: {what}"),
            self.record,
        )
    }
}

impl Command {
    /// A program with its fixed arguments, and how long one call of it may take.
    ///
    /// # Errors
    ///
    /// The path is not absolute, an argument holds a zero byte, or there is no time.
    pub fn new(
        program: impl Into<PathBuf>,
        args: Vec<String>,
        timeout: Duration,
    ) -> Result<Self, CommandError> {
        let program = program.into();
        if !program.is_absolute() {
            return Err(CommandError::NotAbsolute { program });
        }
        if let Some(at) = args.iter().position(|arg| arg.contains('\0')) {
            return Err(CommandError::Argument { number: at + 1 });
        }
        if timeout.is_zero() {
            return Err(CommandError::NoTime);
        }
        let environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
        Ok(Self {
            program,
            args,
            environment,
            timeout,
        })
    }

    /// Gives the child a variable beside `PATH`, or another `PATH`. It inherits none.
    ///
    /// # Errors
    ///
    /// The name is empty or holds `=`, or one of both holds a zero byte.
    pub fn with_variable(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, CommandError> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(CommandError::Variable { name });
        }
        self.environment.insert(name, value);
        Ok(self)
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Calls the program once.
    pub(crate) fn call<T: DeserializeOwned + Texts>(
        &self,
        request: &Request<'_>,
    ) -> Result<Answered<T>, Failure> {
        let op = request.op;
        let record = Record::new()
            .text("op", op.as_str())
            .text("program", &self.program.to_string_lossy());
        let redactor = Redactor::new(request.secrets.iter().map(|(_, fields)| *fields));
        let finished = match self.run(request) {
            Ok(finished) => finished,
            Err(error) => {
                let detail = format!("the command could not be started: {error}");
                let record = record.text("ended", &detail);
                return Err(failure(op, ErrorClass::Transient, &detail, record));
            }
        };
        let record = describe(record, &finished, self.timeout, &redactor);
        match judge(&finished) {
            Ok(Answer::Done(mut value)) => {
                redact(&mut value, &redactor);
                Ok(Answered { value, record, op })
            }
            Ok(Answer::Refused { class, mut detail }) => {
                redactor.text(&mut detail);
                Err(failure(op, class, &detail, record))
            }
            Err(what) => Err(failure(op, ErrorClass::Ambiguous, what, record)),
        }
    }

    fn run(&self, request: &Request<'_>) -> io::Result<Finished> {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(&self.environment)
            .current_dir("/");
        child::run(command, &protocol::write(request)?, self.timeout)
    }
}

/// What the end and the output of a child say. From here on the request was sent, and everything
/// that is not a clear answer leaves open what happened.
fn judge<T: DeserializeOwned>(finished: &Finished) -> Result<Answer<T>, &'static str> {
    let status = match finished.end {
        End::TimedOut => return Err("the command did not end in time and was killed"),
        End::Lost => return Err("the command was lost from sight and killed"),
        End::Exited(status) => status,
    };
    if finished.stdout.is_cut() {
        return Err("the command wrote more than an answer can have");
    }
    match protocol::read(finished.stdout.bytes()) {
        Some(Answer::Done(_)) if !status.success() => {
            Err("the command reported success and exited with a failure")
        }
        Some(answer) => Ok(answer),
        None if status.success() => Err("the command wrote no usable answer"),
        None => Err("the command failed without a usable answer"),
    }
}

/// A call that only looks cannot have done anything: what would be ambiguous is transient there.
fn failure(op: Op, class: ErrorClass, detail: &str, record: Record) -> Failure {
    let class = match class {
        ErrorClass::Ambiguous if !op.changes() => ErrorClass::Transient,
        ErrorClass::Transient
        | ErrorClass::Permanent
        | ErrorClass::PolicyViolation
        | ErrorClass::Ambiguous => class,
    };
    Failure {
        class,
        detail: Line::lossy(&format!("{}: {detail}", op.as_str())),
        record: record.text("class", class.as_str()).text("detail", detail),
    }
}

fn describe(record: Record, finished: &Finished, timeout: Duration, redactor: &Redactor) -> Record {
    let ended = match finished.end {
        End::Exited(status) => exit(status),
        End::TimedOut => format!("killed after {} ms", timeout.as_millis()),
        End::Lost => "lost and killed".to_owned(),
    };
    let (stdout, stderr) = (&finished.stdout, &finished.stderr);
    record
        .text("ended", &ended)
        .number("stdout_bytes", stdout.total())
        .text(
            "stdout",
            &redactor.output(stdout.bytes(), stdout.is_cut(), STDOUT_KEPT),
        )
        .number("stderr_bytes", stderr.total())
        .text(
            "stderr",
            &redactor.output(stderr.bytes(), stderr.is_cut(), STDERR_KEPT),
        )
}

fn exit(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn redact<T: Texts>(value: &mut T, redactor: &Redactor) {
    for text in value.texts() {
        redactor.text(text);
    }
}
