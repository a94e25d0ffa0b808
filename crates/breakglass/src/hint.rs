//! Failures as people meet them: a message, what to do next, and the exit code.

use std::process::ExitCode;

use breakglass_api::ClientError;
use thiserror::Error;

use crate::{
    actor::{ActorError, Class, LookupError},
    signer::{AgentError, KeyFileError, SignError},
    state::{ConfigError, PinError, StateError},
    trust::TrustError,
};

/// What a command ends with when nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// What sort it is.
    pub class: Class,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of a sort.
    #[must_use]
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            hint: None,
        }
    }

    /// What was typed is not usable.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// Something or somebody said no.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Class::Refused, message)
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code: 1 refused, 2 usage, 3 unreachable, 4 does not verify, 5 forked.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.class {
            Class::Refused => 1,
            Class::Usage => 2,
            Class::Unreachable => 3,
            Class::Tampered => 4,
            Class::Forked => 5,
        })
    }
}

impl From<ActorError> for Failure {
    fn from(error: ActorError) -> Self {
        let failure = Self::new(error.class(), error.to_string());
        match of_actor(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        ActorError::from(error).into()
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        ActorError::from(error).into()
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        ActorError::from(error).into()
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        ActorError::from(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        match error {
            ConfigError::Missing { .. } => Self::refused(message)
                .hint("join an installation first: breakglass join URL --genesis sha256:…"),
            ConfigError::Mistake { .. } | ConfigError::Server { .. } => Self::usage(message),
            ConfigError::State(_) => Self::refused(message),
        }
    }
}

impl From<crate::tls::TlsError> for Failure {
    fn from(error: crate::tls::TlsError) -> Self {
        Self::usage(error.to_string()).hint("ca_file in client.toml names a PEM file")
    }
}

fn of_actor(error: &ActorError) -> Option<String> {
    if let ActorError::Client(error) = error {
        return of_client(error);
    }
    if let ActorError::Trust(error) = error {
        return of_trust(error);
    }
    if let ActorError::Sign(error) = error {
        return of_sign(error);
    }
    if let ActorError::KeyNotListed { .. } = error {
        let hint = "have the root persons publish an authority that lists the key, or use another";
        return Some(hint.to_owned());
    }
    if let ActorError::Lookup(LookupError::Account { .. }) = error {
        return Some("breakglass account list".to_owned());
    }
    distrust(error.class())
}

fn of_client(error: &ClientError) -> Option<String> {
    match error {
        ClientError::Unreachable { .. } => Some(
            "it may or may not have happened; the same command again is safe. \
             Servers stand in client.toml"
                .to_owned(),
        ),
        ClientError::Refused(problem) if problem.status == 401 => {
            Some("begin a session: breakglass login".to_owned())
        }
        ClientError::Refused(problem) if problem.code == "clock_skew" => {
            Some("correct the clock, or sign with the server's time: --server-time".to_owned())
        }
        ClientError::Refused(problem) => Some(problem.hint.clone()).filter(|h| !h.is_empty()),
        ClientError::Foreign { .. } => Some("is this the right address and port?".to_owned()),
        ClientError::Receipt(_) => distrust(Class::Tampered),
    }
}

fn of_trust(error: &TrustError) -> Option<String> {
    match error {
        TrustError::Client(error) => of_client(error),
        TrustError::Pin(PinError::Fork(_) | PinError::AuthorityFork { .. }) => {
            distrust(Class::Forked)
        }
        TrustError::Pin(PinError::State(_)) => None,
        TrustError::Contended => Some("try again".to_owned()),
        TrustError::Pin(PinError::AuthorityRollback { .. })
        | TrustError::NoAuthority
        | TrustError::Chain(_)
        | TrustError::Principal { .. }
        | TrustError::LogKey(_)
        | TrustError::Checkpoint(_)
        | TrustError::Hash(_) => distrust(Class::Tampered),
    }
}

fn of_sign(error: &SignError) -> Option<String> {
    let hint = match error {
        SignError::Agent(AgentError::NoAgent) => "start one: eval \"$(ssh-agent)\" && ssh-add",
        SignError::Agent(AgentError::NoSuchKey { .. }) => "add it: ssh-add FILE",
        SignError::Agent(AgentError::Answer { .. }) => {
            "is the agent locked, or the token unplugged?"
        }
        SignError::KeyFile(KeyFileError::Exposed { .. }) => "chmod 600 the file",
        SignError::SshKeygen { .. } => "install OpenSSH's ssh-keygen, or add the key to an agent",
        SignError::Agent(
            AgentError::Io { .. } | AgentError::Wire(_) | AgentError::TooLong { .. },
        )
        | SignError::KeyFile(_)
        | SignError::NotSigned { .. }
        | SignError::Malformed(_)
        | SignError::WrongKey { .. } => return None,
    };
    Some(hint.to_owned())
}

fn distrust(class: Class) -> Option<String> {
    match class {
        Class::Tampered => Some(
            "do not act on what this server shows; ask another server, and tell the auditors"
                .to_owned(),
        ),
        Class::Forked => {
            Some("do not act on what this server shows; hand both files to the auditors".to_owned())
        }
        Class::Refused | Class::Usage | Class::Unreachable => None,
    }
}
