//! Incidents, requests, grants and runs: what is open from the world, what is closed from the read
//! model. The two are told apart by the world alone, so that nothing is shown twice or never.

use axum::{Json, extract::State};
use breakglass_api::{
    view::{GrantView, IncidentView, RequestDossier, RequestView, RunView},
    wire::Signed,
};
use breakglass_core::World;
use breakglass_format::{IncidentId, RunId, Timestamp, event::Reference};
use breakglass_store::history::{Page, Shelved};
use serde::{Deserialize, de::DeserializeOwned};

use super::read::{Answer, grant_id, incident_id, log_head, request_id};
use crate::{
    history::ShelvedRequest,
    http::{
        app::App,
        extract::{Path, Query, Reading},
        problem::ApiError,
        views,
    },
};

/// Closed things in one answer, unless asked for otherwise, and at most.
const LIMIT: (u64, u64) = (200, 1_000);

/// Which things of a kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    state: Option<String>,
    before: Option<u64>,
    limit: Option<u64>,
}

impl Filter {
    fn admits(&self, state: &str) -> bool {
        self.before.is_none() && self.state.as_ref().is_none_or(|s| s == state)
    }
}

/// Incidents, newest first: all that are not closed, and the newest of those that are.
#[utoipa::path(get, path = "/v1/incidents",
    params(("state" = Option<String>, Query), ("before" = Option<u64>, Query),
        ("limit" = Option<u64>, Query)),
    responses((status = 200, body = Vec<IncidentView>)))]
pub(crate) async fn incidents(
    State(app): State<App>,
    _: Reading,
    Query(filter): Query<Filter>,
) -> Answer<Vec<IncidentView>> {
    let (published, now) = (app.published(), app.now());
    let world = &published.world;
    let live = world.incidents().rev().filter(|i| !i.archived);
    let live = live.filter(|i| filter.admits(i.state()));
    let mut all: Vec<IncidentView> = live.map(|i| views::incident(world, i, now)).collect();
    // Whoever has to do with what is open does not wait for what is closed.
    if filter.state.as_deref() != Some("open") {
        let closed: Vec<IncidentView> = app.listed("incident", &filter, world).await?;
        all.extend(closed.into_iter().map(|view| at(view, world, now)));
    }
    all.sort_by_key(|view| std::cmp::Reverse(number(&view.reference)));
    Ok(Json(all))
}

/// One incident, by id or reference.
#[utoipa::path(get, path = "/v1/incidents/{id}", params(("id" = String, Path)),
    responses((status = 200, body = IncidentView)))]
pub(crate) async fn incident(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Answer<IncidentView> {
    let (published, now) = (app.published(), app.now());
    let world = &published.world;
    let found = incident_id(world, &id).and_then(|id| world.incident(&id));
    let found = found.ok_or_else(|| ApiError::unknown("incident", &id).at(now))?;
    if !found.archived {
        return Ok(Json(views::incident(world, found, now)));
    }
    let shelved = app.shelved("incident", &found.id.to_string()).await?;
    let view: Option<IncidentView> = shelved.map(|s| app.view(&s)).transpose()?;
    let view = view.ok_or_else(|| ApiError::unknown("incident", &id).at(now))?;
    Ok(Json(at(view, world, now)))
}

/// Requests, newest first: those of incidents that were never closed, and the newest others.
#[utoipa::path(get, path = "/v1/requests",
    params(("state" = Option<String>, Query), ("before" = Option<u64>, Query),
        ("limit" = Option<u64>, Query)),
    responses((status = 200, body = Vec<RequestView>)))]
