//! The log as C2SP tlog-tiles, under `/log`: the checkpoint, tiles of hashes, bundles of entries.
//!
//! Whatever is answered is under the last published checkpoint and was checked against its root.

use std::io::Write as _;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use breakglass_format::vocabulary::Privilege;
use breakglass_store::{ReadError, TileError, View};
use breakglass_tlog::{EntriesPath, TilePath, encode_entries, tile::TILE_WIDTH};
use flate2::{Compression, write::GzEncoder};

use super::evidence;
use crate::{
    config::Public,
    http::{
        app::App,
        extract::{Looking, Reading},
        problem::ApiError,
    },
};

/// What every path of the log begins with.
const PREFIX: &str = "/log/";

/// A tile never changes: whoever has it need not ask for it again, for a year.
const FOR_ANYBODY: &str = "public, max-age=31536000, immutable";
/// The same, in the caches of whoever was allowed to ask.
const FOR_THE_ASKER: &str = "private, max-age=31536000, immutable";

/// The latest signed checkpoint.
#[utoipa::path(get, path = "/log/checkpoint", operation_id = "log_checkpoint",
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")))]
pub(crate) async fn checkpoint(
    app: State<App>,
    looking: Looking,
) -> Result<impl IntoResponse, ApiError> {
    evidence::checkpoint(app, looking).await
}

/// A tile of hashes: `index` in groups of three digits, `x001/x234/067`; `.p/W` behind it for the
/// first `W` hashes of 256.
#[utoipa::path(get, path = "/log/tile/{level}/{index}", operation_id = "log_tile",
    params(("level" = u8, Path), ("index" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn tile(
    State(app): State<App>,
    looking: Looking,
    uri: Uri,
) -> Result<Response, ApiError> {
    looking.require_auditor(Public::Tiles, &app)?;
    let missing = || ApiError::not_found("such tile").at(app.now());
    let path = TilePath::parse(relative(&uri)).map_err(|_| missing())?;
    let read = app.readers.read(move |log| tile_of(log, path)).await;
    let bytes = app.of_log(read)?.ok_or_else(missing)?;
    let caching = match app.public {
        Public::Tiles => FOR_ANYBODY,
        Public::Nothing | Public::Checkpoint => FOR_THE_ASKER,
    };
    Ok(immutable(caching, bytes))
}

/// A bundle of entries, each behind its length in two bytes; the path is as that of a tile.
#[utoipa::path(get, path = "/log/tile/entries/{index}", operation_id = "log_entries",
    params(("index" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn entries(
    State(app): State<App>,
    reading: Reading,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    reading.require(Privilege::Auditor, &app)?;
    let missing = || ApiError::not_found("such entries").at(app.now());
    let path = EntriesPath::parse(relative(&uri)).map_err(|_| missing())?;
    let zipped = takes_gzip(&headers);
    let read = app.readers.read(move |log| {
        let bundle = entries_of(log, path)?;
        // Here, where as many work at a time as there are readers.
        Ok(bundle.map(|bytes| if zipped { gzip(&bytes) } else { bytes }))
    });
    let bytes = app.of_log(read.await)?.ok_or_else(missing)?;
    let mut response = immutable(FOR_THE_ASKER, bytes);
    let headers = response.headers_mut();
    let varies = HeaderValue::from_static("accept-encoding");
    headers.insert(header::VARY, varies);
    if zipped {
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(header::CONTENT_ENCODING, gzip);
    }
    Ok(response)
}

/// The path below the prefix as it was sent: what is spelled another way, percent signs included,
/// is no path of this log.
fn relative(uri: &Uri) -> &str {
    uri.path().strip_prefix(PREFIX).unwrap_or_default()
}

/// A tile as wide as asked for, if the tree of the last published checkpoint has it.
fn tile_of(log: &View<'_>, path: TilePath) -> Result<Option<Vec<u8>>, ReadError> {
    match log.tile(path.level(), path.index(), path.width()) {
        Err(ReadError::Tile(TileError::Outside { .. })) => Ok(None),
        read => read.map(Some),
    }
}

/// A bundle as wide as asked for, if the log of the last published checkpoint has it.
fn entries_of(log: &View<'_>, path: EntriesPath) -> Result<Option<Vec<u8>>, ReadError> {
    let first = path.index().checked_mul(u64::from(TILE_WIDTH));
    let range = first.and_then(|first| Some(first..first.checked_add(u64::from(path.width()))?));
    let Some(range) = range.filter(|range| range.end <= log.head().size()) else {
        return Ok(None);
    };
    // What the log took is no longer than a bundle can say.
    Ok(encode_entries(&log.entries(range)?).ok())
}

fn immutable(caching: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, caching),
    ];
    (headers, bytes).into_response()
}

/// Whether a caller can unpack gzip: it is named, or everything is, with a weight that is not 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(coding)
        .collect::<Vec<_>>();
    // A coding that is named counts before the star.
    codings.sort_by_key(|(name, _)| name == "*");
    codings
        .iter()
        .find(|(name, _)| matches!(name.as_str(), "gzip" | "x-gzip" | "*"))
        .is_some_and(|(_, wanted)| *wanted)
}

/// A coding of `Accept-Encoding` in small letters, and whether it is wanted at all.
fn coding(part: &str) -> (String, bool) {
    let mut pieces = part.split(';').map(str::trim);
    let name = pieces.next().unwrap_or_default().to_ascii_lowercase();
    let weight = pieces.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let wanted = weight.is_none_or(|q| q.trim().parse::<f32>().is_ok_and(|q| q > 0.0));
    (name, wanted)
}

/// Packed so that the same bytes always give the same: no name, no time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_whoever_says_that_they_unpack_it() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        for yes in [
            "gzip",
            "GZIP",
            "deflate, gzip;q=0.5",
            "br , gzip",
            "*",
            "x-gzip",
            "gzip;q=1.000",
            "*;q=0, gzip",
        ] {
            assert!(takes(yes), "{yes}");
        }
        for no in [
            "",
            "identity",
            "br, deflate",
            "gzip;q=0",
            "gzip;q=0.000",
            "gzip; q=0, *",
            "*;q=0",
            "gzipped",
            "gzip;q=lots",
        ] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
