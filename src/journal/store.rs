//! The SQL that writes, on the writer's thread and inside the transaction of a
//! group.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, OptionalExtension as _, Params, Transaction, TransactionBehavior, params,
};

use crate::clock;
use crate::model::{ExternalId, Outcome, RowNumber, RunState};

use super::absences;
use super::backup;
use super::codes::{self, millis, natural};
use super::doubts::{self, Doubts};
use super::earlier;
use super::error::JournalError;
use super::holds::{self, NewHold};
use super::ids::{FeedKey, HoldId, RunId, Scope};
use super::intents;
use super::lock::ScopeLock;
use super::parts;
use super::past;
use super::people;
use super::place::Place;
use super::records::{Intent, RunStart, Settled, Work};
use super::refused;
use super::set_fields;
use super::update::{note_alive, note_run, update_run};

/// The writing connection and what its thread remembers.
#[derive(Debug)]
pub(super) struct Store {
    conn: Connection,
    place: Place,
    /// The lock of the run that writes, if one does.
    lock: Option<ScopeLock>,
    memory: Memory,
    /// The pages of the file when the writer began.
    pages: u64,
}

/// What was read or written once and need not be read again. Never used after
/// a transaction failed.
#[derive(Debug, Default)]
struct Memory {
    scopes: HashMap<Scope, i64>,
    runs: HashMap<RunId, RunMemory>,
    reasons: HashMap<String, i64>,
    /// Whether there are doubts, and people who were refused, if that is known.
    has_doubts: Option<bool>,
    has_refused: Option<bool>,
    /// The same of fields that were written for leavers.
    has_set: Option<bool>,
}

/// What is remembered of a run: its scope, its feed, and how long it was under
/// way before this process and since.
#[derive(Clone, Copy, Debug)]
struct RunMemory {
    scope: i64,
    feed: FeedKey,
    before: Duration,
    since: Instant,
}

impl RunMemory {
    fn new(scope: i64, feed: FeedKey, before: Duration) -> Self {
        Self {
            scope,
            feed,
            before,
            since: clock::monotonic(),
        }
    }

    fn millis(self) -> i64 {
        i64::try_from((self.before + self.since.elapsed()).as_millis()).unwrap_or(i64::MAX)
    }
}

/// The most codes and messages that are remembered; then the memory is cleared,
/// and a reason may be stored again.
const MAX_REASONS: usize = 4_096;

/// Fewer new pages than these are not packed: a megabyte.
const MIN_GROWN_PAGES: u64 = 256;

fn pages(conn: &Connection) -> rusqlite::Result<u64> {
    let pages = conn.pragma_query_value(None, "page_count", |row| row.get(0));
    pages.map(natural)
}

/// Why a piece of work could not be written.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    NoRun(RunId),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Store {
    pub(super) fn new(conn: Connection, place: Place, lock: Option<ScopeLock>) -> Self {
        Self {
            pages: pages(&conn).unwrap_or(0),
            conn,
            place,
            lock,
            memory: Memory::default(),
        }
    }

    /// Packs the file again after much was added to it: rows that come one by one
    /// leave a sixth of each page empty. The journal is whole without it, so a
    /// failure says nothing.
    pub(super) fn compact(&self) {
        let pages = pages(&self.conn).unwrap_or(0);
        let grown = pages.saturating_sub(self.pages);
        if grown >= MIN_GROWN_PAGES && grown >= pages / 4 {
            drop(self.conn.execute_batch("VACUUM"));
        }
    }

    /// Writes all of `group` durably, or nothing of it. Fails, too, if it was written
    /// to a file that is not the journal any more.
    pub(super) fn write<'a>(
        &mut self,
        group: impl Iterator<Item = &'a mut Work>,
    ) -> Result<(), JournalError> {
        let Self { conn, memory, .. } = self;
        let write = || {
            // Dropped without a commit, it is rolled back.
            let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
            for work in group {
                memory.apply(&tx, work)?;
            }
            tx.commit().map_err(Failure::from)
        };
        write().map_err(|failure| match failure {
            Failure::Sqlite(error) => JournalError::sqlite(self.place.path(), error),
            Failure::NoRun(run) => JournalError::NoRun(self.place.path().into(), run),
        })?;
        self.place.check().map_err(|error| self.keep(error))?;
        self.check_lock()
    }

    fn check_lock(&self) -> Result<(), JournalError> {
        let path = || self.place.path().to_path_buf();
        match self.lock.as_ref().map(ScopeLock::is_held) {
            None | Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err(JournalError::LockLost(path())),
            Some(Err(error)) => Err(JournalError::LockFile(path(), Arc::new(error))),
        }
    }

    /// Keeps a copy of a journal that lost its place: once it is closed, a deleted
    /// file is gone.
    fn keep(&self, error: JournalError) -> JournalError {
        let JournalError::Displaced {
            path, is_replaced, ..
        } = error
        else {
            return error;
        };
        // The log stays at the path, and whatever is put there would take it for its
        // own: an empty one does no harm, and a file that was moved is whole.
        let emptied = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        // If that fails, the copy has everything even so.
        drop(emptied);
        JournalError::Displaced {
            kept: backup::keep(&self.conn, &path, "rescued").ok(),
            path,
            is_replaced,
        }
    }
}

