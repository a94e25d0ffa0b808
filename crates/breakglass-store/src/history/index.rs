//! What entries are looked for by: terms, names and words, each with where it stands.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::position;

/// `posting` has the entries of each term, `naming` those that gave an id another name, `said` the
/// words of all entries without the texts themselves: those are in the log.
pub(super) const TABLES: &str = "
    CREATE TABLE term (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL,
        UNIQUE (kind, value)) STRICT;
    CREATE TABLE posting (term INTEGER NOT NULL, position INTEGER NOT NULL,
        PRIMARY KEY (term, position)) STRICT, WITHOUT ROWID;
    CREATE TABLE naming (id TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (id, position)) STRICT, WITHOUT ROWID;
    CREATE INDEX naming_by_name ON naming (name);
    CREATE VIRTUAL TABLE said USING fts5 (words, content = '', columnsize = 0,
        tokenize = 'unicode61 remove_diacritics 2');";

/// Something that an entry is looked for by: its kind, and which of that kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// The kind, as its owner calls it.
    pub kind: &'static str,
    /// Which one.
    pub value: String,
}

/// What an entry leaves behind in the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its index.
    pub index: u64,
    /// What it is looked for by.
    pub terms: Vec<Term>,
    /// The ids that it gave a name, each with the name.
    pub names: Vec<(String, String)>,
    /// What it says and what was written in it: the words that find it.
    pub words: String,
}

/// What was looked up or made a moment ago, so that it need not be looked up again.
#[derive(Debug, Default)]
pub(super) struct Known {
    terms: HashMap<Term, i64>,
    names: HashMap<String, String>,
}

/// So many of each are remembered at most.
const KNOWN_MAX: usize = 10_000;

impl Known {
    fn forget_some(&mut self) {
        if self.terms.len() > KNOWN_MAX {
            self.terms.clear();
        }
        if self.names.len() > KNOWN_MAX {
            self.names.clear();
        }
    }
}

/// Takes in what entries left behind, but for what was taken in before. The number of entries that
/// were taken in afterwards.
///
/// Where the transaction comes to nothing, so does what is known.
pub(super) fn note(
    connection: &Connection,
    traces: &[Trace],
    known: &mut Known,
) -> rusqlite::Result<i64> {
    let noted = "SELECT noted FROM followed";
    let mut noted = connection.prepare_cached(noted)?;
    let noted = noted.query_row([], |row| row.get(0)).optional()?;
    let mut noted: i64 = noted.unwrap_or(0);
    let mut say = connection.prepare_cached("INSERT INTO said (rowid, words) VALUES (?1, ?2)")?;
    known.forget_some();
    for trace in traces {
        let at = position(trace.index);
        if at < noted {
            continue;
        }
        post(connection, at, &trace.terms, &mut known.terms)?;
        name(connection, at, &trace.names, &mut known.names)?;
        say.execute(params![at, trace.words])?;
        noted = at.saturating_add(1);
    }
    Ok(noted)
}

fn post(
    connection: &Connection,
    at: i64,
    terms: &[Term],
    known: &mut HashMap<Term, i64>,
) -> rusqlite::Result<()> {
    let mut post = connection.prepare_cached("INSERT OR IGNORE INTO posting VALUES (?1, ?2)")?;
    for term in terms {
        let id = match known.get(term) {
            Some(id) => *id,
            None => {
                let id = number(connection, term)?;
                known.insert(term.clone(), id);
                id
            }
        };
        post.execute(params![id, at])?;
    }
    Ok(())
}

/// The number of a term, which it gets if it has none.
fn number(connection: &Connection, term: &Term) -> rusqlite::Result<i64> {
    let find = "SELECT id FROM term WHERE kind = ?1 AND value = ?2";
    let mut find = connection.prepare_cached(find)?;
    let found = find.query_row(params![term.kind, term.value], |row| row.get(0));
    if let Some(id) = found.optional()? {
        return Ok(id);
    }
    let make = "INSERT INTO term (kind, value) VALUES (?1, ?2)";
    connection
        .prepare_cached(make)?
        .insert(params![term.kind, term.value])
}

/// A name is kept where it is another than before.
fn name(
    connection: &Connection,
    at: i64,
    names: &[(String, String)],
    known: &mut HashMap<String, String>,
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO naming SELECT ?1, ?2, ?3 WHERE ?3 IS NOT
         (SELECT name FROM naming WHERE id = ?1 ORDER BY position DESC LIMIT 1)",
    )?;
    for (id, name) in names {
        if known.get(id) != Some(name) {
            keep.execute(params![id, at, name])?;
            known.insert(id.clone(), name.clone());
        }
    }
    Ok(())
}
