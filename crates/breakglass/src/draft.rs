//! Drafts of what people write after an incident, filled from what the server says of it, and read
//! back from what they made of them.

use breakglass_api::view::IncidentView;
use breakglass_format::{
    Line, Prose,
    act::{CompleteReview, Verdict},
    vocabulary::Judgement,
};
use serde::Deserialize;
use thiserror::Error;

/// Why a review cannot be signed as it was written.
#[derive(Debug, Error)]
pub enum DraftError {
    /// Not TOML, or not of its form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// A text that a statement cannot hold.
    #[error("{what}: {source}")]
    Text {
        /// Which.
        what: &'static str,
        /// Why.
        source: breakglass_format::text::TextError,
    },
    /// A verdict that is none.
    #[error(
        "the verdict on {subject} is {found:?}; it takes justified, questionable or unjustified"
    )]
    Verdict {
        /// On what.
        subject: String,
        /// What was written.
        found: String,
    },
}

/// How the draft of a report begins, before the incident's reference.
const REPORT: &str = "# Incident report: ";
/// How the draft of a review begins, before the incident's reference.
const REVIEW: &str = "# Post-incident review of ";

/// The other incident whose draft this was, as its first line still says.
#[must_use]
pub fn of_another<'a>(text: &'a str, reference: &str) -> Option<&'a str> {
    let first = text.lines().next()?;
    let named = first.strip_prefix(REPORT).or(first.strip_prefix(REVIEW))?;
    let named = named.split([',', ':']).next()?;
    (named != reference).then_some(named)
}

/// A report to be filled in, in Markdown, with the timeline beneath.
#[must_use]
pub fn report(incident: &IncidentView, timeline: &[String]) -> String {
    let mut text = format!(
        "{REPORT}{}, {}\n\n\
         Scenario {}, {}, led by {}.\n\
         Declared {}; resolved {}.\n\n\
         ## What happened\n\n\n\
         ## Who and what was affected, from when to when\n\n\n\
         ## What was done about it\n\n\n\
         ## What is still open\n\n\n\
         ## Timeline\n\n",
        incident.reference,
        incident.title,
        incident.scenario,
        incident.severity,
        incident.commander,
        incident.declared_at,
        incident
            .resolved_at
            .map_or_else(|| "not yet".to_owned(), |at| at.to_string()),
    );
    for line in timeline {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A post-incident review to be filled in: every grant and every action already stands in it.
#[must_use]
pub fn review(incident: &IncidentView, timeline: &[String]) -> String {
    let mut text = format!(
        "{REVIEW}{}: {}\n\
         # Lines that begin with # are not part of it.\n\n\
         # Why it happened. Nothing is signed while this is empty.\n\
         root_cause = \"\"\"\n\"\"\"\n\n\
         # What the procedure lacked; each gap calls for an update of the procedure.\n\
         gaps = []\n\n\
         # What is to be done.\n\
         follow_ups = []\n\n\
         # A verdict on every grant and every action: justified, questionable or unjustified.\n\
         # The log below says what they were.\n",
        incident.reference, incident.title
    );
    for subject in &incident.to_review {
        text.push_str(&format!(
            "\n[[verdict]]\nsubject = {subject:?}\nverdict = \"\"\nremark = \"\"\n"
        ));
    }
    text.push('\n');
    for line in timeline {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    text
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    root_cause: String,
    #[serde(default)]
    gaps: Vec<String>,
    #[serde(default)]
    follow_ups: Vec<String>,
    #[serde(rename = "verdict", default)]
    verdicts: Vec<WrittenVerdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVerdict {
    subject: String,
    verdict: String,
    #[serde(default)]
    remark: String,
}

/// Reads a review back.
///
/// # Errors
///
/// It is not of its form, or holds what cannot be signed.
pub fn read_review(text: &str) -> Result<CompleteReview, DraftError> {
    let written: Written = toml::from_str(text)?;
    let refused = |what| move |source| DraftError::Text { what, source };
    let lines = |what, all: Vec<String>| {
        let each = all.into_iter().map(|text| Line::required(&text));
        each.collect::<Result<Vec<Line>, _>>()
            .map_err(refused(what))
    };
    let verdicts = written.verdicts.into_iter().map(|v| {
        let verdict: Judgement = v.verdict.parse().map_err(|_| DraftError::Verdict {
            subject: v.subject.clone(),
            found: v.verdict.clone(),
        })?;
        Ok(Verdict {
            remark: Line::new(v.remark).map_err(refused("remark"))?,
            subject: Line::required(&v.subject).map_err(refused("subject"))?,
            verdict,
        })
    });
    Ok(CompleteReview {
        verdicts: verdicts.collect::<Result<_, DraftError>>()?,
        follow_ups: lines("follow_ups", written.follow_ups)?,
        gaps: lines("gaps", written.gaps)?,
        root_cause: Prose::required(written.root_cause.trim()).map_err(refused("root_cause"))?,
    })
}
