//! `breakglass withdraw`.

use super::Context;
use crate::hint::Failure;

/// Options of `withdraw`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The request; your only pending one if not given.
    #[arg(value_name = "R-1")]
    request: Option<String>,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let reference = match &args.request {
        Some(reference) => reference.clone(),
        None => actor.sole_own_request()?.reference,
    };
    let outcome = actor.withdraw(&reference)?;
    cx.output()
        .outcome(&outcome, &reference, &format!("withdrew {reference}"));
    Ok(())
}
