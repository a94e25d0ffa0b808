//! The data of what is seen of the control plane. Version 1.

use serde::{Deserialize, Serialize};

use crate::{
    Blank, Digest, IncidentId, Line,
    vocabulary::{Occasion, Verdict},
};

data! {
    /// Data of `CONTROL_PLANE_PROBED`.
    ControlPlaneProbed {
        /// One line for people: each probe, and what it saw.
        detail: Line,
        /// Every sample, as a blob; blank where nothing was asked.
        evidence: Blank<Digest>,
        /// The incident.
        incident_id: IncidentId,
        /// What for.
        occasion: Occasion,
        /// What they say.
        verdict: Verdict,
    }
}
