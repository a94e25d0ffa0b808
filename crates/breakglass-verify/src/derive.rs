//! A second reading of the procedure, on its own: from entries and verified statements to what
//! they add up to, and to every rule that they break.
//!
//! It shares no line with the rules of the server and takes no shortcut through what the server
//! concluded: a quorum is counted again, an end is computed again, a clock is read from the entry
//! that started it. Where the design leaves room it takes the wider reading, so that a finding
//! always is one. One file per subject, each a few pages long.

mod aftermath;
mod authority;
mod cause;
mod control_plane;
mod credential;
mod derived;
mod envelope;
mod grant;
mod ids;
mod incident;
mod notice;
mod obligation;
mod planning;
mod quorum;
mod recovery;
mod request;
mod run;
mod statement;
mod suspension;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::Arc,
};

use breakglass_format::{
    AccountId, Digest, Entry, Event, EventId, Fingerprint, GrantId, IncidentId, Line, PersonId,
    RequestId, RunId, Timestamp,
    act::Act,
    entry::Recorded,
    event::Member,
    vocabulary::{Notice, Obligation},
};
use breakglass_statement::{AuthoritySet, Verified};

use crate::Finding;

pub use derived::{
    Account, Derived, Duty, DutyKey, End, Grant, Incident, Request, RequestState, Status, Word,
    Words,
};
pub use envelope::word;
pub(crate) use ids::Sought;
pub use statement::{Statement, Statements};

/// What is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Every entry, in log order from the first.
    pub entries: &'a [Recorded],
    /// Every accepted statement, by the SHA-256 of its bytes.
    pub statements: &'a Statements,
    /// Every version of the authority.
    pub authorities: &'a AuthoritySet,
}

/// Derives what the record adds up to, and every rule that it breaks: one finding each, with a
/// stable code. Total: whatever the record holds, there is an answer.
#[must_use]
pub fn derive(record: &Record<'_>) -> (Derived, Vec<Finding>) {
    let mut fold = Fold::new(record.authorities);
    for recorded in record.entries {
        let statement = recorded.entry.statement.as_ref();
        let said = statement.and_then(|digest| record.statements.get(digest));
        fold.step(At { recorded, said });
    }
    if let Some(mut sought) = fold.sought() {
        let entries = record.entries.iter();
        entries.for_each(|at| sought.see(at.entry.event_id, at.index));
        fold.found(&sought);
    }
    fold.end()
}

/// An entry, and what it rests on.
#[derive(Clone, Copy)]
pub(crate) struct At<'s> {
    pub(crate) recorded: &'s Recorded,
    /// The verified statement that caused it.
    pub(crate) said: Option<&'s Statement>,
}

impl<'s> At<'s> {
    /// The act that caused an entry, if it is one of this command; that it has to be is said of
    /// every event in [`cause`].
    fn act(self, command: &str) -> Option<&'s Verified<Act>> {
        match self.said {
            Some(Statement::Act(act)) if act.statement().command.word() == command => Some(act),
            _ => None,
        }
    }
}

impl Deref for At<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.recorded.entry
    }
}

