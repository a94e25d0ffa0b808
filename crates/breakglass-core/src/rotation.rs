//! Rotations: claimed, staged, proven, or tried again. At no moment does neither secret work, or
//! is the working one unknown: the new one lies sealed before the target hears of it.

use breakglass_format::{
    IncidentId, Name, Timestamp,
    authority::Account,
    error_class::ErrorClass,
    event::{CredentialRotated, CredentialRotationFailed, CredentialStaged, EffectClaimed},
    rotatable::{RENEWED, is_rotatable},
    vocabulary::EffectKind,
};

use crate::{
    account::{AccountState, Rotation},
    command::{Author, Claim, Context, Draft, RotationOutcome, RotationReport, Stage, account_ref},
    refusal::{Code, Refusal},
    world::World,
};

const WORKER: Author = Author::System("worker");

/// What a rotation calls rotated must be worth nothing to whoever knew it before: with a rotator, a
/// credential has the password that it renews, and no other secret.
pub(crate) fn renews_all(fields: &[Name]) -> Result<(), Refusal> {
    if let Some(field) = fields.iter().find(|f| !is_rotatable(f.as_str())) {
        return Err(Code::FieldNotRotated.with("field", field));
    }
    if !fields.iter().any(|f| f.as_str() == RENEWED) {
        return Err(Code::FieldNotRotated.with("missing", RENEWED));
    }
    Ok(())
}

impl World {
    fn called_for(
        &self,
        id: &breakglass_format::AccountId,
        cause: breakglass_format::EventId,
    ) -> Result<(&Account, &AccountState, &Rotation), Refusal> {
        let version = self.authority().ok_or(Code::StaleAuthority)?;
        let account = version.authority.account(id);
        let account = account.ok_or_else(|| Code::AccountUnknown.with("account", id))?;
        let state = self.account(id).ok_or(Code::NotCalledFor)?;
        let rotation = state.rotation.as_ref().filter(|r| r.cause == cause);
        Ok((account, state, rotation.ok_or(Code::NotCalledFor)?))
    }

    pub(crate) fn decide_claim(
        &self,
        claim: &Claim,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let event = match claim.effect {
            EffectKind::Rotate => {
                let (account, _, rotation) = self.called_for(&claim.account, claim.cause)?;
                if !self.rotation_is_due(&claim.account, rotation, cx.now) {
                    return Err(Code::NotCalledFor.into());
                }
                EffectClaimed {
                    account: account_ref(account),
                    attempt: rotation.attempts + 1,
                    cause: claim.cause,
                    document: None.into(),
                    effect: EffectKind::Rotate,
                    run_id: None.into(),
                }
            }
            EffectKind::Dispatch => self.claim_dispatch(claim, cx)?,
        };
        Ok(vec![cx.draft(&WORKER, event)])
    }

    /// A rotation waits while somebody holds a grant for the account, until its retry time, and
    /// for a person where it was given up.
    ///
    /// Once something is staged the target may know it already, and may refuse the old one: a
    /// holder who was handed nothing yet then needs the rotation done, not delayed.
    pub(crate) fn rotation_is_due(
        &self,
        account: &breakglass_format::AccountId,
        rotation: &Rotation,
        now: Timestamp,
    ) -> bool {
        !rotation.blocked && rotation.retry_at.is_none_or(|at| now >= at) && !self.holds_up(account)
    }

    fn holds_up(&self, account: &breakglass_format::AccountId) -> bool {
        let begun = self.account(account).is_some_and(|a| a.staged.is_some());
        self.active_grants(account).any(|g| g.used || !begun)
    }

    pub(crate) fn decide_stage(
        &self,
        stage: &Stage,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let (account, state, rotation) = self.called_for(&stage.account, stage.cause)?;
        if rotation.attempts == 0 {
            return Err(Code::NotCalledFor.with("claimed", "no"));
        }
        if state.staged.is_some() {
            // The staged one may already work at the target; another would orphan it.
            return Err(Code::NotCalledFor.with("staged", "already"));
        }
        if stage.version != state.last_version + 1 {
            return Err(Code::CredentialMoved.with("version", state.last_version));
        }
        let event = CredentialStaged {
            account: account_ref(account),
            cause: stage.cause,
            sealed: stage.sealed,
            version: stage.version,
        };
        Ok(vec![cx.draft(&WORKER, event)])
    }

