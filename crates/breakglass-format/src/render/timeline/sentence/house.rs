//! Sentences about the house itself: the log, the authority, effects, refusals, clock and sinks.

use super::{Scene, Sentence, list};
use crate::{
    event::{
        AccountRef, ActProposed, AuthorityPublished, ClockStepped, CommandRefused, EffectClaimed,
        EpochBegun, KeyEnrolled, KeySuspended, LogRecovered, LogStarted, RefusalsSummarised,
        SessionOpened, SinkChanged, StorageChanged,
    },
    render::timeline::quote::quote,
    statement::Kind,
    vocabulary::{EffectKind, StorageFault},
};

pub(super) fn log_started(d: &LogStarted) -> Sentence {
    let says = format!(
        "the log {} begins, written by {}",
        quote(&d.origin),
        quote(&d.software)
    );
    let key = format!("its key: {}", quote(&d.vkey));
    Sentence {
        says,
        details: vec![format!("genesis: {}", d.genesis), key],
    }
}

pub(super) fn authority_published(d: &AuthorityPublished, scene: &Scene<'_>) -> Sentence {
    let (by, waits) = if d.all_roots {
        ("every root person", "new keys count at once")
    } else {
        (
            "enough root persons, not all",
            "new keys wait before they approve",
        )
    };
    let version = d.version;
    let says = format!("version {version} of the authority takes effect, signed by {by}; {waits}");
    let mut details = vec![format!("document: {}", d.digest)];
    details.extend(scene.clocks(&d.clocks));
    Sentence { says, details }
}

pub(super) fn key_enrolled(d: &KeyEnrolled) -> Sentence {
    let recovery = if d.recovery {
        " as a RECOVERY, without an older key's consent"
    } else {
        ""
    };
    let says = format!(
        "{} enrolled the key {}{recovery}",
        d.member.principal, d.key
    );
    let signs = list(d.namespaces.iter().map(|kind| Kind::word(*kind)));
    Sentence {
        says,
        details: vec![format!("it signs: {signs}")],
    }
}

pub(super) fn key_suspended(d: &KeySuspended, scene: &Scene<'_>) -> Sentence {
    let (who, principal) = (&scene.who, &d.member.principal);
    let what = match &d.key.0 {
        Some(key) => format!("the key {key} of {principal}"),
        None => format!("{principal}, with every key"),
    };
    Sentence {
        says: format!("{who} SUSPENDED {what}"),
        details: vec![format!("why: {}", quote(&d.reason))],
    }
}

pub(super) fn session_opened(d: &SessionOpened, scene: &Scene<'_>) -> Sentence {
    let (who, until) = (&d.member.principal, scene.time(d.not_after));
    let says = format!("{who} lets a key of their client sign lesser acts until {until}");
    let keys = format!("session key {}, certified by {}", d.session_key, d.key);
    Sentence {
        says,
        details: vec![keys],
    }
}

pub(super) fn effect_claimed(d: &EffectClaimed, scene: &Scene<'_>) -> Sentence {
    let account = &d.account.name;
    let what = match (d.effect, d.run_id.0) {
        (EffectKind::Rotate, _) => format!("changes the credential of {account} at its target now"),
        (EffectKind::Dispatch, Some(run)) => {
            format!(
                "hands to the execution plane, as {account}: {}",
                scene.names.run(run)
            )
        }
        (EffectKind::Dispatch, None) => format!("hands a run to the execution plane, as {account}"),
    };
    format!("the server {what} (attempt {})", d.attempt).into()
}

pub(super) fn act_proposed(d: &ActProposed, scene: &Scene<'_>) -> Sentence {
    format!(
        "{} proposed {} for {}; a second person may agree until {}",
        scene.who,
        d.command,
        d.about,
        scene.time(d.until),
    )
    .into()
}

pub(super) fn refused(d: &CommandRefused, scene: &Scene<'_>) -> Sentence {
    let about = match scene.names.known(d.object.as_str()) {
        _ if d.object.is_empty() => String::new(),
        Some(reference) => format!(" ({reference})"),
        None => format!(" ({})", quote(&d.object)),
    };
    let says = format!("REFUSED: {} by {}{about}: {}", d.command, scene.who, d.code);
    let compared = d
        .compared
        .iter()
        .map(|c| format!("{} {}", c.name, quote(&c.value)));
    let details = (!d.compared.is_empty()).then(|| format!("compared: {}", list(compared)));
    Sentence {
        says,
        details: details.into_iter().collect(),
    }
}

pub(super) fn refusals_summarised(d: &RefusalsSummarised, scene: &Scene<'_>) -> Sentence {
    let refusals = super::count(d.count, "more refusal");
    let to = match scene.entry.person.0 {
        Some(_) => scene.who.as_str(),
        None => "people who did not prove who they are",
    };
    format!(
        "{refusals} since {}, not written one by one, to {to}",
        scene.time(d.since)
    )
    .into()
}

pub(super) fn clock_stepped(d: &ClockStepped) -> Sentence {
    let way = if d.step_ms < 0 { "back" } else { "forward" };
    let ms = d.step_ms.unsigned_abs();
    format!(
        "the wall clock stepped {way} by {}.{:03} s",
        ms / 1000,
        ms % 1000
    )
    .into()
}

pub(super) fn storage_changed(d: &StorageChanged) -> Sentence {
    let state = match (d.fault, d.present) {
        (StorageFault::DiskFull, true) => {
            "the disk of the log is nearly FULL: only what ends access is taken"
        }
        (StorageFault::DiskFull, false) => "the disk of the log has room again",
        (StorageFault::Damaged, true) => "something stored in the log is DAMAGED",
        (StorageFault::Damaged, false) => "nothing stored in the log is damaged any more",
    };
    let detail = if d.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", quote(&d.detail))
    };
    format!("{state}{detail}").into()
}

pub(super) fn log_recovered(d: &LogRecovered) -> Sentence {
    let says = match d.recovered {
        0 => "the log was RECOVERED; no entry was missing".to_owned(),
        n => format!("the log was RECOVERED: {n} of the entries before this came from copies"),
    };
    let details = after_a_loss(&d.lost);
    Sentence { says, details }
}

pub(super) fn epoch_begun(d: &EpochBegun) -> Sentence {
    let says = format!(
        "EPOCH {} begins: the log goes on as {}, with what is above and nothing else of before",
        d.number,
        quote(&d.origin)
    );
    let mut details = vec![format!("its key: {}", quote(&d.vkey))];
    details.extend(after_a_loss(&d.lost));
    Sentence { says, details }
}

fn after_a_loss(lost: &[AccountRef]) -> Vec<String> {
    let follows = "every grant ends, every request is void, every credential is to be rotated";
    let mut details = vec![follows.to_owned()];
    if !lost.is_empty() {
        let lost = list(lost.iter().map(|account| &account.name));
        details.push(format!("no copy had the credentials of {lost}"));
    }
    details
}

/// Those who cosign the log speak through the event of the sinks.
const WITNESSES: &str = "witnesses";

pub(super) fn sink_changed(d: &SinkChanged) -> Sentence {
    if d.sink.as_str() == WITNESSES {
        let state = if d.working { "well" } else { "NOT well" };
        return format!(
            "all is {state} with the witnesses of the log: {}",
            quote(&d.detail)
        )
        .into();
    }
    let state = if d.working { "works" } else { "does NOT work" };
    let detail = if d.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", quote(&d.detail))
    };
    format!("the sink {} {state}{detail}", d.sink).into()
}
