//! Runs and their rows, read back.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use crate::model::{Action, BeforeGroups, Calls, Counts, ExternalId, Outcome, RowNumber, RunState};

use super::alive::ALIVE_FOR;
use super::codes::{self, coded, millis, natural, optional, row_number, time};
use super::error::JournalError;
use super::ids::{HoldId, RunId, RunRef, Scope};
use super::open::Journal;
use super::records::RunStart;

/// A run as the journal holds it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// How it started; the process is the one that resumed it last.
    pub start: RunStart,
    /// Its state. A killed run still says that it is running.
    pub state: RunState,
    /// The digest of the feed, once it was read.
    pub feed_sha256: Option<[u8; 32]>,
    /// The digest of the files that are joined to the feed.
    pub joined_sha256: Option<[u8; 32]>,
    /// When the file of the feed was changed last, where that is known.
    pub feed_modified: Option<Timestamp>,
    /// Rows of the feed, once it was read.
    pub rows: Option<u64>,
    /// Rows that the mapping left out; not among `rows`.
    pub skipped: u64,
    /// Unchanged rows that are only counted, not stored.
    pub unchanged: u64,
    /// How many rows ended how; derived from the rows that are stored.
    pub counts: Counts,
    /// Leavers by outcome; none of them is among the rows.
    pub leavers: Counts,
    /// The requests, over all resumes.
    pub calls: Calls,
    /// When it ended, if it is known to have ended.
    pub ended: Option<Timestamp>,
    /// How long it was under way, over all resumes, as last recorded.
    pub elapsed: Duration,
    /// The exit code with which it ended.
    pub exit_code: Option<u8>,
    /// Its message at the end.
    pub message: Option<String>,
    /// When the target was asked who exists.
    pub surveyed_at: Option<Timestamp>,
    /// How often it was resumed.
    pub resumed: u32,
    /// What was read back after it, as JSON.
    pub proof: Option<String>,
    /// When a write of it went out at the latest; `None` for one of an older hrfeed,
    /// and where none did.
    pub sent_until: Option<Timestamp>,
}

/// One stored row, or one leaver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowEntry {
    /// The row in the feed; `None` for a leaver.
    pub row: Option<RowNumber>,
    /// The person, if the row said who.
    pub external_id: Option<String>,
    /// Its outcome. An intent without one is unknown.
    pub outcome: Outcome,
    /// What was to be done.
    pub action: Option<Action>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// How many requests were sent for it.
    pub attempts: u32,
    /// The rule's code.
    pub code: Option<String>,
    /// Why, as a sentence.
    pub message: Option<String>,
    /// How long the run had been under way.
    pub at: Option<Duration>,
    /// The names of the fields that changed, with commas.
    pub changed: Option<String>,
    /// The hold that keeps the row back, or whose approval carried it out.
    pub hold: Option<HoldId>,
    /// The external ID that the person had before.
    pub from: Option<String>,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Only rows that ended so; empty for all.
    pub outcomes: Vec<Outcome>,
}

/// The one list of a run's columns, completed by `WHERE`, `ORDER BY`, `LIMIT`.
macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "SELECT runs.id, digest, command, coalesce(system, ''), coalesce(base_url, ''),
                    state, feed_path, from_stdin, feed_sha256, mapping_path, mapping_sha256,
                    rows, skipped, unchanged, calls_total, calls_retried, calls_throttled,
                    started, ended, elapsed, exit_code, message, looked_at, pid, host, resumed,
                    proof, replaces_key, alive, joined_sha256, feed_files,
                    feed_modified
             FROM runs JOIN scopes ON scopes.id = runs.scope ",
            $rest
        )
    };
}

impl Journal {
    /// That run, or `None` if the journal does not have it.
    pub fn run(&self, run: RunRef) -> Result<Option<Run>, JournalError> {
        let runs = match run {
            RunRef::Latest => {
                self.select_runs(select_runs!("ORDER BY runs.id DESC LIMIT 1"), ())?
            }
            RunRef::Id(id) => self.select_runs(select_runs!("WHERE runs.id = ?1"), [id.0])?,
        };
        Ok(runs.into_iter().next())
    }

