//! Whether an emergency could be handled now.

use breakglass_core::{
    key_state::KeyState,
    readiness::{Severity, readiness},
};
use breakglass_format::{Blank, authority::Authority};
use breakglass_testkit::{
    Given,
    people::{VAULT, person_mut, successor},
};

const DAY_S: i64 = 86_400;

/// The codes of what is missing about somebody or something.
fn lacks(given: &Given, about: &str) -> Vec<&'static str> {
    let all = readiness(given.world(), given.now());
    let about = all.into_iter().filter(|lack| lack.about == about);
    about.map(|lack| lack.code).collect()
}

fn published(change: impl FnOnce(&mut Authority)) -> Given {
    let mut given = Given::ready();
    let mut next = successor(&given.authority());
    change(&mut next);
    let publish = given.publish(next, true);
    given.must(&publish);
    given
}

fn states(given: &Given, principal: &str) -> Vec<KeyState> {
    let world = given.world();
    let version = world.authority().unwrap();
    let people = &version.authority.people;
    let person = people.iter().find(|p| p.principal.as_str() == principal);
    let person = person.unwrap();
    let keys = person.keys.iter();
    keys.map(|key| world.key_state(version, person, key, given.now()))
        .collect()
}

#[test]
fn a_house_that_is_ready_fails_on_nothing() {
    let given = Given::ready();
    let all = readiness(given.world(), given.now());
    let failing: Vec<_> = all
        .iter()
        .filter(|lack| lack.severity == Severity::Fails && lack.about.starts_with("shop"))
        .collect();
    assert!(failing.is_empty(), "{failing:?}");
    assert_eq!(states(&given, "dave"), [KeyState::Counts; 2]);
    assert!(!lacks(&given, "dave").contains(&"not_enrolled"));
}

#[test]
fn what_nobody_can_mend_now_is_warned_of_and_fails_nothing() {
    let severity = |given: &Given, about: &str| {
        let all = readiness(given.world(), given.now());
        let mut known = all.into_iter();
        let known = known.find(|l| l.about == about && l.code == "credential_known");
        known.map(|lack| lack.severity)
    };
    let warned = Some(Severity::Warns);
    // Alice holds it, and knows it for as long.
    assert_eq!(severity(&Given::checked_out(), "shop-admin"), warned);
    assert_eq!(severity(&Given::rotated_after_use(), "shop-admin"), None);
    let failing = severity(&Given::rotation_failing(), "shop-admin");
    assert_eq!(failing, Some(Severity::Fails));
    // People put it in, and no machine replaces it.
    assert_eq!(
        severity(&Given::ready().importing(VAULT), "vault-root"),
        warned
    );
}

#[test]
fn keys_whose_time_has_not_begun_or_is_over_are_no_keys() {
    let tomorrow = Given::ready().now().plus_s(DAY_S);
    let mut given = published(|a| {
        for key in &mut person_mut(a, "dave").keys {
            key.not_before = tomorrow;
        }
        for key in &mut person_mut(a, "bob").keys {
            key.not_after = Blank(Some(tomorrow));
        }
    });
    assert_eq!(states(&given, "dave"), [KeyState::NotYet; 2]);
    assert!(lacks(&given, "dave").contains(&"not_enrolled"));
    assert_eq!(states(&given, "bob"), [KeyState::Counts; 2]);
    given.pass_s(2 * DAY_S);
    assert_ne!(states(&given, "dave")[0], KeyState::NotYet);
    assert_eq!(states(&given, "bob"), [KeyState::Over; 2]);
    assert!(lacks(&given, "bob").contains(&"not_enrolled"));
}
