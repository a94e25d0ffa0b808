//! What is on record: canonical JSON, entries, and what is derived from them.

use breakglass_format::{
    Digest, Entry, canonical, entry::Recorded, limits::ENTRY_BYTES_MAX, render::timeline::Timeline,
};
use breakglass_verify::{Record, derive, derive::Statements};

use crate::{Parser, corpus::files, statement::genesis};

const ENTRIES: &str = "breakglass-format/testdata/v1";

/// Canonical JSON is spelled in one way.
pub(crate) const JSON: Parser = Parser {
    name: "json",
    holds: |bytes| {
        if let Ok(value) = canonical::parse(bytes, ENTRY_BYTES_MAX) {
            assert_eq!(canonical::to_bytes(&value).unwrap(), bytes);
        }
    },
    corpus: entries,
};

/// An entry is spelled in one way, and people can be shown it.
pub(crate) const ENTRY: Parser = Parser {
    name: "entry",
    holds: |bytes| {
        if let Ok(entry) = Entry::from_bytes(bytes) {
            assert_eq!(entry.to_bytes().unwrap(), bytes);
        }
    },
    corpus: entries,
};

/// Whatever a log holds, an auditor is given an answer. One entry a line.
pub(crate) const DERIVE: Parser = Parser {
    name: "derive",
    holds: |bytes| {
        let lines = bytes.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| Entry::from_bytes(line).ok());
        let entries: Vec<Recorded> = (0..)
            .zip(entries)
            .map(|(index, entry)| Recorded {
                index,
                leaf: Digest::from_bytes([7; 32]),
                entry,
            })
            .collect();
        let _ = derive(&Record {
            entries: &entries,
            statements: &Statements::new(),
            authorities: genesis(),
        });
        let mut timeline = Timeline::new();
        for recorded in &entries {
            let lines = timeline.push(recorded);
            assert!(!lines.is_empty());
            let odd = |line: &String| line.chars().any(char::is_control);
            assert!(
                !lines.iter().any(odd),
                "a line of several, or worse: {lines:?}"
            );
        }
    },
    // A whole story, as it was told.
    corpus: || vec![entries().join(&b'\n')],
};

fn entries() -> Vec<Vec<u8>> {
    files(ENTRIES, "json")
}
