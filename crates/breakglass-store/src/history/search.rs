//! Which entries have all that is looked for, a page at a time, from either end of the log.
//!
//! Every condition is answered by an index that is in the order of the log: a page costs what it
//! passes over and no more, and a search that passes over too much is given up.

#[cfg(test)]
mod tests;

use std::ops::Range;

use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, params, params_from_iter, types::Value,
};
use thiserror::Error;

use super::{Term, position};
use crate::error::StorageError;

/// So many entries of a term are counted, to find what the fewest have.
const COUNTED: i64 = 1_000;
/// Steps of SQLite's between two looks at how many were taken.
const STRIDE: i32 = 1_000;

/// Words that stand one after the other in an entry, however they are capitalised and whatever
/// marks are between them. Nothing in the text means anything to the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The words.
    pub text: String,
    /// Whether the last of them may go on.
    pub open: bool,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// One term at least of each of these.
    pub all: Vec<Vec<Term>>,
    /// All of these.
    pub phrases: Vec<Phrase>,
    /// Among the entries with these indexes.
    pub range: Range<u64>,
    /// From which end.
    pub newest_first: bool,
    /// So many at most.
    pub limit: u64,
    /// After so many steps of SQLite's it is given up.
    pub steps: u64,
}

/// Why a search found nothing.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The read model cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Too many entries have one of the things and not the others.
    #[error("too many entries have a part of what is looked for")]
    GivenUp,
}

/// A connection that searches.
#[derive(Debug)]
pub struct Searcher {
    connection: Connection,
}

impl Searcher {
    pub(super) const fn on(connection: Connection) -> Self {
        Self { connection }
    }

    /// The indexes of the entries that have all that is looked for, from the end where the search
    /// begins.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn search(&mut self, search: &Search) -> Result<Vec<u64>, SearchError> {
        let failed = StorageError::when("search");
        let strides = search.steps / u64::from(STRIDE.unsigned_abs());
        let mut taken = 0;
        let too_many = move || {
            taken += 1;
            taken > strides
        };
        let counted = self.connection.progress_handler(STRIDE, Some(too_many));
        counted.map_err(failed)?;
        find(&self.connection, search).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => SearchError::GivenUp,
            _ => failed(error).into(),
        })
    }
}

fn find(connection: &Connection, search: &Search) -> rusqlite::Result<Vec<u64>> {
    let range = (position(search.range.start), position(search.range.end));
    let groups = search
        .all
        .iter()
        .map(|all| Group::of(connection, all, range));
    let mut groups: Vec<Group> = groups.collect::<rusqlite::Result<_>>()?;
    groups.sort_by_key(|group| group.count);
    // What is in every group lies where each of them has entries.
    let from = groups.iter().map(|group| group.first).max();
    let to = groups.iter().map(|group| group.past).min();
    let mut query = Query {
        groups: &groups,
        matches: matching(&search.phrases),
        range: (from.unwrap_or(range.0), to.unwrap_or(range.1)),
        search,
    };
    if query.range.0 >= query.range.1 {
        return Ok(Vec::new());
    }
    let Some((fewest, others)) = groups.split_first().filter(|_| query.matches.is_none()) else {
        return match query.matches {
            Some(_) => query.by_words().run(connection),
            None => Ok(search.all_of_range()),
        };
    };
    query.groups = others;
    let mut found = Vec::new();
    // One query for each alternative is in order by itself.
    for term in &fewest.terms {
        found.extend(query.by_term(*term).run(connection)?);
    }
    found.sort_unstable();
    found.dedup();
    if search.newest_first {
        found.reverse();
    }
    found.truncate(usize::try_from(search.limit).unwrap_or(usize::MAX));
    Ok(found)
}

impl Search {
    /// Where nothing is looked for, everything is found.
    fn all_of_range(&self) -> Vec<u64> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        match self.newest_first {
            true => self.range.clone().rev().take(limit).collect(),
            false => self.range.clone().take(limit).collect(),
        }
    }
}

/// One of the things that an entry must have: some terms by their numbers, and where their entries
/// are.
#[derive(Debug)]
struct Group {
    terms: Vec<i64>,
    /// How many entries there are, as far as they were counted.
    count: i64,
    first: i64,
    past: i64,
}

