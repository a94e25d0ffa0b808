//! By what the rules look for incidents, requests, grants, runs, plans and accounts, besides their ids.

use breakglass_format::{
    AccountId, Digest, EventId, GrantId, IncidentId, PersonId, RequestId, RunId, Timestamp,
};

use crate::{
    account::AccountState,
    grant::Grant,
    incident::Incident,
    planning::Planning,
    request::Request,
    run::Run,
    table::{Groups, Orders, Row, Set, Times},
    world::Map,
};

/// How an incident is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IncidentKeys {
    number: u64,
    is_open: bool,
    due: Option<Timestamp>,
    /// Accounts used under it whose credential was not rotated since.
    spent: Vec<AccountId>,
}

/// The orders of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incidents {
    /// By the number of the reference.
    pub(crate) numbers: Map<u64, IncidentId>,
    /// Those that go on.
    pub(crate) open: Set<IncidentId>,
    /// By the next time that one of its duties runs out.
    pub(crate) due: Times<IncidentId>,
    /// By the accounts that were used and are to be rotated.
    pub(crate) spent: Groups<AccountId, IncidentId>,
}

impl Row for Incident {
    type Id = IncidentId;
    type Keys = IncidentKeys;
    type Orders = Incidents;

    fn keys(&self) -> IncidentKeys {
        let spent = self.used.iter().filter(|(_, rotated)| rotated.is_none());
        IncidentKeys {
            number: self.reference.number(),
            is_open: self.is_open(),
            due: self.next_overdue(),
            spent: spent.map(|(account, _)| account.clone()).collect(),
        }
    }
}

impl Default for Incidents {
    fn default() -> Self {
        Self {
            numbers: Map::new_sync(),
            open: Set::new_sync(),
            due: Times::default(),
            spent: Groups::default(),
        }
    }
}

impl Orders<IncidentId, IncidentKeys> for Incidents {
    fn enter(&mut self, id: &IncidentId, keys: &IncidentKeys) {
        self.numbers.insert_mut(keys.number, *id);
        if keys.is_open {
            self.open.insert_mut(*id);
        }
        self.due.add(keys.due, id);
        for account in &keys.spent {
            self.spent.add(account, id);
        }
    }

    fn leave(&mut self, id: &IncidentId, keys: &IncidentKeys) {
        self.numbers.remove_mut(&keys.number);
        self.open.remove_mut(id);
        self.due.remove(keys.due, id);
        for account in &keys.spent {
            self.spent.remove(account, id);
        }
    }
}

/// How a request is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestKeys {
    number: u64,
    statement: Digest,
    incident: IncidentId,
    requester: PersonId,
    /// While it waits for answers.
    lapses: Option<Timestamp>,
}

/// The orders of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requests {
    /// By the number of the reference.
    pub(crate) numbers: Map<u64, RequestId>,
    /// By the statement.
    pub(crate) statements: Map<Digest, RequestId>,
    /// By the incident.
    pub(crate) under: Groups<IncidentId, RequestId>,
    /// Those that wait, by when they lapse.
    pub(crate) lapses: Times<RequestId>,
    /// Those that wait, by the incident.
    pub(crate) waiting_under: Groups<IncidentId, RequestId>,
    /// Those that wait, by the requester.
    pub(crate) waiting_of: Groups<PersonId, RequestId>,
}

impl Row for Request {
    type Id = RequestId;
    type Keys = RequestKeys;
    type Orders = Requests;

    fn keys(&self) -> RequestKeys {
        RequestKeys {
            number: self.reference.number(),
            statement: self.statement,
            incident: self.incident,
            requester: self.requester.person.clone(),
            lapses: self.is_pending().then_some(self.approve_by),
        }
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            numbers: Map::new_sync(),
            statements: Map::new_sync(),
            under: Groups::default(),
            lapses: Times::default(),
            waiting_under: Groups::default(),
            waiting_of: Groups::default(),
        }
    }
}

impl Orders<RequestId, RequestKeys> for Requests {
    fn enter(&mut self, id: &RequestId, keys: &RequestKeys) {
        self.numbers.insert_mut(keys.number, *id);
        self.statements.insert_mut(keys.statement, *id);
        self.under.add(&keys.incident, id);
        self.lapses.add(keys.lapses, id);
        if keys.lapses.is_some() {
            self.waiting_under.add(&keys.incident, id);
            self.waiting_of.add(&keys.requester, id);
        }
    }

    fn leave(&mut self, id: &RequestId, keys: &RequestKeys) {
        self.numbers.remove_mut(&keys.number);
        self.statements.remove_mut(&keys.statement);
        self.under.remove(&keys.incident, id);
        self.lapses.remove(keys.lapses, id);
        if keys.lapses.is_some() {
            self.waiting_under.remove(&keys.incident, id);
            self.waiting_of.remove(&keys.requester, id);
        }
    }
}

/// How a grant is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantKeys {
    number: u64,
    incident: IncidentId,
    account: AccountId,
    /// While it is active.
    ends: Option<Timestamp>,
}

