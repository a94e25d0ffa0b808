//! An incident as one Markdown document that can be mailed: what it was, what was done, what is
//! owed, and what people wrote about it. Text of people's is data: it stands in it as text.

use breakglass_api::view::{DocumentView, GrantView, IncidentView, PersonView};
use breakglass_format::Timestamp;
use serde_json::Value;

/// The whole incident.
#[must_use]
pub fn markdown(
    incident: &IncidentView,
    grants: &[GrantView],
    people: &[PersonView],
    documents: &[DocumentView],
    timeline: &[String],
) -> String {
    let mut text = heading(incident);
    text.push_str("\n## Access\n\n");
    text.push_str(&access(grants));
    text.push_str("\n## Duties\n\n");
    text.push_str(&duties(incident, people));
    for document in documents {
        text.push('\n');
        text.push_str(&section(document));
    }
    text.push_str("\n## Timeline\n\n```text\n");
    for line in timeline {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("```\n");
    text
}

fn heading(incident: &IncidentView) -> String {
    let drill = if incident.drill { "DRILL: " } else { "" };
    let until =
        |at: Option<Timestamp>| at.map_or_else(|| "not yet".to_owned(), |at| at.to_string());
    format!(
        "# {}: {drill}{}\n\n\
         - scenario: {}, {}\n- led by: {}\n- state: {}\n- declared: {}\n- resolved: {}\n- closed: {}\n\n\
         What follows is the server's word; what proves it is the export of the log \
         (`breakglass log export`, `breakglass verify`).\n",
        incident.reference,
        inline(&incident.title),
        incident.scenario,
        incident.severity,
        incident.commander,
        incident.state,
        incident.declared_at,
        until(incident.resolved_at),
        until(incident.closed_at),
    )
}

fn access(grants: &[GrantView]) -> String {
    if grants.is_empty() {
        return "Nobody was granted access.\n".to_owned();
    }
    let mut text =
        "| grant | account | holder | approved by | from | until | checkouts | documented |\n\
                    |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for g in grants {
        let ended = g.ended_at.unwrap_or(g.not_after);
        let documented = if g.documented { "yes" } else { "**no**" };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {ended} ({}) | {} | {documented} |\n",
            g.reference,
            inline(&g.account),
            g.holder,
            g.approved_by.join(", "),
            g.not_before,
            g.state,
            g.checkouts,
        ));
    }
    text
}

fn duties(incident: &IncidentView, people: &[PersonView]) -> String {
    let mut text = "| duty | of | owner | due | state |\n|---|---|---|---|---|\n".to_owned();
    for duty in &incident.obligations {
        let met = duty
            .met_at
            .map_or_else(String::new, |at| format!(" at {at}"));
        let owner = duty.clock.owner.as_str();
        let owner = people.iter().find(|p| p.person == owner);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {}{met} |\n",
            duty.clock.obligation.as_str().replace('_', " "),
            inline(&duty.subject),
            owner.map_or(duty.clock.owner.as_str(), |p| p.principal.as_str()),
            duty.clock.due_at,
            duty.status,
        ));
    }
    text
}

/// Which revision a report or a review is.
#[must_use]
pub fn revision(document: &DocumentView) -> Option<i64> {
    document.data.get("version")?.as_i64()
}

/// What one of the documents says.
#[must_use]
pub fn section(document: &DocumentView) -> String {
    let title = match document.event_type.as_str() {
        "INCIDENT_REPORT_FILED" => "Incident report",
        "POST_INCIDENT_REVIEW_COMPLETED" => "Post-incident review",
        "CAB_NOTIFIED" => "Board notified",
        "CAB_REVIEWED" => "Board review",
        "ACCESS_REVIEWED" => "Access review",
        "PROCEDURE_UPDATED" => "Procedure updated",
        other => other,
    };
    let version = revision(document).map_or_else(String::new, |v| format!(", version {v}"));
    let mut text = format!(
        "## {title}{version}\n\nSigned by {} at {}, entry {} of the log.\n",
        document.by, document.at, document.index
    );
    for (name, value) in document.data.as_object().into_iter().flatten() {
        // What is said above, or stands in the log for programs.
        if ["incident_id", "version", "clocks", "document"].contains(&name.as_str()) {
            continue;
        }
        let shown = shown(value);
        if !shown.is_empty() {
            text.push_str(&format!("\n**{}**: {shown}\n", name.replace('_', " ")));
        }
    }
    // A review is all in its fields; what it was written in holds the same, and its comments.
    let written = document.text.as_ref();
    let written = written.filter(|_| document.event_type != "POST_INCIDENT_REVIEW_COMPLETED");
    if let Some(written) = written {
        text.push('\n');
        for line in written.lines() {
            text.push_str(format!("> {}", visible(line)).trim_end());
            text.push('\n');
        }
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => inline(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(all) if all.is_empty() => String::new(),
        Value::Array(all) => {
            let each = all.iter().map(|v| format!("\n- {}", shown(v)));
            each.collect()
        }
        Value::Object(fields) => {
            let each = fields.iter().filter(|(_, v)| !shown(v).is_empty());
            let each: Vec<String> = each.map(|(k, v)| format!("{k} {}", shown(v))).collect();
            each.join(", ")
        }
        Value::Null | Value::Number(_) => value.to_string(),
    }
}

/// Text within a line: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text).chars() {
        match c {
            '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Without what a terminal or a mail reader would obey.
fn visible(text: &str) -> String {
    crate::output::prose(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_text_and_no_markup() {
        let said = inline("a|b `c` <script> [x](y)\n# no heading\u{202e}");
        assert!(!said.contains('\n') && !said.contains('\u{202e}'), "{said}");
        for escaped in ["\\|", "\\`c\\`", "\\<script\\>", "\\[x\\]", "\\# no"] {
            assert!(said.contains(escaped), "{escaped}: {said}");
        }
        let document = DocumentView {
            event_type: "INCIDENT_REPORT_FILED".to_owned(),
            index: 7,
            at: Timestamp::EPOCH,
            by: "erin".to_owned(),
            data: serde_json::json!({"version": 2, "summary": "a *bad* release", "document": "sha256:x"}),
            document: None,
            text: Some("# Heading\n\n</details>".to_owned()),
        };
        let text = section(&document);
        for part in [
            "## Incident report, version 2",
            "**summary**: a \\*bad\\* release",
            "> # Heading",
            "> </details>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
