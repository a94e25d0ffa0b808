//! What holds after every step, judged from the entries alone and by other means than the rules.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_core::{World, request::State};
use breakglass_format::{
    AccountId, Digest, Event, EventId, GrantId, IncidentId, PersonId, RequestId, Timestamp,
    authority::{Authority, Entitlement},
    entry::Recorded,
    event::{BreakGlassApproved, BreakGlassRequested, Clock},
    vocabulary::{EffectKind, Obligation},
};
use breakglass_testkit::Given;

mod aftermath;
mod control_plane;
mod deadline;
mod suspended;

use aftermath::{
    is_gone, no_incident_closed_with_an_open_obligation, nobody_judges_what_they_took_part_in,
};
use control_plane::nobody_goes_round_a_control_plane_that_is_up;
use deadline::the_next_deadline_is_the_earliest_there_is;
use suspended::nobody_suspended_is_heard;

/// What the entries said so far.
pub(super) struct Watch {
    size: usize,
    last: Timestamp,
    statements: BTreeSet<Digest>,
    requests: BTreeMap<RequestId, BreakGlassRequested>,
    approvals: BTreeMap<EventId, BreakGlassApproved>,
    grants: BTreeMap<GrantId, Grant>,
    clocks: BTreeMap<IncidentId, Vec<Clock>>,
    /// Per account, the version that was used under a grant that has ended.
    spent: BTreeMap<AccountId, i64>,
    runs: BTreeMap<EventId, GrantId>,
    /// Accounts that two people attested to be gone.
    gone: BTreeSet<AccountId>,
    /// Accounts whose credential no copy of the log had, and for which nobody added another.
    lost: BTreeSet<AccountId>,
    /// Requesters, approvers, operators and commanders of each incident.
    took_part: BTreeMap<IncidentId, BTreeSet<PersonId>>,
    /// What each incident still needs before it is closed.
    open: BTreeMap<IncidentId, BTreeSet<(Obligation, String)>>,
    control_plane: control_plane::ControlPlane,
    suspended: Vec<suspended::Gone>,
    version: i64,
}

/// A grant as its entries say.
struct Grant {
    account: AccountId,
    incident: IncidentId,
    holder: PersonId,
    not_before: Timestamp,
    not_after: Timestamp,
    ended: bool,
    used: Option<i64>,
}

impl Grant {
    fn is_active(&self, at: &Recorded) -> bool {
        let (now, wall) = (at.entry.created_at, at.entry.wall);
        !self.ended && self.not_before <= now && now < self.not_after && wall < self.not_after
    }
}

/// A named invariant, judged with what the entries said before and the new ones.
pub(super) type Invariant = fn(&Watch, &Given, &[Recorded]) -> Result<(), String>;

/// All of them.
pub(super) const INVARIANTS: &[(&str, Invariant)] = &[
    ("created_at_never_decreases", created_at_never_decreases),
    ("one_statement_accepted_once", one_statement_accepted_once),
    (
        "no_grant_without_quorum_of_distinct_persons",
        no_grant_without_quorum_of_distinct_persons,
    ),
    (
        "no_release_outside_an_active_grant",
        no_release_outside_an_active_grant,
    ),
    ("no_grant_longer_than_its_cap", no_grant_longer_than_its_cap),
    (
        "every_used_credential_is_rotated_or_pending",
        every_used_credential_is_rotated_or_pending,
    ),
    ("clocks_never_move", clocks_never_move),
    ("neither_secret_lost", neither_secret_lost),
    (
        "an_exclusive_account_has_one_holder",
        an_exclusive_account_has_one_holder,
    ),
    (
        "nothing_is_open_under_a_resolved_incident",
        nothing_is_open_under_a_resolved_incident,
    ),
    (
        "the_next_deadline_is_the_earliest_there_is",
        the_next_deadline_is_the_earliest_there_is,
    ),
    (
        "no_incident_closed_with_an_open_obligation",
        no_incident_closed_with_an_open_obligation,
    ),
    (
        "nobody_judges_what_they_took_part_in",
        nobody_judges_what_they_took_part_in,
    ),
    (
        "nobody_goes_round_a_control_plane_that_is_up",
        nobody_goes_round_a_control_plane_that_is_up,
    ),
    ("nobody_suspended_is_heard", nobody_suspended_is_heard),
    ("nothing_outlives_a_recovery", nothing_outlives_a_recovery),
];

