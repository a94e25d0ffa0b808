//! `breakglass return`.

use super::Context;
use crate::{actor::Actor, hint::Failure};

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
        sentence += &rotation(&actor, &reference);
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

/// Who changes the credential of a grant that was used.
fn rotation(actor: &Actor, reference: &str) -> String {
    let account = actor.client().grant(reference).map(|grant| grant.account);
    match account {
        Ok(account) if !is_rotated(actor, &account) => format!(
            "; no machine rotates its credential: two people change it now, by hand, and say so: \
             breakglass account attest {account}"
        ),
        Ok(_) | Err(_) => "; its credential is going to be rotated".to_owned(),
    }
}

/// Whether a machine rotates an account, as the authority says.
fn is_rotated(actor: &Actor, account: &str) -> bool {
    let authority = actor.trust().authorities().current().authority();
    let mut accounts = authority.accounts.iter();
    let account = accounts.find(|known| known.name.as_str() == account);
    account.is_none_or(|account| account.rotator.as_ref().is_some())
}
