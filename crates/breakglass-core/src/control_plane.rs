//! The control plane: what its probes say, and what that refuses.
//!
//! A scenario may ask that the normal way be verified unavailable. Whoever declares it is believed
//! at once: nobody is kept from saying that there is an emergency. Access and runs are another
//! matter. They take a verdict on record that is at most 15 minutes old, and one that says *up*
//! refuses them, unless the requester attests in the signed request that the control plane is
//! unusable all the same, which the approvers then sign as well.
//!
//! A probe may err, so *down* opens nothing by itself and *cannot tell* closes nothing: it is
//! evidence that people read before they sign.

use breakglass_format::{
    EventId, IncidentId, Prose, RequestId, Timestamp,
    act::Object,
    entry::Recorded,
    event::ControlPlaneProbed,
    statement::ControlPlane,
    vocabulary::{Occasion, Verdict},
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft, Observation, Prepared, ProbeReport},
    grant::Grant,
    incident::Incident,
    refusal::{Code, Refusal},
    run::Run,
    world::World,
};

/// How long a verdict counts, in seconds.
pub const COUNTS_S: i64 = 15 * 60;
/// While a request waits, the control plane is probed again after so many seconds.
const AGAIN_S: i64 = 5 * 60;
/// A verdict younger than this is as good as one made now, in seconds.
const FRESH_S: i64 = 60;
/// A person may have it probed anew after so many seconds: nobody fills the log.
const ASK_AGAIN_S: i64 = 10;

/// A verdict on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The event that says so.
    pub event: EventId,
    /// What the probes say.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
}

impl Probed {
    fn counts(&self, now: Timestamp) -> bool {
        now.since_ms(self.at) <= COUNTS_S * 1000
    }

    fn is_older_than(&self, seconds: i64, now: Timestamp) -> bool {
        now.since_ms(self.at) >= seconds * 1000
    }
}

impl Incident {
    /// The latest verdict on the control plane.
    #[must_use]
    pub fn probed(&self) -> Option<&Probed> {
        self.probes.last()
    }
}

impl World {
    /// Whether the incident's scenario asks that the control plane be verified unavailable, under
    /// the authority in force.
    #[must_use]
    pub fn asks_for_probes(&self, incident: &Incident) -> bool {
        let scenario = self
            .authority()
            .and_then(|v| v.authority.scenario(&incident.scenario));
        scenario.is_some_and(|s| s.control_plane_down)
    }

    /// Whether there should be a newer verdict before something is decided by it.
    #[must_use]
    pub fn needs_probe(&self, incident: &IncidentId, now: Timestamp) -> bool {
        let incident = self.incident(incident);
        let asking = incident.filter(|i| i.is_open() && self.asks_for_probes(i));
        asking.is_some_and(|i| i.probed().is_none_or(|p| p.is_older_than(FRESH_S, now)))
    }

    /// Incidents whose control plane is to be probed now without anybody asking: newly declared,
    /// or with a request that waits.
    pub(crate) fn probes_due(&self, now: Timestamp) -> Vec<(IncidentId, Occasion)> {
        let open = self.incidents.all(self.incidents.orders().open.iter());
        open.filter(|i| self.asks_for_probes(i))
            .filter_map(|incident| {
                let Some(last) = incident.probed() else {
                    return Some((incident.id, Occasion::Declaration));
                };
                let waiting = self.requests.orders().waiting_under.count(&incident.id);
                let due = last.is_older_than(AGAIN_S, now) && waiting > 0;
                due.then_some((incident.id, Occasion::Pending))
            })
            .collect()
    }

    /// A probe that nobody asked for: before a request, an approval or a run is decided, or
    /// because one is due.
    pub(crate) fn decide_probed(
        &self,
        report: &ProbeReport,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.open_incident(&report.incident)?;
        if !self.asks_for_probes(incident) {
            return Err(Code::NotCalledFor.with("incident", incident.reference));
        }
        let event = probed(incident, report.occasion, &report.observation);
        Ok(vec![cx.draft(&Author::System("probe"), event)])
    }

