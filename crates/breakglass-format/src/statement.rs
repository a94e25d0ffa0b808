//! What people sign, as data (`docs/spec/statements.md`).
//!
//! The bytes that are signed are the bytes that are stored; these types read and write them and
//! never stand in for them. No field is optional: what a mode does not use has its empty form.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Blank, Digest, EventId, Fingerprint, GrantId, IncidentId, Line, Name, Nonce,
    PersonId, Principal, Prose, Timestamp,
    authority::LogIdentity,
    canonical::{self, CanonicalError},
    limits,
    vocabulary::{Custody, Origin, PurposeKind, Severity},
};

/// One kind of statement: its `_type` and its SSHSIG namespace are the same word, and that word
/// has one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A version of the authority document.
    #[serde(rename = "authority.v1@breakglass")]
    Authority,
    /// Proof that a person holds a key.
    #[serde(rename = "enroll.v1@breakglass")]
    Enroll,
    /// A wish for access.
    #[serde(rename = "request.v1@breakglass")]
    Request,
    /// Yes. A valid signature in this namespace always means yes.
    #[serde(rename = "approval.v1@breakglass")]
    Approval,
    /// No.
    #[serde(rename = "denial.v1@breakglass")]
    Denial,
    /// Hand me the credential, sealed to this one-time key.
    #[serde(rename = "checkout.v1@breakglass")]
    Checkout,
    /// This key, made by my client, may sign lesser acts for me for a while.
    #[serde(rename = "session.v1@breakglass")]
    Session,
    /// This key, or this person, counts no longer.
    #[serde(rename = "suspend.v1@breakglass")]
    Suspend,
    /// Everything else a person does.
    #[serde(rename = "act.v1@breakglass")]
    Act,
    /// This much of the log goes on, under another origin and key. Signed by the keys that sign
    /// authorities.
    #[serde(rename = "epoch.v1@breakglass")]
    Epoch,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Authority,
        Self::Enroll,
        Self::Request,
        Self::Approval,
        Self::Denial,
        Self::Checkout,
        Self::Session,
        Self::Suspend,
        Self::Act,
        Self::Epoch,
    ];

    /// The SSHSIG namespace, which is also the `_type`.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Authority => "authority.v1@breakglass",
            Self::Enroll => "enroll.v1@breakglass",
            Self::Request => "request.v1@breakglass",
            Self::Approval => "approval.v1@breakglass",
            Self::Denial => "denial.v1@breakglass",
            Self::Checkout => "checkout.v1@breakglass",
            Self::Session => "session.v1@breakglass",
            Self::Suspend => "suspend.v1@breakglass",
            Self::Act => "act.v1@breakglass",
            Self::Epoch => "epoch.v1@breakglass",
        }
    }

    /// The short word: `request`, `approval` …, as file names use it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Enroll => "enroll",
            Self::Request => "request",
            Self::Approval => "approval",
            Self::Denial => "denial",
            Self::Checkout => "checkout",
            Self::Session => "session",
            Self::Suspend => "suspend",
            Self::Act => "act",
            Self::Epoch => "epoch",
        }
    }

    /// Most bytes a statement of this kind may have.
    #[must_use]
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Authority => limits::AUTHORITY_BYTES_MAX,
            Self::Request => limits::REQUEST_BYTES_MAX,
            Self::Enroll
            | Self::Approval
            | Self::Denial
            | Self::Checkout
            | Self::Session
            | Self::Suspend
            | Self::Act
            | Self::Epoch => limits::STATEMENT_BYTES_MAX,
        }
    }
}

/// Which version of the authority a statement was made under. Version 0 and a blank digest are
/// the empty form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRef {
    /// SHA-256 of the document's bytes.
    pub digest: Blank<Digest>,
    /// Its version.
    pub version: i64,
}

/// Who signs: the human being, the name, and the fingerprint of the key that makes the signature.
///
/// The fingerprint stands inside the signed text because an SSH signature does not bind its key:
/// an ECDSA signature can be made to verify under a second one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Fingerprint of the key that signs.
    pub key: Fingerprint,
    /// The human being.
    pub person: PersonId,
    /// The name used with `ssh-keygen -I`.
    pub principal: Principal,
}

/// A one-time or node public key that something is sealed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kem {
    /// `X25519`.
    pub alg: Line,
    /// The public key, standard base64 with padding.
    pub pk: Line,
}

/// A state of the log that the signer saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// Merkle root.
    pub root: Digest,
    /// Number of entries.
    pub size: i64,
}

