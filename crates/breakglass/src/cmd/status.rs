//! `breakglass status`.

use super::Context;
use crate::{actor::ActorError, hint::Failure, output::line};

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let config = cx.config()?;
    let status = cx.anybody()?.status()?;
    if status.instance != config.genesis {
        let (pinned, got) = (config.genesis, status.instance);
        return Err(Failure::from(ActorError::ForeignInstance { pinned, got }));
    }
    if cx.output().is_json() {
        cx.output().json(&status);
        return Ok(());
    }
    let rows = [
        ("installation", line(&status.title)),
        ("state", line(&status.state)),
        ("log", format!("{} entries", status.log_size)),
        ("server time", status.time.to_string()),
        ("software", line(&status.software)),
    ];
    for (name, value) in rows {
        cx.output().data(&format!("{name:<13} {value}"));
    }
    Ok(())
}
