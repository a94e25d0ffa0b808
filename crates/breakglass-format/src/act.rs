//! `act.v1@breakglass`: everything a person does besides asking, approving, denying and checking
//! out. One statement, a closed list of commands, each with its own arguments.

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod aftermath;

pub use aftermath::*;

use crate::{
    Blank, Digest, EventId, Line, Name, Nonce, Principal, Prose, Timestamp,
    canonical::{self, CanonicalError},
    statement::{AuthorityRef, Kind, Signer},
    vocabulary::Severity,
};

/// An act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawAct", into = "RawAct")]
pub struct Act {
    /// Always [`Kind::Act`].
    pub kind: Kind,
    /// The authority it was made under.
    pub authority: AuthorityRef,
    /// What is to be done.
    pub command: Command,
    /// SHA-256 of documents that belong to it, which are posted beside it.
    pub documents: Vec<Digest>,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Never the same twice.
    pub nonce: Nonce,
    /// What it is done to.
    pub object: Object,
    /// The session statement that certifies the signing key; blank where the enrolled key itself
    /// signs.
    pub session: Blank<Digest>,
    /// Who signs, with which key.
    pub signer: Signer,
}

/// What an act is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// The last event of the object that the signer saw; where it is given and no longer the
    /// last, the act is refused as stale.
    pub head: Blank<EventId>,
    /// Id of the incident, request, grant, run or account; blank for a declaration.
    pub id: Line,
}

/// The commands, with their arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Declare an incident.
    Declare(Declare),
    /// Write a note into an incident's record.
    Note(Note),
    /// Have the control plane probed now.
    Probe(NoArgs),
    /// Document an action done by hand, under a grant.
    Record(Record),
    /// Take back one's own request.
    Withdraw(NoArgs),
    /// Give back one's own grant.
    Return(NoArgs),
    /// End a grant.
    Revoke(Because),
    /// Cancel a run.
    Cancel(Because),
    /// Plan an action, under a grant.
    Plan(Action),
    /// Run an action, under a grant.
    Run(Action),
    /// Resolve an incident.
    Resolve(Resolve),
    /// Store a credential for an account. Takes two people.
    AddCredential(AddCredential),
    /// Rotate an account's credential now. Takes two people.
    Rotate(Because),
    /// Attest that a credential was rotated by hand. Takes two people.
    AttestRotation(AttestRotation),
    /// Hand over command of an incident. Without its commander it takes two people.
    Transfer(Transfer),
    /// Say where one is reached. The contact itself travels beside the act, its one document.
    SetContact(NoArgs),
    /// Record that the change advisory board was told.
    NotifyCab(NotifyCab),
    /// File the incident report.
    FileReport(FileReport),
    /// Complete the post-incident review.
    CompleteReview(CompleteReview),
    /// Record what the change advisory board decided.
    DecideCab(DecideCab),
    /// Decide what becomes of an account and of those who may ask for it.
    ReviewAccess(ReviewAccess),
    /// Record that the procedure was updated.
    UpdateProcedure(UpdateProcedure),
    /// Let a duty go. Takes two people.
    Waive(Waive),
    /// Close an incident.
    Close(NoArgs),
}

/// Arguments of `declare`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declare {
    /// Who leads.
    pub commander: Principal,
    /// CVE identifiers, if any.
    pub cves: Vec<Line>,
    /// A practice.
    pub drill: bool,
    /// Why controls must be bypassed.
    pub justification: Prose,
    /// Which scenario.
    pub scenario: Name,
    /// The affected service; empty where the scenario does not ask.
    pub service: Line,
    /// How bad.
    pub severity: Severity,
    /// The documented threat; empty where the scenario does not ask.
    pub threat: Prose,
    /// What people will call it.
    pub title: Line,
}

/// Arguments of `note`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The note.
    pub text: Prose,
}

/// Arguments of `record`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Which action it was.
    pub action: Name,
    /// What was done, and what came of it.
    pub description: Prose,
    /// What it was done to.
    pub target: Line,
}

/// No arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why.
    pub reason: Prose,
}

/// Arguments of `plan` and `run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Which action.
    pub action: Name,
    /// The artifact; empty where the action has none.
    pub artifact: Line,
    /// `run`: hash of the plan that was shown; blank: whatever the plan turns out to be.
    pub plan: Blank<Digest>,
    /// What it is done to.
    pub target: Line,
}

/// Arguments of `resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// How it ended.
    pub summary: Prose,
}

/// Arguments of `add_credential`. The credential travels beside the act, sealed to the node's
/// key; its digest is among the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddCredential {
    /// Names of the fields inside, for the second person to see.
    pub fields: Vec<Name>,
}

/// Arguments of `attest_rotation`: the signer attests that the target takes this version and
/// refuses the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestRotation {
    /// What was done, and how it was tried.
    pub how: Prose,
    /// The version that the target takes now.
    pub version: i64,
}

