//! Refusals and failures as problem documents (RFC 9457).

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use breakglass_api::Problem;
use breakglass_core::{Refusal, refusal::Code};
use breakglass_format::Timestamp;
use breakglass_statement::StatementError;
use breakglass_store::history::SearchError;

use crate::{contacts::ContactError, engine::Rejection, history::ShelfError};

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    hint: &'static str,
    retry_after_s: Option<u64>,
    /// Filled in by the layer that knows the time.
    pub(super) time: Timestamp,
}

impl ApiError {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            hint,
            retry_after_s: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
            time: Timestamp::EPOCH,
        }
    }

    pub(super) fn at(mut self, time: Timestamp) -> Self {
        self.time = time;
        self
    }

    /// Whether what is missing is a session.
    pub(super) fn is_unauthenticated(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(super) fn unauthenticated(detail: impl Into<String>) -> Self {
        let hint = "breakglass login opens a session that may read";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "no_session",
            "no reading session",
            detail,
            hint,
        )
    }

    pub(super) fn forbidden(needs: &str) -> Self {
        let detail = format!("reading this takes the privilege {needs}");
        let hint = "ask somebody who has it";
        Self::new(
            StatusCode::FORBIDDEN,
            "not_entitled",
            "not entitled",
            detail,
            hint,
        )
    }

    pub(super) fn not_found(what: &str) -> Self {
        let hint = "check the reference; breakglass incident list shows what there is";
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "not found",
            format!("no {what}"),
            hint,
        )
    }

    /// Nothing here is called what was typed; the hint says where such things are listed.
    pub(super) fn unknown(what: &'static str, typed: &str) -> Self {
        let hint = match what {
            "incident" => "breakglass incident list shows which there are",
            "request" => "breakglass pending shows which wait; a request is called like R-1",
            "grant" => "breakglass grant list shows which there are; a grant is called like G-1",
            "account" => "breakglass account list shows which there are",
            "run" => "breakglass action list shows which there are",
            "person" => "breakglass key list shows who there is; who left goes by their last name",
            _ => "check how it is spelled",
        };
        // As much of it as tells what was meant: whoever asks can type anything.
        let typed: String = typed.chars().take(64).collect();
        Self {
            detail: format!("there is no {what} {typed:?}"),
            hint,
            ..Self::not_found(what)
        }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        let hint = "see /v1/openapi.json for the shape";
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "malformed",
            detail,
            hint,
        )
    }

    pub(super) fn body_too_large() -> Self {
        let limit = super::BODY_BYTES_MAX;
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "too large",
            format!("the body is larger than {limit} bytes"),
            "say it shorter",
        )
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "too slow",
            "the body did not arrive in time",
            "send it again",
        )
    }

    pub(super) fn limited(what: &str, wait_s: u64) -> Self {
        let (code, title) = ("rate_limited", "rate limited");
        let hint = "wait as long as Retry-After says";
        let detail = format!("too many {what}");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self {
            retry_after_s: Some(wait_s),
            ..Self::new(status, code, title, detail, hint)
        }
    }

    pub(super) fn nonce() -> Self {
        let detail = "the server's half of the nonce is not one it handed out for this request, or is too old";
        let hint = "fetch the terms again and sign again";
        Self::new(
            StatusCode::CONFLICT,
            "nonce_unknown",
            "nonce unknown",
            detail,
            hint,
        )
    }

    pub(super) fn attachment(detail: impl Into<String>) -> Self {
        let hint = "post the documents that the statement names, and no others";
        let title = "attachments do not fit";
        Self::new(
            StatusCode::BAD_REQUEST,
            "attachment_differs",
            title,
            detail,
            hint,
        )
    }

    pub(super) fn contact(error: &ContactError) -> Self {
        let (status, code, hint) = match error {
            ContactError::Shape => (
                StatusCode::BAD_REQUEST,
                "contact_invalid",
                "give one mail address: breakglass contact set ADDRESS",
            ),
            ContactError::Folder(_) | ContactError::File(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "contact_not_kept",
                "is there room on the server's disk, and may it write to its data_dir?",
            ),
        };
        let title = "no contact was set";
        Self::new(status, code, title, error.to_string(), hint)
    }

    pub(super) fn chain(error: &breakglass_statement::ChainError) -> Self {
        let (code, title) = ("authority_invalid", "the authority does not hold");
        let hint = "compile it from the version in force, and have the root persons sign it";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, code, title, error.to_string(), hint)
    }

    pub(super) fn custody(error: &crate::custody::CustodyError) -> Self {
        if error.is_of_what_was_sent() {
            let (code, title) = ("sealing_unusable", "the sealing cannot be used");
            let hint = "make a new one-time key, or seal the credential again";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Self::new(status, code, title, error.to_string(), hint);
        }
        let hint = "see the server's traces; the credential was not handed out";
        let title = "custody failed";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "custody_failed", title, error.to_string(), hint)
    }

    /// What is looked for cannot be looked for like this.
    pub(super) fn search(detail: impl Into<String>, hint: &'static str) -> Self {
        let (code, title) = ("search_invalid", "this cannot be looked for");
        Self::new(StatusCode::BAD_REQUEST, code, title, detail, hint)
    }

    /// A page is asked for that no page before it named.
    pub(super) fn cursor() -> Self {
        let (code, title) = ("cursor_invalid", "no such page");
        let detail = "the cursor is not one that was given for this search";
        let hint = "begin again without a cursor, or look for the same thing";
        Self::new(StatusCode::BAD_REQUEST, code, title, detail, hint)
    }

    /// What is closed cannot be shown just now.
    pub(super) fn history(error: &ShelfError) -> Self {
        if matches!(error, ShelfError::Search(SearchError::GivenUp)) {
            let (code, title) = ("search_too_broad", "this takes too long to find");
            let hint = "look for more, within an incident or a shorter time";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Self::new(status, code, title, error.to_string(), hint);
        }
        let (code, title) = ("history_behind", "what is closed cannot be shown yet");
        let hint = "try again in a minute; what is open is shown meanwhile";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, code, title, error.to_string(), hint)
    }

    pub(super) fn plane(failure: &breakglass_connectors::Failure) -> Self {
        let (code, title) = ("plane_failed", "the execution plane did not plan");
        let hint = "look at the connector, or act with the credential and record it";
        Self::new(
            StatusCode::BAD_GATEWAY,
            code,
            title,
            failure.to_string(),
            hint,
        )
    }
}

