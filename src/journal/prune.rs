//! Old runs leave the journal, unless something still needs them.
//!
//! What is known of people stays, and so does every run that a later one is judged by:
//! a journal that was pruned decides as it would have decided without.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::model::{HoldKind, RunState};

use super::codes::{self, coded, natural, time};
use super::earlier;
use super::error::JournalError;
use super::ids::{FeedKey, RunId, Scope};
use super::lock::{LockError, ScopeLock};
use super::open::Journal;
use super::sent::last_sent;

/// What a mapping still needs of its earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What they did within that number of days.
    pub days: u32,
    /// How many of their good feeds count, the latest ones.
    pub feeds: u32,
}

/// Which runs are to go.
pub struct Pruning<'a> {
    /// Those that ended before.
    pub before: Timestamp,
    /// What time it is.
    pub now: Timestamp,
    /// Only those of this scope and mapping.
    pub only: Option<(Scope, String)>,
    /// What the mapping at a path still needs.
    pub needed: &'a dyn Fn(&str) -> Needed,
}

/// Why a run stays that is old enough to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptFor {
    /// It has not finished and can be resumed.
    Unfinished,
    /// No later run of its mapping has finished.
    Latest,
    /// A limit of its mapping counts what it did.
    Limit,
    /// The next feeds are compared with its feed.
    Profile,
    /// People are missing since its feed, or their `grace` counts it.
    Grace,
    /// A hold is of it that can still be decided, or is carried out by it.
    Hold,
    /// It is the last of its LMS and key that sent anything: plans that are kept are held
    /// against it.
    Plans,
}

impl KeptFor {
    /// How scripts call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Latest => "latest",
            Self::Limit => "limit",
            Self::Profile => "profile",
            Self::Grace => "grace",
            Self::Plans => "plans",
            Self::Hold => "hold",
        }
    }
}

/// What can go, and what stays although it is as old.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prunable {
    /// The runs, oldest first.
    pub runs: Vec<RunId>,
    /// How many rows they have.
    pub rows: u64,
    /// Old runs that stay, each with the first reason.
    pub kept: Vec<(RunId, KeptFor)>,
    holds: Vec<i64>,
}

impl Prunable {
    /// How many holds can go.
    #[must_use]
    pub fn holds(&self) -> u64 {
        self.holds.len() as u64
    }

    /// Whether nothing can go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.holds.is_empty()
    }
}

/// The locks of all scopes: no run writes while they are held.
#[derive(Debug)]
pub struct AllLocks(Vec<ScopeLock>);

/// How large the journal's file was, and is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Before.
    pub before: u64,
    /// Now.
    pub after: u64,
}

/// When the file is written again without what is empty in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    /// Whenever anything is empty.
    Always,
    /// In any case: what was deleted before may be in it still.
    Whole,
    /// Where a quarter of it is: the next nights fill less than that.
    IfWorthIt,
}

/// Rows that are removed in one transaction, about: others wait for no longer.
const ROWS_AT_ONCE: u64 = 20_000;

/// A run, as far as it matters here.
struct Entry {
    id: i64,
    state: RunState,
    ended: Timestamp,
    is_good_feed: bool,
}

/// The runs of each scope and mapping, oldest first.
type Groups = BTreeMap<(i64, String), Vec<Entry>>;

impl AllLocks {
    pub(super) fn each(&self) -> &[ScopeLock] {
        &self.0
    }
}

impl Journal {
    /// What can go.
    pub fn prunable(&self, pruning: &Pruning<'_>) -> Result<Prunable, JournalError> {
        let read = || {
            // One snapshot for all that is read.
            let tx = self.conn.unchecked_transaction()?;
            prunable(&tx, pruning)
        };
        read().map_err(|error| self.sql(error))
    }

    /// Locks all scopes that have runs, or names who holds one.
    pub fn lock_all(&self) -> Result<AllLocks, LockError> {
        let scopes = self.all(
            "SELECT digest FROM scopes WHERE id IN (SELECT scope FROM runs)",
            (),
            |row| Ok(Scope::from_bytes(row.get(0)?)),
        )?;
        let locks = scopes.iter().map(|scope| self.lock(scope));
        Ok(AllLocks(locks.collect::<Result<_, _>>()?))
    }

