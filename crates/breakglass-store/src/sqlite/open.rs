//! Opening: settings first, then everything verified, then the ledger.

use std::ffi::CStr;
use std::path::Path;
use std::time::Duration;

use breakglass_format::Digest;
use breakglass_tlog::{Edge, Hash, Prover, SignedCheckpoint, VerifierKey};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::files::{self, Lock};
use super::read::{self, RawTiles, Reads};
use super::recent::Recent;
use super::refusal::OpenError;
use super::verify::{self, Extent, Replayed};
use super::{SqliteLedger, schema};
use crate::error::{ReadError, StorageError};
use crate::ledger::{Blob, Head};
use crate::verified::VerifiedTiles;

/// The first SQLite without the WAL-reset bug, as `sqlite3_libversion_number` counts: 3.51.3.
pub const MIN_SQLITE_VERSION: i32 = 3_051_003;

/// The file belongs to this process, all its connections together: SQLite's lock is taken for
/// good, and what connections share lies in its memory, not in a file.
const OURS_ALONE: &CStr = c"unix-excl";

/// How many pages the write-ahead log may have before they are copied into the database.
const CHECKPOINT_FRAMES: i32 = 1_000;

/// Pages that the writer keeps in memory, in KiB: the index of blobs is written to all over.
const CACHE_KIB: i64 = 32 * 1024;

/// Before the first read.
const BEFORE_READING: &str = "PRAGMA mmap_size = 0;
    PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON;";

/// A ledger that is connected to and whose head is signed; nothing else of it is known yet.
#[derive(Debug)]
pub struct Opening {
    pub(super) connection: Connection,
    pub(super) lock: Lock,
    pub(super) key: VerifierKey,
    pub(super) head: Head,
}

impl SqliteLedger {
    /// Opens the ledger of the log `origin`, after verifying all of it.
    ///
    /// Every entry is rehashed and handed to `replay` on the way, in order, so that whoever
    /// rebuilds a world from the log needs no second pass. What `replay` was given is to be
    /// believed only once this returns `Ok`.
    ///
    /// Whether the log is as long as it was is another question: see [`crate::compare`].
    ///
    /// # Errors
    /// [`OpenError`] names what is damaged; [`OpenError::remedy`] says what to do.
    pub fn open(
        path: &Path,
        origin: &str,
        key: &VerifierKey,
        replay: &mut dyn FnMut(&Replayed<'_>),
    ) -> Result<Self, OpenError> {
        Self::begin(path, origin, key)?.whole(replay)
    }

    /// Takes the ledger of the log `origin` and reads its head, to go on from either all of it or
    /// what came after a point that is known.
    ///
    /// # Errors
    /// [`OpenError`], as [`Self::open`].
    pub fn begin(path: &Path, origin: &str, key: &VerifierKey) -> Result<Opening, OpenError> {
        check_library()?;
        files::check(path)?;
        let lock = Lock::take(path)?;
        Self::begin_locked(path, lock, origin, key)
    }

    pub(super) fn begin_locked(
        path: &Path,
        lock: Lock,
        origin: &str,
        key: &VerifierKey,
    ) -> Result<Opening, OpenError> {
        let mut connection = connect(path)?;
        identify(&connection, path)?;
        make_durable(&mut connection)?;
        files::sync_names(path)?;
        schema::check(&connection)?;
        let head = stored_head(&connection, origin, key)?;
        Ok(Opening {
            connection,
            lock,
            key: key.clone(),
            head,
        })
    }
}

impl Opening {
    /// How far the log has come.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Verifies all of it: see [`SqliteLedger::open`].
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn whole(self, replay: &mut dyn FnMut(&Replayed<'_>)) -> Result<SqliteLedger, OpenError> {
        check_structure(&self.connection)?;
        let edge = verify::log(&self.connection, &self.head, Extent::Whole, &mut |entry| {
            replay(entry);
            true
        })?;
        verify::blobs(&self.connection)?;
        let edge = edge.ok_or(OpenError::HeadMissing)?;
        self.at(edge)
    }

    /// An entry, checked up to the root of an edge that [`Opening::continues`] gave.
    ///
    /// # Errors
    /// As [`crate::Ledger::entry`].
    pub fn entry(&self, edge: &Edge, index: u64) -> Result<Vec<u8>, ReadError> {
        let reads = Reads {
            connection: &self.connection,
            head: &self.head,
            edge,
        };
        reads.entry(index)
    }

    /// The blob with that digest, checked against it, if the ledger has it.
    ///
    /// # Errors
    /// As [`crate::Ledger::blob`].
    pub fn blob(&self, digest: &Digest) -> Result<Option<Blob>, ReadError> {
        read::blob(&self.connection, digest)
    }

    /// The right edge as the stored tiles give it, if the log is one that grew out of the tree of
    /// `size` entries with that root. Whatever else is stored is not looked at.
    ///
    /// `None` also where a tile that this takes is damaged: reading all of it says which.
    #[must_use]
    pub fn continues(&self, size: u64, root: Hash) -> Option<Edge> {
        if size > self.head.size() {
            return None;
        }
        let stored = RawTiles(&self.connection);
        let edge = Prover::new(&stored, self.head.size()).edge().ok()?;
        if edge.root() != self.head.root() {
            return None;
        }
        // From here on the tiles are checked up to the signed root.
        let tiles = VerifiedTiles::new(stored, &edge);
        let then = Prover::new(&tiles, size).root().ok()?;
        (then == root).then_some(edge)
    }

    /// Opens it where everything up to `size` is known from elsewhere: the entries after that are
    /// checked and handed to `replay`, in order. All else is checked when it is read, and by
    /// [`crate::SqliteReader::verify`].
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn after(
        self,
        size: u64,
        edge: Edge,
        replay: &mut dyn FnMut(&Replayed<'_>),
    ) -> Result<SqliteLedger, OpenError> {
        verify::nothing_beyond(&self.connection, self.head.size())?;
        let reads = Reads {
            connection: &self.connection,
            head: &self.head,
            edge: &edge,
        };
        verify::tail(&reads, size, replay)?;
        self.at(edge)
    }

    fn at(self, edge: Edge) -> Result<SqliteLedger, OpenError> {
        let stored = VerifiedTiles::new(RawTiles(&self.connection), &edge);
        let recent = Recent::read(&stored, self.head.size()).map_err(OpenError::Edge)?;
        Ok(SqliteLedger::opened(self, edge, recent))
    }
}

pub(super) fn check_library() -> Result<(), OpenError> {
    match rusqlite::version_number() {
        got if got < MIN_SQLITE_VERSION => Err(OpenError::Library { got }),
        _ => Ok(()),
    }
}

/// Connects to a file that exists.
pub(super) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(path, flags, OURS_ALONE)
        .map_err(StorageError::when("open the file"))?;
    // Whoever holds the file holds it for good: waiting is of no use.
    connection
        .busy_timeout(Duration::ZERO)
        .and_then(|()| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true))
        .and_then(|_| connection.execute_batch(BEFORE_READING))
        .map_err(StorageError::when("take its settings"))?;
    Ok(connection)
}

/// Reads the file for the first time: whether it is a ledger at all, and free.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotALedger {
            path: path.to_owned(),
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse {
            path: path.to_owned(),
        },
        Some(_) | None => StorageError::when("read its header")(source).into(),
    };
    let application: i64 = pragma(connection, "application_id").map_err(failed)?;
    if application != schema::APPLICATION_ID {
        return Err(OpenError::NotALedger {
            path: path.to_owned(),
        });
    }
    match pragma(connection, "user_version").map_err(failed)? {
        schema::VERSION => Ok(()),
        got => Err(OpenError::Version { got }),
    }
}

