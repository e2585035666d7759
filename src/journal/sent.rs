//! What was sent last and what was decided last: by that a plan sees whether the journal is as
//! it was when it was made. What a plan compares is never pruned.

use rusqlite::{Connection, OptionalExtension as _};
use xxhash_rust::xxh3::xxh3_128;

use super::error::JournalError;
use super::ids::{RunId, Scope};
use super::open::Journal;

/// The digest of a journal that knows of nothing that was sent.
pub const STATE_OF_NONE: u128 = 0;

impl Journal {
    /// The newest run of `scope` that sent anything to change somebody.
    pub fn last_sending_run(&self, scope: &Scope) -> Result<Option<RunId>, JournalError> {
        Ok(self.sent(scope)?.map(|(run, _)| run))
    }

    /// A digest of what is known of the people of `scope` because something was sent, and of
    /// what was decided about holds. A run that sent nothing leaves it as it is, whomever it
    /// saw on the LMS and whatever it held.
    pub fn state_digest(&self, scope: &Scope) -> Result<u128, JournalError> {
        let sent = self.sent(scope)?.map(|(run, writes)| [run.0, writes, 0]);
        let decided = self.all(
            "SELECT id, coalesce(verdict, 0), decided FROM holds
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND decided IS NOT NULL
             ORDER BY decided DESC, id DESC LIMIT 1",
            [scope.bytes()],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
        )?;
        let all: Vec<_> = (sent.into_iter().chain(decided).flatten())
            .flat_map(i64::to_le_bytes)
            .collect();
        Ok(if all.is_empty() {
            STATE_OF_NONE
        } else {
            xxh3_128(&all)
        })
    }

    fn sent(&self, scope: &Scope) -> Result<Option<(RunId, i64)>, JournalError> {
        let scope = self.conn.query_row(
            "SELECT max(id) FROM scopes WHERE digest = ?1",
            [scope.bytes()],
            |row| row.get::<_, Option<i64>>(0),
        );
        let read = scope.and_then(|scope| match scope {
            Some(scope) => last_sent(&self.conn, scope),
            None => Ok(None),
        });
        read.map_err(|error| self.sql(error))
    }
}

/// The newest run of a scope that sent a write, or was about to, with the number of rows and
/// leavers that it did so for. A look-up without an answer is not one of them.
pub(super) fn last_sent(conn: &Connection, scope: i64) -> rusqlite::Result<Option<(RunId, i64)>> {
    conn.prepare_cached(
        "SELECT id, writes FROM
             (SELECT id, (SELECT count(*) FROM rows
                          WHERE run = runs.id
                                AND (outcome IS NULL
                                     OR attempts > 0
                                        AND NOT EXISTS (SELECT 1 FROM reasons
                                                        WHERE reasons.id = reason
                                                              AND code = 'not-answered')))
                         AS writes
              FROM runs WHERE scope = ?1
              ORDER BY id DESC)
         WHERE writes > 0 LIMIT 1",
    )?
    .query_row([scope], |row| Ok((RunId(row.get(0)?), row.get(1)?)))
    .optional()
}
