//! What was sent last and what was decided: by that a plan sees whether the journal is as it
//! was when it was made.

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
        let decisions = self.all(
            "SELECT id, coalesce(verdict, 0), coalesce(decided, 0) FROM holds
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND decided IS NOT NULL
             ORDER BY id",
            [scope.bytes()],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
        )?;
        let all: Vec<_> = (sent.into_iter().chain(decisions).flatten())
            .flat_map(i64::to_le_bytes)
            .collect();
        Ok(if all.is_empty() {
            STATE_OF_NONE
        } else {
            xxh3_128(&all)
        })
    }

    /// The newest run of `scope` that sent a write, or was about to, with the number of
    /// rows and leavers that it did so for.
    fn sent(&self, scope: &Scope) -> Result<Option<(RunId, i64)>, JournalError> {
        let newest = self.all(
            "SELECT id, writes FROM
                 (SELECT id, (SELECT count(*) FROM rows
                              WHERE run = runs.id AND (attempts > 0 OR outcome IS NULL)) AS writes
                  FROM runs WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)
                  ORDER BY id DESC)
             WHERE writes > 0 LIMIT 1",
            [scope.bytes()],
            |row| Ok((RunId(row.get(0)?), row.get(1)?)),
        )?;
        Ok(newest.into_iter().next())
    }
}
