//! The `http` probe: asks an address of the control plane how it is.

use std::io::{ErrorKind, Read};

use thiserror::Error;
use ureq::http::StatusCode;

use super::{Probe, Sample, Saw};

/// How much of an answer is looked at, in bytes.
const BODY_MAX: u64 = 64 * 1024;

/// A probe that gets a URL.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    name: String,
    url: String,
    contains: Option<String>,
    agent: ureq::Agent,
}

/// Why a URL is not one that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Another scheme than `http` or `https`.
    #[error("{url:?} is no http:// or https:// address")]
    Scheme {
        /// What it says.
        url: String,
    },
    /// A user name or password in it, which would be evidence for everybody to read.
    #[error("the address of the probe holds a user name or a password; a probe needs neither")]
    UserInfo,
}

impl HttpProbe {
    /// A probe of this URL; where `contains` is given, an answer without that text is not up.
    ///
    /// `agent` follows no redirect, reports every status, and gives up after
    /// [`SAMPLE_MAX`](super::SAMPLE_MAX).
    ///
    /// # Errors
    ///
    /// The URL has another scheme, or a user name or password in it.
    pub fn new(
        name: &str,
        url: &str,
        contains: Option<String>,
        agent: ureq::Agent,
    ) -> Result<Self, UrlError> {
        let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
        let rest = rest.filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| UrlError::Scheme {
            url: url.to_owned(),
        })?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        Ok(Self {
            name: name.to_owned(),
            url: url.to_owned(),
            contains,
            agent,
        })
    }

    fn answered(&self, status: StatusCode, body: impl Read) -> Sample {
        let (saw, mut detail) = (by_status(status), status.as_u16().to_string());
        let Some(text) = self.contains.as_ref().filter(|_| status.is_success()) else {
            return Sample { saw, detail };
        };
        let mut bytes = Vec::new();
        let read = body.take(BODY_MAX).read_to_end(&mut bytes);
        let found = bytes
            .windows(text.len().max(1))
            .any(|w| w == text.as_bytes());
        let saw = match read {
            Ok(_) if found => Saw::Up,
            Ok(_) => {
                detail.push_str(" without the expected text");
                Saw::Down
            }
            Err(_) => {
                detail.push_str(", and the answer broke off");
                Saw::Down
            }
        };
        Sample { saw, detail }
    }
}

impl Probe for HttpProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn sample(&self) -> Sample {
        match self.agent.get(&self.url).call() {
            Ok(response) => {
                let status = response.status();
                self.answered(status, response.into_body().into_reader())
            }
            Err(error) => failed(&error),
        }
    }
}

/// Somebody who asks who we are is there; somebody who sends us elsewhere may be anybody.
fn by_status(status: StatusCode) -> Saw {
    match status.as_u16() {
        200..=299 | 401 | 403 => Saw::Up,
        429 | 500..=599 => Saw::Down,
        _ => Saw::Unclear,
    }
}

/// No answer is *down* where the network took us there, and unclear where the fault may be ours:
/// a name that is not found, a certificate that does not fit.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else there is, or comes to be, is unclear"
)]
fn failed(error: &ureq::Error) -> Sample {
    let (saw, detail) = match error {
        ureq::Error::Timeout(_) => (Saw::Down, "no answer in time".to_owned()),
        ureq::Error::ConnectionFailed => (Saw::Down, "no connection".to_owned()),
        ureq::Error::Io(io) => of_io(io),
        ureq::Error::HostNotFound => (Saw::Unclear, "its name is not found".to_owned()),
        other => (Saw::Unclear, other.to_string()),
    };
    Sample { saw, detail }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else there is, or comes to be, is unclear"
)]
fn of_io(error: &std::io::Error) -> (Saw, String) {
    let (saw, detail) = match error.kind() {
        ErrorKind::ConnectionRefused => (Saw::Down, "connection refused"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            (Saw::Down, "connection broken")
        }
        ErrorKind::UnexpectedEof => (Saw::Down, "the answer broke off"),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => (Saw::Down, "no answer in time"),
        _ => return (Saw::Unclear, error.to_string()),
    };
    (saw, detail.to_owned())
}
