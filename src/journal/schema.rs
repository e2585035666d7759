//! The tables, and how an older file gets them.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::JournalError;

/// In the header of every journal (`hrfd`): another program's SQLite file lacks
/// it.
pub(super) const APPLICATION_ID: i32 = 0x6872_6664;

/// Each step brings a journal from one format to the next; the format is the
/// number of steps taken. Append only: a step that was released is in files.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    -- What a run is for. The digest holds the API key's digest; system and
    -- base_url are for people and unknown until the first run.
    CREATE TABLE scopes (
        id       INTEGER PRIMARY KEY,
        digest   BLOB NOT NULL UNIQUE,
        system   TEXT,
        base_url TEXT
    ) STRICT;

    -- The last holder of a scope's lock. Whether it is held, only the lock on the
    -- lock file shows.
    CREATE TABLE locks (
        scope INTEGER PRIMARY KEY,
        pid   INTEGER NOT NULL,
        since INTEGER NOT NULL, -- microseconds since 1970
        host  TEXT,
        run   INTEGER
    ) STRICT;

    -- Times are microseconds since 1970, elapsed is microseconds. unchanged
    -- counts the unchanged rows that are not in rows.
    CREATE TABLE runs (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        scope           INTEGER NOT NULL,
        command         TEXT NOT NULL,
        state           INTEGER NOT NULL,
        feed_path       TEXT NOT NULL,
        from_stdin      INTEGER NOT NULL,
        feed_sha256     BLOB,
        mapping_path    TEXT NOT NULL,
        mapping_sha256  BLOB NOT NULL,
        rows            INTEGER,
        skipped         INTEGER NOT NULL,
        unchanged       INTEGER NOT NULL,
        calls_total     INTEGER NOT NULL DEFAULT 0,
        calls_retried   INTEGER NOT NULL DEFAULT 0,
        calls_throttled INTEGER NOT NULL DEFAULT 0,
        started         INTEGER NOT NULL,
        ended           INTEGER,
        elapsed         INTEGER NOT NULL DEFAULT 0,
        exit_code       INTEGER,
        message         TEXT,
        looked_at       INTEGER,
        pid             INTEGER NOT NULL,
        host            TEXT NOT NULL,
        resumed         INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX runs_of_scope ON runs (scope);

    -- The outcome of each row that is not simply unchanged. A leaver has no row in
    -- the feed: row is 4294967296, leaver the external ID.
    -- outcome NULL: intended, not settled.
    CREATE TABLE rows (
        run         INTEGER NOT NULL,
        row         INTEGER NOT NULL,
        leaver      TEXT NOT NULL,
        external_id TEXT,
        action      INTEGER,
        outcome     INTEGER,
        status      INTEGER,
        attempts    INTEGER NOT NULL,
        reason      INTEGER,
        at          INTEGER, -- milliseconds that the run had been under way
        PRIMARY KEY (run, row, leaver)
    ) STRICT, WITHOUT ROWID;

    -- Codes and messages that rows share. One may be here twice.
    CREATE TABLE reasons (
        id      INTEGER PRIMARY KEY,
        code    TEXT,
        message TEXT
    ) STRICT;

    -- The people of a scope, and the fingerprints that the LMS last
    -- acknowledged.
    CREATE TABLE people (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        remote_id   TEXT,
        fingerprint BLOB,
        state       INTEGER NOT NULL,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- Which feed named the person last, and which other one before: digests of
    -- their mappings' paths.
    ALTER TABLE people ADD COLUMN feed INTEGER;
    ALTER TABLE people ADD COLUMN other_feed INTEGER;
    -- The parts of a person that were acknowledged by themselves, and the
    -- fingerprint that will hold once the groups are done.
    ALTER TABLE people ADD COLUMN details BLOB;
    ALTER TABLE people ADD COLUMN picture BLOB;
    ALTER TABLE people ADD COLUMN awaited BLOB;
    -- The outcome that a pending row gets once its groups are done.
    ALTER TABLE rows ADD COLUMN awaited INTEGER;

    -- Roles, rights and groups that hrfeed gave a person, or found there as
    -- the feed wants them: what it may take away again.
    CREATE TABLE given (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        part        INTEGER NOT NULL,
        item        TEXT NOT NULL,
        PRIMARY KEY (scope, external_id, part, item)
    ) STRICT, WITHOUT ROWID;

    -- User groups that were seen on the LMS or created there. made: created by
    -- hrfeed, for that feed.
    CREATE TABLE groups (
        scope       INTEGER NOT NULL,
        id          TEXT NOT NULL,
        made        INTEGER NOT NULL,
        feed        INTEGER,
        fingerprint BLOB,
        PRIMARY KEY (scope, id)
    ) STRICT, WITHOUT ROWID;
",
];

/// What a file is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A database without tables.
    Empty,
    /// A journal of an older hrfeed.
    Older(usize),
    /// A journal of this format.
    Current,
}

/// Reads the format of `conn`, and changes nothing.
pub(super) fn format(
    conn: &Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<Format, JournalError> {
    let sql = |error| JournalError::sqlite(path, error);
    let (application, version, tables) = conn
        .query_row(
            "SELECT (SELECT application_id FROM pragma_application_id),
                    (SELECT user_version FROM pragma_user_version),
                    (SELECT count(*) FROM sqlite_schema)",
            (),
            |row| <(i32, i64, i64)>::try_from(row),
        )
        .map_err(sql)?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(Format::Empty);
    }
    if application != APPLICATION_ID {
        return Err(JournalError::Foreign(path.into()));
    }
    match usize::try_from(version) {
        Ok(version) if version == migrations.len() => Ok(Format::Current),
        Ok(version) if version < migrations.len() => Ok(Format::Older(version)),
        Ok(_) => Err(JournalError::Newer {
            path: path.into(),
            found: version,
            known: number(migrations.len()),
        }),
        Err(_) => {
            let what = format!("its format number is {version}");
            Err(JournalError::Damaged(path.into(), what))
        }
    }
}

/// Takes the steps that `conn` lacks, all of them or none.
pub(super) fn migrate(
    conn: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), JournalError> {
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(|error| JournalError::sqlite(path, error))?;
    // Another process may have done it while this one waited.
    let from = match format(&tx, path, migrations)? {
        Format::Current => return Ok(()),
        Format::Empty => 0,
        Format::Older(version) => version,
    };
    let to = number(migrations.len());
    take_steps(tx, migrations.get(from..).unwrap_or_default(), to).map_err(|error| {
        match JournalError::sqlite(path, error) {
            JournalError::Sqlite(path, source) => JournalError::Migration {
                path,
                from: number(from),
                to,
                source,
            },
            known => known,
        }
    })
}

/// A format as SQLite holds it.
fn number(steps: usize) -> i64 {
    i64::try_from(steps).unwrap_or(i64::MAX)
}

fn take_steps(tx: Transaction<'_>, steps: &[&str], to: i64) -> rusqlite::Result<()> {
    for step in steps {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", to)?;
    tx.commit()
}
