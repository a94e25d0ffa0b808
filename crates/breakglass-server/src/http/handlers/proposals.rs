//! What waits for a second person: the first one's signed act, so that the second one's client can
//! verify it and show what it says.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use breakglass_api::{view::ProposalView, wire::Signed};
use breakglass_core::two_person::Proposal;
use breakglass_format::{Digest, Entry, Event, event::ActProposed};

use super::{
    evidence::PAGE,
    read::{account_id, incident_id},
};
use crate::http::{
    app::App,
    extract::{Path, Reading},
    problem::ApiError,
};

type Answer = Result<Json<Vec<ProposalView>>, ApiError>;

/// Longer than a proposal lives, so that whoever looks for one need not read the whole log.
const LOOK_BACK_S: i64 = 3600;

/// A proposal as the log has it.
struct Found {
    index: u64,
    statement: Digest,
    signature: Digest,
    by: String,
    event: ActProposed,
}

/// The open proposals of an account, newest first.
#[utoipa::path(get, path = "/v1/accounts/{account}/proposals",
    params(("account" = String, Path)), responses((status = 200, body = Vec<ProposalView>)))]
pub(crate) async fn of_account(
    State(app): State<App>,
    _: Reading,
    Path(account): Path<String>,
) -> Answer {
    let published = app.published();
    let world = &published.world;
    let id = account_id(world, &account)
        .ok_or_else(|| ApiError::unknown("account", &account).at(app.now()))?;
    let state = world.account(&id);
    let open = app.open(state.into_iter().flat_map(|s| s.proposals.iter()));
    app.shown_proposals(open).await
}

/// The open proposals about an incident, newest first.
#[utoipa::path(get, path = "/v1/incidents/{id}/proposals",
    params(("id" = String, Path)), responses((status = 200, body = Vec<ProposalView>)))]
pub(crate) async fn of_incident(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Answer {
    let published = app.published();
    let world = &published.world;
    let incident = incident_id(world, &id).and_then(|id| world.incident(&id));
    let incident = incident.ok_or_else(|| ApiError::unknown("incident", &id).at(app.now()))?;
    let open = app.open(incident.proposals.iter());
    app.shown_proposals(open).await
}

impl App {
    /// The agreements that somebody may still make.
    fn open<'a>(
        &self,
        proposals: impl Iterator<Item = (&'a Digest, &'a Proposal)>,
    ) -> BTreeSet<Digest> {
        let now = self.now();
        let open = proposals.filter(|(_, proposal)| now < proposal.until);
        open.map(|(agreement, _)| *agreement).collect()
    }

    async fn shown_proposals(&self, open: BTreeSet<Digest>) -> Answer {
        let mut views = Vec::new();
        for found in self.found(open).await? {
            let (statement, signature) = self.shown(found.statement, found.signature).await?;
            views.push(ProposalView {
                command: found.event.command.to_string(),
                by: found.by,
                until: found.event.until,
                act: Signed {
                    statement: String::from_utf8_lossy(&statement).into_owned(),
                    signature,
                },
                entry: self.proven(found.index).await?,
                time: self.now(),
            });
        }
        Ok(Json(views))
    }

    /// The entries of these agreements, the last of each.
    async fn found(&self, mut open: BTreeSet<Digest>) -> Result<Vec<Found>, ApiError> {
        let (published, now) = (self.published(), self.now());
        let mut all = Vec::new();
        let mut to = published.head.size();
        while to > 0 && !open.is_empty() {
            let from = to.saturating_sub(PAGE);
            let read = self.readers.read(move |log| log.entries(from..to)).await;
            let page = self.of_log(read)?;
            for (index, bytes) in (from..).zip(page).collect::<Vec<_>>().into_iter().rev() {
                let Ok(entry) = Entry::from_bytes(&bytes) else {
                    continue;
                };
                if entry.created_at.plus_s(LOOK_BACK_S) < now {
                    return Ok(all);
                }
                let found = proposed(index, entry);
                all.extend(found.filter(|f| open.remove(&f.event.agreement)));
            }
            to = from;
        }
        Ok(all)
    }
}

fn proposed(index: u64, entry: Entry) -> Option<Found> {
    let (statement, signature) = (entry.statement.0?, entry.signature.0?);
    let Event::ActProposed(event) = entry.event else {
        return None;
    };
    Some(Found {
        index,
        statement,
        signature,
        by: entry
            .principal
            .0
            .map_or_else(String::new, |p| p.to_string()),
        event,
    })
}
