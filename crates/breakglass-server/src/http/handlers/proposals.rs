//! What waits for a second person: the first one's signed act, so that the second one's client can
//! verify it and show what it says.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use breakglass_api::{view::ProposalView, wire::Signed};
use breakglass_format::{AccountId, Digest, Entry, Event, event::ActProposed};

use super::{evidence::PAGE, read::account_id};
use crate::http::{
    app::App,
    extract::{Path, Reading},
    problem::ApiError,
};

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
pub(crate) async fn proposals(
    State(app): State<App>,
    _: Reading,
    Path(account): Path<String>,
) -> Result<Json<Vec<ProposalView>>, ApiError> {
    let published = app.published();
    let id = account_id(&published.world, &account)
        .ok_or_else(|| ApiError::unknown("account", &account).at(app.now()))?;
    let mut views = Vec::new();
    for found in app.open_proposals(id).await? {
        let (statement, signature) = app.shown(found.statement, found.signature).await?;
        views.push(ProposalView {
            command: found.event.command.to_string(),
            by: found.by,
            until: found.event.until,
            act: Signed {
                statement: String::from_utf8_lossy(&statement).into_owned(),
                signature,
            },
            entry: app.proven(found.index).await?,
            time: app.now(),
        });
    }
    Ok(Json(views))
}

impl App {
    async fn open_proposals(&self, account: AccountId) -> Result<Vec<Found>, ApiError> {
        let (published, now) = (self.published(), self.now());
        let state = published.world.account(&account);
        let open = state.into_iter().flat_map(|s| s.proposals.iter());
        let mut open: BTreeSet<Digest> = open
            .filter(|(_, proposal)| now < proposal.until)
            .map(|(agreement, _)| *agreement)
            .collect();
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
                let found = proposed(index, entry).filter(|f| f.event.account.id == account);
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
