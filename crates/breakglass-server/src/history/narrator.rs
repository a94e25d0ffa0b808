//! Telling an entry of a long log as the timeline tells it among all others, without all others.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_format::{
    entry::Recorded,
    render::timeline::{Timeline, introduced, mentioned},
};
use breakglass_store::{History, View};

use super::{FollowError, recorded};

/// So many names are remembered, about; what is forgotten is looked up again.
const NAMES: usize = 50_000;

/// An entry, told.
#[derive(Debug)]
pub(super) struct Told {
    /// Its lines.
    pub(super) lines: Vec<String>,
    /// The ids that it gave a name, each with the name.
    pub(super) names: Vec<(String, String)>,
}

/// Tells entry after entry. A name that it has not come across it looks up.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    timeline: Timeline,
    named: BTreeSet<String>,
}

impl Narrator {
    /// Forgets, where it remembers much. All that was told must be in the read model by now.
    pub(super) fn breathe(&mut self) {
        if self.named.len() > NAMES {
            *self = Self::default();
        }
    }

    /// Tells the next entry.
    pub(super) fn tell(
        &mut self,
        next: &Recorded,
        history: &History,
        log: &View<'_>,
    ) -> Result<Told, FollowError> {
        let names = introduced(&next.entry);
        self.named.extend(names.iter().map(|(id, _)| id.clone()));
        let mut needed = BTreeMap::new();
        let mut open: Vec<String> = mentioned(&next.entry).into_iter().collect();
        while let Some(id) = open.pop() {
            if !self.named.insert(id.clone()) {
                continue;
            }
            let Some(at) = history.naming(&id, next.index)? else {
                // It may get a name later.
                self.named.remove(&id);
                continue;
            };
            if let Some(earlier) = recorded(log, at)?.filter(|_| !needed.contains_key(&at)) {
                open.extend(mentioned(&earlier.entry));
                needed.insert(at, earlier);
            }
        }
        for earlier in needed.values() {
            self.timeline.push(earlier);
        }
        let lines = self.timeline.push(next);
        Ok(Told { lines, names })
    }
}