    /// The newest runs, newest first.
    pub fn runs(&self, limit: usize) -> Result<Vec<Run>, JournalError> {
        self.runs_where(limit, |_| true)
    }

    /// The newest runs that are wanted, newest first.
    pub fn runs_where(
        &self,
        limit: usize,
        is_wanted: impl Fn(&RunStart) -> bool,
    ) -> Result<Vec<Run>, JournalError> {
        let sql = select_runs!("ORDER BY runs.id DESC");
        self.select_some_runs(sql, (), (limit, is_wanted))
    }

    /// The runs of `scope` that have not finished and were not superseded,
    /// newest first: killed, interrupted, failed, or still under way. None is under
    /// way while the caller holds the scope's lock.
    pub fn unfinished_runs(&self, scope: &Scope) -> Result<Vec<Run>, JournalError> {
        self.select_runs(
            select_runs!("WHERE digest = ?1 AND state IN (1, 3, 4) ORDER BY runs.id DESC"),
            [scope.bytes()],
        )
    }

    /// The runs of the mapping at `mapping_path` since its last finished one, oldest first.
    pub fn since_finished(
        &self,
        scope: &Scope,
        mapping_path: &str,
    ) -> Result<Vec<Run>, JournalError> {
        self.select_runs(
            select_runs!(
                "WHERE digest = ?1 AND mapping_path = ?2
                       AND runs.id > (SELECT coalesce(max(last.id), 0) FROM runs AS last
                                      WHERE last.scope = runs.scope AND last.mapping_path = ?2
                                            AND last.state = 2)
                 ORDER BY runs.id"
            ),
            (scope.bytes(), mapping_path),
        )
    }

    /// The runs with this mapping that failed with that exit code, in whatever scope,
    /// newest first: after another key or address is put in, the scope is another.
    pub fn failed_with(&self, mapping: &str, exit_code: u8) -> Result<Vec<Run>, JournalError> {
        self.select_runs(
            select_runs!(
                "WHERE mapping_path = ?1 AND state = 4 AND exit_code = ?2 ORDER BY runs.id DESC"
            ),
            (mapping, exit_code),
        )
    }

    /// The newest run of the same scope that began after `run` and has changed
    /// something or has finished.
    pub fn done_since(&self, run: RunId) -> Result<Option<RunId>, JournalError> {
        self.conn
            .query_row(
                "SELECT max(id) FROM runs
                 WHERE scope = (SELECT scope FROM runs WHERE id = ?1) AND id > ?1
                   AND (state = ?2 OR EXISTS (SELECT 1 FROM rows
                                              WHERE rows.run = runs.id AND outcome IS NOT 10))",
                (run.0, codes::run_state(RunState::Finished)),
                |row| Ok(row.get::<_, Option<i64>>(0)?.map(RunId)),
            )
            .map_err(|error| self.sql(error))
    }