impl Watch {
    pub(super) fn new(given: &Given) -> Self {
        let mut watch = Self {
            size: 0,
            last: Timestamp::EPOCH,
            statements: BTreeSet::new(),
            requests: BTreeMap::new(),
            approvals: BTreeMap::new(),
            grants: BTreeMap::new(),
            clocks: BTreeMap::new(),
            spent: BTreeMap::new(),
            runs: BTreeMap::new(),
            gone: BTreeSet::new(),
            lost: BTreeSet::new(),
            took_part: BTreeMap::new(),
            open: BTreeMap::new(),
            control_plane: control_plane::ControlPlane::default(),
            suspended: Vec::new(),
            version: 0,
        };
        let news = watch.take_news(given);
        watch.learn(&news);
        watch
    }

    /// The entries since last asked.
    pub(super) fn take_news(&mut self, given: &Given) -> Vec<Recorded> {
        let news = given.log()[self.size..].to_vec();
        self.size = given.log().len();
        news
    }

    /// Takes in entries that were judged.
    pub(super) fn learn(&mut self, news: &[Recorded]) {
        for recorded in news {
            self.last = recorded.entry.created_at;
            self.statements.extend(recorded.entry.statement.0);
            self.learn_one(recorded);
            self.learn_aftermath(recorded);
            self.learn_control_plane(recorded);
            suspended::learn(&mut self.suspended, &mut self.version, recorded);
        }
    }

    fn learn_one(&mut self, recorded: &Recorded) {
        let id = recorded.entry.event_id;
        match &recorded.entry.event {
            Event::BreakGlassRequested(d) => {
                self.requests.insert(id, d.clone());
            }
            Event::BreakGlassApproved(d) => {
                self.approvals.insert(id, d.clone());
            }
            Event::BreakGlassGranted(d) => {
                let grant = Grant {
                    account: d.account.id.clone(),
                    incident: d.incident_id,
                    holder: d.holder.person.clone(),
                    not_before: d.not_before,
                    not_after: d.not_after,
                    ended: false,
                    used: None,
                };
                self.grants.insert(d.grant_id, grant);
            }
            Event::BreakGlassExtended(d) => {
                self.grants.get_mut(&d.grant_id).unwrap().not_after = d.not_after;
            }
            Event::BreakGlassAccess(d) => {
                self.grants.get_mut(&d.grant_id).unwrap().used = Some(d.version);
            }
            Event::BreakGlassAction(d) if d.run_id.0.is_some() => {
                self.runs.insert(id, d.grant_id);
            }
            Event::BreakGlassEnded(d) => {
                let grant = self.grants.get_mut(&d.grant_id).unwrap();
                grant.ended = true;
                if let Some(version) = grant.used {
                    self.spent.insert(grant.account.clone(), version);
                }
            }
            Event::LogRecovered(d) => self.lost.extend(d.lost.iter().map(|a| a.id.clone())),
            Event::CredentialAdded(d) => {
                self.lost.remove(&d.account.id);
            }
            Event::IncidentResolved(d) => self.start(d.incident_id, &d.clocks),
            Event::PostIncidentReviewCompleted(d) => self.start(d.incident_id, &d.clocks),
            Event::IncidentReopened(d) => self.start(d.incident_id, &d.clocks),
            _ => {}
        }
        if let Event::BreakGlassEnded(d) = &recorded.entry.event {
            self.start(d.incident_id, &d.clocks);
        }
    }

    fn incident_of(&self, grant: GrantId) -> IncidentId {
        self.grants[&grant].incident
    }

    fn start(&mut self, incident: IncidentId, clocks: &[Clock]) {
        let open = self.open.entry(incident).or_default();
        let aftermath = clocks.iter().filter(|c| {
            // Rotation is judged by the used credentials themselves, resolution by its event.
            c.obligation != Obligation::CredentialRotation
                && c.obligation != Obligation::IncidentResolved
        });
        open.extend(aftermath.map(|c| (c.obligation, c.subject.to_string())));
        self.clocks
            .entry(incident)
            .or_default()
            .extend(clocks.iter().cloned());
    }

    /// The approvals with these events, the new ones included.
    fn approvals<'a>(
        &'a self,
        ids: &[EventId],
        news: &'a [Recorded],
    ) -> Result<Vec<&'a BreakGlassApproved>, String> {
        let find = |id: &EventId| {
            let new = news.iter().find(|r| r.entry.event_id == *id);
            let new = new.and_then(|r| match &r.entry.event {
                Event::BreakGlassApproved(d) => Some(d),
                _ => None,
            });
            let found = self.approvals.get(id).or(new);
            found.ok_or_else(|| format!("{id} is no approval"))
        };
        ids.iter().map(find).collect()
    }
}

fn holds(holds: bool, says: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(says()) }
}

fn created_at_never_decreases(watch: &Watch, _: &Given, news: &[Recorded]) -> Result<(), String> {
    let mut last = watch.last;
    for recorded in news {
        let at = recorded.entry.created_at;
        holds(last <= at, || format!("{at} follows {last}"))?;
        last = at;
    }
    Ok(())
}

