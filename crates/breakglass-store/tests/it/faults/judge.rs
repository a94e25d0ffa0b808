//! What must hold of a ledger whatever interrupted the process that wrote it.

use std::path::Path;

use breakglass_store::{HighWaterMark, Ledger as _, OpenError, SqliteLedger, compare};

use super::appender::{LEDGER, MARK, blob, follower, sizes};
use crate::fixture::{ORIGIN, batch, commit, entry, key};

/// A commit that was acknowledged: the size and the root it gave the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) size: u64,
    pub(crate) root: String,
}

/// The acknowledgements among what the process said.
pub(crate) fn acknowledged(said: &str) -> Vec<Acknowledged> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("ack "));
    lines
        .map(|line| {
            let (size, root) = line.split_once(' ').unwrap();
            Acknowledged {
                size: size.parse().unwrap(),
                root: root.to_owned(),
            }
        })
        .collect()
}

/// Opens the ledger below `dir` without faults, and holds it against what was acknowledged.
/// `before` is the size it had before the process, if it existed.
///
/// # Errors
/// What does not hold.
pub(crate) fn judge(
    dir: &Path,
    before: Option<u64>,
    acknowledged: &[Acknowledged],
) -> Result<(), String> {
    let path = dir.join(LEDGER);
    let mut ledger = match SqliteLedger::open(&path, ORIGIN, key().verifier(), &mut |_| {}) {
        Ok(ledger) => ledger,
        // Nothing was promised of a ledger that was never said to be there.
        Err(OpenError::Missing { .. }) if acknowledged.is_empty() && before.is_none() => {
            return begins_anew(&path);
        }
        Err(error) => return Err(format!("refused: {error}: {error:?}")),
    };
    nothing_is_lost(&ledger, before, acknowledged)?;
    let mark = HighWaterMark::new(dir.join(MARK))
        .read(ORIGIN, key().verifier())
        .map_err(|error| format!("the mark: {error:?}"))?;
    let stands = compare(mark.as_ref(), &ledger).map_err(|error| error.to_string())?;
    // Whoever got beyond the first size that is marked has written that mark.
    let first_mark = sizes(before)
        .into_iter()
        .find(|size| *size > 0 && size % 2 == 0);
    let marked = acknowledged.iter().any(|ack| Some(ack.size) > first_mark);
    if !stands.may_write() && (mark.is_some() || marked) {
        return Err(format!("as the mark has it, the log is {stands:?}"));
    }
    goes_on(&mut ledger)
}

fn begins_anew(path: &Path) -> Result<(), String> {
    let mut ledger = SqliteLedger::create(path, &key()).map_err(|error| error.to_string())?;
    goes_on(&mut ledger)
}

fn nothing_is_lost(
    ledger: &SqliteLedger,
    before: Option<u64>,
    acknowledged: &[Acknowledged],
) -> Result<(), String> {
    let size = ledger.head().size();
    let last = acknowledged.last().map(|ack| ack.size);
    let floor = last.or(before).unwrap_or(0);
    // At most the commit after the last one that was acknowledged.
    let possible: Vec<u64> = sizes(before);
    let next = possible.iter().find(|next| **next > floor);
    if size != floor && Some(&size) != next {
        return Err(format!(
            "{size} entries, {floor} were acknowledged, next {next:?}"
        ));
    }
    for ack in acknowledged {
        let root = ledger
            .root_at(ack.size)
            .map_err(|error| error.to_string())?;
        if root.to_string() != ack.root {
            return Err(format!("forked at {}: {root}, was {}", ack.size, ack.root));
        }
    }
    let entries = ledger.entries(0..size).map_err(|error| error.to_string())?;
    if entries != (0..size).map(entry).collect::<Vec<_>>() {
        return Err("other entries".to_owned());
    }
    for committed in possible.iter().filter(|one| **one > before.unwrap_or(0)) {
        let found = ledger
            .blob(&blob(*committed).digest)
            .map_err(|error| error.to_string())?;
        if found.is_some() != (*committed <= size) {
            return Err(format!("blob of {committed} at {size}: {found:?}"));
        }
    }
    let cursor = ledger.cursor(&follower());
    cursor.map(drop).map_err(|error| error.to_string())
}

/// The next process appends.
fn goes_on(ledger: &mut SqliteLedger) -> Result<(), String> {
    let head = ledger.head().clone();
    let next = commit(ledger, &batch(head.size()..head.size() + 1, Vec::new()));
    let proof = ledger
        .consistency_proof(head.size(), next.size())
        .map_err(|error| error.to_string())?;
    next.checkpoint()
        .checkpoint()
        .verify_extends(head.checkpoint().checkpoint(), &proof)
        .map_err(|error| error.to_string())
}
