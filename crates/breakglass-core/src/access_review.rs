//! Access reviews: of an account that was used, and of every account every quarter.

use std::collections::BTreeSet;

use breakglass_format::{
    AccountId, Line, PersonId, Timestamp,
    act::{Act, ReviewAccess},
    authority::{Account, Authority, Person},
    event::{AccessReviewed, Clock, ObligationOverdue},
    vocabulary::{Obligation, Privilege},
};

use crate::{
    command::{Author, Context, Draft, account_ref},
    decide::Standing,
    incident::required,
    obligation,
    refusal::{Code, Refusal},
    world::World,
};

impl World {
    pub(crate) fn decide_review_access(
        &self,
        act: &Act,
        args: &ReviewAccess,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        if standing.require(Privilege::Account).is_err() {
            standing.require(Privilege::Reviewer)?;
        }
        required("remark", args.remark.as_str())?;
        let account = self.account_of(act, standing)?;
        let authority = &standing.version.authority;
        let clocks = if args.incident.0.is_some() {
            self.check_used(args, account, &standing.person.person)?;
            Vec::new()
        } else {
            check_entitled(args, account, authority, &standing.person.person)?;
            quarterly(account, authority, cx.now).into_iter().collect()
        };
        let event = AccessReviewed {
            account: account_ref(account),
            clocks,
            decision: args.decision,
            entitled: args.entitled.clone(),
            incident_id: args.incident,
            remark: args.remark.clone(),
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// After an incident: of an account that was used under it, by somebody who did not hold it.
    fn check_used(
        &self,
        args: &ReviewAccess,
        account: &Account,
        person: &PersonId,
    ) -> Result<(), Refusal> {
        let incident = args.incident.0.and_then(|id| self.incident(&id));
        let incident = incident.ok_or(Code::IncidentUnknown)?;
        if incident.is_open() {
            return Err(Code::IncidentNotResolved.with("incident", incident.reference));
        }
        if let Some(at) = incident.closed_at {
            return Err(Code::IncidentClosed
                .with("incident", incident.reference)
                .and("at", at));
        }
        if !incident.used.contains_key(&account.id) {
            return Err(Code::AccountNotUsed.with("account", &account.name));
        }
        let held =
            |g: &&crate::grant::Grant| g.account.id == account.id && g.holder.person == *person;
        if self.grants_under(&incident.id).any(|g| held(&g)) {
            return Err(Code::OwnAccess.with("account", &account.name));
        }
        if args.entitled.is_empty() {
            Ok(())
        } else {
            Err(Code::EntitledDiffer.with("listed", args.entitled.len()))
        }
    }

    /// The clocks that a version starts: the quarterly review of each account that is new in it.
    pub(crate) fn clocks_of_new_accounts(&self, next: &Authority, now: Timestamp) -> Vec<Clock> {
        let current = self.authority().map(|v| &v.authority);
        let is_new = |account: &&Account| current.is_none_or(|a| a.account(&account.id).is_none());
        let accounts = next.accounts.iter().filter(is_new);
        accounts.filter_map(|a| quarterly(a, next, now)).collect()
    }

    /// Everybody who may ask for an account under the authority in force.
    #[must_use]
    pub fn entitled(&self, account: &Account) -> BTreeSet<&PersonId> {
        self.authority()
            .map(|v| entitled(account, &v.authority))
            .unwrap_or_default()
    }

    pub(crate) fn start_account_reviews(&mut self, clocks: &[Clock]) {
        for clock in clocks {
            let account: Option<AccountId> = clock.subject.as_str().parse().ok();
            if let Some(mut state) = account.and_then(|id| self.state_mut(&id)) {
                state.review = Some(clock.clone());
                state.review_overdue = false;
            }
        }
    }

    pub(crate) fn apply_access_reviewed(&mut self, d: &AccessReviewed, at: Timestamp) {
        self.start_account_reviews(&d.clocks);
        if let Some(id) = d.incident_id.0 {
            self.after(id, |aftermath| {
                if !aftermath.access_reviewed.contains_key(&d.account.id) {
                    aftermath
                        .access_reviewed
                        .insert_mut(d.account.id.clone(), at);
                }
            });
        }
    }

    /// The quarterly clocks of accounts that the authority in force still has.
    pub fn account_reviews(&self) -> impl Iterator<Item = (&AccountId, &Clock)> {
        let authority = self.authority().map(|v| &v.authority);
        self.accounts().filter_map(move |(id, state)| {
            authority?.account(id)?;
            Some((id, state.review.as_ref()?))
        })
    }

    pub(crate) fn overdue_account_reviews(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let authority = self.authority().map(|v| &v.authority);
        let due = self.accounts.orders().reviews.until(cx.now).into_iter();
        let due = due.filter(|id| authority.is_some_and(|a| a.account(id).is_some()));
        let due = due.filter_map(|id| self.account(id)?.review.as_ref());
        let event = |clock: &Clock| ObligationOverdue {
            due_at: clock.due_at,
            incident_id: None.into(),
            obligation: clock.obligation,
            owner: clock.owner.clone(),
            subject: clock.subject.clone(),
        };
        due.map(|clock| cx.draft(&Author::System("engine"), event(clock)))
            .collect()
    }

    /// The next instant at which the quarterly review of an account would run out that the
    /// authority in force still has.
    pub(crate) fn next_account_review(&self) -> Option<Timestamp> {
        let authority = &self.authority()?.authority;
        let mut reviews = self.accounts.orders().reviews.iter();
        let next = reviews.find(|(_, id)| authority.account(id).is_some());
        next.map(|(at, _)| at)
    }

    pub(crate) fn apply_account_review_overdue(&mut self, d: &ObligationOverdue) {
        let account: Option<AccountId> = d.subject.as_str().parse().ok();
        if let Some(mut state) = account.and_then(|id| self.accounts.get_mut(&id)) {
            state.review_overdue = true;
        }
    }
}

/// Every quarter: a decision on each person who may ask for the account, by somebody who may not.
fn check_entitled(
    args: &ReviewAccess,
    account: &Account,
    authority: &Authority,
    signer: &PersonId,
) -> Result<(), Refusal> {
    let mut entitled = entitled(account, authority);
    if entitled.contains(signer) {
        return Err(Code::OwnAccess.with("account", &account.name));
    }
    for decided in &args.entitled {
        if !entitled.remove(&decided.person) {
            return Err(Code::EntitledDiffer.with("surplus", &decided.person));
        }
    }
    match entitled.first() {
        Some(missing) => Err(Code::EntitledDiffer.with("missing", missing)),
        None => Ok(()),
    }
}

/// Everybody who may ask for an account.
fn entitled<'a>(account: &Account, authority: &'a Authority) -> BTreeSet<&'a PersonId> {
    let about = authority
        .entitlements
        .iter()
        .filter(|e| e.accounts.contains(&account.id));
    let groups: Vec<_> = about.flat_map(|e| &e.requesters).collect();
    let may_ask = |p: &&Person| groups.iter().any(|g| p.in_group(g));
    let people = authority.people.iter().filter(may_ask);
    people.map(|p| &p.person).collect()
}

/// The next quarterly review of an account: the duty of the first who may change it, else of the
/// first root person. There always is one, or the authority would not parse.
fn quarterly(account: &Account, authority: &Authority, now: Timestamp) -> Option<Clock> {
    let holder = authority.people.iter().find(|p| p.may(Privilege::Account));
    let owner = holder
        .map(|p| &p.person)
        .or(authority.roots.persons.first());
    let subject = Line::lossy(account.id.as_str());
    let of = Obligation::QuarterlyAccessReview;
    let owner = owner?.clone();
    Some(obligation::clock(
        of,
        now,
        authority.clocks.quarterly_s,
        owner,
        subject,
    ))
}
