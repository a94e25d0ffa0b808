//! From one log to the next: only over epochs that root persons signed, and only where the new log
//! proves that it continues what was seen, as far as they kept it.

use std::path::PathBuf;

use breakglass_api::Client;
use breakglass_statement::{AuthoritySet, VerifiedEpoch};
use breakglass_tlog::{Checkpoint, Hash, SignedCheckpoint};

use super::{Trust, TrustError, fetch_proof};

/// The log that was seen before goes on under another origin and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// The epoch over which it goes on.
    pub epoch: i64,
    /// The origin from here on.
    pub origin: String,
    /// Why, in the words of those who signed it.
    pub reason: String,
    /// Who signed it, by principal.
    pub signed_by: Vec<String>,
    /// Entries that were seen, and that are lost.
    pub lost: u64,
    /// The checkpoint that was pinned before, which is kept.
    pub evidence: PathBuf,
}

/// Which part of a log that was seen is kept, and over which epoch it goes on.
struct Bridge<'a> {
    last: &'a VerifiedEpoch,
    size: u64,
    root: Hash,
}

impl Trust {
    /// How many entries of a checkpoint of a former log the log of now begins with; `None` where no
    /// epoch leads from that log to this.
    #[must_use]
    pub fn kept_of(&self, former: &Checkpoint) -> Option<u64> {
        bridge(&self.authorities, former).map(|bridge| bridge.size)
    }

    /// Goes over to the log of the installation where another one is pinned, if epochs lead from
    /// that one to this, and this proves that it continues what they kept.
    pub(super) fn cross(
        &self,
        client: &Client,
        shown: &SignedCheckpoint,
    ) -> Result<Option<Crossed>, TrustError> {
        let Some(pinned) = self
            .pins
            .checkpoint()
            .map_err(crate::state::PinError::from)?
        else {
            return Ok(None);
        };
        let (seen, shown_now) = (pinned.checkpoint(), shown.checkpoint());
        if seen.origin() == shown_now.origin() {
            return Ok(None);
        }
        let Some(bridge) = bridge(&self.authorities, seen) else {
            return Ok(None);
        };
        let kept = Checkpoint::new(shown_now.origin().clone(), bridge.size, bridge.root);
        let Ok(kept) = kept else { return Ok(None) };
        if kept.size() > shown_now.size() {
            return Ok(None);
        }
        let proof = fetch_proof(client, (kept.size(), shown_now.size()))?;
        // Without one the comparison of the two says what is wrong.
        if proof.is_none_or(|proof| shown_now.verify_extends(&kept, &proof).is_err()) {
            return Ok(None);
        }
        let epoch = bridge.last.epoch();
        let evidence = self
            .pins
            .cross(epoch.number, &pinned, shown)
            .map_err(crate::state::PinError::from)?;
        let signatures = bridge.last.signatures();
        let signed_by = signatures.iter().map(|s| s.signer.principal.to_string());
        Ok(Some(Crossed {
            epoch: epoch.number,
            origin: epoch.log.origin.to_string(),
            reason: epoch.reason.to_string(),
            signed_by: signed_by.collect(),
            lost: seen.size().saturating_sub(kept.size()),
            evidence,
        }))
    }
}

/// What is kept of a log over all epochs since.
fn bridge<'a>(authorities: &'a AuthoritySet, seen: &Checkpoint) -> Option<Bridge<'a>> {
    let given_up =
        |epoch: &&VerifiedEpoch| epoch.epoch().before.origin.as_str() == seen.origin().as_str();
    let first = authorities.epochs().find(given_up)?.epoch().number;
    let (mut size, mut root) = (seen.size(), seen.root());
    let mut last = None;
    for epoch in authorities.epochs().filter(|e| e.epoch().number >= first) {
        let kept = &epoch.epoch().kept;
        let kept_size = u64::try_from(kept.size).ok()?;
        if kept_size < size {
            size = kept_size;
            root = Hash::from_bytes(*kept.root.as_bytes());
        }
        last = Some(epoch);
    }
    last.map(|last| Bridge { last, size, root })
}
