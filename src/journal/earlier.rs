//! What people were like before a run that can be undone changed them, sealed: the journal
//! cannot read it.
//!
//! # Invariants
//!
//! - What is kept of a person in a run is never replaced: later the person is no longer as
//!   before the run.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::codes::natural;
use super::error::JournalError;
use super::ids::{RunId, Scope};
use super::lock::ScopeLock;
use super::open::Journal;
use super::read::VisitError;
use super::records::Work;
use super::store::execute;
use super::write::{Commit, Writer};

/// By what a key is known to be the one of a run that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoable {
    /// Makes the key of the run from that of the caller.
    pub salt: [u8; 32],
    /// Something that only that key opens.
    pub proof: Vec<u8>,
}

/// What is kept for the way back.
#[derive(Debug)]
pub(super) enum Earlier {
    /// The run can be undone.
    Begin(Undoable),
    /// What these people, by external ID, were like.
    Keep(Vec<(String, Vec<u8>)>),
}

/// Old runs of a mapping. One that was killed has no end.
const OLD: &str = "WHERE run IN
    (SELECT id FROM runs WHERE coalesce(ended, started) < ?2 AND mapping_path = ?3
         AND scope = (SELECT id FROM scopes WHERE digest = ?1))";

impl Journal {
    /// By what the key of `run` is known, if it can be undone.
    pub fn undoable(&self, run: RunId) -> Result<Option<Undoable>, JournalError> {
        let found = self
            .conn
            .query_row(
                "SELECT salt, proof FROM undoable WHERE run = ?1",
                [run.0],
                |row| {
                    Ok(Undoable {
                        salt: row.get(0)?,
                        proof: row.get(1)?,
                    })
                },
            )
            .optional();
        found.map_err(|error| self.sql(error))
    }

    /// Hands out what is kept of the people of `run`, sealed, by external ID, until `each`
    /// breaks off.
    pub fn earlier<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(&str, &[u8]) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id, sealed FROM earlier WHERE run = ?1 ORDER BY external_id",
            [run.0],
            |row| {
                let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                let sealed = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                each(id, sealed).map_err(VisitError::Visitor)
            },
        )
    }

    /// Hands out the people of the scope of `run` for whom a later run sent anything, or may
    /// have, some several times. Runs of this command, whatever follows it, are left out.
    pub fn sent_since<E: From<JournalError>>(
        &self,
        run: RunId,
        but: &str,
        mut each: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT coalesce(external_id, nullif(leaver, '')) AS id FROM rows
             WHERE run IN (SELECT id FROM runs WHERE id > ?1 AND command <> ?2
                               AND command NOT LIKE ?2 || ' %'
                               AND scope = (SELECT scope FROM runs WHERE id = ?1))
                   AND coalesce(outcome, 6) IN (1, 2, 6, 8, 9, 11) AND id IS NOT NULL
                   AND (outcome IS NULL OR attempts > 0)",
            (run.0, but),
            |row| {
                let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                each(id).map_err(VisitError::Visitor)?;
                Ok(ControlFlow::Continue(()))
            },
        )
    }

    /// Whether anything is kept of a person of `run`.
    pub fn has_earlier(&self, run: RunId, external_id: &str) -> Result<bool, JournalError> {
        let mut found = self
            .conn
            .prepare_cached("SELECT 1 FROM earlier WHERE run = ?1 AND external_id = ?2")
            .map_err(|error| self.sql(error))?;
        let found = found.exists((run.0, external_id));
        found.map_err(|error| self.sql(error))
    }

    /// How many runs of the mapping at that path can be undone that ended before then, or were
    /// killed.
    pub fn undoable_before(
        &self,
        (scope, mapping): (&Scope, &str),
        before: Timestamp,
    ) -> Result<u64, JournalError> {
        let sql = format!("SELECT count(*) FROM undoable {OLD}");
        let counted = self.conn.query_row(
            &sql,
            (scope.bytes(), before.as_microsecond(), mapping),
            |row| row.get(0),
        );
        counted.map(natural).map_err(|error| self.sql(error))
    }

    /// Removes what these runs keep: they can no longer be undone.
    pub fn forget_earlier(
        &self,
        (scope, mapping): (&Scope, &str),
        before: Timestamp,
        lock: &[ScopeLock],
    ) -> Result<(), JournalError> {
        self.overwrite_deleted()?;
        self.in_one(lock, |tx| {
            for table in ["earlier", "undoable"] {
                let sql = format!("DELETE FROM {table} {OLD}");
                tx.execute(&sql, (scope.bytes(), before.as_microsecond(), mapping))?;
            }
            Ok(())
        })
    }
}

impl Writer {
    /// Records by what the key is known of a run that can be undone. What was recorded before
    /// stays.
    pub fn undoable(&self, run: RunId, undoable: Undoable) -> Commit {
        self.send_and_wait(Work::Earlier(run, Earlier::Begin(undoable)))
    }

    /// Records what people, by external ID, were like before the run changes them, sealed.
    /// What was recorded of somebody before stays. Nothing may be written for these people
    /// before the commit resolves.
    pub fn keep_earlier(&self, run: RunId, people: Vec<(String, Vec<u8>)>) -> Commit {
        self.send_and_wait(Work::Earlier(run, Earlier::Keep(people)))
    }
}

/// Writes what is kept.
pub(super) fn keep(tx: &Connection, run: RunId, earlier: &Earlier) -> rusqlite::Result<()> {
    match earlier {
        Earlier::Begin(Undoable { salt, proof }) => execute(
            tx,
            "INSERT OR IGNORE INTO undoable (run, salt, proof) VALUES (?1, ?2, ?3)",
            (run.0, salt, proof),
        ),
        Earlier::Keep(people) => {
            let sql = "INSERT OR IGNORE INTO earlier (run, external_id, sealed)
                       VALUES (?1, ?2, ?3)";
            (people.iter()).try_for_each(|(id, sealed)| execute(tx, sql, (run.0, id, sealed)))
        }
    }
}

/// Removes what is kept by a run.
pub(super) fn remove(tx: &Connection, run: RunId) -> rusqlite::Result<()> {
    for table in ["earlier", "undoable"] {
        tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run.0])?;
    }
    Ok(())
}
