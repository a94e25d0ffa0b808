//! What there is to read: views of the world, for screens and scripts. A view is the server's
//! word; what matters is proven by receipts and checked by `verify`.

use breakglass_format::{EventId, Timestamp, event::Clock, statement};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{Proven, Signed};

/// What the probes last said of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbedView {
    /// The event that says so, which a request names; none: there is no verdict yet.
    #[schema(value_type = Option<String>)]
    pub event: Option<EventId>,
    /// `up`, `down` or `cannot_tell`.
    pub verdict: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub at: Option<Timestamp>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentView {
    /// Its id.
    pub id: String,
    /// `INC-7`.
    pub reference: String,
    /// Its scenario.
    pub scenario: String,
    /// How bad it is.
    pub severity: String,
    /// What people call it.
    pub title: String,
    /// Who leads, by principal.
    pub commander: String,
    /// A practice.
    pub drill: bool,
    /// `open`, `resolved` or `closed`.
    pub state: String,
    /// Its last event, which an act may name as its head.
    pub head: String,
    /// When it was declared.
    #[schema(value_type = String)]
    pub declared_at: Timestamp,
    /// When it was resolved.
    #[schema(value_type = Option<String>)]
    pub resolved_at: Option<Timestamp>,
    /// When it was closed.
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Timestamp>,
    /// What its review gives a verdict on: every grant, `G-4`, every action, `G-4/1`.
    pub to_review: Vec<String>,
    /// What is known of the control plane; none where the scenario does not ask.
    pub control_plane: Option<ProbedView>,
    /// Its duties.
    pub obligations: Vec<ObligationView>,
    /// Its requests, by reference.
    pub requests: Vec<String>,
    /// Its grants, by reference.
    pub grants: Vec<String>,
}

/// Something that was refused in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalView {
    /// Index of the entry.
    pub index: u64,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who was refused, by principal.
    pub who: String,
    /// What was asked for: `approval`, `act.resolve` …
    pub command: String,
    /// Stable code of the refusal.
    pub code: String,
    /// What it was about: the id of an incident, request, grant or run; for requests and answers
    /// the account's name.
    pub object: String,
    /// The values that the rule compared.
    pub compared: Vec<String>,
}

/// An entry that was looked for, as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundView {
    /// Its index: `log prove` proves it.
    pub index: u64,
    /// When it was recorded.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Its type.
    pub event_type: String,
    /// Who acted, by principal; empty: the server.
    pub who: String,
    /// Its leaf hash in the log.
    pub leaf: String,
    /// Its line of the timeline, and the particulars beneath it.
    pub lines: Vec<String>,
}

/// A page of entries that were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundPage {
    /// The entries, from the end of the log that was asked for.
    pub found: Vec<FoundView>,
    /// What the next page is asked for with, as `cursor`; none: there is no more.
    pub next: Option<String>,
}

/// A duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObligationView {
    /// The clock, as recorded.
    #[schema(value_type = Object)]
    pub clock: Clock,
    /// What it is about, as people call it: the account's name; empty for the incident itself.
    pub subject: String,
    /// Whose it is, by principal.
    #[serde(default)]
    pub owner: String,
    /// `open`, `met`, `met late`, `waived` or `overdue`.
    pub status: String,
    /// When it was met or waived.
    #[schema(value_type = Option<String>)]
    pub met_at: Option<Timestamp>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestView {
    /// Its id: the event that recorded it.
    pub id: String,
    /// `R-12`.
    pub reference: String,
    /// The incident's reference.
    pub incident: String,
    /// The account's name.
    pub account: String,
    /// Who asks, by principal.
    pub requester: String,
    /// `pending`, `granted`, `denied`, `lapsed`, `withdrawn` or `void`.
    pub state: String,
    /// When it lapses.
    #[schema(value_type = String)]
    pub approve_by: Timestamp,
    /// How long access was asked for, in seconds.
    pub duration_s: i64,
    /// Who approved, by principal; while it is pending, only those whose approval still counts.
    pub approved_by: Vec<String>,
    /// While it is pending, who approved with a key that was suspended or ended since, by
    /// principal: it counts no more.
    #[serde(default)]
    pub set_aside: Vec<String>,
    /// How many approvals it needs in all.
    pub needs: i64,
    /// Required groups nobody stands for yet.
    pub groups_missing: Vec<String>,
    /// While it is pending, who else is named to approve or deny it, by principal.
    pub may_approve: Vec<String>,
    /// The grant that consumed it, by reference.
    pub grant: Option<String>,
    /// What is known of the control plane; none where the scenario does not ask.
    pub control_plane: Option<ProbedView>,
}