impl Memory {
    fn apply(&mut self, tx: &Connection, work: &mut Work) -> Result<(), Failure> {
        match work {
            Work::StartRun { run, id } => *id = Some(self.start_run(tx, run)?),
            Work::UpdateRun(run, change) => {
                update_run(tx, *run, change)?;
                self.has_doubts = None;
            }
            Work::Intend(run, intents) => self.intend(tx, *run, intents)?,
            Work::Alive(run, now) => note_alive(tx, *run, *now)?,
            Work::Doubts(doubts) => self.doubt(tx, doubts)?,
            Work::Earlier(run, kept) => earlier::keep(tx, *run, kept)?,
            Work::Settle(run, settled) => self.settle(tx, *run, settled)?,
            Work::NotSent(run, row, id) => self.not_sent(tx, *run, *row, id)?,
            Work::Refused(run, id) => self.refused(tx, *run, id)?,
            Work::SettleAll(run, rows) => {
                for settled in rows {
                    self.settle(tx, *run, settled)?;
                }
            }
            Work::Seen(scope, seen) => people::seen(tx, self.scope(tx, *scope)?, seen)?,
            Work::Single(scope, ids) => people::single(tx, self.scope(tx, *scope)?, ids)?,
            Work::Named(scope, feed, ids) => {
                people::named(tx, self.scope(tx, *scope)?, *feed, ids)?;
            }
            Work::Dropped(scope, feed, ids) => {
                people::dropped(tx, self.scope(tx, *scope)?, *feed, ids)?;
            }
            Work::Absent(scope, feed, ids) => {
                people::absent(tx, self.scope(tx, *scope)?, *feed, ids)?;
            }
            Work::Absences(scope, feed, them) => {
                absences::write(tx, self.scope(tx, *scope)?, *feed, them.as_ref())?;
            }
            Work::Gone(scope, ids) => people::gone(tx, self.scope(tx, *scope)?, ids)?,
            Work::Fingerprints(scope, refreshed) => {
                people::refresh(tx, self.scope(tx, *scope)?, refreshed)?;
            }
            Work::Protect(scope, protected) => {
                people::protect(tx, self.scope(tx, *scope)?, protected)?;
            }
            Work::Acknowledged(run, external_id, acknowledged) => {
                let RunMemory { scope, feed, .. } = self.run(tx, *run)?;
                let id = external_id.as_str();
                parts::rekey(tx, scope, id, acknowledged)?;
                people::ensure(tx, scope, feed, id)?;
                parts::acknowledge(tx, scope, id, acknowledged)?;
                self.has_set = None;
            }
            Work::Members {
                run,
                group,
                people,
                are_in,
            } => {
                let known = self.run(tx, *run)?;
                parts::members(tx, known.scope, (group, *are_in), people)?;
            }
            Work::Joined(run, row, external_id, refused) => {
                self.joined(tx, *run, *row, external_id.as_str(), refused.as_ref())?;
            }
            Work::Renamed { scope, from, to } => {
                past::rename(tx, self.scope(tx, *scope)?, from, to)?;
            }
            Work::Group(scope, feed, id, now) => {
                let scope = self.scope(tx, *scope)?;
                parts::group(tx, scope, *feed, id, now)?;
            }
            Work::Profile {
                run,
                profile,
                resets,
            } => {
                let RunMemory { scope, feed, .. } = self.run(tx, *run)?;
                past::write_profile(tx, (scope, feed, *run), profile, *resets)?;
            }
            Work::OpenHold { hold, id } => *id = Some(self.open_hold(tx, hold)?),
            Work::HoldSeen(hold, run, moved) => holds::note_seen(tx, (*hold, *run), moved)?,
            Work::Released(hold, people) => holds::release(tx, *hold, people)?,
            Work::ClaimHold {
                hold,
                run,
                is_claimed,
            } => *is_claimed = holds::claim(tx, *hold, *run)?,
            Work::HoldState {
                hold,
                state,
                run,
                at,
            } => {
                if holds::change_state(tx, *hold, *state, *at)? && run.is_some() {
                    let sql = "UPDATE holds SET carried_out_by = ?2, last_run = ?2 WHERE id = ?1";
                    execute(tx, sql, (hold.0, run.map(|run| run.0)))?;
                }
            }
            Work::Flush => {}
        }
        Ok(())
    }