/// What has been read so far. Of an entry that nobody signed and nothing follows from it keeps
/// nothing.
pub(crate) struct Fold<'a> {
    authorities: &'a AuthoritySet,
    out: Derived,
    findings: Vec<Finding>,
    /// Engine time and index of the entry that is being read.
    now: Timestamp,
    index: u64,
    /// The latest engine time of the entries before.
    last: Timestamp,
    versions: Vec<authority::InForce<'a>>,
    enrolled: BTreeSet<(PersonId, Fingerprint)>,
    suspensions: Vec<suspension::Suspension>,
    consents: Vec<suspension::Consent>,
    event_ids: ids::Ids,
    /// Of what happened to their own contact and keys whom may be told, and when each person last
    /// changed their contact.
    personal: BTreeMap<EventId, (Notice, PersonId)>,
    contact_set_at: BTreeMap<PersonId, Timestamp>,
    used_statements: BTreeMap<Digest, envelope::Used>,
    /// Until when each session is open.
    sessions: BTreeMap<Digest, Timestamp>,
    declared: BTreeMap<IncidentId, Digest>,
    asked: BTreeMap<RequestId, Arc<request::Asked>>,
    approvals: BTreeMap<EventId, quorum::Approval>,
    denials: BTreeSet<(PersonId, AccountId, IncidentId)>,
    /// Verdicts on the control plane, in log order.
    probes: BTreeMap<IncidentId, Vec<control_plane::Probe>>,
    runs: BTreeMap<RunId, run::Run>,
    plannings: BTreeMap<EventId, planning::Planning>,
    proposals: Vec<credential::Proposal>,
    causes: BTreeMap<EventId, credential::Cause>,
    /// How often each effect was claimed: by what calls for it, and the account where it is to
    /// be rotated.
    claims: BTreeMap<(EventId, Option<AccountId>), i64>,
    staged: BTreeMap<(AccountId, i64), Digest>,
    /// The last use of an account under an incident, and the last proven rotation: indexes.
    used: BTreeMap<(IncidentId, AccountId), u64>,
    rotated: BTreeMap<AccountId, u64>,
    /// The last import of an account's credential, and the last event that called for another.
    added: BTreeMap<AccountId, u64>,
    called: BTreeMap<AccountId, u64>,
    /// Since when each account's credential is current.
    current_since: BTreeMap<AccountId, Timestamp>,
    /// Requesters, approvers, operators and commanders of each incident.
    took_part: BTreeMap<IncidentId, BTreeSet<PersonId>>,
    /// Who leads each incident, as they were called when they took over.
    commanders: BTreeMap<IncidentId, Member>,
    /// How many actions each grant has.
    actions: BTreeMap<GrantId, i64>,
    /// How many reports and reviews each incident has.
    reports: BTreeMap<IncidentId, i64>,
    reviews: BTreeMap<IncidentId, i64>,
    /// Actions that a review had not seen, which call for another.
    late_facts: BTreeSet<(IncidentId, EventId)>,
    /// Whoever owned a duty, by any of its clocks.
    owners: BTreeMap<(IncidentId, Obligation, Line), BTreeSet<PersonId>>,
    /// Incidents whose use of an account calls for the rotation to come.
    to_rotate: BTreeMap<AccountId, Vec<IncidentId>>,
    /// The last version that a credential of an account was given.
    numbers: BTreeMap<AccountId, i64>,
    /// Accounts for whose rotation a clock must run.
    clocks_needed: BTreeSet<(IncidentId, AccountId)>,
    /// The log was put back by an entry before, and all since then follows from it.
    put_back: bool,
    /// How many epochs have begun.
    epochs: usize,
}

impl<'a> Fold<'a> {
    /// Before the first entry.
    pub(crate) fn new(authorities: &'a AuthoritySet) -> Self {
        Self {
            authorities,
            out: Derived::default(),
            findings: Vec::new(),
            now: Timestamp::EPOCH,
            index: 0,
            last: Timestamp::EPOCH,
            versions: Vec::new(),
            enrolled: BTreeSet::new(),
            suspensions: Vec::new(),
            consents: Vec::new(),
            event_ids: ids::Ids::default(),
            personal: BTreeMap::new(),
            contact_set_at: BTreeMap::new(),
            used_statements: BTreeMap::new(),
            sessions: BTreeMap::new(),
            declared: BTreeMap::new(),
            asked: BTreeMap::new(),
            approvals: BTreeMap::new(),
            denials: BTreeSet::new(),
            probes: BTreeMap::new(),
            runs: BTreeMap::new(),
            plannings: BTreeMap::new(),
            proposals: Vec::new(),
            causes: BTreeMap::new(),
            claims: BTreeMap::new(),
            staged: BTreeMap::new(),
            used: BTreeMap::new(),
            rotated: BTreeMap::new(),
            added: BTreeMap::new(),
            called: BTreeMap::new(),
            current_since: BTreeMap::new(),
            took_part: BTreeMap::new(),
            commanders: BTreeMap::new(),
            actions: BTreeMap::new(),
            reports: BTreeMap::new(),
            reviews: BTreeMap::new(),
            late_facts: BTreeSet::new(),
            owners: BTreeMap::new(),
            to_rotate: BTreeMap::new(),
            numbers: BTreeMap::new(),
            clocks_needed: BTreeSet::new(),
            put_back: false,
            epochs: 0,
        }
    }

    /// Takes in the next entry in log order.
    pub(crate) fn step(&mut self, at: At<'_>) {
        self.now = at.created_at;
        self.index = at.recorded.index;
        self.envelope(at);
        self.event(at);
        self.last = self.last.max(self.now);
    }

    /// What a second look at every entry has to look for, where it takes one.
    pub(crate) fn sought(&self) -> Option<Sought> {
        self.event_ids.sought()
    }

    /// Takes in what came of the second look.
    pub(crate) fn found(&mut self, sought: &Sought) {
        let (code, detail) = envelope::ID_TWICE;
        for (place, index) in self.event_ids.twice(sought) {
            let finding = Finding::tampered(code, detail).at_entry(index);
            self.findings
                .insert(place.min(self.findings.len()), finding);
        }
    }

    /// After the last entry: what all of it adds up to, and what it breaks.
    pub(crate) fn end(mut self) -> (Derived, Vec<Finding>) {
        self.finish();
        (self.out, self.findings)
    }

