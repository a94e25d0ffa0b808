//! `breakglass approve`.

use breakglass_format::time::human_s;

use super::{Context, input};
use crate::{
    actor::ActorError,
    actor::{Actor, Dossier},
    hint::{Code, Failure},
    output::prompt,
    review,
};

/// Options of `approve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The request; the only pending one if not given.
    #[arg(value_name = "R-1")]
    request: Option<String>,
    /// For less time than was asked.
    #[arg(long = "for", value_parser = input::duration, value_name = "TIME")]
    duration_s: Option<i64>,
    /// Sign without asking; for use without a terminal.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let dossier = examine(&mut actor, args.request.as_deref())?;
    let asked = dossier.request().duration_s;
    let duration_s = args.duration_s.unwrap_or(asked);
    answerable(&actor, &dossier)?;
    show(&actor, &dossier, duration_s, cx);
    let consented = consent(args.yes, "sign this approval?");
    consented.map_err(|failure| {
        let hint = "the same command again, when you are sure; to say no: breakglass deny";
        failure.hint_where(Code::NotAgreed.as_str(), hint)
    })?;
    let outcome = actor.approve_examined(&dossier, args.duration_s)?;
    let reference = dossier.requested().reference.to_string();
    let missing = outcome.approved().map_or(0, |a| a.missing);
    let sentence = match (outcome.granted(), outcome.extended()) {
        (Some(grant), _) => format!(
            "approved {reference} for {}; {} is active until {}",
            human_s(duration_s),
            grant.reference,
            grant.not_after
        ),
        (None, Some(extended)) => format!(
            "approved {reference}; the grant now ends {}",
            extended.not_after
        ),
        (None, None) => format!("approved {reference}; {missing} more needed"),
    };
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}

/// Nobody is asked to sign what can no longer count.
pub(super) fn answerable(actor: &Actor, dossier: &Dossier) -> Result<(), Failure> {
    Ok(actor
        .check_answerable(dossier, dossier.time())
        .map_err(ActorError::from)?)
}

/// Fetches and checks the request that is meant.
pub(super) fn examine(actor: &mut Actor, named: Option<&str>) -> Result<Dossier, Failure> {
    let reference = match named {
        Some(reference) => reference.to_owned(),
        None => actor.sole_pending()?.reference,
    };
    Ok(actor.examine(&reference)?)
}

/// Shows on the terminal what is going to be signed.
pub(super) fn show(actor: &Actor, dossier: &Dossier, duration_s: i64, cx: &Context) {
    let authority = actor.trust().authority();
    let mut rows = review::of_request(dossier, authority, duration_s, dossier.time());
    rows.push(review::signing(actor.identity()));
    cx.output().review(&rows);
}

/// Asks on a terminal, and takes nothing but `--yes` for consent without one.
pub(super) fn consent(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !prompt::is_interactive() {
        return Err(Failure::of(
            Code::ConsentNeeded,
            "there is nobody to ask whether to sign this",
        )
        .hint("read it, then say so: --yes"));
    }
    match prompt::confirm(question) {
        true => Ok(()),
        false => Err(Failure::of(Code::NotAgreed, "nothing was signed")
            .hint("the same command again, when you are sure")),
    }
}
