//! Who there is, whose keys count, and whether that is enough for an emergency.

use axum::{Json, extract::State};
use breakglass_api::view::{KeyView, LackView, PersonView, ReadinessView};
use breakglass_core::{
    World,
    key_state::KeyState,
    readiness::{Lack, Severity},
    world::Version,
};
use breakglass_format::{
    Timestamp,
    authority::{Key, Person},
};

use crate::{
    http::{app::App, extract::Reading},
    readiness,
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
    let state = world.key_state(version, person, key, now);
    let key_type = key.public_key.as_str().split(' ').next();
    KeyView {
        fingerprint: key.fingerprint.to_string(),
        key_type: key_type.unwrap_or_default().to_owned(),
        state: state.as_str().to_owned(),
        recovery: enrolment.is_some_and(|e| e.recovery),
        used_at: enrolment.map(|e| e.used),
        suspended_at: match state {
            KeyState::Suspended(at) => Some(at),
            KeyState::Counts | KeyState::Over | KeyState::NotYet | KeyState::NotEnrolled => None,
        },
    }
}

/// Whether an emergency could be handled now.
#[utoipa::path(get, path = "/v1/readiness", responses((status = 200, body = ReadinessView)))]
pub(crate) async fn readiness(State(app): State<App>, _: Reading) -> Json<ReadinessView> {
    let lacks = readiness::lacks(&app.published().world, &app.tools, app.now());
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