    fn open_hold(&mut self, tx: &Connection, hold: &NewHold) -> Result<HoldId, Failure> {
        let run = self.run(tx, hold.run)?;
        let id = holds::open(tx, run.scope, hold)?;
        for person in hold.people.iter() {
            let reason = self.reason(tx, None, Some(&person.reason))?;
            let changed = self.reason(tx, None, person.changed.as_deref())?;
            holds::add(tx, id, person, (reason, changed))?;
        }
        Ok(id)
    }

    fn start_run(&mut self, tx: &Connection, start: &RunStart) -> Result<RunId, Failure> {
        let scope = self.scope(tx, start.scope)?;
        tx.execute(
            "UPDATE scopes SET system = ?2, base_url = ?3 WHERE id = ?1",
            (scope, &start.system, &start.base_url),
        )?;
        tx.execute(
            "INSERT INTO runs (scope, command, state, feed_path, from_stdin, mapping_path,
                               mapping_sha256, skipped, unchanged, started, pid, host,
                               replaces_key, feed_files)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?9, ?10, ?11, ?12)",
            params![
                scope,
                start.command,
                codes::run_state(RunState::Running),
                start.feed_path,
                start.from_stdin,
                start.mapping_path,
                start.mapping_sha256,
                start.started.as_microsecond(),
                start.pid,
                start.host,
                start.replaces_key,
                codes::from_texts(&start.feed_files),
            ],
        )?;
        let id = RunId(tx.last_insert_rowid());
        note_run(tx, id, &start.host)?;
        let feed = FeedKey::of_mapping(&start.mapping_path);
        self.runs
            .insert(id, RunMemory::new(scope, feed, Duration::ZERO));
        Ok(id)
    }

    fn intend(&mut self, tx: &Connection, run: RunId, intents: &[Intent]) -> Result<(), Failure> {
        self.run(tx, run)?;
        Ok(intents::write(tx, run, intents)?)
    }

    fn not_sent(
        &mut self,
        tx: &Connection,
        run: RunId,
        row: Option<RowNumber>,
        external_id: &ExternalId,
    ) -> Result<(), Failure> {
        self.run(tx, run)?;
        if row.is_none() {
            set_fields::forget_intent(tx, run, external_id.as_str())?;
        }
        Ok(take_back(tx, run, row, external_id.as_str(), true)?)
    }

    fn refused(&mut self, tx: &Connection, run: RunId, id: &ExternalId) -> Result<(), Failure> {
        self.has_refused = Some(true);
        Ok(refused::with_others(tx, self.run(tx, run)?.scope, id)?)
    }

    fn doubt(&mut self, tx: &Connection, doubts: &Doubts) -> Result<(), Failure> {
        self.has_doubts = None;
        match doubts {
            Doubts::New(scope, doubts) => doubts::note(tx, self.scope(tx, *scope)?, doubts)?,
            Doubts::Again(run, sent) => {
                let RunMemory { scope, .. } = self.run(tx, *run)?;
                doubts::sent_again(tx, scope, sent)?;
            }
            Doubts::Over(scope, ids) => {
                let scope = self.scope(tx, *scope)?;
                ids.iter()
                    .try_for_each(|id| doubts::settled(tx, scope, id))?;
            }
            Doubts::NotTwice(scope, ids) => {
                let scope = self.scope(tx, *scope)?;
                ids.iter()
                    .try_for_each(|id| doubts::not_twice(tx, scope, id))?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, tx: &Connection, run: RunId, settled: &Settled) -> Result<(), Failure> {
        let known = self.run(tx, run)?;
        let at = known.millis();
        let id = settled.external_id.as_ref().map(ExternalId::as_str);
        let (outcome, awaited) = if settled.awaits_groups {
            (Outcome::Pending, Some(codes::outcome(settled.outcome)))
        } else {
            (settled.outcome, None)
        };
        if settled.outcome == Outcome::Pending {
            take_back(tx, run, settled.row, id.unwrap_or(""), false)?;
        } else {
            let reason = self.reason(tx, settled.code, settled.message.as_deref())?;
            let changed = self.reason(tx, None, settled.changed.as_deref())?;
            let (row, leaver, external_id) = key(settled.row, id);
            tx.prepare_cached(
                "INSERT INTO rows (run, row, leaver, external_id, action, outcome, status,
                                   attempts, reason, at, awaited, changed, hold, former)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                 ON CONFLICT DO UPDATE SET
                     external_id = coalesce(excluded.external_id, external_id),
                     action = coalesce(excluded.action, action), outcome = excluded.outcome,
                     status = excluded.status, attempts = excluded.attempts,
                     reason = excluded.reason, at = excluded.at, awaited = excluded.awaited,
                     changed = coalesce(excluded.changed, changed), hold = excluded.hold,
                     former = coalesce(excluded.former, former)",
            )?
            .execute(params![
                run.0,
                row,
                leaver,
                external_id,
                settled.action.map(codes::action),
                codes::outcome(outcome),
                settled.status,
                settled.attempts,
                reason,
                at,
                awaited,
                changed,
                settled.hold.map(|hold| hold.0),
                settled.rekeyed_from.as_ref().map(ExternalId::as_str),
            ])?;
        }
        let RunMemory { scope, feed, .. } = known;
        if let Some(id) = id {
            doubts::take_in(tx, (scope, feed, id), settled, &mut self.has_doubts)?;
            refused::take_in(tx, (scope, id), settled, &mut self.has_refused)?;
        }
        if let (Some(id), Some(from)) = (id, &settled.rekeyed_from) {
            people::rekey(tx, scope, from.as_str(), id)?;
        }
        if let (Some(id), Some(person)) = (id, &settled.person) {
            parts::rekey(tx, scope, id, &person.acknowledged)?;
            people::write(tx, scope, feed, id, person)?;
        }
        let of_run = (scope, run);
        Ok(set_fields::take_in(tx, of_run, settled, &mut self.has_set)?)
    }

    /// The groups of a row are done, or one of them refused the person.
    fn joined(
        &mut self,
        tx: &Connection,
        run: RunId,
        row: RowNumber,
        external_id: &str,
        refused: Option<&(Outcome, String)>,
    ) -> Result<(), Failure> {
        let known = self.run(tx, run)?;
        let message = refused.map(|(_, message)| message.as_str());
        let reason = self.reason(tx, message.map(|_| "group"), message)?;
        let outcome = refused.map(|(outcome, _)| codes::outcome(*outcome));
        execute(
            tx,
            "UPDATE rows SET outcome = coalesce(?5, awaited), reason = coalesce(?4, reason),
                             awaited = NULL, at = ?3
             WHERE run = ?1 AND row = ?2 AND leaver = '' AND awaited IS NOT NULL",
            (run.0, i64::from(row), known.millis(), reason, outcome),
        )?;
        if refused.is_none() {
            execute(
                tx,
                "UPDATE people SET fingerprint = awaited, keyed = 1, awaited = NULL
                 WHERE scope = ?1 AND external_id = ?2 AND awaited IS NOT NULL
                   AND (SELECT outcome FROM rows
                        WHERE run = ?3 AND row = ?4 AND leaver = '') IN (1, 2, 3)",
                (known.scope, external_id, run.0, i64::from(row)),
            )?;
        }
        Ok(())
    }

    fn scope(&mut self, tx: &Connection, scope: Scope) -> rusqlite::Result<i64> {
        if let Some(&id) = self.scopes.get(&scope) {
            return Ok(id);
        }
        tx.execute(
            "INSERT INTO scopes (digest) VALUES (?1) ON CONFLICT DO NOTHING",
            [scope.bytes()],
        )?;
        let id = tx.query_row(
            "SELECT id FROM scopes WHERE digest = ?1",
            [scope.bytes()],
            |row| row.get(0),
        )?;
        self.scopes.insert(scope, id);
        Ok(id)
    }

    /// What is remembered of a run. Also checks that it exists: a row without a
    /// run would be lost.
    fn run(&mut self, tx: &Connection, run: RunId) -> Result<RunMemory, Failure> {
        if let Some(&known) = self.runs.get(&run) {
            return Ok(known);
        }
        // A killed run did not record how long it took: its last row shows it.
        let known = tx
            .query_row(
                "SELECT scope, elapsed, (SELECT max(at) FROM rows WHERE run = runs.id),
                        mapping_path
                 FROM runs WHERE id = ?1",
                [run.0],
                |row| {
                    let elapsed = Duration::from_micros(natural(row.get(1)?));
                    let last = row.get::<_, Option<i64>>(2)?.map(millis);
                    let before = elapsed.max(last.unwrap_or_default());
                    let feed = FeedKey::of_mapping(row.get_ref(3)?.as_str()?);
                    Ok(RunMemory::new(row.get(0)?, feed, before))
                },
            )
            .optional()?
            .ok_or(Failure::NoRun(run))?;
        self.runs.insert(run, known);
        Ok(known)
    }

    /// The number of a code and a message.
    fn reason(
        &mut self,
        tx: &Connection,
        code: Option<&str>,
        message: Option<&str>,
    ) -> rusqlite::Result<Option<i64>> {
        if code.is_none() && message.is_none() {
            return Ok(None);
        }
        // No code holds a line break, so the two cannot run together.
        let key = match message {
            Some(message) => format!("{}\n{message}", code.unwrap_or("")),
            None => code.unwrap_or("").to_owned(),
        };
        if let Some(&id) = self.reasons.get(&key) {
            return Ok(Some(id));
        }
        tx.prepare_cached("INSERT INTO reasons (code, message) VALUES (?1, ?2)")?
            .execute((code, message))?;
        let id = tx.last_insert_rowid();
        if self.reasons.len() >= MAX_REASONS {
            self.reasons.clear();
        }
        self.reasons.insert(key, id);
        Ok(Some(id))
    }
}

