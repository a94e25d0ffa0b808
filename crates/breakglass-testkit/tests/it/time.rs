//! Time: what passes, what jumps, what never goes back.

use breakglass_core::{Command, Context, decide, next_deadline, refusal::Code};
use breakglass_format::{EventId, entry::Recorded, vocabulary::EndReason};
use breakglass_testkit::{
    Given, Then, Wish, check,
    harness::types,
    people::{ALICE, BOB, CAROL, SHOP},
    statements::outage,
};

#[test]
fn a_wall_clock_that_jumps_ahead_ends_grants() {
    let mut given = Given::granted();
    given.step_wall_s(4 * 3600);
    let over = Then::Refused(Code::GrantNotActive);
    check(given.clone(), |g| g.checkout(ALICE, g.grant()), over);
    let ended = given.tick();
    assert_eq!(types(&ended), ["BREAK_GLASS_ENDED"]);
    let reason = given
        .world()
        .grant(&given.grant())
        .unwrap()
        .ended
        .unwrap()
        .0;
    assert_eq!(reason, EndReason::Expired);
}

#[test]
fn a_wall_clock_that_goes_back_gives_nothing_back() {
    let mut given = Given::granted();
    given.step_wall_s(-3 * 3600);
    let end = given.world().grant(&given.grant()).unwrap().not_after;
    given.sleep_ms(end.since_ms(given.now()));
    let over = Then::Refused(Code::GrantNotActive);
    check(given, |g| g.checkout(ALICE, g.grant()), over);
}

#[test]
fn engine_time_never_goes_back_over_a_restart() {
    let mut given = Given::granted();
    let last = given.world().last();
    given.step_wall_s(-24 * 3600);
    given.restart();
    assert!(given.now() >= last);
    let declare = given.declare(ALICE, outage());
    let recorded = given.must(&declare);
    assert!(recorded[0].entry.created_at >= last);
    assert!(recorded[0].entry.wall < last);
    let order = given
        .log()
        .windows(2)
        .all(|w| w[0].entry.created_at <= w[1].entry.created_at);
    assert!(order);
}

#[test]
fn a_step_of_the_clock_is_on_record() {
    let mut given = Given::ready();
    assert_eq!(types(&given.step_wall_s(-3600)), ["CLOCK_STEPPED"]);
}

#[test]
fn a_statement_is_five_minutes_from_the_server_at_most() {
    let declared = Then::Recorded(&["INCIDENT_DECLARED"]);
    let skewed = Then::Refused(Code::ClockSkew);
    for (ms, then) in [(0, declared), (300_000, declared), (300_001, skewed)] {
        let mut given = Given::ready();
        let early = given.declare(ALICE, outage());
        given.sleep_ms(ms);
        check(given, |_| early, then);
        let ahead = |g: &mut Given| {
            let at = g.now().millis() + ms;
            let declare = breakglass_format::act::Command::Declare(outage());
            g.act_with(ALICE, "", declare, |act| {
                act.issued_at = breakglass_format::Timestamp::from_millis(at);
            })
        };
        check(Given::ready(), ahead, then);
    }
}

#[test]
fn nothing_happens_at_a_tick_before_its_time() {
    let mut given = Given::granted();
    let log = given.log().len();
    while next_deadline(given.world(), given.now()).is_some_and(|at| at > given.now().plus_s(3600))
    {
        given.sleep_s(600);
        assert_eq!(given.tick(), []);
    }
    assert_eq!(given.log().len(), log);
}

#[test]
fn the_next_deadline_is_always_one_at_which_something_happens() {
    let stages = breakglass_testkit::stages::STAGES;
    for (name, stage) in stages {
        let mut given = stage();
        for _ in 0..20 {
            let Some(due) = next_deadline(given.world(), given.now()) else {
                break;
            };
            assert!(
                due >= given.now(),
                "{name}: {due} is over and was not dealt with"
            );
            given.sleep_ms(due.since_ms(given.now()));
            assert!(
                !given.tick().is_empty(),
                "{name}: nothing happened at {due}"
            );
        }
    }
}

#[test]
fn a_tick_records_everything_that_is_over_at_once() {
    let mut given = Given::granted();
    let ask = given.ask(
        breakglass_testkit::people::ALICE,
        &Wish::credential("acc_db_reader"),
    );
    given.must(&ask);
    given.sleep_s(30 * 3600);
    let made = given.tick();
    assert_eq!(types(&made), ["BREAK_GLASS_ENDED", "BREAK_GLASS_LAPSED"]);
    assert_eq!(given.tick(), []);
}

#[test]
fn a_request_in_flight_over_a_restart_is_answered_as_before() {
    let mut given = Given::approved_once();
    given.restart();
    let granted = Then::Recorded(&["BREAK_GLASS_APPROVED", "BREAK_GLASS_GRANTED"]);
    let given = check(given, |g| g.approve(CAROL, g.request()), granted);
    let again = |g: &mut Given| g.approve(BOB, g.request());
    check(given, again, Then::Refused(Code::RequestNotPending));
    check(
        Given::denied(),
        |g| g.ask(ALICE, &Wish::credential(SHOP)),
        Then::Recorded(&["BREAK_GLASS_REQUESTED"]),
    );
}

#[test]
fn an_entry_of_an_earlier_time_takes_nothing_back() {
    let given = Given::granted();
    let mut world = given.world().clone();
    let mut early = given.log()[0].clone();
    early.index = world.size();
    world.apply(&early, None);
    assert_eq!(world.last(), given.world().last());
}

#[test]
fn more_lapses_than_a_transaction_holds_are_several_ticks() {
    let given = Given::requested();
    let mut world = given.world().clone();
    let asked = given.log().last().unwrap().clone();
    assert_eq!(
        types(std::slice::from_ref(&asked)),
        ["BREAK_GLASS_REQUESTED"]
    );
    let mut index = asked.index;
    let mut random = {
        let mut last = 0_u32;
        move || {
            last += 1;
            let mut bytes = [0xee; 10];
            bytes[..4].copy_from_slice(&last.to_be_bytes());
            bytes
        }
    };
    for _ in 0..4_999 {
        let mut another = asked.clone();
        index += 1;
        another.index = index;
        another.entry.event_id = EventId::new(asked.entry.created_at, random());
        world.apply(&another, None);
    }
    let now = given.now().plus_s(2 * 3_600);
    let mut lapsed = 0;
    while next_deadline(&world, now).is_some_and(|at| at <= now) {
        let mut cx = Context {
            now,
            wall: now,
            random: &mut random,
        };
        let drafts = decide(&world, &Command::Tick, &mut cx).unwrap();
        assert!((1..=1_024).contains(&drafts.len()), "{}", drafts.len());
        lapsed += drafts.len();
        for draft in drafts {
            index += 1;
            let entry = draft.into_entry(now, now, None);
            let leaf = asked.leaf;
            world.apply(&Recorded { index, leaf, entry }, None);
        }
    }
    assert_eq!(lapsed, 5_000);
}