impl Command {
    /// The word in the `command` field.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Declare(_) => "declare",
            Self::Note(_) => "note",
            Self::Probe(_) => "probe",
            Self::Record(_) => "record",
            Self::Withdraw(_) => "withdraw",
            Self::Return(_) => "return",
            Self::Revoke(_) => "revoke",
            Self::Cancel(_) => "cancel",
            Self::Plan(_) => "plan",
            Self::Run(_) => "run",
            Self::Resolve(_) => "resolve",
            Self::AddCredential(_) => "add_credential",
            Self::Rotate(_) => "rotate",
            Self::AttestRotation(_) => "attest_rotation",
            Self::Transfer(_) => "transfer",
            Self::SetContact(_) => "set_contact",
            Self::NotifyCab(_) => "notify_cab",
            Self::FileReport(_) => "file_report",
            Self::CompleteReview(_) => "complete_review",
            Self::DecideCab(_) => "decide_cab",
            Self::ReviewAccess(_) => "review_access",
            Self::UpdateProcedure(_) => "update_procedure",
            Self::Waive(_) => "waive",
            Self::Close(_) => "close",
        }
    }

    /// Whether a certified session key may sign it: the short list. Everything else
    /// takes the enrolled key itself.
    #[must_use]
    pub const fn session_may_sign(&self) -> bool {
        match self {
            Self::Declare(_)
            | Self::Note(_)
            | Self::Probe(_)
            | Self::Record(_)
            | Self::Withdraw(_)
            | Self::Return(_)
            | Self::Revoke(_)
            | Self::Cancel(_)
            | Self::SetContact(_) => true,
            Self::Plan(_)
            | Self::Run(_)
            | Self::Resolve(_)
            | Self::AddCredential(_)
            | Self::Rotate(_)
            | Self::AttestRotation(_)
            | Self::Transfer(_)
            | Self::NotifyCab(_)
            | Self::FileReport(_)
            | Self::CompleteReview(_)
            | Self::DecideCab(_)
            | Self::ReviewAccess(_)
            | Self::UpdateProcedure(_)
            | Self::Waive(_)
            | Self::Close(_) => false,
        }
    }

    /// The arguments as a tree: what the second of two people repeats to agree to the same thing.
    pub fn args(&self) -> Result<Value, CanonicalError> {
        match self {
            Self::Declare(a) => canonical::to_value(a),
            Self::Note(a) => canonical::to_value(a),
            Self::Record(a) => canonical::to_value(a),
            Self::Probe(a)
            | Self::Withdraw(a)
            | Self::Return(a)
            | Self::SetContact(a)
            | Self::Close(a) => canonical::to_value(a),
            Self::Revoke(a) | Self::Cancel(a) | Self::Rotate(a) => canonical::to_value(a),
            Self::Plan(a) | Self::Run(a) => canonical::to_value(a),
            Self::Resolve(a) => canonical::to_value(a),
            Self::AddCredential(a) => canonical::to_value(a),
            Self::AttestRotation(a) => canonical::to_value(a),
            Self::Transfer(a) => canonical::to_value(a),
            Self::NotifyCab(a) => canonical::to_value(a),
            Self::FileReport(a) => canonical::to_value(a),
            Self::CompleteReview(a) => canonical::to_value(a),
            Self::DecideCab(a) => canonical::to_value(a),
            Self::ReviewAccess(a) => canonical::to_value(a),
            Self::UpdateProcedure(a) => canonical::to_value(a),
            Self::Waive(a) => canonical::to_value(a),
        }
    }

    fn from_parts(word: &str, args: Value) -> Result<Self, CanonicalError> {
        use canonical::from_value as read;
        Ok(match word {
            "declare" => Self::Declare(read(args)?),
            "note" => Self::Note(read(args)?),
            "probe" => Self::Probe(read(args)?),
            "record" => Self::Record(read(args)?),
            "withdraw" => Self::Withdraw(read(args)?),
            "return" => Self::Return(read(args)?),
            "revoke" => Self::Revoke(read(args)?),
            "cancel" => Self::Cancel(read(args)?),
            "plan" => Self::Plan(read(args)?),
            "run" => Self::Run(read(args)?),
            "resolve" => Self::Resolve(read(args)?),
            "add_credential" => Self::AddCredential(read(args)?),
            "rotate" => Self::Rotate(read(args)?),
            "attest_rotation" => Self::AttestRotation(read(args)?),
            "transfer" => Self::Transfer(read(args)?),
            "set_contact" => Self::SetContact(read(args)?),
            "notify_cab" => Self::NotifyCab(read(args)?),
            "file_report" => Self::FileReport(read(args)?),
            "complete_review" => Self::CompleteReview(read(args)?),
            "decide_cab" => Self::DecideCab(read(args)?),
            "review_access" => Self::ReviewAccess(read(args)?),
            "update_procedure" => Self::UpdateProcedure(read(args)?),
            "waive" => Self::Waive(read(args)?),
            "close" => Self::Close(read(args)?),
            _ => return Err(CanonicalError::Shape("unknown command".to_owned())),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAct {
    #[serde(rename = "_type")]
    kind: Kind,
    args: Value,
    authority: AuthorityRef,
    command: String,
    documents: Vec<Digest>,
    instance: Digest,
    issued_at: Timestamp,
    nonce: Nonce,
    object: Object,
    session: Blank<Digest>,
    signer: Signer,
}

impl TryFrom<RawAct> for Act {
    type Error = CanonicalError;

    fn try_from(raw: RawAct) -> Result<Self, CanonicalError> {
        Ok(Self {
            kind: raw.kind,
            authority: raw.authority,
            command: Command::from_parts(&raw.command, raw.args)?,
            documents: raw.documents,
            instance: raw.instance,
            issued_at: raw.issued_at,
            nonce: raw.nonce,
            object: raw.object,
            session: raw.session,
            signer: raw.signer,
        })
    }
}

impl From<Act> for RawAct {
    fn from(act: Act) -> Self {
        Self {
            kind: act.kind,
            // An argument type always has a tree; were it not so, the null would be refused by
            // the canonical writer.
            args: act.command.args().unwrap_or(Value::Null),
            command: act.command.word().to_owned(),
            authority: act.authority,
            documents: act.documents,
            instance: act.instance,
            issued_at: act.issued_at,
            nonce: act.nonce,
            object: act.object,
            session: act.session,
            signer: act.signer,
        }
    }
}
