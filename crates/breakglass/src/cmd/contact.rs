//! `breakglass contact`.

use breakglass_format::Line;
use clap::Subcommand;

use super::{Context, input};
use crate::hint::Failure;

/// Where you are reached.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Have notices sent to this mail address. It lies beside the log, never in it, and is shown
    /// to nobody; where you were reached before you are told of the change.
    Set {
        /// The mail address.
        #[arg(value_parser = input::line)]
        mail: Line,
    },
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    let Verb::Set { mail } = verb;
    let outcome = cx.actor()?.set_contact(mail)?;
    cx.output().outcome(&outcome, "contact", "set your contact");
    Ok(())
}
