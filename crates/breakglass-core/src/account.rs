//! Accounts: which credential is current, which lies staged, who knows it, what is still to be
//! rotated.

use breakglass_format::{
    AccountId, Digest, Event, EventId, IncidentId, Line, PersonId, Timestamp,
    act::{Act, AddCredential, Because},
    entry::Recorded,
    error_class::ErrorClass,
    event::{
        ActProposed, BreakGlassAccess, Clock, CredentialAdded, CredentialStaged, RotationOrdered,
    },
    vocabulary::Privilege,
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft, Prepared, account_ref},
    decide::Standing,
    incident::required,
    notice::Notices,
    refusal::{Code, Refusal},
    table::Changing,
    two_person::{About, Agreement, Proposal},
    world::{Map, World},
};

/// A version of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// 1, 2, 3 … never used twice for an account.
    pub version: i64,
    /// SHA-256 of the sealed object.
    pub sealed: Digest,
}

/// A rotation that the log calls for and that is not proven yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The event that calls for it.
    pub cause: EventId,
    /// Since when.
    pub since: Timestamp,
    /// When it was last called for: what is current since before that is to be replaced.
    pub latest: Timestamp,
    /// Incidents whose use of the account calls for it.
    pub incidents: Vec<IncidentId>,
    /// How often it was claimed.
    pub attempts: i64,
    /// Not before this.
    pub retry_at: Option<Timestamp>,
    /// A person has to look; no further attempt by itself.
    pub blocked: bool,
    /// What came of the last attempt, where one failed.
    pub failed: Option<(ErrorClass, Line)>,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// The credential that works.
    pub current: Option<Credential>,
    /// The credential that lies sealed and may or may not work yet.
    pub staged: Option<Credential>,
    /// The highest version ever given out.
    pub last_version: i64,
    /// Who has seen the current credential.
    pub known_to: Vec<PersonId>,
    /// Since when `known_to` is as it is.
    pub known_since: Timestamp,
    /// Since when the current credential is current.
    pub since: Timestamp,
    /// When it was last proven to be rotated.
    pub rotated_at: Option<Timestamp>,
    /// The rotation still to be done.
    pub rotation: Option<Rotation>,
    /// What one of two people agreed to.
    pub proposals: Map<Digest, Proposal>,
    /// The clock of its next quarterly review.
    pub review: Option<Clock>,
    /// Whether it is on record that this clock ran out.
    pub review_overdue: bool,
    /// What people were told of it.
    pub told: Notices,
}

impl AccountState {
    pub(crate) fn new() -> Self {
        Self {
            current: None,
            staged: None,
            last_version: 0,
            known_to: Vec::new(),
            known_since: Timestamp::EPOCH,
            since: Timestamp::EPOCH,
            rotated_at: None,
            rotation: None,
            proposals: Map::new_sync(),
            review: None,
            review_overdue: false,
            told: Notices::new_sync(),
        }
    }

    /// People have looked: a rotation that was given up or waits is tried again.
    pub(crate) fn retry(&mut self) {
        if let Some(rotation) = &mut self.rotation {
            rotation.blocked = false;
            rotation.retry_at = None;
        }
    }
}

impl World {
    /// `add_credential`: two holders of `account` agree on the same sealed import.
    pub(crate) fn decide_add_credential(
        &self,
        act: &Act,
        args: &AddCredential,
        prepared: &Prepared,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        standing.require(Privilege::Account)?;
        let account = self.account_of(act, standing)?;
        if args.fields.is_empty() || act.documents.is_empty() {
            return Err(Code::TextMissing.with("field", "fields"));
        }
        if account.rotator.0.is_some() {
            crate::rotation::renews_all(&args.fields)?;
        }
        self.no_foreign_grant(&account.id)?;
        let proposals = self.account(&account.id).map(|a| &a.proposals);
        match self.agree(act, proposals, Privilege::Account, standing, cx.now)? {
            Agreement::First(proposal) => Ok(vec![self.propose(
                &proposal,
                About::Account(account),
                &act.signer.key,
                author,
                cx,
            )]),
            Agreement::Second(first) => {
                let next = self.next_version(&account.id);
                let Prepared::Sealed { sealed, version } = prepared else {
                    return Err(Code::NotCalledFor.into());
                };
                if *version != next {
                    return Err(Code::CredentialMoved.with("version", next));
                }
                let event = CredentialAdded {
                    account: account_ref(account),
                    known_to: vec![first.by],
                    sealed: *sealed,
                    version: next,
                };
                Ok(vec![cx.draft(author, event)])
            }
        }
    }

    /// `rotate`: two holders of `account` want the credential rotated now.
    pub(crate) fn decide_rotate(
        &self,
        act: &Act,
        args: &Because,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        standing.require(Privilege::Account)?;
        required("reason", args.reason.as_str())?;
        let account = self.account_of(act, standing)?;
        if self
            .account(&account.id)
            .is_none_or(|a| a.current.is_none())
        {
            return Err(Code::NoCredential.with("account", &account.name));
        }
        self.no_foreign_grant(&account.id)?;
        let proposals = self.account(&account.id).map(|a| &a.proposals);
        match self.agree(act, proposals, Privilege::Account, standing, cx.now)? {
            Agreement::First(proposal) => Ok(vec![self.propose(
                &proposal,
                About::Account(account),
                &act.signer.key,
                author,
                cx,
            )]),
            Agreement::Second(_) => {
                let event = RotationOrdered {
                    account: account_ref(account),
                    reason: args.reason.clone(),
                };
                Ok(vec![cx.draft(author, event)])
            }
        }
    }