impl From<StatementError> for ApiError {
    fn from(error: StatementError) -> Self {
        let (code, hint) = ("statement_invalid", "sign again with an enrolled key");
        let title = "the statement does not hold";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code,
            title,
            error.to_string(),
            hint,
        )
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = if is_unknown(refusal.code) {
            StatusCode::NOT_FOUND
        } else if is_passing(refusal.code) {
            StatusCode::CONFLICT
        } else {
            StatusCode::FORBIDDEN
        };
        let (code, hint) = (refusal.code.as_str(), refusal.code.hint());
        Self::new(status, code, refusal.code.says(), refusal.to_string(), hint)
    }
}

/// What was asked about is not there.
const fn is_unknown(code: Code) -> bool {
    matches!(
        code,
        Code::IncidentUnknown
            | Code::RequestUnknown
            | Code::GrantUnknown
            | Code::RunUnknown
            | Code::AccountUnknown
    )
}

/// The state of things does not allow it; another time it might.
const fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::StaleAuthority
            | Code::StaleObject
            | Code::Replayed
            | Code::FieldNotRotated
            | Code::AccountBusy
            | Code::RequestNotPending
            | Code::GrantNotActive
            | Code::IncidentNotOpen
            | Code::CredentialMoved
    )
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            Rejection::Refused(refusal) => refusal.into(),
            Rejection::KeyReused => {
                let (code, hint) = (
                    "idempotency_key_reused",
                    "use a new key for a new statement",
                );
                Self::new(
                    StatusCode::CONFLICT,
                    code,
                    "idempotency key reused",
                    detail,
                    hint,
                )
            }
            Rejection::Busy => {
                let (code, hint) = ("busy", "try again in a second; nothing happened");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "busy", detail, hint)
            }
            Rejection::DiskFull => {
                let hint = "make room on the server's disk; revoke, return, deny, withdraw and \
                     resolve are taken meanwhile";
                let (code, title) = ("disk_full", "the disk is nearly full");
                Self::new(StatusCode::INSUFFICIENT_STORAGE, code, title, detail, hint)
            }
            Rejection::TooMany { .. } => {
                let (code, title) = ("too_many_consequences", "too much follows from it");
                let hint = "deny or withdraw pending requests, or wait until they lapse";
                Self::new(StatusCode::CONFLICT, code, title, detail, hint)
            }
            Rejection::Visibility(_) => {
                let (code, title) = ("visibility_differs", "visibility differs");
                let hint = "attach other bytes: what was sealed is never shown, nor the reverse";
                Self::new(StatusCode::CONFLICT, code, title, detail, hint)
            }
            Rejection::Stopped
            | Rejection::Read(_)
            | Rejection::ReadOnly(_)
            | Rejection::NotTaken(_) => {
                let hint = "the log cannot be written or read; nothing is released without it";
                let (code, title) = ("log_unavailable", "log unavailable");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, detail, hint)
            }
            Rejection::TooLarge(_) => {
                let (code, hint) = ("too_large", "say it shorter");
                Self::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    code,
                    "too large",
                    detail,
                    hint,
                )
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: format!("urn:breakglass:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail,
            hint: self.hint.to_owned(),
            server_time_ms: self.time.millis(),
        };
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        let json = header::HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        // What is not there now may be a moment later: a tile, a proof.
        let fresh = header::HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, fresh);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
