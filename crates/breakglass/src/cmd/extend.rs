//! `breakglass extend`: a new request that names the grant and moves its end.

use breakglass_format::{Prose, statement::Purpose, vocabulary::PurposeKind};

use super::{Context, input, request};
use crate::{
    actor::{ActionWish, RequestWish},
    hint::Failure,
};

/// Options of `extend`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The grant; your only active one if not given.
    #[arg(value_name = "G-1")]
    grant: Option<String>,
    /// By how much.
    #[arg(long = "for", default_value = "1h", value_parser = input::duration, value_name = "TIME")]
    duration_s: i64,
    /// Why.
    #[arg(long, value_parser = input::prose)]
    why: Prose,
    /// Wait until it is decided.
    #[arg(long)]
    wait: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let grant = match &args.grant {
        Some(grant) => actor.client().grant(grant)?,
        None => actor.sole_own_grant()?,
    };
    // An extension is for the same purpose, which the request behind the grant names.
    let before = actor.examine(&grant.request)?;
    let purpose = before.request().purpose.clone();
    let wish = RequestWish {
        plan: purpose.plan.0,
        action: action(purpose),
        duration_s: args.duration_s,
        extends: Some(actor.grant_id(&grant.id)?),
        ..RequestWish::credential(
            &before.request().incident.id.to_string(),
            before.request().account.id.as_str(),
            args.why.clone(),
        )
    };
    request::post(&mut actor, &wish, args.wait, cx).map(drop)
}

fn action(purpose: Purpose) -> Option<ActionWish> {
    match purpose.kind {
        PurposeKind::Credential => None,
        PurposeKind::Action => Some(ActionWish {
            action: purpose.action,
            target: purpose.target,
            artifact: purpose.artifact,
        }),
    }
}