pub(super) fn make_durable(connection: &mut Connection) -> Result<(), OpenError> {
    let failed = StorageError::when("switch to write-ahead logging");
    log_ahead(connection)?;
    connection.wal_hook(Some(copy_back)).map_err(failed)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .and_then(|()| connection.pragma_update(None, "cache_size", -CACHE_KIB))
        .map_err(failed)?;
    let synchronous: i64 = pragma(connection, "synchronous").map_err(failed)?;
    match synchronous {
        2 => Ok(()),
        _ => Err(OpenError::Setting {
            setting: "synchronous = FULL",
        }),
    }
}

/// Switches to write-ahead logging, unless the file has it already.
pub(super) fn log_ahead(connection: &Connection) -> Result<(), OpenError> {
    let failed = StorageError::when("switch to write-ahead logging");
    let mode = (|| {
        let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
        let mut answers = statement.query([])?;
        let mut mode = String::new();
        // To their end: the mode is answered before the switch is written, which may fail.
        while let Some(answer) = answers.next()? {
            mode = answer.get(0)?;
        }
        Ok(mode)
    })();
    match mode.map_err(failed)?.as_str() {
        "wal" => Ok(()),
        _ => Err(OpenError::Setting {
            setting: "journal_mode = WAL",
        }),
    }
}

/// Copies the write-ahead log back into the database once it is long, after a commit.
///
/// SQLite would do this by itself, ignore a write or fsync that fails, and try again at the next
/// commit. Here it fails the commit: a failed write or fsync ends the process.
fn copy_back(log: &mut Wal, frames: i32) -> rusqlite::Result<()> {
    if frames < CHECKPOINT_FRAMES {
        return Ok(());
    }
    match log.checkpoint() {
        // Somebody reads what is to be copied over: that is not a failure, and the next commit
        // finds the log still long.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        copied => copied,
    }
}

/// Everything SQLite can tell about its own pages, records and constraints.
pub(super) fn check_structure(connection: &Connection) -> Result<(), OpenError> {
    let finding: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(StorageError::when("check its structure"))?;
    match finding.as_str() {
        "ok" => Ok(()),
        _ => Err(OpenError::Structure { finding }),
    }
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// The last checkpoint, verified, and equal to the size and root stored beside it.
pub(super) fn stored_head(
    connection: &Connection,
    origin: &str,
    key: &VerifierKey,
) -> Result<Head, OpenError> {
    let (size, root, note) = connection
        .query_row(
            "SELECT size, root, checkpoint FROM head WHERE id = 0",
            [],
            |row| {
                let (size, root, note): (i64, Vec<u8>, Vec<u8>) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((size, root, note))
            },
        )
        .optional()
        .map_err(StorageError::when("read the head of the log"))?
        .ok_or(OpenError::HeadMissing)?;
    let head = Head::new(SignedCheckpoint::open(&note, origin, key)?);
    if schema::integer(head.size()) != size || head.root().as_bytes().as_slice() != root {
        return Err(OpenError::Head { size: head.size() });
    }
    Ok(head)
}
