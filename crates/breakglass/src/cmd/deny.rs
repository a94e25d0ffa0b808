//! `breakglass deny`.

use breakglass_format::Prose;

use super::{
    Context,
    approve::{answerable, examine, show},
    input,
};
use crate::{
    hint::{Code, Failure},
    output::prompt,
};

/// Options of `deny`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The request; the only pending one if not given.
    #[arg(value_name = "R-1")]
    request: Option<String>,
    /// Why not.
    #[arg(long, value_parser = input::prose)]
    why: Prose,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let dossier = examine(&mut actor, args.request.as_deref())?;
    answerable(&actor, &dossier)?;
    show(&actor, &dossier, dossier.request().duration_s, cx);
    if prompt::is_interactive() && !prompt::confirm("sign this denial? it ends the request") {
        return Err(Failure::of(Code::NotAgreed, "nothing was signed")
            .hint("the same command again, when you are sure"));
    }
    let outcome = actor.deny_examined(&dossier, args.why.clone())?;
    let reference = dossier.requested().reference.to_string();
    let sentence = match outcome.denied() {
        Some(denied) if !denied.ends => {
            format!("your second denial for this account is recorded and does not end {reference}")
        }
        _ => format!("denied {reference}"),
    };
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}