/// The orders of grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grants {
    /// By the number of the reference.
    pub(crate) numbers: Map<u64, GrantId>,
    /// By the incident.
    pub(crate) under: Groups<IncidentId, GrantId>,
    /// Those that are active, by when they end.
    pub(crate) ends: Times<GrantId>,
    /// Those that are active, by the incident.
    pub(crate) active_under: Groups<IncidentId, GrantId>,
    /// Those that are active, by the account.
    pub(crate) active_of: Groups<AccountId, GrantId>,
}

impl Row for Grant {
    type Id = GrantId;
    type Keys = GrantKeys;
    type Orders = Grants;

    fn keys(&self) -> GrantKeys {
        GrantKeys {
            number: self.reference.number(),
            incident: self.incident,
            account: self.account.id.clone(),
            ends: self.is_active().then_some(self.not_after),
        }
    }
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            numbers: Map::new_sync(),
            under: Groups::default(),
            ends: Times::default(),
            active_under: Groups::default(),
            active_of: Groups::default(),
        }
    }
}

impl Orders<GrantId, GrantKeys> for Grants {
    fn enter(&mut self, id: &GrantId, keys: &GrantKeys) {
        self.numbers.insert_mut(keys.number, *id);
        self.under.add(&keys.incident, id);
        self.ends.add(keys.ends, id);
        if keys.ends.is_some() {
            self.active_under.add(&keys.incident, id);
            self.active_of.add(&keys.account, id);
        }
    }

    fn leave(&mut self, id: &GrantId, keys: &GrantKeys) {
        self.numbers.remove_mut(&keys.number);
        self.under.remove(&keys.incident, id);
        self.ends.remove(keys.ends, id);
        if keys.ends.is_some() {
            self.active_under.remove(&keys.incident, id);
            self.active_of.remove(&keys.account, id);
        }
    }
}

/// How a run is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunKeys {
    grant: GrantId,
    incident: IncidentId,
    is_over: bool,
}

/// The orders of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runs {
    /// By the incident.
    pub(crate) under: Groups<IncidentId, RunId>,
    /// Those of which more will come.
    pub(crate) unfinished: Set<RunId>,
    /// Those of which more will come, by the grant.
    pub(crate) unfinished_of: Groups<GrantId, RunId>,
}

impl Row for Run {
    type Id = RunId;
    type Keys = RunKeys;
    type Orders = Runs;

    fn keys(&self) -> RunKeys {
        RunKeys {
            grant: self.grant,
            incident: self.incident,
            is_over: self.is_over(),
        }
    }
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            under: Groups::default(),
            unfinished: Set::new_sync(),
            unfinished_of: Groups::default(),
        }
    }
}

impl Orders<RunId, RunKeys> for Runs {
    fn enter(&mut self, id: &RunId, keys: &RunKeys) {
        self.under.add(&keys.incident, id);
        if !keys.is_over {
            self.unfinished.insert_mut(*id);
            self.unfinished_of.add(&keys.grant, id);
        }
    }

    fn leave(&mut self, id: &RunId, keys: &RunKeys) {
        self.under.remove(&keys.incident, id);
        self.unfinished.remove_mut(id);
        self.unfinished_of.remove(&keys.grant, id);
    }
}

/// How an account is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountKeys {
    is_called_for: bool,
    retry: Option<Timestamp>,
    review: Option<Timestamp>,
}

/// The orders of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// Those to be rotated.
    pub(crate) called_for: Set<AccountId>,
    /// By when their rotation is tried again.
    pub(crate) retries: Times<AccountId>,
    /// By when their quarterly review runs out.
    pub(crate) reviews: Times<AccountId>,
}

impl Row for AccountState {
    type Id = AccountId;
    type Keys = AccountKeys;
    type Orders = Accounts;

    fn keys(&self) -> AccountKeys {
        let rotation = self.rotation.as_ref();
        let review = self.review.as_ref().filter(|_| !self.review_overdue);
        AccountKeys {
            is_called_for: rotation.is_some(),
            retry: rotation.filter(|r| !r.blocked).and_then(|r| r.retry_at),
            review: review.map(crate::obligation::runs_out_at),
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            called_for: Set::new_sync(),
            retries: Times::default(),
            reviews: Times::default(),
        }
    }
}

impl Orders<AccountId, AccountKeys> for Accounts {
    fn enter(&mut self, id: &AccountId, keys: &AccountKeys) {
        if keys.is_called_for {
            self.called_for.insert_mut(id.clone());
        }
        self.retries.add(keys.retry, id);
        self.reviews.add(keys.review, id);
    }

    fn leave(&mut self, id: &AccountId, keys: &AccountKeys) {
        self.called_for.remove_mut(id);
        self.retries.remove(keys.retry, id);
        self.reviews.remove(keys.review, id);
    }
}

impl Row for Planning {
    type Id = EventId;
    type Keys = IncidentId;
    type Orders = Groups<IncidentId, EventId>;

    fn keys(&self) -> IncidentId {
        self.incident
    }
}

impl Orders<EventId, IncidentId> for Groups<IncidentId, EventId> {
    fn enter(&mut self, id: &EventId, incident: &IncidentId) {
        self.add(incident, id);
    }

    fn leave(&mut self, id: &EventId, incident: &IncidentId) {
        self.remove(incident, id);
    }
}
