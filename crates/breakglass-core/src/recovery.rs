//! What follows when a log was put back from copies: nothing that was open stays open.
//!
//! What no copy has may have ended a grant, answered a request, changed a password. So every grant
//! ends, every request that waits is void, and every credential is to be rotated.

use breakglass_format::{
    AccountId, Digest, Line, Prose,
    authority::{Account, LogIdentity},
    entry::Recorded,
    event::{AccountRef, BreakGlassVoided, EpochBegun, LOG_PUT_BACK, LogRecovered, RootSignature},
    statement::Epoch,
    vocabulary::EndReason,
};

use crate::{
    command::{Author, Context, Draft, account_ref},
    grant::Grant,
    refusal::{Code, Refusal},
    world::World,
};

const LOG: Author = Author::System("log");

/// A log that lost its end, or the mark that tells where its end was, is whole again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many of its entries came from copies.
    pub recovered: i64,
    /// Accounts whose sealed credential, current or staged, is not there any more.
    pub lost: Vec<AccountId>,
}

/// The log goes on under another origin and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginEpoch {
    /// What the root persons signed.
    pub epoch: Epoch,
    /// SHA-256 of it.
    pub digest: Digest,
    /// Who signed it.
    pub signatures: Vec<RootSignature>,
    /// What came from copies, and what did not.
    pub recovery: Recovery,
}

impl World {
    /// The log that entries are appended to, as the log itself says.
    #[must_use]
    pub const fn log(&self) -> Option<&LogIdentity> {
        self.log.as_ref()
    }

    pub(crate) fn decide_recovered(&self, recovery: &Recovery, cx: &mut Context<'_>) -> Vec<Draft> {
        let event = LogRecovered {
            lost: self
                .named(&recovery.lost)
                .into_iter()
                .map(account_ref)
                .collect(),
            recovered: recovery.recovered,
        };
        let mut drafts = vec![cx.draft(&LOG, event)];
        drafts.extend(self.end_all(cx));
        drafts
    }

    /// Those of the accounts that the authority has.
    fn named(&self, ids: &[AccountId]) -> Vec<&Account> {
        let authority = self.authority().map(|version| &version.authority);
        let known = |id| authority.and_then(|authority| authority.account(id));
        ids.iter().filter_map(known).collect()
    }

    /// The end of every grant and of every request that waits.
    fn end_all(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let active: Vec<&Grant> = self.grants.values().filter(|g| g.is_active()).collect();
        let mut drafts = Vec::new();
        for (before, grant) in active.iter().enumerate() {
            let gone = active.get(..before).unwrap_or_default();
            let reason = EndReason::Recovered;
            drafts.push(self.end_grant(grant, gone, reason, Prose::default(), &LOG, cx));
        }
        let version = self.authority().map_or(0, |v| v.authority.version);
        for request in self.waiting() {
            let event = BreakGlassVoided {
                authority_version: version,
                incident_id: request.incident,
                reason: Line::lossy(LOG_PUT_BACK),
                request_id: request.id,
            };
            drafts.push(cx.draft(&LOG, event));
        }
        drafts
    }

    /// The root persons' signatures were verified, and are counted as those of an authority are.
    pub(crate) fn decide_epoch(
        &self,
        begin: &BeginEpoch,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        if begin.epoch.number != self.epochs + 1 {
            return Err(Code::NotSuccessor
                .with("epoch", begin.epoch.number)
                .and("next", self.epochs + 1));
        }
        // Who signs are the root persons in force where what is kept ends, and nobody from before.
        let (named, current) = (begin.epoch.authority.version, self.current);
        if named != current {
            return Err(Code::StaleAuthority
                .with("authority", named)
                .and("in_force", current));
        }
        let lost = self.named(&begin.recovery.lost);
        let event = EpochBegun {
            digest: begin.digest,
            lost: lost.into_iter().map(account_ref).collect(),
            number: begin.epoch.number,
            origin: begin.epoch.log.origin.clone(),
            recovered: begin.recovery.recovered,
            signatures: begin.signatures.clone(),
            vkey: begin.epoch.log.vkey.clone(),
        };
        let mut drafts = vec![cx.draft(&LOG, event)];
        drafts.extend(self.end_all(cx));
        Ok(drafts)
    }

    pub(crate) fn apply_epoch(&mut self, d: &EpochBegun, recorded: &Recorded) {
        self.epochs = d.number;
        self.log = Some(LogIdentity {
            origin: d.origin.clone(),
            vkey: d.vkey.clone(),
        });
        self.go_on_without(&d.lost, recorded);
    }

    pub(crate) fn apply_recovered(&mut self, d: &LogRecovered, recorded: &Recorded) {
        self.go_on_without(&d.lost, recorded);
    }

    fn go_on_without(&mut self, lost: &[AccountRef], recorded: &Recorded) {
        self.distrust_credentials(recorded);
        for account in lost {
            self.lose_credential(&account.id);
        }
    }

    /// There is nothing left to hand out, nor to change at the target with. The rotation is called
    /// for all the same: it is done once people have added another.
    fn lose_credential(&mut self, account: &AccountId) {
        if let Some(mut state) = self.accounts.get_mut(account) {
            state.current = None;
            state.staged = None;
            state.known_to.clear();
        }
    }

    /// Every credential is to be rotated; what was given up is tried again.
    fn distrust_credentials(&mut self, recorded: &Recorded) {
        let held = |(_, state): &(_, &crate::account::AccountState)| state.current.is_some();
        let held: Vec<AccountId> = self
            .accounts()
            .filter(held)
            .map(|(id, _)| id.clone())
            .collect();
        for account in held {
            if let Some(mut state) = self.accounts.get_mut(&account) {
                state.retry();
            }
            self.call_for_rotation(&account, recorded, None);
        }
    }
}
