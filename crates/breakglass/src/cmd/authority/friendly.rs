//! `authority.toml`: the authority as people write it, with names in place of ids and durations
//! in words.

use std::path::PathBuf;

use breakglass_format::{
    AccountId, Line, Name, PersonId, Principal, Prose, Timestamp,
    statement::Kind,
    vocabulary::{Custody, Privilege},
};
use serde::Deserialize;

/// A duration as people write it, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Duration(pub(super) i64);

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let seconds = breakglass_format::time::parse_duration_s(&text);
        let refused = || format!("{text:?} is not a duration like 4h, 90m or 1h30m");
        seconds.map(Self).ok_or_else(refused)
    }
}

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) title: Line,
    pub(super) log: Log,
    pub(super) roots: Roots,
    #[serde(default)]
    pub(super) clocks: Clocks,
    #[serde(rename = "node", default)]
    pub(super) nodes: Vec<Node>,
    #[serde(rename = "person", default)]
    pub(super) people: Vec<Person>,
    #[serde(rename = "machine", default)]
    pub(super) machines: Vec<Machine>,
    #[serde(rename = "account", default)]
    pub(super) accounts: Vec<Account>,
    #[serde(rename = "entitlement", default)]
    pub(super) entitlements: Vec<Entitlement>,
    /// Without any: the three built-in ones.
    #[serde(rename = "scenario", default)]
    pub(super) scenarios: Vec<Scenario>,
}

/// The log's name and key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) origin: Line,
    pub(super) vkey: Line,
}

/// Root persons, by principal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Roots {
    pub(super) threshold: i64,
    pub(super) persons: Vec<Principal>,
}

/// Clocks. Without one: as long as the procedure says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clocks {
    pub(super) resolve: Option<Duration>,
    pub(super) rotation: Option<Duration>,
    pub(super) report: Option<Duration>,
    pub(super) access_review: Option<Duration>,
    pub(super) procedure: Option<Duration>,
    pub(super) cab_review: Option<Duration>,
    pub(super) quarterly: Option<Duration>,
}

/// A node: its X25519 public key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) name: Name,
    pub(super) kem: Line,
}

/// A person. Without an id it follows from the principal; it must never change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) principal: Principal,
    pub(super) id: Option<PersonId>,
    pub(super) name: Line,
    #[serde(default)]
    pub(super) groups: Vec<Name>,
    #[serde(default)]
    pub(super) privileges: Vec<Privilege>,
    #[serde(rename = "key", default)]
    pub(super) keys: Vec<Key>,
}

/// A key of a person: a line of a `.pub` file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    #[serde(default)]
    pub(super) public_key: String,
    /// The `.pub` file instead, beside this one.
    pub(super) public_key_file: Option<PathBuf>,
    /// Without it: everything, `authority` for root persons only.
    pub(super) namespaces: Option<Vec<Kind>>,
    /// Without it: from the document's own time, or as in the version before.
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
    #[serde(default)]
    pub(super) origins: Vec<Line>,
}

/// A program with a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machine {
    pub(super) name: Name,
    pub(super) public_key: String,
    /// Accounts, by name.
    #[serde(default)]
    pub(super) rotates: Vec<Name>,
}

/// An account. Without an id it follows from the name; it must never change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) name: Name,
    pub(super) id: Option<AccountId>,
    pub(super) system: Line,
    #[serde(default = "server")]
    pub(super) custody: Custody,
    pub(super) rotator: Option<Name>,
    pub(super) connector: Option<Name>,
    #[serde(default)]
    pub(super) shared: bool,
    pub(super) on_server_loss: Prose,
    /// Without it: only after use.
    pub(super) rotate_after: Option<Duration>,
}

const fn server() -> Custody {
    Custody::Server
}

/// An entitlement, with accounts by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entitlement {
    pub(super) name: Name,
    pub(super) accounts: Vec<Name>,
    pub(super) requesters: Vec<Name>,
    pub(super) approvers: Vec<Name>,
    #[serde(default)]
    pub(super) require_each: Vec<Name>,
    #[serde(default = "two")]
    pub(super) approvals: i64,
    #[serde(default)]
    pub(super) min_presence_approvals: i64,
    #[serde(default)]
    pub(super) tiers: Vec<Vec<Name>>,
    #[serde(default = "one")]
    pub(super) min_ssh_approvals: i64,
    #[serde(default = "four_hours")]
    pub(super) max_duration: Duration,
    #[serde(default = "twelve_hours")]
    pub(super) absolute_cap: Duration,
    #[serde(default = "an_hour")]
    pub(super) approve_within: Duration,
    /// Without it: every scenario.
    pub(super) scenarios: Option<Vec<Name>>,
}

const fn one() -> i64 {
    1
}

const fn two() -> i64 {
    2
}

const fn an_hour() -> Duration {
    Duration(3600)
}

const fn four_hours() -> Duration {
    Duration(4 * 3600)
}

const fn twelve_hours() -> Duration {
    Duration(12 * 3600)
}

/// A scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: Name,
    #[serde(default)]
    pub(super) actions: Vec<Name>,
    #[serde(default)]
    pub(super) service_required: bool,
    #[serde(default)]
    pub(super) threat_required: bool,
    #[serde(default)]
    pub(super) control_plane_down: bool,
    #[serde(default)]
    pub(super) stakeholders: Vec<Name>,
    /// Without it the board need not be told.
    pub(super) cab_notice: Option<Duration>,
    pub(super) review: Duration,
}

/// The three scenarios of the procedure, in the file's own form.
pub(super) const BUILT_IN: &str = r#"
[[scenario]]
name = "critical-patch"
actions = ["deployment_override"]
threat_required = true
cab_notice = "24h"
review = "24h"

[[scenario]]
name = "production-outage"
actions = ["rollback"]
service_required = true
review = "48h"

[[scenario]]
name = "system-failure"
actions = ["direct_deployment"]
control_plane_down = true
review = "48h"
"#;

/// Only scenarios.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenarios {
    #[serde(rename = "scenario")]
    pub(super) scenarios: Vec<Scenario>,
}
