//! What is taken from a call before its handler runs: who reads, from where, with which body.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{Extensions, StatusCode, header, request::Parts},
};
use breakglass_format::{
    CommandId, Timestamp, authority::Person, statement::Kind, vocabulary::Privilege,
};
use serde::de::DeserializeOwned;

use crate::config::Public;

use super::{
    BODY_BYTES_MAX,
    app::{App, Caller},
    limit::{Counters, network},
    problem::ApiError,
    sessions::Reader,
};

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
        let token = token(parts)
            .ok_or_else(|| ApiError::unauthenticated("no reading session is given").at(now))?;
        let reader = app.sessions.reader(token, now).ok_or_else(|| {
            ApiError::unauthenticated("the reading session is over or unknown").at(now)
        })?;
        let session = breakglass_statement::digest(token.as_bytes());
        may_ask(app, Caller::Session(session), now)?;
        // People leave and keys are withdrawn: a session reads only while the authority in force
        // counts the key that opened it.
        let published = app.published();
        let world = &published.world;
        let version = world.authority();
        let person = version.and_then(|v| v.authority.person(&reader.person));
        let when = (Kind::Session, now);
        let counts = |p: &&Person| {
            version.is_some_and(|v| world.counting_key(v, p, &reader.key, when).is_some())
        };
        let person = person.filter(counts).cloned().ok_or_else(|| {
            ApiError::unauthenticated("the authority no longer counts the key of this session")
                .at(now)
        })?;
        Ok(Self { reader, person })
    }
}

/// The reading token of a call.
fn token(parts: &Parts) -> Option<&str> {
    let bearer = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    bearer.strip_prefix("Bearer ")
}

/// Somebody who needs no session, within the rate of the one they have, or else of their address:
/// behind a proxy, strangers do not use up what people with a session may ask.
#[derive(Debug)]
pub(crate) struct Anybody;

impl FromRequestParts<App> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.now();
        let session = token(parts).filter(|token| app.sessions.reader(token, now).is_some());
        let caller = session.map_or_else(
            || Caller::Address(address(&parts.extensions)),
            |token| Caller::Session(breakglass_statement::digest(token.as_bytes())),
        );
        may_ask(app, caller, now).map(|()| Self)
    }
}

/// Somebody who asks for a part of the log that may be for anybody: with the session they have, or
/// without one.
#[derive(Debug)]
pub(crate) struct Looking(Option<Reading>);

impl Looking {
    /// Refuses who has no session, where this part is not for anybody.
    pub(super) fn require_session(&self, part: Public, app: &App) -> Result<(), ApiError> {
        self.session(part, app).map(|_| ())
    }

    /// Refuses who may not read the log itself, where this part is not for anybody.
    pub(super) fn require_auditor(&self, part: Public, app: &App) -> Result<(), ApiError> {
        self.session(part, app)?
            .map_or(Ok(()), |reading| reading.require(Privilege::Auditor, app))
    }

    /// The session that is needed for this part, if one is.
    fn session(&self, part: Public, app: &App) -> Result<Option<&Reading>, ApiError> {
        if part <= app.public {
            return Ok(None);
        }
        let missing = || ApiError::unauthenticated("no reading session is given").at(app.now());
        self.0.as_ref().map(Some).ok_or_else(missing)
    }
}

impl FromRequestParts<App> for Looking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let known = token(parts).is_some_and(|t| app.sessions.reader(t, app.now()).is_some());
        if !known {
            return Anybody::from_request_parts(parts, app)
                .await
                .map(|_| Self(None));
        }
        match Reading::from_request_parts(parts, app).await {
            // Whose key no longer counts is anybody.
            Err(error) if error.is_unauthenticated() => Ok(Self(None)),
            reading => reading.map(|reading| Self(Some(reading))),
        }
    }
}

fn may_ask(app: &App, caller: Caller, now: Timestamp) -> Result<(), ApiError> {
    app.reads.take(caller, now).map_err(|wait_s| {
        Counters::add(&app.counters.reads_limited);
        let what = match caller {
            Caller::Session(_) => "questions in this session",
            Caller::Address(_) => "questions from this address",
        };
        ApiError::limited(what, wait_s).at(now)
    })
}

/// Where a call comes from, as limits go by it.
fn address(extensions: &Extensions) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|c| c.0.ip());
    network(peer.unwrap_or(IpAddr::from([0, 0, 0, 0])))
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
        if let Err(wait_s) = app.rate.take(address(request.extensions()), now) {
            Counters::add(&app.counters.limited);
            return Err(ApiError::limited("statements from this address", wait_s).at(now));
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
