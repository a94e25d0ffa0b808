//! A look at every entry: what a search is held against.

use std::collections::BTreeMap;

use breakglass_api::{Client, view::FoundView};
use breakglass_format::{Digest, Entry, entry::Recorded, render::timeline::Timeline};

/// Every entry, with its lines of the whole timeline.
pub(super) struct Read {
    pub(super) entries: Vec<(Recorded, Vec<String>)>,
    pub(super) people: BTreeMap<String, String>,
}

impl Read {
    pub(super) fn all(client: &Client) -> Self {
        let (mut timeline, mut entries) = (Timeline::new(), Vec::new());
        loop {
            let page = client.entries(entries.len() as u64).unwrap().entries;
            if page.is_empty() {
                break;
            }
            for text in page {
                let recorded = Recorded {
                    index: entries.len() as u64,
                    leaf: Digest::from_bytes(
                        *breakglass_tlog::leaf_hash(text.as_bytes()).as_bytes(),
                    ),
                    entry: Entry::from_bytes(text.as_bytes()).unwrap(),
                };
                let lines = timeline.push(&recorded);
                entries.push((recorded, lines));
            }
        }
        let people = client.people().unwrap().into_iter();
        let people = people.map(|p| (p.principal, p.person)).collect();
        Self { entries, people }
    }

    /// What a search must find, oldest first, by a look at every entry.
    pub(super) fn that(&self, has: impl Fn(&Entry, &str) -> bool) -> Vec<FoundView> {
        let has = |(recorded, _): &&(Recorded, Vec<String>)| {
            let bytes = recorded.entry.to_bytes().unwrap();
            has(&recorded.entry, std::str::from_utf8(&bytes).unwrap())
        };
        let view = |(recorded, lines): &(Recorded, Vec<String>)| FoundView {
            index: recorded.index,
            at: recorded.entry.created_at,
            event_type: recorded.entry.event.event_type().to_owned(),
            who: recorded
                .entry
                .principal
                .0
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            leaf: recorded.leaf.to_string(),
            lines: lines.clone(),
        };
        self.entries.iter().filter(has).map(view).collect()
    }

    pub(super) fn id(&self, principal: &str) -> String {
        format!("{:?}", self.people[principal])
    }
}
