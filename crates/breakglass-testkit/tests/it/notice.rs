//! Who is told what, when, and what happens where they cannot be told.

use breakglass_core::{Command, notice::Due, obligation::Status, refusal::Code};
use breakglass_format::{
    PersonId,
    act::Declare,
    vocabulary::{Notice, Obligation},
};
use breakglass_testkit::{
    Given, Then, Wish, check,
    people::{ALICE, BOB, CAROL, DAVE, ERIN, SHOP, line, name, prose},
    statements::outage,
    worker::told,
};

/// What is to be told now, but for what a declaration calls for.
fn due(given: &Given, notice: Notice) -> Vec<(i64, Vec<String>)> {
    let all = given.to_tell().into_iter();
    let such = all.filter(|d| d.key.notice == notice);
    such.map(|d| (d.key.stage, names(&d.people))).collect()
}

fn names(people: &[PersonId]) -> Vec<String> {
    let short = |p: &PersonId| p.as_str().trim_start_matches("per_").to_owned();
    people.iter().map(short).collect()
}

fn only(given: &Given, notice: Notice) -> Due {
    let mut all = given.to_tell();
    all.retain(|d| d.key.notice == notice);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn patch() -> Declare {
    Declare {
        scenario: name("critical-patch"),
        threat: prose("CVE-2026-0001 is exploited."),
        ..outage()
    }
}

#[test]
fn stakeholders_and_who_leads_are_told_of_a_declaration_once() {
    let mut given = Given::declared();
    let (stage, people) = due(&given, Notice::IncidentDeclared).remove(0);
    assert_eq!(
        (stage, people),
        (
            0,
            vec!["alice".to_owned(), "erin".to_owned(), "mallory".to_owned()]
        )
    );
    given.tell();
    assert_eq!(given.to_tell(), []);
}

#[test]
fn the_first_tier_is_told_at_once_the_next_after_five_minutes_everybody_after_fifteen() {
    let mut given = Given::declared();
    let ask = given.ask(ALICE, &Wish::credential(SHOP));
    given.must(&ask);
    let stages = |given: &Given| -> Vec<i64> {
        due(given, Notice::RequestWaiting)
            .into_iter()
            .map(|d| d.0)
            .collect()
    };
    assert_eq!(stages(&given), [0]);
    given.sleep_s(5 * 60 - 1);
    assert_eq!(stages(&given), [0]);
    given.sleep_s(1);
    assert_eq!(stages(&given), [0, 1]);
    given.tell();
    assert!(stages(&given).is_empty());
    given.sleep_s(10 * 60);
    let (stage, everybody) = due(&given, Notice::RequestWaiting).remove(0);
    assert_eq!(stage, 2);
    assert!(!everybody.contains(&"alice".to_owned()), "{everybody:?}");
    // Whoever has answered is not asked again.
    let approve = given.approve(BOB, given.request());
    given.must(&approve);
    let (_, left) = due(&given, Notice::RequestWaiting).remove(0);
    assert!(everybody.contains(&"bob".to_owned()) && !left.contains(&"bob".to_owned()));
    let approve = given.approve(CAROL, given.request());
    given.must(&approve);
    assert!(stages(&given).is_empty(), "it waits no more");
}

#[test]
fn who_asked_is_told_that_nobody_answered() {
    let given = Given::lapsed();
    assert_eq!(
        due(&given, Notice::RequestLapsed),
        [(0, vec!["alice".to_owned()])]
    );
}

#[test]
fn half_an_hour_and_ten_minutes_before_the_end_everybody_concerned_is_told() {
    let mut given = Given::granted();
    let left = given.world().grant(&given.grant()).unwrap().not_after;
    let until = |given: &Given, minutes: i64| left.since_ms(given.now()) / 1000 - minutes * 60;
    given.sleep_s(until(&given, 30) - 1);
    assert_eq!(due(&given, Notice::GrantEnding), []);
    given.sleep_s(1);
    let people = ["alice", "bob", "carol", "erin"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(due(&given, Notice::GrantEnding), [(30, people.clone())]);
    given.tell();
    given.sleep_s(until(&given, 10));
    assert_eq!(due(&given, Notice::GrantEnding), [(10, people)]);
    // Too late for the first of them: nobody is told that there were thirty minutes.
    let mut given = Given::granted();
    given.sleep_s(until(&given, 5));
    assert_eq!(due(&given, Notice::GrantEnding).len(), 1);
    assert_eq!(due(&given, Notice::GrantEnding)[0].0, 10);
}

#[test]
fn a_short_grant_is_not_announced_before_it_began() {
    let given = Given::declared().asked(&Wish::credential(SHOP).for_s(20 * 60));
    let given = given.approved_by(BOB).approved_by(CAROL);
    assert_eq!(due(&given, Notice::GrantEnding), []);
}

#[test]
fn who_used_it_and_wrote_nothing_down_is_asked_to() {
    let mut given = Given::checked_out();
    let back = given.give_back(ALICE, given.grant());
    given.must(&back);
    assert_eq!(
        due(&given, Notice::GrantUndocumented),
        [(0, vec!["alice".to_owned()])]
    );
    let record = given.document(ALICE, given.grant(), "Drained the queue.");
    given.must(&record);
    assert_eq!(due(&given, Notice::GrantUndocumented), []);
}

#[test]
fn who_leads_is_told_when_a_no_was_overruled() {
    let mut given = Given::denied().asked(&Wish::credential(SHOP));
    let deny = given.deny(BOB, given.request());
    given.must(&deny);
    let given = given.approved_by(DAVE);
    let mut given = given;
    let security = given.approve(breakglass_testkit::people::PEGGY, given.request());
    given.must(&security);
    assert_eq!(
        due(&given, Notice::GrantedOverDenial),
        [(0, vec!["erin".to_owned()])]
    );
}

#[test]
fn a_duty_presses_at_half_its_time_then_harder_then_every_day() {
    let mut given = Given::resolved();
    given.tell();
    let report = |given: &Given| -> Vec<(i64, usize)> {
        let all = given.to_tell().into_iter();
        let of_it = all.filter(|d| d.key.subject.as_str() == "incident_report");
        of_it.map(|d| (d.key.stage, d.people.len())).collect()
    };
    const HOUR: i64 = 3600;
    given.sleep_s(12 * HOUR);
    assert_eq!(report(&given), [(50, 1)]);
    given.tell();
    assert_eq!(report(&given), []);
    given.sleep_s(8 * HOUR);
    // The owner is who leads: one person.
    assert_eq!(report(&given), [(80, 1)]);
    given.tell();
    given.sleep_s(4 * HOUR);
    let (stage, people) = report(&given).remove(0);
    assert_eq!(stage, 100);
    assert!(people > 1, "the board is told as well");
    given.tell();
    given.sleep_s(24 * HOUR - 1);
    assert_eq!(report(&given), []);
    given.sleep_s(1);
    assert_eq!(report(&given)[0].0, 101);
    let filed = given.file_report(ERIN);
    given.must(&filed);
    assert_eq!(report(&given), []);
}

#[test]
fn the_board_is_told_by_us_or_by_a_person() {
    let mut given = Given::ready();
    let declare = given.declare(ALICE, patch());
    given.must(&declare);
    let met = |given: &Given| {
        let incident = given.world().incident(&given.incident()).unwrap();
        let duties = given.world().obligations(incident, given.now());
        let told = duties
            .into_iter()
            .find(|(c, _)| c.obligation == Obligation::CabNotified);
        matches!(told.unwrap().1, Status::Met(_))
    };
    let notice = only(&given, Notice::CabNotice);
    let failed = told(notice, false);
    given.must(&failed);
    assert!(!met(&given), "nobody was reached");
    given.sleep_s(30);
    let notice = only(&given, Notice::CabNotice);
    let sent = told(notice, true);
    given.must(&sent);
    assert!(met(&given));
}

#[test]
fn who_was_not_reached_is_tried_again_five_times_and_nobody_else() {
    let mut given = Given::declared();
    let mut first = only(&given, Notice::IncidentDeclared);
    let Command::Notified(_, mut deliveries) = told(first.clone(), true) else {
        unreachable!("it is one");
    };
    deliveries[0].sent = false;
    given.must(&Command::Notified(first.clone(), deliveries.clone()));
    assert_eq!(given.to_tell(), []);
    for (attempt, wait) in [(2, 30), (3, 60), (4, 120), (5, 240)] {
        given.sleep_s(wait - 1);
        assert_eq!(given.to_tell(), [], "attempt {attempt}");
        given.sleep_s(1);
        first = only(&given, Notice::IncidentDeclared);
        assert_eq!(
            (first.attempt, names(&first.people)),
            (attempt, vec!["alice".to_owned()])
        );
        let again = told(first.clone(), false);
        given.must(&again);
    }
    given.sleep_s(24 * 3600);
    assert_eq!(due(&given, Notice::IncidentDeclared), []);
}

#[test]
fn whom_no_way_leads_to_is_not_tried_again() {
    let mut given = Given::declared();
    let notice = only(&given, Notice::IncidentDeclared);
    let Command::Notified(notice, mut deliveries) = told(notice, false) else {
        unreachable!("it is one");
    };
    for delivery in &mut deliveries {
        delivery.channel = name("none");
        delivery.detail = line("no address");
    }
    given.must(&Command::Notified(notice, deliveries));
    given.sleep_s(3600);
    assert_eq!(due(&given, Notice::IncidentDeclared), []);
}

#[test]
fn nothing_is_told_twice_nor_what_is_over() {
    let mut given = Given::declared();
    let notice = told(only(&given, Notice::IncidentDeclared), true);
    given.must(&notice);
    check(given, |_| notice, Then::Refused(Code::NotCalledFor));
    let given = Given::requested();
    let waiting = given.to_tell().into_iter();
    let mut waiting = waiting.filter(|d| d.key.notice == Notice::RequestWaiting);
    let waiting = told(waiting.next().unwrap(), true);
    let given = given.approved_by(BOB).approved_by(CAROL);
    check(given, |_| waiting, Then::Refused(Code::NotCalledFor));
}

#[test]
fn whoever_is_reached_elsewhere_is_told_of_each_change_once() {
    let mut given = Given::ready();
    let set = given.set_contact(BOB);
    given.must(&set);
    let first = only(&given, Notice::ContactChanged);
    assert_eq!(names(&first.people), ["bob"]);
    given.sleep_s(60);
    let set = given.set_contact(BOB);
    given.must(&set);
    // A second change does not hide the first.
    assert_eq!(due(&given, Notice::ContactChanged).len(), 2);
    let event = first.key.subject.as_str().parse().unwrap();
    assert_eq!(given.world().personal_notice(&event).unwrap().reached, None);
    given.must(&told(first, false));
    assert_eq!(due(&given, Notice::ContactChanged).len(), 1, "tried later");
    given.sleep_s(60);
    given.tell();
    assert_eq!(given.to_tell(), []);
    assert_eq!(given.world().personal_notice(&event), None);
}

#[test]
fn a_contact_is_needed_until_its_owner_was_told_of_the_next() {
    let mut given = Given::ready();
    let set = given.set_contact(BOB);
    given.must(&set);
    given.tell();
    let bob: PersonId = "per_bob".parse().unwrap();
    let before = given.world().contact(&bob).unwrap().commitment;
    given.sleep_s(60);
    let set = given.set_contact(BOB);
    given.must(&set);
    assert_ne!(given.world().contact(&bob).unwrap().commitment, before);
    assert!(given.world().needs_contact(&before));
    given.tell();
    assert!(!given.world().needs_contact(&before));
}

#[test]
fn whose_key_is_suspended_is_told_where_they_were_reached_when_it_happened() {
    let mut given = Given::ready();
    let set = given.set_contact(BOB);
    given.must(&set);
    given.tell();
    let bob: PersonId = "per_bob".parse().unwrap();
    let before = given.world().contact(&bob).unwrap().commitment;
    let suspend = given.suspend(BOB, BOB, Some(BOB.key()));
    given.must(&suspend);
    let due = only(&given, Notice::KeySuspended);
    assert_eq!(names(&due.people), ["bob"]);
    let event = due.key.subject.as_str().parse().unwrap();
    let personal = given.world().personal_notice(&event).unwrap();
    assert_eq!(personal.reached, Some(before));
    given.must(&told(due, true));
    assert_eq!(given.to_tell(), []);
    assert_eq!(given.world().personal_notice(&event), None);
}

#[test]
fn a_contact_is_ones_own_and_one_document() {
    use breakglass_format::act::{Command as Act, NoArgs};
    let of = |object: &'static str| {
        move |given: &mut Given| given.act(BOB, object, Act::SetContact(NoArgs {}))
    };
    check(Given::ready(), of(""), Then::Recorded(&["CONTACT_SET"]));
    check(
        Given::ready(),
        of("per_alice"),
        Then::Refused(Code::NotEntitled),
    );
    let none = |given: &mut Given| {
        let set = Act::SetContact(NoArgs {});
        given.act_with(BOB, "", set, |act| act.documents.clear())
    };
    check(Given::ready(), none, Then::Refused(Code::DocumentMissing));
}
