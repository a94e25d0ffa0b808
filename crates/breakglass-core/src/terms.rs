//! What a request must say about the world: the same function tells the client what to write and
//! judges what it wrote.

use breakglass_format::{
    AccountId, Digest, IncidentId, Line, PersonId, Prose, Timestamp,
    authority::{Account, Entitlement},
    canonical,
    statement::{RequestAccount, RequestIncident, Warning},
};

use crate::{
    control_plane::Probed,
    incident::Incident,
    refusal::{Code, Refusal},
    world::{Version, World},
};

/// What holds for a request of one account under one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The account, as the request binds it.
    pub account: RequestAccount,
    /// The incident, as the request binds it.
    pub incident: RequestIncident,
    /// What happens to this access if the server dies now.
    pub on_server_loss: Prose,
    /// What the approvers must know, and since when each holds.
    pub warnings: Vec<(Warning, Timestamp)>,
    /// The entitlement it would be made under.
    pub entitlement: Entitlement,
    /// The verdict on the control plane to be named; none where the scenario does not ask, or
    /// where there is none that counts.
    pub probed: Option<Probed>,
    /// Whether the scenario asks for one.
    pub asks_for_probes: bool,
}

/// A warning may be missing from a request for this long after it began to hold.
const WARNING_GRACE_S: i64 = 60;

/// The terms of a request, or why there can be none.
pub fn terms(
    world: &World,
    person: &PersonId,
    account: &AccountId,
    incident: &IncidentId,
) -> Result<Terms, Refusal> {
    let version = world.authority().ok_or(Code::StaleAuthority)?;
    let incident = world.open_incident(incident)?;
    let object = version.authority.account(account);
    let object = object.ok_or_else(|| Code::AccountUnknown.with("account", account))?;
    let entitlement = version
        .authority
        .entitlement(person, account, &incident.scenario);
    let entitlement = entitlement.ok_or_else(|| {
        Code::NoEntitlement
            .with("account", &object.name)
            .and("scenario", &incident.scenario)
    })?;
    if world.account(account).is_none_or(|a| a.current.is_none()) {
        return Err(Code::NoCredential.with("account", &object.name));
    }
    Ok(Terms {
        account: RequestAccount {
            binding: binding(object),
            custody: object.custody,
            id: object.id.clone(),
            name: object.name.clone(),
        },
        incident: RequestIncident {
            event: incident.leaf,
            id: incident.id,
            scenario: incident.scenario.clone(),
            severity: incident.severity,
        },
        on_server_loss: object.on_server_loss.clone(),
        warnings: world.warnings(version, object, incident),
        entitlement: entitlement.clone(),
        probed: world
            .asks_for_probes(incident)
            .then(|| incident.probed().copied())
            .flatten(),
        asks_for_probes: world.asks_for_probes(incident),
    })
}

/// Digest of the account's object in the authority: what a request for custody mode `server`
/// binds.
#[must_use]
pub fn binding(account: &Account) -> Digest {
    // An account always has canonical bytes; were it not so, the empty text binds nothing that
    // any authority holds.
    breakglass_statement::digest(&canonical::to_bytes(account).unwrap_or_default())
}

impl Terms {
    /// Refuses a list that leaves out a warning which has held for a minute; more are welcome.
    pub(crate) fn check_warnings(&self, stated: &[Warning], now: Timestamp) -> Result<(), Refusal> {
        let held = |since: &Timestamp| now.since_ms(*since) >= WARNING_GRACE_S * 1000;
        let missing = self
            .warnings
            .iter()
            .find(|(w, since)| held(since) && !stated.contains(w));
        match missing {
            Some((warning, _)) => Err(Code::WarningMissing.with("warning", &warning.code)),
            None => Ok(()),
        }
    }
}

impl World {
    fn warnings(
        &self,
        version: &Version,
        account: &Account,
        incident: &Incident,
    ) -> Vec<(Warning, Timestamp)> {
        let mut warnings = Vec::new();
        if let Some(state) = self.account(&account.id) {
            if let Some(rotation) = &state.rotation {
                warnings.push((warning("rotation_pending", Vec::new()), rotation.since));
            }
            let known = state
                .known_to
                .iter()
                .filter_map(|p| version.authority.person(p));
            let names: Vec<Line> = known.map(|p| Line::lossy(p.principal.as_str())).collect();
            if !names.is_empty() {
                warnings.push((warning("credential_known", names), state.known_since));
            }
        }
        for (person, of, at) in &incident.denials {
            if *of == account.id {
                let name = version
                    .authority
                    .person(person)
                    .map(|p| p.principal.to_string());
                let name = Line::lossy(&name.unwrap_or_else(|| person.to_string()));
                warnings.push((warning("denied_before", vec![name]), *at));
            }
        }
        warnings
    }
}

fn warning(code: &'static str, args: Vec<Line>) -> Warning {
    Warning {
        args,
        code: crate::command::name(code),
    }
}