    /// Removes what can go. A kill leaves a journal from which some of it is removed.
    /// `locks` are those of its scopes.
    pub fn prune(&self, prunable: &Prunable, locks: &[ScopeLock]) -> Result<(), JournalError> {
        self.overwrite_deleted()?;
        let mut batch = Vec::new();
        let mut rows = 0;
        for run in &prunable.runs {
            rows += rows_of(&self.conn, *run).map_err(|error| self.sql(error))?;
            batch.push(*run);
            if rows >= ROWS_AT_ONCE {
                self.in_one(locks, |tx| remove_runs(tx, &batch))?;
                (batch, rows) = (Vec::new(), 0);
            }
        }
        self.in_one(locks, |tx| {
            remove_runs(tx, &batch)?;
            for hold in &prunable.holds {
                tx.execute("DELETE FROM held WHERE hold = ?1", [hold])?;
                tx.execute("DELETE FROM holds WHERE id = ?1", [hold])?;
            }
            Ok(())
        })
    }

    /// [`Journal::prune`] while nobody writes.
    pub fn prune_all(&self, prunable: &Prunable, locks: &AllLocks) -> Result<(), JournalError> {
        self.prune(prunable, &locks.0)
    }

    /// Removes texts that no row has any more, and gives the disk back what is empty.
    /// Needs room for a second copy of the file meanwhile. `None` where it was not worth
    /// it.
    pub fn pack(&self, pack: Pack, locks: &AllLocks) -> Result<Option<Packed>, JournalError> {
        self.overwrite_deleted()?;
        // A run that writes remembers numbers of texts: that is why none may.
        self.in_one(&locks.0, remove_unused_texts)?;
        let pages = |name| self.conn.pragma_query_value(None, name, |row| row.get(0));
        let counts = || {
            Ok((
                natural(pages("freelist_count")?),
                natural(pages("page_count")?),
            ))
        };
        let (free, all) = counts().map_err(|error: rusqlite::Error| self.sql(error))?;
        let is_worth_it = match pack {
            Pack::Whole => true,
            Pack::Always => free > 0,
            Pack::IfWorthIt => free >= MIN_FREE_PAGES && free >= all / 4,
        };
        if !is_worth_it {
            return Ok(None);
        }
        self.empty_log()?;
        let before = self.bytes()?;
        let vacuumed = self.conn.execute_batch("VACUUM");
        vacuumed.map_err(|error| self.sql(error))?;
        let is_empty = self.empty_log()?;
        self.place.check()?;
        if pack == Pack::Whole && !is_empty {
            return Err(JournalError::Busy(self.path().into()));
        }
        let after = self.bytes()?;
        Ok(Some(Packed { before, after }))
    }

    /// From now on, what this handle deletes is overwritten in the file.
    pub(super) fn overwrite_deleted(&self) -> Result<(), JournalError> {
        let set = self.conn.pragma_update(None, "secure_delete", true);
        set.map_err(|error| self.sql(error))
    }

    /// Writes the log into the file, and empties it as far as nobody reads it.
    pub(super) fn empty_log(&self) -> Result<bool, JournalError> {
        let is_busy = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
        is_busy
            .map(|is_busy: bool| !is_busy)
            .map_err(|error| self.sql(error))
    }

    fn bytes(&self) -> Result<u64, JournalError> {
        let failed = |error| JournalError::File(self.path().into(), std::sync::Arc::new(error));
        Ok(fs::metadata(self.path()).map_err(failed)?.len())
    }

    /// One transaction, while the locks are held.
    pub(super) fn in_one<T>(
        &self,
        locks: &[ScopeLock],
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        for lock in locks {
            match lock.is_held() {
                Ok(true) => {}
                Ok(false) => return Err(JournalError::LockLost(self.path().into())),
                Err(error) => {
                    let error = std::sync::Arc::new(error);
                    return Err(JournalError::LockFile(self.path().into(), error));
                }
            }
        }
        let write = || {
            // Dropped without a commit, it is rolled back.
            let tx = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        let done = write().map_err(|error| self.sql(error))?;
        self.place.check()?;
        Ok(done)
    }
}

/// Fewer free pages than these are not worth a new file: a megabyte.
const MIN_FREE_PAGES: u64 = 256;

fn rows_of(conn: &Connection, run: RunId) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT count(*) FROM rows WHERE run = ?1")?
        .query_row([run.0], |row| row.get(0))
        .map(natural)
}

