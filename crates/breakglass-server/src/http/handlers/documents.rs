//! What people wrote about an incident afterwards: report, review, decisions, with the documents
//! themselves.

use axum::{Json, extract::State};
use breakglass_api::view::DocumentView;
use breakglass_format::{Digest, Event, entry::Recorded};
use breakglass_store::Ledger as _;

use crate::http::{
    app::App,
    extract::{Path, Reading},
    problem::ApiError,
};

/// Reports, reviews, decisions and updates of an incident, oldest first.
#[utoipa::path(get, path = "/v1/incidents/{id}/documents", params(("id" = String, Path)),
    responses((status = 200, body = Vec<DocumentView>)))]
pub(crate) async fn documents(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Result<Json<Vec<DocumentView>>, ApiError> {
    let entries = app.own_story(&id).await?;
    let mut all = Vec::new();
    for recorded in &entries {
        if let Some(document) = document(&recorded.entry.event) {
            let text = app.text(document).await?;
            all.push(view(recorded, document, text));
        }
    }
    Ok(Json(all))
}

/// The document of an event that people write afterwards; the outer `None` where it is none.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else is written afterwards"
)]
fn document(event: &Event) -> Option<Option<Digest>> {
    match event {
        Event::IncidentReportFiled(d) => Some(Some(d.document)),
        Event::PostIncidentReviewCompleted(d) => Some(d.document.0),
        Event::CabReviewed(d) => Some(d.document.0),
        Event::ProcedureUpdated(d) => Some(d.document.0),
        Event::CabNotified(_) | Event::AccessReviewed(_) => Some(None),
        _ => None,
    }
}

fn view(recorded: &Recorded, document: Option<Digest>, text: Option<String>) -> DocumentView {
    let entry = &recorded.entry;
    let by = entry.principal.as_ref();
    DocumentView {
        event_type: entry.event.event_type().to_owned(),
        index: recorded.index,
        at: entry.created_at,
        by: by.map_or_else(String::new, ToString::to_string),
        data: entry.event.data().unwrap_or_default(),
        document: document.map(|d| d.to_string()),
        text,
    }
}

impl App {
    /// A document as text; `None` where there is none, or where it is no text.
    async fn text(&self, document: Option<Digest>) -> Result<Option<String>, ApiError> {
        let Some(digest) = document else {
            return Ok(None);
        };
        let blob = self.engine.read(move |ledger| ledger.blob(&digest)).await;
        let blob = blob.map_err(|e| self.rejected(e))?;
        let blob = blob.map_err(|e| self.rejected(e.into()))?;
        Ok(blob.and_then(|b| String::from_utf8(b.bytes).ok()))
    }
}
