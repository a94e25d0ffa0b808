//! `breakglass report`.

use std::path::PathBuf;

use breakglass_api::view::DocumentView;
use breakglass_format::Prose;
use clap::Subcommand;

use super::{Context, document, incident::unclosed, input};
use crate::{
    draft,
    hint::{Code, Failure},
    output::line,
    pack,
};

/// What to do with incident reports.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// File the report of a resolved incident: from a file, or written in your editor.
    File {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// What happened, in short.
        #[arg(long, value_parser = input::prose, required_unless_present = "draft")]
        summary: Option<Prose>,
        /// The report.
        #[arg(long, value_name = "FILE", conflicts_with = "draft")]
        from: Option<PathBuf>,
        /// Print a draft, filled from the log, and do nothing.
        #[arg(long)]
        draft: bool,
    },
    /// Show a report that was filed: the latest, unless told otherwise.
    Show {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// Which revision: 1, 2, 3 …
        #[arg(long, value_name = "N")]
        revision: Option<i64>,
    },
}

/// Shows the document of a type that an incident has: the latest, or a revision.
pub(super) fn show(
    event_type: &str,
    what: &str,
    incident: Option<&str>,
    revision: Option<i64>,
    cx: &Context,
) -> Result<(), Failure> {
    let incident = unclosed(&cx.actor()?, incident)?;
    let documents = cx.client()?.documents(&incident.id)?;
    let wanted = |d: &&DocumentView| {
        d.event_type == event_type && revision.is_none_or(|r| pack::revision(d) == Some(r))
    };
    let Some(document) = documents.iter().rfind(wanted) else {
        let says = format!("{} has no such {what}", line(&incident.reference));
        return Err(Failure::of(Code::NothingMeant, says)
            .hint("breakglass incident show lists what is still owed"));
    };
    if cx.output().is_json() {
        cx.output().json(document);
    } else {
        cx.output().data(pack::section(document).trim_end());
    }
    Ok(())
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    let (incident, summary, from, only) = match verb {
        Verb::File {
            incident,
            summary,
            from,
            draft,
        } => (incident, summary, from, draft),
        Verb::Show { incident, revision } => {
            let what = "report";
            return show(
                "INCIDENT_REPORT_FILED",
                what,
                incident.as_deref(),
                revision,
                cx,
            );
        }
    };
    let mut actor = cx.actor()?;
    let incident = unclosed(&actor, incident.as_deref())?;
    let drafted = || -> Result<String, Failure> {
        let timeline = cx.client()?.timeline(&incident.id)?;
        Ok(draft::report(&incident, &timeline))
    };
    let Some(summary) = summary.filter(|_| !only) else {
        cx.output().data(drafted()?.trim_end());
        return Ok(());
    };
    let reference = line(&incident.reference);
    let sentence = format!("filed the report of {reference}");
    if let Some(path) = from {
        let report = document::from_file(&path)?;
        let text = String::from_utf8_lossy(&report);
        document::check_incident(&text, &path, &incident.reference)?;
        let outcome = actor.file_report(&incident.id, summary, report)?;
        cx.output().outcome(&outcome, &reference, &sentence);
        return Ok(());
    }
    let name = format!("report-{reference}.md");
    let written = document::written(&drafted()?, &name, "breakglass report file", cx)?;
    let report = written.text.clone().into_bytes();
    let outcome = actor.file_report(&incident.id, summary, report);
    let outcome = outcome.map_err(|e| written.kept(e.into()))?;
    written.done()?;
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}