    fn select_runs(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<Run>, JournalError> {
        self.select_some_runs(sql, params, (usize::MAX, |_| true))
    }

    /// The first of the runs that are wanted.
    fn select_some_runs(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        (limit, is_wanted): (usize, impl Fn(&RunStart) -> bool),
    ) -> Result<Vec<Run>, JournalError> {
        let read = || {
            // One snapshot for the runs and their counts.
            let tx = self.conn.unchecked_transaction()?;
            let mut runs = tx
                .prepare_cached(sql)?
                .query_map(params, read_run)?
                .filter(|run| run.as_ref().map_or(true, |run| is_wanted(&run.start)))
                .take(limit)
                .collect::<rusqlite::Result<Vec<_>>>()?;
            for run in &mut runs {
                count_rows(&tx, run)?;
            }
            Ok(runs)
        };
        read().map_err(|error| self.sql(error))
    }

    /// Hands out the stored rows of `run` in row order, leavers last, until
    /// `each` breaks off. Pending rows are not stored, and of the unchanged
    /// ones only those that were settled one by one.
    pub fn rows<E: From<JournalError>>(
        &self,
        run: RunId,
        filter: &RowFilter,
        mut each: impl FnMut(RowEntry) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let wanted = match filter.outcomes.as_slice() {
            [] => -1,
            some => some
                .iter()
                .fold(0_i64, |mask, &it| mask | 1 << codes::outcome(it)),
        };
        self.visit(
            "SELECT row, coalesce(external_id, nullif(leaver, '')), coalesce(outcome, 6),
                    action, status, attempts, reasons.code, reasons.message, at,
                    fields.message, hold,
                    coalesce(iif(action = 5, NULL, former),
                             (SELECT known_as FROM held WHERE held.hold = rows.hold
                                     AND held.external_id = rows.external_id))
             FROM rows LEFT JOIN reasons ON reasons.id = rows.reason
                  LEFT JOIN reasons AS fields ON fields.id = rows.changed
             WHERE run = ?1 AND (?2 & (1 << coalesce(outcome, 6))) <> 0
             ORDER BY row, leaver",
            (run.0, wanted),
            |row| {
                let entry = RowEntry {
                    row: row_number(row, 0)?,
                    external_id: row.get(1)?,
                    outcome: coded(row, 2, codes::to_outcome)?,
                    action: optional(row, 3, codes::to_action)?,
                    status: row.get(4)?,
                    attempts: row.get(5)?,
                    code: row.get(6)?,
                    message: row.get(7)?,
                    at: row.get::<_, Option<i64>>(8)?.map(millis),
                    changed: row.get(9)?,
                    hold: row.get::<_, Option<i64>>(10)?.map(HoldId),
                    from: row.get(11)?,
                };
                each(entry).map_err(VisitError::Visitor)
            },
        )
    }

    /// The newest run of this mapping in the scope that has finished.
    pub fn last_finished_run(
        &self,
        scope: &Scope,
        mapping_path: &str,
    ) -> Result<Option<Run>, JournalError> {
        let runs = self.select_runs(
            select_runs!(
                "WHERE digest = ?1 AND mapping_path = ?2 AND state = 2 ORDER BY runs.id DESC LIMIT 1"
            ),
            (scope.bytes(), mapping_path),
        )?;
        Ok(runs.into_iter().next())
    }

    /// The outcome of a row of `run`; without a row, of that leaver. `None` if it
    /// has none yet.
    pub fn outcome(
        &self,
        run: RunId,
        row: Option<RowNumber>,
        leaver: Option<&ExternalId>,
    ) -> Result<Option<Outcome>, JournalError> {
        let row = row.map_or(codes::LEAVER, i64::from);
        let leaver = leaver.map_or("", ExternalId::as_str);
        let outcomes = self.all(
            "SELECT outcome FROM rows
             WHERE run = ?1 AND row = ?2 AND leaver = ?3 AND outcome IS NOT NULL",
            (run.0, row, leaver),
            |row| coded(row, 0, codes::to_outcome),
        )?;
        Ok(outcomes.into_iter().next())
    }

    /// Hands out the rows of `run` that need nothing more, in row order. A row
    /// that is neither here nor in [`Journal::open_intents`] is pending, held or
    /// was unchanged.
    pub fn settled_rows<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(SettledRow) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT row, outcome, attempts > 0, code FROM rows
                 LEFT JOIN reasons ON reasons.id = rows.reason
             WHERE run = ?1 AND row < 4294967296 AND outcome NOT IN (6, 7, 10) ORDER BY row",
            [run.0],
            |row| match row_number(row, 0)? {
                Some(number) => {
                    let settled = SettledRow {
                        row: number,
                        outcome: coded(row, 1, codes::to_outcome)?,
                        was_sent: row.get(2)?,
                        code: row.get(3)?,
                    };
                    each(settled).map_err(VisitError::Visitor)
                }
                None => Ok(ControlFlow::Continue(())),
            },
        )
    }

    /// Hands out the rows of `run` that await nothing but their groups, and what
    /// was done before.
    pub fn rows_awaiting_groups<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut((RowNumber, BeforeGroups)) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT row, awaited = 1 FROM rows
             WHERE run = ?1 AND row < 4294967296 AND awaited IS NOT NULL ORDER BY row",
            [run.0],
            |row| match row_number(row, 0)? {
                Some(number) => {
                    let done = if row.get(1)? {
                        BeforeGroups::Created
                    } else {
                        BeforeGroups::Changed
                    };
                    each((number, done)).map_err(VisitError::Visitor)
                }
                None => Ok(ControlFlow::Continue(())),
            },
        )
    }

    /// Runs `sql` and hands out its rows until `step` breaks off.
    pub(super) fn visit<E: From<JournalError>>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut step: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, VisitError<E>>,
    ) -> Result<(), E> {
        let read = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                if step(row)?.is_break() {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| match error {
            VisitError::Sql(error) => self.sql(error).into(),
            VisitError::Visitor(error) => error,
        })
    }
}

