//! Entries that others are judged by wherever they lie in the log: versions of the authority,
//! epochs and sessions. They are picked out while the tree is read, so that the entries need be read but once.

use std::collections::BTreeMap;

use breakglass_format::{Entry, Event, entry::Recorded};
use breakglass_statement::AuthoritySet;

use super::{
    statements::{Against, Sessions, verify},
    table::Table,
};
use crate::{
    FolderError,
    authority::{self, AuthorityFault},
    derive::Statement,
    layout::{self, Blobs as _},
};

/// How such an entry is spelled. A string in an entry has no such bytes: its quotes are escaped.
const MARKS: [&[u8]; 3] = [
    br#""event_type":"AUTHORITY_PUBLISHED""#,
    br#""event_type":"EPOCH_BEGUN""#,
    br#""event_type":"SESSION_OPENED""#,
];

/// The marked ones of some entries that follow each other. What is none is found when all of them
/// are read.
pub(super) fn of(first: u64, entries: &[&[u8]]) -> Vec<Recorded> {
    let numbered = (first..).zip(entries);
    let marked = numbered.filter(|(_, bytes)| MARKS.iter().any(|mark| holds(bytes, mark)));
    let read = marked.filter_map(|(index, bytes)| {
        let entry = Entry::from_bytes(bytes).ok()?;
        let leaf = *breakglass_tlog::leaf_hash(bytes).as_bytes();
        let leaf = breakglass_format::Digest::from_bytes(leaf);
        Some(Recorded { index, leaf, entry })
    });
    read.collect()
}

/// Whether bytes occur in others.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'"') {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(wanted) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The chain of authorities, from their files.
pub(super) fn authorities(
    marked: &[Recorded],
    table: &Table<'_>,
) -> Result<Result<AuthoritySet, AuthorityFault>, FolderError> {
    let mut files = BTreeMap::new();
    for at in marked {
        let named = if let Event::AuthorityPublished(published) = &at.entry.event {
            layout::of_authority(published)
        } else if let Event::EpochBegun(begun) = &at.entry.event {
            layout::of_epoch(begun)
        } else {
            continue;
        };
        for (path, digest) in named {
            if let Some(bytes) = table.blob(&digest)? {
                files.entry(path).or_insert_with(|| bytes.into_owned());
            }
        }
    }
    Ok(authority::chain(marked, &files))
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
    fn bytes_are_found_in_others() {
        let [authority, _, session] = MARKS;
        let text = br#"{"a":"x","event_type":"SESSION_OPENED","z":1}"#;
        assert!(holds(text, session) && !holds(text, authority));
        assert!(!holds(
            br#"{"a":"\"event_type\":\"SESSION_OPENED\""}"#,
            session
        ));
        assert!(!holds(br#"{"event_type":"SESSION_OPENED"#, session));
        assert!(!holds(b"", session));
    }
}
