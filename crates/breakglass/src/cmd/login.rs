//! `breakglass login`.

use breakglass_format::limits;
use serde_json::json;

use super::{Context, input};
use crate::hint::Failure;

/// Options of `login`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For how long, at most 8h.
    #[arg(long = "for", default_value = "8h", value_parser = input::duration, value_name = "TIME")]
    duration_s: i64,
    /// End the session instead.
    #[arg(long, conflicts_with = "duration_s")]
    end: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    if args.end {
        cx.home().session().clear()?;
        if cx.output().is_json() {
            cx.output().json(&json!({"ended": true}));
        }
        cx.output().say("the session is forgotten");
        return Ok(());
    }
    if args.duration_s > limits::SESSION_S {
        return Err(Failure::usage("a session lives at most 8h").hint("breakglass login --for 8h"));
    }
    let mut actor = cx.actor_of(&cx.config()?)?;
    let session = actor.login(args.duration_s)?;
    let (signs, reads) = (session.not_after, session.reads_until);
    if cx.output().is_json() {
        let principal = &actor.identity().principal;
        cx.output()
            .json(&json!({"principal": principal, "not_after": signs, "reads_until": reads}));
    } else {
        let principal = &actor.identity().principal;
        cx.output()
            .say(&format!("logged in as {principal} until {signs}"));
    }
    Ok(())
}
