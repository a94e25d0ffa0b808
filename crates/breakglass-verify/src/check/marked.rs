//! Entries that others are judged by wherever they lie in the log: versions of the authority,
//! epochs and sessions. They are picked out while the tree is read, so that the entries need be read but once.

use breakglass_format::{Entry, entry::Recorded};
use breakglass_statement::AuthoritySet;

use super::statements::{Against, Sessions, verify};
use crate::{FolderError, derive::Statement, layout, table::Table};

/// How the type of an entry is spelled. A string in an entry has no such bytes: its quotes are
/// escaped.
const TYPE: &[u8] = br#""event_type":""#;
/// Those that are picked out.
const MARKED: [&[u8]; 3] = [
    br#"AUTHORITY_PUBLISHED""#,
    br#"EPOCH_BEGUN""#,
    br#"SESSION_OPENED""#,
];

/// The marked ones of some entries that follow each other. What is none is found when all of them
/// are read.
pub(super) fn of(first: u64, entries: &[&[u8]]) -> Vec<Recorded> {
    let numbered = (first..).zip(entries);
    let marked = numbered.filter(|(_, bytes)| is_marked(bytes));
    let read = marked.filter_map(|(index, bytes)| {
        let entry = Entry::from_bytes(bytes).ok()?;
        let leaf = *breakglass_tlog::leaf_hash(bytes).as_bytes();
        let leaf = breakglass_format::Digest::from_bytes(leaf);
        Some(Recorded { index, leaf, entry })
    });
    read.collect()
}

/// Whether the type of an entry is one of those, however little of it is an entry.
fn is_marked(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(after) = after_type(rest) {
        let text = after.get(1..).unwrap_or_default();
        if MARKED.iter().any(|mark| text.starts_with(mark)) {
            return true;
        }
        rest = after;
    }
    false
}

/// How far the type may be moved on by the byte that lies under its end: until the byte lies under
/// the last one before the end that is the same, or wholly past it.
const fn shift(byte: u8) -> usize {
    match byte {
        b':' => 1,
        b'"' => 2,
        b'e' => 3,
        b'p' => 4,
        b'y' => 5,
        b't' => 6,
        b'_' => 7,
        b'n' => 9,
        b'v' => 11,
        _ => TYPE.len(),
    }
}

/// What comes after the next type, and the quote before it, with which another type may begin.
fn after_type(bytes: &[u8]) -> Option<&[u8]> {
    let last = TYPE.len() - 1;
    let mut at = 0;
    loop {
        let window = bytes.get(at..)?;
        let end = window.get(last)?;
        if window.starts_with(TYPE) {
            return window.get(last..);
        }
        at += shift(*end);
    }
}

/// The sessions that verify.
pub(super) fn sessions(
    marked: &[Recorded],
    table: &Table<'_>,
    authorities: &AuthoritySet,
) -> Result<Sessions, FolderError> {
    let none = Sessions::new();
    let against = Against {
        authorities,
        sessions: &none,
    };
    let mut sessions = Sessions::new();
    for at in marked {
        let (Some(digest), Some(loaded)) = (layout::accepted(at), layout::load(at, table)?) else {
            continue;
        };
        if sessions.contains_key(&digest) {
            continue;
        }
        if let Some(Ok(Statement::Session(session))) = verify(at.index, &loaded, against) {
            sessions.insert(digest, (at.index, session));
        }
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_marked_by_its_type() {
        for (text, marked) in [
            (r#"{"a":"x","event_type":"SESSION_OPENED","z":1}"#, true),
            (r#"{"a":"x","event_type":"AUTHORITY_PUBLISHED"}"#, true),
            (r#""event_type":"event_type":"SESSION_OPENED""#, true),
            (
                r#"{"event_type":"SESSION_CLOSED","z":"SESSION_OPENED"}"#,
                false,
            ),
            (r#"{"a":"\"event_type\":\"SESSION_OPENED\""}"#, false),
            (r#"{"event_type":"SESSION_OPENED"#, false),
            (r#""event_type":"#, false),
            ("", false),
        ] {
            assert_eq!(is_marked(text.as_bytes()), marked, "{text}");
        }
    }

    #[test]
    fn the_type_is_moved_on_no_further_than_it_may() {
        let last = TYPE.len() - 1;
        for byte in 0..=u8::MAX {
            let same = TYPE[..last].iter().rposition(|of| *of == byte);
            let expected = same.map_or(TYPE.len(), |same| last - same);
            assert_eq!(shift(byte), expected, "{byte}");
        }
    }

    #[test]
    fn a_type_is_found_wherever_it_is() {
        let filler = br#"pe":""event_ty"#;
        for before in 0..40 {
            let mut text: Vec<u8> = filler.iter().cycle().take(before).copied().collect();
            text.extend_from_slice(br#""event_type":"SESSION_OPENED""#);
            assert!(is_marked(&text), "{before}");
        }
    }
}
