//! How the log stands to everything else that knows of it: the high-water mark, what witnesses
//! cosigned, and the file that follows it. A log that is behind, or another, takes nothing.

use std::path::Path;

use breakglass_format::{Digest, Entry, Event};
use breakglass_sinks::jsonl::last_in;
use breakglass_store::{HighWater, HighWaterMark, Ledger as _, ReadError, SqliteLedger, compare};
use breakglass_tlog::SigningKey;

use crate::{
    config::Config, engine::Opened, opening::mark, start::StartError, witnesses::COSIGNED,
};

/// The file that follows the log, in `data_dir`.
pub(crate) const EVENTS: &str = "events.jsonl";
/// Entries that are read at a time.
const BATCH: u64 = 256;

/// Where something knows of a log, a missing file is not a new beginning.
pub(crate) fn no_log_is_known(
    config: &Config,
    key: &SigningKey,
    path: &Path,
) -> Result<(), StartError> {
    let origin = key.verifier().name().as_str();
    let gone = |trace: String| StartError::LogGone {
        path: path.to_owned(),
        trace,
    };
    for (what, mark) in [
        ("the high-water mark", mark(config)),
        ("what witnesses cosigned,", cosigned_mark(config)),
    ] {
        match mark.read(origin, key.verifier()) {
            Ok(None) => {}
            Ok(Some(signed)) if signed.checkpoint().size() == 0 => {}
            Ok(Some(_)) | Err(_) => {
                return Err(gone(format!("{what} {}", mark.path().display())));
            }
        }
    }
    let events = config.data_dir.join(EVENTS);
    if std::fs::metadata(&events).is_ok_and(|file| file.len() > 0) {
        return Err(gone(events.display().to_string()));
    }
    Ok(())
}

/// Why nothing may be appended, where the log is behind what it was or differs from it.
pub(crate) fn read_only(
    opened: &Opened,
    config: &Config,
    key: &SigningKey,
) -> Result<Option<String>, StartError> {
    if let Some(missing) = &opened.missing {
        return Ok(Some(missing.clone()));
    }
    let origin = key.verifier().name().as_str();
    let read = match mark(config).read(origin, key.verifier()) {
        Ok(read) => read,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let unread = |e: breakglass_store::ReadError| StartError::Mark(e.to_string());
    let stand = compare(read.as_ref(), &opened.ledger).map_err(unread)?;
    let behind = why_behind(stand);
    if behind.is_some() {
        return Ok(behind);
    }
    // What witnesses have cosigned is a second mark, and the log's key is under it too. One that is
    // missing or damaged says nothing: they are asked anew.
    if let Ok(Some(cosigned)) = cosigned_mark(config).read(origin, key.verifier()) {
        let stand = compare(Some(&cosigned), &opened.ledger).map_err(unread)?;
        if let Some(why) = why_behind(stand) {
            let why = format!("witnesses have cosigned more or another tree: {why}");
            return Ok(Some(why));
        }
    }
    behind_its_file(&config.data_dir.join(EVENTS), &opened.ledger).map_err(unread)
}

/// Why a log takes nothing that lacks what `events.jsonl` has of it: the file follows the log and
/// is never ahead of it, but for what a recovery or an epoch gave up.
fn behind_its_file(path: &Path, log: &SqliteLedger) -> Result<Option<String>, ReadError> {
    let Some((last, leaf)) = last_in(path).ok().flatten() else {
        return Ok(None);
    };
    let (head, path) = (log.head().size(), path.display());
    if last < head && leaf.is_none_or(|leaf| is_entry(log, last, leaf).unwrap_or(true)) {
        return Ok(None);
    }
    if gave_up(log, last)? {
        return Ok(None);
    }
    let had = last.saturating_add(1);
    Ok(Some(if last < head {
        another(head, &format!("the one that {path} has {had} entries of"))
    } else {
        restored(head, &format!("{path} has {had}"))
    }))
}

fn is_entry(log: &SqliteLedger, index: u64, leaf: Digest) -> Result<bool, ReadError> {
    let entry = log.entry(index)?;
    Ok(*breakglass_tlog::leaf_hash(&entry).as_bytes() == *leaf.as_bytes())
}

/// Whether entries of the log were given up at this index or before. It is read from the end, and
/// only where the file has something that the log has not.
fn gave_up(log: &SqliteLedger, index: u64) -> Result<bool, ReadError> {
    let mut end = log.head().size().min(index.saturating_add(1));
    while end > 0 {
        let begin = end.saturating_sub(BATCH);
        for bytes in log.entries(begin..end)? {
            let entry = Entry::from_bytes(&bytes);
            let event = entry.as_ref().map(|entry| &entry.event);
            if let Ok(Event::LogRecovered(_) | Event::EpochBegun(_)) = event {
                return Ok(true);
            }
        }
        end = begin;
    }
    Ok(false)
}

/// Why a log that stands like this to a mark takes nothing.
fn why_behind(stand: HighWater) -> Option<String> {
    match stand {
        HighWater::New | HighWater::Equal | HighWater::Ahead { .. } => None,
        HighWater::Behind { mark, head } => Some(restored(head, &format!("had {mark}"))),
        HighWater::Missing { head } => Some(format!(
            "the high-water mark is missing beside a log of {head} entries: whether entries are \
             missing cannot be told; compare it with an export before anybody trusts it"
        )),
        HighWater::Forked { mark, head } => Some(another(
            head,
            &format!("the log that was signed at size {mark}"),
        )),
    }
}

fn restored(head: u64, known: &str) -> String {
    format!(
        "the log has {head} entries but {known}: this is a restored backup; put the newest copy of \
         the database back, or keep this one for reading only"
    )
}

fn another(head: u64, known: &str) -> String {
    format!("the log of {head} entries is not {known}: keep both, and find out who wrote the other")
}

/// Where the last checkpoint is kept that enough witnesses have cosigned.
fn cosigned_mark(config: &Config) -> HighWaterMark {
    HighWaterMark::new(config.data_dir.join(COSIGNED))
}
