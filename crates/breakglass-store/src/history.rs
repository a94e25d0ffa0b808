//! The read model: where entries are that are looked for, and what closed incidents look like.
//!
//! A file of its own that can be thrown away at any time: it follows the log by position and is
//! made anew from it. No rule reads it, and nothing in it is evidence; whoever wants to be sure
//! reads the entries. So it is neither synced nor checked beyond the head that it says it follows.

mod index;
mod search;

use std::path::{Path, PathBuf};

use breakglass_tlog::Hash;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use self::index::Known;
pub use self::{
    index::{Term, Trace},
    search::{Phrase, Search, SearchError, Searcher},
};
use crate::{
    durable::{FileMode, beside},
    error::StorageError,
};

/// The version of the tables and of what is in them; a file of another one is made anew.
const VERSION: i64 = 2;

const TABLES: &str = "
    CREATE TABLE followed (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL,
        root BLOB NOT NULL, noted INTEGER NOT NULL) STRICT;
    CREATE TABLE shelved (kind TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL,
        incident TEXT NOT NULL, state TEXT NOT NULL, view TEXT NOT NULL,
        PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
    CREATE INDEX shelved_by_number ON shelved (kind, number);
    CREATE INDEX shelved_by_incident ON shelved (incident);";

/// Something of a closed incident, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved {
    /// `incident`, `request`, `grant` or `run`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The number of its reference; 0 where it has none.
    pub number: u64,
    /// The incident's id.
    pub incident: String,
    /// The word for where it stands.
    pub state: String,
    /// How it is shown, as its owner writes it.
    pub view: String,
}

/// Which of the things of a kind to list.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The kind.
    pub kind: &'a str,
    /// In this state only.
    pub state: Option<&'a str>,
    /// Older than the one with this number.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: u64,
}

/// The read model, to be written by one and read by others through connections of their own.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    path: PathBuf,
    known: Known,
}

