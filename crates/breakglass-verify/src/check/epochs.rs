//! Epochs: what each keeps is what the log begins with, and what it gives up is said.

use breakglass_format::Digest;
use breakglass_statement::{AuthoritySet, VerifiedEpoch};
use breakglass_tlog::{SignedCheckpoint, VerifierKey};

use super::{heads::root_at, log::Log};
use crate::{Finding, FolderError, Level};

/// Holds what the root persons signed of the log before against the tree.
pub(super) fn check(
    log: &Log<'_>,
    authorities: &AuthoritySet,
) -> Result<Vec<Finding>, FolderError> {
    let mut findings = Vec::new();
    for epoch in authorities.epochs() {
        let number = epoch.epoch().number;
        let of = one(log, epoch)?.into_iter();
        findings.extend(of.map(|finding| finding.at_path(format!("epochs/{number}/epoch.json"))));
    }
    Ok(findings)
}

fn one(log: &Log<'_>, epoch: &VerifiedEpoch) -> Result<Option<Finding>, FolderError> {
    let epoch = epoch.epoch();
    let kept = u64::try_from(epoch.kept.size).unwrap_or(u64::MAX);
    if kept > log.checkpoint.size() || root_at(&log.tree, kept)? != epoch.kept.root {
        let detail = "what its signers kept is not what the log begins with";
        return Ok(Some(Finding::tampered("epoch_keeps_another", detail)));
    }
    let key = VerifierKey::parse(epoch.before.vkey.as_str()).ok();
    let last = key.and_then(|key| {
        let note = epoch.last.as_str().as_bytes();
        SignedCheckpoint::open(note, epoch.before.origin.as_str(), &key).ok()
    });
    let Some(last) = last else {
        let detail = "the last checkpoint in it is not one of the log before";
        return Ok(Some(Finding::tampered("epoch_last_unsigned", detail)));
    };
    let (size, root) = (last.checkpoint().size(), last.checkpoint().root());
    if size > kept {
        let detail = format!(
            "the log before it had {size} entries; those from {kept} on are lost, as its signers say"
        );
        return Ok(Some(Finding::new(Level::Notice, "entries_lost", detail)));
    }
    if root_at(&log.tree, size)? != Digest::from_bytes(*root.as_bytes()) {
        let detail = "the last checkpoint in it is of another history than what it keeps";
        return Ok(Some(Finding::tampered("epoch_keeps_another", detail)));
    }
    Ok(None)
}
