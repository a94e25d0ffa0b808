//! The HTTP API: parse → call → render. No handler decides anything.

mod app;
mod extract;
mod handlers;
mod limit;
mod nonces;
pub(crate) mod openapi;
mod patient;
mod problem;
mod serve;
mod sessions;
pub(crate) mod views;

pub(crate) use app::App;
pub use serve::{ListenError, Listening};
pub(crate) use serve::{listen, listen_for_metrics};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use handlers::{
    documents, evidence, lists, operations, people, proposals, read, search, statements, tiles,
    timeline,
};

/// A statement, its signature, a session and attachments, all escaped.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// What is served on the address for metrics, and nowhere else: how many grants are active and
/// requests pending tells an attacker when to come.
pub(crate) fn metrics_router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(operations::metrics))
        .fallback(operations::not_found)
        .with_state(app)
}

/// Every route there is for people.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route(
            "/v1/requests",
            post(statements::request).get(lists::requests),
        )
        .route("/v1/approvals", post(statements::approval))
        .route("/v1/denials", post(statements::denial))
        .route("/v1/checkouts", post(statements::checkout))
        .route("/v1/acts", post(statements::act))
        .route("/v1/enrolments", post(statements::enrolment))
        .route("/v1/suspensions", post(statements::suspension))
        .route("/v1/sessions", post(statements::session))
        .route("/v1/requests/{id}", get(lists::request))
        .route("/v1/terms", get(read::terms))
        .route("/v1/whoami", get(read::whoami))
        .route("/v1/people", get(people::people))
        .route("/v1/readiness", get(people::readiness))
        .route("/v1/incidents", get(lists::incidents))
        .route("/v1/incidents/{id}", get(lists::incident))
        .route("/v1/incidents/{id}/timeline", get(timeline::timeline))
        .route("/v1/incidents/{id}/refusals", get(timeline::refusals))
        .route("/v1/incidents/{id}/documents", get(documents::documents))
        .route("/v1/grants", get(lists::grants))
        .route("/v1/grants/{id}", get(lists::grant))
        .route("/v1/accounts", get(read::accounts))
        .route("/v1/incidents/{id}/proposals", get(proposals::of_incident))
        .route(
            "/v1/accounts/{account}/proposals",
            get(proposals::of_account),
        )
        .route("/v1/runs", get(lists::runs))
        .route("/v1/runs/{id}", get(lists::run))
        .route(
            "/v1/authority",
            get(operations::authority).post(statements::authority),
        )
        .route("/v1/log/checkpoint", get(evidence::checkpoint))
        .route("/v1/log/cosigned", get(evidence::cosigned))
        .route("/v1/log/consistency", get(evidence::consistency))
        .route("/v1/log/proof/{index}", get(evidence::proof))
        .route("/v1/log/entries", get(evidence::entries))
        .route("/v1/log/search", get(search::search))
        .route("/v1/blobs/{digest}", get(evidence::blob))
        .route("/log/checkpoint", get(tiles::checkpoint))
        .route("/log/tile/entries/{*index}", get(tiles::entries))
        .route("/log/tile/{*index}", get(tiles::tile))
        .route("/v1/status", get(operations::status))
        .route("/v1/openapi.json", get(operations::openapi))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .fallback(operations::not_found)
        .method_not_allowed_fallback(operations::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}
