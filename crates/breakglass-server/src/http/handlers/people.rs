//! Who there is, whose keys count, and whether that is enough for an emergency.

use axum::{Json, extract::State};
use breakglass_api::view::{KeyView, LackView, PersonView, ReadinessView};
use breakglass_core::{
    World,
    readiness::{Lack, Severity, readiness as inspect},
    world::Version,
};
use breakglass_format::{
    Timestamp,
    authority::{Authority, Key, Person},
};

use crate::{
    http::{app::App, extract::Reading},
    worker::Tools,
};

/// Everybody in the authority in force, with their keys.
#[utoipa::path(get, path = "/v1/people", responses((status = 200, body = Vec<PersonView>)))]
pub(crate) async fn people(State(app): State<App>, _: Reading) -> Json<Vec<PersonView>> {
    let (published, now) = (app.published(), app.now());
    let world = &published.world;
    let everybody = world.authority().into_iter().flat_map(|version| {
        let people = version.authority.people.iter();
        people.map(move |p| person(world, version, p, now))
    });
    Json(everybody.collect())
}

fn person(world: &World, version: &Version, person: &Person, now: Timestamp) -> PersonView {
    PersonView {
        person: person.person.to_string(),
        principal: person.principal.to_string(),
        name: person.name.to_string(),
        groups: person.groups.iter().map(ToString::to_string).collect(),
        privileges: person.privileges.iter().map(ToString::to_string).collect(),
        root: version.authority.roots.persons.contains(&person.person),
        keys: person
            .keys
            .iter()
            .map(|k| key(world, version, person, k, now))
            .collect(),
    }
}

fn key(world: &World, version: &Version, person: &Person, key: &Key, now: Timestamp) -> KeyView {
    let enrolment = world.enrolment(&person.person, &key.fingerprint);
    let number = version.authority.version;
    let suspended_at = world.suspended(&person.person, key, number);
    let state = if suspended_at.is_some() {
        "suspended"
    } else if key.not_after.0.is_some_and(|end| end <= now) {
        "over"
    } else if now < key.not_before {
        "not_yet"
    } else if enrolment.is_none() {
        "not_enrolled"
    } else {
        "counts"
    };
    let key_type = key.public_key.as_str().split(' ').next();
    KeyView {
        fingerprint: key.fingerprint.to_string(),
        key_type: key_type.unwrap_or_default().to_owned(),
        state: state.to_owned(),
        recovery: enrolment.is_some_and(|e| e.recovery),
        used_at: enrolment.map(|e| e.used),
        suspended_at,
    }
}

/// Whether an emergency could be handled now.
#[utoipa::path(get, path = "/v1/readiness", responses((status = 200, body = ReadinessView)))]
pub(crate) async fn readiness(State(app): State<App>, _: Reading) -> Json<ReadinessView> {
    let lacks = lacks(&app);
    let ready = lacks.iter().all(|l| l.severity != Severity::Fails);
    let view = |lack: Lack| LackView {
        severity: match lack.severity {
            Severity::Fails => "fails".to_owned(),
            Severity::Warns => "warns".to_owned(),
        },
        code: lack.code.to_owned(),
        about: lack.about,
        says: lack.says,
    };
    Json(ReadinessView {
        ready,
        lacks: lacks.into_iter().map(view).collect(),
        time: app.now(),
    })
}

/// What the rules miss, and what this server cannot do that the authority counts on.
pub(super) fn lacks(app: &App) -> Vec<Lack> {
    let published = app.published();
    let world = &published.world;
    let mut found = inspect(world, app.now());
    if let Some(version) = world.authority() {
        found.extend(hands(&app.tools, &version.authority));
        found.extend(told(&app.tools, world, &version.authority));
    }
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
