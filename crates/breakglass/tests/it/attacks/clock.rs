//! Access ends by the clock, whatever anybody does.

use breakglass_format::{Entry, Event, GrantId, vocabulary::EndReason};

use super::hand::Hand;
use crate::scene::{Scene, password, wait};

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
