//! The tables, and how their bytes are read and written.

use breakglass_format::Digest;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::refusal::OpenError;
use crate::error::StorageError;
use crate::ledger::Visibility;

/// `PRAGMA application_id` of a ledger: `bglg`.
pub(super) const APPLICATION_ID: i64 = 0x6267_6c67;
/// `PRAGMA user_version`: the version of the tables below.
pub(super) const VERSION: i64 = 2;

/// One thing the schema has, by the name and the very text `sqlite_schema` holds of it.
struct Object {
    name: &'static str,
    sql: &'static str,
}

/// Everything the schema has, by name. The triggers are a defence in depth: whoever can write the
/// file can drop them, and is found out by the hashes.
///
/// Blobs lie in the order in which they came, and only their digests, which are in no order, in an
/// index: a tree of blobs by digest has each of them split a page somewhere in it.
const OBJECTS: [Object; 13] = [
    Object {
        name: "blob",
        sql: "CREATE TABLE blob (place INTEGER PRIMARY KEY, digest BLOB NOT NULL, \
              visibility INTEGER NOT NULL, checksum BLOB NOT NULL, bytes BLOB NOT NULL) STRICT",
    },
    Object {
        name: "blob_digest",
        sql: "CREATE UNIQUE INDEX blob_digest ON blob (digest)",
    },
    Object {
        name: "blob_delete",
        sql: "CREATE TRIGGER blob_delete BEFORE DELETE ON blob \
              BEGIN SELECT RAISE(ABORT, 'a blob is never removed'); END",
    },
    Object {
        name: "blob_update",
        sql: "CREATE TRIGGER blob_update BEFORE UPDATE ON blob \
              BEGIN SELECT RAISE(ABORT, 'a blob never changes'); END",
    },
    Object {
        name: "cursor",
        sql: "CREATE TABLE cursor (name TEXT NOT NULL PRIMARY KEY, next_index INTEGER NOT NULL, \
              checksum BLOB NOT NULL) STRICT, WITHOUT ROWID",
    },
    Object {
        name: "entry",
        sql: "CREATE TABLE entry (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    },
    Object {
        name: "entry_delete",
        sql: "CREATE TRIGGER entry_delete BEFORE DELETE ON entry \
              BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END",
    },
    Object {
        name: "entry_update",
        sql: "CREATE TRIGGER entry_update BEFORE UPDATE ON entry \
              BEGIN SELECT RAISE(ABORT, 'an entry never changes'); END",
    },
    Object {
        name: "head",
        sql: "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL, \
              root BLOB NOT NULL, checkpoint BLOB NOT NULL) STRICT",
    },
    Object {
        name: "head_update",
        sql: "CREATE TRIGGER head_update BEFORE UPDATE ON head WHEN NEW.size <= OLD.size \
              BEGIN SELECT RAISE(ABORT, 'a log only grows'); END",
    },
    Object {
        name: "tile",
        sql: "CREATE TABLE tile (level INTEGER NOT NULL, number INTEGER NOT NULL, \
              hashes BLOB NOT NULL, PRIMARY KEY (level, number)) STRICT, WITHOUT ROWID",
    },
    Object {
        name: "tile_delete",
        sql: "CREATE TRIGGER tile_delete BEFORE DELETE ON tile \
              BEGIN SELECT RAISE(ABORT, 'a tile is never removed'); END",
    },
    Object {
        name: "tile_update",
        sql: "CREATE TRIGGER tile_update BEFORE UPDATE ON tile \
              WHEN NEW.level <> OLD.level OR NEW.number <> OLD.number \
              OR length(NEW.hashes) > 8192 \
              OR substr(NEW.hashes, 1, length(OLD.hashes)) IS NOT OLD.hashes \
              BEGIN SELECT RAISE(ABORT, 'a tile only grows, to 256 hashes'); END",
    },
];

/// Creates the tables and marks the file as a ledger.
pub(super) fn create(connection: &Connection) -> Result<(), StorageError> {
    let failed = StorageError::when("create the tables");
    for kind in ["CREATE TABLE", "CREATE UNIQUE INDEX", "CREATE TRIGGER"] {
        for object in OBJECTS.iter().filter(|object| object.sql.starts_with(kind)) {
            connection.execute_batch(object.sql).map_err(failed)?;
        }
    }
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| connection.pragma_update(None, "user_version", VERSION))
        .map_err(failed)
}

/// Checks that the schema is the one above, to the letter: neither a trigger less nor one more.
pub(super) fn check(connection: &Connection) -> Result<(), OpenError> {
    let stored = stored_objects(connection).map_err(StorageError::when("read its schema"))?;
    let differs = |object: &str| OpenError::Schema {
        object: object.to_owned(),
    };
    for object in &OBJECTS {
        let found = stored.iter().find(|(name, _)| name == object.name);
        if found.is_none_or(|(_, sql)| sql != object.sql) {
            return Err(differs(object.name));
        }
    }
    let known = |name: &String| OBJECTS.iter().any(|object| object.name == name);
    match stored.iter().find(|(name, _)| !known(name)) {
        Some((stray, _)) => Err(differs(stray)),
        None => Ok(()),
    }
}

/// Changes what never changes: puts the triggers that stand guard aside for as long as `change`
/// takes. Only inside a transaction, which ends with them in their place or not at all.
pub(super) fn without_guards(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let guards = || {
        let triggers = OBJECTS.iter();
        triggers.filter(|object| object.sql.starts_with("CREATE TRIGGER"))
    };
    for guard in guards() {
        connection.execute_batch(&format!("DROP TRIGGER {}", guard.name))?;
    }
    change(connection)?;
    for guard in guards() {
        connection.execute_batch(guard.sql)?;
    }
    Ok(())
}

fn stored_objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// A size or index as SQLite stores it. None is above `i64::MAX`: no log is that long.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) const fn visibility_number(visibility: Visibility) -> i64 {
    match visibility {
        Visibility::Public => 0,
        Visibility::Sealed => 1,
    }
}

pub(super) const fn visibility(number: i64) -> Option<Visibility> {
    match number {
        0 => Some(Visibility::Public),
        1 => Some(Visibility::Sealed),
        _ => None,
    }
}

/// What finds damage to the one thing about a blob that its digest does not cover.
pub(super) fn blob_checksum(digest: &Digest, visibility: Visibility) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"breakglass/blob/v1\0")
        .chain_update(digest.as_bytes())
        .chain_update(visibility_number(visibility).to_be_bytes())
        .finalize()
        .into()
}

/// What finds damage to a cursor.
pub(super) fn cursor_checksum(name: &str, next_index: i64) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"breakglass/cursor/v1\0")
        .chain_update(next_index.to_be_bytes())
        .chain_update(name.as_bytes())
        .finalize()
        .into()
}
