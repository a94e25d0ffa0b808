//! What a record adds up to: plain data, comparable with what others derived from it.

use std::collections::BTreeMap;

use breakglass_format::{
    AccountId, Digest, EventId, GrantId, IncidentId, Line, Name, PersonId, Principal, RequestId,
    Timestamp,
    event::Reference,
    vocabulary::{EndReason, Obligation, Severity},
};

/// Everything that was derived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// The version of the authority in force at the end; 0 where none was ever published.
    pub authority_version: i64,
    /// Incidents.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Requests.
    pub requests: BTreeMap<RequestId, Request>,
    /// Grants.
    pub grants: BTreeMap<GrantId, Grant>,
    /// Accounts that a credential is known of or that were used.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Duties, each with its latest clock.
    pub duties: BTreeMap<DutyKey, Duty>,
    /// The quarterly review of each account.
    pub account_reviews: BTreeMap<AccountId, Duty>,
    /// How often the rules said no.
    pub refusals: u64,
    /// How many facts are whose word.
    pub words: Words,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What people type.
    pub reference: Reference,
    /// Which scenario.
    pub scenario: Name,
    /// How bad.
    pub severity: Severity,
    /// Who leads.
    pub commander: PersonId,
    /// A practice.
    pub drill: bool,
    /// When it began.
    pub declared_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When it was closed and not opened again.
    pub closed_at: Option<Timestamp>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What people type.
    pub reference: Reference,
    /// The incident.
    pub incident: IncidentId,
    /// The account.
    pub account: AccountId,
    /// Who asks.
    pub requester: PersonId,
    /// The grant it prolongs.
    pub extends: Option<GrantId>,
    /// When it lapses.
    pub approve_by: Timestamp,
    /// SHA-256 of the signed request.
    pub statement: Option<Digest>,
    /// The events of its approvals, in log order.
    pub approvals: Vec<EventId>,
    /// Where it stands.
    pub state: RequestState,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has ended it.
    Pending,
    /// It became a grant, or moved the end of one.
    Granted,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Lapsed,
    /// Its requester took it back.
    Withdrawn,
    /// A newer authority touched it.
    Voided,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What people type.
    pub reference: Reference,
    /// The request it consumed.
    pub request: RequestId,
    /// The incident.
    pub incident: IncidentId,
    /// The account.
    pub account: AccountId,
    /// Who holds it.
    pub holder: PersonId,
    /// Who approved it or an extension of it.
    pub approvers: Vec<PersonId>,
    /// What moved its end: the request, and the end that it moved.
    pub extensions: Vec<(RequestId, Timestamp)>,
    /// When it began.
    pub not_before: Timestamp,
    /// When it ends, all extensions counted.
    pub not_after: Timestamp,
    /// No extension reaches beyond this.
    pub cap: Timestamp,
    /// How many checkouts and runs together it allows; 0: any number.
    pub uses: i64,
    /// How many times the credential was handed out under it.
    pub checkouts: i64,
    /// How many runs were ordered under it.
    pub runs: i64,
    /// Whether the credential was used under it, disclosed or not.
    pub used: bool,
    /// Whether an action was documented under it.
    pub documented: bool,
    /// How it ended.
    pub ended: Option<End>,
}

/// How a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// An account's credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The current version; 0: none is known.
    pub version: i64,
    /// SHA-256 of the sealed object that is current.
    pub sealed: Option<Digest>,
    /// Whether it was used since it became current.
    pub used: bool,
}

/// What a duty is told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DutyKey {
    /// The incident.
    pub incident: IncidentId,
    /// Which duty.
    pub obligation: Obligation,
    /// What it is about: an account id, or empty for the incident itself.
    pub subject: Line,
}

/// A duty with the clock that runs for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Whose it is.
    pub owner: PersonId,
    /// When the clock started.
    pub started_at: Timestamp,
    /// When it must be done.
    pub due_at: Timestamp,
    /// When it was done.
    pub met_at: Option<Timestamp>,
    /// When two people let it go.
    pub waived_at: Option<Timestamp>,
    /// Where it stands at the time of the last entry.
    pub status: Status,
}

/// Where a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// There is time left.
    Open,
    /// Done in time.
    Met,
    /// Done, too late.
    MetLate,
    /// Let go by two people.
    Waived,
    /// Not done, and the time is over.
    Overdue,
}

/// How many entries are whose word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Words {
    /// People signed them.
    pub signed: u64,
    /// One person signed that it is so.
    pub attested: u64,
    /// The server says so.
    pub asserted: u64,
}

impl Words {
    /// Counts one more.
    pub(super) fn count(&mut self, word: &Word) {
        *match word {
            Word::Signed(_) => &mut self.signed,
            Word::Attested(_) => &mut self.attested,
            Word::Asserted => &mut self.asserted,
        } += 1;
    }
}

/// Whose word a fact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// These people signed it.
    Signed(Vec<Principal>),
    /// This person signed that it is so, and nobody else saw it.
    Attested(Principal),
    /// The server says so.
    Asserted,
}
