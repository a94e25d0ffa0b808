//! `breakglass waive`.

use breakglass_format::{Prose, vocabulary::Obligation};

use super::{Context, account::show_proposal, approve::consent, incident::unclosed, input};
use crate::{actor::Waiver, hint::Failure, output::line};

/// Let a duty go. Takes two people who took no part: one proposes with --why, a second is shown
/// the proposal and agrees.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The duty, as `incident show` spells it.
    duty: Obligation,
    /// The incident; the only resolved one if not given.
    #[arg(long, value_name = "INC-1")]
    incident: Option<String>,
    /// The account it is about, where it is about one.
    #[arg(long)]
    account: Option<String>,
    /// You attest that the account is gone: what lets a rotation go.
    #[arg(long, requires = "account")]
    account_gone: bool,
    /// Why; without it, agree to what another person proposes.
    #[arg(long, value_parser = input::prose)]
    why: Option<Prose>,
    /// Agree without being asked; for use without a terminal.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = unclosed(&actor, args.incident.as_deref())?;
    let account = args.account.as_deref();
    let account = account.map(|a| actor.account(a).map(|a| a.id.clone()));
    let waiver = Waiver {
        obligation: args.duty,
        account: account.transpose()?,
        account_gone: args.account_gone,
    };
    let reference = line(&incident.reference);
    let why = args.why;
    let outcome = match (
        actor.waiver_to_agree(&reference, &waiver, why.as_ref())?,
        why,
    ) {
        (Some(proposal), why) => {
            show_proposal(&actor, &proposal, cx);
            consent(args.yes || why.is_some(), "agree to let it go?")?;
            actor.agree(&proposal, None)?
        }
        (None, Some(why)) => actor.waive(&incident.id, &waiver, why)?,
        (None, None) => return Err(Failure::usage("why? --why says it")),
    };
    let sentence = match outcome.proposed() {
        Some(proposed) => format!(
            "proposed to let {} of {reference} go; until {} UTC another holder of the waive \
             privilege who took no part agrees: breakglass waive {} --incident {reference}",
            args.duty,
            proposed.until.time_of_day(),
            args.duty
        ),
        None => format!("{} of {reference} is let go", args.duty),
    };
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}
