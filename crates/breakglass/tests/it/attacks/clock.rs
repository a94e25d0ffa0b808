//! Access ends by the clock, whatever anybody does.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use breakglass_format::{Entry, Event, GrantId, Timestamp, vocabulary::EndReason};
use breakglass_server::Clock;

use super::{
    hand::Hand,
    wire::{get, post_json},
};
use crate::scene::{Scene, password, wait};

/// A server's clocks that stand still, but for the wall clock where somebody sets it.
#[derive(Debug)]
struct Set {
    start: Timestamp,
    boot_ms: i64,
    step_ms: Arc<AtomicI64>,
}

impl Clock for Set {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.start.millis() + self.step_ms.load(Ordering::SeqCst))
    }

    fn boot_ms(&self) -> i64 {
        self.boot_ms
    }
}

#[test]
fn whoever_sets_the_wall_clock_moves_neither_sessions_nor_rates() {
    let step_ms = Arc::new(AtomicI64::new(0));
    let clock = |now: &breakglass::demo::PlayClock| -> Arc<dyn Clock> {
        Arc::new(Set {
            start: now.wall(),
            boot_ms: now.boot_ms(),
            step_ms: step_ms.clone(),
        })
    };
    let scene = Scene::set_by(clock, |_, config| config.limits.statements_per_minute = 3);
    let alice = scene.actor("alice");
    let token = alice.session().unwrap().token().to_owned();
    let post = || {
        let body = serde_json::json!({});
        post_json(&scene.url, "/v1/acts", &body).problem().code
    };
    while post() != "rate_limited" {}
    for step_s in [61, 3_600, 9 * 3_600] {
        step_ms.store(step_s * 1_000, Ordering::SeqCst);
        assert_eq!(post(), "rate_limited", "{step_s}");
        let reply = get(&scene.url, "/v1/whoami", Some(&token));
        assert_eq!(reply.status, 200, "{step_s}: {reply:?}");
    }
}

#[test]
fn a_grant_ends_by_the_clock_and_its_password_with_it() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    cast.grant();
    let out = cast.checkout("G-1");
    let password = password(&out.credential);
    let account = breakglass::demo::ACCOUNT;
    assert!(scene.stage.shop.lets_in(account, &password).unwrap());
    let grant: GrantId = cast
        .alice
        .client()
        .grant("G-1")
        .unwrap()
        .id
        .parse()
        .unwrap();
    scene.skip_s(4 * 3_600 - 60);
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let checkout = alice.checkout(grant);
    alice.post(&checkout).unwrap();
    scene.skip_s(61);
    alice.now = scene.now();
    let checkout = alice.checkout(grant);
    assert_eq!(alice.refused(&checkout), "grant_not_active");
    let client = cast.frank.client();
    let ended = || {
        let entries = client.entries(0).unwrap().entries;
        entries.iter().find_map(|text| {
            let entry = Entry::from_bytes(text.as_bytes()).unwrap();
            let Event::BreakGlassEnded(ended) = entry.event else {
                return None;
            };
            Some((ended.reason, ended.grant_id))
        })
    };
    wait("the end of the grant", || ended().is_some());
    assert_eq!(ended(), Some((EndReason::Expired, grant)));
    cast.wait_for_version(3);
    assert!(!scene.stage.shop.lets_in(account, &password).unwrap());
}