/// Makes a row pending again, that is, not stored.
fn take_back(
    tx: &Connection,
    run: RunId,
    row: Option<RowNumber>,
    external_id: &str,
    only_open: bool,
) -> rusqlite::Result<()> {
    let (row, leaver, _) = key(row, Some(external_id));
    execute(
        tx,
        "DELETE FROM rows
         WHERE run = ?1 AND row = ?2 AND leaver = ?3 AND (outcome IS NULL OR NOT ?4)",
        (run.0, row, leaver, only_open),
    )
}

/// The key of a row or a leaver, and the value of `external_id`.
pub(super) fn key(row: Option<RowNumber>, external_id: Option<&str>) -> (i64, &str, Option<&str>) {
    match row {
        Some(row) => (i64::from(row), "", external_id),
        None => (codes::LEAVER, external_id.unwrap_or(""), None),
    }
}

/// Runs a cached statement.
pub(super) fn execute(tx: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<()> {
    tx.prepare_cached(sql)?.execute(params).map(drop)
}

/// Whether a table has rows. It is asked unless `known` says it.
pub(super) fn has_rows(
    tx: &Connection,
    table: &str,
    known: &mut Option<bool>,
) -> rusqlite::Result<bool> {
    if let Some(known) = *known {
        return Ok(known);
    }
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
    let has_rows = (tx.prepare_cached(&sql)?).query_row((), |row| row.get(0))?;
    Ok(*known.insert(has_rows))
}
