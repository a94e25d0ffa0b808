//! What rotator and connector share: one request on standard input, one answer on standard
//! output (`docs/spec/command-protocol.md`).

use std::{
    io::{self, Read, Write as _},
    process::ExitCode,
};

use breakglass_format::error_class::ErrorClass;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    client::{Answer, CallError, Client},
    secret::Secret,
};

/// The version of the protocol.
const PROTOCOL: i64 = 1;
/// The longest request, in bytes.
const INPUT_BYTES_MAX: usize = 128 * 1024;

/// Why the request was not understood.
#[derive(Debug, Error)]
pub(super) enum InputError {
    #[error("cannot read standard input: {0}")]
    Read(#[source] io::Error),
    #[error("standard input holds more than {INPUT_BYTES_MAX} bytes")]
    TooLong,
    /// The parser's own message would quote what it could not read.
    #[error("standard input is not the JSON that was expected")]
    Malformed,
}

/// The `error` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What it means for the next call.
    pub(super) class: ErrorClass,
    /// One line for people, without any secret.
    pub(super) detail: String,
}

impl Failure {
    /// It did not happen and will not.
    pub(super) fn permanent(detail: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Permanent,
            detail: detail.into(),
        }
    }

    /// The shop answered with a status that is not one of those expected. 408 and 503 are its
    /// words for "nothing was done, try again"; other 5xx leave open what was done.
    pub(super) fn unexpected(answer: &Answer) -> Self {
        let class = match answer.status {
            408 | 503 => ErrorClass::Transient,
            400..500 => ErrorClass::Permanent,
            _ => ErrorClass::Ambiguous,
        };
        let detail = answer
            .json()
            .map_or_else(|_| String::new(), |said: Said| said.error);
        Self {
            class,
            detail: format!("the shop answered {}: {detail}", answer.status),
        }
    }
}

/// The shop's own words.
#[derive(Deserialize)]
struct Said {
    error: String,
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::permanent(error.to_string())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let class = match error {
            CallError::NotSent(_) => ErrorClass::Transient,
            CallError::TooLong => ErrorClass::Permanent,
            CallError::NoAnswer(_) | CallError::Malformed => ErrorClass::Ambiguous,
        };
        Self {
            class,
            detail: error.to_string(),
        }
    }
}

/// A credential, of which only these fields are for us.
#[derive(Debug, Deserialize)]
pub(super) struct Credential {
    /// The account's name at the shop, where it differs from its name here.
    pub(super) username: Option<String>,
    password: Option<Secret>,
}

impl Credential {
    /// The password.
    pub(super) fn password(&self) -> Result<&str, Failure> {
        let password = self.password.as_ref();
        password
            .map(Secret::expose)
            .ok_or_else(|| Failure::permanent("the credential has no field named password"))
    }
}

#[derive(Deserialize)]
struct Header {
    protocol: i64,
    op: String,
}

/// Answers the request on standard input. 0: `ok`; 1: `error`, or nobody took the answer.
pub(super) fn main(
    url: &str,
    answer: impl FnOnce(Client, &str, &[u8]) -> Result<Value, Failure>,
) -> ExitCode {
    let (line, done) = converse(url, &mut io::stdin().lock(), answer);
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    if done && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The answer to one request, and whether it is `ok`.
pub(super) fn converse(
    url: &str,
    input: &mut impl Read,
    answer: impl FnOnce(Client, &str, &[u8]) -> Result<Value, Failure>,
) -> (Value, bool) {
    match attempt(url, input, answer) {
        Ok(value) => (json!({ "ok": value }), true),
        Err(Failure { class, detail }) => {
            let error = json!({ "class": class.as_str(), "detail": detail });
            (json!({ "error": error }), false)
        }
    }
}

fn attempt(
    url: &str,
    input: &mut impl Read,
    answer: impl FnOnce(Client, &str, &[u8]) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let client: Client = url
        .parse()
        .map_err(|error| Failure::permanent(format!("{error}")))?;
    let input = read_input(input)?;
    let header: Header = parse(&input)?;
    if header.protocol != PROTOCOL {
        let found = header.protocol;
        let detail = format!("the request is of protocol {found}, and not of {PROTOCOL}");
        return Err(Failure::permanent(detail));
    }
    answer(client, &header.op, &input)
}

/// All of an input, in a buffer that is allocated once and wiped when dropped.
pub(super) fn read_input(input: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, InputError> {
    // One more than there may be: room for the end to show without the buffer growing.
    let mut bytes = Zeroizing::new(vec![0; INPUT_BYTES_MAX + 1]);
    let mut filled = 0;
    loop {
        let room = bytes.get_mut(filled..).unwrap_or_default();
        if room.is_empty() {
            return Err(InputError::TooLong);
        }
        match input.read(room) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(InputError::Read(error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// What of an input is for us; the rest is skipped without a copy.
pub(super) fn parse<T: DeserializeOwned>(input: &[u8]) -> Result<T, InputError> {
    serde_json::from_slice(input).map_err(|_| InputError::Malformed)
}
