//! Nobody goes round a control plane that is up.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::{
    Event, GrantId, IncidentId, Timestamp, entry::Recorded, vocabulary::Verdict,
};
use breakglass_testkit::Given;

use super::{Watch, holds};

/// What was said of the control plane.
#[derive(Default)]
pub(super) struct ControlPlane {
    /// Incidents whose scenario asks for it.
    asking: BTreeSet<IncidentId>,
    latest: BTreeMap<IncidentId, (Timestamp, Verdict)>,
    /// Grants behind which a request attests that it is unusable.
    attested: BTreeSet<GrantId>,
}

impl Watch {
    pub(super) fn learn_control_plane(&mut self, recorded: &Recorded) {
        let attests = |request| {
            let asked: Option<&breakglass_format::event::BreakGlassRequested> =
                self.requests.get(request);
            asked.is_some_and(|r| !r.control_plane.attested.is_empty())
        };
        match &recorded.entry.event {
            Event::IncidentDeclared(d) if d.scenario.as_str() == "system-failure" => {
                self.control_plane.asking.insert(d.incident_id);
            }
            Event::ControlPlaneProbed(d) => {
                let verdict = (recorded.entry.created_at, d.verdict);
                self.control_plane.latest.insert(d.incident_id, verdict);
            }
            Event::BreakGlassGranted(d) if attests(&d.request_id) => {
                self.control_plane.attested.insert(d.grant_id);
            }
            Event::BreakGlassExtended(d) if attests(&d.request_id) => {
                self.control_plane.attested.insert(d.grant_id);
            }
            _ => {}
        }
    }
}

pub(super) fn nobody_goes_round_a_control_plane_that_is_up(
    watch: &Watch,
    _: &Given,
    news: &[Recorded],
) -> Result<(), String> {
    for recorded in news {
        let (incident, attested) = match &recorded.entry.event {
            Event::BreakGlassGranted(d) => {
                let asked = &watch.requests[&d.request_id];
                (d.incident_id, !asked.control_plane.attested.is_empty())
            }
            Event::BreakGlassExtended(d) => {
                let asked = &watch.requests[&d.request_id];
                (d.incident_id, !asked.control_plane.attested.is_empty())
            }
            Event::EffectClaimed(d) if d.run_id.0.is_some() => {
                let grant = watch.runs[&d.cause];
                let incident = watch.incident_of(grant);
                (incident, watch.control_plane.attested.contains(&grant))
            }
            _ => continue,
        };
        if !watch.control_plane.asking.contains(&incident) {
            continue;
        }
        let now = recorded.entry.created_at;
        let latest = watch.control_plane.latest.get(&incident);
        let counts = latest.filter(|(at, _)| now.since_ms(*at) <= 15 * 60 * 1000);
        let fine = counts.is_some_and(|(_, v)| *v != Verdict::Up || attested);
        holds(fine, || {
            format!("{} although {latest:?}", recorded.entry.event.event_type())
        })?;
    }
    Ok(())
}
