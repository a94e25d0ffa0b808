//! Steps of the root persons.

use breakglass_format::{Timestamp, authority::Authority};
use breakglass_testkit::{
    Given,
    harness::types,
    people::{entitlement_mut, line, name, person_mut, successor},
};

use crate::random::Random;

type Change = (&'static str, fn(&mut Authority, Timestamp));

/// Everybody's keys are listed anew.
const EVERYBODY_COUNTS: Change = ("everybody's keys count anew", |a, now| {
    let keys = a.people.iter_mut().flat_map(|p| &mut p.keys);
    keys.for_each(|key| key.not_before = now);
});

/// The root persons change something.
pub(super) fn change_authority(given: &mut Given, random: &mut Random) -> String {
    let mut next = successor(&given.authority());
    let until = given.now().plus_s(3600);
    let now = given.now();
    let changes: [Change; 14] = [
        ("the title", |a, _| a.title = line("renamed")),
        ("bob leaves security", |a, _| {
            person_mut(a, "bob").groups.clear()
        }),
        ("bob joins security", |a, _| {
            person_mut(a, "bob").groups = vec![name("security")]
        }),
        ("peggy joins platform", |a, _| {
            person_mut(a, "peggy").groups = vec![name("security"), name("platform")];
        }),
        ("peggy leaves platform", |a, _| {
            person_mut(a, "peggy").groups = vec![name("security")]
        }),
        // Undoes every suspension; three of ten times, or soon nobody could do anything.
        EVERYBODY_COUNTS,
        EVERYBODY_COUNTS,
        EVERYBODY_COUNTS,
        ("a key of carol's ends soon", |a, until| {
            person_mut(a, "carol").keys[0].not_after = Some(until).into();
        }),
        ("a key of carol's does not end", |a, _| {
            person_mut(a, "carol").keys[0].not_after = None.into();
        }),
        ("dave is on call", |a, _| {
            person_mut(a, "dave").groups = ["oncall", "platform", "security"].map(name).to_vec();
        }),
        ("the reader is rotated every day", |a, _| {
            a.accounts[1].rotate_after_s = 86_400;
        }),
        ("two minutes less", |a, _| {
            entitlement_mut(a, "shop-emergency").max_duration_s -= 120
        }),
        ("victor comes", |a, _| {
            if a.people.iter().all(|p| p.principal.as_str() != "victor") {
                a.people.push(breakglass_testkit::people::newcomer(
                    "victor",
                    &["platform"],
                ));
            }
        }),
    ];
    let (what, change) = random.pick(&changes).unwrap();
    change(
        &mut next,
        if what == EVERYBODY_COUNTS.0 {
            now
        } else {
            until
        },
    );
    if next.check().is_err() {
        return format!("{what}: not an authority");
    }
    let publish = given.publish(next, random.once_in(2));
    let made = given.must(&publish);
    format!(
        "the root persons publish: {what} -> {}",
        types(&made).join(" ")
    )
}
