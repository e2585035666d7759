//! Opening and creating the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, Row};
use tempfile::TempDir;

use crate::model::FingerprintKey;

use super::backup;
use super::error::JournalError;
use super::place::{self, Place};
use super::schema::{self, Format, MIGRATIONS};

/// How long another process's write is waited for. A write is a group of some
/// hundred rows, so this is passed only when something is wrong.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// A handle for reading, with its own connection. It sees what is committed,
/// also while a run of another process is under way.
#[derive(Debug)]
pub struct Journal {
    // Before `_copy`: the connection closes before its file goes.
    pub(super) conn: Connection,
    pub(super) place: Place,
    pub(super) for_reading: bool,
    /// The folder of a temporary copy, if the journal is read through one.
    _copy: Option<TempDir>,
}

impl Journal {
    /// Opens the journal for a command that writes. Creates the file, its folder
    /// and its tables, or upgrades an older journal and keeps a copy of it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_with(path, MIGRATIONS)
    }

    /// Opens the journal for a command that only reads. `None` if the file is
    /// missing or empty.
    ///
    /// The journal is not changed: an older one is read through a private
    /// temporary copy that is upgraded, and one in a folder that cannot be written
    /// through a copy as it is.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, JournalError> {
        Self::open_existing_with(path, MIGRATIONS)
    }

    pub(super) fn open_with(path: &Path, migrations: &[&str]) -> Result<Self, JournalError> {
        if size(path)?.unwrap_or(0) == 0 {
            create(path)?;
        }
        place::refuse_unsafe_names(path)?;
        Self::open_at(Place::at(path)?, migrations)
    }

    /// Opens a file that is there.
    fn open_at(place: Place, migrations: &[&str]) -> Result<Self, JournalError> {
        let path = place.path();
        let mut conn = connect(path)?;
        if schema::format(&conn, path, migrations)? != Format::Current {
            let mut kept = None;
            let before = |version| {
                kept = Some(backup::keep(
                    &connect(path)?,
                    path,
                    &format!("v{version}-backup"),
                )?);
                Ok(())
            };
            if let Err(error) = schema::migrate(&mut conn, path, migrations, before) {
                // The journal is as it was: the copy is of no use.
                drop(kept.map(fs::remove_file));
                return Err(error);
            }
        }
        use_wal(&conn).map_err(|error| JournalError::sqlite(path, error))?;
        // SQLite opened the path by itself.
        place.check()?;
        Ok(Self {
            conn,
            place,
            for_reading: false,
            _copy: None,
        })
    }

    pub(super) fn open_existing_with(
        path: &Path,
        migrations: &[&str],
    ) -> Result<Option<Self>, JournalError> {
        if size(path)?.unwrap_or(0) == 0 {
            return Ok(None);
        }
        place::refuse_unsafe_names(path)?;
        let place = Place::at(path)?;
        let examined = |file: &Path| {
            let conn = connect(file)?;
            let format = schema::format(&conn, path, migrations)?;
            Ok((conn, format))
        };
        let mut copy = None;
        let (mut conn, format) = match examined(path) {
            // SQLite puts files beside the journal even to read it.
            Err(error @ (JournalError::Open(..) | JournalError::ReadOnly(_))) => {
                let Ok(folder) = copied_aside(path) else {
                    return Err(error);
                };
                examined(&copy.insert(folder).path().join(COPY))?
            }
            examined => examined?,
        };
        match format {
            Format::Empty => return Ok(None),
            Format::Current => {}
            Format::Older(_) => {
                let folder = tempfile::tempdir().map_err(|error| failed(path, error))?;
                let file = folder.path().join(COPY);
                conn = copied(&conn, &file).map_err(|error| JournalError::sqlite(path, error))?;
                schema::migrate(&mut conn, path, migrations, |_| Ok(()))?;
                copy = Some(folder);
            }
        }
        conn.pragma_update(None, "query_only", true)
            .map_err(|error| JournalError::sqlite(path, error))?;
        place.check()?;
        Ok(Some(Self {
            conn,
            place,
            for_reading: true,
            _copy: copy,
        }))
    }

    /// Another handle on the same journal, for another thread or in addition to a
    /// [`Writer`](super::Writer). Opened for writing. Fails if another file has
    /// taken its place.
    pub fn again(&self) -> Result<Self, JournalError> {
        // Nothing is created in its place either.
        self.place.check()?;
        Self::open_at(self.place.clone(), MIGRATIONS)
    }

    /// The secret with which the fingerprints of this journal's people are made.
    pub fn fingerprint_key(&self) -> Result<FingerprintKey, JournalError> {
        self.conn
            .query_row(
                "SELECT value FROM secrets WHERE name = 'fingerprints'",
                (),
                |row| row.get(0),
            )
            .map(FingerprintKey)
            .map_err(|error| match error {
                rusqlite::Error::SqliteFailure(..) => self.sql(error),
                _ => JournalError::Damaged(self.path().into(), "its secret cannot be read".into()),
            })
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn sql(&self, error: rusqlite::Error) -> JournalError {
        JournalError::sqlite(self.path(), error)
    }

    /// All rows of a query.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let rows = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_map(params, read)?.collect::<Result<_, _>>()
        };
        rows().map_err(|error| self.sql(error))
    }
}

