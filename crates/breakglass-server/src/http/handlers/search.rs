//! Looking for entries of the log: by whom, about what, of which type, when, with which words.
//!
//! Where they are, the read model says; what they say is read from the log, checked, and held once
//! more against what was looked for.

mod asked;
mod cursor;
mod text;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use axum::{Json, extract::State};
use breakglass_api::view::{FoundPage, FoundView};
use breakglass_format::{
    Entry, Timestamp,
    entry::Recorded,
    render::timeline::{Timeline, mentioned},
    vocabulary::Privilege,
};
use breakglass_store::{
    ReadError, View,
    history::{Search, Term},
};

use self::{asked::Asked, cursor::Cursor};
use super::read::Answer;
use crate::{
    history::terms::terms,
    http::{
        app::App,
        extract::{Query, Reading},
        problem::ApiError,
    },
};

/// Steps of SQLite's after which a search is given up: a few seconds.
const STEPS: u64 = 100_000_000;

/// Entries that have all that is asked for, newest first unless asked otherwise. Who is no auditor
/// looks within one incident, whose timeline everybody reads.
#[utoipa::path(get, path = "/v1/log/search",
    params(("person" = Option<String>, Query), ("by" = Option<String>, Query),
        ("account" = Option<String>, Query), ("incident" = Option<String>, Query),
        ("type" = Option<String>, Query), ("since" = Option<String>, Query),
        ("until" = Option<String>, Query), ("text" = Option<String>, Query),
        ("order" = Option<String>, Query), ("limit" = Option<u64>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = FoundPage), (status = 400, body = breakglass_api::Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    reading: Reading,
    Query(asked): Query<Asked>,
) -> Answer<FoundPage> {
    if asked.incident.is_none() {
        reading.require(Privilege::Auditor, &app)?;
    }
    let now = app.now();
    let limit = asked.limit().map_err(|e| e.at(now))?;
    let cursor = Cursor::of(&asked);
    let wanted = app.wanted(&asked).await.map_err(|e| e.at(now))?;
    let mut range = app.range(wanted.since, wanted.until).await?;
    if let Some(text) = &asked.cursor {
        let last = cursor
            .parse(text)
            .ok_or_else(|| ApiError::cursor().at(now))?;
        match wanted.newest_first {
            true => range.end = range.end.min(last),
            false => range.start = range.start.max(last.saturating_add(1)),
        }
    }
    let search = Search {
        all: wanted.all.clone(),
        phrases: wanted.phrases,
        range,
        newest_first: wanted.newest_first,
        limit: limit.saturating_add(1),
        steps: STEPS,
    };
    let found = app.shelf.search(search).await;
    let mut found = found.map_err(|e| ApiError::history(&e).at(now))?;
    // One more than was asked for: there is another page.
    let more = found.len() as u64 > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| more).map(|last| cursor.at(*last));
    let found = app.tell(found, &wanted.all).await?;
    Ok(Json(FoundPage { found, next }))
}

impl App {
    /// The indexes of the entries that were recorded in a time.
    async fn range(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Range<u64>, ApiError> {
        let read = self.readers.read(move |log| {
            let from = since.map_or(Ok(0), |at| first_since(log, at))?;
            let to = until.map_or(Ok(log.head().size()), |at| first_since(log, at))?;
            Ok::<_, ReadError>(from..to)
        });
        self.of_log(read.await)
    }

    /// The entries at these indexes, in this order, as the timeline tells them. Those that do not
    /// have what was looked for are left out: the read model is not believed.
    async fn tell(&self, indexes: Vec<u64>, all: &[Vec<Term>]) -> Result<Vec<FoundView>, ApiError> {
        let mut entries: BTreeMap<u64, Recorded> = BTreeMap::new();
        let mut new = indexes.clone();
        // First the entries, then those that gave names to what they mention, and so on.
        while !new.is_empty() {
            let read = self.entries_at(new).await?;
            let naming = self.naming(mentions(&read)).await?;
            entries.extend(read.into_iter().map(|recorded| (recorded.index, recorded)));
            new = naming
                .into_iter()
                .filter(|at| !entries.contains_key(at))
                .collect();
        }
        let mut timeline = Timeline::new();
        let told = entries.values().map(|recorded| {
            let lines = timeline.push(recorded);
            (recorded.index, (recorded, lines))
        });
        let mut told: BTreeMap<u64, (&Recorded, Vec<String>)> = told.collect();
        let told = indexes.iter().filter_map(|index| told.remove(index));
        let told = told.filter(|(recorded, _)| has_all(&recorded.entry, all));
        Ok(told
            .map(|(recorded, lines)| view(recorded, lines))
            .collect())
    }

    /// Where things got the names that they have at an index.
    async fn naming(&self, mentions: BTreeSet<(String, u64)>) -> Result<BTreeSet<u64>, ApiError> {
        let read = self.shelf.read(move |history| {
            let found = mentions.iter().map(|(id, at)| history.naming(id, *at));
            let found: Result<Vec<Option<u64>>, _> = found.collect();
            Ok(found?.into_iter().flatten().collect())
        });
        read.await.map_err(|e| ApiError::history(&e).at(self.now()))
    }
}

/// Everything that entries mention, each with where it is mentioned.
fn mentions(entries: &[Recorded]) -> BTreeSet<(String, u64)> {
    let mentions = |r: &Recorded| {
        let index = r.index;
        mentioned(&r.entry).into_iter().map(move |id| (id, index))
    };
    entries.iter().flat_map(mentions).collect()
}

/// Whether an entry has a term of each.
fn has_all(entry: &Entry, all: &[Vec<Term>]) -> bool {
    let terms = terms(entry);
    all.iter().all(|any| any.iter().any(|t| terms.contains(t)))
}

fn view(recorded: &Recorded, lines: Vec<String>) -> FoundView {
    let entry = &recorded.entry;
    let who = entry.principal.0.as_ref();
    FoundView {
        index: recorded.index,
        at: entry.created_at,
        event_type: entry.event.event_type().to_owned(),
        who: who.map_or_else(String::new, ToString::to_string),
        leaf: recorded.leaf.to_string(),
        lines,
    }
}

/// The index of the first entry that was recorded then or later: engine time never decreases.
fn first_since(log: &View<'_>, at: Timestamp) -> Result<u64, ReadError> {
    let (mut from, mut to) = (0, log.head().size());
    while from < to {
        let middle = from.midpoint(to);
        let entry = Entry::from_bytes(&log.entry(middle)?).ok();
        match entry.is_some_and(|entry| entry.created_at < at) {
            true => from = middle.saturating_add(1),
            false => to = middle,
        }
    }
    Ok(from)
}
