//! Metrics: for whoever runs the server, and not for everybody who reaches it.

use breakglass_server::config::ConfigError;

use crate::{attacks::wire::get, scene::Scene};

#[test]
fn metrics_are_told_on_an_address_of_their_own_and_nowhere_else() {
    let scene = Scene::set_with(|_, config| {
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    });
    let mut alice = scene.actor("alice");
    alice.declare(crate::scene::declaration()).unwrap();
    let token = alice.session().unwrap().token().to_owned();
    for who in [None, Some(token.as_str())] {
        assert_eq!(get(&scene.url, "/metrics", who).problem().code, "not_found");
    }
    let own = scene.metrics_url().unwrap();
    let told = get(&own, "/metrics", None);
    let text = String::from_utf8(told.body).unwrap();
    assert!(text.contains("\nbreakglass_incidents_open 1\n"), "{text}");
    assert!(
        text.contains("\nbreakglass_time_not_recorded 0\n"),
        "{text}"
    );
    for path in [
        "/v1/status",
        "/v1/log/checkpoint",
        "/v1/incidents",
        "/healthz",
    ] {
        let refused = get(&own, path, Some(&token)).problem();
        assert_eq!(refused.code, "not_found", "{path}");
    }
}

#[test]
fn metrics_are_off_unless_asked_for_and_never_leave_the_machine() {
    assert_eq!(Scene::set().metrics_url(), None);
    Scene::set_with(|_, config| {
        config.metrics_listen = Some("0.0.0.0:0".parse().unwrap());
        let refused = config.check().unwrap_err();
        assert!(matches!(refused, ConfigError::MetricsBeyondLoopback { .. }));
        config.metrics_listen = None;
    });
}
