//! The control plane: where a scenario asks that it be verified unavailable, nobody gets access
//! and nothing is dispatched while the latest verdict says *up*, but for an attestation that the
//! approvers signed.

use breakglass_format::{
    EventId, GrantId, IncidentId, RequestId, Timestamp,
    act::Command,
    event::{BreakGlassRequested, ControlPlaneProbed},
    statement::ControlPlane,
    vocabulary::{Occasion, Verdict},
};

use super::{At, Fold};

/// How long a verdict counts, in milliseconds.
const COUNTS_MS: i64 = 15 * 60 * 1000;

/// A verdict on record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    event: EventId,
    at: Timestamp,
    verdict: Verdict,
}

impl Fold<'_> {
    pub(super) fn probed(&mut self, entry: At<'_>, d: &ControlPlaneProbed) {
        let incident = self.incident(d.incident_id);
        let open = incident.is_some_and(|incident| incident.resolved_at.is_none());
        self.rule(
            open,
            "incident_not_open",
            "it is probed for an open incident",
        );
        let asked = self.asks_for_probes(d.incident_id);
        self.rule(
            asked,
            "probe_not_called_for",
            "the scenario asks nothing of the control plane",
        );
        if let Some(act) = entry.act("probe")
            && let Command::Probe(_) = &act.statement().command
        {
            let about = act.statement().object.id.as_str() == d.incident_id.to_string();
            self.same(&[("incident", about)]);
        }
        let by_a_person = entry.statement.0.is_some();
        self.repeats(&[("occasion", by_a_person == (d.occasion == Occasion::Asked))]);
        let probe = Probe {
            event: entry.event_id,
            at: self.now,
            verdict: d.verdict,
        };
        self.probes.entry(d.incident_id).or_default().push(probe);
    }

    fn asks_for_probes(&self, incident: IncidentId) -> bool {
        let scenario = self.out.incidents.get(&incident).map(|i| &i.scenario);
        let scenario = scenario
            .zip(self.current())
            .and_then(|(name, authority)| authority.scenario(name));
        scenario.is_some_and(|s| s.control_plane_down)
    }

    /// A request names a verdict of its incident that still counts, or nothing where nothing is
    /// asked for.
    pub(super) fn control_plane_as_stated(&mut self, d: &BreakGlassRequested) {
        if !self.asks_for_probes(d.incident_id) {
            let nothing = d.control_plane == ControlPlane::default();
            self.repeats(&[("control_plane", nothing)]);
            return;
        }
        let (now, named) = (self.now, d.control_plane.probe.0);
        let mut probes = self.probes.get(&d.incident_id).into_iter().flatten();
        let seen = probes.any(|p| Some(p.event) == named && now.since_ms(p.at) <= COUNTS_MS);
        self.rule(
            seen,
            "control_plane_unverified",
            "the request names no verdict on the control plane that counts",
        );
        self.not_up(d.incident_id, !d.control_plane.attested.is_empty());
    }

    /// When the last needed approval came.
    pub(super) fn control_plane_of_request(&mut self, request: RequestId) {
        let Some(asked) = self.asked.get(&request).cloned() else {
            return;
        };
        self.not_up(asked.incident_id, !asked.control_plane.attested.is_empty());
    }

    /// When a run is dispatched: what any request behind the grant attests counts.
    pub(super) fn control_plane_of_grant(&mut self, grant: GrantId) {
        let Some(grant) = self.out.grants.get(&grant).cloned() else {
            return;
        };
        let extensions = grant.extensions.iter().map(|(request, _)| request);
        let mut behind = extensions.chain([&grant.request]);
        let attested = behind.any(|request| {
            let asked = self.asked.get(request);
            asked.is_some_and(|asked| !asked.control_plane.attested.is_empty())
        });
        self.not_up(grant.incident, attested);
    }

    fn not_up(&mut self, incident: IncidentId, attested: bool) {
        if !self.asks_for_probes(incident) {
            return;
        }
        let latest = self.probes.get(&incident).and_then(|p| p.last()).copied();
        let now = self.now;
        let latest = latest.filter(|p| now.since_ms(p.at) <= COUNTS_MS);
        self.rule(
            latest.is_some(),
            "control_plane_unverified",
            "there was no verdict on the control plane of the last 15 minutes",
        );
        let up = latest.is_some_and(|p| p.verdict == Verdict::Up);
        self.rule(
            !up || attested,
            "control_plane_up",
            "the control plane was up, and nobody attested that it is unusable",
        );
    }
}
