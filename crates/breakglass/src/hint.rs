//! Failures as people meet them: a code, what happened, what to do next, and the exit status.

mod code;
mod next;

use std::process::ExitCode;

use breakglass_api::ClientError;
use serde_json::{Value, json};
use thiserror::Error;

pub use code::Code;

use crate::{
    actor::{ActorError, DossierError, ForeseenError, LookupError, ProposalError},
    signer::{AgentError, KeyFileError, SignError, generate::GenerateError},
    state::{ConfigError, PinError, StateError},
    trust::TrustError,
};

/// What a command ends with when nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    code: String,
    title: String,
    exit: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Something that this program found, with what happened this time.
    #[must_use]
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            title: code.title().to_owned(),
            exit: code.exit(),
            message: message.into(),
            hint: None,
        }
    }

    /// What was typed is not usable.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::of(Code::Usage, message)
    }

    /// A file that was named is not there.
    #[must_use]
    pub fn missing(path: &std::path::Path) -> Self {
        let message = format!("{}: there is no such file", path.display());
        Self::of(Code::FileMissing, message).hint("check the path; nothing was done")
    }

    /// A file that was named does not hold what it should.
    #[must_use]
    pub fn malformed(path: &std::path::Path, what: impl std::fmt::Display) -> Self {
        Self::of(Code::FileMalformed, format!("{}: {what}", path.display()))
            .hint("correct the file, or name another; nothing was done")
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With something to do before what the hint says.
    #[must_use]
    pub fn hint_first(mut self, first: String) -> Self {
        self.hint = Some(match self.hint {
            Some(then) => format!("{first}; {then}"),
            None => first,
        });
        self
    }

    /// With what to do next where it has this code: the same refusal leads elsewhere from another
    /// command.
    #[must_use]
    pub fn hint_where(self, code: &str, hint: &str) -> Self {
        match self.code == code {
            true => self.hint(hint),
            false => self,
        }
    }

    /// The same after something was done and is on record: then it is not as if nothing was typed.
    #[must_use]
    pub fn half_way(self) -> Self {
        if self.exit != Code::Usage.exit() {
            return self;
        }
        let failure = Self::of(Code::HalfDone, self.message);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// The stable code: the server's where the server refused, else one of [`Code`].
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What happened.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit status: 1 refused, 2 usage, 3 unreachable, 4 and more: does not verify.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "title": self.title,
            "detail": self.message,
            "hint": self.hint.as_deref().unwrap_or_default(),
            "exit": self.exit,
        })
    }
}

impl From<ActorError> for Failure {
    fn from(error: ActorError) -> Self {
        if let ActorError::Client(ClientError::Refused(problem))
        | ActorError::Trust(TrustError::Client(ClientError::Refused(problem))) = &error
        {
            return Self {
                code: problem.code.clone(),
                title: problem.title.clone(),
                exit: 1,
                message: problem.detail.clone(),
                hint: Some(next::after_refusal(problem)).filter(|h| !h.is_empty()),
            };
        }
        let failure = Self::of(of_actor(&error), error.to_string());
        match next::after(&error) {
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
            ConfigError::Missing { .. } => Self::of(Code::NotJoined, message).hint(
                "join an installation first: breakglass join URL --genesis sha256:…; \
                 or name the directory that you joined from: --home DIR",
            ),
            ConfigError::Lacks { key, .. } => Self::of(Code::ConfigMalformed, message).hint(
                format!("add it: {key} = …; docs/configuration.md lists what client.toml says"),
            ),
            ConfigError::Mistake { .. } => Self::of(Code::ConfigMalformed, message)
                .hint("correct that line; docs/configuration.md lists what client.toml may say"),
            ConfigError::Server { .. } => Self::of(Code::ConfigMalformed, message)
                .hint("an address is https://HOST:PORT, or http:// on 127.0.0.1 alone"),
            ConfigError::State(error) => error.into(),
        }
    }
}

impl From<crate::tls::TlsError> for Failure {
    fn from(error: crate::tls::TlsError) -> Self {
        Self::of(Code::ConfigMalformed, error.to_string()).hint(
            "ca_file in client.toml, or --ca-file, names a PEM file with the certificate \
             of your certificate authority",
        )
    }
}

fn of_actor(error: &ActorError) -> Code {
    match error {
        ActorError::Client(error) => of_client(error),
        ActorError::Trust(error) => of_trust(error),
        ActorError::Sign(error) => of_sign(error),
        ActorError::SessionKey(_) => Code::StateUnusable,
        ActorError::State(error) | ActorError::Generate(GenerateError::State(error)) => {
            of_state(error)
        }
        ActorError::Generate(GenerateError::Entropy(_) | GenerateError::Key(_))
        | ActorError::Entropy(_)
        | ActorError::Canonical(_)
        | ActorError::Seal(_) => Code::Internal,
        ActorError::Text { .. } | ActorError::Id(_) => Code::TextUnusable,
        ActorError::KeyNotListed { .. } => Code::KeyNotListed,
        ActorError::ForeignInstance { .. } => Code::OtherInstance,
        ActorError::NotRecorded { .. } | ActorError::NoEnvelope => Code::NotProven,
        ActorError::Lookup(error) => match error {
            LookupError::None { .. } => Code::NothingMeant,
            LookupError::Several { .. } => Code::Ambiguous,
            LookupError::NotAnId { .. } => Code::ForeignAnswer,
            LookupError::Account { .. } => Code::AccountUnknown,
        },
        ActorError::Foreseen(error) => of_foreseen(error),
        ActorError::Terms(_) | ActorError::Statement(_) => Code::StatementForged,
        ActorError::Dossier(error) => of_dossier(error),
        ActorError::Proposal(error) => of_proposal(error),
        ActorError::EnvelopeDiffers { .. }
        | ActorError::EnvelopeParse(_)
        | ActorError::EnvelopeOpen(_) => Code::EnvelopeDiffers,
        ActorError::NodeKey(_) | ActorError::NoNode => Code::NoNode,
    }
}

