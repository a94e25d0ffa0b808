//! What the timeline does beyond the sentences that golden files hold.

use std::collections::BTreeSet;

use breakglass_format::{
    Event, Line,
    entry::Recorded,
    event::{BreakGlassEnded, IncidentDeclared, SinkChanged},
    render::timeline::{Timeline, introduced, mentioned},
    vocabulary::EndReason,
};

use crate::story::{self, render};

/// The first entry of a type, with its line after everything before it was pushed.
fn line_of(event_type: &str, change: impl Fn(&mut Recorded)) -> String {
    let mut timeline = Timeline::new();
    for mut recorded in story::tell() {
        change(&mut recorded);
        let lines = timeline.push(&recorded);
        if recorded.entry.event.event_type() == event_type {
            return lines[0].clone();
        }
    }
    panic!("no {event_type} in the story");
}

#[test]
fn a_drill_is_marked_in_every_line_of_it() {
    let drill = |recorded: &mut Recorded| {
        if let Event::IncidentDeclared(IncidentDeclared { drill, .. }) = &mut recorded.entry.event {
            *drill = true;
        }
    };
    for event_type in [
        "INCIDENT_DECLARED",
        "INCIDENT_NOTED",
        "BREAK_GLASS_GRANTED",
        "EFFECT_CLAIMED",
    ] {
        let line = line_of(event_type, drill);
        assert!(line.contains("  INC-1   DRILL: "), "{line}");
        assert!(!line_of(event_type, |_| {}).contains("DRILL"));
    }
}

#[test]
fn witnesses_are_not_called_a_sink() {
    let line = line_of("SINK_CHANGED", |recorded| {
        if let Event::SinkChanged(SinkChanged { sink, .. }) = &mut recorded.entry.event {
            *sink = "witnesses".parse().unwrap();
        }
    });
    assert!(
        line.contains("all is NOT well with the witnesses of the log: \"connection refused\""),
        "{line}"
    );
}

#[test]
fn a_fact_without_a_statement_is_the_servers() {
    let line = line_of("INCIDENT_DECLARED", |recorded| {
        recorded.entry.statement = None.into();
    });
    assert!(line.ends_with("  [server]"), "{line}");
}

#[test]
fn nobody_is_said_to_have_signed_what_the_server_concluded() {
    let line = line_of("BREAK_GLASS_ENDED", |recorded| {
        if let Event::BreakGlassEnded(BreakGlassEnded { reason, .. }) = &mut recorded.entry.event {
            *reason = EndReason::Resolved;
        }
    });
    assert!(line.contains("ended: the incident is resolved;"), "{line}");
    assert!(line.ends_with("  [server, on what alice signed]"), "{line}");
}

#[test]
fn a_request_that_an_end_made_void_is_not_laid_at_the_authoritys_door() {
    let line = line_of("BREAK_GLASS_VOIDED", |recorded| {
        if let Event::BreakGlassVoided(voided) = &mut recorded.entry.event {
            voided.reason = Line::new("the incident is resolved").unwrap();
            recorded.entry.statement = Some(recorded.leaf).into();
            recorded.entry.principal = Some("erin".parse().unwrap()).into();
        }
    });
    let says = r#"R-3: void, because "the incident is resolved"  [server, on what erin signed]"#;
    assert!(line.ends_with(says), "{line}");
}

#[test]
fn a_refusal_names_what_it_is_about_as_people_do() {
    let all = story::tell();
    let asked = |r: &&Recorded| matches!(r.entry.event, Event::BreakGlassRequested(_));
    let request = all.iter().find(asked).unwrap().entry.event_id.to_string();
    let about = |object: &str| {
        line_of("COMMAND_REFUSED", |recorded| {
            if let Event::CommandRefused(refused) = &mut recorded.entry.event {
                refused.object = Line::new(object).unwrap();
            }
        })
    };
    let said = about(&request);
    assert!(said.contains(" (R-1): "), "{said}");
    // What somebody wrote stays in quotes.
    assert!(about("G-1").contains(r#" ("G-1")"#), "{}", about("G-1"));
}

#[test]
fn what_lies_before_the_first_entry_is_named_by_its_id() {
    let all = story::tell();
    let approved = |r: &&Recorded| matches!(r.entry.event, Event::BreakGlassApproved(_));
    let recorded = all.iter().find(approved).unwrap();
    let lines = Timeline::new().push(recorded);
    let incident = recorded.entry.event.incident_id().unwrap();
    assert!(
        lines[0].contains(&format!("  incident {incident}  request ")),
        "{lines:?}"
    );
}

#[test]
fn every_entry_has_its_time_and_every_day_its_heading() {
    let all = story::tell();
    let text = render(&all);
    let entries = text
        .lines()
        .filter(|line| line.get(2..3) == Some(":"))
        .count();
    assert_eq!(entries, all.len());
    assert_eq!(text.matches(" (UTC)\n").count(), 2);
}

/// The lines of one entry, from no other entries than those that introduced what it mentions.
fn told_alone(story: &[Recorded], index: usize) -> Vec<String> {
    let mut needed = BTreeSet::from([index]);
    let mut open = vec![index];
    while let Some(at) = open.pop() {
        for id in mentioned(&story[at].entry) {
            let gives = |i: &usize| introduced(&story[*i].entry).iter().any(|(of, _)| *of == id);
            let latest = (0..=index).rev().find(gives);
            open.extend(latest.filter(|found| needed.insert(*found)));
        }
    }
    let mut timeline = Timeline::new();
    let told = needed.iter().map(|i| timeline.push(&story[*i]));
    told.last().unwrap()
}

#[test]
fn an_entry_is_told_alone_as_it_is_told_among_all_others() {
    let mut story = story::tell();
    for recorded in &mut story {
        if let Event::IncidentDeclared(declared) = &mut recorded.entry.event {
            declared.drill = true;
        }
    }
    let mut timeline = Timeline::new();
    for (index, recorded) in story.iter().enumerate() {
        assert_eq!(told_alone(&story, index), timeline.push(recorded));
    }
}
