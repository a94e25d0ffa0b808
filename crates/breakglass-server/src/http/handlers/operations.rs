//! What anybody may ask: is it alive, what is it, whom does it trust.

use std::sync::atomic::Ordering;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use breakglass_api::wire::{AuthorityChain, AuthoritySubmission, RootSignature, Status};
use breakglass_core::readiness::Severity;
use breakglass_format::Principal;

use breakglass_store::Ledger as _;

use crate::engine::Rejection;
use crate::http::{app::App, extract::Anybody, problem::ApiError};
use crate::witnesses::Figures;

/// What anybody may know.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = Status)))]
pub(crate) async fn status(State(app): State<App>, _: Anybody) -> Json<Status> {
    let published = app.published();
    Json(Status {
        instance: published.authorities.instance(),
        title: published
            .authorities
            .current()
            .authority()
            .title
            .to_string(),
        time: app.now(),
        state: state(&app),
        log_size: published.head.size(),
        software: concat!("breakglass ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

/// `writable`, or why not.
fn state(app: &App) -> String {
    match &app.tools.read_only {
        Some(reason) => format!("read-only: {reason}"),
        None if app.tools.scrubbed.found_damage() => {
            "something stored is damaged: docs/procedures/restore.md".to_owned()
        }
        None if app.engine.room().is_full() => Rejection::DiskFull.to_string(),
        None => "writable".to_owned(),
    }
}

/// The authority and how it came to be: public keys and names, no secrets, which a client needs
/// before it can trust anything else.
#[utoipa::path(get, path = "/v1/authority", responses((status = 200, body = AuthorityChain)))]
pub(crate) async fn authority(State(app): State<App>, _: Anybody) -> Json<AuthorityChain> {
    let authorities = app.authorities();
    let versions = authorities
        .versions()
        .map(|version| submission(version.bytes(), version.armoured()));
    let epochs = authorities
        .epochs()
        .map(|epoch| submission(epoch.bytes(), epoch.armoured()));
    Json(AuthorityChain {
        epochs: epochs.collect(),
        versions: versions.collect(),
    })
}

/// What root persons signed together.
fn submission<'a>(
    document: &[u8],
    armoured: impl Iterator<Item = (&'a Principal, &'a str)>,
) -> AuthoritySubmission {
    let signatures = armoured.map(|(principal, armoured)| RootSignature {
        principal: principal.to_string(),
        signature: armoured.to_owned(),
    });
    AuthoritySubmission {
        document: String::from_utf8_lossy(document).into_owned(),
        signatures: signatures.collect(),
    }
}

/// This API, described.
pub(crate) async fn openapi() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        crate::http::openapi::document(),
    )
}

/// The process is there.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The log can be asked.
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    let away = |told: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{told}\n"));
    if app.tools.read_only.is_some() {
        return away("read-only");
    }
    if app.tools.scrubbed.found_damage() {
        return away("something stored is damaged");
    }
    if app.engine.room().is_full() {
        return away("the disk is nearly full: only what ends access is taken");
    }
    if app.engine.trouble().is_some() {
        return away("the log does not take what time calls for");
    }
    if app
        .engine
        .read(|ledger| ledger.head().size())
        .await
        .is_err()
    {
        return away("the log cannot be asked");
    }
    // What a witness says never takes the server away from people in an emergency.
    let alarms = app.tools.witnesses.iter().flat_map(|w| w.alarms());
    let alarms: String = alarms.map(|alarm| format!("{alarm}\n")).collect();
    (StatusCode::OK, format!("ready\n{alarms}"))
}

/// Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let published = app.published();
    let world = &published.world;
    let active = world.grants().filter(|g| g.is_active()).count() as u64;
    let pending = world.requests().filter(|r| r.is_pending()).count() as u64;
    let rotations = world
        .accounts()
        .filter(|(_, a)| a.rotation.is_some())
        .count() as u64;
    let open = world.incidents().filter(|i| i.is_open()).count() as u64;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let failing = crate::readiness::lacks(&app.published().world, &app.tools, app.now());
    let failing = failing.iter().filter(|l| l.severity == Severity::Fails);
    let rows: [(&str, &str, u64); 12] = [
        ("readiness_failures", "gauge", failing.count() as u64),
        ("log_entries", "counter", published.head.size()),
        ("incidents_open", "gauge", open),
        ("requests_pending", "gauge", pending),
        ("grants_active", "gauge", active),
        ("rotations_pending", "gauge", rotations),
        (
            "statements_accepted_total",
            "counter",
            count(&app.counters.accepted),
        ),
        (
            "statements_refused_total",
            "counter",
            count(&app.counters.refused),
        ),
        (
            "statements_unauthenticated_total",
            "counter",
            count(&app.counters.unauthenticated),
        ),
        (
            "statements_rate_limited_total",
            "counter",
            count(&app.counters.limited),
        ),
        (
            "reads_rate_limited_total",
            "counter",
            count(&app.counters.reads_limited),
        ),
        (
            "time_not_recorded",
            "gauge",
            u64::from(app.engine.trouble().is_some()),
        ),
    ];
    let witnessed = app.tools.witnesses.as_ref().map(|w| w.figures());
    let rows = rows
        .into_iter()
        .chain(witnessed.into_iter().flat_map(witness_rows));
    let text: String = rows
        .chain(of_storage(&app))
        .map(|(name, kind, n)| format!("# TYPE breakglass_{name} {kind}\nbreakglass_{name} {n}\n"))
        .collect();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// What the disk has room for, and what was read again of what is on it.
fn of_storage(app: &App) -> [(&'static str, &'static str, u64); 7] {
    let (scrubbed, room) = (&app.tools.scrubbed, app.engine.room());
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let ended_s = scrubbed.ended_ms.load(Ordering::Relaxed) / 1_000;
    [
        ("disk_full", "gauge", u64::from(room.is_full())),
        ("disk_free_bytes", "gauge", room.free()),
        (
            "scrubbed_entries_total",
            "counter",
            count(&scrubbed.entries),
        ),
        ("scrubbed_bytes_total", "counter", count(&scrubbed.bytes)),
        ("scrub_passes_total", "counter", count(&scrubbed.passes)),
        ("scrub_damaged", "gauge", count(&scrubbed.damaged)),
        (
            "scrub_ended_seconds",
            "gauge",
            u64::try_from(ended_s).unwrap_or(0),
        ),
    ]
}

/// What metrics tell of witnesses, where some are asked.
fn witness_rows(figures: Figures) -> [(&'static str, &'static str, u64); 5] {
    [
        ("witnesses", "gauge", figures.witnesses),
        ("witnesses_cosigning", "gauge", figures.cosigning),
        ("witness_quorum_met", "gauge", u64::from(figures.quorum_met)),
        ("witness_alarms", "gauge", figures.alarms),
        ("log_entries_cosigned", "gauge", figures.cosigned_entries),
    ]
}

/// No such path.
pub(crate) async fn not_found(State(app): State<App>) -> ApiError {
    ApiError::not_found("such path").at(app.now())
}

/// The path is there, but not for this method.
pub(crate) async fn wrong_method(State(app): State<App>) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "wrong method",
        "this path is not for this method",
        "see /v1/openapi.json",
    )
    .at(app.now())
}
