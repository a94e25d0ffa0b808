//! Plans: the credential is used for one, by the holder's word, before the connector answers.

use breakglass_format::{
    GrantId, IncidentId,
    act::{Action, Command},
    event::{ActionPlanned, BreakGlassAccess},
};

use super::{At, Fold};

/// An access for the sake of a plan.
pub(super) struct Planning {
    grant: GrantId,
    incident: IncidentId,
    asked: Action,
    planned: bool,
}

impl Fold<'_> {
    /// The credential was used without showing it and without a run: the holder asked for a plan.
    pub(super) fn used_to_plan(&mut self, entry: At<'_>, d: &BreakGlassAccess) {
        let Some(act) = entry.act("plan") else {
            return;
        };
        let Command::Plan(asked) = &act.statement().command else {
            return;
        };
        let about = act.statement().object.id.as_str() == d.grant_id.to_string();
        self.by_holder(d.grant_id, &act.signer().person);
        self.same(&[("grant", about), ("action", asked.action == d.action)]);
        self.as_granted(d.grant_id, asked);
        let planning = Planning {
            grant: d.grant_id,
            incident: d.incident_id,
            asked: asked.clone(),
            planned: false,
        };
        self.plannings.insert(entry.event_id, planning);
    }

    /// The server says what was planned; the access before says that it was asked for.
    pub(super) fn planned(&mut self, d: &ActionPlanned) {
        let Some(planning) = self.plannings.get_mut(&d.access) else {
            let detail = "no credential was used for it by the holder's word";
            self.rule(false, "plan_without_access", detail);
            return;
        };
        let asked = &planning.asked;
        let once = !std::mem::replace(&mut planning.planned, true);
        let own = planning.grant == d.grant_id && planning.incident == d.incident_id;
        let same =
            asked.action == d.action && asked.artifact == d.artifact && asked.target == d.target;
        self.rule(once, "planned_twice", "the access was for one plan");
        self.same(&[("grant", own), ("action", same)]);
    }
}
