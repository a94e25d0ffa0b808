//! Other heads of the log that somebody saw: in what they signed, and in another checkpoint.

use breakglass_format::{Digest, statement::LogHead};
use breakglass_statement::{AuthoritySet, VerifiedEpoch};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};

use super::log::Log;
use crate::{Finding, FolderError, Level, derive::Statement, tree::Tree};

/// The head that a requester or an approver signed: it must be a state this log was in before the
/// entry that holds it.
pub(super) fn signed(
    tree: &Tree<'_>,
    statement: &Statement,
    index: u64,
) -> Result<Option<Finding>, FolderError> {
    let Some(head) = head(statement) else {
        return Ok(None);
    };
    let size = u64::try_from(head.size).unwrap_or(0);
    // Of no entries nothing was seen.
    let same = size == 0 || size <= index && root_at(tree, size)? == head.root;
    if same {
        return Ok(None);
    }
    let detail = format!(
        "who signed it saw a log of {size} entries with the root {}, which this log never was",
        head.root
    );
    let finding = Finding::new(Level::Forked, "signed_head_differs", detail);
    Ok(Some(finding.at_entry(index)))
}

fn head(statement: &Statement) -> Option<&LogHead> {
    match statement {
        Statement::Request(s) => Some(&s.statement().log),
        Statement::Approval(s) => Some(&s.statement().log),
        Statement::Denial(s) => Some(&s.statement().log),
        Statement::Checkout(_)
        | Statement::Session(_)
        | Statement::Enroll(_)
        | Statement::Suspend(_)
        | Statement::Act(_) => None,
    }
}

/// Another checkpoint of the log, signed by the key that it has, or had before an epoch.
pub(super) fn against(
    log: &Log<'_>,
    authorities: &AuthoritySet,
    other: Option<&[u8]>,
) -> Result<Option<Finding>, FolderError> {
    let cannot = |code, detail: String| Ok(Some(Finding::new(Level::CannotTell, code, detail)));
    let Some(other) = other else {
        return Ok(None);
    };
    let Some(signed) = open_checkpoint(other, authorities) else {
        let detail = "the other checkpoint is not signed by this log".to_owned();
        return cannot("other_checkpoint_foreign", detail);
    };
    if let Some(kept) = given_up(&signed, authorities) {
        let detail = format!(
            "the other checkpoint is over {} entries of a log of which an epoch kept {kept}",
            signed.checkpoint().size()
        );
        return cannot("other_checkpoint_given_up", detail);
    }
    differs(log, &signed)
}

/// In what another checkpoint of the log is not of the history that is here.
pub(super) fn differs(
    log: &Log<'_>,
    other: &SignedCheckpoint,
) -> Result<Option<Finding>, FolderError> {
    let (size, ours) = (other.checkpoint().size(), log.checkpoint.size());
    if size > ours {
        let detail = format!("the other checkpoint is over {size} entries, this folder has {ours}");
        let newer = Finding::new(Level::CannotTell, "other_checkpoint_newer", detail);
        return Ok(Some(newer));
    }
    let root = Digest::from_bytes(*other.checkpoint().root().as_bytes());
    if root_at(&log.tree, size)? == root {
        return Ok(None);
    }
    let detail = format!("the log also signed another history of its first {size} entries");
    Ok(Some(Finding::new(Level::Forked, "forked", detail)))
}

/// A checkpoint that the log signed, with the key that it has, or had before an epoch.
#[must_use]
pub fn open_checkpoint(note: &[u8], authorities: &AuthoritySet) -> Option<SignedCheckpoint> {
    authorities.logs().find_map(|log| {
        let key = VerifierKey::parse(log.vkey.as_str()).ok()?;
        SignedCheckpoint::open(note, log.origin.as_str(), &key).ok()
    })
}

/// How many entries were kept of the log of a checkpoint, where the epoch that gave that log up kept
/// fewer than it has.
fn given_up(signed: &SignedCheckpoint, authorities: &AuthoritySet) -> Option<u64> {
    let origin = signed.checkpoint().origin().as_str();
    let mut epochs = authorities.epochs().map(VerifiedEpoch::epoch);
    let epoch = epochs.find(|epoch| epoch.before.origin.as_str() == origin)?;
    let kept = u64::try_from(epoch.kept.size).ok()?;
    (signed.checkpoint().size() > kept).then_some(kept)
}

/// The root over the first entries, of which the log has so many.
pub(super) fn root_at(tree: &Tree<'_>, size: u64) -> Result<Digest, FolderError> {
    let root = tree.root_at(size)?;
    Ok(Digest::from_bytes(*root.as_bytes()))
}