/// A row that needs nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledRow {
    /// The row.
    pub row: RowNumber,
    /// How it ended.
    pub outcome: Outcome,
    /// The LMS was asked for it.
    pub was_sent: bool,
    /// The code of the reason, where there is one.
    pub code: Option<String>,
}

/// Why a walk over rows ended early.
pub(super) enum VisitError<E> {
    Sql(rusqlite::Error),
    /// What the visitor said.
    Visitor(E),
}

impl<E> From<rusqlite::Error> for VisitError<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: RunId(row.get(0)?),
        start: RunStart {
            scope: Scope::from_bytes(row.get(1)?),
            command: row.get(2)?,
            system: row.get(3)?,
            base_url: row.get(4)?,
            feed_path: row.get(6)?,
            feed_files: codes::texts(row.get(30)?),
            from_stdin: row.get(7)?,
            mapping_path: row.get(9)?,
            mapping_sha256: row.get(10)?,
            replaces_key: row.get(27)?,
            started: coded(row, 17, time)?,
            pid: row.get(23)?,
            host: row.get(24)?,
        },
        state: coded(row, 5, codes::to_run_state)?,
        feed_sha256: row.get(8)?,
        joined_sha256: row.get(29)?,
        feed_modified: optional(row, 31, time)?,
        rows: row.get::<_, Option<i64>>(11)?.map(natural),
        skipped: natural(row.get(12)?),
        unchanged: natural(row.get(13)?),
        counts: Counts::default(),
        leavers: Counts::default(),
        calls: Calls {
            total: natural(row.get(14)?),
            retried: natural(row.get(15)?),
            throttled: natural(row.get(16)?),
        },
        ended: optional(row, 18, time)?,
        elapsed: Duration::from_micros(natural(row.get(19)?)),
        exit_code: row.get(20)?,
        message: row.get(21)?,
        surveyed_at: optional(row, 22, time)?,
        resumed: row.get(25)?,
        proof: row.get(26)?,
        sent_until: (row.get::<_, Option<i64>>(28)?).and_then(|alive| time(alive + ALIVE_FOR)),
    })
}

/// Fills in `run.counts` and `run.leavers`.
fn count_rows(conn: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    // A list of a year counts hundreds of thousands of rows: they are grouped by the bare
    // column, which costs half as much as by what follows from it. What the LMS says has no
    // code, unlike a rule.
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(outcome, 6), count(*),
                sum(CASE outcome
                        WHEN 4 THEN status IS NOT NULL
                             OR EXISTS (SELECT 1 FROM reasons WHERE id = reason AND code IS NULL)
                        ELSE 0
                    END)
         FROM rows WHERE run = ?1 AND row BETWEEN ?2 AND ?3 GROUP BY outcome",
    )?;
    for (first, last, counts) in [
        (i64::MIN, codes::LEAVER - 1, &mut run.counts),
        (codes::LEAVER, codes::LEAVER, &mut run.leavers),
    ] {
        let mut groups = statement.query((run.id.0, first, last))?;
        while let Some(group) = groups.next()? {
            let outcome = coded(group, 0, codes::to_outcome)?;
            *counts.of_mut(outcome) += natural(group.get(1)?);
            counts.refused += natural(group.get(2)?);
        }
    }
    run.counts.unchanged += run.unchanged;
    // A row that is neither stored nor unchanged is pending.
    let counted = run.counts.rows();
    run.counts.pending += run.rows.unwrap_or(0).saturating_sub(counted);
    for left in [Outcome::Deactivated, Outcome::Deleted, Outcome::Set] {
        *run.counts.of_mut(left) += run.leavers.of(left);
    }
    Ok(())
}
