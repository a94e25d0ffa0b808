//! What is posted, and what comes back.

use breakglass_format::{Digest, Timestamp, authority::Entitlement, statement};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A statement as it was signed: its exact text and the armoured SSH signature over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The canonical text.
    pub statement: String,
    /// The armoured signature.
    pub signature: String,
}

/// A statement that is to take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The canonical text.
    pub statement: String,
    /// The armoured signature.
    pub signature: String,
    /// The session statement that certifies the signing key, for acts signed by a session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Signed>,
    /// Documents that the statement names by digest, standard base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
}

impl From<Signed> for Submission {
    fn from(signed: Signed) -> Self {
        Self {
            statement: signed.statement,
            signature: signed.signature,
            session: None,
            attachments: Vec::new(),
        }
    }
}

/// A version of the authority, to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySubmission {
    /// The canonical text.
    pub document: String,
    /// The root persons' signatures.
    pub signatures: Vec<RootSignature>,
}

/// A signature under an authority document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootSignature {
    /// Who signed.
    pub principal: String,
    /// The armoured signature.
    pub signature: String,
}

/// The answer to a statement that took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The entries it made, in log order, each with its proof.
    pub receipt: Vec<Proven>,
    /// For a checkout: the envelope to the one-time key, standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
    /// Whether this is the answer to a statement that had taken effect before.
    pub repeated: bool,
}

/// An entry with the proof that the log holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proven {
    /// The entry's exact text.
    pub entry: String,
    /// A `c2sp.org/tlog-proof@v1`, under a checkpoint that was durable before this was sent.
    pub proof: String,
}

/// What a session statement is exchanged for: the right to read, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadingSession {
    /// Sent as `Authorization: Bearer …`.
    pub token: String,
    /// Until when it may read.
    #[schema(value_type = String)]
    pub not_after: Timestamp,
}

/// What anybody may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// SHA-256 of the genesis authority.
    #[schema(value_type = String)]
    pub instance: Digest,
    /// What this installation is called.
    pub title: String,
    /// The server's engine time.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// `writable`, or why not.
    pub state: String,
    /// Number of entries in the log.
    pub log_size: u64,
    /// Version of the program.
    pub software: String,
}

/// The authority and how it came to be: enough to verify the chain from the pinned genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthorityChain {
    /// Every epoch of the log, first one first; most logs have none.
    #[serde(default)]
    pub epochs: Vec<AuthoritySubmission>,
    /// Every version, genesis first.
    pub versions: Vec<AuthoritySubmission>,
}

/// What a request must say, for one account under one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestTerms {
    /// The account, as the request binds it.
    #[schema(value_type = Object)]
    pub account: statement::RequestAccount,
    /// The incident, as the request binds it.
    #[schema(value_type = Object)]
    pub incident: statement::RequestIncident,
    /// What happens to this access if the server dies now.
    pub on_server_loss: String,
    /// What the approvers must know.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<statement::Warning>,
    /// The entitlement it would be made under.
    #[schema(value_type = Object)]
    pub entitlement: Entitlement,
    /// What is known of the control plane; none where the scenario does not ask.
    pub control_plane: Option<crate::view::ProbedView>,
    /// The authority in force.
    #[schema(value_type = Object)]
    pub authority: statement::AuthorityRef,
    /// The log now.
    #[schema(value_type = Object)]
    pub log: statement::LogHead,
    /// The signed checkpoint of that head.
    pub checkpoint: String,
    /// The server's half of the nonce: 32 hex digits.
    pub nonce: String,
    /// The server's time.
    #[schema(value_type = String)]
    pub time: Timestamp,
}

/// A page of raw entries, for auditors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryPage {
    /// Index of the first.
    pub from: u64,
    /// The exact texts.
    pub entries: Vec<String>,
}

/// What is looked for in the log: an entry must have all of it. What is blank does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSearch {
    /// Who acted or is named, by principal or person id; also somebody who has left.
    pub person: String,
    /// Who acted.
    pub by: String,
    /// Which account is named, by name or id.
    pub account: String,
    /// Which incident it belongs to, by reference or id.
    pub incident: String,
    /// One of these event types.
    pub types: Vec<String>,
    /// Recorded then or later.
    pub since: Option<Timestamp>,
    /// Recorded before.
    pub until: Option<Timestamp>,
    /// Words that it says, or that were written in it.
    pub text: String,
    /// The oldest first, not the newest.
    pub oldest_first: bool,
    /// So many at most in one answer; the server's own number where it is 0.
    pub limit: u64,
    /// Where the page before ended: its `next`.
    pub cursor: String,
}
