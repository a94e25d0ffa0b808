//! Notices against the rules: of nothing, to nobody, and the board told.

use breakglass_format::vocabulary::Notice;

use breakglass_format::{
    act::{Command, NoArgs},
    event::ContactSet,
};

use crate::{
    people::{member, read},
    rich::{contact, contact_told, told},
    scribe::{Scribe, broken, sha256},
    story,
};

#[test]
fn people_are_told_of_what_there_is_and_are_known() {
    let (mut log, incident) = story::declared();
    let mut notice = told(incident, "erin");
    notice.subject = read("INC-1");
    log.server(notice.clone());
    assert_eq!(log.verdict().findings, []);
    let mut of_nothing = log.clone();
    notice.subject = read("INC-7");
    of_nothing.server(notice.clone());
    broken(&of_nothing, &["notice_of_nothing"]);
    for notices in [Notice::RequestWaiting, Notice::GrantEnding, Notice::DutyDue] {
        let mut other = log.clone();
        notice.notice = notices;
        other.server(notice.clone());
        broken(&other, &["notice_of_nothing"]);
    }
    let mut stranger = told(incident, "erin");
    stranger.subject = read("INC-1");
    for delivery in &mut stranger.deliveries {
        delivery.person = read("per_nobody");
    }
    log.server(stranger);
    broken(&log, &["notice_to_stranger"]);
}

#[test]
fn everybody_sets_their_own_contact_at_most_once_a_minute_and_alone_is_told() {
    let (mut log, _) = story::declared();
    contact(&mut log, "erin");
    log.wait(60);
    contact(&mut log, "erin");
    contact(&mut log, "bob");
    assert_eq!(log.verdict().findings, []);
    contact(&mut log, "bob");
    broken(&log, &["contact_too_often"]);

    let set = |log: &mut Scribe, object: &str, whose: &str| {
        let commitment = sha256(b"a salted contact");
        let said = log.act_with("erin", object, Command::SetContact(NoArgs {}), |act| {
            act.documents = vec![commitment];
        });
        let member = member(whose);
        log.caused(&said, ContactSet { commitment, member })
    };
    let (declared, _) = story::declared();
    let mut others = declared.clone();
    set(&mut others, "", "bob");
    broken(&others, &["event_differs_from_statement"]);
    let mut of_others = declared.clone();
    set(&mut of_others, "per_bob", "erin");
    broken(&of_others, &["event_differs_from_statement"]);
    let mut elsewhere = declared.clone();
    let event = set(&mut elsewhere, "", "erin");
    elsewhere.server(contact_told(event, "bob"));
    broken(&elsewhere, &["notice_of_nothing"]);
}
