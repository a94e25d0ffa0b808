//! What the entries add up to: everything that is open.
//!
//! The world is a value. A copy is cheap (shared structure), so that a batch can be decided on a
//! copy that is thrown away when the batch does not become durable.

use std::sync::Arc;

use breakglass_format::{
    AccountId, Digest, Event, EventId, Fingerprint, GrantId, IncidentId, Name, PersonId, RequestId,
    RunId, Timestamp,
    authority::{Authority, LogIdentity},
    entry::Recorded,
    event::{KeyEnrolled, Reference},
    vocabulary::Notice,
};
use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountState,
    contact::{Contact, PersonalNotice},
    grant::Grant,
    incident::Incident,
    planning::Planning,
    request::Request,
    run::Run,
    storage::Faults,
    suspension::{Consent, Suspension},
    table::Table,
};

/// A map with shared structure.
pub type Map<K, V> = RedBlackTreeMapSync<K, V>;

/// Since when something counts, and whether it has to wait before it may approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// First published.
    pub at: Timestamp,
    /// Signed in by every root person (or by genesis): no waiting.
    pub all_roots: bool,
}

/// The proof that a person holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Enrolled without the countersignature of an older key of the same person.
    pub recovery: bool,
    /// When it last signed something that says with which key.
    pub used: Timestamp,
}

/// Keys and memberships younger than this do not approve.
const YOUNG_S: i64 = 24 * 3600;

impl Since {
    /// Whether the waiting is over, or never was.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        self.all_roots || now >= self.at.plus_s(YOUNG_S)
    }
}

/// A version of the authority in the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The document.
    #[serde(with = "crate::snapshot::shared")]
    pub authority: Arc<Authority>,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// When it took effect.
    pub at: Timestamp,
}

/// What is open, and what the rules need to remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    pub(crate) instance: Option<Digest>,
    /// The log's name and key, as it began or the last epoch says.
    pub(crate) log: Option<LogIdentity>,
    /// How many epochs have begun.
    pub(crate) epochs: i64,
    pub(crate) versions: Map<i64, Version>,
    pub(crate) current: i64,
    pub(crate) enrolled: Map<(PersonId, Fingerprint), Enrolment>,
    pub(crate) sessions: Map<Digest, Timestamp>,
    /// By person and key; without a key, every key the person had then.
    pub(crate) suspensions: Map<(PersonId, Option<Fingerprint>), Suspension>,
    /// By what is to be suspended.
    pub(crate) consents: Map<Digest, Vec<Consent>>,
    pub(crate) keys_since: Map<(PersonId, Fingerprint), Since>,
    pub(crate) members_since: Map<(PersonId, Name), Since>,
    pub(crate) incidents: Table<Incident>,
    pub(crate) requests: Table<Request>,
    pub(crate) grants: Table<Grant>,
    pub(crate) runs: Table<Run>,
    pub(crate) plannings: Table<Planning>,
    pub(crate) accounts: Table<AccountState>,
    pub(crate) contacts: Map<PersonId, Contact>,
    pub(crate) personal_notices: Map<EventId, PersonalNotice>,
    pub(crate) accepted: Map<Digest, Timestamp>,
    pub(crate) numbers: Numbers,
    /// What is the matter with where the log lies.
    pub(crate) faults: Faults,
    /// When a practice was last declared.
    pub(crate) last_drill: Option<Timestamp>,
    pub(crate) last: Timestamp,
    pub(crate) size: u64,
    /// Whether it lets go of what is closed.
    pub(crate) forgets: bool,
}

/// The last numbers given out, for references.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    pub(crate) incident: u64,
    pub(crate) request: u64,
    pub(crate) grant: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the digests of accepted statements are remembered: a statement older than the allowed
/// skew is refused for its age, so three times the skew leaves no gap.
const REMEMBER_S: i64 = 3 * breakglass_format::limits::STATEMENT_SKEW_S;

