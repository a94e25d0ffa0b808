//! Cursors: how far each follower of the log has come.

use breakglass_format::Name;
use rusqlite::{Row, params};

use super::SqliteLedger;
use super::schema::{cursor_checksum, integer};
use crate::error::{CursorError, StorageError};

/// A cursor as stored.
struct Stored {
    name: String,
    next_index: i64,
    checksum: Vec<u8>,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            next_index: row.get(1)?,
            checksum: row.get(2)?,
        })
    }

    /// The position, if the checksum is right and the log is that long.
    fn check(&self, size: u64) -> Result<u64, CursorError> {
        let right = cursor_checksum(&self.name, self.next_index).as_slice() == self.checksum;
        let next_index = u64::try_from(self.next_index)
            .ok()
            .filter(|_| right)
            .ok_or_else(|| CursorError::Damaged {
                name: self.name.clone(),
            })?;
        check_within(&self.name, next_index, size)?;
        Ok(next_index)
    }
}

fn check_within(name: &str, next_index: u64, size: u64) -> Result<(), CursorError> {
    if next_index <= size {
        return Ok(());
    }
    Err(CursorError::Beyond {
        name: name.to_owned(),
        next_index,
        size,
    })
}

impl SqliteLedger {
    pub(super) fn read_cursor(&self, name: &Name) -> Result<Option<u64>, CursorError> {
        let mut found = None;
        for stored in self.stored_cursors()? {
            let next_index = stored.check(self.head.size())?;
            if stored.name == name.as_str() {
                found = Some(next_index);
            }
        }
        Ok(found)
    }

    fn stored_cursors(&self) -> Result<Vec<Stored>, StorageError> {
        let failed = StorageError::when("read the cursors");
        self.connection
            .prepare_cached("SELECT name, next_index, checksum FROM cursor")
            .and_then(|mut statement| statement.query_map([], Stored::read)?.collect())
            .map_err(failed)
    }

    pub(super) fn write_cursor(&mut self, name: &Name, next_index: u64) -> Result<(), CursorError> {
        if self.stopped {
            return Err(CursorError::Stopped);
        }
        check_within(name.as_str(), next_index, self.head.size())?;
        let next_index = integer(next_index);
        let written = self.connection.execute(
            "INSERT INTO cursor (name, next_index, checksum) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE
             SET next_index = excluded.next_index, checksum = excluded.checksum",
            params![
                name.as_str(),
                next_index,
                cursor_checksum(name.as_str(), next_index),
            ],
        );
        if let Err(source) = written {
            self.stop();
            return Err(StorageError::when("write a cursor")(source).into());
        }
        Ok(())
    }
}
