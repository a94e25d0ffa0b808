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
    let outcome = actor.revoke(&reference, args.why.clone())?;
    cx.output()
        .outcome(&outcome, &reference, &format!("revoked {reference}"));
    Ok(())
}