fn remove_runs(tx: &Connection, runs: &[RunId]) -> rusqlite::Result<()> {
    for run in runs {
        tx.execute("DELETE FROM rows WHERE run = ?1", [run.0])?;
        tx.execute("DELETE FROM set_intents WHERE run = ?1", [run.0])?;
        earlier::remove(tx, *run)?;
        tx.execute("DELETE FROM runs WHERE id = ?1", [run.0])?;
    }
    Ok(())
}

fn remove_unused_texts(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch(
        "CREATE TEMP TABLE used (id INTEGER PRIMARY KEY);
         INSERT OR IGNORE INTO used SELECT DISTINCT reason FROM rows WHERE reason IS NOT NULL;
         INSERT OR IGNORE INTO used SELECT DISTINCT changed FROM rows WHERE changed IS NOT NULL;
         INSERT OR IGNORE INTO used SELECT DISTINCT reason FROM held WHERE reason IS NOT NULL;
         INSERT OR IGNORE INTO used SELECT DISTINCT changed FROM held WHERE changed IS NOT NULL;
         DELETE FROM reasons WHERE id NOT IN (SELECT id FROM used);
         DROP TABLE used;",
    )
}

fn prunable(conn: &Connection, pruning: &Pruning<'_>) -> rusqlite::Result<Prunable> {
    let groups = groups(conn)?;
    let only = match &pruning.only {
        Some((scope, mapping)) => Some((scope_id(conn, scope)?, mapping)),
        None => None,
    };
    let is_meant = |scope: i64, mapping: &String| {
        let meant = only.as_ref();
        meant.is_none_or(|(id, path)| *id == Some(scope) && *path == mapping)
    };
    let profiles: HashSet<i64> = column(conn, "SELECT run FROM profiles")?;
    let of_holds: HashSet<i64> = column(
        conn,
        // Open, approved and refused: all that are not closed.
        "SELECT since_run FROM holds WHERE closed IS NULL
         UNION SELECT last_run FROM holds WHERE closed IS NULL
         UNION SELECT carried_out_by FROM holds
               WHERE closed IS NULL AND carried_out_by IS NOT NULL",
    )?;
    let absences = absences(conn)?;
    let mut found = Prunable::default();
    for ((scope, mapping), runs) in &groups {
        if !is_meant(*scope, mapping) {
            continue;
        }
        let last_sent = last_sent(conn, *scope)?.map(|(run, _)| run.0);
        let needed = (pruning.needed)(mapping);
        let counted_from = pruning.now - SignedDuration::from_hours(24 * i64::from(needed.days));
        let finished = runs.iter().filter(|run| run.state == RunState::Finished);
        let last_finished = finished.map(|run| run.id).max();
        let since = absences.get(&(*scope, FeedKey::of_mapping(mapping).0));
        let of_grace = good_feeds(runs, needed.feeds, since);
        for run in runs.iter().filter(|run| run.ended < pruning.before) {
            let is_unfinished = matches!(
                run.state,
                RunState::Running | RunState::Interrupted | RunState::Failed
            );
            let reasons = [
                (is_unfinished, KeptFor::Unfinished),
                (
                    last_finished.is_none_or(|last| run.id >= last),
                    KeptFor::Latest,
                ),
                (run.ended >= counted_from, KeptFor::Limit),
                (profiles.contains(&run.id), KeptFor::Profile),
                (of_grace.contains(&run.id), KeptFor::Grace),
                (of_holds.contains(&run.id), KeptFor::Hold),
                (last_sent == Some(run.id), KeptFor::Plans),
            ];
            let id = RunId(run.id);
            if let Some((_, why)) = reasons.into_iter().find(|(is_needed, _)| *is_needed) {
                found.kept.push((id, why));
            } else {
                found.rows += rows_of(conn, id)?;
                found.runs.push(id);
            }
        }
    }
    found.runs.sort_unstable();
    found.kept.sort_unstable();
    let gone: HashSet<i64> = found.runs.iter().map(|run| run.0).collect();
    let all = groups.values().flatten().map(|run| run.id);
    let staying: HashSet<i64> = all.filter(|id| !gone.contains(id)).collect();
    found.holds = old_holds(conn, pruning.before, &staying, is_meant)?;
    Ok(found)
}

