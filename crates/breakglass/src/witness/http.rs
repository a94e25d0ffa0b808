//! Where logs submit and monitors look.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use breakglass_tlog::witness::MAX_REQUEST_LEN;

use super::{TEXT, Witness, WitnessError};
use crate::{clock::Clock, output::Output};

/// How long the body of a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the handlers share.
struct Desk {
    witness: Witness,
    clock: Box<dyn Clock + Sync>,
    output: Output,
    /// Ends the process, or whatever a test has in its place.
    on_fatal: Box<dyn Fn(&WitnessError) + Send + Sync>,
}

/// The routes of C2SP tlog-witness. `on_fatal` is called where what is durable is not known, and
/// must not return in a real process.
pub fn router(
    witness: Witness,
    clock: Box<dyn Clock + Sync>,
    output: Output,
    on_fatal: Box<dyn Fn(&WitnessError) + Send + Sync>,
) -> Router {
    let desk = Desk {
        witness,
        clock,
        output,
        on_fatal,
    };
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .with_state(Arc::new(desk))
}

async fn add_checkpoint(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced: Option<usize> = announced.and_then(|v| v.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes| bytes > MAX_REQUEST_LEN) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let arriving = to_bytes(request.into_body(), MAX_REQUEST_LEN);
    let body = match tokio::time::timeout(PATIENCE, arriving).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    // Files are written and synced: not on a thread that others wait for.
    let answered = tokio::task::spawn_blocking(move || desk.answer(&body)).await;
    answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn checkpoint(State(desk): State<Arc<Desk>>, Path(origin): Path<String>) -> Response {
    let found = tokio::task::spawn_blocking(move || desk.witness.latest(&origin)).await;
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match found {
        Ok(Some(note)) => (headers, note).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Desk {
    fn answer(&self, body: &[u8]) -> Response {
        let now_s = self.clock.now().millis() / 1000;
        let time = u64::try_from(now_s).unwrap_or(0);
        let reply = match self.witness.add_checkpoint(body, time) {
            Ok(reply) => reply,
            Err(error) => {
                self.output.warn(&error.to_string());
                if matches!(error, WitnessError::Unknown(_)) {
                    (self.on_fatal)(&error);
                }
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        if let Some(alarm) = &reply.alarm {
            self.output.warn(alarm);
        }
        let status = StatusCode::from_u16(reply.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(header::CONTENT_TYPE, reply.content_type)];
        (status, headers, reply.body).into_response()
    }
}