impl Group {
    fn of(connection: &Connection, all: &[Term], range: (i64, i64)) -> rusqlite::Result<Self> {
        let mut group = Self {
            terms: Vec::new(),
            count: 0,
            first: i64::MAX,
            past: 0,
        };
        for term in all {
            let query = "SELECT id FROM term WHERE kind = ?1 AND value = ?2";
            let mut find = connection.prepare_cached(query)?;
            let known = find.query_row(params![term.kind, term.value], |row| row.get(0));
            if let Some(id) = known.optional()? {
                group.add(connection, id, range)?;
            }
        }
        Ok(group)
    }

    fn add(&mut self, connection: &Connection, id: i64, range: (i64, i64)) -> rusqlite::Result<()> {
        let ends = |order| {
            let query = format!(
                "SELECT position FROM posting WHERE term = ?1 AND position >= ?2 AND position < ?3
                 ORDER BY position {order} LIMIT 1"
            );
            let mut end = connection.prepare_cached(&query)?;
            let found: Option<i64> = end
                .query_row(params![id, range.0, range.1], |row| row.get(0))
                .optional()?;
            Ok::<_, rusqlite::Error>(found)
        };
        let (Some(first), Some(last)) = (ends("ASC")?, ends("DESC")?) else {
            return Ok(());
        };
        let query = "SELECT count(*) FROM (SELECT 1 FROM posting
             WHERE term = ?1 AND position >= ?2 AND position < ?3 LIMIT ?4)";
        let mut count = connection.prepare_cached(query)?;
        let values = params![id, range.0, range.1, COUNTED];
        let count: i64 = count.query_row(values, |row| row.get(0))?;
        self.terms.push(id);
        self.count = self.count.saturating_add(count);
        self.first = self.first.min(first);
        self.past = self.past.max(last.saturating_add(1));
        Ok(())
    }
}

/// What FTS5 is asked. A quoted string is words to it, whatever it holds.
fn matching(phrases: &[Phrase]) -> Option<String> {
    let quoted = phrases.iter().map(|phrase| {
        let text: String = phrase
            .text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let open = if phrase.open { "*" } else { "" };
        format!("\"{}\"{open}", text.replace('"', "\"\""))
    });
    let quoted: Vec<String> = quoted.collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

/// What is common to the queries of a search.
struct Query<'a> {
    /// What else an entry must have.
    groups: &'a [Group],
    matches: Option<String>,
    range: (i64, i64),
    search: &'a Search,
}

/// A query with its values.
#[derive(Debug)]
struct Prepared {
    sql: String,
    values: Vec<Value>,
}

impl Query<'_> {
    /// The entries that have a term.
    fn by_term(&self, term: i64) -> Prepared {
        let head = "SELECT position FROM posting AS found WHERE term = ?";
        self.ended(head, Value::Integer(term), "position")
    }

    /// The entries that hold the phrases.
    fn by_words(&self) -> Prepared {
        let head = "SELECT rowid FROM said AS found WHERE said MATCH ?";
        let matches = self.matches.clone().unwrap_or_default();
        self.ended(head, Value::Text(matches), "rowid")
    }

    fn ended(&self, head: &str, key: Value, column: &str) -> Prepared {
        let mut sql = format!("{head} AND found.{column} >= ? AND found.{column} < ?");
        let mut values = vec![key, self.range.0.into(), self.range.1.into()];
        for group in self.groups {
            let places = vec!["?"; group.terms.len()].join(", ");
            sql.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM posting AS other
                 WHERE other.term IN ({places}) AND other.position = found.{column})"
            ));
            values.extend(group.terms.iter().map(|term| Value::Integer(*term)));
        }
        let order = if self.search.newest_first {
            "DESC"
        } else {
            "ASC"
        };
        sql.push_str(&format!(" ORDER BY found.{column} {order} LIMIT ?"));
        values.push(position(self.search.limit).into());
        Prepared { sql, values }
    }
}

impl Prepared {
    fn run(&self, connection: &Connection) -> rusqlite::Result<Vec<u64>> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let rows = statement.query_map(params_from_iter(&self.values), |row| row.get(0))?;
        rows.map(|found| found.map(super::index_of)).collect()
    }
}
