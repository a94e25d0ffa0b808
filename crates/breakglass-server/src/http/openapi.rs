//! The API, described by its own types (OpenAPI 3.1).

use utoipa::OpenApi;

use super::handlers::{
    documents, evidence, lists, operations, people, proposals, read, search, statements, tiles,
    timeline,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "breakglass",
        description = "Emergency access and deployment override. What changes something is posted as a signed statement and answered with a receipt.",
        license(name = "Apache-2.0")
    ),
    paths(
        statements::request,
        statements::approval,
        statements::denial,
        statements::checkout,
        statements::act,
        statements::enrolment,
        statements::session,
        statements::suspension,
        statements::authority,
        read::whoami,
        people::people,
        people::readiness,
        lists::incidents,
        lists::incident,
        timeline::timeline,
        timeline::refusals,
        documents::documents,
        lists::requests,
        lists::request,
        read::terms,
        lists::grants,
        lists::grant,
        read::accounts,
        proposals::of_account,
        proposals::of_incident,
        lists::runs,
        lists::run,
        evidence::checkpoint,
        evidence::cosigned,
        evidence::consistency,
        evidence::proof,
        evidence::entries,
        search::search,
        evidence::blob,
        tiles::checkpoint,
        tiles::tile,
        tiles::entries,
        operations::status,
        operations::authority,
    )
)]
struct Description;

/// The document, as JSON.
#[must_use]
pub fn document() -> String {
    Description::openapi().to_pretty_json().unwrap_or_default()
}
