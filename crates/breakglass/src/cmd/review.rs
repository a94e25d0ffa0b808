//! `breakglass review`.

use std::path::{Path, PathBuf};

use breakglass_format::{Line, Prose};
use clap::Subcommand;

use super::{Context, document, incident::unclosed, input, report};
use crate::{
    actor::Outcome,
    draft,
    hint::{Code, Failure},
    output::line,
};

/// What to do with post-incident reviews.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Complete the review of a resolved incident you took no part in: from a file, or written in
    /// your editor.
    Complete {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// The review, of the form that --draft prints.
        #[arg(long, value_name = "FILE", conflicts_with = "draft")]
        from: Option<PathBuf>,
        /// Print a draft, filled from the log, and do nothing.
        #[arg(long)]
        draft: bool,
    },
    /// Show a review that was completed: the latest, unless told otherwise.
    Show {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// Which revision: 1, 2, 3 …
        #[arg(long, value_name = "N")]
        revision: Option<i64>,
    },
    /// Record that the procedure was updated, where a review found gaps.
    Procedure {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// Where the new text is.
        #[arg(long, value_parser = input::line)]
        reference: Line,
        /// What changed.
        #[arg(long, value_parser = input::prose)]
        summary: Prose,
        /// The new text itself.
        #[arg(long, value_name = "FILE")]
        document: Option<PathBuf>,
    },
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::Complete {
            incident,
            from,
            draft,
        } => complete(incident.as_deref(), from.as_deref(), draft, cx),
        Verb::Show { incident, revision } => {
            let what = "POST_INCIDENT_REVIEW_COMPLETED";
            report::show(what, "review", incident.as_deref(), revision, cx)
        }
        Verb::Procedure {
            incident,
            reference,
            summary,
            document,
        } => {
            let mut actor = cx.actor()?;
            let incident = unclosed(&actor, incident.as_deref())?;
            let document = document.as_deref().map(document::from_file).transpose()?;
            let outcome = actor.update_procedure(&incident.id, reference, summary, document)?;
            told(
                &outcome,
                &incident.reference,
                "recorded the update of the procedure for",
                cx,
            );
            Ok(())
        }
    }
}

fn told(outcome: &Outcome, reference: &str, what: &str, cx: &Context) {
    let reference = line(reference);
    let sentence = format!("{what} {reference}");
    cx.output().outcome(outcome, &reference, &sentence);
}

fn complete(
    incident: Option<&str>,
    from: Option<&Path>,
    only: bool,
    cx: &Context,
) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = unclosed(&actor, incident)?;
    let drafted = || -> Result<String, Failure> {
        let timeline = cx.client()?.timeline(&incident.id)?;
        Ok(draft::review(&incident, &timeline))
    };
    if only {
        cx.output().data(drafted()?.trim_end());
        return Ok(());
    }
    let malformed = |path: &Path, e: draft::DraftError| {
        Failure::of(Code::FileMalformed, format!("{}: {e}", path.display()))
            .hint("breakglass review complete --draft shows the form")
    };
    if let Some(path) = from {
        let text = document::text_from_file(path)?;
        document::check_incident(&text, path, &incident.reference)?;
        let review = draft::read_review(&text).map_err(|e| malformed(path, e))?;
        let outcome = actor.complete_review(&incident.id, review, Some(text.into_bytes()))?;
        told(&outcome, &incident.reference, "completed the review of", cx);
        return Ok(());
    }
    let name = format!("review-{}.toml", line(&incident.reference));
    let written = document::written(&drafted()?, &name, "breakglass review complete", cx)?;
    let review = draft::read_review(&written.text);
    let review = review.map_err(|e| written.kept(malformed(written.path(), e)))?;
    let text = written.text.clone().into_bytes();
    let outcome = actor.complete_review(&incident.id, review, Some(text));
    let outcome = outcome.map_err(|e| written.kept(e.into()))?;
    written.done()?;
    told(&outcome, &incident.reference, "completed the review of", cx);
    Ok(())
}