/// A request with everything an approver's client checks before it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestDossier {
    /// The view.
    pub view: RequestView,
    /// The request statement and its signature.
    pub request: Signed,
    /// The entry that recorded it, proven.
    pub entry: Proven,
    /// The entry that declared its incident, proven; none where the server does not know it.
    #[serde(default)]
    pub declared: Option<Proven>,
    /// The log now.
    #[schema(value_type = Object)]
    pub log: statement::LogHead,
    /// The server's time.
    #[schema(value_type = String)]
    pub time: Timestamp,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantView {
    /// Its id.
    pub id: String,
    /// `G-4`.
    pub reference: String,
    /// The incident's reference.
    pub incident: String,
    /// The request's reference.
    pub request: String,
    /// The account's name.
    pub account: String,
    /// The account's id.
    pub account_id: String,
    /// Who holds it, by principal.
    pub holder: String,
    /// `active`, or how it ended: `expired`, `returned`, `revoked`, `resolved`.
    pub state: String,
    /// When it began.
    #[schema(value_type = String)]
    pub not_before: Timestamp,
    /// When it ends.
    #[schema(value_type = String)]
    pub not_after: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Timestamp>,
    /// Who approved, by principal.
    pub approved_by: Vec<String>,
    /// Checkouts so far.
    pub checkouts: i64,
    /// Whether any action was documented.
    pub documented: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The system it opens.
    pub system: String,
    /// How its credential is kept.
    pub custody: String,
    /// Version of the current credential; 0: none.
    pub version: i64,
    /// `none`, `current`, `rotation pending` or `rotation needs a person`.
    pub state: String,
    /// What came of the last attempt to rotate it, where that failed: its class, and what the
    /// rotator saw.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it is tried again.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub retry_at: Option<Timestamp>,
    /// When it was last proven to be rotated.
    #[schema(value_type = Option<String>)]
    pub rotated_at: Option<Timestamp>,
    /// Who has seen the current credential, by principal.
    pub known_to: Vec<String>,
    /// The active grant, by reference.
    pub grant: Option<String>,
    /// When its next quarterly review is due.
    #[schema(value_type = Option<String>)]
    pub review_due: Option<Timestamp>,
    /// Who may ask for it, by principal.
    pub entitled: Vec<String>,
}

/// An act that waits for a second person, with everything that person's client checks before it
/// signs the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposalView {
    /// `rotate`, `add_credential`, `waive` or `transfer`.
    pub command: String,
    /// Who proposes it, by principal.
    pub by: String,
    /// Until when another person may agree.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// The act of the first person and its signature.
    pub act: Signed,
    /// The entry that recorded it, proven.
    pub entry: Proven,
    /// The server's time.
    #[schema(value_type = String)]
    pub time: Timestamp,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// The grant's reference.
    pub grant: String,
    /// The incident's reference.
    pub incident: String,
    /// Which action.
    pub action: String,
    /// What it is done to.
    pub target: String,
    /// The artifact.
    pub artifact: String,
    /// `ordered`, or where it stands.
    pub state: String,
    /// What the plane calls it.
    pub handle: String,
}

/// Who the reading session belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoamiView {
    /// The person.
    pub person: String,
    /// The principal.
    pub principal: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Privileges.
    pub privileges: Vec<String>,
    /// Until when the session may read.
    #[schema(value_type = String)]
    pub not_after: Timestamp,
}

/// Somebody in the authority, and whether their keys count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// The person.
    pub person: String,
    /// The principal.
    pub principal: String,
    /// The name for people.
    pub name: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Privileges.
    pub privileges: Vec<String>,
    /// Whether this is a root person.
    pub root: bool,
    /// The keys that the authority in force lists.
    pub keys: Vec<KeyView>,
}

/// A key of somebody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its fingerprint.
    pub fingerprint: String,
    /// `ssh-ed25519` …
    pub key_type: String,
    /// `counts`, `not_enrolled`, `suspended`, `not_yet` or `over`.
    pub state: String,
    /// Enrolled without the consent of an older key of the same person.
    pub recovery: bool,
    /// When it last signed something that says with which key.
    #[schema(value_type = Option<String>)]
    pub used_at: Option<Timestamp>,
    /// Since when it is suspended.
    #[schema(value_type = Option<String>)]
    pub suspended_at: Option<Timestamp>,
}

/// Whether an emergency could be handled now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadinessView {
    /// Whether nothing fails.
    pub ready: bool,
    /// What is missing, worst first.
    pub lacks: Vec<LackView>,
    /// The server's time.
    #[schema(value_type = String)]
    pub time: Timestamp,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LackView {
    /// `fails`: an emergency would fail on it; `warns`: one more mishap, and it would.
    pub severity: String,
    /// Stable code.
    pub code: String,
    /// Which account, person or part of the house.
    pub about: String,
    /// What is missing.
    pub says: String,
}

/// What somebody wrote about an incident afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// `INCIDENT_REPORT_FILED`, `POST_INCIDENT_REVIEW_COMPLETED`, `CAB_REVIEWED` …
    pub event_type: String,
    /// Index of the entry.
    pub index: u64,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who signed it, by principal.
    pub by: String,
    /// The event's data, as the log has them.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// SHA-256 of the document, where there is one.
    pub document: Option<String>,
    /// The document, where it is text.
    pub text: Option<String>,
}