/// The good feeds that `grace` may count: the latest ones, and the one since which somebody
/// is missing.
fn good_feeds(runs: &[Entry], latest: u32, since: Option<&BTreeSet<i64>>) -> HashSet<i64> {
    let good: Vec<i64> = (runs.iter().filter(|run| run.is_good_feed))
        .map(|run| run.id)
        .collect();
    // Whether the next file is another one, the last good feed says.
    let latest = good.iter().rev().take(latest.max(1) as usize).copied();
    let first_since = |since: &i64| good.iter().find(|id| *id >= since).copied();
    let since = since.into_iter().flatten().filter_map(first_since);
    latest.chain(since).collect()
}

fn groups(conn: &Connection) -> rusqlite::Result<Groups> {
    let mut groups = Groups::new();
    let mut statement = conn.prepare(
        "SELECT id, scope, mapping_path, state, coalesce(ended, started), good_feed
         FROM runs ORDER BY id",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let run = Entry {
            id: row.get(0)?,
            state: coded(row, 3, codes::to_run_state)?,
            ended: coded(row, 4, time)?,
            is_good_feed: row.get(5)?,
        };
        let group = groups.entry((row.get(1)?, row.get(2)?));
        group.or_default().push(run);
    }
    Ok(groups)
}

/// The runs since which somebody is missing from a feed, by scope and feed.
fn absences(conn: &Connection) -> rusqlite::Result<HashMap<(i64, i64), BTreeSet<i64>>> {
    let mut absences: HashMap<_, BTreeSet<_>> = HashMap::new();
    let mut statement = conn.prepare("SELECT DISTINCT scope, feed, since FROM absences")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let since = absences.entry((row.get(0)?, row.get(1)?));
        since.or_default().insert(row.get(2)?);
    }
    Ok(absences)
}

/// Closed holds that no run which stays was about. Who was renumbered by one stays known, and
/// so does the last decision: plans that are kept are held against it.
fn old_holds(
    conn: &Connection,
    before: Timestamp,
    staying: &HashSet<i64>,
    is_meant: impl Fn(i64, &String) -> bool,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement = conn.prepare(
        "SELECT id, scope, mapping_path, remainder_of, since_run, last_run, carried_out_by,
                closed IS NOT NULL AND closed < ?1
                AND NOT (kind = ?2 AND EXISTS (SELECT 1 FROM held WHERE hold = holds.id
                                                      AND known_as IS NOT NULL))
                AND (decided IS NULL
                     OR decided < (SELECT max(decided) FROM holds AS other
                                   WHERE other.scope = holds.scope))
         FROM holds ORDER BY id DESC",
    )?;
    let renumbered = codes::hold_kind(HoldKind::Renumbered);
    let mut rows = statement.query((before.as_microsecond(), renumbered))?;
    let (mut old, mut ancestors) = (Vec::new(), HashSet::new());
    // Newest first: a hold is older than what is left of it.
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let runs: [Option<i64>; 3] = [row.get(4)?, row.get(5)?, row.get(6)?];
        let is_shown = runs.iter().flatten().any(|run| staying.contains(run));
        let is_old: bool = row.get(7)?;
        if is_old && !is_shown && !ancestors.contains(&id) && is_meant(row.get(1)?, &row.get(2)?) {
            old.push(id);
        } else {
            ancestors.extend(row.get::<_, Option<i64>>(3)?);
        }
    }
    Ok(old)
}

fn scope_id(conn: &Connection, scope: &Scope) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT max(id) FROM scopes WHERE digest = ?1";
    conn.query_row(sql, [scope.bytes()], |row| row.get(0))
}

fn column(conn: &Connection, sql: &str) -> rusqlite::Result<HashSet<i64>> {
    conn.prepare(sql)?
        .query_map((), |row| row.get(0))?
        .collect()
}