    /// `probe`: anybody enrolled may have it asked now.
    pub(crate) fn decide_probe(
        &self,
        object: &Object,
        prepared: &Prepared,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.open_incident(&self.incident_of(object)?.id)?;
        if !self.asks_for_probes(incident) {
            return Err(Code::NotProbed.with("scenario", &incident.scenario));
        }
        if let Some(last) = incident.probed()
            && !last.is_older_than(ASK_AGAIN_S, cx.now)
        {
            return Err(Code::JustProbed
                .with("verdict", last.verdict)
                .and("at", last.at));
        }
        let Prepared::Probed(observation) = prepared else {
            return Err(Code::NotCalledFor.into());
        };
        let event = probed(incident, Occasion::Asked, observation);
        Ok(vec![cx.draft(author, event)])
    }

    /// What a request says of the control plane: a verdict on record that still counts, and
    /// nothing where the scenario does not ask.
    pub(crate) fn check_stated_probe(
        &self,
        incident: &Incident,
        stated: &ControlPlane,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if !self.asks_for_probes(incident) {
            return if *stated == ControlPlane::default() {
                Ok(())
            } else {
                Err(Code::BindingMismatch.with("field", "control_plane"))
            };
        }
        let seen = incident
            .probes
            .iter()
            .find(|p| stated.probe.0 == Some(p.event));
        match seen {
            Some(seen) if seen.counts(now) => {
                self.check_control_plane(incident, &stated.attested, now)
            }
            Some(seen) => Err(Refusal::times(Code::ControlPlaneUnverified, seen.at, now)),
            None => Err(Code::ControlPlaneUnverified.with("incident", incident.reference)),
        }
    }

    /// Whether the control plane stands in the way: only *up* does, and not where the requester
    /// attests that it is unusable.
    pub(crate) fn check_control_plane(
        &self,
        incident: &Incident,
        attested: &Prose,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if !self.asks_for_probes(incident) {
            return Ok(());
        }
        let latest = incident.probed().filter(|p| p.counts(now));
        let latest = latest
            .ok_or_else(|| Code::ControlPlaneUnverified.with("incident", incident.reference))?;
        if latest.verdict == Verdict::Up && attested.is_empty() {
            return Err(Code::ControlPlaneUp.with("probed", latest.at));
        }
        Ok(())
    }

    /// The same, for what happens under a grant: the attestation is that of the requests behind it.
    pub(crate) fn check_control_plane_of(
        &self,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(incident) = self.incident(&grant.incident) else {
            return Ok(());
        };
        let attested = |id: &RequestId| {
            let asked = self.request(id).map(|r| &r.asked.control_plane.attested);
            asked.filter(|a| !a.is_empty()).cloned()
        };
        let mut behind = grant.rests_on(now);
        let attested = behind.find_map(|(request, _)| attested(&request));
        self.check_control_plane(incident, &attested.unwrap_or_default(), now)
    }

    /// Why a run may not be handed over now although access lasts: the control plane is up.
    ///
    /// # Errors
    ///
    /// It is, or there is no verdict that counts.
    pub fn run_may_leave(&self, run: &Run, now: Timestamp) -> Result<(), Refusal> {
        match self.grant(&run.grant) {
            Some(grant) => self.check_control_plane_of(grant, now),
            None => Ok(()),
        }
    }

    pub(crate) fn apply_probed(&mut self, d: &ControlPlaneProbed, recorded: &Recorded) {
        let (event, at) = (recorded.entry.event_id, recorded.entry.created_at);
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            // A request names the verdict that its signer saw; one that no longer counts is not
            // named any more.
            incident.probes.retain(|p| p.counts(at));
            incident.probes.push(Probed {
                event,
                verdict: d.verdict,
                at,
            });
        }
    }
}

fn probed(incident: &Incident, occasion: Occasion, seen: &Observation) -> ControlPlaneProbed {
    ControlPlaneProbed {
        detail: seen.detail.clone(),
        evidence: seen.evidence.into(),
        incident_id: incident.id,
        occasion,
        verdict: seen.verdict,
    }
}
