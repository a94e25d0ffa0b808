//! Notices against the rules: of nothing, to nobody, and the board told.

use breakglass_format::vocabulary::Notice;

use crate::{people::read, rich::told, scribe::broken, story};

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