/// The server's own codes: what is foreseen is what it would say.
const fn of_foreseen(error: &ForeseenError) -> Code {
    match error {
        ForeseenError::NoEntitlement { .. } => Code::NoEntitlement,
        ForeseenError::NoCredential { .. } => Code::NoCredential,
        ForeseenError::Busy { .. } => Code::AccountBusy,
        ForeseenError::TooLong { .. } => Code::DurationTooLong,
        ForeseenError::TooShort { .. } => Code::DurationTooShort,
        ForeseenError::ActionNotPermitted { .. } => Code::ActionNotPermitted,
    }
}

const fn of_dossier(error: &DossierError) -> Code {
    match error {
        DossierError::EntryDiffers { .. } | DossierError::Unbound { .. } => Code::StatementForged,
        DossierError::Own { .. } => Code::OwnRequest,
        DossierError::NotPending { .. } => Code::RequestNotPending,
        DossierError::Lapsed { .. } => Code::RequestLapsed,
        DossierError::Duration { .. } => Code::DurationOutOfRange,
    }
}

const fn of_proposal(error: &ProposalError) -> Code {
    match error {
        ProposalError::None { .. } | ProposalError::NoSuchFile { .. } => Code::ProposalUnknown,
        ProposalError::Own { .. } => Code::AnotherPersonNeeded,
        ProposalError::Differs { .. } => Code::ProposalDiffers,
        ProposalError::Several { .. } => Code::Ambiguous,
        ProposalError::EntryDiffers { .. } => Code::StatementForged,
    }
}

const fn of_client(error: &ClientError) -> Code {
    match error {
        ClientError::Unreachable { .. } => Code::Unreachable,
        // Refusals have the server's own code and never come here.
        ClientError::Foreign { .. } | ClientError::Refused(_) => Code::ForeignAnswer,
        ClientError::Receipt(_) => Code::NotProven,
    }
}

fn of_trust(error: &TrustError) -> Code {
    match error {
        TrustError::Client(error) => of_client(error),
        TrustError::Pin(PinError::Fork(_) | PinError::AuthorityFork { .. }) => Code::Forked,
        TrustError::Pin(PinError::State(error)) => of_state(error),
        TrustError::Pin(
            PinError::AuthorityRollback { .. }
            | PinError::EpochGone { .. }
            | PinError::EpochOfThePast { .. },
        ) => Code::AuthorityRolledBack,
        TrustError::Contended => Code::Contended,
        TrustError::Chain(breakglass_statement::ChainError::Pin { .. }) => Code::OtherInstance,
        TrustError::NoAuthority
        | TrustError::Chain(_)
        | TrustError::Epoch(_)
        | TrustError::Principal { .. }
        | TrustError::LogKey(_) => Code::AuthorityUnproven,
        TrustError::Checkpoint(_) | TrustError::Hash(_) => Code::NotProven,
    }
}

const fn of_sign(error: &SignError) -> Code {
    match error {
        SignError::Agent(AgentError::NoAgent | AgentError::Io { .. }) => Code::NoAgent,
        SignError::Agent(AgentError::NoSuchKey { .. }) => Code::KeyNotInAgent,
        SignError::Agent(
            AgentError::Answer { .. } | AgentError::Wire(_) | AgentError::TooLong { .. },
        ) => Code::AgentFailed,
        SignError::KeyFile(KeyFileError::Exposed { .. }) => Code::KeyFileExposed,
        SignError::KeyFile(_) => Code::KeyFileUnusable,
        SignError::SshKeygen { .. }
        | SignError::NotSigned { .. }
        | SignError::Malformed(_)
        | SignError::WrongKey { .. } => Code::NotSigned,
    }
}

const fn of_state(error: &StateError) -> Code {
    match error {
        StateError::Io { .. } | StateError::Damaged { .. } => Code::StateUnusable,
        StateError::Exists { .. } => Code::FileExists,
        StateError::NoHome => Code::NoHome,
    }
}

#[cfg(test)]
mod tests {
    use breakglass_format::Digest;

    use super::*;
    use crate::actor::Class;

    #[test]
    fn the_exit_status_says_of_what_sort_an_error_is() {
        let digest = Digest::from_bytes([1; 32]);
        let errors = [
            ActorError::NoNode,
            LookupError::None { what: "grant" }.into(),
            ClientError::Unreachable {
                url: "https://a".to_owned(),
                detail: String::new(),
            }
            .into(),
            ActorError::NoEnvelope,
            PinError::AuthorityRollback {
                pinned: 2,
                shown: 1,
            }
            .into(),
            PinError::AuthorityFork {
                version: 2,
                pinned: digest,
                shown: digest,
            }
            .into(),
            TrustError::Contended.into(),
        ];
        for error in errors {
            let expected = match error.class() {
                Class::Refused => 1,
                Class::Usage => 2,
                Class::Unreachable => 3,
                Class::Tampered => 4,
                Class::Forked => 5,
            };
            let said = error.to_string();
            let failure = Failure::from(error);
            assert_eq!(failure.exit, expected, "{said}");
            assert!(failure.next().is_some(), "{said}");
        }
    }
}