fn failed(path: &Path, error: io::Error) -> JournalError {
    JournalError::File(path.into(), Arc::new(error))
}

/// The size of the file, `None` if there is none.
pub(super) fn size(path: &Path) -> Result<Option<u64>, JournalError> {
    match fs::metadata(path) {
        Ok(it) if it.is_dir() => Err(JournalError::IsFolder(path.into())),
        Ok(it) if !it.is_file() => Err(JournalError::NotAFile(path.into())),
        Ok(it) => Ok(Some(it.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

/// Creates an empty file that only its owner may read. SQLite gives its
/// companions the same mode.
fn create(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let created = builder.create(folder);
        created.map_err(|error| JournalError::Folder(folder.into(), Arc::new(error)))?;
    }
    create_file(path, folder.unwrap_or(Path::new("."))).map_err(|error| failed(path, error))
}

pub(super) fn create_file(path: &Path, folder: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // It may have been there already, empty and for everybody to read.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        // What SQLite syncs is the file: without this, its name may be lost
        // with the power.
        fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = (file, folder);
    Ok(())
}

/// Opens a file that is there. Changes nothing in it.
pub(super) fn connect(path: &Path) -> Result<Connection, JournalError> {
    let configure = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.set_prepared_statement_cache_capacity(64);
        conn.pragma_update(None, "synchronous", "FULL")?;
        // On macOS `fsync` alone leaves the data in the disk's cache; anywhere
        // else these say nothing new.
        conn.pragma_update(None, "fullfsync", true)?;
        conn.pragma_update(None, "checkpoint_fullfsync", true)?;
        Ok(conn)
    };
    configure().map_err(|error| JournalError::sqlite(path, error))
}

/// The name of a temporary copy in its folder.
const COPY: &str = "journal.db";

/// A copy of the file and of its log. Nobody writes them while it is made: a writer
/// keeps a third file there, with which SQLite reads the journal where it is.
fn copied_aside(path: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join(COPY);
    fs::copy(path, &copy)?;
    let log = |file: &Path| {
        let mut name = file.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    };
    match fs::copy(log(path), log(&copy)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(folder),
    }
}

/// A copy of the whole database in a new file.
fn copied(conn: &Connection, file: &Path) -> rusqlite::Result<Connection> {
    let name = file
        .to_str()
        .ok_or_else(|| rusqlite::Error::InvalidPath(file.into()))?;
    conn.execute("VACUUM INTO ?1", [name])?;
    Connection::open(file)
}

/// Switches to a write-ahead log, if that was not done before.
fn use_wal(conn: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let mode = conn
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(_) => return Ok(()),
            // SQLite does not wait here, since it would upgrade a lock. A
            // transaction does wait.
            Err(error)
                if tries < 100
                    && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
            {
                tries += 1;
                conn.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            Err(error) => return Err(error),
        }
    }
}
