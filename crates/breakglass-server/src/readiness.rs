//! What would go wrong in an emergency: what the rules find missing, and what this server's own
//! configuration lacks of what the authority counts on.

use breakglass_core::{
    World,
    readiness::{Lack, Severity, readiness},
};
use breakglass_format::{
    Timestamp,
    authority::{Authority, Person},
};

use crate::worker::Tools;

/// What the rules miss, and what this server cannot do that the authority counts on.
pub(crate) fn lacks(world: &World, tools: &Tools, now: Timestamp) -> Vec<Lack> {
    let mut found = readiness(world, now);
    found.extend(tools.read_only.iter().map(|why| Lack {
        severity: Severity::Fails,
        code: "read_only",
        about: "the log".to_owned(),
        says: format!("the server only reads, and nothing would be granted: {why}"),
    }));
    if let Some(version) = world.authority() {
        found.extend(hands(tools, &version.authority));
        found.extend(told(tools, world, &version.authority));
    }
    found.extend(tools.witnesses.iter().flat_map(|w| w.lacks()));
    found.sort_by_key(|lack| lack.severity);
    found
}

/// Rotators, connectors and probes that the authority names and the server's configuration lacks.
fn hands(tools: &Tools, authority: &Authority) -> Vec<Lack> {
    let lack = |code, about: &str, says: String| Lack {
        severity: Severity::Fails,
        code,
        about: about.to_owned(),
        says,
    };
    let mut found = Vec::new();
    for account in &authority.accounts {
        let name = account.name.as_str();
        if let Some(rotator) = account.rotator.as_ref()
            && !tools.rotators.contains_key(rotator.as_str())
        {
            let says = format!("the server's configuration has no rotator {rotator}");
            found.push(lack("rotator_missing", name, says));
        }
        if let Some(connector) = account.connector.as_ref()
            && !tools.connectors.contains_key(connector.as_str())
        {
            let says = format!("the server's configuration has no connector {connector}");
            found.push(lack("connector_missing", name, says));
        }
    }
    for scenario in authority.scenarios.iter().filter(|s| s.control_plane_down) {
        if tools.probes.is_empty() {
            let says = "the server has no probe of the control plane: its state must be attested";
            let severity = Severity::Warns;
            found.push(Lack {
                severity,
                ..lack("no_probe", scenario.name.as_str(), says.to_owned())
            });
        }
    }
    found
}

/// People who would not hear of an emergency.
fn told(tools: &Tools, world: &World, authority: &Authority) -> Vec<Lack> {
    let lack = |code, about: &str, says: &str| Lack {
        severity: Severity::Warns,
        code,
        about: about.to_owned(),
        says: says.to_owned(),
    };
    if tools.ways.is_none() {
        let says = "the server has no way to tell people anything: [notify]";
        return vec![lack("nobody_told", "everybody", says)];
    }
    if tools.ways.webhook.is_some() {
        return Vec::new();
    }
    let unreached = |p: &&Person| !tools.has_address(world, &p.person);
    let people = authority.people.iter().filter(unreached);
    let says = "no address is known: breakglass contact set";
    people
        .map(|p| lack("no_contact", p.principal.as_str(), says))
        .collect()
}
