//! What the world forgets of an incident that is closed.
//!
//! What is open lives here, what is closed lives in the log. Of a closed incident there remains
//! what a late fact needs: whoever led and took part, the accounts that were used, the clocks of
//! its review, and of each grant what an action under it repeats and what a reviewer judges. Its
//! requests, its runs that are over, its plans and everybody's approvals are gone; whoever wants
//! to see them reads the entries.

use breakglass_format::{EventId, IncidentId, RequestId, RunId, vocabulary::Obligation};

use crate::{
    grant::Grant,
    incident::Incident,
    notice::Notices,
    world::{Map, World},
};

impl World {
    /// The world before entry 0, as [`World::new`], but one that will let go of nothing.
    #[must_use]
    pub fn remembering() -> Self {
        Self {
            forgets: false,
            ..Self::new()
        }
    }

    /// A world with the same authorities and nothing else in it, which lets go of nothing: for
    /// whoever shows something from its entries alone.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            instance: self.instance,
            versions: self.versions.clone(),
            current: self.current,
            ..Self::remembering()
        }
    }

    /// An incident was closed.
    pub(crate) fn let_go(&mut self, id: &IncidentId) {
        if !self.forgets {
            return;
        }
        if let Some(mut incident) = self.incidents.get_mut(id) {
            incident.let_go();
        }
        let grants: Vec<_> = self.grants_under(id).map(|g| g.id).collect();
        for id in grants {
            if let Some(mut grant) = self.grants.get_mut(&id) {
                grant.let_go();
            }
        }
        let requests: Vec<RequestId> = self.requests_under(id).map(|r| r.id).collect();
        for id in requests {
            self.requests.remove_mut(&id);
        }
        let over = self.runs_under(id).filter(|r| r.is_over());
        let over: Vec<RunId> = over.map(|r| r.id).collect();
        for id in over {
            self.runs.remove_mut(&id);
        }
        let plannings = self.plannings.orders().of(id);
        let plannings: Vec<EventId> = plannings.copied().collect();
        for id in plannings {
            self.plannings.remove_mut(&id);
        }
    }

    /// A run came to its end; where its incident was closed before, nobody asks for it any more.
    pub(crate) fn let_run_go(&mut self, id: &RunId) {
        let over = self.run(id).filter(|r| r.is_over());
        let incident = over.and_then(|r| self.incident(&r.incident));
        if incident.is_some_and(|i| i.archived) {
            self.runs.remove_mut(id);
        }
    }
}

impl Incident {
    fn let_go(&mut self) {
        self.archived = true;
        self.denials = Vec::new();
        self.overdue = Vec::new();
        self.probes = Vec::new();
        self.told = Notices::new_sync();
        self.proposals = Map::new_sync();
        // A late fact starts the clock of the review again, and no other.
        let review = |of: &Obligation| *of == Obligation::PostIncidentReview;
        self.clocks.retain(|clock| review(&clock.obligation));
        self.clocks.shrink_to_fit();
        self.aftermath.access_reviewed = Map::new_sync();
        self.aftermath.waived.retain(|(of, _, _)| review(of));
        self.aftermath.waived.shrink_to_fit();
    }
}

impl Grant {
    fn let_go(&mut self) {
        self.approvals = Vec::new();
        self.extensions = Vec::new();
    }
}
