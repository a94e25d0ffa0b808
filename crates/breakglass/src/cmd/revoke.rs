//! `breakglass revoke`.

use breakglass_format::Prose;

use super::{Context, input};
use crate::hint::Failure;

/// Options of `revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The grant; the only active one if not given.
    #[arg(value_name = "G-1")]
    grant: Option<String>,
    /// Why.
    #[arg(long, value_parser = input::prose)]
    why: Prose,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let reference = match &args.grant {
        Some(reference) => reference.clone(),
        None => actor.sole_active_grant()?.reference,
    };
    let outcome = actor.revoke(&reference, args.why.clone());
    let outcome = outcome.map_err(|e| {
        let hint = "it has ended, there is nothing to take away: breakglass grant list";
        Failure::from(e).hint_where("grant_not_active", hint)
    })?;
    cx.output()
        .outcome(&outcome, &reference, &format!("revoked {reference}"));
    Ok(())
}
