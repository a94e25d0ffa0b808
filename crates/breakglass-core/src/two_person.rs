//! Acts that take two people: the first proposes, a second person repeats command, object,
//! arguments and documents to the letter.

use breakglass_format::{
    Digest, Fingerprint, Line, PersonId, Timestamp,
    act::{Act, Command},
    authority::Account,
    canonical,
    event::ActProposed,
    statement::Kind,
    vocabulary::Privilege,
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft},
    decide::Standing,
    incident::Incident,
    refusal::{Code, Refusal},
    world::{Map, World},
};

/// How long the second person has.
const AGREE_WITHIN_S: i64 = 15 * 60;

/// What one of two people agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who.
    pub by: PersonId,
    /// With which enrolled key.
    pub key: Fingerprint,
    /// Until when somebody else may agree.
    pub until: Timestamp,
}

/// Which of the two a person is.
pub(crate) enum Agreement {
    /// The first; the digest is what the second must repeat.
    First(Proposed),
    /// The second; here is the first.
    Second(Proposal),
}

/// What the two agree about.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// An account.
    Account(&'a Account),
    /// An incident.
    Incident(&'a Incident),
}

/// What the first proposes.
pub(crate) struct Proposed {
    digest: Digest,
    command: &'static str,
}

/// SHA-256 of what both must agree on: command, object, arguments and documents.
#[must_use]
pub fn agreement_digest(act: &Act) -> Option<Digest> {
    agreement(&act.command, act.object.id.as_str(), &act.documents)
}

/// The same, of its parts.
pub(crate) fn agreement(command: &Command, object: &str, documents: &[Digest]) -> Option<Digest> {
    let documents: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let value = serde_json_object([
        ("args", command.args().ok()?),
        ("command", command.word().into()),
        ("documents", documents.into()),
        ("object", object.into()),
    ]);
    Some(breakglass_statement::digest(&canonical::emit(&value).ok()?))
}

fn serde_json_object(members: [(&str, serde_json::Value); 4]) -> serde_json::Value {
    serde_json::Value::Object(
        members
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect(),
    )
}

impl World {
    /// Which of the two the signer of an act is; `proposals` are those of the act's object.
    pub(crate) fn agree(
        &self,
        act: &Act,
        proposals: Option<&Map<Digest, Proposal>>,
        privilege: Privilege,
        standing: &Standing<'_>,
        now: Timestamp,
    ) -> Result<Agreement, Refusal> {
        let digest = agreement_digest(act).ok_or(Code::NotCalledFor)?;
        // The first must still be one who may, with a key that counts, now that the second's word
        // counts.
        let version = standing.version;
        let may = |p: &&Proposal| {
            let by = version.authority.person(&p.by);
            let by = by.filter(|by| by.may(privilege));
            let when = (Kind::Act, now);
            by.is_some_and(|by| self.counting_key(version, by, &p.key, when).is_some())
        };
        let first = proposals
            .and_then(|p| p.get(&digest))
            .filter(|p| now < p.until)
            .filter(may);
        match first {
            Some(first) if first.by == standing.person.person => {
                Err(Code::AnotherPersonNeeded.with("until", first.until))
            }
            Some(first) => Ok(Agreement::Second(first.clone())),
            None => Ok(Agreement::First(Proposed {
                digest,
                command: act.command.word(),
            })),
        }
    }

    pub(crate) fn propose(
        &self,
        proposed: &Proposed,
        about: About<'_>,
        key: &Fingerprint,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Draft {
        let until = cx.now.plus_s(AGREE_WITHIN_S);
        let (about, account, incident_id) = match about {
            About::Account(account) => (account.name.to_string(), Some(account.id.clone()), None),
            About::Incident(incident) => (incident.reference.to_string(), None, Some(incident.id)),
        };
        let event = ActProposed {
            about: Line::lossy(&about),
            account: account.into(),
            agreement: proposed.digest,
            command: crate::command::name(proposed.command),
            incident_id: incident_id.into(),
            key: key.clone(),
            until,
        };
        cx.draft(author, event)
    }
}
