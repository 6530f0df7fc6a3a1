//! The SQLite file: one connection that writes, a few that only read, and its migrations.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use desk_core::Said;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::Access;
use crate::error::StoreError;

/// One entry for each version of the registry; entries are only ever appended.
const MIGRATIONS: &[M<'static>] =
    &[M::up(include_str!("schema.sql")), M::up(include_str!("pins.sql")), M::up(include_str!("pin_notes.sql"))];

/// Bytes of the registry that readers map into memory.
const MAPPED_BYTES: i64 = 256 << 20;
/// KiB of pages that a reader keeps.
const CACHE_KIB: i64 = 16 << 10;
/// How long a connection waits for another process before it says `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that are kept for the next reader; more are opened when needed and closed again.
const IDLE_READERS: usize = 4;

pub(crate) struct Db {
    path: PathBuf,
    /// None where the registry may only be read.
    writer: Option<Mutex<Connection>>,
    readers: Mutex<Vec<Connection>>,
    /// What SQLite counted of other connections' changes when it was last looked at, and the connection that
    /// looks where none writes.
    seen: Mutex<Seen>,
    how: Reading,
    access: Access,
}

/// What was last seen of changes by others.
#[derive(Default)]
struct Seen {
    version: Option<i64>,
    looks: Option<Connection>,
}

/// How connections that only read are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Beside writers, over the files that they share.
    Shared,
    /// Nobody writes to the file: it is read without those.
    Immutable,
    /// There is no room for those: one connection has the file for itself and keeps what would be shared in
    /// memory.
    Alone,
}

impl Db {
    /// Opens or makes the registry and brings it to the newest version. The caller holds the home's
    /// lock, so that two processes do not migrate at once.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = open_writer(path).map_err(|error| error.locate(path))?;
        let writer = Some(Mutex::new(writer));
        Ok(Self {
            path: path.to_path_buf(),
            writer,
            readers: Mutex::default(),
            seen: Mutex::default(),
            how: Reading::Shared,
            access: Access::Write,
        })
    }

    /// Opens the registry of a home that cannot be written.
    ///
    /// The file alone is read where the last desk closed it cleanly; what a killed desk left beside it
    /// can be read only where its shared files are there too, or where the home is only full.
    pub fn open_to_read(path: &Path, access: Access) -> Result<Self, StoreError> {
        let log = path.with_extension("db-wal");
        let written = std::fs::metadata(&log).is_ok_and(|meta| meta.len() > 0);
        let how = if written { Reading::Shared } else { Reading::Immutable };
        let opened = match open_known(path, how) {
            Err(_) if written && access == Access::Full => {
                open_known(path, Reading::Alone).map(|connection| (connection, Reading::Alone))
            }
            other => other.map(|connection| (connection, how)),
        };
        let (connection, how) = opened.map_err(|error| error.locate(path))?;
        let readers = Mutex::new(vec![connection]);
        Ok(Self { path: path.to_path_buf(), writer: None, readers, seen: Mutex::default(), how, access })
    }

    fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        self.writer.as_ref().map(lock).ok_or_else(|| self.access.refusal(&self.path))
    }

    /// Runs `work` on a connection that cannot write.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut readers = lock(&self.readers);
        if self.how == Reading::Alone
            && let Some(connection) = readers.first()
        {
            return work(connection).map_err(|error| error.locate(&self.path));
        }
        let idle = readers.pop();
        drop(readers);
        let connection =
            idle.map_or_else(|| open_reader(&self.path, self.how), Ok).map_err(|e| e.locate(&self.path))?;
        let answer = work(&connection).map_err(|error| error.locate(&self.path));
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        answer
    }

    /// Runs `work` in one transaction; an error rolls everything back. What is committed is on disk.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut writer = self.writer()?;
        in_transaction(&mut writer, work).map_err(|error| error.locate(&self.path))
    }

    /// As [`Db::write`], but a power cut may lose it (never a crash of the program): for progress,
    /// which is written often and worth nothing afterwards.
    pub fn write_relaxed<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer()?;
        let relaxed = writer.pragma_update(None, "synchronous", "NORMAL").map_err(StoreError::from);
        let answer = relaxed.and_then(|()| in_transaction(&mut writer, work));
        let restored = writer.pragma_update(None, "synchronous", "FULL").map_err(StoreError::from);
        answer.and_then(|answer| restored.map(|()| answer)).map_err(|error| error.locate(&self.path))
    }

    /// True when somebody else has changed the registry since this was last asked; false the first time.
    ///
    /// SQLite counts, for each connection, what the others commit. All of this store's writes go through one
    /// connection, so what that one sees is the work of other processes. It does not wait: while something
    /// is written here, the next look finds it.
    pub fn changed_elsewhere(&self) -> Result<bool, StoreError> {
        let mut seen = lock(&self.seen);
        let version = match &self.writer {
            Some(writer) => match writer.try_lock() {
                Ok(writer) => data_version(&writer),
                Err(_) => return Ok(false),
            },
            // Nobody else can write while this has the file for itself, or none can write it at all.
            None if self.how != Reading::Shared => return Ok(false),
            None => {
                if seen.looks.is_none() {
                    seen.looks = Some(open_reader(&self.path, self.how)?);
                }
                seen.looks.as_ref().map_or(Ok(0), data_version)
            }
        };
        let version = version.map_err(|error| StoreError::from(error).locate(&self.path))?;
        Ok(seen.version.replace(version).is_some_and(|before| before != version))
    }

    /// What SQLite's own check finds; empty when all is well.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut problems = Vec::new();
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            for line in statement.query_map([], |row| row.get::<_, String>(0))? {
                problems.push(line?);
            }
            problems.retain(|line| line != "ok");
            let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
            for table in statement.query_map([], |row| row.get::<_, String>(0))? {
                problems.push(format!("a row of `{}` points at nothing", table?));
            }
            Ok(problems)
        })
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // The connection that closes last brings the log into the file, which a reader cannot do.
        lock(&self.readers).clear();
        lock(&self.seen).looks = None;
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}