/// `request.v1@breakglass`: a wish for access. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Always [`Kind::Request`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The account asked for.
    pub account: RequestAccount,
    /// When it lapses; at most 60 minutes after `issued_at`.
    pub approve_by: Timestamp,
    /// The authority it was made under.
    pub authority: AuthorityRef,
    /// What the probe of the control plane said, or what the requester attests.
    pub control_plane: ControlPlane,
    /// A practice, never to be taken for the real thing.
    pub drill: bool,
    /// How long access is wanted, in seconds.
    pub duration_s: i64,
    /// The grant that this request prolongs; blank for a new one.
    pub extends: Blank<GrantId>,
    /// The incident it belongs to.
    pub incident: RequestIncident,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was signed, by the requester's clock.
    pub issued_at: Timestamp,
    /// Why.
    pub justification: Prose,
    /// The log as the requester saw it: what came before.
    pub log: LogHead,
    /// 16 bytes of the server's, 16 of the requester's.
    pub nonce: Nonce,
    /// What happens to this access if the server dies now.
    pub on_server_loss: Prose,
    /// Made online or with the emergency kit.
    pub origin: Origin,
    /// What it is for.
    pub purpose: Purpose,
    /// `none`, or how the session will be recorded.
    pub recording: Name,
    /// Who asks, and the one-time key that answers are sealed to.
    pub requester: Requester,
    /// How many checkouts and runs together; 0 = any number while the grant is active.
    pub uses: i64,
    /// What the approvers must know; they sign it too.
    pub warnings: Vec<Warning>,
}

/// The account as the request binds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestAccount {
    /// Digest of the account's object in the authority (custody `quorum`: of the sealed object).
    pub binding: Digest,
    /// Its custody mode.
    pub custody: Custody,
    /// What it is.
    pub id: AccountId,
    /// What people call it.
    pub name: Name,
}

/// The incident as the request binds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestIncident {
    /// Leaf hash of the entry that declared it.
    pub event: Digest,
    /// What it is.
    pub id: IncidentId,
    /// Its scenario.
    pub scenario: Name,
    /// How bad it is.
    pub severity: Severity,
}

/// What access is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// `credential_access`, or the action: `rollback`, `deployment_override`, `direct_deployment` …
    pub action: Name,
    /// Digest or name of the artifact, where the action has one.
    pub artifact: Line,
    /// The credential itself, or one action.
    pub kind: PurposeKind,
    /// Hash of the plan that was shown, where there was one.
    pub plan: Blank<Digest>,
    /// What it is done to.
    pub target: Line,
}

/// Evidence on the control plane; both empty where the scenario does not ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlPlane {
    /// "Unusable, because …", the requester's own word.
    pub attested: Prose,
    /// The event of the latest probe.
    pub probe: Blank<EventId>,
}

/// Something that holds and that whoever signs must know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Particulars.
    pub args: Vec<Line>,
    /// Stable code; the client knows the sentence.
    pub code: Name,
}

impl Warning {
    /// Its sentence, with its particulars written as `args`; none where this program does not know
    /// the code. It was so when it was asked, whenever it is read.
    #[must_use]
    pub fn says(&self, args: &str) -> Option<String> {
        Some(match self.code.as_str() {
            "rotation_pending" => {
                let more = if args.is_empty() { "" } else { ": " };
                format!(
                    "when this was asked, the credential had not been rotated since it was put in \
                     or last used{more}{args}"
                )
            }
            "credential_known" => {
                format!("when this was asked, the credential was known to {args}")
            }
            "denied_before" => format!("{args} denied a request for this account in this incident"),
            _ => return None,
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// The one-time key.
    pub kem: Kem,
    /// Fingerprint of the key that signs.
    pub key: Fingerprint,
    /// The human being.
    pub person: PersonId,
    /// The name used with `ssh-keygen -I`.
    pub principal: Principal,
}

/// The share a custodian releases with an approval; `{}` in custody modes without shares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {}

/// `approval.v1@breakglass`: yes to exactly the request inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Always [`Kind::Approval`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// Who says yes.
    pub approver: Signer,
    /// For how long, in seconds; at most what was asked.
    pub duration_s: i64,
    /// The log as the approver saw it, which includes the request.
    pub log: LogHead,
    /// The released share.
    pub release: Release,
    /// The request, verbatim.
    pub request: Request,
    /// When, by the approver's clock.
    pub signed_at: Timestamp,
}

/// `denial.v1@breakglass`: no to exactly the request inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// Always [`Kind::Denial`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// Who says no.
    pub approver: Signer,
    /// Always 0.
    pub duration_s: i64,
    /// The log as the denier saw it.
    pub log: LogHead,
    /// Why not.
    pub reason: Prose,
    /// Always empty.
    pub release: Release,
    /// The request, verbatim.
    pub request: Request,
    /// When, by the denier's clock.
    pub signed_at: Timestamp,
}

/// `checkout.v1@breakglass`: hand me the credential of this grant, sealed to this one-time key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// Always [`Kind::Checkout`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The authority it was made under.
    pub authority: AuthorityRef,
    /// The grant.
    pub grant: GrantId,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The one-time key the answer is sealed to.
    pub kem: Kem,
    /// Never the same twice.
    pub nonce: Nonce,
    /// Who signs.
    pub signer: Signer,
}

