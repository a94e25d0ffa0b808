//! `breakglass pending`.

use super::{Context, request::rows};
use crate::{hint::Failure, output::table::table};

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let requests = cx.client()?.requests(true)?;
    if cx.output().is_json() {
        cx.output().json(&requests);
        return Ok(());
    }
    if requests.is_empty() {
        cx.output().say("nothing waits for an approval");
    }
    let heading = [
        "request",
        "incident",
        "account",
        "requester",
        "for",
        "approved by",
        "lapses",
    ];
    for line in table(heading, &rows(&requests)) {
        cx.output().data(&line);
    }
    Ok(())
}
