//! The API, described by its own types (OpenAPI 3.1).

use utoipa::OpenApi;

use super::handlers::{evidence, operations, proposals, read, statements, timeline};

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
        statements::authority,
        read::whoami,
        read::incidents,
        read::incident,
        timeline::timeline,
        timeline::refusals,
        read::requests,
        read::request,
        read::terms,
        read::grants,
        read::grant,
        read::accounts,
        proposals::of_account,
        proposals::of_incident,
        read::runs,
        read::run,
        evidence::checkpoint,
        evidence::consistency,
        evidence::proof,
        evidence::entries,
        evidence::blob,
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
