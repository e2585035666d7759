//! What changes of a run's record.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::codes;
use super::doubts;
use super::error::JournalError;
use super::ids::RunId;
use super::lock::ScopeLock;
use super::open::Journal;
use super::records::{RunChange, Work};
use super::store::{Failure, Store, execute};

impl Journal {
    /// Records how a run ended whose [`Writer`](super::Writer) failed. What the writer could
    /// not commit gave its place in the log back, so a full disk may have room for as little
    /// as this. Durable when it returns.
    ///
    /// # Errors
    /// It cannot be written either, or another run holds the scope by now.
    pub fn end_run_late(
        &self,
        lock: &ScopeLock,
        run: RunId,
        end: RunChange,
    ) -> Result<(), JournalError> {
        if !lock.is_held().is_ok_and(|is_held| is_held) {
            return Err(JournalError::LockLost(self.path().into()));
        }
        let Self { conn, place, .. } = self.again()?;
        let mut work = Work::UpdateRun(run, Box::new(end));
        Store::new(conn, place, Some(lock.clone())).write(std::iter::once(&mut work))
    }
}

/// Changes the record of a run.
pub(super) fn update_run(tx: &Connection, run: RunId, change: &RunChange) -> Result<(), Failure> {
    if let Some(by) = &change.resumed {
        doubts::keep_of_interrupted(tx, run, by.at)?;
        tx.execute(
            "UPDATE runs SET state = 1, ended = NULL, exit_code = NULL, message = NULL,
                             proof = NULL, resumed = resumed + 1, pid = ?2, host = ?3
             WHERE id = ?1",
            (run.0, by.pid, &by.host),
        )?;
        tx.execute("DELETE FROM rows WHERE run = ?1 AND outcome = 10", [run.0])?;
        note_run(tx, run, &by.host)?;
    }
    let changed = tx
        .prepare_cached(
            "UPDATE runs SET
                 state = coalesce(?2, state), feed_sha256 = coalesce(?3, feed_sha256),
                 rows = coalesce(?4, rows), skipped = coalesce(?5, skipped),
                 unchanged = coalesce(?6, unchanged), calls_total = coalesce(?7, calls_total),
                 calls_retried = coalesce(?8, calls_retried),
                 calls_throttled = coalesce(?9, calls_throttled),
                 looked_at = coalesce(?10, looked_at), elapsed = coalesce(?11, elapsed),
                 ended = coalesce(?12, ended), exit_code = coalesce(?13, exit_code),
                 message = coalesce(?14, message), proof = coalesce(?15, proof),
                 joined_sha256 = coalesce(?16, joined_sha256),
                 feed_modified = coalesce(?17, feed_modified),
                 good_feed = coalesce(?18, good_feed)
             WHERE id = ?1",
        )?
        .execute(params![
            run.0,
            change.state.map(codes::run_state),
            change.feed_sha256,
            change.rows.map(integer),
            change.skipped.map(integer),
            change.unchanged.map(integer),
            change.calls.map(|calls| integer(calls.total)),
            change.calls.map(|calls| integer(calls.retried)),
            change.calls.map(|calls| integer(calls.throttled)),
            change.surveyed_at.map(Timestamp::as_microsecond),
            change
                .elapsed
                .map(|it| i64::try_from(it.as_micros()).unwrap_or(i64::MAX)),
            change.ended.map(Timestamp::as_microsecond),
            change.exit_code,
            change.message,
            change.proof,
            change.joined_sha256,
            change.feed_modified.map(Timestamp::as_microsecond),
            change.good_feed,
        ])?;
    if changed == 0 {
        return Err(Failure::NoRun(run));
    }
    Ok(())
}

/// A write of the run is about to go out.
pub(super) fn note_alive(tx: &Connection, run: RunId, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE runs SET alive = ?2 WHERE id = ?1";
    execute(tx, sql, (run.0, now.as_microsecond()))
}

/// Notes which run holds the lock, for other processes that ask for it.
pub(super) fn note_run(tx: &Connection, run: RunId, host: &str) -> rusqlite::Result<()> {
    execute(
        tx,
        "UPDATE locks SET run = ?1, host = ?2
         WHERE scope = (SELECT scope FROM runs WHERE id = ?1)",
        (run.0, host),
    )
}

fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
