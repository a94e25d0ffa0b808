//! What is taken from a call before its handler runs: who reads, from where, with which body.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use breakglass_format::{CommandId, authority::Person, statement::Kind, vocabulary::Privilege};
use serde::de::DeserializeOwned;

use super::{BODY_BYTES_MAX, app::App, limit::Counters, problem::ApiError, sessions::Reader};

/// Somebody with a reading session.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(super) reader: Reader,
    pub(super) person: Person,
}

impl Reading {
    /// Refuses a reader without a privilege.
    pub(super) fn require(&self, privilege: Privilege, app: &App) -> Result<(), ApiError> {
        if self.person.may(privilege) {
            Ok(())
        } else {
            Err(ApiError::forbidden(privilege.as_str()).at(app.now()))
        }
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.now();
        let bearer = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok());
        let token = bearer.and_then(|b| b.strip_prefix("Bearer "));
        let token = token
            .ok_or_else(|| ApiError::unauthenticated("no reading session is given").at(now))?;
        let reader = app.sessions.reader(token, now).ok_or_else(|| {
            Counters::add(&app.counters.unauthenticated);
            ApiError::unauthenticated("the reading session is over or unknown").at(now)
        })?;
        // People leave and keys are withdrawn: a session reads only while the authority in force
        // counts the key that opened it.
        let published = app.published();
        let person = published
            .world
            .authority()
            .and_then(|v| v.authority.person(&reader.person));
        let counts = |p: &&Person| {
            p.key(&reader.key)
                .is_some_and(|k| k.counts(Kind::Session, now))
        };
        let person = person.filter(counts).cloned().ok_or_else(|| {
            ApiError::unauthenticated("the authority no longer counts the key of this session")
                .at(now)
        })?;
        Ok(Self { reader, person })
    }
}

/// The body of a call, within the limits of size and time.
async fn body(request: Request, app: &App) -> Result<Bytes, ApiError> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced: Option<u64> = announced
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok());
    if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(ApiError::body_too_large());
    }
    let arriving = Bytes::from_request(request, app);
    match tokio::time::timeout(app.patience, arriving).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(e)) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(ApiError::body_too_large())
        }
        Ok(Err(e)) => Err(ApiError::bad(e.body_text())),
        Err(_) => Err(ApiError::too_slow()),
    }
}

/// What stands in the path. What does not read is told like every other problem.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = axum::extract::Path::from_request_parts(parts, app).await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|e| ApiError::bad(e.body_text()).at(app.now()))
    }
}

/// The query. What does not read is told like every other problem.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, app).await;
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|e| ApiError::bad(e.body_text()).at(app.now()))
    }
}

/// A JSON body within the rate of its address, with the caller's command id.
#[derive(Debug)]
pub(crate) struct Posted<T> {
    pub(super) body: T,
    pub(super) command_id: Option<CommandId>,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let now = app.now();
        let address = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|c| c.0.ip());
        let address = address.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        if !app.rate.allows(address, now) {
            Counters::add(&app.counters.limited);
            return Err(ApiError::limited().at(now));
        }
        let command_id = match request.headers().get("idempotency-key") {
            None => None,
            Some(value) => {
                let id = value.to_str().ok().and_then(|v| v.parse().ok());
                let detail = "Idempotency-Key is not a UUID of version 7";
                Some(id.ok_or_else(|| ApiError::bad(detail).at(now))?)
            }
        };
        let bytes = body(request, app).await.map_err(|e| e.at(now))?;
        let Json(body) =
            Json::<T>::from_bytes(&bytes).map_err(|e| ApiError::bad(e.body_text()).at(now))?;
        Ok(Self { body, command_id })
    }
}