fn one_statement_accepted_once(watch: &Watch, _: &Given, news: &[Recorded]) -> Result<(), String> {
    let statements = news.iter().filter_map(|r| r.entry.statement.0);
    let mut twice = statements.filter(|s| watch.statements.contains(s));
    match twice.next() {
        Some(statement) => Err(format!("{statement} took effect before")),
        None => Ok(()),
    }
}

fn no_grant_without_quorum_of_distinct_persons(
    watch: &Watch,
    given: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for recorded in news {
        let (request, approvals) = match &recorded.entry.event {
            Event::BreakGlassGranted(d) => (d.request_id, &d.approvals),
            Event::BreakGlassExtended(d) => (d.request_id, &d.approvals),
            _ => continue,
        };
        let asked = watch.requests.get(&request).ok_or("no such request")?;
        let approvals = watch.approvals(approvals, news)?;
        let of_this = approvals.iter().all(|a| a.request_id == request);
        holds(of_this, || "approvals of another request".to_owned())?;
        let people: BTreeSet<_> = approvals.iter().map(|a| &a.approver.person).collect();
        holds(people.len() == approvals.len(), || {
            "a person twice".to_owned()
        })?;
        let own = people.contains(&asked.requester.person);
        holds(!own, || "the requester's own approval".to_owned())?;
        let in_time = recorded.entry.created_at < asked.approve_by;
        holds(in_time, || "granted after the lapse".to_owned())?;
        let authority = given.authority();
        let entitlement = authority
            .entitlements
            .iter()
            .find(|e| e.name == asked.entitlement);
        let entitlement = entitlement.ok_or("no such entitlement")?;
        let people: Vec<&PersonId> = people.into_iter().collect();
        let enough = enough(entitlement, &authority, &people);
        holds(enough, || format!("{people:?} are not enough"))?;
        let outside = approvals.iter().any(|a| !a.browser);
        holds(outside, || {
            "all approvals were made in a browser".to_owned()
        })?;
    }
    Ok(())
}

/// Whether these people are as many as are needed and can be told off, one each, to the required
/// groups: by trying every way.
fn enough(entitlement: &Entitlement, authority: &Authority, people: &[&PersonId]) -> bool {
    fn tell_off(
        groups: &[breakglass_format::Name],
        authority: &Authority,
        people: &[&PersonId],
    ) -> bool {
        let Some((group, rest)) = groups.split_first() else {
            return true;
        };
        (0..people.len()).any(|at| {
            let others: Vec<&PersonId> = [&people[..at], &people[at + 1..]].concat();
            let member = authority
                .person(people[at])
                .is_some_and(|p| p.in_group(group));
            member && tell_off(rest, authority, &others)
        })
    }
    let approvers = people.iter().all(|person| {
        let person = authority.person(person);
        person.is_some_and(|p| entitlement.approvers.iter().any(|g| p.in_group(g)))
    });
    let count = i64::try_from(people.len()).unwrap();
    approvers
        && count >= entitlement.approvals
        && tell_off(&entitlement.require_each, authority, people)
}

fn no_release_outside_an_active_grant(
    watch: &Watch,
    _: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for recorded in news {
        let (grant, holder) = match &recorded.entry.event {
            Event::BreakGlassAccess(d) => (d.grant_id, true),
            Event::EffectClaimed(d) if d.effect == EffectKind::Dispatch => {
                (*watch.runs.get(&d.cause).ok_or("no such run")?, false)
            }
            _ => continue,
        };
        let grant = watch.grants.get(&grant).ok_or("no such grant")?;
        let what = recorded.entry.event.event_type();
        holds(grant.is_active(recorded), || {
            format!("{what} outside of its grant")
        })?;
        let by_holder = recorded.entry.person.as_ref() == Some(&grant.holder);
        holds(by_holder || !holder, || format!("{what} by somebody else"))?;
    }
    Ok(())
}

fn no_grant_longer_than_its_cap(_: &Watch, given: &Given, _: &[Recorded]) -> Result<(), String> {
    for grant in given.world().grants() {
        let fits = grant.not_before < grant.not_after && grant.not_after <= grant.cap;
        holds(fits, || {
            format!("{} ends at {}", grant.reference, grant.not_after)
        })?;
    }
    Ok(())
}

fn every_used_credential_is_rotated_or_pending(
    watch: &Watch,
    given: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for (account, used) in &watch.spent {
        if watch.gone.contains(account) || news.iter().any(|r| is_gone(r, account)) {
            continue;
        }
        let state = given.world().account(account).ok_or("no state")?;
        let rotated = state.current.is_some_and(|c| c.version != *used);
        let cared_for = rotated || state.rotation.is_some();
        holds(cared_for, || {
            format!("version {used} of {account} was used and is current")
        })?;
    }
    Ok(())
}