/// `session.v1@breakglass`: a key made by the client may sign lesser acts for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Always [`Kind::Session`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The authority it was made under.
    pub authority: AuthorityRef,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Never the same twice.
    pub nonce: Nonce,
    /// Until when; at most 8 hours after `issued_at`.
    pub not_after: Timestamp,
    /// The session's public key, one line `type base64`.
    pub session_key: Line,
    /// Who signs.
    pub signer: Signer,
}

/// `enroll.v1@breakglass`: this person holds this key. Lies beside the authority, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enroll {
    /// Always [`Kind::Enroll`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// Always the empty form: an enrolment binds the genesis, not a version.
    pub authority: AuthorityRef,
    /// The key.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the genesis authority.
    pub genesis: Digest,
    /// Always blank.
    pub instance: Blank<Digest>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// What the key will sign.
    pub namespaces: Vec<Kind>,
    /// Never the same twice.
    pub nonce: Nonce,
    /// The human being.
    pub person: PersonId,
    /// Who signs: the same person, with the key that is enrolled.
    pub signer: Signer,
}

/// What a suspension is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendTarget {
    /// The key; blank: every key that the person has now.
    pub key: Blank<Fingerprint>,
    /// The human being whose it is.
    pub person: PersonId,
}

/// `suspend.v1@breakglass`: this key, or this person, counts no longer. It only removes power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// Always [`Kind::Suspend`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The authority it was made under.
    pub authority: AuthorityRef,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Never the same twice.
    pub nonce: Nonce,
    /// Why.
    pub reason: Prose,
    /// Who signs.
    pub signer: Signer,
    /// What shall count no longer.
    pub target: SuspendTarget,
}

/// `epoch.v1@breakglass`: this much of the log goes on under another origin and key. Signed by
/// the root threshold of the authority that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Always [`Kind::Epoch`].
    #[serde(rename = "_type")]
    pub kind: Kind,
    /// The authority in force where what is kept ends.
    pub authority: AuthorityRef,
    /// The log before.
    pub before: LogIdentity,
    /// SHA-256 of the genesis authority.
    pub instance: Digest,
    /// When it was written.
    pub issued_at: Timestamp,
    /// What is kept: the new log begins with these entries, byte for byte.
    pub kept: LogHead,
    /// The longest checkpoint that is known of the log before, as a note. Entries that it has and
    /// `kept` has not are lost.
    pub last: Prose,
    /// The log from here on.
    pub log: LogIdentity,
    /// Never the same twice.
    pub nonce: Nonce,
    /// 1, 2, 3 …
    pub number: i64,
    /// Why.
    pub reason: Prose,
}

/// A statement type that can be read from and written to its canonical bytes.
pub trait Statement: Serialize + serde::de::DeserializeOwned {
    /// Its kind.
    const KIND: Kind;

    /// The `_type` it carries.
    fn kind(&self) -> Kind;

    /// Strict parse, with the limit of the kind and the `_type` checked.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let statement: Self = canonical::from_bytes(bytes, Self::KIND.bytes_max())?;
        if statement.kind() == Self::KIND {
            Ok(statement)
        } else {
            Err(CanonicalError::Shape(format!(
                "_type is not {}",
                Self::KIND.namespace()
            )))
        }
    }

    /// The canonical bytes, within the limit of the kind.
    fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        let bytes = canonical::to_bytes(self)?;
        let limit = Self::KIND.bytes_max();
        if bytes.len() > limit {
            return Err(CanonicalError::TooLong {
                got: bytes.len(),
                limit,
            });
        }
        Ok(bytes)
    }
}

macro_rules! statements {
    ($($type:ty => $kind:ident),+ $(,)?) => {$(
        impl Statement for $type {
            const KIND: Kind = Kind::$kind;
            fn kind(&self) -> Kind {
                self.kind
            }
        }
    )+};
}

statements!(
    Request => Request,
    Approval => Approval,
    Denial => Denial,
    Checkout => Checkout,
    Session => Session,
    Enroll => Enroll,
    Suspend => Suspend,
    crate::act::Act => Act,
    Epoch => Epoch,
);
