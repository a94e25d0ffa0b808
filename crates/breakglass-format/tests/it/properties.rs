//! Arbitrary text through everything that takes text.

use breakglass_format::{
    AccountId, Digest, Entry, EventId, Fingerprint, IncidentId, Line, Name, Nonce, PersonId,
    Principal, Prose, Timestamp,
    event::{Event, IncidentNoted, Reference},
    limits,
    render::timeline::Timeline,
    text::is_forbidden,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{golden::jsonl_line, story};

/// Text with more than its share of what is not allowed in text.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{ff}'),
        prop::char::range('\u{2000}', '\u{206f}'),
        Just('\n'),
        Just('"'),
    ];
    prop::collection::vec(c, 0..300).prop_map(String::from_iter)
}

/// A parser that accepts a text writes the same text; it never panics.
fn one_spelling<T: std::str::FromStr + ToString>(text: &str) -> bool {
    text.parse::<T>()
        .map_or(true, |value| value.to_string() == text)
}

fn every_parser_has_one_spelling(text: &str) -> bool {
    one_spelling::<Reference>(text)
        && one_spelling::<EventId>(text)
        && one_spelling::<IncidentId>(text)
        && one_spelling::<PersonId>(text)
        && one_spelling::<AccountId>(text)
        && one_spelling::<Principal>(text)
        && one_spelling::<Name>(text)
        && one_spelling::<Digest>(text)
        && one_spelling::<Nonce>(text)
        && one_spelling::<Fingerprint>(text)
        && one_spelling::<Timestamp>(text)
        && one_spelling::<Line>(text)
        && one_spelling::<Prose>(text)
}

/// The note in the story, saying something else.
fn noted(text: &str) -> breakglass_format::entry::Recorded {
    let is_note = |e: &Event| e.event_type() == "INCIDENT_NOTED";
    let mut recorded = story::tell()
        .into_iter()
        .find(|r| is_note(&r.entry.event))
        .unwrap();
    let incident_id = recorded.entry.event.incident_id().unwrap();
    recorded.entry.event = IncidentNoted {
        incident_id,
        text: Prose::lossy(text),
    }
    .into();
    recorded
}

proptest! {
    #[test]
    fn a_lossy_text_is_always_valid(text in text(), times in 1_usize..40) {
        let text = text.repeat(times);
        let (line, prose) = (Line::lossy(&text), Prose::lossy(&text));
        prop_assert_eq!(Line::new(line.as_str()), Ok(line.clone()));
        prop_assert_eq!(Prose::new(prose.as_str()), Ok(prose.clone()));
        prop_assert!(line.as_str().len() <= limits::LINE_BYTES_MAX);
        prop_assert!(prose.as_str().len() <= limits::PROSE_BYTES_MAX);
        if let Ok(kept) = Line::new(text.as_str()) {
            prop_assert_eq!(line, kept, "a valid text is kept as it is");
        }
    }

    #[test]
    fn whatever_is_noted_survives_in_the_entry_and_in_one_jsonl_line(text in text()) {
        let recorded = noted(&text);
        let bytes = recorded.entry.to_bytes().unwrap();
        prop_assert_eq!(Entry::from_bytes(&bytes).unwrap(), recorded.entry.clone());
        let line = jsonl_line(&recorded);
        prop_assert!(!line.contains(&b'\n'));
        let value: Value = serde_json::from_slice(&line).unwrap();
        let noted = Prose::lossy(&text);
        prop_assert_eq!(value["event_data"]["text"].as_str(), Some(noted.as_str()));
        prop_assert_eq!(&value["event_data"], &recorded.entry.event.data().unwrap());
    }

    #[test]
    fn whatever_is_noted_is_one_visible_line_of_the_timeline(text in text()) {
        let lines = Timeline::new().push(&noted(&text));
        prop_assert_eq!(lines.len(), 1);
        prop_assert!(!lines[0].chars().any(is_forbidden), "{:?}", lines);
        prop_assert_eq!(lines[0].matches('"').count(), 2, "{:?}", lines);
        prop_assert!(lines[0].ends_with("\"  [signed by bob]"));
    }

    #[test]
    fn parsers_of_words_never_panic(text in text()) {
        prop_assert!(every_parser_has_one_spelling(&text));
    }

    #[test]
    fn parsers_of_words_never_panic_near_the_right_form(
        text in "(INC|R|G|per_|acc_|sha256:|SHA256:|)-?[0-9a-fA-F_+=/.:TZ-]{0,70}"
    ) {
        prop_assert!(every_parser_has_one_spelling(&text), "{}", text);
    }

    #[test]
    fn references_of_every_number_are_read_back(number in 1_u64..) {
        for reference in [Reference::Incident(number), Reference::Request(number), Reference::Grant(number)] {
            prop_assert_eq!(reference.to_string().parse(), Ok(reference));
        }
    }
}