    /// The version that the next credential of an account will have: never one that was used.
    #[must_use]
    pub fn next_version(&self, account: &AccountId) -> i64 {
        self.account(account).map_or(1, |a| a.last_version + 1)
    }

    pub(crate) fn account_of<'a>(
        &self,
        act: &Act,
        standing: &Standing<'a>,
    ) -> Result<&'a breakglass_format::authority::Account, Refusal> {
        let id: Option<AccountId> = act.object.id.as_str().parse().ok();
        id.and_then(|id| standing.version.authority.account(&id))
            .ok_or_else(|| Code::AccountUnknown.with("account", &act.object.id))
    }

    /// Nobody changes a credential that somebody holds a grant for.
    pub(crate) fn no_foreign_grant(&self, account: &AccountId) -> Result<(), Refusal> {
        match self.active_grant(account) {
            Some(grant) => Err(Code::AccountBusy
                .with("grant", grant.reference)
                .and("holder", &grant.holder.principal)),
            None => Ok(()),
        }
    }

    pub(crate) fn state_mut(&mut self, account: &AccountId) -> Option<Changing<'_, AccountState>> {
        if self.accounts.get(account).is_none() {
            self.accounts
                .insert_mut(account.clone(), AccountState::new());
        }
        self.accounts.get_mut(account)
    }

    /// Calls for a rotation, or adds an incident to the one already called for.
    pub(crate) fn call_for_rotation(
        &mut self,
        account: &AccountId,
        recorded: &Recorded,
        incident: Option<IncidentId>,
    ) {
        let (cause, since) = (recorded.entry.event_id, recorded.entry.created_at);
        let Some(mut state) = self.state_mut(account) else {
            return;
        };
        let imported = state.since;
        let rotation = state.rotation.get_or_insert(Rotation {
            cause,
            since,
            latest: since,
            incidents: Vec::new(),
            attempts: 0,
            retry_at: None,
            blocked: false,
            failed: None,
        });
        // What is imported calls for its own rotation, and is itself new.
        if !matches!(recorded.entry.event, Event::CredentialAdded(_)) {
            // What was imported in the same millisecond was imported before.
            let same = i64::from(imported == since);
            rotation.latest = Timestamp::from_millis(since.millis() + same);
        }
        if let Some(incident) = incident.filter(|i| !rotation.incidents.contains(i)) {
            rotation.incidents.push(incident);
        }
    }

    pub(crate) fn apply_proposed(&mut self, d: &ActProposed, recorded: &Recorded) {
        let Some(by) = recorded.entry.person.0.clone() else {
            return;
        };
        self.key_works(&by, &d.key, recorded.entry.created_at);
        let proposal = Proposal {
            by,
            key: d.key.clone(),
            until: d.until,
        };
        let of_account = d.account.0.as_ref();
        if let Some(mut state) = of_account.and_then(|id| self.state_mut(id)) {
            state.proposals.insert_mut(d.agreement, proposal);
        } else if let Some(id) = d.incident_id.0
            && let Some(mut incident) = self.incidents.get_mut(&id)
        {
            incident.proposals.insert_mut(d.agreement, proposal);
        } else if of_account.is_none() {
            self.apply_consent(d, proposal.by, recorded.entry.event_id);
        }
    }

    pub(crate) fn apply_added(&mut self, d: &CredentialAdded, recorded: &Recorded) {
        let at = recorded.entry.created_at;
        if let Some(mut state) = self.state_mut(&d.account.id) {
            state.current = Some(Credential {
                version: d.version,
                sealed: d.sealed,
            });
            // What lies staged stays: an attempt under way may be about to make it the one that
            // works.
            state.last_version = state.last_version.max(d.version);
            state.known_to.clone_from(&d.known_to);
            state.since = at;
            state.known_since = at;
            state.proposals = Map::new_sync();
            state.retry();
        }
        self.call_for_rotation(&d.account.id, recorded, None);
    }

    pub(crate) fn apply_ordered(&mut self, d: &RotationOrdered, recorded: &Recorded) {
        if let Some(mut state) = self.state_mut(&d.account.id) {
            state.proposals = Map::new_sync();
            state.retry();
        }
        self.call_for_rotation(&d.account.id, recorded, None);
    }

    pub(crate) fn apply_staged(&mut self, d: &CredentialStaged) {
        if let Some(mut state) = self.state_mut(&d.account.id) {
            state.staged = Some(Credential {
                version: d.version,
                sealed: d.sealed,
            });
            state.last_version = state.last_version.max(d.version);
        }
    }

    pub(crate) fn apply_disclosed(&mut self, d: &BreakGlassAccess, at: Timestamp) {
        let holder = self.grant(&d.grant_id).map(|g| g.holder.person.clone());
        if let (Some(holder), Some(mut state)) = (holder, self.state_mut(&d.account.id))
            && !state.known_to.contains(&holder)
        {
            state.known_to.push(holder);
            state.known_since = at;
        }
    }
}