pub(crate) async fn requests(
    State(app): State<App>,
    _: Reading,
    Query(filter): Query<Filter>,
) -> Answer<Vec<RequestView>> {
    let published = app.published();
    let world = &published.world;
    let live = world.requests().rev();
    let live = live.filter(|r| filter.admits(r.state.word()));
    let mut all: Vec<RequestView> = live.map(|r| views::request(world, r, app.now())).collect();
    // What waits is never of a closed incident.
    if filter.state.as_deref() != Some("pending") {
        let closed: Vec<ShelvedRequest> = app.listed("request", &filter, world).await?;
        all.extend(closed.into_iter().map(|shelved| shelved.view));
    }
    all.sort_by_key(|view| std::cmp::Reverse(number(&view.reference)));
    Ok(Json(all))
}

/// One request with everything an approver checks.
#[utoipa::path(get, path = "/v1/requests/{id}", params(("id" = String, Path)),
    responses((status = 200, body = RequestDossier)))]
pub(crate) async fn request(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Answer<RequestDossier> {
    let published = app.published();
    let world = &published.world;
    let shown = match request_id(world, &id).and_then(|id| world.request(&id)) {
        Some(found) => ShelvedRequest {
            view: views::request(world, found, app.now()),
            statement: found.statement,
            signature: found.signature,
            index: found.index,
        },
        None => {
            let shelved = app.shelved("request", &id).await?;
            let shelved = shelved.ok_or_else(|| ApiError::unknown("request", &id).at(app.now()))?;
            app.view(&shelved)?
        }
    };
    let (statement, signature): (Vec<u8>, String) =
        app.shown(shown.statement, shown.signature).await?;
    let incident = incident_id(world, &shown.view.incident).and_then(|id| world.incident(&id));
    let declared = match incident {
        Some(incident) => Some(app.proven(incident.index).await?),
        None => None,
    };
    Ok(Json(RequestDossier {
        view: shown.view,
        request: Signed {
            statement: String::from_utf8_lossy(&statement).into_owned(),
            signature,
        },
        entry: app.proven(shown.index).await?,
        declared,
        log: log_head(&published.head),
        time: app.now(),
    }))
}

/// Grants, newest first: those of incidents that were never closed, and the newest others.
#[utoipa::path(get, path = "/v1/grants",
    params(("state" = Option<String>, Query), ("before" = Option<u64>, Query),
        ("limit" = Option<u64>, Query)),
    responses((status = 200, body = Vec<GrantView>)))]
pub(crate) async fn grants(
    State(app): State<App>,
    _: Reading,
    Query(filter): Query<Filter>,
) -> Answer<Vec<GrantView>> {
    let published = app.published();
    let world = &published.world;
    let live = world.grants().filter(|g| is_live(world, &g.incident));
    let live = live.map(|g| views::grant(world, g));
    let mut all: Vec<GrantView> = live.filter(|view| filter.admits(&view.state)).collect();
    if filter.state.as_deref() != Some("active") {
        all.extend(app.listed::<GrantView>("grant", &filter, world).await?);
    }
    all.sort_by_key(|view| std::cmp::Reverse(number(&view.reference)));
    Ok(Json(all))
}

/// One grant, by id or reference.
#[utoipa::path(get, path = "/v1/grants/{id}", params(("id" = String, Path)),
    responses((status = 200, body = GrantView)))]
pub(crate) async fn grant(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Answer<GrantView> {
    let published = app.published();
    let world = &published.world;
    let found = grant_id(world, &id).and_then(|id| world.grant(&id));
    let found = found.ok_or_else(|| ApiError::unknown("grant", &id).at(app.now()))?;
    if is_live(world, &found.incident) {
        return Ok(Json(views::grant(world, found)));
    }
    let shelved = app.shelved("grant", &found.id.to_string()).await?;
    let shelved = shelved.ok_or_else(|| ApiError::unknown("grant", &id).at(app.now()))?;
    Ok(Json(app.view(&shelved)?))
}

/// Runs, newest first: those of incidents that were never closed, and the newest others.
#[utoipa::path(get, path = "/v1/runs",
    params(("state" = Option<String>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = Vec<RunView>)))]