impl History {
    /// Opens the file, or makes an empty one where there is none or one of another version.
    ///
    /// # Errors
    /// It can be neither opened nor made.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        match Self::open_existing(path) {
            Ok(Some(history)) => Ok(history),
            Ok(None) | Err(_) => Self::anew(path),
        }
    }

    /// An empty one, in place of what is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn anew(path: &Path) -> Result<Self, StorageError> {
        let failed = StorageError::when("make the read model");
        for suffix in ["", "-wal", "-shm"] {
            // What cannot be removed cannot be made anew either, and that is told below.
            let _ = std::fs::remove_file(beside(path, suffix));
        }
        // Made first, for its owner alone; SQLite keeps the mode.
        let made = std::os::unix::fs::OpenOptionsExt::mode(
            std::fs::OpenOptions::new().write(true).create_new(true),
            FileMode::OwnerOnly.bits(),
        )
        .open(path);
        made.map_err(|_| failed(rusqlite::Error::InvalidPath(path.to_owned())))?;
        let connection = connect(path).map_err(failed)?;
        connection.execute_batch(TABLES).map_err(failed)?;
        connection.execute_batch(index::TABLES).map_err(failed)?;
        connection
            .pragma_update(None, "user_version", VERSION)
            .map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            known: Known::default(),
        })
    }

    fn open_existing(path: &Path) -> rusqlite::Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let connection = connect(path)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
        let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
        let history = Self {
            connection,
            path: path.to_owned(),
            known: Known::default(),
        };
        Ok((version == VERSION && sound == "ok").then_some(history))
    }

    /// Another connection, for whoever reads.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn reader(&self) -> Result<Self, StorageError> {
        let connection = connect(&self.path).map_err(StorageError::when("open the read model"))?;
        Ok(Self {
            connection,
            path: self.path.clone(),
            known: Known::default(),
        })
    }

    /// Another connection, for whoever searches: the others do not wait for it.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn searcher(&self) -> Result<Searcher, StorageError> {
        self.reader().map(|reader| Searcher::on(reader.connection))
    }

    /// How far it followed the log: size, and root at that size.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn followed(&self) -> Result<Option<(u64, Hash)>, StorageError> {
        let query = "SELECT size, root FROM followed";
        let found = self.connection.query_row(query, [], |row| {
            let root: [u8; 32] = row.get(1)?;
            Ok((index_of(row.get(0)?), Hash::from_bytes(root)))
        });
        found
            .optional()
            .map_err(StorageError::when("read how far it is"))
    }

    /// Takes in what entries left behind, in log order, and what is shown of the incidents that
    /// they changed. Afterwards it has followed the log up to `size`, where the root is `root`.
    /// What an entry left behind is taken in once, however often it is told.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn follow(
        &mut self,
        traces: &[Trace],
        shelves: &[(String, Vec<Shelved>)],
        size: u64,
        root: Hash,
    ) -> Result<(), StorageError> {
        let mut known = std::mem::take(&mut self.known);
        self.take_in((traces, shelves), (size, root), &mut known)?;
        // Only what is in the file is known.
        self.known = known;
        Ok(())
    }

    fn take_in(
        &mut self,
        (traces, shelves): (&[Trace], &[(String, Vec<Shelved>)]),
        (size, root): (u64, Hash),
        known: &mut Known,
    ) -> Result<(), StorageError> {
        let failed = StorageError::when("write the read model");
        let transaction = self.connection.transaction().map_err(failed)?;
        let noted = index::note(&transaction, traces, known).map_err(failed)?;
        for (incident, shelf) in shelves {
            shelve(&transaction, incident, shelf).map_err(failed)?;
        }
        transaction
            .execute(
                "INSERT INTO followed VALUES (0, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE
                 SET size = excluded.size, root = excluded.root, noted = excluded.noted",
                params![position(size), root.as_bytes(), noted],
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// The indexes from `from` on of the entries that have a term, in order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn having(&self, term: &Term, from: u64) -> Result<Vec<u64>, StorageError> {
        let query = "SELECT position FROM posting
             WHERE term = (SELECT id FROM term WHERE kind = ?1 AND value = ?2) AND position >= ?3
             ORDER BY position";
        self.positions(query, params![term.kind, term.value, position(from)])
    }

    /// The index of the last entry up to `at` that gave an id the name it has there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn naming(&self, id: &str, at: u64) -> Result<Option<u64>, StorageError> {
        let query = "SELECT position FROM naming WHERE id = ?1 AND position <= ?2
             ORDER BY position DESC LIMIT 1";
        let found = self.positions(query, params![id, position(at)])?;
        Ok(found.first().copied())
    }

    /// The ids that ever had a name, or have it as their own.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn called(&self, name: &str) -> Result<Vec<String>, StorageError> {
        let failed = StorageError::when("look up a name");
        let query = "SELECT id FROM naming WHERE name = ?1 UNION
             SELECT id FROM naming WHERE id = ?1 ORDER BY id";
        let mut statement = self.connection.prepare(query).map_err(failed)?;
        let rows = statement.query_map([name], |row| row.get(0));
        rows.map_err(failed)?
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Whether an incident was closed once, so that it is shown from here.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_shelved(&self, incident: &str) -> Result<bool, StorageError> {
        self.by_id("incident", incident)
            .map(|found| found.is_some())
    }

    /// The thing with an id.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn by_id(&self, kind: &str, id: &str) -> Result<Option<Shelved>, StorageError> {
        let query = "SELECT kind, id, number, incident, state, view FROM shelved
             WHERE kind = ?1 AND id = ?2";
        self.one(query, params![kind, id])
    }

    /// The thing with the number of a reference.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn by_number(&self, kind: &str, number: u64) -> Result<Option<Shelved>, StorageError> {
        let query = "SELECT kind, id, number, incident, state, view FROM shelved
             WHERE kind = ?1 AND number = ?2";
        self.one(query, params![kind, position(number)])
    }

    /// Things of a kind, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn page(&self, page: Page<'_>) -> Result<Vec<Shelved>, StorageError> {
        let failed = StorageError::when("list what is shelved");
        let query = "SELECT kind, id, number, incident, state, view FROM shelved
             WHERE kind = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR number < ?3)
             ORDER BY number DESC, id DESC LIMIT ?4";
        let mut statement = self.connection.prepare(query).map_err(failed)?;
        let before = page.before.map(position);
        let values = params![page.kind, page.state, before, position(page.limit)];
        let rows = statement.query_map(values, shelved).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    fn one(
        &self,
        query: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<Shelved>, StorageError> {
        let failed = StorageError::when("look up what is shelved");
        let mut statement = self.connection.prepare(query).map_err(failed)?;
        let found = statement.query_row(values, shelved).optional();
        found.map_err(failed)
    }

    fn positions(
        &self,
        query: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<u64>, StorageError> {
        let failed = StorageError::when("read positions");
        let mut statement = self.connection.prepare(query).map_err(failed)?;
        let rows = statement.query_map(values, |row| row.get(0).map(index_of));
        let rows = rows.map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

fn shelve(connection: &Connection, incident: &str, shelf: &[Shelved]) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM shelved WHERE incident = ?1", params![incident])?;
    let query = "INSERT INTO shelved VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = connection.prepare(query)?;
    for thing in shelf {
        let number = position(thing.number);
        let (kind, id, state) = (&thing.kind, &thing.id, &thing.state);
        insert.execute(params![kind, id, number, incident, state, thing.view])?;
    }
    Ok(())
}

fn shelved(row: &Row<'_>) -> rusqlite::Result<Shelved> {
    Ok(Shelved {
        kind: row.get(0)?,
        id: row.get(1)?,
        number: index_of(row.get(2)?),
        incident: row.get(3)?,
        state: row.get(4)?,
        view: row.get(5)?,
    })
}

/// SQLite's integers are signed; no log is longer than they reach.
fn position(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn index_of(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}
