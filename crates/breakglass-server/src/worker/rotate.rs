//! One attempt at a rotation: claim, stage, change, prove, report.

use breakglass_connectors::{
    Fields,
    rotate::procedure::{self, Outcome},
};
use breakglass_core::{
    Command, World,
    command::{Claim, RotationOutcome, RotationReport, Stage},
};
use breakglass_format::{
    AccountId, Digest, EventId, Line, backoff, error_class::ErrorClass, event::AccountRef,
    vocabulary::EffectKind,
};
use breakglass_seal::Credential;

use super::Tools;
use breakglass_store::Ledger as _;

use crate::{
    custody::{CustodyError, successor},
    engine,
    entropy::random,
};

/// First wait after a failure, and the longest; with the hour in mind.
const BACKOFF_MS: (u64, u64) = (2_000, 60_000);

/// Makes one attempt. Whatever fails before the claim is tried again at the next look.
pub(super) fn rotate(tools: &Tools, account: &AccountId, cause: EventId) {
    let claim = Claim {
        effect: EffectKind::Rotate,
        account: account.clone(),
        cause,
        run: None,
        document: None,
    };
    if tools
        .engine
        .submit_blocking(Command::Claim(claim), Vec::new())
        .is_err()
    {
        return;
    }
    let of = Attempt {
        account,
        cause,
        replaced: current_version(&tools.engine.published().world, account),
    };
    if let Err(error) = attempt(tools, &of) {
        fail(tools, &of, ErrorClass::Permanent, &error.to_string(), None);
    }
}

/// What an attempt is about.
struct Attempt<'a> {
    account: &'a AccountId,
    cause: EventId,
    /// The version that is current when the attempt begins. Where people import another meanwhile,
    /// its report is refused and the next attempt begins with theirs.
    replaced: i64,
}

fn current_version(world: &World, account: &AccountId) -> i64 {
    let current = world.account(account).and_then(|a| a.current);
    current.map_or(0, |c| c.version)
}

fn attempt(tools: &Tools, of: &Attempt<'_>) -> Result<(), CustodyError> {
    let (account, cause) = (of.account, of.cause);
    if staged_version(&tools.engine.published().world, account).is_none() {
        stage(tools, account, cause)?;
    }
    let published = tools.engine.published();
    let world = &published.world;
    let Some(state) = world.account(account) else {
        return Ok(());
    };
    let (Some(current), Some(staged)) = (state.current, state.staged) else {
        return Ok(());
    };
    if current.version != of.replaced {
        return Ok(());
    }
    let object = world.authority().and_then(|v| v.authority.account(account));
    let Some(object) = object else { return Ok(()) };
    let rotator = object
        .rotator
        .0
        .as_ref()
        .and_then(|name| tools.rotators.get(name.as_str()));
    let Some(rotator) = rotator else {
        let detail = "the server's configuration has no such rotator";
        fail(tools, of, ErrorClass::Permanent, detail, None);
        return Ok(());
    };
    let old = tools.open(account, current.sealed, current.version)?;
    let new = tools.open(account, staged.sealed, staged.version)?;
    let reference = AccountRef {
        id: object.id.clone(),
        name: object.name.clone(),
    };
    let outcome = procedure::rotate(&**rotator, &reference, &fields(&old), &fields(&new));
    report(tools, of, staged.version, outcome);
    Ok(())
}

fn staged_version(world: &World, account: &AccountId) -> Option<i64> {
    world
        .account(account)
        .and_then(|a| a.staged)
        .map(|s| s.version)
}

/// Seals the next credential and has it recorded before the target hears of it.
fn stage(tools: &Tools, account: &AccountId, cause: EventId) -> Result<(), CustodyError> {
    let published = tools.engine.published();
    let current = published.world.account(account).and_then(|a| a.current);
    let Some(current) = current else {
        return Ok(());
    };
    let version = published.world.next_version(account);
    let old = tools.open(account, current.sealed, current.version)?;
    let new = successor(&old)?;
    let blob = engine::sealed(tools.custody.seal(account, version, &new)?);
    let stage = Stage {
        account: account.clone(),
        cause,
        sealed: blob.digest,
        version,
    };
    // A refusal means that somebody staged meanwhile; the world then says so.
    let _ = tools
        .engine
        .submit_blocking(Command::Stage(stage), vec![blob]);
    Ok(())
}

fn report(tools: &Tools, of: &Attempt<'_>, version: i64, outcome: Outcome) {
    match outcome {
        Outcome::Rotated { evidence } => {
            let blob = engine::public(evidence);
            let report = RotationReport {
                account: of.account.clone(),
                cause: of.cause,
                version,
                replaced: of.replaced,
                outcome: RotationOutcome::Rotated {
                    evidence: blob.digest,
                },
            };
            let _ = tools
                .engine
                .submit_blocking(Command::RotationReport(report), vec![blob]);
        }
        Outcome::Failed { class, detail, .. } => {
            fail(tools, of, class, detail.as_str(), Some(version));
        }
    }
}

/// Reports a failure; a class that may pass gets a time for the next attempt.
fn fail(tools: &Tools, of: &Attempt<'_>, class: ErrorClass, detail: &str, version: Option<i64>) {
    let published = tools.engine.published();
    let world = &published.world;
    let attempts = world
        .account(of.account)
        .and_then(|a| a.rotation.as_ref())
        .map(|r| r.attempts);
    let attempt = u32::try_from(attempts.unwrap_or(1)).unwrap_or(u32::MAX);
    let jitter = random::<8>().map_or(0, u64::from_le_bytes);
    let delay = backoff::delay_ms(attempt, BACKOFF_MS.0, BACKOFF_MS.1, jitter);
    let delay = i64::try_from(delay / 1000).unwrap_or(60).max(1);
    let retry_after_s = World::retries(class).then_some(delay);
    // Version 0: nothing was staged yet.
    let version = version
        .or_else(|| staged_version(world, of.account))
        .unwrap_or(0);
    let report = RotationReport {
        account: of.account.clone(),
        cause: of.cause,
        version,
        replaced: of.replaced,
        outcome: RotationOutcome::Failed {
            class,
            detail: Line::lossy(detail),
            retry_after_s,
        },
    };
    let _ = tools
        .engine
        .submit_blocking(Command::RotationReport(report), Vec::new());
}

impl Tools {
    /// Opens a sealed credential that lies in the store.
    pub(super) fn open(
        &self,
        account: &AccountId,
        sealed: Digest,
        version: i64,
    ) -> Result<Credential, CustodyError> {
        let bytes = self
            .engine
            .read_blocking(move |ledger| ledger.blob(&sealed));
        let bytes = bytes.ok().and_then(Result::ok).flatten();
        let blob = bytes.ok_or(CustodyError::Missing(sealed))?;
        self.custody.open(&blob.bytes, account, version)
    }
}

/// A credential as the connectors see it.
pub(super) fn fields(credential: &Credential) -> Fields<'_> {
    credential
        .fields()
        .map(|(name, value)| (name, value.expose()))
        .collect()
}