pub(crate) async fn runs(
    State(app): State<App>,
    _: Reading,
    Query(filter): Query<Filter>,
) -> Answer<Vec<RunView>> {
    let published = app.published();
    let world = &published.world;
    let live = world.runs().filter(|r| is_live(world, &r.incident));
    let live = live.map(|r| views::run(world, r));
    let mut all: Vec<RunView> = live.filter(|view| filter.admits(&view.state)).collect();
    all.extend(app.listed::<RunView>("run", &filter, world).await?);
    all.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(Json(all))
}

/// One run.
#[utoipa::path(get, path = "/v1/runs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = RunView)))]
pub(crate) async fn run(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Answer<RunView> {
    let published = app.published();
    let world = &published.world;
    let found = id.parse::<RunId>().ok().and_then(|id| world.run(&id));
    if let Some(found) = found.filter(|r| is_live(world, &r.incident)) {
        return Ok(Json(views::run(world, found)));
    }
    let shelved = app.shelved("run", &id).await?;
    let shelved = shelved.ok_or_else(|| ApiError::unknown("run", &id).at(app.now()))?;
    Ok(Json(app.view(&shelved)?))
}

/// Whether the world holds all of an incident.
fn is_live(world: &World, incident: &IncidentId) -> bool {
    world.incident(incident).is_some_and(|i| !i.archived)
}

/// The number of a reference.
fn number(reference: &str) -> u64 {
    let reference: Option<Reference> = reference.parse().ok();
    reference.map_or(0, Reference::number)
}

/// A view of then, now: people note something, and duties of an incident that was opened again run
/// out meanwhile.
fn at(mut view: IncidentView, world: &World, now: Timestamp) -> IncidentView {
    let id = view.id.parse().ok();
    if let Some(incident) = id.and_then(|id| world.incident(&id)) {
        view.head = incident.head.to_string();
    }
    for duty in &mut view.obligations {
        if duty.status == "open" && now > duty.clock.due_at {
            duty.status = "overdue".to_owned();
        }
    }
    view
}

impl App {
    /// What the read model has under an id or a reference.
    async fn shelved(&self, kind: &'static str, text: &str) -> Result<Option<Shelved>, ApiError> {
        let (text, reference) = (text.to_owned(), text.parse::<Reference>().ok());
        let of_kind = reference.filter(|r| kind_of(*r) == kind);
        let read = self.shelf.read(move |history| match of_kind {
            Some(reference) => history.by_number(kind, reference.number()),
            None => history.by_id(kind, &text),
        });
        let found = read.await;
        found.map_err(|e| ApiError::history(&e).at(self.now()))
    }

    /// The newest closed things of a kind.
    async fn listed<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        filter: &Filter,
        world: &World,
    ) -> Result<Vec<T>, ApiError> {
        let (state, before) = (filter.state.clone(), filter.before);
        let limit = filter.limit.unwrap_or(LIMIT.0).min(LIMIT.1);
        // A house in which nothing was ever closed waits for nobody.
        if limit == 0 || !world.incidents().any(|i| i.archived) {
            return Ok(Vec::new());
        }
        let read = self.shelf.read(move |history| {
            history.page(Page {
                kind,
                state: state.as_deref(),
                before,
                limit,
            })
        });
        let found = read
            .await
            .map_err(|e| ApiError::history(&e).at(self.now()))?;
        // What was closed since the rest of the answer was read is in it already.
        let closed = |shelved: &&Shelved| {
            let incident = shelved.incident.parse().ok();
            incident.is_some_and(|id| !is_live(world, &id))
        };
        let closed = found.iter().filter(closed);
        closed.map(|shelved| self.view(shelved)).collect()
    }

    fn view<T: DeserializeOwned>(&self, shelved: &Shelved) -> Result<T, ApiError> {
        serde_json::from_str(&shelved.view)
            .map_err(|_| ApiError::unknown("history", &shelved.id).at(self.now()))
    }
}

fn kind_of(reference: Reference) -> &'static str {
    match reference {
        Reference::Incident(_) => "incident",
        Reference::Request(_) => "request",
        Reference::Grant(_) => "grant",
    }
}
