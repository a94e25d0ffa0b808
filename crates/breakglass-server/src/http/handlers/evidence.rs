//! The log and what lies beside it, for auditors; the checkpoint and proofs for every reader.

use std::sync::atomic::Ordering;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use breakglass_api::wire::{EntryPage, Proven};
use breakglass_format::{Digest, vocabulary::Privilege};
use breakglass_store::{ReadError, Visibility};
use breakglass_tlog::ProofBundle;
use serde::Deserialize;

use crate::{
    config::Public,
    engine::Rejection,
    http::{
        app::App,
        extract::{Looking, Path, Query, Reading},
        problem::ApiError,
    },
};

/// Entries in one page at most.
pub(super) const PAGE: u64 = 256;

/// How a checkpoint is served: it is another one in a moment.
const NOTE: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The latest signed checkpoint, with the lines of the witnesses that have cosigned it so far.
#[utoipa::path(get, path = "/v1/log/checkpoint",
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")))]
pub(crate) async fn checkpoint(
    State(app): State<App>,
    looking: Looking,
) -> Result<impl IntoResponse, ApiError> {
    looking.require_session(Public::Checkpoint, &app)?;
    let published = app.published();
    let head = published.head.checkpoint();
    let witnesses = app.tools.witnesses.as_ref();
    let text = witnesses.map_or_else(|| head.to_text(), |w| w.with_cosignatures(head));
    Ok((NOTE, text))
}

/// The last checkpoint that enough witnesses have cosigned. The log may have grown since.
#[utoipa::path(get, path = "/v1/log/cosigned", responses(
    (status = 200, body = String, content_type = "text/plain; charset=utf-8"),
    (status = 404, body = breakglass_api::Problem)))]
pub(crate) async fn cosigned(
    State(app): State<App>,
    looking: Looking,
) -> Result<impl IntoResponse, ApiError> {
    looking.require_session(Public::Checkpoint, &app)?;
    let witnesses = app.tools.witnesses.as_ref();
    match witnesses.and_then(|w| w.cosigned()) {
        Some(text) => Ok((NOTE, text)),
        None => Err(ApiError::not_found("cosigned checkpoint").at(app.now())),
    }
}

/// Two sizes of the log.
#[derive(Debug, Deserialize)]
pub(crate) struct Sizes {
    old: u64,
    new: u64,
}

/// The proof that the log at one size continues the log at another: base64 hashes.
#[utoipa::path(get, path = "/v1/log/consistency",
    params(("old" = u64, Query), ("new" = u64, Query)),
    responses((status = 200, body = Vec<String>)))]
pub(crate) async fn consistency(
    State(app): State<App>,
    looking: Looking,
    Query(sizes): Query<Sizes>,
) -> Result<Json<Vec<String>>, ApiError> {
    looking.require_session(Public::Checkpoint, &app)?;
    let size = app.published().head.size();
    if sizes.old > sizes.new || sizes.new > size {
        return Err(
            ApiError::bad(format!("sizes must be in order and at most {size}")).at(app.now()),
        );
    }
    let read = app
        .readers
        .read(move |log| log.consistency_proof(sizes.old, sizes.new))
        .await;
    let proof = app.of_log(read)?;
    Ok(Json(
        proof.iter().map(breakglass_tlog::Hash::to_base64).collect(),
    ))
}

/// An entry with its proof: under a checkpoint that enough witnesses have cosigned, where there is
/// one that has the entry.
#[utoipa::path(get, path = "/v1/log/proof/{index}", params(("index" = u64, Path)),
    responses((status = 200, body = Proven)))]
pub(crate) async fn proof(
    State(app): State<App>,
    reading: Reading,
    Path(index): Path<u64>,
) -> Result<Json<Proven>, ApiError> {
    reading.require(Privilege::Auditor, &app)?;
    let published = app.published();
    if index >= published.head.size() {
        return Err(ApiError::not_found("such entry").at(app.now()));
    }
    // A log that only reads may differ from what witnesses have cosigned.
    let witnesses = app.tools.witnesses.as_ref();
    let Some(witnesses) = witnesses.filter(|_| app.tools.read_only.is_none()) else {
        return app.proven(index).await.map(Json);
    };
    let checkpoint = witnesses.for_entry(index, published.head.checkpoint());
    let read = app.readers.read(move |log| {
        let proof = log.inclusion_proof(index, checkpoint.checkpoint().size())?;
        let entry = String::from_utf8_lossy(&log.entry(index)?).into_owned();
        let proof = ProofBundle::new(index, proof, &checkpoint).to_text();
        Ok::<_, ReadError>(Proven { entry, proof })
    });
    let proven = app.of_log(read.await)?;
    Ok(Json(proven))
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    from: u64,
}

/// Raw entries, a page at a time.
#[utoipa::path(get, path = "/v1/log/entries", params(("from" = u64, Query)),
    responses((status = 200, body = EntryPage)))]
pub(crate) async fn entries(
    State(app): State<App>,
    reading: Reading,
    Query(page): Query<From>,
) -> Result<Json<EntryPage>, ApiError> {
    reading.require(Privilege::Auditor, &app)?;
    let size = app.published().head.size();
    let from = page.from.min(size);
    let to = size.min(from.saturating_add(PAGE));
    let read = app.readers.read(move |log| log.entries(from..to)).await;
    let entries = app.of_log(read)?;
    let entries = entries
        .iter()
        .map(|e| String::from_utf8_lossy(e).into_owned())
        .collect();
    Ok(Json(EntryPage { from, entries }))
}

/// A blob; sealed credentials and checkout envelopes are never served.
#[utoipa::path(get, path = "/v1/blobs/{digest}", params(("digest" = String, Path)),
    responses((status = 200, body = Vec<u8>)))]
pub(crate) async fn blob(
    State(app): State<App>,
    reading: Reading,
    Path(digest): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    reading.require(Privilege::Auditor, &app)?;
    let missing = || ApiError::not_found("such blob").at(app.now());
    let digest: Digest = digest.parse().map_err(|_| missing())?;
    let read = app.readers.read(move |log| log.blob(&digest)).await;
    match app.of_log(read)? {
        Some(blob) if blob.visibility == Visibility::Public => Ok((
            [(header::CONTENT_TYPE, "application/octet-stream")],
            blob.bytes,
        )),
        _ => Err(missing()),
    }
}

impl App {
    pub(super) fn of_log<T>(
        &self,
        read: Result<Result<T, breakglass_store::ReadError>, Rejection>,
    ) -> Result<T, ApiError> {
        let read = read.map_err(|e| ApiError::from(e).at(self.now()))?;
        if read
            .as_ref()
            .is_err_and(breakglass_store::ReadError::is_damage)
        {
            // Whoever watches the server need not wait until it is looked for.
            self.tools.scrubbed.met.store(true, Ordering::Relaxed);
        }
        read.map_err(|e| ApiError::from(Rejection::Read(e)).at(self.now()))
    }
}
