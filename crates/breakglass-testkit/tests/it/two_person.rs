//! Acts that take two people.

use breakglass_core::refusal::Code;
use breakglass_format::act::Command as Act;
use breakglass_testkit::{
    Given, Then, check,
    people::{GRACE, HEIDI, JUDY, READER, SHOP, person_mut, successor},
    statements::because,
};

const PROPOSED: Then<'_> = Then::Recorded(&["ACT_PROPOSED"]);
const ORDERED: Then<'_> = Then::Recorded(&["ROTATION_ORDERED"]);

fn proposed() -> Given {
    let mut given = Given::ready();
    let order = given.order_rotation(GRACE, SHOP);
    given.must(&order);
    given
}

#[test]
fn the_second_person_repeats_what_the_first_said() {
    check(proposed(), |g| g.order_rotation(HEIDI, SHOP), ORDERED);
    let otherwise = Act::Rotate(because("For another reason."));
    check(proposed(), |g| g.act(HEIDI, SHOP, otherwise), PROPOSED);
    check(proposed(), |g| g.order_rotation(HEIDI, READER), PROPOSED);
}

#[test]
fn the_same_person_is_not_the_second_whatever_the_key() {
    for hand in [GRACE, GRACE.touching()] {
        let refused = Then::Refused(Code::AnotherPersonNeeded);
        check(proposed(), |g| g.order_rotation(hand, SHOP), refused);
    }
}

#[test]
fn the_first_persons_word_is_used_once() {
    let given = check(proposed(), |g| g.order_rotation(HEIDI, SHOP), ORDERED);
    check(given, |g| g.order_rotation(JUDY, SHOP), PROPOSED);
}

#[test]
fn the_first_persons_word_lasts_a_quarter_of_an_hour() {
    let after = |ms: i64| {
        let mut given = proposed();
        given.sleep_ms(ms);
        given
    };
    check(after(899_999), |g| g.order_rotation(HEIDI, SHOP), ORDERED);
    check(after(900_000), |g| g.order_rotation(HEIDI, SHOP), PROPOSED);
    check(after(900_000), |g| g.order_rotation(GRACE, SHOP), PROPOSED);
}

#[test]
fn the_first_persons_key_must_still_count() {
    let mut given = proposed();
    let mut next = successor(&given.authority());
    let end = given.now().plus_s(60);
    person_mut(&mut next, "grace").keys[0].not_after = Some(end).into();
    let publish = given.publish(next, true);
    given.must(&publish);
    check(given.clone(), |g| g.order_rotation(HEIDI, SHOP), ORDERED);
    given.sleep_s(60);
    check(given, |g| g.order_rotation(HEIDI, SHOP), PROPOSED);
}

#[test]
fn the_first_person_must_still_be_one_who_may() {
    let mut given = proposed();
    let mut next = successor(&given.authority());
    person_mut(&mut next, "grace").privileges.clear();
    let publish = given.publish(next, true);
    given.must(&publish);
    check(given, |g| g.order_rotation(HEIDI, SHOP), PROPOSED);
}
