//! What witnesses say of the log that is shown, told with every command where `client.toml` asks for
//! it: before what only looks at the record, and after everything else, so that no emergency waits.

use std::time::Duration;

use super::Context;
use crate::{
    hint::{Code, Failure},
    state::{PinError, WitnessConfig},
    trust::{Trust, TrustError},
    witnessed::{Insistence, NotWitnessed},
};

/// How long each question may take when people have what they came for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Before the record is looked at: without witnesses it is refused where that is asked for, and
/// else looked at all the same.
pub(super) fn before(cx: &Context) -> Result<(), Failure> {
    match ask(cx) {
        Some((config, Err(error))) if config.require || is_fork(&error) => Err(refused(error)),
        Some((_, Err(error))) => {
            warn(&error, cx);
            Ok(())
        }
        Some((_, Ok(()))) | None => Ok(()),
    }
}

/// After something else was done, whatever witnesses say.
pub(super) fn after(cx: &Context) {
    if let Some((_, Err(error))) = ask(cx) {
        warn(&error, cx);
    }
}

/// What witnesses say, where somebody wants to know. Whoever did not join from here is told by the
/// command itself.
fn ask(cx: &Context) -> Option<(WitnessConfig, Result<(), NotWitnessed>)> {
    let config = cx.config().ok()?.witness?;
    let config = config.in_dir(&cx.home().config_file());
    let asked = Insistence::of(&config).and_then(|insistence| {
        let genesis = cx.config().map(|config| config.genesis);
        let (Ok(genesis), Ok(client)) = (genesis, cx.anybody()) else {
            return Ok(());
        };
        let client = client.with_timeout(PATIENCE);
        let trust = Trust::establish(&client, cx.home().pins(genesis), genesis)?;
        let asked = insistence.ask(&client, &trust, cx.now());
        cx.tell_of_crossing(&trust);
        asked
    });
    Some((config, asked))
}

fn is_fork(error: &NotWitnessed) -> bool {
    matches!(
        error,
        NotWitnessed::Trust(TrustError::Pin(PinError::Fork(_)))
    )
}

fn refused(error: NotWitnessed) -> Failure {
    if let NotWitnessed::Trust(error @ TrustError::Pin(_)) = error {
        return error.into();
    }
    Failure::of(Code::NotWitnessed, error.to_string()).hint(
        "client.toml says require: compare what others are shown, ask who runs the log; what an \
         emergency needs goes on",
    )
}

fn warn(error: &NotWitnessed, cx: &Context) {
    cx.output()
        .warn(&format!("warning: not witnessed: {error}"));
}
