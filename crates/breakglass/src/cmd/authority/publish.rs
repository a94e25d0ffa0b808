//! `breakglass authority publish`.

use std::path::Path;

use serde_json::json;

use super::{
    read,
    verify::{gather, missing},
};
use crate::{cmd::Context, hint::Failure};

/// Posts the next version with the signatures that lie beside it. Whose they are, and whether
/// they are enough, the server checks, and every client after it.
pub(super) fn run(file: &Path, cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.trust()?;
    let before = trust.authorities().current().bytes().to_vec();
    let bytes = read(file)?;
    let submission = gather(file, &bytes, Some(&before))?;
    let received = client.publish(&submission, trust.log()).map_err(|e| {
        let failure = Failure::from(e);
        // Of a version that follows, only signatures can be too few.
        let short = failure.message().contains("root person");
        match missing(file, &bytes, &submission).join(", ") {
            absent if short && !absent.is_empty() => {
                failure.hint(format!("not there yet: {absent}"))
            }
            _ => failure,
        }
    })?;
    let indices: Vec<u64> = received.iter().map(|r| r.index).collect();
    let words: Vec<String> = indices.iter().map(u64::to_string).collect();
    cx.output()
        .answer(&words.join(" "), &json!({"entries": indices}));
    cx.output()
        .say("the next version is in force, on record and proven");
    Ok(())
}
