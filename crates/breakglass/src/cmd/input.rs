//! What people type, as statements take it.

use std::path::Path;

use breakglass_format::{
    Digest, Line, Name, Prose, act::Declare, event::Reference, text::TextError,
    time::parse_duration_s, vocabulary::Severity,
};
use breakglass_tlog::Policy;

use crate::{
    actor::Actor,
    hint::{Code, Failure},
};

/// Parses a duration: `4h`, `90m`, `1h30m`. For clap.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    parse_duration_s(text).ok_or_else(|| "not a duration like 4h, 90m or 1h30m".to_owned())
}

/// Parses a digest. For clap.
pub(super) fn digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|e: breakglass_format::id::IdError| {
        let bare = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match bare {
            true => format!("put sha256: in front: sha256:{text}"),
            false => e.to_string(),
        }
    })
}

/// A policy that says whose cosignatures are enough.
pub(super) fn policy(path: &Path) -> Result<Policy, Failure> {
    let bytes = std::fs::read(path).map_err(|e| {
        let message = format!("{}: {e}", path.display());
        Failure::of(Code::FileMissing, message)
            .hint("--policy names a file that says whose word is taken; nothing was done")
    })?;
    Policy::parse(&bytes).map_err(|e| Failure::malformed(path, e))
}

/// Parses text of one line. For clap.
pub(super) fn line(text: &str) -> Result<Line, TextError> {
    Line::required(text)
}

/// The number of an incident's reference.
pub(super) fn incident_number(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(Reference::Incident(number)) => Ok(number),
        Ok(Reference::Request(_) | Reference::Grant(_)) | Err(_) => {
            Err("an incident is called like INC-100".to_owned())
        }
    }
}

/// The number of a grant's reference.
pub(super) fn grant_number(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(Reference::Grant(number)) => Ok(number),
        Ok(Reference::Incident(_) | Reference::Request(_)) | Err(_) => {
            Err("a grant is called like G-100".to_owned())
        }
    }
}

/// Parses text of several lines. For clap.
pub(super) fn prose(text: &str) -> Result<Prose, TextError> {
    Prose::required(text)
}

/// The incident that a verb is about: after the verb, or, as where several things are named, with
/// `--incident`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Named {
    /// The incident; the only one that can be meant if not given: open, or resolved and not closed.
    #[arg(value_name = "INC-1")]
    incident: Option<String>,
    /// The same, named like this.
    #[arg(
        long = "incident",
        id = "incident_option",
        value_name = "INC-1",
        conflicts_with = "incident",
        hide = true
    )]
    option: Option<String>,
}

impl Named {
    /// As it was typed.
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.incident.as_deref().or(self.option.as_deref())
    }
}

/// What an incident is declared with.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Declaration {
    /// How bad it is.
    #[arg(long, default_value = "sev1", value_name = "sev1..sev4")]
    severity: Severity,
    /// What people will call it.
    #[arg(long, value_parser = line)]
    title: Option<Line>,
    /// The affected service, where the scenario asks.
    #[arg(long, value_parser = line)]
    service: Option<Line>,
    /// The documented threat, where the scenario asks.
    #[arg(long, value_parser = prose)]
    threat: Option<Prose>,
    /// A CVE identifier; repeatable.
    #[arg(long = "cve", value_parser = line, value_name = "CVE")]
    cves: Vec<Line>,
    /// Who leads, by principal; yourself if not given.
    #[arg(long, value_name = "PRINCIPAL")]
    commander: Option<breakglass_format::Principal>,
    /// A practice.
    #[arg(long)]
    drill: bool,
}

impl Declaration {
    /// The arguments of the act.
    pub(super) fn declare(
        self,
        actor: &Actor,
        scenario: Name,
        justification: Prose,
    ) -> Result<Declare, Failure> {
        if actor.trust().authority().scenario(&scenario).is_none() {
            let all = actor.trust().authority().scenarios.iter();
            let all: Vec<&str> = all.map(|s| s.name.as_str()).collect();
            return Err(Failure::of(
                Code::ScenarioUnknown,
                format!("there is no scenario {scenario}"),
            )
            .hint(format!("one of {}", all.join(", "))));
        }
        let title = self.title.ok_or_else(|| {
            Failure::usage("an incident has a title").hint("--title \"what people will call it\"")
        })?;
        Ok(Declare {
            commander: self
                .commander
                .unwrap_or_else(|| actor.identity().principal.clone()),
            cves: self.cves,
            drill: self.drill,
            justification,
            scenario,
            service: self.service.unwrap_or_default(),
            severity: self.severity,
            threat: self.threat.unwrap_or_default(),
            title,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_as_sha256sum_prints_it_lacks_what_stands_in_front() {
        let bare = "ab".repeat(32);
        let said = digest(&bare).unwrap_err();
        assert_eq!(said, format!("put sha256: in front: sha256:{bare}"));
        assert!(digest(&format!("sha256:{bare}")).is_ok());
        assert!(digest("ab").is_err_and(|said| !said.contains("in front")));
    }
}
