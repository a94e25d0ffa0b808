//! Credentials that are too old: rotated by themselves, where the authority says after how long.

use breakglass_format::{
    Prose, Timestamp, authority::Account, event::RotationOrdered, time::human_s,
};

use crate::{
    command::{Author, Context, Draft, account_ref},
    world::World,
};

impl World {
    /// When each account's credential is too old, as far as nothing stands in the way: no grant
    /// is active, nobody waits for one, and no rotation is called for already.
    pub(crate) fn ageing(&self) -> impl Iterator<Item = (&Account, Timestamp)> {
        let accounts = self.authority().into_iter();
        let accounts = accounts.flat_map(|v| &v.authority.accounts);
        accounts.filter_map(|account| {
            if account.rotate_after_s == 0 {
                return None;
            }
            let state = self.account(&account.id)?;
            let free = state.current.is_some()
                && state.rotation.is_none()
                && self.active_grant(&account.id).is_none()
                && !self.waiting().any(|r| r.account.id == account.id);
            free.then(|| (account, state.since.plus_s(account.rotate_after_s)))
        })
    }

    pub(crate) fn rotations_by_age(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let now = cx.now;
        let due: Vec<&Account> = self
            .ageing()
            .filter(|(_, at)| *at <= now)
            .map(|(account, _)| account)
            .collect();
        let drafts = due.into_iter().map(|account| {
            let age = human_s(account.rotate_after_s);
            let event = RotationOrdered {
                account: account_ref(account),
                reason: Prose::lossy(&format!("its credential is {age} old")),
            };
            cx.draft(&Author::System("engine"), event)
        });
        drafts.collect()
    }
}
