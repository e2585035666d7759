//! The tables, and how an older file gets them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::backup::with_suffix;
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

    -- The last holder of a scope's lock. Whether it is held, only the lock itself
    -- shows.
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
    "
    -- The secret with which the fingerprints of people are made: random bytes,
    -- as old as the journal or its upgrade.
    CREATE TABLE secrets (
        name  TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- keyed: the fingerprints of the person are made with the secret; those of
    -- an older hrfeed are not. protected: no run changes or removes the person.
    -- absent: the feed that named the person last has come without since.
    -- fields, identity: a fingerprint of each mapped field, and of each field
    -- that identifies the person.
    ALTER TABLE people ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE people ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE people ADD COLUMN absent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE people ADD COLUMN fields BLOB;
    ALTER TABLE people ADD COLUMN identity BLOB;
    -- Empty after the first run: whether anybody is left is asked every night.
    CREATE INDEX people_unkeyed ON people (scope) WHERE keyed = 0 AND fingerprint IS NOT NULL;

    -- changed: the fields that changed, an id in reasons. hold: the hold that
    -- keeps the row back, or whose approval carried it out. former: what was
    -- known of the person before the row's external ID: the one that a rekey
    -- takes away, or, for an adoption (5), the LMS's id of the account.
    ALTER TABLE rows ADD COLUMN changed INTEGER;
    ALTER TABLE rows ADD COLUMN hold INTEGER;
    ALTER TABLE rows ADD COLUMN former TEXT;

    -- proof: what was read back after the run, as JSON. replaces_key: a person
    -- said that its API key replaces an earlier one.
    ALTER TABLE runs ADD COLUMN proof TEXT;
    ALTER TABLE runs ADD COLUMN replaces_key INTEGER NOT NULL DEFAULT 0;

    -- What good feeds looked like. resets: older ones count no more.
    CREATE TABLE profiles (
        scope   INTEGER NOT NULL,
        feed    INTEGER NOT NULL,
        run     INTEGER NOT NULL,
        resets  INTEGER NOT NULL,
        profile BLOB NOT NULL,
        PRIMARY KEY (scope, feed, run)
    ) STRICT, WITHOUT ROWID;

    -- Changes that wait for a person's decision. Times are microseconds since
    -- 1970. new: people who were not held before. remainder_of: the hold of which
    -- a decision left them over, or this one, if its refusal was taken back.
    -- as_joiners: they are other people than they seemed to be. carried_out_by is
    -- set before anything is sent.
    CREATE TABLE holds (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        scope          INTEGER NOT NULL,
        mapping_path   TEXT NOT NULL,
        kind           INTEGER NOT NULL,
        state          INTEGER NOT NULL,
        bound          TEXT NOT NULL,
        why            TEXT NOT NULL,
        people         INTEGER NOT NULL,
        new            INTEGER NOT NULL,
        since_run      INTEGER NOT NULL,
        last_run       INTEGER NOT NULL,
        remainder_of   INTEGER,
        opened         INTEGER NOT NULL,
        verdict        INTEGER,
        decided        INTEGER,
        decided_by     TEXT,
        decided_reason TEXT,
        as_joiners     INTEGER NOT NULL DEFAULT 0,
        carried_out_by INTEGER,
        replaced_by    INTEGER,
        closed         INTEGER
    ) STRICT;
    CREATE INDEX holds_of_scope ON holds (scope, state);

    -- The people of a hold. row: NULL for who has none in the feed. known_as:
    -- another external ID of the person. digest: of what is wanted. reason and
    -- changed, the fields that change: ids in reasons.
    CREATE TABLE held (
        hold        INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        row         INTEGER,
        known_as    TEXT,
        digest      INTEGER NOT NULL,
        reason      INTEGER,
        changed     INTEGER,
        PRIMARY KEY (hold, external_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- alive: a write of the run that went out later was preceded by a later sign
    -- of life, microseconds since 1970.
    ALTER TABLE runs ADD COLUMN alive INTEGER;

    -- People for whom a write of unknown outcome may still land. sent: when it went
    -- out at the latest. kind: 0 a change, 1 it may create the person, 2 the create
    -- was sent twice.
    CREATE TABLE doubts (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        sent        INTEGER NOT NULL,
        kind        INTEGER NOT NULL,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- People whose create was sent a second time. since: the first one went out by
    -- then. A doubt of kind 2 was that, with the time of the second one, which
    -- followed within an hour.
    CREATE TABLE sent_twice (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        since       INTEGER NOT NULL,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO sent_twice
        SELECT scope, external_id, sent - 3600000000 FROM doubts WHERE kind = 2;
    DELETE FROM doubts WHERE kind = 2;

    -- Whom the LMS refused, or gave no usable answer about, when the person was sent
    -- last. alone: others were answered.
    CREATE TABLE refused (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        alone       INTEGER NOT NULL,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The feed whose run sent the write last; unknown for older ones.
    ALTER TABLE doubts ADD COLUMN feed INTEGER;
",
    "
    -- The digest of the files that are joined to the feed.
    ALTER TABLE runs ADD COLUMN joined_sha256 BLOB;
",
    "
    -- The files of a feed of several, in their order, as JSON; NULL for one file. A row of
    -- such a feed has the number -2^48 + 2^32 * its file, from 1 on, + its row there.
    ALTER TABLE runs ADD COLUMN feed_files TEXT;
",
    "
    -- People whom a feed no longer names, where its mapping gives them time before they
    -- leave. since: the first run in a row whose feed came without the person.
    CREATE TABLE absences (
        scope       INTEGER NOT NULL,
        feed        INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        since       INTEGER NOT NULL,
        PRIMARY KEY (scope, feed, external_id)
    ) STRICT, WITHOUT ROWID;
    -- feed_modified: when the file of the feed was changed last, microseconds since 1970;
    -- NULL where nobody knows. good_feed: a finished import of a whole feed that did not look
    -- sick, and not of the same file as the one before.
    ALTER TABLE runs ADD COLUMN feed_modified INTEGER;
    ALTER TABLE runs ADD COLUMN good_feed INTEGER NOT NULL DEFAULT 0;
",
    "
    -- Fields that were written for people as leavers, or may have been, and were not taken
    -- back since: a bit for each by its position in the schema of the system.
    CREATE TABLE set_fields (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        fields      INTEGER NOT NULL,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;

    -- The same of what is about to be written, and a fingerprint of these fields with their
    -- values, made with the secret; until the outcome is known.
    CREATE TABLE set_intents (
        run         INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        fields      INTEGER NOT NULL,
        fingerprint BLOB NOT NULL,
        PRIMARY KEY (run, external_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- Runs that can be undone. salt: makes the key of what is sealed from that of the
    -- caller. proof: something that only this key opens.
    CREATE TABLE undoable (
        run   INTEGER PRIMARY KEY,
        salt  BLOB NOT NULL,
        proof BLOB NOT NULL
    ) STRICT;

    -- What people were like before such a run changed them, and what it was about to write,
    -- sealed.
    CREATE TABLE earlier (
        run         INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        sealed      BLOB NOT NULL,
        PRIMARY KEY (run, external_id)
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

/// The first format that has a secret.
const WITH_SECRET: usize = 3;

/// Takes the steps that `conn` lacks, all of them or none. `before` keeps an
/// older journal, while nobody else can write it, and is given its format.
pub(super) fn migrate(
    conn: &mut Connection,
    path: &Path,
    migrations: &[&str],
    before: impl FnOnce(usize) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let secret = random_bytes(path)?;
    // Others may read an older journal meanwhile: `before` does.
    let behavior = match format(conn, path, migrations)? {
        Format::Older(_) => TransactionBehavior::Immediate,
        Format::Empty | Format::Current => TransactionBehavior::Exclusive,
    };
    let tx = conn
        .transaction_with_behavior(behavior)
        .map_err(|error| JournalError::sqlite(path, error))?;
    // Another process may have done it while this one waited.
    let from = match format(&tx, path, migrations)? {
        Format::Current => return Ok(()),
        Format::Empty => {
            forget_index(path);
            0
        }
        Format::Older(version) => {
            before(version)?;
            version
        }
    };
    let steps = migrations.get(from..).unwrap_or_default();
    let is_secret_new = from < WITH_SECRET && migrations.len() >= WITH_SECRET;
    let to = number(migrations.len());
    take_steps(tx, steps, is_secret_new.then_some(secret), to).map_err(|error| {
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

/// Removes the index of a log that is not the log of this file, which is empty: that
/// of a journal which was deleted without it, perhaps under a run that still writes.
/// Both would take the index for their own. Nobody has this file in WAL mode while it
/// is locked and empty, and SQLite itself removes the log.
fn forget_index(path: &Path) {
    // SQLite puts it beside the file itself, wherever a link to it is.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    // It is hardly ever there.
    drop(fs::remove_file(with_suffix(&path, "-shm")));
}

fn random_bytes(path: &Path) -> Result<[u8; 32], JournalError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| JournalError::NoRandomBytes(path.into(), Arc::new(error.into())))?;
    Ok(bytes)
}

/// A format as SQLite holds it.
fn number(steps: usize) -> i64 {
    i64::try_from(steps).unwrap_or(i64::MAX)
}

fn take_steps(
    tx: Transaction<'_>,
    steps: &[&str],
    secret: Option<[u8; 32]>,
    to: i64,
) -> rusqlite::Result<()> {
    for step in steps {
        tx.execute_batch(step)?;
    }
    if let Some(secret) = secret {
        tx.execute(
            "INSERT INTO secrets (name, value) VALUES ('fingerprints', ?1)",
            [secret],
        )?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", to)?;
    tx.commit()
}