/// Clocks are only ever added, and are what the entries that started them say.
fn clocks_never_move(watch: &Watch, given: &Given, _: &[Recorded]) -> Result<(), String> {
    for (id, clocks) in &watch.clocks {
        let incident = given.whole().incident(id).ok_or("no such incident")?;
        let kept = incident.clocks.starts_with(clocks);
        holds(kept, || format!("{:?} was {clocks:?}", incident.clocks))?;
    }
    Ok(())
}

/// After the first import there is a current credential, and a version is never given twice.
fn neither_secret_lost(watch: &Watch, given: &Given, news: &[Recorded]) -> Result<(), String> {
    for (id, state) in given.world().accounts() {
        let gone = watch.gone.contains(id) || news.iter().any(|r| is_gone(r, id));
        let lost = watch.lost.contains(id) || news.iter().any(|r| is_lost(r, id));
        let known = state.current.is_some() || state.last_version == 0 || gone || lost;
        holds(known, || format!("no credential of {id} is known"))?;
        let differ = state.current.map(|c| c.version) != state.staged.map(|c| c.version);
        holds(differ || state.current.is_none(), || {
            format!("{id}: staged is current")
        })?;
    }
    let made = |r: &&Recorded| {
        matches!(
            r.entry.event,
            Event::CredentialAdded(_) | Event::CredentialStaged(_)
        )
    };
    for recorded in news.iter().filter(made) {
        let before = given.log().iter().take_while(|r| r.index < recorded.index);
        let version = given_out(recorded);
        let again = before
            .filter_map(given_out)
            .any(|other| Some(&other) == version.as_ref());
        holds(!again, || format!("{version:?} was given out before"))?;
    }
    Ok(())
}

fn is_lost(recorded: &Recorded, account: &AccountId) -> bool {
    matches!(&recorded.entry.event, Event::LogRecovered(d) if d.lost.iter().any(|a| a.id == *account))
}

fn nothing_outlives_a_recovery(_: &Watch, given: &Given, news: &[Recorded]) -> Result<(), String> {
    let recovered = |r: &Recorded| matches!(r.entry.event, Event::LogRecovered(_));
    if !news.iter().any(recovered) {
        return Ok(());
    }
    let world = given.world();
    let open = world.grants().any(|g| g.is_active());
    holds(!open, || "a grant is active".to_owned())?;
    let waits = world.requests().any(|r| r.state == State::Pending);
    holds(!waits, || "a request waits".to_owned())?;
    let mut held = world.accounts().filter(|(_, a)| a.current.is_some());
    let kept = held.find(|(_, a)| a.rotation.is_none());
    holds(kept.is_none(), || format!("{kept:?} is not rotated"))
}

fn given_out(recorded: &Recorded) -> Option<(AccountId, i64)> {
    match &recorded.entry.event {
        Event::CredentialAdded(d) => Some((d.account.id.clone(), d.version)),
        Event::CredentialStaged(d) => Some((d.account.id.clone(), d.version)),
        _ => None,
    }
}

fn an_exclusive_account_has_one_holder(
    _: &Watch,
    given: &Given,
    _: &[Recorded],
) -> Result<(), String> {
    let authority = given.authority();
    for account in authority.accounts.iter().filter(|a| !a.shared) {
        let grants = given.world().grants();
        let active = grants.filter(|g| g.account.id == account.id && g.is_active());
        let active = active.count();
        holds(active <= 1, || {
            format!("{active} grants of {}", account.name)
        })?;
    }
    Ok(())
}

fn nothing_is_open_under_a_resolved_incident(
    _: &Watch,
    given: &Given,
    _: &[Recorded],
) -> Result<(), String> {
    let world = given.world();
    for incident in world.incidents().filter(|i| !i.is_open()) {
        let grant = world
            .grants()
            .find(|g| g.incident == incident.id && g.is_active());
        holds(grant.is_none(), || {
            format!("a grant of {}", incident.reference)
        })?;
        let request = world
            .requests()
            .find(|r| r.incident == incident.id && r.is_pending());
        holds(request.is_none(), || {
            format!("a request of {}", incident.reference)
        })?;
    }
    Ok(())
}

/// The log says everything: built again from the bytes of entry 0 the world is the same.
pub(super) fn world_after_replay_equals_world_before(given: &Given) -> Result<(), String> {
    let replayed = given.replayed();
    holds(replayed == *given.world(), || "it is another".to_owned())?;
    let written = given.world().to_snapshot().map_err(|e| e.to_string())?;
    let read = World::from_snapshot(&written).map_err(|e| e.to_string())?;
    holds(read == replayed, || "its snapshot is another".to_owned())?;
    let remembered = given.remembered();
    holds(remembered == *given.whole(), || {
        "it is another, with everything closed".to_owned()
    })
}
