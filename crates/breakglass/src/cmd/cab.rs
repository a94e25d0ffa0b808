//! `breakglass cab`: the change advisory board.

use std::path::PathBuf;

use breakglass_api::view::ObligationView;
use breakglass_format::{
    Line, Prose,
    vocabulary::{CabDecision, Obligation},
};
use clap::Subcommand;

use super::{Context, document, incident::unclosed, input};
use crate::{hint::Failure, output::line};

/// What the board is told, and what it decides.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Record that the board was told, before or after a deployment.
    Notify {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// How: by telephone, in which channel.
        #[arg(long, value_parser = input::line)]
        channel: Line,
        /// What it was told.
        #[arg(long, value_parser = input::prose)]
        text: Prose,
    },
    /// Record what the board decided: as a member of it, or on its behalf with its minutes.
    Record {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// accepted, accepted_with_conditions or rejected.
        #[arg(long)]
        decision: CabDecision,
        /// In the board's words.
        #[arg(long, value_parser = input::prose)]
        remark: Prose,
        /// The minutes; needed by whoever is no member of the board.
        #[arg(long, value_name = "FILE")]
        minutes: Option<PathBuf>,
    },
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let (outcome, incident, what) = match verb {
        Verb::Notify {
            incident,
            channel,
            text,
        } => {
            let incident = match incident.as_deref() {
                Some(named) => actor.client().incident(named)?,
                None => actor.sole_untold()?,
            };
            let outcome = actor.notify_cab(&incident.id, channel, text)?;
            (outcome, incident, "recorded that the board was told of")
        }
        Verb::Record {
            incident,
            decision,
            remark,
            minutes,
        } => {
            let incident = unclosed(&actor, incident.as_deref())?;
            let decided = |o: &&ObligationView| {
                o.clock.obligation == Obligation::CabReview && o.met_at.is_some()
            };
            if incident.obligations.iter().any(|o| decided(&o)) {
                cx.output().warn(&format!(
                    "warning: a decision on {} is on record already; this is one more, and both stay",
                    line(&incident.reference)
                ));
            }
            let minutes = minutes.as_deref().map(document::from_file).transpose()?;
            let outcome = actor.decide_cab(&incident.id, decision, remark, minutes)?;
            (outcome, incident, "recorded the board's decision on")
        }
    };
    let reference = line(&incident.reference);
    let sentence = format!("{what} {reference}");
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}
