//! What there is to read, for people with a reading session.

use axum::{Json, extract::State};
use breakglass_api::{
    view::{AccountView, WhoamiView},
    wire::{Proven, RequestTerms},
};
use breakglass_core::{World, terms::terms as terms_of, world::Named};
use breakglass_format::{
    AccountId, Digest, GrantId, IncidentId, RequestId, event::Reference, statement::LogHead,
};
use breakglass_store::ReadError;
use serde::Deserialize;

use super::prepare::pair;
use crate::http::{
    app::App,
    extract::{Query, Reading},
    nonces::Asking,
    problem::ApiError,
    views,
};

pub(super) type Answer<T> = Result<Json<T>, ApiError>;

/// Who the session belongs to.
#[utoipa::path(get, path = "/v1/whoami", responses((status = 200, body = WhoamiView)))]
pub(crate) async fn whoami(reading: Reading) -> Json<WhoamiView> {
    let person = &reading.person;
    Json(WhoamiView {
        person: person.person.to_string(),
        principal: person.principal.to_string(),
        groups: person.groups.iter().map(ToString::to_string).collect(),
        privileges: person.privileges.iter().map(ToString::to_string).collect(),
        not_after: reading.reader.not_after,
    })
}

/// What a request must say.
#[derive(Debug, Deserialize)]
pub(crate) struct TermsQuery {
    account: String,
    incident: String,
}

/// The terms of a request of the reader's own.
#[utoipa::path(get, path = "/v1/terms",
    params(("account" = String, Query), ("incident" = String, Query)),
    responses((status = 200, body = RequestTerms)))]
pub(crate) async fn terms(
    State(app): State<App>,
    reading: Reading,
    Query(query): Query<TermsQuery>,
) -> Answer<RequestTerms> {
    let published = app.published();
    let world = &published.world;
    let account = account_id(world, &query.account)
        .ok_or_else(|| ApiError::unknown("account", &query.account).at(app.now()))?;
    let incident = incident_id(world, &query.incident)
        .ok_or_else(|| ApiError::unknown("incident", &query.incident).at(app.now()))?;
    let terms = terms_of(world, &reading.reader.person, &account, &incident)
        .map_err(|refusal| ApiError::from(refusal).at(app.now()))?;
    let asking = Asking {
        person: &reading.reader.person,
        account: &account,
        incident: &incident,
    };
    let half = app.nonces.give(&asking, app.now());
    let half = half.ok_or_else(|| ApiError::nonce().at(app.now()))?;
    Ok(Json(RequestTerms {
        account: terms.account,
        incident: terms.incident,
        on_server_loss: terms.on_server_loss.to_string(),
        warnings: terms
            .warnings
            .into_iter()
            .map(|(warning, _)| warning)
            .collect(),
        entitlement: terms.entitlement,
        control_plane: terms
            .asks_for_probes
            .then(|| views::probed(terms.probed.as_ref())),
        authority: published.authorities.current_ref(),
        log: log_head(&published.head),
        checkpoint: published.head.checkpoint().to_text(),
        nonce: breakglass_format::id::hex(&half),
        time: app.now(),
    }))
}

/// Accounts.
#[utoipa::path(get, path = "/v1/accounts", responses((status = 200, body = Vec<AccountView>)))]
pub(crate) async fn accounts(State(app): State<App>, _: Reading) -> Json<Vec<AccountView>> {
    let published = app.published();
    let world = &published.world;
    let authority = world.authority().map(|v| v.authority.clone());
    let accounts = authority.iter().flat_map(|a| &a.accounts);
    Json(accounts.map(|a| views::account(world, a)).collect())
}

pub(in crate::http) fn log_head(head: &breakglass_store::Head) -> LogHead {
    LogHead {
        root: Digest::from_bytes(*head.root().as_bytes()),
        size: i64::try_from(head.size()).unwrap_or(i64::MAX),
    }
}

fn named(world: &World, text: &str) -> Option<Named> {
    text.parse::<Reference>()
        .ok()
        .and_then(|r| world.resolve_reference(r))
}

pub(super) fn incident_id(world: &World, text: &str) -> Option<IncidentId> {
    match named(world, text) {
        Some(Named::Incident(id)) => Some(id),
        Some(Named::Request(_) | Named::Grant(_)) => None,
        None => text.parse().ok(),
    }
}

pub(super) fn request_id(world: &World, text: &str) -> Option<RequestId> {
    match named(world, text) {
        Some(Named::Request(id)) => Some(id),
        Some(Named::Incident(_) | Named::Grant(_)) => None,
        None => text.parse().ok(),
    }
}

pub(super) fn grant_id(world: &World, text: &str) -> Option<GrantId> {
    match named(world, text) {
        Some(Named::Grant(id)) => Some(id),
        Some(Named::Incident(_) | Named::Request(_)) => None,
        None => text.parse().ok(),
    }
}

pub(super) fn account_id(world: &World, text: &str) -> Option<AccountId> {
    let authority = &world.authority()?.authority;
    let by_name = authority.account_named(text).map(|a| a.id.clone());
    by_name.or_else(|| text.parse().ok())
}

impl App {
    /// An entry with its proof.
    pub(in crate::http) async fn proven(&self, index: u64) -> Result<Proven, ApiError> {
        let read = self.readers.read(move |log| {
            let entry = String::from_utf8_lossy(&log.entry(index)?).into_owned();
            Ok::<_, ReadError>(Proven {
                entry,
                proof: log.receipt(index)?,
            })
        });
        self.of_log(read.await)
    }

    /// A stored statement and its signature, for who wants to see them.
    pub(super) async fn shown(
        &self,
        statement: Digest,
        signature: Digest,
    ) -> Result<(Vec<u8>, String), ApiError> {
        let read = self.readers.read(move |log| {
            let blob = |digest: &Digest| log.blob(digest).ok().flatten();
            pair(blob(&statement), blob(&signature))
        });
        let found = read.await.map_err(|e| ApiError::from(e).at(self.now()))?;
        found.ok_or_else(|| ApiError::not_found("stored statement").at(self.now()))
    }
}
