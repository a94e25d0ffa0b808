//! A log that was put back from copies: what was open then ends with it, and no credential of
//! before is good afterwards.

use std::collections::BTreeSet;

use breakglass_format::{
    AccountId, Entry, Event,
    event::{
        AccountRef, BreakGlassEnded, BreakGlassVoided, EpochBegun, LOG_PUT_BACK, LogRecovered,
    },
    vocabulary::EndReason,
};

use super::{At, Fold, RequestState, credential::Cause};

impl Fold<'_> {
    pub(super) fn log_recovered(&mut self, entry: At<'_>, d: &LogRecovered) {
        self.put_back_at(&entry.recorded.entry, d.recovered, &d.lost);
    }

    /// The epoch that the root persons signed, of exactly the entries before.
    pub(super) fn epoch_begun(&mut self, entry: At<'_>, d: &EpochBegun) {
        let mut all = self.authorities.epochs();
        let Some(begun) = all.nth(self.epochs) else {
            self.rule(false, "epoch_unknown", "no such epoch was verified");
            return;
        };
        self.epochs += 1;
        let epoch = begun.epoch();
        let mut signed = begun.signatures();
        let mut stated = d.signatures.clone();
        signed.sort_by_key(|s| s.signature);
        stated.sort_by_key(|s| s.signature);
        self.same(&[
            ("digest", d.digest == begun.digest()),
            ("number", d.number == epoch.number),
            ("origin", d.origin == epoch.log.origin),
            ("vkey", d.vkey == epoch.log.vkey),
            ("signatures", signed == stated),
            ("kept", u64::try_from(epoch.kept.size) == Ok(self.index)),
        ]);
        self.version_in_force(epoch.authority.version);
        let enough = begun.threshold_holds_at(self.authorities, self.now);
        self.rule(
            enough,
            "epoch_without_threshold",
            "too few root keys counted at this time",
        );
        self.put_back_at(&entry.recorded.entry, d.recovered, &d.lost);
    }

    fn put_back_at(&mut self, entry: &Entry, recovered: i64, lost: &[AccountRef]) {
        let before = i64::try_from(self.index).unwrap_or(i64::MAX);
        self.repeats(&[("recovered", (0..=before).contains(&recovered))]);
        let held = self.out.accounts.iter();
        let held = held.filter(|(_, account)| account.sealed.is_some());
        let held: BTreeSet<AccountId> = held.map(|(id, _)| id.clone()).collect();
        for account in &held {
            self.called_for_again(account);
        }
        self.causes
            .insert(entry.event_id, Cause::EveryRotation(held));
        self.all_is_lost(lost);
        self.put_back = true;
    }

    /// Accounts without a credential from here on, each of which had one.
    fn all_is_lost(&mut self, lost: &[AccountRef]) {
        let different: BTreeSet<&AccountId> = lost.iter().map(|account| &account.id).collect();
        let known = lost.iter().all(|account| {
            let sealed = self.out.accounts.get(&account.id).and_then(|a| a.sealed);
            self.has_account(account) && sealed.is_some()
        });
        self.repeats(&[("lost", known && different.len() == lost.len())]);
        for account in lost {
            if let Some(account) = self.out.accounts.get_mut(&account.id) {
                account.sealed = None;
                account.version = 0;
            }
        }
    }

    /// Whether an event belongs to what follows at once from putting the log back.
    fn follows(event: &Event) -> bool {
        matches!(event, Event::BreakGlassEnded(d) if d.reason == EndReason::Recovered)
            || matches!(event, Event::BreakGlassVoided(d) if d.reason.as_str() == LOG_PUT_BACK)
    }

    /// When the first entry comes that does not follow from it, or none, nothing is open any more.
    pub(super) fn close_recovery(&mut self, next: Option<&Event>) {
        if !self.put_back || next.is_some_and(Self::follows) {
            return;
        }
        self.put_back = false;
        let ended = self.out.grants.values().all(|grant| grant.ended.is_some());
        self.rule(
            ended,
            "grant_outlives_recovery",
            "every grant ends when the log was put back",
        );
        let mut requests = self.out.requests.values();
        let answered = !requests.any(|request| request.state == RequestState::Pending);
        self.rule(
            answered,
            "request_outlives_recovery",
            "every request that waits is void when the log was put back",
        );
    }

    pub(super) fn ended_by_recovery(&mut self, d: &BreakGlassEnded) {
        let put_back = self.put_back;
        self.rule(
            put_back,
            "ended_without_recovery",
            "the log was not put back just before",
        );
        self.repeats(&[("remark", d.remark.is_empty())]);
    }

    /// Whether a request was made void because the log was put back.
    pub(super) fn voided_by_recovery(&self, d: &BreakGlassVoided) -> bool {
        self.put_back && d.reason.as_str() == LOG_PUT_BACK
    }
}