fn in_transaction<T>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Immediate: a transaction that starts as a reader cannot wait for another process's write.
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// A thread that panicked while holding the lock has left no half-done transaction: it was rolled
/// back while the stack unwound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    refuse_newer(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL, because a rollout acts on machines outside: its journal must be on disk before it acts.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => StoreError::Sql(err),
        other => StoreError::Corrupt { path: path.to_path_buf(), detail: Said(other.to_string()) },
    })?;
    Ok(connection)
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::NewerDatabase { found, known, path: path.to_path_buf() });
    }
    Ok(())
}

/// A connection to a registry of this version, which only a writer could bring there.
fn open_known(path: &Path, how: Reading) -> Result<Connection, StoreError> {
    let connection = open_reader(path, how)?;
    refuse_newer(&connection, path)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < MIGRATIONS.len() as i64 {
        return Err(StoreError::ReadOnly { path: path.to_path_buf() });
    }
    Ok(connection)
}

fn open_reader(path: &Path, how: Reading) -> Result<Connection, StoreError> {
    let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = match how {
        Reading::Shared => Connection::open_with_flags(path, reading)?,
        Reading::Immutable => Connection::open_with_flags(immutable_uri(path), reading)?,
        Reading::Alone => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "query_only", true)?;
            connection
        }
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A list of all models touches most pages in no order: read them in place, and keep what was read.
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The path as SQLite reads it in a URI.
fn immutable_uri(path: &Path) -> String {
    let quoted = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{quoted}?immutable=1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid() {
        Migrations::from_slice(MIGRATIONS).validate().expect("they apply to an empty database");
    }

    #[test]
    fn a_migration_that_homes_have_been_through_stays_as_it_was() {
        let digest = desk_core::Digest::of(include_str!("schema.sql"));
        let known = "db1254bccc0706ae971a7ff323ff67c3e9821d3f13cefcdb2b02cdd697211929";
        assert_eq!(digest.hex(), known, "write what changes into a new migration");
    }

    #[test]
    fn changes_by_others_are_noticed_and_own_ones_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("registry.db");
        let (here, there) = (Db::open(&path).expect("opens"), Db::open(&path).expect("opens"));
        let put = |db: &Db, key: &str| {
            let wrote = db.write(|tx| Ok(tx.execute("INSERT INTO setting VALUES (?1, '1')", [key])?));
            wrote.expect("written");
        };
        assert!(!here.changed_elsewhere().expect("a first look"));
        put(&here, "own");
        assert!(!here.changed_elsewhere().expect("looks"), "what this store wrote itself");
        put(&there, "theirs");
        assert!(here.changed_elsewhere().expect("looks"), "what another one wrote");
        assert!(!here.changed_elsewhere().expect("looks"), "once only");
        let reader = Db::open_to_read(&path, Access::Read).expect("opens");
        assert!(!reader.changed_elsewhere().expect("a first look"));
        put(&there, "more");
        assert!(reader.changed_elsewhere().expect("looks"), "a store that only reads sees it too");
    }

    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let dir = tempfile::tempdir().expect("a folder");
        let db = Db::open(&dir.path().join("registry.db")).expect("opens");
        let error = db
            .write(|tx| {
                let pages: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
                tx.pragma_update(None, "max_page_count", pages)?;
                let value = "x".repeat(1 << 20);
                tx.execute("INSERT INTO setting VALUES ('big', ?1)", [value])?;
                Ok(())
            })
            .expect_err("no page is left");
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
        let left: i64 =
            db.read(|c| Ok(c.query_row("SELECT count(*) FROM setting", [], |row| row.get(0))?)).expect("reads");
        assert_eq!(left, 0, "the failed transaction left nothing");
    }
}
