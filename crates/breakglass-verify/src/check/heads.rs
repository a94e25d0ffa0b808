//! Other heads of the log that somebody saw: in what they signed, and in another checkpoint.

use breakglass_format::{Digest, statement::LogHead};
use breakglass_statement::AuthoritySet;
use breakglass_tlog::{Hash, MemoryTiles, SignedCheckpoint, VerifierKey, root};

use super::log::Log;
use crate::{
    Finding, Level,
    derive::{Statement, Statements},
    layout::Placed,
};

/// The heads that requesters and approvers signed: each must be a state this log was in before the
/// entry that holds it.
pub(super) fn signed(log: &Log<'_>, placed: &[Placed], statements: &Statements) -> Vec<Finding> {
    let mut findings = Vec::new();
    for placed in placed {
        let Some(head) = statements.get(&placed.digest).and_then(head) else {
            continue;
        };
        let size = u64::try_from(head.size).unwrap_or(0);
        // Of no entries nothing was seen.
        let same = size == 0 || size <= placed.index && root_at(&log.tree, size) == Some(head.root);
        if !same {
            let detail = format!(
                "who signed it saw a log of {size} entries with the root {}, which this log never was",
                head.root
            );
            let finding = Finding::new(Level::Forked, "signed_head_differs", detail);
            findings.push(finding.at_path(&placed.path).at_entry(placed.index));
        }
    }
    findings
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

/// Another checkpoint of the log, signed by a key that some version of the authority names.
pub(super) fn against(
    log: &Log<'_>,
    authorities: &AuthoritySet,
    other: Option<&[u8]>,
) -> Option<Finding> {
    let cannot = |code, detail: String| Some(Finding::new(Level::CannotTell, code, detail));
    let Some(signed) = open(other?, authorities) else {
        let detail = "the other checkpoint is not signed by this log".to_owned();
        return cannot("other_checkpoint_foreign", detail);
    };
    differs(log, &signed)
}

/// In what another checkpoint of the log is not of the history that is here.
pub(super) fn differs(log: &Log<'_>, other: &SignedCheckpoint) -> Option<Finding> {
    let (size, ours) = (other.checkpoint().size(), log.checkpoint.size());
    if size > ours {
        let detail = format!("the other checkpoint is over {size} entries, this folder has {ours}");
        let newer = Finding::new(Level::CannotTell, "other_checkpoint_newer", detail);
        return Some(newer);
    }
    let root = Digest::from_bytes(*other.checkpoint().root().as_bytes());
    if root_at(&log.tree, size) == Some(root) {
        return None;
    }
    let detail = format!("the log also signed another history of its first {size} entries");
    Some(Finding::new(Level::Forked, "forked", detail))
}

/// A checkpoint that the log signed, with the key that some version of the authority names.
pub(super) fn open(note: &[u8], authorities: &AuthoritySet) -> Option<SignedCheckpoint> {
    authorities.versions().find_map(|version| {
        let log = &version.authority().log;
        let key = VerifierKey::parse(log.vkey.as_str()).ok()?;
        SignedCheckpoint::open(note, log.origin.as_str(), &key).ok()
    })
}

fn root_at(tiles: &MemoryTiles, size: u64) -> Option<Digest> {
    let root: Hash = root(tiles, size).ok()?;
    Some(Digest::from_bytes(*root.as_bytes()))
}
