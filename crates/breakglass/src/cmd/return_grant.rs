//! `breakglass return`.

use super::Context;
use crate::hint::Failure;

/// Options of `return`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The grant; your only active one if not given.
    #[arg(value_name = "G-1")]
    grant: Option<String>,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let reference = match &args.grant {
        Some(reference) => reference.clone(),
        None => actor.sole_own_grant()?.reference,
    };
    let outcome = actor.return_grant(&reference)?;
    let ended = outcome.ended();
    let mut sentence = format!("returned {reference}");
    if ended.is_some_and(|e| e.used) {
        sentence.push_str("; its credential is going to be rotated");
    }
    cx.output().outcome(&outcome, &reference, &sentence);
    if ended.is_some_and(|e| !e.documented) {
        cx.output().warn(&format!(
            "no action is documented under it; do so now: breakglass action record \
             --grant {reference} --action … --target … --description …"
        ));
    }
    Ok(())
}