    fn event(&mut self, entry: At<'_>) {
        self.close_recovery(Some(&entry.recorded.entry.event));
        match &entry.recorded.entry.event {
            Event::LogStarted(d) => self.log_started(d),
            Event::AuthorityPublished(d) => self.authority_published(d),
            Event::KeyEnrolled(d) => self.key_enrolled(entry, d),
            Event::KeySuspended(d) => self.key_suspended(entry, d),
            Event::SessionOpened(d) => self.session_opened(entry, d),
            Event::ContactSet(d) => self.contact_set(entry, d),
            Event::IncidentDeclared(d) => self.declared(entry, d),
            Event::IncidentNoted(d) => self.noted(entry, d),
            Event::ControlPlaneProbed(d) => self.probed(entry, d),
            Event::IncidentResolved(d) => self.resolved(entry, d),
            Event::CabNotified(d) => self.cab_notified(entry, d),
            Event::IncidentReportFiled(d) => self.report_filed(entry, d),
            Event::PostIncidentReviewCompleted(d) => self.reviewed(entry, d),
            Event::CabReviewed(d) => self.cab_reviewed(entry, d),
            Event::AccessReviewed(d) => self.access_reviewed(entry, d),
            Event::ProcedureUpdated(d) => self.procedure_updated(entry, d),
            Event::ObligationWaived(d) => self.waived(entry, d),
            Event::CommandTransferred(d) => self.transferred(entry, d),
            Event::IncidentClosed(d) => self.closed(entry, d),
            Event::IncidentReopened(d) => self.reopened(d),
            Event::StakeholderNotified(d) => self.notified(d),
            Event::ObligationOverdue(d) => self.overdue(d),
            Event::BreakGlassRequested(d) => self.requested(entry, d),
            Event::BreakGlassApproved(d) => self.approved(entry, d),
            Event::BreakGlassDenied(d) => self.denied(entry, d),
            Event::BreakGlassLapsed(d) => self.lapsed(entry, d),
            Event::BreakGlassWithdrawn(d) => self.withdrawn(entry, d),
            Event::BreakGlassVoided(d) => self.voided(entry, d),
            Event::BreakGlassGranted(d) => self.granted(entry, d),
            Event::BreakGlassExtended(d) => self.extended(entry, d),
            Event::BreakGlassAccess(d) => self.accessed(entry, d),
            Event::BreakGlassEnded(d) => self.ended(entry, d),
            Event::BreakGlassAction(d) => self.acted(entry, d),
            Event::ActionPlanned(d) => self.planned(d),
            Event::RunProgressed(d) => self.progressed(entry, d),
            Event::EffectClaimed(d) => self.claimed(d),
            Event::ActProposed(d) => self.proposed(entry, d),
            Event::CredentialAdded(d) => self.credential_added(entry, d),
            Event::RotationOrdered(d) => self.rotation_ordered(entry, d),
            Event::CredentialStaged(d) => self.credential_staged(d),
            Event::RotationAttested(d) => self.rotation_attested(entry, d),
            Event::CredentialRotated(d) => self.credential_rotated(d),
            Event::CredentialRotationFailed(d) => self.rotation_failed(d),
            Event::CommandRefused(_) => self.out.refusals += 1,
            Event::RefusalsSummarised(d) => {
                self.out.refusals += u64::try_from(d.count).unwrap_or(0);
            }
            Event::LogRecovered(d) => self.log_recovered(entry, d),
            Event::EpochBegun(d) => self.epoch_begun(entry, d),
            Event::ClockStepped(_) | Event::SinkChanged(_) | Event::StorageChanged(_) => {}
        }
    }

    fn finish(&mut self) {
        self.close_recovery(None);
        let unanswered = self.late_facts.is_empty();
        self.rule(
            unanswered,
            "late_fact_unreviewed",
            "an action after the review opens the incident again",
        );
        self.close_grants();
        self.close_suspensions();
        self.close_duties();
    }

    /// A rule: where it does not hold, a finding about the entry that is being read.
    fn rule(&mut self, holds: bool, code: &'static str, detail: &str) -> bool {
        if !holds {
            self.findings
                .push(Finding::tampered(code, detail).at_entry(self.index));
        }
        holds
    }

    /// What an event says against what the person signed: the first field that differs.
    fn same(&mut self, fields: &[(&str, bool)]) {
        self.first_other(fields, "event_differs_from_statement", "what was signed");
    }

    /// What an event repeats against what the log and the authority say: the first field that
    /// differs.
    fn repeats(&mut self, fields: &[(&str, bool)]) {
        self.first_other(fields, "event_differs_from_log", "what the log says");
    }

    fn first_other(&mut self, fields: &[(&str, bool)], code: &'static str, what: &str) {
        if let Some((field, _)) = fields.iter().find(|(_, same)| !same) {
            self.rule(false, code, &format!("{field} is not {what}"));
        }
    }

    /// What was asked for with the request that became a grant.
    fn asked_with(&self, grant: GrantId) -> Option<&Arc<request::Asked>> {
        let request = self.out.grants.get(&grant)?.request;
        self.asked.get(&request)
    }
}
