//! The timeline: the log as a person reads it, an hour after the incident or a year.
//!
//! One line per entry, sometimes with indented particulars beneath it:
//!
//! ```text
//! 14:02:11  INC-1   alice declared a production outage, sev1: "checkout answers 500"  [signed by alice]
//! ```
//!
//! The label in brackets says whose word the line is: that of a person, who signed it, or the
//! server's. What people wrote stands in double quotes and can hold neither a double quote nor a
//! line break, so that no text can pass for a label or for a line of its own.

mod mentions;
mod names;
mod quote;
mod sentence;

use crate::{
    Entry, Event, Timestamp,
    entry::Recorded,
    event::RootSignature,
    vocabulary::{ActionMode, EndReason},
};
pub use mentions::{introduced, mentioned};
use names::Names;
use sentence::Sentence;

/// Beneath this column the particulars of an entry stand.
const INDENT: &str = "                  ";

/// A fold over the log that writes each entry as lines of text.
///
/// It remembers references, names and drills as it goes; an entry that names something from before
/// the first one pushed shows its id in place of its reference.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    names: Names,
}

impl Timeline {
    /// A timeline that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines of the next entry in log order, without line breaks: at least one, and those
    /// after the first indented.
    pub fn push(&mut self, recorded: &Recorded) -> Vec<String> {
        let entry = &recorded.entry;
        self.names.learn(entry);
        let Sentence { says, details } = sentence::of(entry, &self.names);
        let drill = if self.names.is_drill(entry) {
            "DRILL: "
        } else {
            ""
        };
        let mut lines = vec![format!(
            "{}  {:<6}  {drill}{says}  {}",
            entry.created_at.time_of_day(),
            self.names.incident_of(entry),
            label(entry),
        )];
        lines.extend(
            details
                .into_iter()
                .map(|detail| format!("{INDENT}{detail}")),
        );
        lines
    }
}

/// The timeline as a text file, entry by entry: a heading for each day in UTC, then the lines of its
/// entries.
#[derive(Debug, Clone, Default)]
pub struct Text {
    timeline: Timeline,
    /// The day of the last entry.
    today: Option<i64>,
}

impl Text {
    /// Before the first entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what the next entry in log order adds to the file.
    pub fn push(&mut self, recorded: &Recorded, out: &mut String) {
        let at = recorded.entry.created_at;
        let day = at.day();
        if self.today != Some(day) {
            if self.today.is_some() {
                out.push('\n');
            }
            out.push_str(&heading(at));
            out.push_str("\n\n");
            self.today = Some(day);
        }
        for line in self.timeline.push(recorded) {
            out.push_str(&line);
            out.push('\n');
        }
    }
}

/// The heading of a day: `2026-01-06 (UTC)`.
#[must_use]
pub fn heading(at: Timestamp) -> String {
    format!("{} (UTC)", date(at))
}

/// `2026-01-06`.
fn date(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// Whose word the entry is: signed by people, attested by a person, or asserted by the
/// server.
fn label(entry: &Entry) -> String {
    if let Some(signatures) = roots(&entry.event) {
        let signers: Vec<&str> = signatures
            .iter()
            .map(|s| s.signer.principal.as_str())
            .collect();
        return match signers.is_empty() {
            true => "[server]".to_owned(),
            false => format!("[signed by {}]", signers.join(", ")),
        };
    }
    if entry.statement.0.is_none() {
        return "[server]".to_owned();
    }
    let who = signer(entry);
    if is_conclusion(&entry.event) {
        format!("[server, on what {who} signed]")
    } else if is_attestation(&entry.event) {
        format!("[attested and signed by {who}]")
    } else {
        format!("[signed by {who}]")
    }
}

/// What root persons sign together lies under the names that its entry gives.
fn roots(event: &Event) -> Option<&[RootSignature]> {
    if let Event::AuthorityPublished(published) = event {
        Some(&published.signatures)
    } else if let Event::EpochBegun(begun) = event {
        Some(&begun.signatures)
    } else {
        None
    }
}

/// Whether the server concluded it from a statement that itself says something else: who approves
/// does not sign the grant that comes of it, nor does anybody sign their own refusal.
fn is_conclusion(event: &Event) -> bool {
    let of_itself = [
        EndReason::Expired,
        EndReason::Resolved,
        EndReason::Suspended,
        EndReason::Recovered,
    ];
    matches!(
        event,
        Event::BreakGlassGranted(_)
            | Event::BreakGlassExtended(_)
            | Event::BreakGlassVoided(_)
            | Event::CommandRefused(_)
    ) || matches!(event, Event::BreakGlassEnded(d) if of_itself.contains(&d.reason))
}

/// Whether nobody but the person saw that it was so.
fn is_attestation(event: &Event) -> bool {
    matches!(event, Event::RotationAttested(_))
        || matches!(event, Event::BreakGlassAction(d) if d.mode == ActionMode::Recorded)
}

/// The name under which the statement behind the entry was signed.
fn signer(entry: &Entry) -> String {
    match (&entry.principal.0, &entry.person.0) {
        (Some(principal), _) => principal.to_string(),
        (None, Some(person)) => person.to_string(),
        (None, None) => "somebody".to_owned(),
    }
}