    pub(crate) fn decide_rotation_report(
        &self,
        report: &RotationReport,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let (account, state, rotation) = self.called_for(&report.account, report.cause)?;
        if rotation.attempts == 0 {
            return Err(Code::NotCalledFor.with("claimed", "no"));
        }
        // An attempt may fail before anything was staged; its version is 0.
        if report.version != state.staged.map_or(0, |s| s.version) {
            return Err(Code::NotCalledFor.with("version", report.version));
        }
        // People imported another one meanwhile. Nobody has shown that the target refuses that
        // one, and what stopped the attempt says nothing about it: the next attempt looks anew.
        let current = state.current.map_or(0, |c| c.version);
        if report.replaced != current {
            return Err(Code::CredentialMoved.with("version", current));
        }
        Ok(vec![match &report.outcome {
            RotationOutcome::Rotated { evidence } => {
                let staged = state.staged.ok_or(Code::NotCalledFor)?;
                let event = CredentialRotated {
                    account: account_ref(account),
                    cause: report.cause,
                    evidence: *evidence,
                    incidents: rotation.incidents.clone(),
                    new_accepted: true,
                    old_refused: true,
                    replaced: report.replaced,
                    sealed: staged.sealed,
                    version: staged.version,
                };
                cx.draft(&WORKER, event)
            }
            RotationOutcome::Failed {
                class,
                detail,
                retry_after_s,
            } => {
                let event = CredentialRotationFailed {
                    account: account_ref(account),
                    attempt: rotation.attempts,
                    cause: report.cause,
                    class: *class,
                    detail: detail.clone(),
                    retry_at: retry_after_s.map(|s| cx.now.plus_s(s)).into(),
                    version: report.version,
                };
                cx.draft(&WORKER, event)
            }
        }])
    }

    pub(crate) fn apply_claimed(&mut self, d: &EffectClaimed, at: Timestamp) {
        match d.effect {
            EffectKind::Rotate => {
                let state = self.accounts.get_mut(&d.account.id);
                if let Some(mut state) = state
                    && let Some(rotation) = &mut state.rotation
                {
                    rotation.attempts = d.attempt;
                }
            }
            EffectKind::Dispatch => self.apply_dispatch_claimed(d, at),
        }
    }

    pub(crate) fn apply_rotated(&mut self, d: &CredentialRotated, at: Timestamp) {
        if let Some(mut state) = self.accounts.get_mut(&d.account.id) {
            state.current = Some(crate::account::Credential {
                version: d.version,
                sealed: d.sealed,
            });
            state.staged = None;
            state.rotation = None;
            state.known_to.clear();
            state.known_since = at;
            state.since = at;
            state.rotated_at = Some(at);
        }
        self.spent_is_rotated(&d.account.id, at);
    }

    /// Whoever used the old one, under whatever incident: it is refused from now on.
    pub(crate) fn spent_is_rotated(
        &mut self,
        account: &breakglass_format::AccountId,
        at: Timestamp,
    ) {
        let users = self.incidents.orders().spent.of(account);
        let users: Vec<IncidentId> = users.copied().collect();
        for id in users {
            if let Some(mut incident) = self.incidents.get_mut(&id) {
                incident.used.insert_mut(account.clone(), Some(at));
            }
        }
    }

    pub(crate) fn apply_rotation_failed(&mut self, d: &CredentialRotationFailed) {
        let state = self.accounts.get_mut(&d.account.id);
        if let Some(mut state) = state
            && let Some(rotation) = &mut state.rotation
        {
            rotation.retry_at = d.retry_at.0;
            rotation.blocked = d.retry_at.0.is_none();
            rotation.failed = Some((d.class, d.detail.clone()));
        }
    }

    /// Whether a failure of this class is tried again by itself.
    #[must_use]
    pub fn retries(class: ErrorClass) -> bool {
        matches!(class, ErrorClass::Transient | ErrorClass::Ambiguous)
    }
}
