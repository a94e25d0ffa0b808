//! `breakglass authority publish`.

use std::path::Path;

use serde_json::json;

use super::{read, verify::gather};
use crate::{cmd::Context, hint::Failure};

/// Posts the next version with the signatures that lie beside it. Whose they are, and whether
/// they are enough, the server checks, and every client after it.
pub(super) fn run(file: &Path, cx: &Context) -> Result<(), Failure> {
    let (client, trust) = cx.trust()?;
    let before = trust.authorities().current().bytes().to_vec();
    let submission = gather(file, &read(file)?, Some(&before))?;
    let received = client.publish(&submission, trust.log())?;
    let indices: Vec<u64> = received.iter().map(|r| r.index).collect();
    let words: Vec<String> = indices.iter().map(u64::to_string).collect();
    cx.output()
        .answer(&words.join(" "), &json!({"entries": indices}));
    cx.output()
        .say("the next version is in force, on record and proven");
    Ok(())
}