impl World {
    /// The world before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            instance: None,
            log: None,
            epochs: 0,
            versions: Map::new_sync(),
            current: 0,
            enrolled: Map::new_sync(),
            sessions: Map::new_sync(),
            suspensions: Map::new_sync(),
            consents: Map::new_sync(),
            keys_since: Map::new_sync(),
            members_since: Map::new_sync(),
            incidents: Table::new(),
            requests: Table::new(),
            grants: Table::new(),
            runs: Table::new(),
            plannings: Table::new(),
            accounts: Table::new(),
            contacts: Map::new_sync(),
            personal_notices: Map::new_sync(),
            accepted: Map::new_sync(),
            numbers: Numbers::default(),
            faults: Faults::default(),
            last_drill: None,
            last: Timestamp::EPOCH,
            size: 0,
            forgets: true,
        }
    }

    /// Takes in one entry. Total: no entry is refused, no clock or configuration is read.
    ///
    /// `authority` is the blob that an `AUTHORITY_PUBLISHED` names, parsed; it is ignored for
    /// every other event.
    pub fn apply(&mut self, recorded: &Recorded, authority: Option<Arc<Authority>>) {
        let entry = &recorded.entry;
        self.last = self.last.max(entry.created_at);
        self.size = recorded.index + 1;
        if let Some(statement) = entry.statement.0 {
            self.remember(statement, entry.created_at);
        }
        self.apply_event(recorded, authority);
        self.move_heads(&entry.event, entry.event_id);
    }

    /// A key that signed lately is known to work.
    pub(crate) fn key_works(&mut self, person: &PersonId, key: &Fingerprint, at: Timestamp) {
        let held = (person.clone(), key.clone());
        if let Some(enrolment) = self.enrolled.get_mut(&held) {
            enrolment.used = at;
        }
    }

    fn remember(&mut self, statement: Digest, at: Timestamp) {
        self.accepted.insert_mut(statement, at);
        let old = at.plus_s(-REMEMBER_S);
        // Amortised: only when the memory has doubled since anything could be forgotten.
        if self.accepted.size().is_power_of_two() {
            let stale: Vec<Digest> = self
                .accepted
                .iter()
                .filter(|(_, t)| **t < old)
                .map(|(d, _)| *d)
                .collect();
            for digest in stale {
                self.accepted.remove_mut(&digest);
            }
        }
    }

    fn apply_event(&mut self, recorded: &Recorded, authority: Option<Arc<Authority>>) {
        let entry = &recorded.entry;
        match &entry.event {
            Event::LogStarted(d) => {
                self.instance = Some(d.genesis);
                self.log = Some(LogIdentity {
                    origin: d.origin.clone(),
                    vkey: d.vkey.clone(),
                });
            }
            Event::AuthorityPublished(d) => {
                if let Some(authority) = authority {
                    self.apply_authority(d, authority, entry.created_at);
                }
            }
            Event::KeyEnrolled(d) => self.apply_enrolled(d, recorded),
            Event::KeySuspended(d) => {
                self.apply_suspended(d, entry.created_at);
                self.owe_personal_notice(Notice::KeySuspended, &d.member.person, recorded);
            }
            Event::SessionOpened(d) => self.apply_session(d, recorded),
            Event::ContactSet(d) => self.apply_contact_set(d, recorded),
            Event::IncidentDeclared(d) => self.apply_declared(d, recorded),
            Event::IncidentResolved(d) => self.apply_resolved(d, entry),
            Event::StakeholderNotified(d) => self.apply_notified(d, entry.created_at),
            Event::ObligationOverdue(d) => self.apply_overdue(d),
            Event::ControlPlaneProbed(d) => self.apply_probed(d, recorded),
            Event::BreakGlassRequested(d) => self.apply_requested(d, recorded),
            Event::BreakGlassApproved(d) => self.apply_approved(d, recorded),
            Event::BreakGlassDenied(d) => self.apply_denied(d, entry.created_at),
            Event::BreakGlassLapsed(d) => self.apply_lapsed(d.request_id),
            Event::BreakGlassWithdrawn(d) => self.apply_withdrawn(d.request_id),
            Event::BreakGlassVoided(d) => self.apply_voided(d.request_id),
            Event::BreakGlassGranted(d) => self.apply_granted(d, recorded),
            Event::BreakGlassExtended(d) => self.apply_extended(d),
            Event::BreakGlassAccess(d) => self.apply_access(d, recorded),
            Event::BreakGlassAction(d) => self.apply_action(d, recorded),
            Event::BreakGlassEnded(d) => self.apply_ended(d, recorded),
            Event::ActionPlanned(d) => self.apply_planned(d, recorded),
            Event::RunProgressed(d) => self.apply_run(d),
            Event::EffectClaimed(d) => self.apply_claimed(d, entry.created_at),
            Event::ActProposed(d) => self.apply_proposed(d, recorded),
            Event::CredentialAdded(d) => self.apply_added(d, recorded),
            Event::RotationOrdered(d) => self.apply_ordered(d, recorded),
            Event::CredentialStaged(d) => self.apply_staged(d),
            Event::RotationAttested(d) => self.apply_attested(d, entry.created_at),
            Event::CredentialRotated(d) => self.apply_rotated(d, entry.created_at),
            Event::CredentialRotationFailed(d) => self.apply_rotation_failed(d),
            Event::CabNotified(d) => self.apply_cab_notified(d, entry.created_at),
            Event::IncidentReportFiled(d) => self.apply_reported(d, entry.created_at),
            Event::PostIncidentReviewCompleted(d) => self.apply_reviewed(d, entry.created_at),
            Event::CabReviewed(d) => self.apply_cab_reviewed(d, entry.created_at),
            Event::AccessReviewed(d) => self.apply_access_reviewed(d, entry.created_at),
            Event::ProcedureUpdated(d) => self.apply_procedure_updated(d, entry.created_at),
            Event::ObligationWaived(d) => self.apply_waived(d, entry.created_at),
            Event::CommandTransferred(d) => self.apply_transferred(d, entry),
            Event::IncidentClosed(d) => self.apply_closed(d, entry.created_at),
            Event::IncidentReopened(d) => self.apply_reopened(d),
            Event::IncidentNoted(_)
            | Event::CommandRefused(_)
            | Event::RefusalsSummarised(_)
            | Event::ClockStepped(_)
            | Event::SinkChanged(_) => {}
            Event::StorageChanged(d) => self.apply_storage(d),
            Event::EpochBegun(d) => self.apply_epoch(d, recorded),
            Event::LogRecovered(d) => self.apply_recovered(d, recorded),
        }
    }

    fn apply_enrolled(&mut self, d: &KeyEnrolled, recorded: &Recorded) {
        let held = (d.member.person.clone(), d.key.clone());
        let enrolment = Enrolment {
            recovery: d.recovery,
            used: recorded.entry.created_at,
        };
        self.enrolled.insert_mut(held, enrolment);
        if d.recovery {
            self.owe_personal_notice(Notice::KeyEnrolled, &d.member.person, recorded);
        }
    }

    /// The last event of every object that an event is about, which an act may name as its head.
    fn move_heads(&mut self, event: &Event, id: EventId) {
        let incident = event.incident_id();
        if let Some(mut incident) = incident.and_then(|i| self.incidents.get_mut(&i)) {
            incident.head = id;
        }
    }

    /// The genesis digest, which names this installation.
    #[must_use]
    pub fn instance(&self) -> Option<Digest> {
        self.instance
    }

    /// The authority in force.
    #[must_use]
    pub fn authority(&self) -> Option<&Version> {
        self.versions.get(&self.current)
    }

    /// A version of the authority.
    #[must_use]
    pub fn authority_version(&self, version: i64) -> Option<&Version> {
        self.versions.get(&version)
    }

    /// Time of the last entry.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Number of entries taken in.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether this person proved to hold this key. A key that went from one person to another
    /// was proven by the first alone.
    #[must_use]
    pub fn is_enrolled(&self, person: &PersonId, key: &Fingerprint) -> bool {
        self.enrolment(person, key).is_some()
    }

    /// The proof that this person holds this key.
    #[must_use]
    pub fn enrolment(&self, person: &PersonId, key: &Fingerprint) -> Option<Enrolment> {
        self.enrolled.get(&(person.clone(), key.clone())).copied()
    }

    /// Whether a key is old enough to approve with, or never had to wait.
    pub(crate) fn is_settled(&self, person: &PersonId, key: &Fingerprint, now: Timestamp) -> bool {
        let since = self.keys_since.get(&(person.clone(), key.clone()));
        since.is_none_or(|since| since.is_settled(now))
    }

    /// An incident.
    #[must_use]
    pub fn incident(&self, id: &IncidentId) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// A request.
    #[must_use]
    pub fn request(&self, id: &RequestId) -> Option<&Request> {
        self.requests.get(id)
    }

    /// A grant.
    #[must_use]
    pub fn grant(&self, id: &GrantId) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// A run.
    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// The state of an account that has one.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&AccountState> {
        self.accounts.get(id)
    }

    /// Every incident, oldest first; of those that were closed what is left.
    pub fn incidents(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Every request of incidents that were never closed, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.requests.values()
    }

    /// Every grant, oldest first.
    pub fn grants(&self) -> impl DoubleEndedIterator<Item = &Grant> {
        self.grants.values()
    }

    /// Every run of incidents that were never closed, and whatever else is not over, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs.values()
    }

    /// Every account with a state.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountId, &AccountState)> {
        self.accounts.iter()
    }

    /// The active grant of an account that has one; the oldest of a shared account's.
    #[must_use]
    pub fn active_grant(&self, account: &AccountId) -> Option<&Grant> {
        self.active_grants(account).next()
    }

    /// The active grants of an account, oldest first.
    pub(crate) fn active_grants(&self, account: &AccountId) -> impl Iterator<Item = &Grant> {
        self.grants.all(self.grants.orders().active_of.of(account))
    }

    /// The requests under an incident, oldest first.
    pub fn requests_under(&self, incident: &IncidentId) -> impl Iterator<Item = &Request> {
        self.requests.all(self.requests.orders().under.of(incident))
    }

    /// The grants under an incident, oldest first.
    pub fn grants_under(&self, incident: &IncidentId) -> impl Iterator<Item = &Grant> {
        self.grants.all(self.grants.orders().under.of(incident))
    }

    /// The runs under an incident, oldest first.
    pub fn runs_under(&self, incident: &IncidentId) -> impl Iterator<Item = &Run> {
        self.runs.all(self.runs.orders().under.of(incident))
    }

    /// What a short reference names.
    #[must_use]
    pub fn resolve_reference(&self, reference: Reference) -> Option<Named> {
        match reference {
            Reference::Incident(number) => {
                let id = self.incidents.orders().numbers.get(&number);
                id.map(|id| Named::Incident(*id))
            }
            Reference::Request(number) => {
                let id = self.requests.orders().numbers.get(&number);
                id.map(|id| Named::Request(*id))
            }
            Reference::Grant(number) => {
                let id = self.grants.orders().numbers.get(&number);
                id.map(|id| Named::Grant(*id))
            }
        }
    }
}

/// What a short reference names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// An incident.
    Incident(IncidentId),
    /// A request.
    Request(RequestId),
    /// A grant.
    Grant(GrantId),
}
