//! The plans that were shown and dispatched. People sign the hash of a plan alone; the document
//! with that hash must be the one that lies in the folder, and it must be of the action asked for.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::{
    Digest, Event, Line, Name, RunId, canonical, entry::Recorded, event::BreakGlassAction, limits,
};
use serde_json::{Value, json};

use crate::{Finding, digest, layout::Blobs};

/// What is known of plans so far.
#[derive(Default)]
pub(super) struct Plans {
    /// The actions that runs are of.
    runs: BTreeMap<RunId, BreakGlassAction>,
    /// What is wrong with a document.
    findings: Vec<(Digest, Finding)>,
}

impl Plans {
    /// Holds the plan that the next entry names against the action that it is for. A document that
    /// is withheld is named elsewhere.
    pub(super) fn step<B: Blobs>(&mut self, at: &Recorded, blobs: &B) -> Result<(), B::Error> {
        let (document, wanted) = if let Event::ActionPlanned(d) = &at.entry.event {
            (Some(d.document), Some(Wanted::shown(d)))
        } else if let Event::EffectClaimed(d) = &at.entry.event {
            let run = d.run_id.0.and_then(|run| self.runs.get(&run));
            (d.document.0, run.map(Wanted::run))
        } else {
            if let Event::BreakGlassAction(d) = &at.entry.event {
                self.runs.extend(d.run_id.0.map(|run| (run, d.clone())));
            }
            return Ok(());
        };
        let (Some(document), Some(wanted)) = (document, wanted) else {
            return Ok(());
        };
        let bytes = blobs.blob(&document)?;
        if let Some(what) = bytes.and_then(|bytes| wanted.differs(&bytes)) {
            let finding = Finding::tampered("plan_differs", what);
            let path = format!("blobs/{}", document.hex());
            let finding = finding.at_path(path).at_entry(at.index);
            self.findings.push((document, finding));
        }
        Ok(())
    }

    /// What is wrong with the documents that lie in the folder: with all but sealed ones.
    pub(super) fn end(self, sealed: &BTreeSet<Digest>) -> impl Iterator<Item = Finding> {
        let there = |(document, _): &(Digest, Finding)| !sealed.contains(document);
        let found = self.findings.into_iter().filter(there);
        found.map(|(_, finding)| finding)
    }
}

/// What a plan has to be of.
struct Wanted<'a> {
    action: &'a Name,
    artifact: &'a Line,
    target: &'a Line,
    /// Its hash; `None`: nobody asked for a plan in particular.
    plan: Option<Digest>,
    /// What people were told of it.
    summary: Option<&'a Line>,
}

impl<'a> Wanted<'a> {
    fn shown(d: &'a breakglass_format::event::ActionPlanned) -> Self {
        Self {
            action: &d.action,
            artifact: &d.artifact,
            target: &d.target,
            plan: Some(d.plan),
            summary: Some(&d.summary),
        }
    }

    fn run(d: &'a BreakGlassAction) -> Self {
        Self {
            action: &d.action,
            artifact: &d.artifact,
            target: &d.target,
            plan: d.plan.0,
            summary: None,
        }
    }

    /// In what a document is not the plan that is wanted.
    fn differs(&self, document: &[u8]) -> Option<&'static str> {
        let Ok(plan) = canonical::parse(document, limits::BLOB_BYTES_MAX) else {
            return Some("the document is not a plan");
        };
        let operation = json!({
            "action": self.action.as_str(),
            "artifact": self.artifact.as_str(),
            "target": self.target.as_str(),
        });
        let summary = plan.get("summary").and_then(Value::as_str);
        if plan.get("operation") != Some(&operation) {
            Some("the document is the plan of another action, artifact or target")
        } else if self.plan.is_some_and(|wanted| hash(&plan) != Some(wanted)) {
            Some("the document is another plan than the one that was named")
        } else if self.summary.is_some_and(|s| summary != Some(s.as_str())) {
            Some("the summary is not that of the document")
        } else {
            None
        }
    }
}

/// "The plan's hash is SHA-256 over the canonical object of `blast_radius`, `inverse`, `operation`
/// and `targets`, with those keys and no others."
fn hash(plan: &Value) -> Option<Digest> {
    let hashed = json!({
        "blast_radius": plan.get("blast_radius")?,
        "inverse": plan.get("inverse")?,
        "operation": plan.get("operation")?,
        "targets": plan.get("targets")?,
    });
    Some(digest(&canonical::emit(&hashed).ok()?))
}
