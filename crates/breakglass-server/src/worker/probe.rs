//! The control plane is asked, beside the engine, whether it is up.

use std::sync::PoisonError;

use breakglass_connectors::probe;
use breakglass_core::{
    Command,
    command::{Observation, ProbeReport},
};
use breakglass_format::{IncidentId, vocabulary::Occasion};
use breakglass_store::Blob;

use super::Tools;
use crate::engine;

impl Tools {
    /// Asks every probe now, and gives what they saw and every sample of it. Blocks for less than
    /// 15 seconds.
    pub(crate) fn observe(&self) -> (Observation, Vec<Blob>) {
        let probes: Vec<&dyn probe::Probe> = self.probes.iter().map(|p| &**p).collect();
        let observed = probe::ask(&probes);
        let blobs: Vec<Blob> = if probes.is_empty() {
            Vec::new()
        } else {
            vec![engine::public(observed.evidence)]
        };
        let observation = Observation {
            verdict: observed.verdict,
            detail: observed.detail,
            evidence: blobs.first().map(|b| b.digest),
        };
        (observation, blobs)
    }

    /// Puts a verdict on record, where there is none that is fresh. Callers that come together
    /// share one: whoever waited finds that it is fresh.
    pub(crate) fn probe(&self, incident: IncidentId, occasion: Occasion) {
        let _one = self.probing.lock().unwrap_or_else(PoisonError::into_inner);
        let published = self.engine.published();
        if !published.world.needs_probe(&incident, self.engine_time()) {
            return;
        }
        let (observation, blobs) = self.observe();
        let report = ProbeReport {
            incident,
            occasion,
            observation,
        };
        // What is refused is an incident that was resolved meanwhile.
        let _ = self.engine.submit_blocking(Command::Probed(report), blobs);
    }
}
